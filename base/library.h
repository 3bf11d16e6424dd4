/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared libraries that are loaded when they are first needed: a run that does without
 * one neither maps it nor has pages of its own for its relocations.  The functions are
 * called through a table that is made from one list; their types are the header's:
 *
 *     #define EDIT_FUNCTIONS(row) row(el_init) row(el_end)
 *
 *     static struct { EDIT_FUNCTIONS(LIBRARY_MEMBER) } edit;
 *     static const char *const names[] = { EDIT_FUNCTIONS(LIBRARY_NAME) NULL };
 *     static Library library = { "libedit.so.2", names, (void **)&edit };
 *
 * Any thread.
 */

#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include "base/types.h"

#define LIBRARY_MEMBER(name) typeof(&name) name;
#define LIBRARY_NAME(name)   #name,

typedef struct {
    const char *file;               /* its soname */
    const char *const *names;       /* NULL-terminated */
    void **functions;               /* in the same order; set by library_load */
    bool loaded;
} Library;

/* Does nothing the second time.  False: it is not there, or lacks a function. */
bool library_load(Library *library, GError **err) must_check;

#endif
