/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host instructions as bytes (SDM vol. 2A, chapter 2).
 */

#include "accel/soft/jit/emit.h"
#include <string.h>

enum { REX = 0x40, REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1 };

static void emit_bytes(Emit *e, const void *from, unsigned n)
{
    if (e->end - e->at < n) {
        e->full = true;
        return;
    }
    memcpy(e->write + e->at, from, n);
    e->at += n;
}

void emit8(Emit *e, u8 value)
{
    emit_bytes(e, &value, 1);
}

void emit32(Emit *e, u32 value)
{
    emit_bytes(e, &value, 4);
}

void emit64(Emit *e, u64 value)
{
    emit_bytes(e, &value, 8);
}

/* Prefixes, REX and opcode. */
static void emit_opcode(Emit *e, u32 op, unsigned reg, unsigned index, unsigned base)
{
    unsigned rex = (op & X_W ? REX_W : 0) | (reg & 8 ? REX_R : 0) |
                   (index != NO_REG && index & 8 ? REX_X : 0) |
                   (base != NO_REG && base & 8 ? REX_B : 0);

    if (op & X_GS) {
        emit8(e, 0x65);
    }
    if (op & X_LOCK) {
        emit8(e, 0xf0);
    }
    if (op & X_66) {
        emit8(e, 0x66);
    }
    if (op & (X_F3 | X_F2)) {
        emit8(e, op & X_F3 ? 0xf3 : 0xf2);
    }
    if (rex || op & X_REX) {
        emit8(e, REX | rex);
    }
    if (op & X_MAP) {
        emit8(e, 0x0f);
    }
    if ((op & X_MAP) > X_0F) {
        emit8(e, (op & X_MAP) == X_0F38 ? 0x38 : 0x3a);
    }
    emit8(e, op);
}

void emit_z(Emit *e, u32 op, unsigned reg)
{
    e->r15_used |= reg == 15;
    emit_opcode(e, op | (reg & 7), 0, NO_REG, reg);
}

void emit_rr(Emit *e, u32 op, unsigned reg, unsigned rm)
{
    e->r15_used |= reg == 15 || rm == 15;
    emit_opcode(e, op, reg, NO_REG, rm);
    emit8(e, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* ModRM, SIB and displacement. */
static void emit_memory(Emit *e, unsigned reg, unsigned base, unsigned index,
                        unsigned scale, s32 disp)
{
    unsigned mod = base == NO_REG || (disp == 0 && (base & 7) != 5) ? 0 :
                   disp == (s8)disp                                 ? 1 :
                                                                      2;
    bool sib = index != NO_REG || base == NO_REG || (base & 7) == 4;

    emit8(e, mod << 6 | (reg & 7) << 3 | (sib ? 4 : base & 7));
    if (sib) {
        emit8(e, scale << 6 | (index == NO_REG ? 4 : index & 7) << 3 |
                     (base == NO_REG ? 5 : base & 7));
    }
    if (mod == 1) {
        emit8(e, disp);
    } else if (mod == 2 || base == NO_REG) {
        emit32(e, disp);
    }
}

void emit_rm(Emit *e, u32 op, unsigned reg, unsigned base, unsigned index,
             unsigned scale, s32 disp)
{
    e->r15_used |= reg == 15;
    emit_opcode(e, op, reg, index, base);
    emit_memory(e, reg, base, index, scale, disp);
}

/* A move costs the host's back end nothing. */
void emit_lea(Emit *e, u32 width, unsigned reg, unsigned base, unsigned index,
              unsigned scale, s32 disp)
{
    if (index == NO_REG && !disp && base != NO_REG) {
        if (reg != base || width != X_W) {
            emit_rr(e, 0x8b | width, reg, base);
        }
    } else {
        emit_rm(e, 0x8d | width, reg, base, index, scale, disp);
    }
}

/* SDM vol. 2A, 2.3.5: R, X, B and vvvv are inverted. */
static void emit_vex(Emit *e, const VexOp *op, unsigned reg, unsigned index,
                     unsigned base)
{
    unsigned rxb = (reg & 8 ? 0x80 : 0) | (index != NO_REG && index & 8 ? 0x40 : 0) |
                   (base != NO_REG && base & 8 ? 0x20 : 0);

    emit8(e, 0xc4);
    emit8(e, (rxb ^ 0xe0) | op->map);
    emit8(e, op->wide << 7 | (op->vvvv ^ 15) << 3 | op->ymm << 2 | op->prefix);
    emit8(e, op->byte);
}

void emit_vex_rr(Emit *e, const VexOp *op, unsigned reg, unsigned rm, bool modrm)
{
    emit_vex(e, op, reg, NO_REG, rm);
    if (modrm) {
        emit8(e, 0xc0 | (reg & 7) << 3 | (rm & 7));
    }
}

void emit_vex_rm(Emit *e, const VexOp *op, unsigned reg, unsigned base, unsigned index,
                 unsigned scale, s32 disp)
{
    emit_vex(e, op, reg, index, base);
    emit_memory(e, reg, base, index, scale, disp);
}

void emit_vex_cpu(Emit *e, const VexOp *op, unsigned reg, size_t offset)
{
    emit8(e, 0x65);
    emit_vex_rm(e, op, reg, NO_REG, NO_REG, 0, offset);
}

void emit_cpu(Emit *e, u32 op, unsigned reg, size_t offset)
{
    emit_rm(e, op | X_GS, reg, NO_REG, NO_REG, 0, offset);
}

void emit_rip(Emit *e, u32 op, unsigned reg, const void *target, unsigned imm)
{
    e->r15_used |= reg == 15;
    emit_opcode(e, op, reg, NO_REG, NO_REG);
    emit8(e, (reg & 7) << 3 | 5);
    emit32(e, (const u8 *)target - (e->exec + e->at + 4 + imm));
}

u32 emit_jump(Emit *e, int cc, u32 target)
{
    if (cc == JMP) {
        emit8(e, 0xe9);
    } else {
        emit8(e, 0x0f);
        emit8(e, 0x80 | cc);
    }
    emit32(e, target - (e->at + 4));
    return e->at - 4;
}

u32 emit_call(Emit *e, u32 target)
{
    emit8(e, 0xe8);
    emit32(e, target - (e->at + 4));
    return e->at - 4;
}

void emit_set_target(Emit *e, u32 jump, u32 target)
{
    u32 distance = target - (jump + 4);

    if (!e->full) {
        memcpy(e->write + jump, &distance, 4);
    }
}

/* The forms that the SDM recommends (vol. 2B, NOP). */
void emit_nops(Emit *e, unsigned n)
{
    static const char *const nop[] = {
        "", "\x90", "\x66\x90", "\x0f\x1f\x00", "\x0f\x1f\x40\x00",
        "\x0f\x1f\x44\x00\x00", "\x66\x0f\x1f\x44\x00\x00",
        "\x0f\x1f\x80\x00\x00\x00\x00",
    };

    emit_bytes(e, nop[n], n);
}

void emit_padding(Emit *e, unsigned n)
{
    while (n--) {
        emit8(e, 0x2e);                                     /* cs */
    }
}
