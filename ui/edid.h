/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EDID: what a monitor says of itself (VESA E-EDID A.2).  Any thread.
 */

#ifndef UI_EDID_H
#define UI_EDID_H

#include "base/types.h"

enum { EDID_BLOCK = 128, EDID_BYTES = 2 * EDID_BLOCK };

typedef struct {
    u32 width, height;              /* the mode it likes best */
    u32 most_width, most_height;    /* of the modes it lists; 0: the one it likes */
} EdidInfo;

/* A base block and a CTA-861 extension with further modes. */
void edid_make(const EdidInfo *info, u8 edid[EDID_BYTES]);

#endif
