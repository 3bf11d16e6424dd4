/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE instructions, copied.
 *
 * The guest's XMM registers and MXCSR are loaded into the host's when translated code first needs them (Cpu.fp_live), and stored
 * again on the way to any C function.  A block looks once whether they are there; while it does not call anything
 * they stay.  What an instruction does not permit (an unaligned operand, an unmasked exception) traps on the host as well: the
 * signal's handler leads to the interpreter, which does the instruction again.
 */

#include "accel/soft/jit/code.h"
#include "accel/soft/simd.h"

/* ---- stubs ---- */

static void each_register(Emit *e, u32 op)
{
    for (unsigned i = 0; i < 16; i++) {
        emit_cpu(e, op, i, offsetof(Cpu, fx) + FX_XMM + 16 * i);
    }
}

static void set_live(Emit *e, bool live)
{
    emit_cpu(e, 0xc6, 0, offsetof(Cpu, fp_live));
    emit8(e, live);
}

/* Called with S1 and S2 as the interpreter's stubs want them, to which it goes if the guest may not use SSE now. */
void fp_make_load(Jit *jit)
{
    Emit *e = &jit->e;
    u32 bad, worse;

    jit->fp_load = e->at;
    emit_cpu(e, 0xf7, 0, offsetof(Cpu, cr0));                       /* testl */
    emit32(e, CR0_EM | CR0_TS);
    bad = emit_jump(e, CC_NZ, 0);
    emit_cpu(e, 0xf7, 0, offsetof(Cpu, cr4));
    emit32(e, CR4_OSFXSR);
    worse = emit_jump(e, CC_Z, 0);
    each_register(e, 0x10 | X_0F);                                  /* movups */
    emit_cpu(e, 0xae | X_0F, 2, offsetof(Cpu, fx) + FX_MXCSR);      /* ldmxcsr */
    set_live(e, true);
    emit8(e, 0xc3);
    emit_set_target(e, bad, e->at);
    emit_set_target(e, worse, e->at);
    emit_jump(e, JMP, jit->interpret_last_saved);
}

/* In line, where a C function follows; the flags are lost. */
void fp_store(Emit *e)
{
    u32 not_live;

    emit_cpu(e, 0x80, 7, offsetof(Cpu, fp_live));                   /* cmpb */
    emit8(e, 0);
    not_live = emit_jump(e, CC_Z, 0);
    each_register(e, 0x11 | X_0F);
    emit_cpu(e, 0xae | X_0F, 3, offsetof(Cpu, fx) + FX_MXCSR);      /* stmxcsr */
    emit_cpu(e, 0xae | X_0F, 2, offsetof(Cpu, host_mxcsr));
    set_live(e, false);
    emit_set_target(e, not_live, e->at);
}

/* ---- operands ---- */

typedef enum { KIND_OTHER, KIND_NONE, KIND_XMM, KIND_GPR, KIND_MEMORY, KIND_IMM } Kind;

static Kind operand_kind(u8 operand)
{
    switch (operand) {
    case O_NONE:
        return KIND_NONE;
    case O_Vx: case O_Wx: case O_Ux: case O_Wd: case O_Wq: case O_Ww:
        return KIND_XMM;
    case O_Ed: case O_Ey: case O_Eq: case O_Ew: case O_Eb: case O_Gd: case O_Gy: case O_Gq: case O_Rd: case O_Ry:
        return KIND_GPR;
    case O_M: case O_Mb: case O_Mw: case O_Md: case O_Mq: case O_Mdq:
        return KIND_MEMORY;
    case O_Ib:
        return KIND_IMM;
    }
    return KIND_OTHER;
}

static bool is_reg_field(u8 operand)
{
    return operand == O_Vx || operand == O_Gd || operand == O_Gy || operand == O_Gq;
}

static unsigned operand_bytes(const Code *c, u8 operand)
{
    const Opcode *row = opcode_row(c->insn->op);

    if (row->memory) {
        return row->memory;
    }
    switch (operand) {
    case O_Wx: case O_Mdq:
        return 16;
    case O_Wq: case O_Eq: case O_Mq:
        return 8;
    case O_Wd: case O_Ed: case O_Md:
        return 4;
    case O_Ww: case O_Mw: case O_Ew:
        return 2;
    case O_Mb: case O_Eb:
        return 1;
    case O_Ey:
        return (c->insn->more & INSN2_WIDTH) == 3 ? 8 : 4;
    }
    return 0;
}

/* Which operand is ModRM.rm: 0 or 1; -1: something that is not known here. */
static int rm_operand(const Opcode *row)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        Kind kind = operand_kind(row->operand[i]);

        if (kind == KIND_OTHER || (i >= 2 && kind != KIND_NONE && kind != KIND_IMM)) {
            return -1;
        }
    }
    if (row->ext >= 0 || !is_reg_field(row->operand[0])) {
        return 0;
    }
    return 1;
}

