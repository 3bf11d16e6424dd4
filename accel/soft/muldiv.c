/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiplication and division: MUL IMUL DIV IDIV, by the host's own, with the guest's
 * flags before it because most of them are undefined afterwards.  What would fault on
 * the host is found out before.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"

/* ---- on rDX:rAX ---- */

typedef struct {
    u64 a, d;
} Pair;

/*
 * rDX:rAX = rDX:rAX OP b.  The accumulator waits in a register of its own while rax
 * carries the flags.  Bytes use AX alone.
 */
#define PAIR_WIDTH(name, bits)                                               \
    inline_always void host_##name##bits(Cpu *cpu, Pair *p, u##bits b)       \
    {                                                                        \
        u16 flags = cpu->arith;                                              \
                                                                             \
        asm(PUT_FLAGS "mov %[a], %%rax\n\t" #name " %[b]\n\tmov %%rax, %[a]" \
            TAKE_FLAGS                                                       \
            : "+a"(flags), [a] "+&r"(p->a), "+d"(p->d) : [b] "q"(b) : "cc"); \
        cpu->arith = flags;                                                  \
    }
#define HOST_PAIR(name)                                                            \
    PAIR_WIDTH(name, 8)                                                            \
    PAIR_WIDTH(name, 16)                                                           \
    PAIR_WIDTH(name, 32)                                                           \
    PAIR_WIDTH(name, 64)                                                           \
    inline_always void host_##name(Cpu *cpu, unsigned w, Pair *p, u64 b)           \
    {                                                                              \
        w == 0 ? host_##name##8(cpu, p, b) : w == 1 ? host_##name##16(cpu, p, b) : \
        w == 2 ? host_##name##32(cpu, p, b) : host_##name##64(cpu, p, b);          \
    }

HOST_PAIR(mul)
HOST_PAIR(imul)
HOST_PAIR(div)
HOST_PAIR(idiv)

typedef enum { MUL, IMUL, DIV, IDIV } Muldiv;
typedef unsigned __int128 u128;
typedef __int128 s128;

/* The dividend of an operation of this width. */
inline_always u128 dividend(const Pair *p, unsigned w)
{
    return w == 0 ? (u16)p->a : w == 1 ? (u32)(p->d << 16) | (u16)p->a :
           w == 2 ? p->d << 32 | (u32)p->a : (u128)p->d << 64 | p->a;
}

/* Does the quotient not fit, or is there none? */
inline_always bool div_faults(const Pair *p, unsigned w, u64 b)
{
    return dividend(p, w) >> (8 << w) >= b;
}

/*
 * With signs: |dividend| < (limit + 1) * |b|, where the limit is one more if the
 * quotient is negative.
 */
inline_always bool idiv_faults(const Pair *p, unsigned w, u64 b)
{
    s128 a = (s128)(dividend(p, w) << (128 - (16 << w))) >> (128 - (16 << w));
    s64 by = sign_extend(b, w);
    u128 size = a < 0 ? -(u128)a : (u128)a;
    u64 divisor = by < 0 ? -(u64)by : (u64)by;
    u64 limit = (1ull << ((8 << w) - 1)) - 1 + ((a < 0) != (by < 0));

    return size >= ((u128)limit + 1) * divisor;
}

inline_always void muldiv(Cpu *cpu, unsigned w, Muldiv op, u64 b)
{
    Pair p = { cpu->gpr[RAX], cpu->gpr[RDX] };

    if ((op == DIV && div_faults(&p, w, b)) || (op == IDIV && idiv_faults(&p, w, b))) {
        cpu_raise(cpu, EXC_DE);
    }
    op == MUL ? host_mul(cpu, w, &p, b) : op == IMUL ? host_imul(cpu, w, &p, b) :
    op == DIV ? host_div(cpu, w, &p, b) : host_idiv(cpu, w, &p, b);
    reg_set(cpu, RAX, w ? w : 1, p.a);
    if (w) {
        reg_set(cpu, RDX, w, p.d);
    }
}

