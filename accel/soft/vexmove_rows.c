/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table's rows of moves behind a VEX prefix: loads, stores, broadcasts,
 * parts of vectors, masks (SDM vol. 2, appendix A).
 */

#include "accel/soft/vex.h"

#define V O_Vx
#define H O_Hx
#define W O_Wx
#define MEM .mod = MOD_MEM
#define REG .mod = MOD_REG
#define BYTES(n) .memory = n

/* A row with more to say than VROW takes: operands in parentheses. */
#define VMORE(m, b, p, nm, attrs, v, feat, fun, ops, ...)                              \
    { .map = MAP_VEX_##m, .byte = b, .prefix = p, .ext = -1, .rm = -1, .name = "v" nm, \
      .operand = OPERANDS ops, .attr = OP_SSE | OP_PROT | (attrs), .vex = v,           \
          .feature = feat,                                                             \
      .fn = fun, __VA_ARGS__ }
#define OPERANDS(...) { __VA_ARGS__ }
#define LOAD(b, p, nm, attrs) VROW(0F, b, p, nm, attrs, NONE, "avx", vex_move_load, V, W)
#define STORE(b, p, nm, attrs) VROW(0F, b, p, nm, attrs, NONE, "avx", vex_move_store, W, V)
#define STREAM(b, p, nm) \
    VMORE(0F, b, p, nm, OP_ALIGN, NONE, "avx", vex_move_store, (W, V), MEM)
/*
 * MOVSS and MOVSD: memory, or the lowest element beside the rest of another register.
 */
#define SCALAR(p, nm, w) \
    VMORE(0F, 0x10, p, nm, NONE, NONE, "avx", vex_op, (V, w), MEM), \
    VMORE(0F, 0x10, p, nm, NONE, NONE, "avx", vex_op, (V, H, w), REG), \
    VMORE(0F, 0x11, p, nm, NONE, NONE, "avx", vex_op, (w, V), MEM), \
    VMORE(0F, 0x11, p, nm, NONE, NONE, "avx", vex_op, (w, H, V), REG)
#define HALF_LOAD(b, p, nm, ...) \
    VMORE(0F, b, p, nm, NONE, VEX_L0, "avx", vex_op, (V, H, O_Wq), __VA_ARGS__)
#define HALF_STORE(b, p, nm) VMORE(0F, b, p, nm, NONE, VEX_L0, "avx", vex_op, (O_Wq, V), MEM)
#define MASKED(b, nm, attrs, feat) \
    VMORE(0F38, b, P_66, nm, attrs, NONE, feat, vex_mask_load, (V, H, O_M), MEM), \
    VMORE(0F38, b + 2, P_66, nm, attrs, NONE, feat, vex_mask_store, (O_M, H, V), MEM)

