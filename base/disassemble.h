/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instruction as text, by Zydis where this program was built with it.  Any thread.
 */

#ifndef BASE_DISASSEMBLE_H
#define BASE_DISASSEMBLE_H

#include "base/types.h"

enum { INSN_LONGEST = 15 };             /* bytes (SDM vol. 2, 2.3.11) */

/*
 * Puts what is at address `at`, in code of 16, 32 or 64 `bits`, into `text`, in AT&T's
 * syntax.  Returns its length in bytes, 1 for what is none; 0: there is no disassembler.
 */
unsigned disassemble(unsigned bits, u64 at, const u8 *bytes, size_t n, char *text,
                     size_t size);

#endif
