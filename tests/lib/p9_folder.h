/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A folder that is shared, for tests: a temporary one with "share" and, beside it,
 * "secret", which no guest may reach.
 */

#ifndef TESTS_LIB_P9_FOLDER_H
#define TESTS_LIB_P9_FOLDER_H

#include "fsdev/share.h"

#define SECRET_TEXT "nobody may read this"

typedef struct {
    char *top, *share;              /* paths */
} P9Folder;

P9Folder *folder_new(void);
void folder_free(P9Folder *f);      /* with all that is in it; shares are closed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(P9Folder, folder_free)

/* Shares it with further options: "security_model=none". */
Share *folder_share(const P9Folder *f, const char *options);
/* The path of a name in the share; until the next call. */
const char *folder_path(const P9Folder *f, const char *name);
void folder_write(const P9Folder *f, const char *name, const char *text);
/* Extended attributes can be had there. */
bool folder_has_attributes(const P9Folder *f);
/* Nothing beside the share has changed, and nothing has come. */
void folder_assert_untouched(const P9Folder *f);

#endif
