/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Near transfers of control: Jcc JMP CALL RET LOOPcc JrCXZ, and BOUND, which goes on or
 * raises #BR.  Far ones are elsewhere.  A target outside the code segment is the fault
 * of the branch: nothing has changed then.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"

/* Can code be there? */
inline_always bool target_fits(const Cpu *cpu, unsigned w, u64 target)
{
    return w == 3 ? (u64)((s64)(target << 16) >> 16) == target :
                    target <= cpu->seg[SEG_CS].limit;
}

/* The target as the operand size cuts it. */
inline_always u64 checked_target(Cpu *cpu, unsigned w, u64 target)
{
    target = low_bits(target, w);
    if (unlikely(!target_fits(cpu, w, target))) {
        cpu_gp(cpu, 0);
    }
    return target;
}

inline_always u64 direct_target(Cpu *cpu, const Insn *insn, unsigned w)
{
    return checked_target(cpu, w, cpu->gpr[REG_BLOCK] + insn->wide);
}

/* ---- jumps ---- */

inline_always void jump(Cpu *cpu, const Insn *insn, unsigned w)
{
    cpu->rip = direct_target(cpu, insn, w);
}

inline_always void jump_if(Cpu *cpu, const Insn *insn, unsigned w, unsigned code)
{
    if (condition(cpu, code)) {
        cpu->rip = direct_target(cpu, insn, w);
    } else {
        cpu->rip = insn_next(cpu, insn);
    }
}

inline_always void jump_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    cpu->rip = checked_target(cpu, w, reg_get(cpu, insn->rm, w));
}

inline_always void jump_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    cpu->rip = checked_target(cpu, w, mem_get(cpu, mem_in(cpu, insn, w), w));
}

STAMP3_LAST(jmp, jump)
STAMP3_LAST(jmp_reg, jump_reg)
STAMP3_LAST(jmp_mem, jump_mem)
static const OpForms jmp = { .reg = WIDTHS3(jmp) };
static const OpForms jmp_rm = { WIDTHS3(jmp_reg), WIDTHS3(jmp_mem), { NULL } };

#define JUMP_IF(cc, code)                 \
    STAMP3_LAST(j##cc##_w, jump_if, code) \
    static const OpForms j##cc = { .reg = WIDTHS3(j##cc##_w) };

JUMP_IF(o, 0)
JUMP_IF(no, 1)
JUMP_IF(b, 2)
JUMP_IF(nb, 3)
JUMP_IF(z, 4)
JUMP_IF(nz, 5)
JUMP_IF(be, 6)
JUMP_IF(nbe, 7)
JUMP_IF(s, 8)
JUMP_IF(ns, 9)
JUMP_IF(p, 10)
JUMP_IF(np, 11)
JUMP_IF(l, 12)
JUMP_IF(nl, 13)
JUMP_IF(le, 14)
JUMP_IF(nle, 15)

/* ---- LOOP and JrCXZ: the counter is as wide as addresses are ---- */

static unsigned counter_width(const Insn *insn)
{
    return 1 + ((insn->shape & INSN_ADDR) >> 2);
}

typedef enum { LOOP_NZ, LOOP_Z, LOOP_ANY, LOOP_CXZ } Loop;

inline_always void loop(Cpu *cpu, const Insn *insn, unsigned w, Loop kind)
{
    unsigned cw = counter_width(insn);
    u64 count = reg_get(cpu, RCX, cw) - (kind != LOOP_CXZ);
    bool taken = low_bits(count, cw) != 0;
    u64 next;

    if (kind == LOOP_CXZ) {
        taken = !taken;
    } else if (kind != LOOP_ANY) {
        taken = taken && cpu_zf(cpu) == (kind == LOOP_Z);
    }
    next = taken ? direct_target(cpu, insn, w) : insn_next(cpu, insn);
    if (kind != LOOP_CXZ) {
        reg_set(cpu, RCX, cw, count);
    }
    cpu->rip = next;
}

STAMP3_LAST(loopne, loop, LOOP_NZ)
STAMP3_LAST(loope, loop, LOOP_Z)
STAMP3_LAST(loop_any, loop, LOOP_ANY)
STAMP3_LAST(jcxz, loop, LOOP_CXZ)
static const OpForms loopne = { .reg = WIDTHS3(loopne) };
static const OpForms loope = { .reg = WIDTHS3(loope) };
static const OpForms loop_forms = { .reg = WIDTHS3(loop_any) };
static const OpForms jcxz = { .reg = WIDTHS3(jcxz) };

/* ---- CALL, RET ---- */

/* A fault of the stack comes before one of the target. */
inline_always void call(Cpu *cpu, const Insn *insn, unsigned w, u64 target)
{
    u64 sp = cpu->gpr[RSP];

    push_value(cpu, w, insn_next(cpu, insn));
    if (unlikely(!target_fits(cpu, w, target))) {
        cpu->gpr[RSP] = sp;
        cpu_gp(cpu, 0);
    }
    cpu->rip = target;
}

inline_always void call_direct(Cpu *cpu, const Insn *insn, unsigned w)
{
    call(cpu, insn, w, low_bits(cpu->gpr[REG_BLOCK] + insn->wide, w));
}

inline_always void call_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    call(cpu, insn, w, reg_get(cpu, insn->rm, w));
}

