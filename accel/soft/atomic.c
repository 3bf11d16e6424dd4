/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compare and exchange: XADD CMPXCHG CMPXCHG8B CMPXCHG16B.
 * Memory is changed by the host's own instruction.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"

/* ---- XADD ---- */

#define XADD_WIDTH(bits)                                                               \
    inline_always u##bits xadd_at##bits(Cpu *cpu, Guest##bits *p, u##bits b,           \
        bool lock)                                                                     \
    {                                                                                  \
        u16 flags;                                                                     \
                                                                                       \
        if (lock) {                                                                    \
            asm volatile("lock xadd %[b], %[m]" TAKE_FLAGS                             \
                         : [m] "+m"(*p), [b] "+q"(b), "=a"(flags) : : "cc", "memory"); \
        } else {                                                                       \
            asm volatile("xadd %[b], %[m]" TAKE_FLAGS                                  \
                         : [m] "+m"(*p), [b] "+q"(b), "=a"(flags) : : "cc", "memory"); \
        }                                                                              \
        cpu->arith = flags;                                                            \
        return b;                                                                      \
    }
XADD_WIDTH(8)
XADD_WIDTH(16)
XADD_WIDTH(32)
XADD_WIDTH(64)

/* Adds `b` to what is at p, and returns what was there. */
inline_always u64 xadd_at(Cpu *cpu, unsigned w, void *p, u64 b, bool lock)
{
    return w == 0 ? xadd_at8(cpu, p, b, lock) : w == 1 ? xadd_at16(cpu, p, b, lock) :
           w == 2 ? xadd_at32(cpu, p, b, lock) : xadd_at64(cpu, p, b, lock);
}

inline_always void xadd_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    u64 sum = reg_get(cpu, insn->rm, w);
    u64 old = xadd_at(cpu, w, &sum, reg_get(cpu, insn->reg, w), false);

    reg_set(cpu, insn->reg, w, old);
    reg_set(cpu, insn->rm, w, sum);
}

inline_always void xadd_change(Cpu *cpu, const Insn *insn, unsigned w, bool lock)
{
    gva at = mem_out(cpu, insn, w);
    u64 value = reg_get(cpu, insn->reg, w);
    void *p = mem_rmw(cpu, at, 1 << w);

    if (likely(p)) {
        value = xadd_at(cpu, w, p, value, lock);
    } else {
        u64 sum;

        lock_alone_begin(cpu, at, 1 << w);
        sum = mem_get(cpu, at, w);
        value = xadd_at(cpu, w, &sum, value, false);
        mem_set(cpu, at, w, sum);
        lock_alone_end(cpu);
    }
    reg_set(cpu, insn->reg, w, value);
}

STAMP4(xadd_reg, xadd_reg)
STAMP4(xadd_mem, xadd_change, false)
STAMP4(xadd_lock, xadd_change, true)
static const OpForms xadd = { WIDTHS4(xadd_reg), WIDTHS4(xadd_mem),
                              WIDTHS4(xadd_lock) };

/* ---- CMPXCHG ---- */

/*
 * Either the operand changes or the accumulator, never both: see what happened and do
 * the rest.
 */
inline_always void cmpxchg_finish(Cpu *cpu, unsigned w, u64 found)
{
    u64 a = reg_get(cpu, RAX, w);

    host_compare(cpu, w, a, found);
    if (found != a) {
        reg_set(cpu, RAX, w, found);
    }
}

inline_always void cmpxchg_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    u64 found = reg_get(cpu, insn->rm, w), b = reg_get(cpu, insn->reg, w);
    bool same = found == reg_get(cpu, RAX, w);

    cmpxchg_finish(cpu, w, found);
    if (same) {
        reg_set(cpu, insn->rm, w, b);
    }
}

/* Puts `b` at p if `a` is there; returns what was. */
#define EXCHANGE_WIDTH(bits)                                               \
    inline_always u##bits exchange##bits(u##bits *p, u##bits a, u##bits b) \
    {                                                                      \
        __atomic_compare_exchange_n(p, &a, b, false, __ATOMIC_SEQ_CST,     \
            __ATOMIC_SEQ_CST);                                             \
        return a;                                                          \
    }
EXCHANGE_WIDTH(8)
EXCHANGE_WIDTH(16)
EXCHANGE_WIDTH(32)
EXCHANGE_WIDTH(64)

/*
 * With and without LOCK: it is locked in any case, which is slower without but does no
 * harm.
 */
inline_always void cmpxchg_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    gva at = mem_out(cpu, insn, w);
    u64 a = reg_get(cpu, RAX, w), b = reg_get(cpu, insn->reg, w), found;
    void *p = mem_rmw(cpu, at, 1 << w);

    if (likely(p)) {
        found = w == 0 ? exchange8(p, a, b) : w == 1 ? exchange16(p, a, b) :
                w == 2 ? exchange32(p, a, b) : exchange64(p, a, b);
    } else {
        lock_alone_begin(cpu, at, 1 << w);
        found = mem_get(cpu, at, w);
        mem_set(cpu, at, w, found == a ? b : found);
        lock_alone_end(cpu);
    }
    cmpxchg_finish(cpu, w, found);
}

