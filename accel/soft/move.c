/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moving data: MOV MOVZX MOVSX MOVSXD MOVNTI LEA CMOVcc SETcc XCHG XLAT, widening of
 * the accumulator, and what does nothing: NOP, PAUSE, prefetches.  Moves to and from
 * segment, control and debug registers are elsewhere.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"

/* ---- MOV ---- */

inline_always void mov_to_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, insn->rm, w, reg_get(cpu, insn->reg, w));
}

inline_always void mov_to_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    mem_set(cpu, mem_out(cpu, insn, w), w, reg_get(cpu, insn->reg, w));
}

inline_always void mov_from_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, insn->reg, w, reg_get(cpu, insn->rm, w));
}

inline_always void mov_from_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, insn->reg, w, mem_get(cpu, mem_in(cpu, insn, w), w));
}

inline_always void mov_imm_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, insn->rm, w, insn->imm);
}

inline_always void mov_imm_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    mem_set(cpu, mem_out(cpu, insn, w), w, insn->imm);
}

inline_always void mov_imm_z(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, insn->reg, w, insn->wide);
}

/* The accumulator and an address in the instruction. */
inline_always gva moffs(Cpu *cpu, const Insn *insn, unsigned w, Access access)
{
    return insn->seg == SEG_FLAT ? (gva)insn->wide :
           segment_linear(cpu, insn->seg, insn->wide, 1 << w, access);
}

inline_always void mov_moffs_in(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, RAX, w, mem_get(cpu, moffs(cpu, insn, w, ACCESS_READ), w));
}

inline_always void mov_moffs_out(Cpu *cpu, const Insn *insn, unsigned w)
{
    mem_set(cpu, moffs(cpu, insn, w, ACCESS_WRITE), w, reg_get(cpu, RAX, w));
}

STAMP4(mov_to_reg, mov_to_reg)
STAMP4(mov_to_mem, mov_to_mem)
STAMP4(mov_from_reg, mov_from_reg)
STAMP4(mov_from_mem, mov_from_mem)
STAMP4(mov_imm_reg, mov_imm_reg)
STAMP4(mov_imm_mem, mov_imm_mem)
STAMP4(mov_imm_z, mov_imm_z)
STAMP4(mov_moffs_in, mov_moffs_in)
STAMP4(mov_moffs_out, mov_moffs_out)
static const OpForms mov_to = { WIDTHS4(mov_to_reg), WIDTHS4(mov_to_mem), { NULL } };
static const OpForms mov_from = { WIDTHS4(mov_from_reg),
                                  WIDTHS4(mov_from_mem),
                                  { NULL } };
static const OpForms mov_imm = { WIDTHS4(mov_imm_reg), WIDTHS4(mov_imm_mem), { NULL } };
static const OpForms mov_z = { .reg = WIDTHS4(mov_imm_z) };
static const OpForms moffs_in = { .reg = WIDTHS4(mov_moffs_in) };
static const OpForms moffs_out = { .reg = WIDTHS4(mov_moffs_out) };
static const OpForms movnti = { .mem = WIDTHS3(mov_to_mem) };

/* ---- widening ---- */

typedef enum { ZERO, SIGN } Extend;

inline_always u64 widen(u64 value, unsigned from, Extend how)
{
    return how == SIGN ? (u64)sign_extend(value, from) : low_bits(value, from);
}

inline_always void movx_reg(Cpu *cpu, const Insn *insn, unsigned w, unsigned from,
                            Extend how)
{
    reg_set(cpu, insn->reg, w, widen(reg_get(cpu, insn->rm, from), from, how));
}

/* MOVSXD to 16 bits reads no more than these. */
inline_always void movx_mem(Cpu *cpu, const Insn *insn, unsigned w, unsigned from,
                            Extend how)
{
    unsigned read = MIN(from, w);

    reg_set(cpu, insn->reg, w,
            widen(mem_get(cpu, mem_in(cpu, insn, read), read), read, how));
}

