/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the instruction families share: operands by width, flags from the host, and the
 * macros that stamp one function per operand size out of an inline one and write table
 * rows.
 *
 * `w` is always a constant where these are used: log2 of the operand's bytes.
 */

#ifndef ACCEL_SOFT_OPERAND_H
#define ACCEL_SOFT_OPERAND_H

#include "accel/soft/mmu.h"
#include "accel/soft/soft.h"

#define inline_always static inline __attribute__((always_inline))

/* ---- registers ---- */

inline_always u64 low_bits(u64 value, unsigned w)
{
    return w == 0 ? (u8)value : w == 1 ? (u16)value : w == 2 ? (u32)value : value;
}

inline_always s64 sign_extend(u64 value, unsigned w)
{
    return w == 0 ? (s8)value : w == 1 ? (s16)value : w == 2 ? (s32)value : (s64)value;
}

inline_always u64 reg_get(const Cpu *cpu, unsigned n, unsigned w)
{
    return w == 0 ? ((const u8 *)&cpu->gpr[n & 15])[n >> 5] : low_bits(cpu->gpr[n], w);
}

/*
 * Narrow writes keep the rest of the register.  They are done on the whole of it,
 * because the host can't forward two stores of different widths to one later load.
 */
inline_always void reg_set(Cpu *cpu, unsigned n, unsigned w, u64 value)
{
    if (w == 0) {
        unsigned shift = n >> 2 & 8;
        u64 *reg = &cpu->gpr[n & 15];

        *reg = (*reg & ~(0xffull << shift)) | (u64)(u8)value << shift;
    } else if (w == 1) {
        cpu->gpr[n] = (cpu->gpr[n] & ~0xffffull) | (u16)value;
    } else {
        cpu->gpr[n] = low_bits(value, w);
    }
}

/* ---- memory ---- */

inline_always u64 mem_get(Cpu *cpu, gva at, unsigned w)
{
    return w == 0 ? cpu_load8(cpu, at) : w == 1 ? cpu_load16(cpu, at) :
           w == 2 ? cpu_load32(cpu, at) : cpu_load64(cpu, at);
}

inline_always void mem_set(Cpu *cpu, gva at, unsigned w, u64 value)
{
    if (w == 0) {
        cpu_store8(cpu, at, value);
    } else if (w == 1) {
        cpu_store16(cpu, at, value);
    } else if (w == 2) {
        cpu_store32(cpu, at, value);
    } else {
        cpu_store64(cpu, at, value);
    }
}

/*
 * Is [at, at + size) in the TLB for writing: can a store neither fault nor take the
 * slow path?
 */
inline_always bool mem_writable_fast(const Cpu *cpu, gva at, unsigned size)
{
    return tag_covers(mmu_entry(cpu, at)->write, at, size);
}

inline_always bool mem_readable_fast(const Cpu *cpu, gva at, unsigned size)
{
    return tag_covers(mmu_entry(cpu, at)->read, at, size);
}

/* Reads what will be written back: a store to `at` does not fault after this. */
inline_always u64 mem_get_to_change(Cpu *cpu, gva at, unsigned w)
{
    if (unlikely(!mem_writable_fast(cpu, at, 1 << w))) {
        mmu_probe_write(cpu, at, 1 << w);
    }
    return mem_get(cpu, at, w);
}

/*
 * The linear address of the instruction's memory operand, to be read or to be written.
 */
inline_always gva mem_in(Cpu *cpu, const Insn *insn, unsigned w)
{
    return insn_linear(cpu, insn, 1 << w, ACCESS_READ);
}

inline_always gva mem_out(Cpu *cpu, const Insn *insn, unsigned w)
{
    return insn_linear(cpu, insn, 1 << w, ACCESS_WRITE);
}

/*
 * The host address of bytes of RAM to change at once, or NULL: then lock_alone_begin().
 */
inline_always void *mem_rmw(Cpu *cpu, gva at, unsigned size)
{
    if (likely(mem_writable_fast(cpu, at, size))) {
        return (void *)(uintptr_t)(at + mmu_entry(cpu, at)->addend);
    }
    return mmu_rmw(cpu, at, size);
}

