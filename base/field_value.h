/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core's own files need to know about rows beyond base/field.h: single values,
 * and the steps of parsing for an object whose rows stand in several tables
 * (hw/core/device.c).
 */

#ifndef BASE_FIELD_VALUE_H
#define BASE_FIELD_VALUE_H

#include "base/field.h"
#include "base/keyval.h"

/* Element `i` of a UINT or BOOL row. */
u64 field_get(const Field *field, const void *record, unsigned i);
void field_put(const Field *field, void *record, unsigned i, u64 value);
str *field_str(const Field *field, const void *record);

/* The largest value a row takes, said or implied by its type or its names. */
u64 field_max(const Field *field);

/* The name as a user writes it: '-' where C has '_'.  Caller frees. */
char *field_label(const Field *field) must_check;

/* Appends what a right value is: "a number from 1 to 64", "on or off". */
void field_describe(const Field *field, GString *out);

/* The row a pair means, and the text for it; NULL if there is none. */
const Field *field_of_pair(const Field *fields, const KeyVal *pair, const char **text);

/* "no option 'x'; did you mean 'y'?" */
void error_no_option(GError **err, const KeyVal *pair, const char *const *names);
void fields_labels(const Field *fields, GPtrArray *labels);     /* which frees them */

/* True if every required row is among `given` (a set of Field *). */
bool fields_complete(const Field *fields, GHashTable *given, GError **err) must_check;

#endif