#define MOVX(name, from, how)               \
    STAMP3(name##_reg, movx_reg, from, how) \
    STAMP3(name##_mem, movx_mem, from, how) \
    static const OpForms name = { WIDTHS3(name##_reg), WIDTHS3(name##_mem), { NULL } };

MOVX(movzb, 0, ZERO)
MOVX(movzw, 1, ZERO)
MOVX(movsb, 0, SIGN)
MOVX(movsw, 1, SIGN)
MOVX(movsl, 2, SIGN)

/* CBW CWDE CDQE; CWD CDQ CQO. */
inline_always void widen_a(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, RAX, w, sign_extend(cpu->gpr[RAX], w - 1));
}

inline_always void sign_to_d(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, RDX, w, sign_extend(cpu->gpr[RAX], w) >> 63);
}

STAMP3(cbw, widen_a)
STAMP3(cwd, sign_to_d)
static const OpForms cbw = { .reg = WIDTHS3(cbw) };
static const OpForms cwd = { .reg = WIDTHS3(cwd) };

/* ---- LEA, XLAT ---- */

inline_always void lea_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, insn->reg, w, insn_offset(cpu, insn));
}

STAMP3(lea, lea_mem)
static const OpForms lea = { .mem = WIDTHS3(lea) };

/* AL = [rBX + AL], with the address size's rBX. */
static void xlat(Cpu *cpu, const Insn *insn)
{
    u64 offset = cpu->gpr[RBX] + (u8)cpu->gpr[RAX];

    offset = low_bits(offset, 1 + ((insn->shape & INSN_ADDR) >> 2));
    if (insn->seg != SEG_FLAT) {
        offset = segment_linear(cpu, insn->seg, offset, 1, ACCESS_READ);
    }
    reg_set(cpu, RAX, 0, cpu_load8(cpu, offset));
}

/* ---- conditional moves: memory is read, and may fault, in any case ---- */

inline_always void cmov_reg(Cpu *cpu, const Insn *insn, unsigned w, unsigned code)
{
    unsigned from = condition(cpu, code) ? insn->rm : insn->reg;

    reg_set(cpu, insn->reg, w, reg_get(cpu, from, w));
}

inline_always void cmov_mem(Cpu *cpu, const Insn *insn, unsigned w, unsigned code)
{
    u64 value = mem_get(cpu, mem_in(cpu, insn, w), w);

    reg_set(cpu, insn->reg, w,
            condition(cpu, code) ? value : reg_get(cpu, insn->reg, w));
}

inline_always void setcc_reg(Cpu *cpu, const Insn *insn, unsigned w, unsigned code)
{
    reg_set(cpu, insn->rm, w, condition(cpu, code));
}

inline_always void setcc_mem(Cpu *cpu, const Insn *insn, unsigned w, unsigned code)
{
    mem_set(cpu, mem_out(cpu, insn, w), w, condition(cpu, code));
}

