/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving and restoring x87 and SSE state: FXSAVE, FXRSTOR, XSAVE, XSAVEOPT, XRSTOR (SDM vol. 1, chapter 13; compacted
 * format and supervisor state are not offered), LDMXCSR, STMXCSR.  A vCPU's own thread.
 */

#include "accel/soft/x87.h"

enum { FX_BYTES = 512, FX_USED = 416, XSAVE_HEADER = 64, COMPONENT_X87 = 1, COMPONENT_SSE = 2 };

static bool wide(const Insn *insn)
{
    return (insn->more & INSN2_WIDTH) == 3;
}

/* Without REX.W the instruction and data pointers have 32 bits, and selectors that are 0. */
static void fx_image(const Cpu *cpu, bool is_wide, u8 *out)
{
    static const u32 mask = MXCSR_BITS;

    memcpy(out, cpu->fx, FX_BYTES);
    memcpy(out + FX_MXCSR_MASK, &mask, sizeof mask);
    if (!is_wide) {
        memset(out + FX_FIP + 4, 0, 4);
        memset(out + FX_FDP + 4, 0, 4);
    }
}

static void load_x87(Cpu *cpu, const u8 *image, bool is_wide)
{
    memcpy(cpu->fx, image, FX_MXCSR);
    memcpy(cpu->fx + FX_ST, image + FX_ST, FX_XMM - FX_ST);
    if (!is_wide) {
        memset(cpu->fx + FX_FIP + 4, 0, 4);
        memset(cpu->fx + FX_FDP + 4, 0, 4);
    }
    fx_set16(cpu, FX_FCW, (fx_get16(cpu, FX_FCW) & 0x1f7f) | 0x40);
    x87_summarize(cpu);
}

static void load_mxcsr(Cpu *cpu, const u8 *image)
{
    memcpy(cpu->fx + FX_MXCSR, image + FX_MXCSR, 4);
}

static void check_mxcsr(Cpu *cpu, const u8 *image)
{
    u32 mxcsr;

    memcpy(&mxcsr, image + FX_MXCSR, sizeof mxcsr);
    if (mxcsr & ~(u32)MXCSR_BITS) {
        cpu_gp(cpu, 0);
    }
}

static gva aligned(Cpu *cpu, const Insn *insn, unsigned bytes, unsigned alignment, Access access)
{
    gva at = insn_linear(cpu, insn, bytes, access);

    if (at & (alignment - 1)) {
        if (!cpu_canonical(cpu, at)) {
            cpu_load8(cpu, at);         /* #GP or #SS, which come first */
        }
        cpu_gp(cpu, 0);
    }
    return at;
}

static void op_fxsave(Cpu *cpu, const Insn *insn)
{
    u8 image[FX_BYTES];

    x87_check(cpu);
    fx_image(cpu, wide(insn), image);
    mmu_write(cpu, aligned(cpu, insn, FX_BYTES, 16, ACCESS_WRITE), image, FX_USED);
}

static void op_fxrstor(Cpu *cpu, const Insn *insn)
{
    u8 image[FX_BYTES];

    x87_check(cpu);
    mmu_read(cpu, aligned(cpu, insn, FX_BYTES, 16, ACCESS_READ), image, FX_BYTES);
    check_mxcsr(cpu, image);
    load_x87(cpu, image, wide(insn));
    load_mxcsr(cpu, image);
    memcpy(cpu->fx + FX_XMM, image + FX_XMM, FX_USED - FX_XMM);
}

/* ---- XSAVE ---- */

/* 13.7: the components asked for, after the checks common to all of them. */
static u64 xsave_components(Cpu *cpu)
{
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        cpu_raise(cpu, EXC_UD);
    }
    if (cpu->cr0 & CR0_TS) {
        cpu_raise(cpu, EXC_NM);
    }
    return cpu->xcr0 & ((u64)(u32)cpu->gpr[RDX] << 32 | (u32)cpu->gpr[RAX]);
}

