/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stubs for instructions behind a VEX prefix (host.h).
 *
 * Operands have fixed places in the host: ModRM.reg is ymm2 or eax, ModRM.rm is ymm1 or
 * ecx, or memory, which is HostVectors.rm itself; vvvv is ymm3 or r9; the register in
 * an immediate is ymm4.  The instruction is encoded anew with these, all of them are
 * loaded before and the ones that it writes are stored after it.
 */

#include "accel/soft/host_emit.h"

enum { REG = 2, RM = 1, VVVV = 3, LAST = 4, R9 = 9 };

/* vmovdqu between a vector register and its place in HostVectors, at (%rdi). */
static void emit_vector(Code *c, bool store, unsigned ymm, size_t at)
{
    EMIT(c, "\xc5\xfe");
    emit8(c, store ? 0x7f : 0x6f);
    emit8(c, 0x47 | ymm << 3);                              /* disp8(%rdi) */
    emit8(c, at);
}

typedef struct {
    HostReg reg, rm, vvvv;      /* what kind of registers */
    bool last, memory;
    Operand first;
} Places;

static Places places_of(const Opcode *row, const Insn *insn)
{
    Places p = { .first = row->operand[0], .memory = insn->shape & INSN_MEM };

    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        switch (row->operand[i]) {
        case O_Vx:
            p.reg = HOST_XMM;
            break;
        case O_Gd: case O_Gy:
            p.reg = HOST_GPR;
            break;
        case O_Hx:
            p.vvvv = HOST_XMM;
            break;
        case O_By:
            p.vvvv = HOST_GPR;
            break;
        case O_Lx:
            p.last = true;
            break;
        case O_Wx: case O_Ux: case O_Wq: case O_Wd: case O_Ww:
            p.rm = p.memory ? HOST_NONE : HOST_XMM;
            break;
        case O_Ed: case O_Ey: case O_Ew:
            p.rm = p.memory ? HOST_NONE : HOST_GPR;
            break;
        default:
            break;
        }
    }
    return p;
}

static void emit_loads(Code *c, const Opcode *row, const Places *p)
{
    if (row->reads || row->writes) {
        emit_flags_in(c);
    }
    EMIT_REGS(c, "\x49\x8b", 0, rax);
    EMIT_REGS(c, "\x49\x8b", 1, rcx);
    EMIT_REGS(c, "\x49\x8b", 2, rdx);
    EMIT_REGS(c, "\x4d\x8b", 1, r9);
    EMIT_REGS(c, "\x41\x0f\x10", 0, xmm0);
    if (p->reg == HOST_XMM) {
        emit_vector(c, false, REG, offsetof(HostVectors, reg));
    }
    if (p->rm == HOST_XMM) {
        emit_vector(c, false, RM, offsetof(HostVectors, rm));
    }
    if (p->vvvv == HOST_XMM) {
        emit_vector(c, false, VVVV, offsetof(HostVectors, vvvv));
    }
    if (p->last) {
        emit_vector(c, false, LAST, offsetof(HostVectors, last));
    }
}

/* R, X and B are 1: no register above 7 but r9, which is in vvvv. */
static void emit_instruction(Code *c, const Opcode *row, const Insn *insn,
                             const Places *p)
{
    static const u8 pp[] = { [P_66] = 1, [P_F3] = 2, [P_F2] = 3 };
    bool wide = row->attr & OP_W64 || (insn->more & INSN2_WIDTH) == 3;
    unsigned vvvv = p->vvvv == HOST_XMM ? VVVV : p->vvvv == HOST_GPR ? R9 : 0;
    unsigned reg = row->ext >= 0 ? (unsigned)row->ext : p->reg == HOST_XMM ? REG : 0;

    emit8(c, 0xc4);
    emit8(c, 0xe0 | (row->map - MAP_VEX_0F + 1));
    emit8(c, (wide && !(row->attr & OP_W32) ? 0x80 : 0) | (~vvvv & 15) << 3 |
             (insn->more & INSN2_VEX256 ? 4 : 0) | pp[row->prefix]);
    emit8(c, row->byte);
    if (p->memory) {
        emit8(c, 0x47 | reg << 3);
        emit8(c, offsetof(HostVectors, rm));
    } else {
        emit8(c, 0xc0 | reg << 3 | RM);
    }
    if (p->last) {
        emit8(c, LAST << 4 | (insn->imm & 15));
    } else if (memchr(row->operand, O_Ib, sizeof row->operand)) {
        emit8(c, insn->imm);
    }
}

static void emit_stores(Code *c, const Places *p)
{
    switch (p->first) {
    case O_Vx:
        emit_vector(c, true, REG, offsetof(HostVectors, reg));
        break;
    case O_Hx:
        emit_vector(c, true, VVVV, offsetof(HostVectors, vvvv));
        break;
    case O_Wx: case O_Wq: case O_Wd:
        if (!p->memory) {
            emit_vector(c, true, RM, offsetof(HostVectors, rm));
        }
        break;
    default:
        break;
    }
}

void emit_vex_stub(Code *c, const Opcode *row, const Insn *insn)
{
    Places p = places_of(row, insn);

    EMIT(c, "\x49\x89\xd0");                                /* mov %rdx, %r8 */
    emit_loads(c, row, &p);
    if (row->attr & OP_MXCSR) {
        emit_mxcsr_in(c);
    }
    emit_instruction(c, row, insn, &p);
    if (row->attr & OP_MXCSR) {
        EMIT_REGS(c, "\x41\x0f\xae", 3, mxcsr);             /* stmxcsr */
        emit_host_mxcsr(c);
    }
    EMIT_REGS(c, "\x49\x89", 0, rax);
    EMIT_REGS(c, "\x49\x89", 1, rcx);
    EMIT_REGS(c, "\x4d\x89", 1, r9);
    EMIT_REGS(c, "\x41\x0f\x11", 0, xmm0);
    if (row->writes) {
        emit_flags_out(c);
    }
    emit_stores(c, &p);
    if (row->attr & OP_SSE) {
        EMIT(c, "\xc5\xf8\x77");                            /* vzeroupper */
    }
    emit8(c, 0xc3);
}