#define CONDITION(cc, code)                                                            \
    STAMP3(cmov##cc##_reg, cmov_reg, code)                                             \
    STAMP3(cmov##cc##_mem, cmov_mem, code)                                             \
    STAMP(set##cc##_reg, 0, setcc_reg, code)                                           \
    STAMP(set##cc##_mem, 0, setcc_mem, code)                                           \
    static const OpForms if##cc = { WIDTHS3(cmov##cc##_reg),                           \
                                    WIDTHS3(cmov##cc##_mem),                           \
                                    { NULL } };                                        \
    static const OpForms is##cc = { .reg = { set##cc##_reg },                          \
                                    .mem = { set##cc##_mem } };

CONDITION(o, 0)
CONDITION(no, 1)
CONDITION(b, 2)
CONDITION(nb, 3)
CONDITION(z, 4)
CONDITION(nz, 5)
CONDITION(be, 6)
CONDITION(nbe, 7)
CONDITION(s, 8)
CONDITION(ns, 9)
CONDITION(p, 10)
CONDITION(np, 11)
CONDITION(l, 12)
CONDITION(nl, 13)
CONDITION(le, 14)
CONDITION(nle, 15)

/* ---- XCHG: with memory it is locked always ---- */

inline_always void xchg_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    u64 a = reg_get(cpu, insn->reg, w), b = reg_get(cpu, insn->rm, w);

    reg_set(cpu, insn->reg, w, b);
    reg_set(cpu, insn->rm, w, a);
}

inline_always u64 host_xchg(unsigned w, void *p, u64 value)
{
    return w == 0 ? __atomic_exchange_n((u8 *)p, value, __ATOMIC_SEQ_CST) :
           w == 1 ? __atomic_exchange_n((u16 *)p, value, __ATOMIC_SEQ_CST) :
           w == 2 ? __atomic_exchange_n((u32 *)p, value, __ATOMIC_SEQ_CST) :
                    __atomic_exchange_n((u64 *)p, value, __ATOMIC_SEQ_CST);
}

inline_always void xchg_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    gva at = mem_out(cpu, insn, w);
    u64 value = reg_get(cpu, insn->reg, w);
    void *p = mem_rmw(cpu, at, 1 << w);

    if (likely(p)) {
        value = host_xchg(w, p, value);
    } else {
        u64 old;

        lock_alone_begin(cpu, at, 1 << w);
        old = mem_get(cpu, at, w);
        mem_set(cpu, at, w, value);
        lock_alone_end(cpu);
        value = old;
    }
    reg_set(cpu, insn->reg, w, value);
}

STAMP4(xchg_reg, xchg_reg)
STAMP4(xchg_mem, xchg_mem)
static const OpForms xchg = { WIDTHS4(xchg_reg), WIDTHS4(xchg_mem), WIDTHS4(xchg_mem) };
/* With the accumulator, which the decoder leaves as `rm`. */
static const OpForms xchg_z = { .reg = WIDTHS3(xchg_reg) };

/* ---- nothing ---- */

static void nop(Cpu *cpu, const Insn *insn)
{
}

/*
 * 90 is XCHG rAX, rAX that does not even clear the upper half; with REX.B it is an
 * exchange (but PAUSE is not).
 */
inline_always void nop_or_xchg(Cpu *cpu, const Insn *insn, unsigned w)
{
    if (insn->reg != RAX) {
        xchg_reg(cpu, insn, w);
    }
}

STAMP3(nop_or_xchg, nop_or_xchg)
static const OpForms nop_90 = { .reg = WIDTHS3(nop_or_xchg) };

/* ---- rows ---- */

#define MOVE(map, byte, name, a, b, attributes, ...)                                   \
    ROW(map, byte, name, .operand = { a, b }, .attr = attributes, .class = CLASS_COPY, \
        __VA_ARGS__)
#define CONDITION_ROWS(cc, code, flags)                                                \
    MOVE(MAP_0F, 0x40 + code, "cmov" #cc, O_Gv, O_Ev, 0, .reads = flags,               \
         .forms = &if##cc),                                                            \
        MOVE(MAP_0F, 0x90 + code, "set" #cc, O_Eb, 0, OP_BYTE, .reads = flags,         \
             .forms = &is##cc)
#define HINT(byte) ROW(MAP_0F, byte, "nop", .operand = { O_Ev }, .fn = nop)

#define FLAGS_LE (FLAG_SF | FLAG_OF | FLAG_ZF)

static const Opcode rows[] = {
    MOVE(MAP_1, 0x88, "mov", O_Eb, O_Gb, OP_BYTE, .forms = &mov_to),
    MOVE(MAP_1, 0x89, "mov", O_Ev, O_Gv, 0, .forms = &mov_to),
    MOVE(MAP_1, 0x8a, "mov", O_Gb, O_Eb, OP_BYTE, .forms = &mov_from),
    MOVE(MAP_1, 0x8b, "mov", O_Gv, O_Ev, 0, .forms = &mov_from),
    MOVE(MAP_1, 0xa0, "mov", O_AL, O_Ob, OP_BYTE, .forms = &moffs_in),
    MOVE(MAP_1, 0xa1, "mov", O_AX, O_Ov, 0, .forms = &moffs_in),
    MOVE(MAP_1, 0xa2, "mov", O_Ob, O_AL, OP_BYTE, .forms = &moffs_out),
    MOVE(MAP_1, 0xa3, "mov", O_Ov, O_AX, 0, .forms = &moffs_out),
    MOVE(MAP_1, 0xb0, "mov", O_Zb, O_Ib, OP_BYTE, .forms = &mov_z),
    MOVE(MAP_1, 0xb8, "mov", O_Zv, O_Iv, 0, .forms = &mov_z),
    ROW_EXT(MAP_1, 0xc6, 0, "mov", .operand = { O_Eb, O_Ib }, .attr = OP_BYTE,
            .class = CLASS_COPY, .forms = &mov_imm),
    ROW_EXT(MAP_1, 0xc7, 0, "mov", .operand = { O_Ev, O_Iz }, .class = CLASS_COPY,
            .forms = &mov_imm),
    ROW(MAP_0F, 0xc3, "movnti", .prefix = P_NONE, .operand = { O_M, O_Gy },
        .forms = &movnti),
    MOVE(MAP_0F, 0xb6, "movzx", O_Gv, O_Eb, 0, .forms = &movzb),
    MOVE(MAP_0F, 0xb7, "movzx", O_Gv, O_Ew, 0, .forms = &movzw),
    MOVE(MAP_0F, 0xbe, "movsx", O_Gv, O_Eb, 0, .forms = &movsb),
    MOVE(MAP_0F, 0xbf, "movsx", O_Gv, O_Ew, 0, .forms = &movsw),
    MOVE(MAP_1, 0x63, "movsxd", O_Gv, O_Ed, OP_ONLY64, .forms = &movsl),
    MOVE(MAP_1, 0x98, "cbw", O_AX, 0, 0, .forms = &cbw),
    MOVE(MAP_1, 0x99, "cwd", O_AX, 0, 0, .forms = &cwd),
    MOVE(MAP_1, 0x8d, "lea", O_Gv, O_M, 0, .forms = &lea),
    ROW(MAP_1, 0xd7, "xlat", .attr = OP_BYTE, .fn = xlat),
    CONDITION_ROWS(o, 0, FLAG_OF),
    CONDITION_ROWS(no, 1, FLAG_OF),
    CONDITION_ROWS(b, 2, FLAG_CF),
    CONDITION_ROWS(nb, 3, FLAG_CF),
    CONDITION_ROWS(z, 4, FLAG_ZF),
    CONDITION_ROWS(nz, 5, FLAG_ZF),
    CONDITION_ROWS(be, 6, FLAG_CF | FLAG_ZF),
    CONDITION_ROWS(nbe, 7, FLAG_CF | FLAG_ZF),
    CONDITION_ROWS(s, 8, FLAG_SF),
    CONDITION_ROWS(ns, 9, FLAG_SF),
    CONDITION_ROWS(p, 10, FLAG_PF),
    CONDITION_ROWS(np, 11, FLAG_PF),
    CONDITION_ROWS(l, 12, FLAG_SF | FLAG_OF),
    CONDITION_ROWS(nl, 13, FLAG_SF | FLAG_OF),
    CONDITION_ROWS(le, 14, FLAGS_LE),
    CONDITION_ROWS(nle, 15, FLAGS_LE),
    ROW(MAP_1, 0x86, "xchg", .operand = { O_Eb, O_Gb }, .attr = OP_LOCK | OP_BYTE,
        .forms = &xchg),
    ROW(MAP_1, 0x87, "xchg", .operand = { O_Ev, O_Gv }, .attr = OP_LOCK,
        .forms = &xchg),
    MOVE(MAP_1, 0x91, "xchg", O_Zv, O_AX, 0, .forms = &xchg_z),
    MOVE(MAP_1, 0x90, "nop", O_NONE, 0, 0, .forms = &nop_90),
    ROW(MAP_1, 0x90, "pause", .prefix = P_F3, .fn = nop),
    HINT(0x0d), HINT(0x18), HINT(0x19), HINT(0x1a), HINT(0x1b), HINT(0x1c), HINT(0x1d),
    HINT(0x1e), HINT(0x1f),
};

FAMILY(ops_move, "move", rows);
