/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving and restoring x87, SSE and AVX state: FXSAVE, FXRSTOR, XSAVE, XSAVEOPT,
 * XSAVEC, XRSTOR (SDM vol. 1, chapter 13; supervisor state is not offered), LDMXCSR,
 * STMXCSR.  A vCPU's own thread.
 *
 * The components are x87, SSE and AVX, so AVX lies behind the header in both formats.
 */

#include "accel/soft/vex.h"
#include "accel/soft/x87.h"

enum {
    FX_BYTES = 512, FX_USED = 416, XSAVE_HEADER = 64, AVX_AT = 576, AVX_BYTES = 256,
};
enum { COMPONENT_X87 = 1, COMPONENT_SSE = 2, COMPONENT_AVX = 4 };
#define COMPACTED (1ull << 63)

static bool wide(const Insn *insn)
{
    return (insn->more & INSN2_WIDTH) == 3;
}

/*
 * Without REX.W the instruction and data pointers have 32 bits, and selectors that are
 * 0.
 */
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

static gva aligned(Cpu *cpu, const Insn *insn, unsigned bytes, unsigned alignment,
                   Access access)
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

static bool all_zero(const u8 *bytes, size_t n)
{
    return !*bytes && !memcmp(bytes, bytes + 1, n - 1);
}

/* XINUSE (13.6): components not in their initial state. */
u64 xsave_in_use(const Cpu *cpu)
{
    static const u8 initial[FX_MXCSR] = { 0x7f, 3 };
    bool x87 = memcmp(cpu->fx, initial, sizeof initial) ||
               !all_zero(cpu->fx + FX_ST, FX_XMM - FX_ST);

    return (x87 ? COMPONENT_X87 : 0) |
           (all_zero(cpu->fx + FX_XMM, FX_USED - FX_XMM) ? 0 : COMPONENT_SSE) |
           (all_zero(cpu->ymm_high[0], AVX_BYTES) ? 0 : COMPONENT_AVX);
}

static unsigned area_bytes(u64 components)
{
    return AVX_AT + (components & COMPONENT_AVX ? AVX_BYTES : 0);
}

/* MXCSR goes with SSE and with AVX. */
static void put_components(Cpu *cpu, const Insn *insn, gva at, u64 components,
                           bool mxcsr)
{
    u8 image[FX_BYTES];

    fx_image(cpu, wide(insn), image);
    if (components & COMPONENT_X87) {
        mmu_write(cpu, at, image, FX_MXCSR);
        mmu_write(cpu, at + FX_ST, image + FX_ST, FX_XMM - FX_ST);
    }
    if (mxcsr) {
        mmu_write(cpu, at + FX_MXCSR, image + FX_MXCSR, 8);
    }
    if (components & COMPONENT_SSE) {
        mmu_write(cpu, at + FX_XMM, image + FX_XMM, FX_USED - FX_XMM);
    }
    if (components & COMPONENT_AVX) {
        mmu_write(cpu, at + AVX_AT, cpu->ymm_high, AVX_BYTES);
    }
}

/* XSAVE and XSAVEOPT: bits of the header that were not asked for stay (13.7). */
static void op_xsave(Cpu *cpu, const Insn *insn)
{
    u64 components = xsave_components(cpu), present;
    unsigned bytes = area_bytes(components);
    gva at = aligned(cpu, insn, bytes, 64, ACCESS_WRITE);

    mmu_probe_write(cpu, at, bytes);
    present = cpu_load64(cpu, at + FX_BYTES) & ~components;
    put_components(cpu, insn, at, components,
                   components & (COMPONENT_SSE | COMPONENT_AVX));
    cpu_store64(cpu, at + FX_BYTES, present | (components & xsave_in_use(cpu)));
}

/*
 * 13.10: only what is in use is written, and MXCSR counts as in use when it is not
 * 1F80H.
 */
static void op_xsavec(Cpu *cpu, const Insn *insn)
{
    u64 components = xsave_components(cpu), present = components & xsave_in_use(cpu);
    u64 header[XSAVE_HEADER / 8] = { 0 };
    gva at = aligned(cpu, insn, area_bytes(components), 64, ACCESS_WRITE);

    if (cpu_mxcsr(cpu) != MXCSR_RESET) {
        present |= components & COMPONENT_SSE;
    }
    header[0] = present;
    header[1] = components | COMPACTED;
    mmu_probe_write(cpu, at, area_bytes(components));
    put_components(cpu, insn, at, present, present & COMPONENT_SSE);
    mmu_write(cpu, at + FX_BYTES, header, sizeof header);
}

/* 13.8.1: what the header may say. */
static void check_header(Cpu *cpu, const u64 *header)
{
    static const u64 zero[6];
    bool compacted = header[1] & COMPACTED;
    u64 allowed = compacted ? header[1] & ~COMPACTED : cpu->xcr0;

    if (header[0] & ~allowed || allowed & ~cpu->xcr0 || (!compacted && header[1]) ||
        header[2] || (compacted && memcmp(header + 2, zero, sizeof zero)) ||
        (compacted && !cpu_has(cpu, "xsavec"))) {
        cpu_gp(cpu, 0);
    }
}

