/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single instructions for sequences (sequence.h).
 */

#ifndef TESTS_LIB_SEQUENCE_INSN_H
#define TESTS_LIB_SEQUENCE_INSN_H

#include "tests/lib/sequence.h"

/* *u becomes an instruction that writes no register but those with values. */
void unit_random_insn(Unit *u, Rng *rng, const Cpu *cpu);

#endif