static void op_xsave(Cpu *cpu, const Insn *insn)
{
    u64 components = xsave_components(cpu), present;
    gva at = aligned(cpu, insn, FX_BYTES + XSAVE_HEADER, 64, ACCESS_WRITE);
    u8 image[FX_BYTES];

    mmu_probe_write(cpu, at, FX_BYTES + XSAVE_HEADER);
    present = cpu_load64(cpu, at + FX_BYTES);
    fx_image(cpu, wide(insn), image);
    if (components & COMPONENT_X87) {
        mmu_write(cpu, at, image, FX_MXCSR);
        mmu_write(cpu, at + FX_ST, image + FX_ST, FX_XMM - FX_ST);
    }
    if (components & COMPONENT_SSE) {
        mmu_write(cpu, at + FX_MXCSR, image + FX_MXCSR, 8);
        mmu_write(cpu, at + FX_XMM, image + FX_XMM, FX_USED - FX_XMM);
    }
    cpu_store64(cpu, at + FX_BYTES, present | components);
}

/* 13.8.1: what the header may say. */
static void check_header(Cpu *cpu, const u8 *header)
{
    static const u8 zero[16];
    u64 present;

    memcpy(&present, header, 8);
    if (present & ~cpu->xcr0 || memcmp(header + 8, zero, 16)) {
        cpu_gp(cpu, 0);
    }
}

static void op_xrstor(Cpu *cpu, const Insn *insn)
{
    u64 components = xsave_components(cpu), present;
    u8 image[FX_BYTES + XSAVE_HEADER];

    mmu_read(cpu, aligned(cpu, insn, sizeof image, 64, ACCESS_READ), image, sizeof image);
    check_header(cpu, image + FX_BYTES);
    memcpy(&present, image + FX_BYTES, 8);
    if (components & COMPONENT_SSE) {
        check_mxcsr(cpu, image);
        load_mxcsr(cpu, image);
        if (present & COMPONENT_SSE) {
            memcpy(cpu->fx + FX_XMM, image + FX_XMM, FX_USED - FX_XMM);
        } else {
            memset(cpu->fx + FX_XMM, 0, FX_USED - FX_XMM);
        }
    }
    if (components & COMPONENT_X87) {
        if (present & COMPONENT_X87) {
            load_x87(cpu, image, wide(insn));
        } else {
            x87_init(cpu);
            memset(cpu->fx + FX_ST, 0, FX_XMM - FX_ST);
        }
    }
}

/* ---- MXCSR ---- */

static void op_ldmxcsr(Cpu *cpu, const Insn *insn)
{
    u32 value;

    sse_check(cpu);
    value = cpu_load32(cpu, insn_linear(cpu, insn, 4, ACCESS_READ));
    if (value & ~(u32)MXCSR_BITS) {
        cpu_gp(cpu, 0);
    }
    cpu_set_mxcsr(cpu, value);
}

static void op_stmxcsr(Cpu *cpu, const Insn *insn)
{
    sse_check(cpu);
    cpu_store32(cpu, insn_linear(cpu, insn, 4, ACCESS_WRITE), cpu_mxcsr(cpu));
}

#define ROW(e, nm, bytes, function, attrs, feat) \
    { .map = MAP_0F, .byte = 0xae, .prefix = P_NONE, .ext = e, .mod = MOD_MEM, .rm = -1, .name = nm, \
      .operand = { O_M }, .attr = attrs, .class = CLASS_CALL, .memory = bytes, .fn = function, .feature = feat }

static const Opcode rows[] = {
    ROW(0, "fxsave",   0, op_fxsave,  0, "fxsr"),
    ROW(1, "fxrstor",  0, op_fxrstor, 0, "fxsr"),
    ROW(2, "ldmxcsr",  4, op_ldmxcsr, OP_SSE, NULL),
    ROW(3, "stmxcsr",  4, op_stmxcsr, OP_SSE, NULL),
    ROW(4, "xsave",    0, op_xsave,   0, "xsave"),
    ROW(5, "xrstor",   0, op_xrstor,  0, "xsave"),
    ROW(6, "xsaveopt", 0, op_xsave,   0, "xsaveopt"),
};

const OpFamily ops_xsave = { "xsave", rows, G_N_ELEMENTS(rows) };