/*
 * With the standard format MXCSR is loaded even where SSE's registers are not (13.8.2).
 */
static void restore_mxcsr(Cpu *cpu, const u8 *image, u64 components, u64 present,
                          bool compacted)
{
    if (!compacted && components & (COMPONENT_SSE | COMPONENT_AVX)) {
        load_mxcsr(cpu, image);
    } else if (compacted && components & COMPONENT_SSE) {
        if (present & COMPONENT_SSE) {
            load_mxcsr(cpu, image);
        } else {
            cpu_set_mxcsr(cpu, MXCSR_RESET);
        }
    }
}

static void restore_vectors(Cpu *cpu, const u8 *image, u64 components, u64 present)
{
    if (components & COMPONENT_SSE) {
        memset(cpu->fx + FX_XMM, 0, FX_USED - FX_XMM);
        if (present & COMPONENT_SSE) {
            memcpy(cpu->fx + FX_XMM, image + FX_XMM, FX_USED - FX_XMM);
        }
    }
    if (components & COMPONENT_AVX) {
        memset(cpu->ymm_high, 0, AVX_BYTES);
        if (present & COMPONENT_AVX) {
            memcpy(cpu->ymm_high, image + AVX_AT, AVX_BYTES);
        }
    }
}

static void op_xrstor(Cpu *cpu, const Insn *insn)
{
    u64 components = xsave_components(cpu), present, header[XSAVE_HEADER / 8];
    u8 image[AVX_AT + AVX_BYTES];
    gva at = aligned(cpu, insn, area_bytes(components), 64, ACCESS_READ);
    bool compacted;

    mmu_read(cpu, at, image, AVX_AT);
    memcpy(header, image + FX_BYTES, sizeof header);
    check_header(cpu, header);
    present = header[0];
    compacted = header[1] & COMPACTED;
    if (components & present & COMPONENT_AVX) {
        mmu_read(cpu, at + AVX_AT, image + AVX_AT, AVX_BYTES);
    }
    if (compacted ? components & present & COMPONENT_SSE
                  : components & (COMPONENT_SSE | COMPONENT_AVX)) {
        check_mxcsr(cpu, image);
    }
    restore_mxcsr(cpu, image, components, present, compacted);
    restore_vectors(cpu, image, components, present);
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

static void mxcsr_load(Cpu *cpu, const Insn *insn)
{
    u32 value = cpu_load32(cpu, insn_linear(cpu, insn, 4, ACCESS_READ));

    if (value & ~(u32)MXCSR_BITS) {
        cpu_gp(cpu, 0);
    }
    cpu_set_mxcsr(cpu, value);
}

static void mxcsr_store(Cpu *cpu, const Insn *insn)
{
    cpu_store32(cpu, insn_linear(cpu, insn, 4, ACCESS_WRITE), cpu_mxcsr(cpu));
}

static void op_ldmxcsr(Cpu *cpu, const Insn *insn)
{
    sse_check(cpu);
    mxcsr_load(cpu, insn);
}

static void op_stmxcsr(Cpu *cpu, const Insn *insn)
{
    sse_check(cpu);
    mxcsr_store(cpu, insn);
}

void vex_mxcsr_load(Cpu *cpu, const Insn *insn)
{
    avx_check(cpu);
    mxcsr_load(cpu, insn);
}

void vex_mxcsr_store(Cpu *cpu, const Insn *insn)
{
    avx_check(cpu);
    mxcsr_store(cpu, insn);
}

#define ROW(e, nm, bytes, function, attrs, feat)                                       \
    {                                                                                  \
        .map = MAP_0F, .byte = 0xae, .prefix = P_NONE, .ext = e, .mod = MOD_MEM,       \
        .rm = -1, .name = nm, .operand = { O_M }, .attr = attrs, .class = CLASS_CALL,  \
        .memory = bytes, .fn = function, .feature = feat                               \
    }

static const Opcode rows[] = {
    ROW(0, "fxsave",   0, op_fxsave,  0, "fxsr"),
    ROW(1, "fxrstor",  0, op_fxrstor, 0, "fxsr"),
    ROW(2, "ldmxcsr",  4, op_ldmxcsr, OP_SSE, NULL),
    ROW(3, "stmxcsr",  4, op_stmxcsr, OP_SSE, NULL),
    ROW(4, "xsave",    0, op_xsave,   0, "xsave"),
    ROW(5, "xrstor",   0, op_xrstor,  0, "xsave"),
    ROW(6, "xsaveopt", 0, op_xsave,   0, "xsaveopt"),
    { .map = MAP_0F, .byte = 0xc7, .prefix = P_NONE, .ext = 4, .mod = MOD_MEM,
        .rm = -1, .name = "xsavec",
      .operand = { O_M }, .class = CLASS_CALL, .fn = op_xsavec, .feature = "xsavec" },
};

const OpFamily ops_xsave = { "xsave", rows, G_N_ELEMENTS(rows) };