/*
 * A locked operation that the host can't do in one instruction (MMIO, or across pages)
 * runs alone.  The run loop ends that if a fault comes between.
 */
void lock_alone_begin(Cpu *cpu, gva at, unsigned size);
void lock_alone_end(Cpu *cpu);

/* ---- the stack: in 64-bit mode (the only one with 64-bit operands) it is flat ---- */

inline_always void push_value(Cpu *cpu, unsigned w, u64 value)
{
    gva at = cpu->gpr[RSP] - 8;

    if (w == 3 && likely(mem_writable_fast(cpu, at, 8))) {
        mem_set(cpu, at, 3, value);
        cpu->gpr[RSP] = at;
    } else {
        cpu_push(cpu, value, 1 << w);
    }
}

/* The value on top; the stack pointer stays. */
inline_always u64 top_value(Cpu *cpu, unsigned w)
{
    gva at = cpu->gpr[RSP];

    return w == 3 && likely(mem_readable_fast(cpu, at, 8)) ? mem_get(cpu, at, 3) :
           cpu_peek(cpu, 0, 1 << w);
}

/* Drops `n` bytes. */
inline_always void drop_bytes(Cpu *cpu, unsigned w, u64 n)
{
    if (w == 3) {
        cpu->gpr[RSP] += n;
    } else {
        cpu_set_stack_pointer(cpu, cpu->gpr[RSP] + n);
    }
}

/* ---- flags ---- */

/*
 * Take the host's flags after an instruction, as cpu->arith has them, into rax; and put
 * them back.
 */
#define TAKE_FLAGS "\n\tlahf\n\tseto %%al"
#define PUT_CARRY  "btw $8, %[arith]\n\t"
#define PUT_FLAGS  "addb $0x7f, %%al\n\tsahf\n\t"       /* OF, then the others */

/* ---- conditions ---- */

/*
 * SDM vol. 1, table B-1: overflow, below, equal, below or equal, sign, parity, less,
 * less or equal; odd ones negate.
 */
inline_always bool condition(const Cpu *cpu, unsigned code)
{
    unsigned f = cpu->arith;
    bool less = (f >> 15 ^ f) & 1, yes;

    switch (code >> 1) {
    case 0:
        yes = f & 1;
        break;
    case 1:
        yes = f & FLAG_CF << 8;
        break;
    case 2:
        yes = f & FLAG_ZF << 8;
        break;
    case 3:
        yes = f & (FLAG_CF | FLAG_ZF) << 8;
        break;
    case 4:
        yes = f & FLAG_SF << 8;
        break;
    case 5:
        yes = f & FLAG_PF << 8;
        break;
    case 6:
        yes = less;
        break;
    default:
        yes = less || f & FLAG_ZF << 8;
        break;
    }
    return yes != (code & 1);
}

/* ---- stamping ---- */

/*
 * Runs the next instruction: as a tail call, where the compiler does that, which saves
 * the way through the run loop.  Otherwise the stack is as deep as a block is long.  A
 * block's last instruction does not do this.
 */
inline_always void insn_go_on(Cpu *cpu, const Insn *insn)
{
    insn++;
    cpu->insn = insn;
    insn_fn(insn)(cpu, insn);
}

/* A function for one operand size, which goes on; and one that sets rip (OP_ENDS). */
#define STAMP(name, w, body, ...)                     \
    static void name(Cpu *cpu, const Insn *insn)      \
    {                                                 \
        body(cpu, insn, w __VA_OPT__(,) __VA_ARGS__); \
        insn_go_on(cpu, insn);                        \
    }
#define STAMP_LAST(name, w, body, ...)                \
    static void name(Cpu *cpu, const Insn *insn)      \
    {                                                 \
        body(cpu, insn, w __VA_OPT__(,) __VA_ARGS__); \
    }
