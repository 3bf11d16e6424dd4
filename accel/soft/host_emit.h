/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the making of stubs (host.h): bytes of code, and what all stubs do.  A stub
 * keeps its HostRegs in r8.
 */

#ifndef ACCEL_SOFT_HOST_EMIT_H
#define ACCEL_SOFT_HOST_EMIT_H

#include "accel/soft/host.h"
#include <string.h>

enum { STUB_BYTES = 160 };

typedef struct {
    u8 byte[STUB_BYTES];
    unsigned n;
} Code;

static inline void emit(Code *c, const char *bytes, unsigned n)
{
    g_assert(c->n + n <= sizeof c->byte);
    memcpy(c->byte + c->n, bytes, n);
    c->n += n;
}
#define EMIT(c, bytes) emit(c, bytes, sizeof bytes - 1)

static inline void emit8(Code *c, u8 byte)
{
    emit(c, (const char *)&byte, 1);
}

/*
 * An instruction whose ModRM names [r8 + disp8]: `bytes` up to the ModRM byte, then its
 * reg field.
 */
static inline void emit_regs(Code *c, const char *bytes, unsigned n, unsigned reg,
                             size_t at)
{
    emit(c, bytes, n);
    emit8(c, 0x40 | reg << 3);                  /* mod 1, rm 0 with REX.B: r8 */
    emit8(c, at);
}
#define EMIT_REGS(c, bytes, reg, member) \
    emit_regs(c, bytes, sizeof bytes - 1, reg, offsetof(HostRegs, member))

static inline void emit_mxcsr_in(Code *c)
{
    EMIT_REGS(c, "\x41\x0f\xae", 2, mxcsr);                 /* ldmxcsr */
}

static inline void emit_host_mxcsr(Code *c)
{
    EMIT_REGS(c, "\x41\x0f\xae", 2, host_mxcsr);
}

/* add $0x7f, %al sets OF from bit 0, and sahf the rest. */
static inline void emit_flags_in(Code *c)
{
    EMIT_REGS(c, "\x41\x0f\xb7", 0, arith);                 /* movzwl arith, %eax */
    EMIT(c, "\x04\x7f\x9e");
}

static inline void emit_flags_out(Code *c)
{
    EMIT(c, "\x9f\x0f\x90\xc0");                            /* lahf; seto %al */
    EMIT_REGS(c, "\x66\x41\x89", 0, arith);                 /* mov %ax, arith */
}

/* The code of a stub for a row behind a VEX prefix; host_vex.c. */
void emit_vex_stub(Code *c, const Opcode *row, const Insn *insn);

#endif
