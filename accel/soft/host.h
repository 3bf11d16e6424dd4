/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running one guest instruction on the host's CPU.
 *
 * x87, MMX and SSE are hard to imitate and the host has them: so such an instruction is
 * executed by a small piece of generated code, a stub, that loads the operands into
 * fixed host registers, executes the very instruction with these registers in its ModRM
 * byte, and stores the result:
 *
 *     guest   addps %xmm9, %xmm3          stub(&xmm3, &xmm9, regs):    movups (%rdi),
 *     %xmm2
 *                                                                      movups (%rsi),
 *                                                                      %xmm1 addps
 *                                                                      %xmm1, %xmm2
 *                                                                      movups %xmm2,
 *                                                                      (%rdi)
 *
 * There is one stub per row of the opcode table, operand width and immediate, made when
 * it is first needed.  Results, rounding, flags and exceptions are the host's.  An
 * unmasked SSE exception traps on the host too: the SIGFPE handler lets the stub return
 * with `fault` set.  Code memory is mapped twice, writable and executable.
 *
 * Stubs are shared by all vCPUs; any thread.
 */

#ifndef ACCEL_SOFT_HOST_H
#define ACCEL_SOFT_HOST_H

#include "accel/soft/insn.h"

/* What a stub takes and returns besides its two operands. */
typedef struct {
    u64 rax, rcx, rdx;
    u8 xmm0[16];                /* the third operand of BLENDV */
    u32 mxcsr;                  /* guest's, in and out */
    u32 host_mxcsr;
    u32 fault; /* an unmasked SSE exception: nothing was stored but mxcsr */
    u16 arith;                  /* flags in and out, as in cpu.h */
    u16 pad;
    u64 r9;                     /* VEX: the register in vvvv */
} HostRegs;

/* The vectors of a VEX stub, its `dst`: registers, or memory's bytes in `rm`. */
typedef struct {
    u8 reg[32], rm[32], vvvv[32], last[32];
} __attribute__((aligned(32))) HostVectors;

/*
 * dst: 16 bytes of an XMM register, 8 of an MMX register, or the FXSAVE area for x87;
 * src: likewise, or memory's bytes. Both are read; dst is written.
 */
typedef void HostStub(void *dst, const void *src, HostRegs *regs);

/* What kind of register an operand of an SSE or MMX row is. */
typedef enum { HOST_NONE, HOST_XMM, HOST_MM, HOST_GPR } HostReg;     /* XMM: or YMM */
HostReg host_register(Operand operand);

/*
 * The stub for a row; `insn` gives the operand width and the immediate.  NULL: no
 * memory for code (the caller raises #UD).
 */
HostStub *host_stub(const Insn *insn);

/*
 * The stub for an x87 row: `modrm` of the register form, or of the memory form with its
 * bytes at src.
 */
HostStub *host_stub_x87(u8 opcode, u8 modrm);

/* Maps code memory and installs the SIGFPE handler, once per process. */
bool host_open(GError **err) must_check;

#endif
