/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table's x87 rows (SDM vol. 2, tables ); x87.c has the
 * functions.  Some encodings have two names in the manual and some, which it leaves
 * out, do what a neighbour does: these have that name with a number.
 */

#include "accel/soft/x87.h"

#define READ(b, e, nm, n)                                                      \
    { .map = MAP_1, .byte = b, .ext = e, .mod = MOD_MEM, .rm = -1, .name = nm, \
        .operand = { O_Mx87 }, .attr = OP_FPU,                                 \
      .class = CLASS_CALL, .memory = n, .fn = x87_load }
#define WRITE(b, e, nm, n)                                                     \
    { .map = MAP_1, .byte = b, .ext = e, .mod = MOD_MEM, .rm = -1, .name = nm, \
        .operand = { O_Mx87 }, .attr = OP_FPU,                                 \
      .class = CLASS_CALL, .memory = n, .fn = x87_store }
#define CONTROL(b, e, nm, function, n)                                         \
    { .map = MAP_1, .byte = b, .ext = e, .mod = MOD_MEM, .rm = -1, .name = nm, \
        .operand = { O_Mx87 }, .attr = OP_FPU,                                 \
      .class = CLASS_CALL, .memory = n, .fn = function }
#define STACK(b, e, r, nm, reads_, writes_)                                            \
    {                                                                                  \
        .map = MAP_1, .byte = b, .ext = e, .mod = MOD_REG, .rm = r, .name = nm,        \
        .operand = { O_ST0, O_STi }, .attr = OP_FPU, .reads = reads_,                  \
        .writes = writes_, .class = CLASS_CALL, .fn = x87_register                     \
    }
#define PLAIN(b, e, r, nm, function)                                          \
    { .map = MAP_1, .byte = b, .ext = e, .mod = MOD_REG, .rm = r, .name = nm, \
        .attr = OP_FPU,                                                       \
      .class = CLASS_CALL, .fn = function }

