/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random numbers for fuzzing: xorshift64*, the same from the same seed everywhere, and
 * cheaper than g_test_rand.
 */

#ifndef TESTS_LIB_CHANCE_H
#define TESTS_LIB_CHANCE_H

#include "base/types.h"

typedef struct { u64 state; } Chance;

static inline u64 chance_next(Chance *c)
{
    c->state ^= c->state >> 12;
    c->state ^= c->state << 25;
    c->state ^= c->state >> 27;
    return c->state * 0x2545f4914f6cdd1d;
}

/* Small seeds differ in few bits; the generator needs many. */
static inline Chance chance_new(u64 seed)
{
    Chance c = { (seed * 0x9e3779b97f4a7c15 ^ 0x6a09e667f3bcc908) | 1 };

    for (unsigned i = 0; i < 16; i++) {
        chance_next(&c);
    }
    return c;
}

/* 0 to n - 1. */
static inline u64 chance_below(Chance *c, u64 n)
{
    return (chance_next(c) >> 16) % n;
}

static inline bool chance_one_in(Chance *c, u64 n)
{
    return chance_below(c, n) == 0;
}

#endif