inline_always void call_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    call(cpu, insn, w, mem_get(cpu, mem_in(cpu, insn, w), w));
}

/* The immediate, if there is one, is how many bytes of arguments to drop. */
inline_always void ret(Cpu *cpu, const Insn *insn, unsigned w)
{
    u64 target = checked_target(cpu, w, top_value(cpu, w));

    drop_bytes(cpu, w, (1 << w) + insn->imm);
    cpu->rip = target;
}

STAMP3_LAST(call, call_direct)
STAMP3_LAST(call_reg, call_reg)
STAMP3_LAST(call_mem, call_mem)
STAMP3_LAST(ret, ret)
static const OpForms call_forms = { .reg = WIDTHS3(call) };
static const OpForms call_rm = { WIDTHS3(call_reg), WIDTHS3(call_mem), { NULL } };
static const OpForms ret_forms = { .reg = WIDTHS3(ret) };

/* ---- BOUND: the two limits lie one after the other ---- */

inline_always void bound(Cpu *cpu, const Insn *insn, unsigned w)
{
    gva at = insn_linear(cpu, insn, 2 << w, ACCESS_READ);
    s64 index = sign_extend(cpu->gpr[insn->reg], w);

    if (index < sign_extend(mem_get(cpu, at, w), w) ||
        index > sign_extend(mem_get(cpu, (u32)(at + (1 << w)), w), w)) {
        cpu_raise(cpu, EXC_BR);
    }
}

STAMP(bound16, 1, bound)
STAMP(bound32, 2, bound)
static const OpForms bound_forms = { .mem = { NULL, bound16, bound32 } };

/* ---- rows ---- */

enum { NEAR = OP_ENDS | OP_FORCE64 };

#define BRANCH(byte, name, target, flags, form)                                 \
    ROW(MAP_1, byte, name, .operand = { target }, .attr = NEAR, .reads = flags, \
        .class = CLASS_BRANCH, .forms = &form)
#define BRANCH_EXT(ext, name, form)                                    \
    ROW_EXT(MAP_1, 0xff, ext, name, .operand = { O_Ev }, .attr = NEAR, \
            .class = CLASS_BRANCH, .forms = &form)
#define JCC(cc, code, flags)                                             \
    BRANCH(0x70 + code, "j" #cc, O_Jb, flags, j##cc),                    \
    ROW(MAP_0F, 0x80 + code, "j" #cc, .operand = { O_Jz }, .attr = NEAR, \
        .reads = flags,                                                  \
        .class = CLASS_BRANCH, .forms = &j##cc)

#define FLAGS_L (FLAG_SF | FLAG_OF)

static const Opcode rows[] = {
    JCC(o, 0, FLAG_OF),
    JCC(no, 1, FLAG_OF),
    JCC(b, 2, FLAG_CF),
    JCC(nb, 3, FLAG_CF),
    JCC(z, 4, FLAG_ZF),
    JCC(nz, 5, FLAG_ZF),
    JCC(be, 6, FLAG_CF | FLAG_ZF),
    JCC(nbe, 7, FLAG_CF | FLAG_ZF),
    JCC(s, 8, FLAG_SF),
    JCC(ns, 9, FLAG_SF),
    JCC(p, 10, FLAG_PF),
    JCC(np, 11, FLAG_PF),
    JCC(l, 12, FLAGS_L),
    JCC(nl, 13, FLAGS_L),
    JCC(le, 14, FLAGS_L | FLAG_ZF),
    JCC(nle, 15, FLAGS_L | FLAG_ZF),
    BRANCH(0xe0, "loopne", O_Jb, FLAG_ZF, loopne),
    BRANCH(0xe1, "loope", O_Jb, FLAG_ZF, loope),
    BRANCH(0xe2, "loop", O_Jb, 0, loop_forms),
    BRANCH(0xe3, "jcxz", O_Jb, 0, jcxz),
    BRANCH(0xe8, "call", O_Jz, 0, call_forms),
    BRANCH(0xe9, "jmp", O_Jz, 0, jmp),
    BRANCH(0xeb, "jmp", O_Jb, 0, jmp),
    BRANCH_EXT(2, "call", call_rm),
    BRANCH_EXT(4, "jmp", jmp_rm),
    BRANCH(0xc2, "ret", O_Iw, 0, ret_forms),
    BRANCH(0xc3, "ret", O_NONE, 0, ret_forms),
    ROW(MAP_1, 0x62, "bound", .operand = { O_Gv, O_M }, .attr = OP_NO64,
        .forms = &bound_forms),
};

FAMILY(ops_branch, "branch", rows);
