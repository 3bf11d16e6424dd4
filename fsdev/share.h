/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared folders: folders of this host that guests may use (-fsdev).
 *
 * Making and finding them: the main thread.
 */

#ifndef FSDEV_SHARE_H
#define FSDEV_SHARE_H

#include "base/field.h"

typedef struct Share Share;

/*
 * "local,id=ID,path=PATH,security_model=MODEL,...": fails on an unknown driver or key,
 * a duplicate id, a folder that can't be opened.
 */
bool share_add(const char *options, GError **err) must_check;
/* NULL and an error that names it: there is none. */
Share *share_find(const char *id, GError **err) must_check;
void shares_close_all(void);
void shares_help(GString *out);                 /* -fsdev help */
bool share_help(const char *driver, GString *out, GError **err) must_check;

#endif