/* name16, name32, name64; and with name8 before these. */
#define STAMP3(name, body, ...)           \
    STAMP(name##16, 1, body, __VA_ARGS__) \
    STAMP(name##32, 2, body, __VA_ARGS__) \
    STAMP(name##64, 3, body, __VA_ARGS__)
#define STAMP4(name, body, ...)          \
    STAMP(name##8, 0, body, __VA_ARGS__) \
    STAMP3(name, body, __VA_ARGS__)
#define STAMP3_LAST(name, body, ...)           \
    STAMP_LAST(name##16, 1, body, __VA_ARGS__) \
    STAMP_LAST(name##32, 2, body, __VA_ARGS__) \
    STAMP_LAST(name##64, 3, body, __VA_ARGS__)
#define WIDTHS3(name) { NULL, name##16, name##32, name##64 }
#define WIDTHS4(name) { name##8, name##16, name##32, name##64 }

/* ---- rows ---- */

#define ROW(map_, byte_, name_, ...) \
    { .map = map_, .byte = byte_, .ext = -1, .rm = -1, .name = name_, __VA_ARGS__ }
#define ROW_EXT(map_, byte_, ext_, name_, ...) \
    { .map = map_, .byte = byte_, .ext = ext_, .rm = -1, .name = name_, __VA_ARGS__ }
#define ROW_RM(map_, byte_, ext_, rm_, name_, ...)                        \
    { .map = map_, .byte = byte_, .ext = ext_, .rm = rm_, .mod = MOD_REG, \
        .name = name_,                                                    \
      __VA_ARGS__ }
#define FAMILY(symbol, name_, rows) \
    const OpFamily symbol = { .name = name_, .row = rows, .n = G_N_ELEMENTS(rows) }

/* ---- what more than one group of instructions does ---- */

/* The flags of a - b. */
#define HOST_COMPARE_WIDTH(bits)                                          \
    inline_always void host_compare##bits(Cpu *cpu, u##bits a, u##bits b) \
    {                                                                     \
        u16 flags;                                                        \
                                                                          \
        asm("cmp %[b], %[a]" TAKE_FLAGS                                   \
            : "=a"(flags) : [a] "q"(a), [b] "q"(b) : "cc");               \
        cpu->arith = flags;                                               \
    }
HOST_COMPARE_WIDTH(8)
HOST_COMPARE_WIDTH(16)
HOST_COMPARE_WIDTH(32)
HOST_COMPARE_WIDTH(64)

inline_always void host_compare(Cpu *cpu, unsigned w, u64 a, u64 b)
{
    w == 0 ? host_compare8(cpu, a, b) : w == 1 ? host_compare16(cpu, a, b) :
    w == 2 ? host_compare32(cpu, a, b) : host_compare64(cpu, a, b);
}

/*
 * host_NAME(): the destination `a` of BSF, LZCNT and so on with source b.  The whole
 * register goes in and comes out.
 */
#define HOST_SCAN_WIDTH(name, bits, mod)                           \
    inline_always u64 host_##name##bits(Cpu *cpu, u64 a, u64 b)    \
    {                                                              \
        u16 flags = cpu->arith;                                    \
                                                                   \
        asm(PUT_FLAGS #name " %" mod "[b], %" mod "[a]" TAKE_FLAGS \
            : [a] "+r"(a), "+a"(flags) : [b] "r"(b) : "cc");       \
        cpu->arith = flags;                                        \
        return a;                                                  \
    }
#define HOST_SCAN(name)                                               \
    HOST_SCAN_WIDTH(name, 16, "w")                                    \
    HOST_SCAN_WIDTH(name, 32, "k")                                    \
    HOST_SCAN_WIDTH(name, 64, "q")                                    \
    inline_always u64 host_##name(Cpu *cpu, unsigned w, u64 a, u64 b) \
    {                                                                 \
        return w == 1 ? host_##name##16(cpu, a, b) :                  \
               w == 2 ? host_##name##32(cpu, a, b) :                  \
                        host_##name##64(cpu, a, b);                   \
    }

#endif
