/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87 control and environment: words, FLDENV, FNSTENV, FRSTOR, FNSAVE, FNINIT, FNCLEX
 * (SDM vol. 1, 8.1).  Code and data segment selectors are stored as 0, as CPUID says
 * (FCS and FDS deprecated); the real-mode layout of the pointers is not imitated: they
 * are stored as in protected mode.
 */

#include "accel/soft/x87.h"

enum { ENV16 = 14, ENV32 = 28, REGISTERS = 80 };

/* ---- words ---- */

void x87_fldcw(Cpu *cpu, const Insn *insn)
{
    u16 fcw;

    x87_check(cpu);
    x87_check_pending(cpu);
    fcw = cpu_load16(cpu, insn_linear(cpu, insn, 2, ACCESS_READ));
    fx_set16(cpu, FX_FCW, (fcw & 0x1f7f) | 0x40);
    x87_summarize(cpu);
}

void x87_fnstcw(Cpu *cpu, const Insn *insn)
{
    x87_check(cpu);
    cpu_store16(cpu, insn_linear(cpu, insn, 2, ACCESS_WRITE), fx_get16(cpu, FX_FCW));
}

void x87_fnstsw(Cpu *cpu, const Insn *insn)
{
    x87_check(cpu);
    cpu_store16(cpu, insn_linear(cpu, insn, 2, ACCESS_WRITE), fx_get16(cpu, FX_FSW));
}

void x87_fnstsw_ax(Cpu *cpu, const Insn *insn)
{
    x87_check(cpu);
    cpu->gpr[RAX] = (cpu->gpr[RAX] & ~0xffffull) | fx_get16(cpu, FX_FSW);
}

void x87_fnclex(Cpu *cpu, const Insn *insn)
{
    x87_check(cpu);
    fx_set16(cpu, FX_FSW, fx_get16(cpu, FX_FSW) & 0x7f00);
}

/* FX_ST is in stack order: with TOP going to 0 the registers turn. */
void x87_init(Cpu *cpu)
{
    unsigned top = fx_get16(cpu, FX_FSW) >> FSW_TOP_SHIFT & 7;
    u8 turned[8 * 16];

    for (unsigned i = 0; i < 8; i++) {
        memcpy(turned + 16 * ((top + i) & 7), cpu->fx + FX_ST + 16 * i, 16);
    }
    memcpy(cpu->fx + FX_ST, turned, sizeof turned);
    memset(cpu->fx, 0, FX_MXCSR);
    fx_set16(cpu, FX_FCW, 0x37f);
}

void x87_fninit(Cpu *cpu, const Insn *insn)
{
    x87_check(cpu);
    x87_init(cpu);
}

/* ---- tags: FXSAVE keeps one bit per register, the environment two ---- */

/* 0 valid, 1 zero, 2 special (SDM vol. 1, 8.1.7). */
static unsigned tag_of(const u8 *st)
{
    u64 significand;
    u16 exponent;

    memcpy(&significand, st, 8);
    memcpy(&exponent, st + 8, 2);
    exponent &= 0x7fff;
    if (!exponent && !significand) {
        return 1;
    }
    return exponent && exponent != 0x7fff && significand >> 63 ? 0 : 2;
}

static u16 full_tags(const Cpu *cpu)
{
    unsigned top = fx_get16(cpu, FX_FSW) >> FSW_TOP_SHIFT & 7;
    u16 tags = 0;

    for (unsigned p = 0; p < 8; p++) {
        unsigned tag = cpu->fx[FX_FTW] >> p & 1 ?
                           tag_of(cpu->fx + FX_ST + 16 * ((p - top) & 7)) :
                           3;

        tags |= tag << 2 * p;
    }
    return tags;
}

static u8 short_tags(u16 tags)
{
    u8 valid = 0;

    for (unsigned p = 0; p < 8; p++) {
        valid |= ((tags >> 2 * p & 3) != 3) << p;
    }
    return valid;
}

/* ---- the environment ---- */

static unsigned env_bytes(const Insn *insn)
{
    return (insn->more & INSN2_WIDTH) == 1 ? ENV16 : ENV32;
}

