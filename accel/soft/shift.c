/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shifts and rotations: ROL ROR RCL RCR SHL SHR SAR SHLD SHRD.  The host does them with
 * the guest's flags loaded, because a count of 0 leaves all of them, and rotations
 * most.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"

/* In the order of ModRM.reg; 6 is SHL again. */
typedef enum { ROL, ROR, RCL, RCR, SHL, SHR, SAL, SAR } Shift;

#define SHIFT_WIDTH(name, bits)                                                 \
    inline_always u##bits host_##name##bits(Cpu *cpu, u##bits a, u8 count)      \
    {                                                                           \
        u16 flags = cpu->arith;                                                 \
                                                                                \
        asm(PUT_FLAGS #name " %%cl, %[a]" TAKE_FLAGS : [a] "+q"(a), "+a"(flags) \
            : "c"(count) : "cc");                                               \
        cpu->arith = flags;                                                     \
        return a;                                                               \
    }
#define HOST_SHIFT(name)                                                         \
    SHIFT_WIDTH(name, 8)                                                         \
    SHIFT_WIDTH(name, 16)                                                        \
    SHIFT_WIDTH(name, 32)                                                        \
    SHIFT_WIDTH(name, 64)                                                        \
    inline_always u64 host_##name(Cpu *cpu, unsigned w, u64 a, u8 count)         \
    {                                                                            \
        return w == 0 ? host_##name##8(cpu, a, count) :                          \
               w == 1 ? host_##name##16(cpu, a, count) :                         \
               w == 2 ? host_##name##32(cpu, a, count) : host_##name##64(cpu, a, \
               count);                                                           \
    }

HOST_SHIFT(rol)
HOST_SHIFT(ror)
HOST_SHIFT(rcl)
HOST_SHIFT(rcr)
HOST_SHIFT(shl)
HOST_SHIFT(shr)
HOST_SHIFT(sar)

inline_always u64 shift(Cpu *cpu, unsigned w, Shift op, u64 a, u8 count)
{
    switch (op) {
    case ROL:
        return host_rol(cpu, w, a, count);
    case ROR:
        return host_ror(cpu, w, a, count);
    case RCL:
        return host_rcl(cpu, w, a, count);
    case RCR:
        return host_rcr(cpu, w, a, count);
    case SHR:
        return host_shr(cpu, w, a, count);
    case SAR:
        return host_sar(cpu, w, a, count);
    default:
        return host_shl(cpu, w, a, count);
    }
}

typedef enum { BY_IMM, BY_CL } Count;

inline_always u8 shift_count(const Cpu *cpu, const Insn *insn, Count by)
{
    return by == BY_IMM ? (u64)insn->imm : cpu->gpr[RCX];
}

inline_always void shift_reg(Cpu *cpu, const Insn *insn, unsigned w, Shift op, Count by)
{
    u64 a = reg_get(cpu, insn->rm, w);

    reg_set(cpu, insn->rm, w, shift(cpu, w, op, a, shift_count(cpu, insn, by)));
}

inline_always void shift_mem(Cpu *cpu, const Insn *insn, unsigned w, Shift op, Count by)
{
    gva at = mem_out(cpu, insn, w);
    u64 a = mem_get_to_change(cpu, at, w);

    mem_set(cpu, at, w, shift(cpu, w, op, a, shift_count(cpu, insn, by)));
}

