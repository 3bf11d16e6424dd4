/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What AMD's CPUs do otherwise than Intel's in user code.  The software CPU does as
 * Intel's do, on every host, so an AMD host is no oracle there.
 */

#ifndef TESTS_LIB_HOST_VENDOR_H
#define TESTS_LIB_HOST_VENDOR_H

#include "accel/soft/insn.h"
#include "accel/soft/opcodes.h"
#include "accel/soft/soft.h"

/* EFLAGS.AC asks for more there: unaligned vectors of AVX. */
bool host_is_amd(void);
/* Of this instruction, as it is encoded; false on other hosts. */
bool host_differs(const Opcode *row, const Insn *insn, const u8 *bytes);
/* Only if it faults. */
bool host_differs_in_faults(const Opcode *row, const Insn *insn, const u8 *bytes);
/*
 * Flags that the manuals leave undefined behind it, where the host leaves them as they
 * were: a translation has not loaded what they were, since it is of no use.
 */
u64 host_flags_kept(const Opcode *row);

#endif