static const Opcode rows[] = {
    READ(0xd8, 0, "fadd", 4),
    READ(0xd8, 1, "fmul", 4),
    READ(0xd8, 2, "fcom", 4),
    READ(0xd8, 3, "fcomp", 4),
    READ(0xd8, 4, "fsub", 4),
    READ(0xd8, 5, "fsubr", 4),
    READ(0xd8, 6, "fdiv", 4),
    READ(0xd8, 7, "fdivr", 4),
    READ(0xd9, 0, "fld", 4),
    WRITE(0xd9, 2, "fst", 4),
    WRITE(0xd9, 3, "fstp", 4),
    READ(0xda, 0, "fiadd", 4),
    READ(0xda, 1, "fimul", 4),
    READ(0xda, 2, "ficom", 4),
    READ(0xda, 3, "ficomp", 4),
    READ(0xda, 4, "fisub", 4),
    READ(0xda, 5, "fisubr", 4),
    READ(0xda, 6, "fidiv", 4),
    READ(0xda, 7, "fidivr", 4),
    READ(0xdb, 0, "fild", 4),
    WRITE(0xdb, 1, "fisttp", 4),
    WRITE(0xdb, 2, "fist", 4),
    WRITE(0xdb, 3, "fistp", 4),
    READ(0xdb, 5, "fld", 10),
    WRITE(0xdb, 7, "fstp", 10),
    READ(0xdc, 0, "fadd", 8),
    READ(0xdc, 1, "fmul", 8),
    READ(0xdc, 2, "fcom", 8),
    READ(0xdc, 3, "fcomp", 8),
    READ(0xdc, 4, "fsub", 8),
    READ(0xdc, 5, "fsubr", 8),
    READ(0xdc, 6, "fdiv", 8),
    READ(0xdc, 7, "fdivr", 8),
    READ(0xdd, 0, "fld", 8),
    WRITE(0xdd, 1, "fisttp", 8),
    WRITE(0xdd, 2, "fst", 8),
    WRITE(0xdd, 3, "fstp", 8),
    READ(0xde, 0, "fiadd", 2),
    READ(0xde, 1, "fimul", 2),
    READ(0xde, 2, "ficom", 2),
    READ(0xde, 3, "ficomp", 2),
    READ(0xde, 4, "fisub", 2),
    READ(0xde, 5, "fisubr", 2),
    READ(0xde, 6, "fidiv", 2),
    READ(0xde, 7, "fidivr", 2),
    READ(0xdf, 0, "fild", 2),
    WRITE(0xdf, 1, "fisttp", 2),
    WRITE(0xdf, 2, "fist", 2),
    WRITE(0xdf, 3, "fistp", 2),
    READ(0xdf, 4, "fbld", 10),
    READ(0xdf, 5, "fild", 8),
    WRITE(0xdf, 6, "fbstp", 10),
    WRITE(0xdf, 7, "fistp", 8),
    CONTROL(0xd9, 4, "fldenv",  x87_fldenv, 28),
    CONTROL(0xd9, 5, "fldcw",   x87_fldcw, 2),
    CONTROL(0xd9, 6, "fnstenv", x87_fnstenv, 28),
    CONTROL(0xd9, 7, "fnstcw",  x87_fnstcw, 2),
    CONTROL(0xdd, 4, "frstor",  x87_frstor, 108),
    CONTROL(0xdd, 6, "fnsave",  x87_fnsave, 108),
    CONTROL(0xdd, 7, "fnstsw",  x87_fnstsw, 2),

    STACK(0xd8, 0, -1, "fadd", 0, 0),
    STACK(0xd8, 1, -1, "fmul", 0, 0),
    STACK(0xd8, 2, -1, "fcom", 0, 0),
    STACK(0xd8, 3, -1, "fcomp", 0, 0),
    STACK(0xd8, 4, -1, "fsub", 0, 0),
    STACK(0xd8, 5, -1, "fsubr", 0, 0),
    STACK(0xd8, 6, -1, "fdiv", 0, 0),
    STACK(0xd8, 7, -1, "fdivr", 0, 0),
    STACK(0xd9, 0, -1, "fld", 0, 0),
    STACK(0xd9, 1, -1, "fxch", 0, 0),
    STACK(0xd9, 2, 0, "fnop", 0, 0),
    STACK(0xd9, 3, -1, "fstpnce", 0, 0),
    STACK(0xd9, 4, 0, "fchs", 0, 0),
    STACK(0xd9, 4, 1, "fabs", 0, 0),
    STACK(0xd9, 4, 4, "ftst", 0, 0),
    STACK(0xd9, 4, 5, "fxam", 0, 0),
    STACK(0xd9, 5, 0, "fld1", 0, 0),
    STACK(0xd9, 5, 1, "fldl2t", 0, 0),
    STACK(0xd9, 5, 2, "fldl2e", 0, 0),
    STACK(0xd9, 5, 3, "fldpi", 0, 0),
    STACK(0xd9, 5, 4, "fldlg2", 0, 0),
    STACK(0xd9, 5, 5, "fldln2", 0, 0),
    STACK(0xd9, 5, 6, "fldz", 0, 0),
    STACK(0xd9, 6, 0, "f2xm1", 0, 0),
    STACK(0xd9, 6, 1, "fyl2x", 0, 0),
    STACK(0xd9, 6, 2, "fptan", 0, 0),
    STACK(0xd9, 6, 3, "fpatan", 0, 0),
    STACK(0xd9, 6, 4, "fxtract", 0, 0),
    STACK(0xd9, 6, 5, "fprem1", 0, 0),
    STACK(0xd9, 6, 6, "fdecstp", 0, 0),
    STACK(0xd9, 6, 7, "fincstp", 0, 0),
    STACK(0xd9, 7, 0, "fprem", 0, 0),
    STACK(0xd9, 7, 1, "fyl2xp1", 0, 0),
    STACK(0xd9, 7, 2, "fsqrt", 0, 0),
    STACK(0xd9, 7, 3, "fsincos", 0, 0),
    STACK(0xd9, 7, 4, "frndint", 0, 0),
    STACK(0xd9, 7, 5, "fscale", 0, 0),
    STACK(0xd9, 7, 6, "fsin", 0, 0),
    STACK(0xd9, 7, 7, "fcos", 0, 0),
    STACK(0xda, 0, -1, "fcmovb", FLAG_CF | FLAG_ZF | FLAG_PF, 0),
    STACK(0xda, 1, -1, "fcmove", FLAG_CF | FLAG_ZF | FLAG_PF, 0),
    STACK(0xda, 2, -1, "fcmovbe", FLAG_CF | FLAG_ZF | FLAG_PF, 0),
    STACK(0xda, 3, -1, "fcmovu", FLAG_CF | FLAG_ZF | FLAG_PF, 0),
    STACK(0xda, 5, 1, "fucompp", 0, 0),
    STACK(0xdb, 0, -1, "fcmovnb", FLAG_CF | FLAG_ZF | FLAG_PF, 0),
    STACK(0xdb, 1, -1, "fcmovne", FLAG_CF | FLAG_ZF | FLAG_PF, 0),
    STACK(0xdb, 2, -1, "fcmovnbe", FLAG_CF | FLAG_ZF | FLAG_PF, 0),
    STACK(0xdb, 3, -1, "fcmovnu", FLAG_CF | FLAG_ZF | FLAG_PF, 0),
    STACK(0xdb, 5, -1, "fucomi", 0, FLAGS_ARITH),
    STACK(0xdb, 6, -1, "fcomi", 0, FLAGS_ARITH),
    STACK(0xdc, 0, -1, "fadd", 0, 0),
    STACK(0xdc, 1, -1, "fmul", 0, 0),
    STACK(0xdc, 2, -1, "fcom2", 0, 0),
    STACK(0xdc, 3, -1, "fcomp3", 0, 0),
    STACK(0xdc, 4, -1, "fsubr", 0, 0),
    STACK(0xdc, 5, -1, "fsub", 0, 0),
    STACK(0xdc, 6, -1, "fdivr", 0, 0),
    STACK(0xdc, 7, -1, "fdiv", 0, 0),
    STACK(0xdd, 0, -1, "ffree", 0, 0),
    STACK(0xdd, 1, -1, "fxch4", 0, 0),
    STACK(0xdd, 2, -1, "fst", 0, 0),
    STACK(0xdd, 3, -1, "fstp", 0, 0),
    STACK(0xdd, 4, -1, "fucom", 0, 0),
    STACK(0xdd, 5, -1, "fucomp", 0, 0),
    STACK(0xde, 0, -1, "faddp", 0, 0),
    STACK(0xde, 1, -1, "fmulp", 0, 0),
    STACK(0xde, 2, -1, "fcomp5", 0, 0),
    STACK(0xde, 3, 1, "fcompp", 0, 0),
    STACK(0xde, 4, -1, "fsubrp", 0, 0),
    STACK(0xde, 5, -1, "fsubp", 0, 0),
    STACK(0xde, 6, -1, "fdivrp", 0, 0),
    STACK(0xde, 7, -1, "fdivp", 0, 0),
    STACK(0xdf, 0, -1, "ffreep", 0, 0),
    STACK(0xdf, 1, -1, "fxch7", 0, 0),
    STACK(0xdf, 2, -1, "fstp8", 0, 0),
    STACK(0xdf, 3, -1, "fstp9", 0, 0),
    STACK(0xdf, 5, -1, "fucomip", 0, FLAGS_ARITH),
    STACK(0xdf, 6, -1, "fcomip", 0, FLAGS_ARITH),
    PLAIN(0xdb, 4, 0, "feni", x87_nop),
    PLAIN(0xdb, 4, 1, "fdisi", x87_nop),
    PLAIN(0xdb, 4, 2, "fnclex", x87_fnclex),
    PLAIN(0xdb, 4, 3, "fninit", x87_fninit),
    PLAIN(0xdb, 4, 4, "fsetpm", x87_nop),
    PLAIN(0xdf, 4, 0, "fnstsw", x87_fnstsw_ax),
    { .map = MAP_1, .byte = 0x9b, .ext = -1, .rm = -1, .name = "fwait",
        .attr = OP_FPU, .class = CLASS_CALL,
      .fn = x87_fwait },
};

const OpFamily ops_x87 = { "x87", rows, G_N_ELEMENTS(rows) };