inline_always void muldiv_reg(Cpu *cpu, const Insn *insn, unsigned w, Muldiv op)
{
    muldiv(cpu, w, op, reg_get(cpu, insn->rm, w));
}

inline_always void muldiv_mem(Cpu *cpu, const Insn *insn, unsigned w, Muldiv op)
{
    muldiv(cpu, w, op, mem_get(cpu, mem_in(cpu, insn, w), w));
}

#define MULDIV_FORMS(name, OP)                                                      \
    STAMP4(name##_reg, muldiv_reg, OP)                                              \
    STAMP4(name##_mem, muldiv_mem, OP)                                              \
    static const OpForms name##_forms = { WIDTHS4(name##_reg), WIDTHS4(name##_mem), \
        { NULL } };

MULDIV_FORMS(mul, MUL)
MULDIV_FORMS(imul, IMUL)
MULDIV_FORMS(div, DIV)
MULDIV_FORMS(idiv, IDIV)

/* ---- IMUL with two or three operands ---- */

#define PRODUCT_WIDTH(bits)                                                   \
    inline_always u##bits product##bits(Cpu *cpu, u##bits a, u##bits b)       \
    {                                                                         \
        u16 flags = cpu->arith;                                               \
                                                                              \
        asm(PUT_FLAGS "imul %[b], %[a]" TAKE_FLAGS : [a] "+r"(a), "+a"(flags) \
            : [b] "r"(b) : "cc");                                             \
        cpu->arith = flags;                                                   \
        return a;                                                             \
    }
PRODUCT_WIDTH(16)
PRODUCT_WIDTH(32)
PRODUCT_WIDTH(64)

typedef enum { REG, IMM } Source;

inline_always void product(Cpu *cpu, const Insn *insn, unsigned w, Source from, u64 a)
{
    u64 b = from == IMM ? (u64)insn->imm : reg_get(cpu, insn->reg, w);

    reg_set(cpu, insn->reg, w,
            w == 1 ? product16(cpu, a, b) :
            w == 2 ? product32(cpu, a, b) :
                     product64(cpu, a, b));
}

inline_always void product_reg(Cpu *cpu, const Insn *insn, unsigned w, Source from)
{
    product(cpu, insn, w, from, reg_get(cpu, insn->rm, w));
}

inline_always void product_mem(Cpu *cpu, const Insn *insn, unsigned w, Source from)
{
    product(cpu, insn, w, from, mem_get(cpu, mem_in(cpu, insn, w), w));
}

STAMP3(imul2_reg, product_reg, REG)
STAMP3(imul2_mem, product_mem, REG)
STAMP3(imul3_reg, product_reg, IMM)
STAMP3(imul3_mem, product_mem, IMM)
static const OpForms imul2 = { WIDTHS3(imul2_reg), WIDTHS3(imul2_mem), { NULL } };
static const OpForms imul3 = { WIDTHS3(imul3_reg), WIDTHS3(imul3_mem), { NULL } };

/* ---- rows ---- */

#define MULDIV(ext, name, sym)                                                  \
    ROW_EXT(MAP_1, 0xf6, ext, name, .operand = { O_Eb }, .attr = OP_BYTE,       \
            .writes = FLAGS_ARITH, .forms = &sym##_forms),                      \
    ROW_EXT(MAP_1, 0xf7, ext, name, .operand = { O_Ev }, .writes = FLAGS_ARITH, \
            .forms = &sym##_forms)
#define PRODUCT(map, byte, c, form)                                             \
    ROW(map, byte, "imul", .operand = { O_Gv, O_Ev, c }, .writes = FLAGS_ARITH, \
        .class = CLASS_COPY, .forms = &form)

static const Opcode rows[] = {
    MULDIV(4, "mul", mul),
    MULDIV(5, "imul", imul),
    MULDIV(6, "div", div),
    MULDIV(7, "idiv", idiv),
    PRODUCT(MAP_0F, 0xaf, O_NONE, imul2),
    PRODUCT(MAP_1, 0x69, O_Iz, imul3),
    PRODUCT(MAP_1, 0x6b, O_sIb, imul3),
};

FAMILY(ops_muldiv, "muldiv", rows);
