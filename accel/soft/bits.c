/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bits: BT BTS BTR BTC BSF BSR BSWAP POPCNT CRC32.  As elsewhere the host does the work
 * with the guest's flags loaded, so undefined flags are the host's.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"

/* ---- BT BTS BTR BTC ---- */

/* In the order of ModRM.reg of group 8, from 4. */
typedef enum { BT, BTS, BTR, BTC } BitOp;

/* The bit number is taken modulo the width. */
#define BIT_WIDTH(name, bits)                                                   \
    inline_always u##bits host_##name##bits(Cpu *cpu, u##bits a, u##bits n)     \
    {                                                                           \
        u16 flags = cpu->arith;                                                 \
                                                                                \
        asm(PUT_FLAGS #name " %[n], %[a]" TAKE_FLAGS : [a] "+r"(a), "+a"(flags) \
            : [n] "r"(n) : "cc");                                               \
        cpu->arith = flags;                                                     \
        return a;                                                               \
    }
#define BIT_LOCKED(name, bits)                                               \
    inline_always void locked_##name##bits(Cpu *cpu, void *p, u##bits n)     \
    {                                                                        \
        u16 flags = cpu->arith;                                              \
                                                                             \
        asm volatile(PUT_FLAGS "lock " #name " %[n], %[m]" TAKE_FLAGS        \
                     : [m] "+m"(*(Guest##bits *)p), "+a"(flags) : [n] "r"(n) \
                     : "cc", "memory");                                      \
        cpu->arith = flags;                                                  \
    }
#define HOST_BIT(name)                                                \
    BIT_WIDTH(name, 16)                                               \
    BIT_WIDTH(name, 32)                                               \
    BIT_WIDTH(name, 64)                                               \
    inline_always u64 host_##name(Cpu *cpu, unsigned w, u64 a, u64 n) \
    {                                                                 \
        return w == 1 ? host_##name##16(cpu, a, n) :                  \
               w == 2 ? host_##name##32(cpu, a, n) :                  \
               host_##name##64(cpu, a, n);                            \
    }
#define HOST_BIT_LOCKED(name)                                              \
    BIT_LOCKED(name, 16)                                                   \
    BIT_LOCKED(name, 32)                                                   \
    BIT_LOCKED(name, 64)                                                   \
    inline_always void locked_##name(Cpu *cpu, unsigned w, void *p, u64 n) \
    {                                                                      \
        w == 1 ? locked_##name##16(cpu, p, n) :                            \
        w == 2 ? locked_##name##32(cpu, p, n) :                            \
        locked_##name##64(cpu, p, n);                                      \
    }

HOST_BIT(bt)
HOST_BIT(bts)
HOST_BIT(btr)
HOST_BIT(btc)
HOST_BIT_LOCKED(bts)
HOST_BIT_LOCKED(btr)
HOST_BIT_LOCKED(btc)

inline_always u64 bit_change(Cpu *cpu, unsigned w, BitOp op, u64 a, u64 n)
{
    return op == BT ? host_bt(cpu, w, a, n) : op == BTS ? host_bts(cpu, w, a, n) :
           op == BTR ? host_btr(cpu, w, a, n) : host_btc(cpu, w, a, n);
}

inline_always void bit_locked(Cpu *cpu, unsigned w, BitOp op, void *p, u64 n)
{
    op == BTS ? locked_bts(cpu, w, p, n) : op == BTR ? locked_btr(cpu, w, p, n) :
                locked_btc(cpu, w, p, n);
}

typedef enum { REG, IMM } Source;

inline_always u64 bit_number(const Cpu *cpu, const Insn *insn, unsigned w, Source from)
{
    return from == IMM ? (u64)insn->imm : reg_get(cpu, insn->reg, w);
}

/*
 * A bit number in a register reaches beyond the operand, in both directions; an
 * immediate doesn't.
 */
inline_always gva bit_linear(Cpu *cpu, const Insn *insn, unsigned w, Source from,
                             Access access)
{
    u64 offset = insn_offset(cpu, insn);

    if (from == REG) {
        offset += (sign_extend(cpu->gpr[insn->reg], w) >> (3 + w)) * (1 << w);
        offset = low_bits(offset, 1 + ((insn->shape & INSN_ADDR) >> 2));
        if (unlikely(insn->seg == SEG_FLAT && !cpu_canonical(cpu, offset))) {
            cpu_raise_error(
                cpu, insn->base == RSP || insn->base == RBP ? EXC_SS : EXC_GP, 0);
        }
    }
    return insn->seg == SEG_FLAT ? offset :
           segment_linear(cpu, insn->seg, offset, 1 << w, access);
}

inline_always void bit_reg(Cpu *cpu, const Insn *insn, unsigned w, BitOp op,
                           Source from)
{
    u64 a = bit_change(cpu, w, op, reg_get(cpu, insn->rm, w),
                       bit_number(cpu, insn, w, from));

    if (op != BT) {
        reg_set(cpu, insn->rm, w, a);
    }
}

inline_always void bit_mem(Cpu *cpu, const Insn *insn, unsigned w, BitOp op,
                           Source from)
{
    gva at = bit_linear(cpu, insn, w, from, op == BT ? ACCESS_READ : ACCESS_WRITE);
    u64 n = bit_number(cpu, insn, w, from);

    if (op == BT) {
        bit_change(cpu, w, op, mem_get(cpu, at, w), n);
    } else {
        mem_set(cpu, at, w, bit_change(cpu, w, op, mem_get_to_change(cpu, at, w), n));
    }
}

inline_always void bit_lock(Cpu *cpu, const Insn *insn, unsigned w, BitOp op,
                            Source from)
{
    gva at = bit_linear(cpu, insn, w, from, ACCESS_WRITE);
    u64 n = bit_number(cpu, insn, w, from) & ((8 << w) - 1);
    void *p = mem_rmw(cpu, at, 1 << w);

    if (likely(p)) {
        bit_locked(cpu, w, op, p, n);
    } else {
        lock_alone_begin(cpu, at, 1 << w);
        mem_set(cpu, at, w, bit_change(cpu, w, op, mem_get(cpu, at, w), n));
        lock_alone_end(cpu);
    }
}

#define BIT_PLAIN(name, OP, from)                \
    STAMP3(name##_reg_##from, bit_reg, OP, from) \
    STAMP3(name##_mem_##from, bit_mem, OP, from)
#define BIT_FORMS(name, OP, from)                                      \
    BIT_PLAIN(name, OP, from)                                          \
    STAMP3(name##_lock_##from, bit_lock, OP, from)                     \
    static const OpForms name##_##from = { WIDTHS3(name##_reg_##from), \
        WIDTHS3(name##_mem_##from), WIDTHS3(name##_lock_##from) };

BIT_PLAIN(bt, BT, REG)
BIT_PLAIN(bt, BT, IMM)
static const OpForms bt_REG = { WIDTHS3(bt_reg_REG), WIDTHS3(bt_mem_REG), { NULL } };
static const OpForms bt_IMM = { WIDTHS3(bt_reg_IMM), WIDTHS3(bt_mem_IMM), { NULL } };
BIT_FORMS(bts, BTS, REG)
BIT_FORMS(bts, BTS, IMM)
BIT_FORMS(btr, BTR, REG)
BIT_FORMS(btr, BTR, IMM)
BIT_FORMS(btc, BTC, REG)
BIT_FORMS(btc, BTC, IMM)

/* ---- BSF BSR: a source of 0 leaves the destination as the host does ---- */

HOST_SCAN(bsf)
HOST_SCAN(bsr)

/*
 * The whole register goes in and comes out: what becomes of its upper half is the
 * host's affair too.
 */
inline_always void scan(Cpu *cpu, const Insn *insn, unsigned w, bool reverse, u64 b)
{
    u64 *a = &cpu->gpr[insn->reg];

    *a = reverse ? host_bsr(cpu, w, *a, b) : host_bsf(cpu, w, *a, b);
}

inline_always void scan_reg(Cpu *cpu, const Insn *insn, unsigned w, bool reverse)
{
    scan(cpu, insn, w, reverse, cpu->gpr[insn->rm]);
}

inline_always void scan_mem(Cpu *cpu, const Insn *insn, unsigned w, bool reverse)
{
    scan(cpu, insn, w, reverse, mem_get(cpu, mem_in(cpu, insn, w), w));
}

STAMP3(bsf_reg, scan_reg, false)
STAMP3(bsf_mem, scan_mem, false)
STAMP3(bsr_reg, scan_reg, true)
STAMP3(bsr_mem, scan_mem, true)
static const OpForms bsf = { WIDTHS3(bsf_reg), WIDTHS3(bsf_mem), { NULL } };
static const OpForms bsr = { WIDTHS3(bsr_reg), WIDTHS3(bsr_mem), { NULL } };

/* ---- POPCNT, BSWAP, CRC32 ---- */

inline_always void popcnt(Cpu *cpu, const Insn *insn, unsigned w, u64 a)
{
    reg_set(cpu, insn->reg, w, __builtin_popcountll(a));
    cpu_set_arith(cpu, a ? 0 : FLAG_ZF);
}

inline_always void popcnt_from_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    popcnt(cpu, insn, w, reg_get(cpu, insn->rm, w));
}

inline_always void popcnt_from_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    popcnt(cpu, insn, w, mem_get(cpu, mem_in(cpu, insn, w), w));
}

STAMP3(popcnt_reg, popcnt_from_reg)
STAMP3(popcnt_mem, popcnt_from_mem)
static const OpForms popcnt_forms = { WIDTHS3(popcnt_reg),
                                      WIDTHS3(popcnt_mem),
                                      { NULL } };

/* With 16 bits the result is undefined: CPUs give 0. */
inline_always void bswap(Cpu *cpu, const Insn *insn, unsigned w)
{
    u64 a = cpu->gpr[insn->reg];

    reg_set(cpu, insn->reg, w,
            w == 1 ? 0 :
            w == 2 ? __builtin_bswap32(a) :
                     __builtin_bswap64(a));
}

STAMP3(bswap, bswap)
static const OpForms bswap_forms = { .reg = WIDTHS3(bswap) };

/* Offered only where the host has it, as all of SSE4.2. */
inline_always u64 host_crc32(unsigned w, u64 crc, u64 data)
{
    switch (w) {
    case 0:
        asm("crc32b %b[data], %k[crc]" : [crc] "+r"(crc) : [data] "q"(data));
        break;
    case 1:
        asm("crc32w %w[data], %k[crc]" : [crc] "+r"(crc) : [data] "r"(data));
        break;
    case 2:
        asm("crc32l %k[data], %k[crc]" : [crc] "+r"(crc) : [data] "r"(data));
        break;
    default:
        asm("crc32q %q[data], %q[crc]" : [crc] "+r"(crc) : [data] "r"(data));
        break;
    }
    return crc;
}

inline_always void crc32_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    cpu->gpr[insn->reg] = host_crc32(w, cpu->gpr[insn->reg], reg_get(cpu, insn->rm, w));
}

inline_always void crc32_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    u64 data = mem_get(cpu, mem_in(cpu, insn, w), w);

    cpu->gpr[insn->reg] = host_crc32(w, cpu->gpr[insn->reg], data);
}

STAMP4(crc32_reg, crc32_reg)
STAMP4(crc32_mem, crc32_mem)
static const OpForms crc32_forms = { WIDTHS4(crc32_reg), WIDTHS4(crc32_mem), { NULL } };

/* ---- rows ---- */

#define BIT_ROWS(op, name, sym, lock)                                            \
    ROW(MAP_0F, 0xa3 + op * 8, name, .operand = { O_Ev, O_Gv }, .attr = lock,    \
        .writes = FLAGS_BIT, .class = CLASS_COPY, .forms = &sym##_REG),          \
    ROW_EXT(MAP_0F, 0xba, 4 + op, name, .operand = { O_Ev, O_Ib }, .attr = lock, \
            .writes = FLAGS_BIT, .class = CLASS_COPY, .forms = &sym##_IMM)
#define BIT_MOVE(byte, name, prefix_, needs, form)                        \
    ROW(MAP_0F, byte, name, .prefix = prefix_, .operand = { O_Gv, O_Ev }, \
        .writes = FLAGS_ARITH, .feature = needs, .class = CLASS_COPY, .forms = &form)

enum { FLAGS_BIT = FLAGS_ARITH & ~FLAG_ZF };

static const Opcode rows[] = {
    BIT_ROWS(BT, "bt", bt, 0),
    BIT_ROWS(BTS, "bts", bts, OP_LOCK),
    BIT_ROWS(BTR, "btr", btr, OP_LOCK),
    BIT_ROWS(BTC, "btc", btc, OP_LOCK),
    BIT_MOVE(0xbc, "bsf", P_ANY, NULL, bsf),
    BIT_MOVE(0xbd, "bsr", P_ANY, NULL, bsr),
    BIT_MOVE(0xb8, "popcnt", P_F3, "popcnt", popcnt_forms),
    ROW(MAP_0F, 0xc8, "bswap", .operand = { O_Zv }, .class = CLASS_COPY,
        .forms = &bswap_forms),
    ROW(MAP_0F38, 0xf0, "crc32", .prefix = P_F2, .operand = { O_Gd, O_Eb },
        .attr = OP_BYTE,
        .feature = "sse4.2", .forms = &crc32_forms),
    ROW(MAP_0F38, 0xf1, "crc32", .prefix = P_F2, .operand = { O_Gd, O_Ev },
        .feature = "sse4.2", .forms = &crc32_forms),
};

FAMILY(ops_bits, "bits", rows);
