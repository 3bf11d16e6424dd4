/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources of random bytes that have a name: what "-device virtio-rng-pci,rng=ID" finds.
 * rng_read from any thread; the rest on the main thread.
 */

#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "base/types.h"

typedef struct Rng Rng;

/* Reads from a file: a character device, or whatever else gives bytes. */
Rng *rng_open_file(const char *id, const char *path, GError **err) must_check;
/* Asks the host's kernel. */
Rng *rng_open_builtin(const char *id);
void rng_close(Rng *rng);                       /* NULL is allowed */

Rng *rng_find(const char *id);                  /* NULL: there is none */

/*
 * Fills `to`; never blocks for long.  False if the source has no more bytes (now or
 * ever).  NULL is the host's kernel.
 */
bool rng_read(Rng *rng, void *to, size_t n) must_check;

#endif