static const Opcode rows[] = {
    LOAD(0x10, P_NONE, "movups", NONE),
    LOAD(0x10, P_66, "movupd", NONE),
    STORE(0x11, P_NONE, "movups", NONE),
    STORE(0x11, P_66, "movupd", NONE),
    LOAD(0x28, P_NONE, "movaps", OP_ALIGN),
    LOAD(0x28, P_66, "movapd", OP_ALIGN),
    STORE(0x29, P_NONE, "movaps", OP_ALIGN),
    STORE(0x29, P_66, "movapd", OP_ALIGN),
    LOAD(0x6f, P_66, "movdqa", OP_ALIGN),
    LOAD(0x6f, P_F3, "movdqu", NONE),
    STORE(0x7f, P_66, "movdqa", OP_ALIGN),
    STORE(0x7f, P_F3, "movdqu", NONE),
    STREAM(0x2b, P_NONE, "movntps"),
    STREAM(0x2b, P_66, "movntpd"),
    STREAM(0xe7, P_66, "movntdq"),
    VMORE(0F, 0xf0, P_F2, "lddqu", NONE, NONE, "avx", vex_move_load, (V, W), MEM),
    VMORE(0F38, 0x2a, P_66, "movntdqa", OP_ALIGN, VEX_L0, "avx", vex_move_load, (V, W),
          MEM),
    VMORE(0F38, 0x2a, P_66, "movntdqa", OP_ALIGN, VEX_L1, "avx2", vex_move_load, (V, W),
          MEM),
    SCALAR(P_F3, "movss", O_Wd),
    SCALAR(P_F2, "movsd", O_Wq),
    HALF_LOAD(0x12, P_NONE, "movlps", .mod = MOD_ANY),
    HALF_LOAD(0x12, P_66, "movlpd", MEM),
    HALF_LOAD(0x16, P_NONE, "movhps", .mod = MOD_ANY),
    HALF_LOAD(0x16, P_66, "movhpd", MEM),
    HALF_STORE(0x13, P_NONE, "movlps"),
    HALF_STORE(0x13, P_66, "movlpd"),
    HALF_STORE(0x17, P_NONE, "movhps"),
    HALF_STORE(0x17, P_66, "movhpd"),
    VROW(0F, 0x12, P_F3, "movsldup", NONE, NONE, "avx", vex_op, V, W),
    VROW(0F, 0x16, P_F3, "movshdup", NONE, NONE, "avx", vex_op, V, W),
    VROW(0F, 0x12, P_F2, "movddup", NONE, VEX_L0, "avx", vex_op, V, O_Wq),
    VROW(0F, 0x12, P_F2, "movddup", NONE, VEX_L1, "avx", vex_op, V, W),

    /* with general registers */
    VROW(0F, 0x6e, P_66, "movd", NONE, VEX_L0, "avx", vex_op, V, O_Ey),
    VROW(0F, 0x7e, P_66, "movd", NONE, VEX_L0, "avx", vex_op, O_Ey, V),
    VROW(0F, 0x7e, P_F3, "movq", NONE, VEX_L0, "avx", vex_op, V, O_Wq),
    VROW(0F, 0xd6, P_66, "movq", NONE, VEX_L0, "avx", vex_op, O_Wq, V),
    VMORE(0F, 0xc4, P_66, "pinsrw", NONE, VEX_L0, "avx", vex_op, (V, H, O_Ed, O_Ib),
          BYTES(2)),
    VROW(0F, 0xc5, P_66, "pextrw", NONE, VEX_L0, "avx", vex_op, O_Gd, O_Ux, O_Ib),
    VMORE(0F3A, 0x14, P_66, "pextrb", NONE, VEX_L0, "avx", vex_op, (O_Ed, V, O_Ib),
          BYTES(1)),
    VMORE(0F3A, 0x15, P_66, "pextrw", NONE, VEX_L0, "avx", vex_op, (O_Ed, V, O_Ib),
          BYTES(2)),
    VROW(0F3A, 0x16, P_66, "pextrd", NONE, VEX_L0, "avx", vex_op, O_Ey, V, O_Ib),
    VMORE(0F3A, 0x20, P_66, "pinsrb", NONE, VEX_L0, "avx", vex_op, (V, H, O_Ed, O_Ib),
          BYTES(1)),
    VROW(0F3A, 0x22, P_66, "pinsrd", NONE, VEX_L0, "avx", vex_op, V, H, O_Ey, O_Ib),

    /* broadcasts and halves */
    VMORE(0F38, 0x18, P_66, "broadcastss", OP_W32, NONE, "avx", vex_op, (V, O_Wd), MEM),
    VMORE(0F38, 0x18, P_66, "broadcastss", OP_W32, NONE, "avx2", vex_op, (V, O_Wd),
          REG),
    VMORE(0F38, 0x19, P_66, "broadcastsd", OP_W32, VEX_L1, "avx", vex_op, (V, O_Wq),
          MEM),
    VMORE(0F38, 0x19, P_66, "broadcastsd", OP_W32, VEX_L1, "avx2", vex_op, (V, O_Wq),
          REG),
    VMORE(0F38, 0x1a, P_66, "broadcastf128", OP_W32, VEX_L1, "avx", vex_op, (V, W), MEM,
          BYTES(16)),
    VMORE(0F38, 0x5a, P_66, "broadcasti128", OP_W32, VEX_L1, "avx2", vex_op, (V, W),
          MEM, BYTES(16)),
    VROW(0F38, 0x58, P_66, "pbroadcastd", OP_W32, NONE, "avx2", vex_op, V, O_Wd),
    VROW(0F38, 0x59, P_66, "pbroadcastq", OP_W32, NONE, "avx2", vex_op, V, O_Wq),
    VMORE(0F38, 0x78, P_66, "pbroadcastb", OP_W32, NONE, "avx2", vex_op, (V, O_Ww),
          BYTES(1)),
    VROW(0F38, 0x79, P_66, "pbroadcastw", OP_W32, NONE, "avx2", vex_op, V, O_Ww),
    VMORE(0F3A, 0x18, P_66, "insertf128", OP_W32, VEX_L1, "avx", vex_op,
          (V, H, W, O_Ib), BYTES(16)),
    VMORE(0F3A, 0x19, P_66, "extractf128", OP_W32, VEX_L1, "avx", vex_op, (W, V, O_Ib),
          BYTES(16)),
    VMORE(0F3A, 0x38, P_66, "inserti128", OP_W32, VEX_L1, "avx2", vex_op,
          (V, H, W, O_Ib), BYTES(16)),
    VMORE(0F3A, 0x39, P_66, "extracti128", OP_W32, VEX_L1, "avx2", vex_op, (W, V, O_Ib),
          BYTES(16)),

    /* masks, and what has no operands */
    MASKED(0x2c, "maskmovps", OP_W32, "avx"),
    MASKED(0x2d, "maskmovpd", OP_W32, "avx"),
    MASKED(0x8c, "pmaskmovd", OP_W32, "avx2"),
    MASKED(0x8c, "pmaskmovq", OP_W64, "avx2"),
    VMORE(0F, 0xf7, P_66, "maskmovdqu", NONE, VEX_L0, "avx", vex_mask_move, (V, O_Ux),
          REG),
    VMORE(0F, 0x77, P_NONE, "zeroupper", NONE, VEX_L0, "avx", vex_zero, (O_NONE),
          .mod = MOD_ANY),
    VMORE(0F, 0x77, P_NONE, "zeroall", NONE, VEX_L1, "avx", vex_zero, (O_NONE),
          .mod = MOD_ANY),
    { .map = MAP_VEX_0F,
      .byte = 0xae,
      .prefix = P_NONE,
      .ext = 2,
      .rm = -1,
      MEM,
      .name = "vldmxcsr",
      .operand = { O_Md },
      .attr = OP_SSE | OP_PROT,
      .vex = VEX_L0,
      .feature = "avx",
      .fn = vex_mxcsr_load },
    { .map = MAP_VEX_0F,
      .byte = 0xae,
      .prefix = P_NONE,
      .ext = 3,
      .rm = -1,
      MEM,
      .name = "vstmxcsr",
      .operand = { O_Md },
      .attr = OP_SSE | OP_PROT,
      .vex = VEX_L0,
      .feature = "avx",
      .fn = vex_mxcsr_store },
};

const OpFamily ops_vexmove = { "vexmove", rows, G_N_ELEMENTS(rows) };
