/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of option values: "a=b,flag,c=d".  A bare word is word=on ("noword" is
 * word=off); ",," is a literal comma; the first word without '=' is the value of the
 * implied key.  A later key overrides an earlier one.  Dotted keys ("file.driver") are
 * kept as they are written.
 */

#ifndef BASE_KEYVAL_H
#define BASE_KEYVAL_H

#include "base/types.h"

typedef struct {
    char *key, *value;
    bool bare;              /* written without '=' */
} KeyVal;

typedef struct {
    KeyVal *pair;           /* in the order written */
    unsigned n;
} KeyVals;

/* Parses `text`; `implied` may be NULL.  Fails on an empty key or "=x". */
KeyVals *keyvals_parse(const char *text, const char *implied, GError **err) must_check;
void keyvals_free(KeyVals *kv);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyVals, keyvals_free)

/* The last value of `key`, or NULL. */
const char *keyvals_get(const KeyVals *kv, const char *key);

/*
 * Takes the last value of `key` out (all pairs of that key go); NULL if there was none.
 * Caller frees.
 */
char *keyvals_take(KeyVals *kv, const char *key);

/* Adds or replaces. */
void keyvals_set(KeyVals *kv, const char *key, const char *value);

/*
 * Numbers as QEMU takes them.  A size has a suffix (K M G T, any case) or `unit` as its
 * multiplier.
 */
bool number_parse(const char *text, u64 min, u64 max, u64 *out) must_check;
bool size_parse(const char *text, u64 unit, u64 *bytes) must_check;

/*
 * The nearest of `names` (NULL-terminated) to `name` by edit distance, or NULL when
 * nothing is near.
 */
const char *nearest_name(const char *name, const char *const *names);

#endif