static u32 host_opcode(const Code *c, const Opcode *row)
{
    static const u32 prefix[] = { [P_66] = X_66, [P_F3] = X_F3, [P_F2] = X_F2 };

    return row->byte | (u32)row->map << 8 | (row->prefix < G_N_ELEMENTS(prefix) ? prefix[row->prefix] : 0) |
           ((c->insn->more & INSN2_WIDTH) == 3 ? X_W : 0);
}

/* ---- in a block ---- */

static void want_fp(Code *c)
{
    Cold *cold;

    if (c->fp) {
        return;
    }
    code_begin_access(c);
    emit_cpu(c->e, 0x80, 7, offsetof(Cpu, fp_live));
    emit8(c->e, 0);
    cold = code_new_cold(c, emit_jump(c->e, CC_Z, 0));
    cold->insn = c->insn;
    cold->load_fp = true;
    cold->back = c->e->at;
    code_end_access(c, NULL);
    c->fp = true;
}

/* The general register of an operand, loaded into S2 if it has no place. */
static unsigned gpr(Code *c, unsigned guest)
{
    return code_reg(c, guest, S2);
}

static void put_back(Code *c, unsigned guest, unsigned temp)
{
    if (host_register_of[guest] == IN_MEMORY) {
        emit_cpu(c->e, 0x89 | X_W, temp, CPU_GPR(guest));
    }
}

static void immediate(Code *c, const Opcode *row)
{
    if (memchr(row->operand, O_Ib, sizeof row->operand)) {
        emit8(c->e, c->insn->imm);
    }
}

static void copy_memory(Code *c, const Opcode *row, unsigned size, bool write)
{
    unsigned reg = row->ext >= 0 ? (unsigned)row->ext : c->insn->reg;
    bool reg_is_gpr = row->ext < 0 && (is_reg_field(row->operand[0]) ? operand_kind(row->operand[0])
                                                                     : operand_kind(row->operand[1])) == KIND_GPR;

    Place place;

    code_begin_access(c);
    place = code_operand(c, size, write);
    code_end_access(c, &place);
    if (reg_is_gpr && host_register_of[c->insn->reg] == IN_MEMORY) {
        reg = code_reg(c, c->insn->reg, code_spare(c, &place));
    } else if (reg_is_gpr) {
        reg = host_register_of[c->insn->reg];
    }
    if (row->attr & OP_MXCSR || (row->attr & OP_ALIGN && size == 16)) {
        code_trap(c);
    }
    code_at(c, host_opcode(c, row), reg, &place);
    immediate(c, row);
    if (reg_is_gpr && is_reg_field(row->operand[0])) {
        put_back(c, c->insn->reg, place.spare);
    }
}

static void copy_registers(Code *c, const Opcode *row, int rm_at)
{
    u8 rm_is = row->operand[rm_at], reg_is = row->operand[!rm_at];
    unsigned reg = row->ext >= 0 ? (unsigned)row->ext : c->insn->reg, rm = c->insn->rm;
    bool reg_gpr = row->ext < 0 && operand_kind(reg_is) == KIND_GPR, rm_gpr = operand_kind(rm_is) == KIND_GPR;

    if (reg_gpr) {
        reg = gpr(c, reg);
    }
    if (rm_gpr) {
        rm = gpr(c, rm);
    }
    if (row->attr & OP_MXCSR) {
        code_trap(c);
    }
    emit_rr(c->e, host_opcode(c, row), reg, rm);
    immediate(c, row);
    if (reg_gpr && rm_at == 1) {
        put_back(c, c->insn->reg, S2);
    }
    if (rm_gpr && rm_at == 0) {
        put_back(c, c->insn->rm, S2);
    }
}

bool code_sse(Code *c)
{
    const Opcode *row = opcode_row(c->insn->op);
    bool memory = c->insn->shape & INSN_MEM;
    int rm_at = rm_operand(row);
    unsigned size;

    if (!(row->attr & OP_SSE) || row->attr & OP_MMX || row->class != CLASS_COPY || rm_at < 0 ||
        (row->map == MAP_0F && row->byte == 0xf7)) {                /* maskmovdqu */
        return false;
    }
    size = operand_bytes(c, row->operand[rm_at]);
    if (memory && (!size || !code_can_address(c))) {
        return false;
    }
    want_fp(c);
    if (memory) {
        copy_memory(c, row, size, rm_at == 0);
    } else {
        copy_registers(c, row, rm_at);
    }
    return true;
}
