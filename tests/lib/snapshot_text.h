/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot's folder as text that people can read and change, and back.
 *
 *     file NAME BYTES          a file of the folder, zeroes
 *     at OFFSET HEX            but for these
 *     format N                 now `state`, of this format
 *     section NAME             made of what follows:
 *     bytes HEX                as they are
 *     record NAME HASH         a record of a layout with this hash, and
 *     row NAME SIZE VALUE ...  its rows; N*VALUE repeats, VALUE is hexadecimal
 *
 * Mistakes in a text end the test.
 */

#ifndef TESTS_LIB_SNAPSHOT_TEXT_H
#define TESTS_LIB_SNAPSHOT_TEXT_H

#include "base/types.h"

/* Makes the folder; its `state` has a right checksum. */
void snapshot_from_text(const char *text, const char *dir);
/* Of a snapshot without parents. */
char *snapshot_to_text(const char *dir);

#endif