#define SHIFT_FORMS(name, OP)                                                          \
    STAMP4(name##_reg_imm, shift_reg, OP, BY_IMM)                                      \
    STAMP4(name##_mem_imm, shift_mem, OP, BY_IMM)                                      \
    STAMP4(name##_reg_cl, shift_reg, OP, BY_CL)                                        \
    STAMP4(name##_mem_cl, shift_mem, OP, BY_CL)                                        \
    static const OpForms name##_imm = { WIDTHS4(name##_reg_imm),                       \
        WIDTHS4(name##_mem_imm),                                                       \
        { NULL } };                                                                    \
    static const OpForms name##_cl = { WIDTHS4(name##_reg_cl), WIDTHS4(name##_mem_cl), \
        { NULL } };

SHIFT_FORMS(rol, ROL)
SHIFT_FORMS(ror, ROR)
SHIFT_FORMS(rcl, RCL)
SHIFT_FORMS(rcr, RCR)
SHIFT_FORMS(shl, SHL)
SHIFT_FORMS(shr, SHR)
SHIFT_FORMS(sar, SAR)

/* ---- SHLD, SHRD: bits come in from a register ---- */

#define DOUBLE_WIDTH(name, bits)                                                      \
    inline_always u##bits host_##name##bits(Cpu *cpu, u##bits a, u##bits b, u8 count) \
    {                                                                                 \
        u16 flags = cpu->arith;                                                       \
                                                                                      \
        asm(PUT_FLAGS #name " %%cl, %[b], %[a]" TAKE_FLAGS : [a] "+r"(a), "+a"(flags) \
            : [b] "r"(b), "c"(count) : "cc");                                         \
        cpu->arith = flags;                                                           \
        return a;                                                                     \
    }
#define HOST_DOUBLE(name)                                                       \
    DOUBLE_WIDTH(name, 16)                                                      \
    DOUBLE_WIDTH(name, 32)                                                      \
    DOUBLE_WIDTH(name, 64)                                                      \
    inline_always u64 host_##name(Cpu *cpu, unsigned w, u64 a, u64 b, u8 count) \
    {                                                                           \
        return w == 1 ? host_##name##16(cpu, a, b, count) :                     \
               w == 2 ? host_##name##32(cpu, a, b, count) :                     \
                        host_##name##64(cpu, a, b, count);                      \
    }

HOST_DOUBLE(shld)
HOST_DOUBLE(shrd)

inline_always u64 shift_double(Cpu *cpu, const Insn *insn, unsigned w, bool right,
                               Count by, u64 a)
{
    u64 b = reg_get(cpu, insn->reg, w);
    u8 count = shift_count(cpu, insn, by);

    return right ? host_shrd(cpu, w, a, b, count) : host_shld(cpu, w, a, b, count);
}

inline_always void double_reg(Cpu *cpu, const Insn *insn, unsigned w, bool right,
                              Count by)
{
    u64 a = reg_get(cpu, insn->rm, w);

    reg_set(cpu, insn->rm, w, shift_double(cpu, insn, w, right, by, a));
}

inline_always void double_mem(Cpu *cpu, const Insn *insn, unsigned w, bool right,
                              Count by)
{
    gva at = mem_out(cpu, insn, w);
    u64 a = mem_get_to_change(cpu, at, w);

    mem_set(cpu, at, w, shift_double(cpu, insn, w, right, by, a));
}

#define DOUBLE_FORMS(name, right)                                                      \
    STAMP3(name##_reg_imm, double_reg, right, BY_IMM)                                  \
    STAMP3(name##_mem_imm, double_mem, right, BY_IMM)                                  \
    STAMP3(name##_reg_cl, double_reg, right, BY_CL)                                    \
    STAMP3(name##_mem_cl, double_mem, right, BY_CL)                                    \
    static const OpForms name##_imm = { WIDTHS3(name##_reg_imm),                       \
        WIDTHS3(name##_mem_imm),                                                       \
        { NULL } };                                                                    \
    static const OpForms name##_cl = { WIDTHS3(name##_reg_cl), WIDTHS3(name##_mem_cl), \
        { NULL } };

DOUBLE_FORMS(shld, false)
DOUBLE_FORMS(shrd, true)

/* ---- rows ---- */

#define SHIFT(byte, ext, name, a, b, attributes, reads_, writes_, form)      \
    ROW_EXT(MAP_1, byte, ext, name, .operand = { a, b }, .attr = attributes, \
            .reads = reads_, .writes = writes_, .class = CLASS_COPY, .forms = &form)
#define SHIFT_ROWS(ext, name, sym, reads, writes)                          \
    SHIFT(0xc0, ext, name, O_Eb, O_Ib, OP_BYTE, reads, writes, sym##_imm), \
    SHIFT(0xc1, ext, name, O_Ev, O_Ib, 0, reads, writes, sym##_imm),       \
    SHIFT(0xd0, ext, name, O_Eb, O_1, OP_BYTE, reads, writes, sym##_imm),  \
    SHIFT(0xd1, ext, name, O_Ev, O_1, 0, reads, writes, sym##_imm),        \
    SHIFT(0xd2, ext, name, O_Eb, O_CL, OP_BYTE, reads, writes, sym##_cl),  \
    SHIFT(0xd3, ext, name, O_Ev, O_CL, 0, reads, writes, sym##_cl)
#define DOUBLE(byte, name, count, form)                                              \
    ROW(MAP_0F, byte, name, .operand = { O_Ev, O_Gv, count }, .writes = FLAGS_ARITH, \
        .class = CLASS_COPY, .forms = &form)

enum { CARRY = FLAG_CF, ROTATED = FLAG_CF | FLAG_OF };

static const Opcode rows[] = {
    SHIFT_ROWS(ROL, "rol", rol, 0, ROTATED),
    SHIFT_ROWS(ROR, "ror", ror, 0, ROTATED),
    SHIFT_ROWS(RCL, "rcl", rcl, CARRY, ROTATED),
    SHIFT_ROWS(RCR, "rcr", rcr, CARRY, ROTATED),
    SHIFT_ROWS(SHL, "shl", shl, 0, FLAGS_ARITH),
    SHIFT_ROWS(SHR, "shr", shr, 0, FLAGS_ARITH),
    SHIFT_ROWS(SAL, "shl", shl, 0, FLAGS_ARITH),
    SHIFT_ROWS(SAR, "sar", sar, 0, FLAGS_ARITH),
    DOUBLE(0xa4, "shld", O_Ib, shld_imm),
    DOUBLE(0xa5, "shld", O_CL, shld_cl),
    DOUBLE(0xac, "shrd", O_Ib, shrd_imm),
    DOUBLE(0xad, "shrd", O_CL, shrd_cl),
};

FAMILY(ops_shift, "shift", rows);
