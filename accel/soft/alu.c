/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Additions, subtractions and logic: ADD OR ADC SBB AND SUB XOR CMP TEST INC DEC NEG
 * NOT (SDM vol. 2).  Each is the host's own instruction, so results and all flags are
 * right by construction.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"

/* ---- the host's instructions ---- */

/*
 * a = a OP b, and the same on memory at once.  `before` sets the carry where the
 * operation takes it.
 */
#define BINARY_WIDTH(name, before, op, bits)                                \
    inline_always u##bits host_##name##bits(Cpu *cpu, u##bits a, u##bits b) \
    {                                                                       \
        u16 flags;                                                          \
                                                                            \
        asm(before op " %[b], %[a]" TAKE_FLAGS : [a] "+q"(a), "=a"(flags)   \
            : [b] "q"(b), [arith] "m"(cpu->arith) : "cc");                  \
        cpu->arith = flags;                                                 \
        return a;                                                           \
    }
#define LOCKED_WIDTH(name, before, op, bits)                                  \
    inline_always void locked_##name##bits(Cpu *cpu, void *p, u##bits b)      \
    {                                                                         \
        u16 flags;                                                            \
                                                                              \
        asm volatile(before "lock " op " %[b], %[m]" TAKE_FLAGS               \
                     : [m] "+m"(*(Guest##bits *)p), "=a"(flags)               \
                     : [b] "q"(b), [arith] "m"(cpu->arith) : "cc", "memory"); \
        cpu->arith = flags;                                                   \
    }

#define HOST_BINARY(name, before, op)                                                \
    BINARY_WIDTH(name, before, op, 8)                                                \
    BINARY_WIDTH(name, before, op, 16)                                               \
    BINARY_WIDTH(name, before, op, 32)                                               \
    BINARY_WIDTH(name, before, op, 64)                                               \
    inline_always u64 host_##name(Cpu *cpu, unsigned w, u64 a, u64 b)                \
    {                                                                                \
        return w == 0 ? host_##name##8(cpu, a, b) : w == 1 ? host_##name##16(cpu, a, \
        b) :                                                                         \
               w == 2 ? host_##name##32(cpu, a, b) : host_##name##64(cpu, a, b);     \
    }
#define HOST_LOCKED(name, before, op)                                                  \
    LOCKED_WIDTH(name, before, op, 8)                                                  \
    LOCKED_WIDTH(name, before, op, 16)                                                 \
    LOCKED_WIDTH(name, before, op, 32)                                                 \
    LOCKED_WIDTH(name, before, op, 64)                                                 \
    inline_always void locked_##name(Cpu *cpu, unsigned w, void *p, u64 b)             \
    {                                                                                  \
        w == 0 ? locked_##name##8(cpu, p, b) : w == 1 ? locked_##name##16(cpu, p, b) : \
        w == 2 ? locked_##name##32(cpu, p, b) : locked_##name##64(cpu, p, b);          \
    }

HOST_BINARY(add, "", "add")
HOST_BINARY(or, "", "or")
HOST_BINARY(adc, PUT_CARRY, "adc")
HOST_BINARY(sbb, PUT_CARRY, "sbb")
HOST_BINARY(and, "", "and")
HOST_BINARY(sub, "", "sub")
HOST_BINARY(xor, "", "xor")
HOST_BINARY(cmp, "", "cmp")
HOST_BINARY(test, "", "test")
HOST_LOCKED(add, "", "add")
HOST_LOCKED(or, "", "or")
HOST_LOCKED(adc, PUT_CARRY, "adc")
HOST_LOCKED(sbb, PUT_CARRY, "sbb")
HOST_LOCKED(and, "", "and")
HOST_LOCKED(sub, "", "sub")
HOST_LOCKED(xor, "", "xor")

/* a = OP a.  INC and DEC keep the carry. */
#define UNARY_WIDTH(name, before, op, bits, suffix)                 \
    inline_always u##bits host_##name##bits(Cpu *cpu, u##bits a)    \
    {                                                               \
        u16 flags;                                                  \
                                                                    \
        asm(before op " %[a]" TAKE_FLAGS : [a] "+q"(a), "=a"(flags) \
            : [arith] "m"(cpu->arith) : "cc");                      \
        cpu->arith = flags;                                         \
        return a;                                                   \
    }                                                               \
    inline_always void locked_##name##bits(Cpu *cpu, void *p)       \
    {                                                               \
        u16 flags;                                                  \
                                                                    \
        asm volatile(before "lock " op suffix " %[m]" TAKE_FLAGS    \
                     : [m] "+m"(*(Guest##bits *)p), "=a"(flags)     \
                     : [arith] "m"(cpu->arith) : "cc", "memory");   \
        cpu->arith = flags;                                         \
    }
#define HOST_UNARY(name, before, op)                                                \
    UNARY_WIDTH(name, before, op, 8, "b")                                           \
    UNARY_WIDTH(name, before, op, 16, "w")                                          \
    UNARY_WIDTH(name, before, op, 32, "l")                                          \
    UNARY_WIDTH(name, before, op, 64, "q")                                          \
    inline_always u64 host_##name(Cpu *cpu, unsigned w, u64 a)                      \
    {                                                                               \
        return w == 0 ? host_##name##8(cpu, a) : w == 1 ? host_##name##16(cpu, a) : \
               w == 2 ? host_##name##32(cpu, a) : host_##name##64(cpu, a);          \
    }                                                                               \
    inline_always void locked_##name(Cpu *cpu, unsigned w, void *p)                 \
    {                                                                               \
        w == 0 ? locked_##name##8(cpu, p) : w == 1 ? locked_##name##16(cpu, p) :    \
        w == 2 ? locked_##name##32(cpu, p) : locked_##name##64(cpu, p);             \
    }

HOST_UNARY(inc, PUT_CARRY, "inc")
HOST_UNARY(dec, PUT_CARRY, "dec")
HOST_UNARY(neg, "", "neg")

/* ---- two operands ---- */

/*
 * In the order of their encoding (opcode bits 3-5, or ModRM.reg of 80-83); TEST is none
 * of these.
 */
typedef enum { ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, TEST } Binary;

inline_always u64 binary(Cpu *cpu, unsigned w, Binary op, u64 a, u64 b)
{
    switch (op) {
    case ADD:
        return host_add(cpu, w, a, b);
    case OR:
        return host_or(cpu, w, a, b);
    case ADC:
        return host_adc(cpu, w, a, b);
    case SBB:
        return host_sbb(cpu, w, a, b);
    case AND:
        return host_and(cpu, w, a, b);
    case SUB:
        return host_sub(cpu, w, a, b);
    case XOR:
        return host_xor(cpu, w, a, b);
    case CMP:
        return host_cmp(cpu, w, a, b);
    default:
        return host_test(cpu, w, a, b);
    }
}

inline_always void binary_locked(Cpu *cpu, unsigned w, Binary op, void *p, u64 b)
{
    switch (op) {
    case ADD:
        locked_add(cpu, w, p, b);
        break;
    case OR:
        locked_or(cpu, w, p, b);
        break;
    case ADC:
        locked_adc(cpu, w, p, b);
        break;
    case SBB:
        locked_sbb(cpu, w, p, b);
        break;
    case AND:
        locked_and(cpu, w, p, b);
        break;
    case SUB:
        locked_sub(cpu, w, p, b);
        break;
    default:
        locked_xor(cpu, w, p, b);
        break;
    }
}

inline_always bool keeps_result(Binary op)
{
    return op != CMP && op != TEST;
}

/* What the second operand is. */
typedef enum { REG, IMM } Source;

inline_always u64 source(const Cpu *cpu, const Insn *insn, unsigned w, Source from)
{
    return from == IMM ? low_bits(insn->imm, w) : reg_get(cpu, insn->reg, w);
}

/* rm = rm OP source. */
inline_always void to_reg(Cpu *cpu, const Insn *insn, unsigned w, Binary op,
                          Source from)
{
    u64 a = binary(cpu, w, op, reg_get(cpu, insn->rm, w), source(cpu, insn, w, from));

    if (keeps_result(op)) {
        reg_set(cpu, insn->rm, w, a);
    }
}

inline_always void to_mem(Cpu *cpu, const Insn *insn, unsigned w, Binary op,
                          Source from)
{
    u64 b = source(cpu, insn, w, from);
    gva at;

    if (keeps_result(op)) {
        at = mem_out(cpu, insn, w);
        mem_set(cpu, at, w, binary(cpu, w, op, mem_get_to_change(cpu, at, w), b));
    } else {
        binary(cpu, w, op, mem_get(cpu, mem_in(cpu, insn, w), w), b);
    }
}

inline_always void to_locked(Cpu *cpu, const Insn *insn, unsigned w, Binary op,
                             Source from)
{
    u64 b = source(cpu, insn, w, from);
    gva at = mem_out(cpu, insn, w);
    void *p = mem_rmw(cpu, at, 1 << w);

    if (likely(p)) {
        binary_locked(cpu, w, op, p, b);
    } else {
        lock_alone_begin(cpu, at, 1 << w);
        mem_set(cpu, at, w, binary(cpu, w, op, mem_get(cpu, at, w), b));
        lock_alone_end(cpu);
    }
}

/* reg = reg OP rm. */
inline_always void from_reg(Cpu *cpu, const Insn *insn, unsigned w, Binary op)
{
    u64 a = binary(cpu, w, op, reg_get(cpu, insn->reg, w), reg_get(cpu, insn->rm, w));

    if (keeps_result(op)) {
        reg_set(cpu, insn->reg, w, a);
    }
}

inline_always void from_mem(Cpu *cpu, const Insn *insn, unsigned w, Binary op)
{
    u64 b = mem_get(cpu, mem_in(cpu, insn, w), w);
    u64 a = binary(cpu, w, op, reg_get(cpu, insn->reg, w), b);

    if (keeps_result(op)) {
        reg_set(cpu, insn->reg, w, a);
    }
}

#define PLAIN_FORMS(name, OP, from)             \
    STAMP4(name##_reg_##from, to_reg, OP, from) \
    STAMP4(name##_mem_##from, to_mem, OP, from)
#define LOCK_FORMS(name, OP, from)                                        \
    PLAIN_FORMS(name, OP, from)                                           \
    STAMP4(name##_lock_##from, to_locked, OP, from)                       \
    static const OpForms name##_to_##from = { WIDTHS4(name##_reg_##from), \
        WIDTHS4(name##_mem_##from), WIDTHS4(name##_lock_##from) };
#define COMPARE_FORMS(name, OP, from)                                     \
    PLAIN_FORMS(name, OP, from)                                           \
    static const OpForms name##_to_##from = { WIDTHS4(name##_reg_##from), \
        WIDTHS4(name##_mem_##from), { NULL } };
#define FROM_FORMS(name, OP)                                       \
    STAMP4(name##_from_reg, from_reg, OP)                          \
    STAMP4(name##_from_mem, from_mem, OP)                          \
    static const OpForms name##_from = { WIDTHS4(name##_from_reg), \
        WIDTHS4(name##_from_mem), { NULL } };
#define BINARY_FORMS(name, OP) \
    LOCK_FORMS(name, OP, REG)  \
    LOCK_FORMS(name, OP, IMM)  \
    FROM_FORMS(name, OP)

BINARY_FORMS(add, ADD)
BINARY_FORMS(or, OR)
BINARY_FORMS(adc, ADC)
BINARY_FORMS(sbb, SBB)
BINARY_FORMS(and, AND)
BINARY_FORMS(sub, SUB)
BINARY_FORMS(xor, XOR)
COMPARE_FORMS(cmp, CMP, REG)
COMPARE_FORMS(cmp, CMP, IMM)
FROM_FORMS(cmp, CMP)
COMPARE_FORMS(test, TEST, REG)
COMPARE_FORMS(test, TEST, IMM)

/* ---- one operand ---- */

typedef enum { INC, DEC, NEG, NOT } Unary;

inline_always u64 unary(Cpu *cpu, unsigned w, Unary op, u64 a)
{
    return op == INC ? host_inc(cpu, w, a) : op == DEC ? host_dec(cpu, w, a) :
           op == NEG ? host_neg(cpu, w, a) : ~a;
}

inline_always void locked_not(unsigned w, void *p)
{
    w == 0 ? (void)__atomic_xor_fetch((u8 *)p, 0xff, __ATOMIC_SEQ_CST) :
    w == 1 ? (void)__atomic_xor_fetch((u16 *)p, 0xffff, __ATOMIC_SEQ_CST) :
    w == 2 ? (void)__atomic_xor_fetch((u32 *)p, UINT32_MAX, __ATOMIC_SEQ_CST) :
             (void)__atomic_xor_fetch((u64 *)p, UINT64_MAX, __ATOMIC_SEQ_CST);
}

inline_always void unary_locked(Cpu *cpu, unsigned w, Unary op, void *p)
{
    op == INC ? locked_inc(cpu, w, p) : op == DEC ? locked_dec(cpu, w, p) :
    op == NEG ? locked_neg(cpu, w, p) : locked_not(w, p);
}

inline_always void unary_reg(Cpu *cpu, const Insn *insn, unsigned w, Unary op)
{
    reg_set(cpu, insn->rm, w, unary(cpu, w, op, reg_get(cpu, insn->rm, w)));
}

/* INC and DEC of the register in the opcode byte. */
inline_always void unary_z(Cpu *cpu, const Insn *insn, unsigned w, Unary op)
{
    reg_set(cpu, insn->reg, w, unary(cpu, w, op, reg_get(cpu, insn->reg, w)));
}

inline_always void unary_mem(Cpu *cpu, const Insn *insn, unsigned w, Unary op)
{
    gva at = mem_out(cpu, insn, w);

    mem_set(cpu, at, w, unary(cpu, w, op, mem_get_to_change(cpu, at, w)));
}

inline_always void unary_lock(Cpu *cpu, const Insn *insn, unsigned w, Unary op)
{
    gva at = mem_out(cpu, insn, w);
    void *p = mem_rmw(cpu, at, 1 << w);

    if (likely(p)) {
        unary_locked(cpu, w, op, p);
    } else {
        lock_alone_begin(cpu, at, 1 << w);
        mem_set(cpu, at, w, unary(cpu, w, op, mem_get(cpu, at, w)));
        lock_alone_end(cpu);
    }
}

#define UNARY_FORMS(name, OP)                                                       \
    STAMP4(name##_reg, unary_reg, OP)                                               \
    STAMP4(name##_mem, unary_mem, OP)                                               \
    STAMP4(name##_lock, unary_lock, OP)                                             \
    static const OpForms name##_forms = { WIDTHS4(name##_reg), WIDTHS4(name##_mem), \
        WIDTHS4(name##_lock) };

UNARY_FORMS(inc, INC)
UNARY_FORMS(dec, DEC)
UNARY_FORMS(neg, NEG)
UNARY_FORMS(not, NOT)

STAMP(inc_z16, 1, unary_z, INC)
STAMP(inc_z32, 2, unary_z, INC)
STAMP(dec_z16, 1, unary_z, DEC)
STAMP(dec_z32, 2, unary_z, DEC)
static const OpForms inc_z = { .reg = { NULL, inc_z16, inc_z32 } };
static const OpForms dec_z = { .reg = { NULL, dec_z16, dec_z32 } };

/* ---- rows ---- */

#define ALU(byte, name, a, b, attributes, reads_, form)                              \
    ROW(MAP_1, byte, name, .operand = { a, b }, .attr = attributes, .reads = reads_, \
        .writes = FLAGS_ARITH, .class = CLASS_COPY, .forms = &form)
#define GROUP(byte, ext, name, a, b, attributes, reads_, writes_, form)      \
    ROW_EXT(MAP_1, byte, ext, name, .operand = { a, b }, .attr = attributes, \
            .reads = reads_, .writes = writes_, .class = CLASS_COPY, .forms = &form)

/*
 * The six rows of an operation in the first quarter of the map, and its four of group
 * 1.
 */
#define BINARY_ROWS(n, name, sym, lock, reads)                                     \
    ALU(n * 8 + 0, name, O_Eb, O_Gb, OP_BYTE | lock, reads, sym##_to_REG),         \
    ALU(n * 8 + 1, name, O_Ev, O_Gv, lock, reads, sym##_to_REG),                   \
    ALU(n * 8 + 2, name, O_Gb, O_Eb, OP_BYTE, reads, sym##_from),                  \
    ALU(n * 8 + 3, name, O_Gv, O_Ev, 0, reads, sym##_from),                        \
    ALU(n * 8 + 4, name, O_AL, O_Ib, OP_BYTE, reads, sym##_to_IMM),                \
    ALU(n * 8 + 5, name, O_AX, O_Iz, 0, reads, sym##_to_IMM),                      \
    GROUP(0x80, n, name, O_Eb, O_Ib, OP_BYTE | lock, reads, FLAGS_ARITH,           \
        sym##_to_IMM),                                                             \
    GROUP(0x81, n, name, O_Ev, O_Iz, lock, reads, FLAGS_ARITH, sym##_to_IMM),      \
    GROUP(0x82, n, name, O_Eb, O_Ib, OP_BYTE | OP_NO64 | lock, reads, FLAGS_ARITH, \
          sym##_to_IMM),                                                           \
    GROUP(0x83, n, name, O_Ev, O_sIb, lock, reads, FLAGS_ARITH, sym##_to_IMM)

#define UNARY_ROWS(byte, ext, name, writes, sym)                        \
    GROUP(byte, ext, name, O_Eb, 0, OP_BYTE | OP_LOCK, 0, writes, sym), \
    GROUP(byte + 1, ext, name, O_Ev, 0, OP_LOCK, 0, writes, sym)

#define FLAGS_NOT_CF (FLAGS_ARITH & ~FLAG_CF)

static const Opcode rows[] = {
    BINARY_ROWS(0, "add", add, OP_LOCK, 0),
    BINARY_ROWS(1, "or", or, OP_LOCK, 0),
    BINARY_ROWS(2, "adc", adc, OP_LOCK, FLAG_CF),
    BINARY_ROWS(3, "sbb", sbb, OP_LOCK, FLAG_CF),
    BINARY_ROWS(4, "and", and, OP_LOCK, 0),
    BINARY_ROWS(5, "sub", sub, OP_LOCK, 0),
    BINARY_ROWS(6, "xor", xor, OP_LOCK, 0),
    BINARY_ROWS(7, "cmp", cmp, 0, 0),
    ALU(0x84, "test", O_Eb, O_Gb, OP_BYTE, 0, test_to_REG),
    ALU(0x85, "test", O_Ev, O_Gv, 0, 0, test_to_REG),
    ALU(0xa8, "test", O_AL, O_Ib, OP_BYTE, 0, test_to_IMM),
    ALU(0xa9, "test", O_AX, O_Iz, 0, 0, test_to_IMM),
    GROUP(0xf6, 0, "test", O_Eb, O_Ib, OP_BYTE, 0, FLAGS_ARITH, test_to_IMM),
    GROUP(0xf6, 1, "test", O_Eb, O_Ib, OP_BYTE, 0, FLAGS_ARITH, test_to_IMM),
    GROUP(0xf7, 0, "test", O_Ev, O_Iz, 0, 0, FLAGS_ARITH, test_to_IMM),
    GROUP(0xf7, 1, "test", O_Ev, O_Iz, 0, 0, FLAGS_ARITH, test_to_IMM),
    UNARY_ROWS(0xf6, 2, "not", 0, not_forms),
    UNARY_ROWS(0xf6, 3, "neg", FLAGS_ARITH, neg_forms),
    UNARY_ROWS(0xfe, 0, "inc", FLAGS_NOT_CF, inc_forms),
    UNARY_ROWS(0xfe, 1, "dec", FLAGS_NOT_CF, dec_forms),
    ROW(MAP_1, 0x40, "inc", .operand = { O_Zv }, .attr = OP_NO64,
        .writes = FLAGS_NOT_CF,
        .class = CLASS_COPY, .forms = &inc_z),
    ROW(MAP_1, 0x48, "dec", .operand = { O_Zv }, .attr = OP_NO64,
        .writes = FLAGS_NOT_CF,
        .class = CLASS_COPY, .forms = &dec_z),
};

FAMILY(ops_alu, "alu", rows);
