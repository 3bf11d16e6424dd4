/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of nodes: flat lists of dotted keys ("file.cache.direct"), from -drive,
 * -blockdev (text or JSON) and "json:" file names; who understands a key takes it out.
 * Main thread.
 */

#ifndef BLOCK_OPTIONS_H
#define BLOCK_OPTIONS_H

#include "base/field.h"
#include "base/keyval.h"

/* A JSON object as pairs with dotted keys; true and false are on and off. */
KeyVals *options_from_json(const char *text, GError **err) must_check;
/* -blockdev: JSON if it begins with '{', otherwise key=value. */
KeyVals *options_from_text(const char *text, const char *implied,
                           GError **err) must_check;

/* Moves the pairs whose key begins with "NAME." out, and cuts that off. */
KeyVals *options_sub(KeyVals *options, const char *name);
/* Moves all of `from` into `to`, each key behind "NAME." (NULL: as it is). */
void options_merge(KeyVals *to, const char *name, KeyVals *from);

/*
 * Sets `record` to the rows' defaults, then to what the options say, and takes that
 * out.  False: a bad value, or a required one is missing.
 */
bool options_take(const Field *fields, void *record, KeyVals *options,
                  GError **err) must_check;

/* False and an error if something is left: "what: there is no option 'x'". */
bool options_empty(const KeyVals *options, const char *what, GError **err) must_check;

#endif
