/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the x87, MMX and SSE instructions share: where registers lie in the FXSAVE area,
 * when they may be used, and how their memory operands are reached.
 */

#ifndef ACCEL_SOFT_SIMD_H
#define ACCEL_SOFT_SIMD_H

#include "accel/soft/host.h"
#include "accel/soft/mmu.h"

/* Offsets in the FXSAVE area (SDM vol. 1, table 10-2), 64-bit form. */
enum {
    FX_FCW = 0,
    FX_FSW = 2,
    FX_FTW = 4,
    FX_FOP = 6,
    FX_FIP = 8,
    FX_FDP = 16,
    FX_MXCSR = 24,
    FX_MXCSR_MASK = 28,
    FX_ST = 32,
    FX_XMM = 160,
};
enum {
    FSW_ES = 1 << 7, FSW_TOP_SHIFT = 11, MXCSR_RESET = 0x1f80, MXCSR_BITS = 0xffff,
    HOST_MXCSR = 0x1f80,
};

static inline u8 *cpu_xmm(Cpu *cpu, unsigned n)
{
    return cpu->fx + FX_XMM + 16 * n;
}

static inline u16 fx_get16(const Cpu *cpu, unsigned at)
{
    u16 value;

    memcpy(&value, cpu->fx + at, sizeof value);
    return value;
}

static inline void fx_set16(Cpu *cpu, unsigned at, u16 value)
{
    memcpy(cpu->fx + at, &value, sizeof value);
}

static inline u32 cpu_mxcsr(const Cpu *cpu)
{
    u32 value;

    memcpy(&value, cpu->fx + FX_MXCSR, sizeof value);
    return value;
}

static inline void cpu_set_mxcsr(Cpu *cpu, u32 value)
{
    memcpy(cpu->fx + FX_MXCSR, &value, sizeof value);
}

/* SDM vol. 3, 13.1: #UD without OS support, #NM while CR0.TS is set. */
static inline void sse_check(Cpu *cpu)
{
    if (unlikely((cpu->cr0 & (CR0_EM | CR0_TS)) || !(cpu->cr4 & CR4_OSFXSR))) {
        cpu_raise(cpu,
                  (cpu->cr0 & CR0_EM) || !(cpu->cr4 & CR4_OSFXSR) ? EXC_UD : EXC_NM);
    }
}

/* The XSAVE components that are not in their initial state; xsave.c. */
u64 xsave_in_use(const Cpu *cpu);

/* #MF for an exception that an earlier x87 instruction left pending; x87.c. */
void x87_check_pending(Cpu *cpu);
void mmx_check(Cpu *cpu);
/*
 * Turns the register file so that MMn is at FX_ST + 16 n, and marks all valid (SDM vol.
 * 1, 9.5.1); #MF before that.
 */
void mmx_begin(Cpu *cpu);

static inline u8 *cpu_mm(Cpu *cpu, unsigned n)
{
    return cpu->fx + FX_ST + 16 * (n & 7);
}

/* The exponent of a written MMX register is all ones. */
static inline void mmx_written(Cpu *cpu, unsigned n)
{
    memset(cpu_mm(cpu, n) + 8, 0xff, 2);
}

/*
 * 1, 2, 4, 8 or 16 bytes of a memory operand.  Of 16 bytes no alignment is checked, as
 * on the host.
 */
static inline void simd_load(Cpu *cpu, gva at, void *to, unsigned n)
{
    u64 low, high;

    if (n == 16 && likely(in_one_page(at, 16) && !cpu->data_checks)) {
        low = cpu_load64(cpu, at);
        high = cpu_load64(cpu, at + 8);
        memcpy(to, &low, 8);
        memcpy((u8 *)to + 8, &high, 8);
    } else if (n == 8) {
        low = cpu_load64(cpu, at);
        memcpy(to, &low, 8);
    } else {
        mmu_read(cpu, at, to, n);
    }
}

static inline void simd_store(Cpu *cpu, gva at, const void *from, unsigned n)
{
    u64 low, high;

    if (n == 16 && likely(in_one_page(at, 16) && !cpu->data_checks)) {
        memcpy(&low, from, 8);
        memcpy(&high, (const u8 *)from + 8, 8);
        cpu_store64(cpu, at, low);
        cpu_store64(cpu, at + 8, high);
    } else if (n == 8) {
        memcpy(&low, from, 8);
        cpu_store64(cpu, at, low);
    } else {
        mmu_write(cpu, at, from, n);
    }
}

/* The linear address of a 16-byte operand, aligned if the row says so. */
static inline gva simd_linear(Cpu *cpu, const Insn *insn, unsigned n, Access access,
                              bool align)
{
    gva at = insn_linear(cpu, insn, n, access);

    if (align && unlikely(at & 15) && n == 16) {
        cpu_gp(cpu, 0);
    }
    return at;
}

/*
 * Runs the stub; raises #XM (or #UD, without OS support) with only MXCSR changed; sets
 * flags if the row does.
 */
void simd_run(Cpu *cpu, const Insn *insn, const Opcode *row, void *dst, const void *src,
              HostRegs *regs);

/* What rows are made of: simd.c has the functions, simd_rows.c the table. */

OpFn simd_op, simd_blendv, simd_string, simd_load_op, simd_store_op, simd_movs_load,
    simd_movs_store, simd_movlh, simd_movq_load, simd_mask_move, simd_movq2dq,
    simd_movdq2q, simd_emms, simd_shift_imm;

#endif