STAMP4(cmpxchg_reg, cmpxchg_reg)
STAMP4(cmpxchg_mem, cmpxchg_mem)
static const OpForms cmpxchg = { WIDTHS4(cmpxchg_reg), WIDTHS4(cmpxchg_mem),
    WIDTHS4(cmpxchg_mem) };

/* ---- CMPXCHG8B, CMPXCHG16B: rDX:rAX and rCX:rBX; of the flags only ZF changes ---- */

static void set_zf(Cpu *cpu, bool zf)
{
    cpu->arith = (cpu->arith & ~(FLAG_ZF << 8)) | (zf ? FLAG_ZF << 8 : 0);
}

static void cmpxchg8b(Cpu *cpu, const Insn *insn)
{
    gva at = mem_out(cpu, insn, 3);
    u64 expected = low_bits(cpu->gpr[RAX], 2) | cpu->gpr[RDX] << 32, found = expected;
    u64 desired = low_bits(cpu->gpr[RBX], 2) | cpu->gpr[RCX] << 32;
    u64 *p = mem_rmw(cpu, at, 8);

    if (likely(p)) {
        __atomic_compare_exchange_n(p, &found, desired, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST);
    } else {
        lock_alone_begin(cpu, at, 8);
        found = cpu_load64(cpu, at);
        cpu_store64(cpu, at, found == expected ? desired : found);
        lock_alone_end(cpu);
    }
    set_zf(cpu, found == expected);
    if (found != expected) {
        cpu->gpr[RAX] = (u32)found;
        cpu->gpr[RDX] = found >> 32;
    }
}

/*
 * The host's instruction; `low` and `high` hold what is expected, and then what was
 * there.
 */
static bool host_cmpxchg16b(void *p, u64 *low, u64 *high, u64 new_low, u64 new_high)
{
    bool same;

    asm volatile("lock cmpxchg16b %[m]\n\tsetz %[same]"
                 : [m] "+m"(*(unsigned __int128 *)p), "+a"(*low),
                   "+d"(*high), [same] "=q"(same)
                 : "b"(new_low), "c"(new_high)
                 : "cc", "memory");
    return same;
}

static void cmpxchg16b(Cpu *cpu, const Insn *insn)
{
    gva at = insn_linear(cpu, insn, 16, ACCESS_WRITE);
    u64 operand[2] __attribute__((aligned(16)));
    void *p;
    bool same;

    if (at & 15) {
        cpu_gp(cpu, 0);
    }
    p = mem_rmw(cpu, at, 16);
    if (likely(p)) {
        same = host_cmpxchg16b(p, &cpu->gpr[RAX], &cpu->gpr[RDX], cpu->gpr[RBX],
                               cpu->gpr[RCX]);
    } else {
        lock_alone_begin(cpu, at, 16);
        mmu_read(cpu, at, operand, 16);
        same = host_cmpxchg16b(operand, &cpu->gpr[RAX], &cpu->gpr[RDX], cpu->gpr[RBX],
                               cpu->gpr[RCX]);
        mmu_write(cpu, at, operand, 16);
        lock_alone_end(cpu);
    }
    set_zf(cpu, same);
}

static const Opcode rows[] = {
    ROW(MAP_0F, 0xc0, "xadd", .operand = { O_Eb, O_Gb }, .attr = OP_LOCK | OP_BYTE,
        .writes = FLAGS_ARITH, .forms = &xadd),
    ROW(MAP_0F, 0xc1, "xadd", .operand = { O_Ev, O_Gv }, .attr = OP_LOCK,
        .writes = FLAGS_ARITH, .forms = &xadd),
    ROW(MAP_0F, 0xb0, "cmpxchg", .operand = { O_Eb, O_Gb }, .attr = OP_LOCK | OP_BYTE,
        .writes = FLAGS_ARITH, .forms = &cmpxchg),
    ROW(MAP_0F, 0xb1, "cmpxchg", .operand = { O_Ev, O_Gv }, .attr = OP_LOCK,
        .writes = FLAGS_ARITH, .forms = &cmpxchg),
    ROW_EXT(MAP_0F, 0xc7, 1, "cmpxchg8b", .operand = { O_Mq }, .attr = OP_LOCK | OP_W32,
            .writes = FLAG_ZF, .fn = cmpxchg8b),
    ROW_EXT(MAP_0F, 0xc7, 1, "cmpxchg16b", .operand = { O_Mdq },
        .attr = OP_LOCK | OP_W64,
            .writes = FLAG_ZF, .feature = "cx16", .fn = cmpxchg16b),
};

FAMILY(ops_atomic, "atomic", rows);