static void env_build(const Cpu *cpu, unsigned n, u8 *out)
{
    u64 fip, fdp;
    u16 fop = fx_get16(cpu, FX_FOP) & 0x7ff;

    memcpy(&fip, cpu->fx + FX_FIP, 8);
    memcpy(&fdp, cpu->fx + FX_FDP, 8);
    if (n == ENV16) {
        u16 env[7] = {
            fx_get16(cpu, FX_FCW), fx_get16(cpu, FX_FSW), full_tags(cpu), fip, 0, fdp, 0
        };

        memcpy(out, env, sizeof env);
    } else {
        u32 env[7] = {
            0xffff0000 | fx_get16(cpu, FX_FCW),
            0xffff0000 | fx_get16(cpu, FX_FSW),
            0xffff0000 | full_tags(cpu),
            fip,
            (u32)fop << 16,
            fdp,
            0xffff0000,
        };

        memcpy(out, env, sizeof env);
    }
}

static void env_load(Cpu *cpu, unsigned n, const u8 *from)
{
    u32 word[7];
    u64 fip, fdp;

    for (unsigned i = 0; i < 7; i++) {
        u16 half;

        memcpy(&half, from + 2 * i, 2);
        memcpy(&word[i], from + (n == ENV16 ? 0 : 4 * i), 4);
        word[i] = n == ENV16 ? half : word[i];
    }
    fip = word[3];
    fdp = word[5];
    fx_set16(cpu, FX_FCW, (word[0] & 0x1f7f) | 0x40);
    fx_set16(cpu, FX_FSW, word[1]);
    cpu->fx[FX_FTW] = short_tags(word[2]);
    fx_set16(cpu, FX_FOP, n == ENV16 ? 0 : word[4] >> 16 & 0x7ff);
    memcpy(cpu->fx + FX_FIP, &fip, 8);
    memcpy(cpu->fx + FX_FDP, &fdp, 8);
    x87_summarize(cpu);
}

void x87_fldenv(Cpu *cpu, const Insn *insn)
{
    unsigned n = env_bytes(insn);
    u8 env[ENV32];

    x87_check(cpu);
    x87_check_pending(cpu);
    mmu_read(cpu, insn_linear(cpu, insn, n, ACCESS_READ), env, n);
    env_load(cpu, n, env);
}

void x87_fnstenv(Cpu *cpu, const Insn *insn)
{
    unsigned n = env_bytes(insn);
    u8 env[ENV32];

    x87_check(cpu);
    env_build(cpu, n, env);
    mmu_write(cpu, insn_linear(cpu, insn, n, ACCESS_WRITE), env, n);
    fx_set16(cpu, FX_FCW, fx_get16(cpu, FX_FCW) | 0x3f);
    x87_summarize(cpu);
}

void x87_frstor(Cpu *cpu, const Insn *insn)
{
    unsigned n = env_bytes(insn);
    u8 image[ENV32 + REGISTERS];

    x87_check(cpu);
    x87_check_pending(cpu);
    mmu_read(cpu, insn_linear(cpu, insn, n + REGISTERS, ACCESS_READ), image,
             n + REGISTERS);
    env_load(cpu, n, image);
    for (unsigned i = 0; i < 8; i++) {
        memcpy(cpu->fx + FX_ST + 16 * i, image + n + 10 * i, 10);
        memset(cpu->fx + FX_ST + 16 * i + 10, 0, 6);
    }
}

void x87_fnsave(Cpu *cpu, const Insn *insn)
{
    unsigned n = env_bytes(insn);
    u8 image[ENV32 + REGISTERS];

    x87_check(cpu);
    env_build(cpu, n, image);
    for (unsigned i = 0; i < 8; i++) {
        memcpy(image + n + 10 * i, cpu->fx + FX_ST + 16 * i, 10);
    }
    mmu_write(cpu, insn_linear(cpu, insn, n + REGISTERS, ACCESS_WRITE), image,
              n + REGISTERS);
    x87_init(cpu);
}
