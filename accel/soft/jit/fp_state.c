/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's x87, MMX, SSE and AVX registers in the host's.
 *
 * They are loaded when translated code first needs them (Cpu.fp_live says which are
 * there), and stored again on the way to any C function.  x87 and MMX need FXRSTOR and
 * FXSAVE, which are slow, so the XMM registers can be there without them.  The pointers
 * to the last x87 instruction and operand are those of the last one that the
 * interpreter did: the host's own must not be seen.
 */

#include "accel/soft/jit/code.h"
#include "accel/soft/simd.h"

static void each_xmm(Emit *e, u32 op)
{
    for (unsigned i = 0; i < 16; i++) {
        emit_cpu(e, op, i, offsetof(Cpu, fx) + FX_XMM + 16 * i);
    }
}

static void load_xmm(Emit *e)
{
    each_xmm(e, 0x10 | X_0F);                                       /* movups */
    emit_cpu(e, 0xae | X_0F, 2, offsetof(Cpu, fx) + FX_MXCSR);      /* ldmxcsr */
}

static void store_xmm(Emit *e)
{
    each_xmm(e, 0x11 | X_0F);
    emit_cpu(e, 0xae | X_0F, 3, offsetof(Cpu, fx) + FX_MXCSR);      /* stmxcsr */
}

static void set_live(Emit *e, unsigned what)
{
    if (what) {
        emit_cpu(e, 0x80, 1, offsetof(Cpu, fp_live));               /* or */
    } else {
        emit_cpu(e, 0xc6, 0, offsetof(Cpu, fp_live));
    }
    emit8(e, what);
}

/* The upper halves of the YMM registers. */
static void each_upper(Emit *e, bool store)
{
    for (unsigned i = 0; i < 16; i++) {
        VexOp op = { .map = 3,
                     .byte = store ? 0x19 : 0x18,
                     .prefix = 1,
                     .vvvv = store ? 0 : i,
                     .ymm = true };

        /* vextractf128, vinsertf128 */
        emit_vex_cpu(e, &op, i, offsetof(Cpu, ymm_high) + 16 * i);
        emit8(e, 1);
    }
}

static u32 unless_live(Emit *e, unsigned what)
{
    emit_cpu(e, 0xf6, 0, offsetof(Cpu, fp_live));                   /* testb */
    emit8(e, what);
    return emit_jump(e, CC_Z, 0);
}

/* To the interpreter unless the bits are there. */
static void require_bits(Jit *jit, size_t offset, u32 bits)
{
    Emit *e = &jit->e;
    u32 good;

    emit_cpu(e, 0xf7, 0, offset);                                   /* testl */
    emit32(e, bits);
    good = emit_jump(e, CC_NZ, 0);
    emit_jump(e, JMP, jit->interpret_last_saved);
    emit_set_target(e, good, e->at);
}

/*
 * To the interpreter, which raises what is to be raised, if control registers forbid
 * `what`.
 */
static void check_allowed(Jit *jit, unsigned what)
{
    Emit *e = &jit->e;
    u32 good;

    emit_cpu(e, 0xf7, 0, offsetof(Cpu, cr0));                       /* testl */
    emit32(e, CR0_EM | CR0_TS);
    good = emit_jump(e, CC_Z, 0);
    emit_jump(e, JMP, jit->interpret_last_saved);
    emit_set_target(e, good, e->at);
    if (what == FP_SSE) {
        require_bits(jit, offsetof(Cpu, cr4), CR4_OSFXSR);
    }
}

static void make_load_avx(Jit *jit)
{
    enum { XCR0_SSE = 2, XCR0_YMM = 4 };
    Emit *e = &jit->e;
    u32 good, live;

    jit->load_avx = e->at;
    emit_cpu(e, 0xf7, 0, offsetof(Cpu, cr0));
    emit32(e, CR0_TS);
    good = emit_jump(e, CC_Z, 0);
    emit_jump(e, JMP, jit->interpret_last_saved);
    emit_set_target(e, good, e->at);
    require_bits(jit, offsetof(Cpu, cr4), CR4_OSXSAVE);
    require_bits(jit, offsetof(Cpu, xcr0), XCR0_SSE);
    require_bits(jit, offsetof(Cpu, xcr0), XCR0_YMM);
    emit_cpu(e, 0xf6, 0, offsetof(Cpu, fp_live));
    emit8(e, FP_SSE);
    live = emit_jump(e, CC_NZ, 0);
    load_xmm(e);
    emit_set_target(e, live, e->at);
    each_upper(e, false);
    set_live(e, FP_SSE | FP_AVX);
    emit8(e, 0xc3);
}

/* Called with S1 and S2 as the interpreter's stubs want them. */
void fp_make_loads(Jit *jit)
{
    Emit *e = &jit->e;
    u32 not_live;

    jit->load_sse = e->at;
    check_allowed(jit, FP_SSE);
    load_xmm(e);
    set_live(e, FP_SSE);
    emit8(e, 0xc3);
    jit->load_x87 = e->at;
    check_allowed(jit, FP_X87);
    not_live = unless_live(e, FP_SSE);
    store_xmm(e);
    emit_set_target(e, not_live, e->at);
    emit_cpu(e, 0xae | X_0F | X_W, 1, offsetof(Cpu, fx));           /* fxrstor64 */
    set_live(e, FP_SSE | FP_X87);
    emit8(e, 0xc3);
    make_load_avx(jit);
}

/* Bytes of the image that the host's must not replace: FOP, FIP, FDP. */
static void keep_pointers(Emit *e, bool put_back)
{
    static const struct { u32 op; unsigned reg; size_t at; } part[] = {
        { X_66, H_RAX, FX_FOP }, { X_W, H_RCX, FX_FIP }, { X_W, H_RDX, FX_FDP },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(part); i++) {
        emit_cpu(e, part[i].op | (put_back ? 0x89 : 0x8b), part[i].reg,
                 offsetof(Cpu, fx) + part[i].at);
    }
}

/* In line, where a C function follows; the flags, rax, rcx and rdx are lost. */
void fp_store(Emit *e)
{
    static const VexOp zero_upper = { .map = 1, .byte = 0x77 };
    u32 nothing, no_avx, no_x87, done;

    nothing = unless_live(e, FP_SSE);
    no_avx = unless_live(e, FP_AVX);
    each_upper(e, true);
    emit_vex_rr(e, &zero_upper, 0, 0, false);                       /* vzeroupper */
    emit_set_target(e, no_avx, e->at);
    no_x87 = unless_live(e, FP_X87);
    keep_pointers(e, false);
    emit_cpu(e, 0xae | X_0F | X_W, 0, offsetof(Cpu, fx));           /* fxsave64 */
    keep_pointers(e, true);
    emit8(e, 0xdb);                                                 /* fninit */
    emit8(e, 0xe3);
    done = emit_jump(e, JMP, 0);
    emit_set_target(e, no_x87, e->at);
    store_xmm(e);
    emit_set_target(e, done, e->at);
    emit_cpu(e, 0xae | X_0F, 2, offsetof(Cpu, host_mxcsr));
    set_live(e, 0);
    emit_set_target(e, nothing, e->at);
}
