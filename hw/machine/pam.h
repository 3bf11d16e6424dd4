/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PAM segments (82P35 data sheet, 5.1.16 to 5.1.22): thirteen pieces of
 * 0xc0000-0xfffff, each of which is ROM, RAM, or one for reading and the other for
 * writing.
 *
 *     WE RE   reads       writes
 *      0  0   ROM         nowhere
 *      0  1   RAM         nowhere
 *      1  0   ROM         RAM
 *      1  1   RAM         RAM
 *
 * RAM lies below everything at priority 0; what differs from it lies above.  Under the
 * machine lock.
 */

#ifndef HW_MACHINE_PAM_H
#define HW_MACHINE_PAM_H

#include "hw/core/machine.h"

enum {
    PAM_BASE = 0xc0000, PAM_END = 0x100000, PAM_SEGMENTS = 13,
    PAM_READ = 1, PAM_WRITE = 2, PAM_ROM_MAX = 128 << 10,
};

typedef struct {
    Machine *machine;
    gpa base;
    u8 mode;                /* PAM_READ | PAM_WRITE */
    Region rom;             /* executable ROM; from 0xe0000 on */
    Region mixed;           /* ROM read, RAM written; or nothing at all */
    Region ram;             /* RAM that is only read */
} PamSegment;

/* All of RAM below 1 MiB must be there.  Starts as ROM, zeroes until pam_set_rom. */
bool pam_open(PamSegment *segments, Machine *machine, GError **err) must_check;
void pam_close(PamSegment *segments);
void pam_set_rom(PamSegment *segments, const u8 *bytes, size_t n);

/* Follows the seven PAM registers. */
void pam_update(PamSegment *segments, const u8 *registers);

#endif
