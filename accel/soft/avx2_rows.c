/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table's rows of integer vectors behind a VEX prefix: 128 bits with AVX,
 * 256 with AVX2; AES, PCLMULQDQ, GFNI and AVX-VNNI (SDM vol. 2, appendix A).
 */

#include "accel/soft/vex.h"

#define V O_Vx
#define H O_Hx
#define W O_Wx

/* Two rows: 128 bits by one feature, 256 by another. */
#define BOTH(m, b, p, nm, attrs, small, large, fun, ...) \
    VROW(m, b, p, nm, attrs, VEX_L0, small, fun, __VA_ARGS__), \
    VROW(m, b, p, nm, attrs, VEX_L1, large, fun, __VA_ARGS__)
#define INT(b, nm) BOTH(0F, b, P_66, nm, NONE, "avx", "avx2", vex_op, V, H, W)
#define INT38(b, nm) BOTH(0F38, b, P_66, nm, NONE, "avx", "avx2", vex_op, V, H, W)
#define ONE38(b, nm) BOTH(0F38, b, P_66, nm, NONE, "avx", "avx2", vex_op, V, W)
#define INT3A(b, nm) BOTH(0F3A, b, P_66, nm, NONE, "avx", "avx2", vex_op, V, H, W, O_Ib)
/* Shifts by what is in an XMM register or 16 bytes of memory. */
#define SHIFT1(b, nm, v, feat)                                                       \
    { .map = MAP_VEX_0F, .byte = b, .prefix = P_66, .ext = -1, .rm = -1, .name = "v" \
        nm,                                                                          \
      .operand = { V, H, W }, .attr = OP_SSE | OP_PROT, .vex = v, .memory = 16,      \
          .feature = feat,                                                           \
      .fn = vex_op }
#define SHIFT(b, nm) SHIFT1(b, nm, VEX_L0, "avx"), SHIFT1(b, nm, VEX_L1, "avx2")
#define STRING(b, nm)                                                      \
    { .map = MAP_VEX_0F3A, .byte = b, .prefix = P_66, .ext = -1, .rm = -1, \
        .name = "v" nm,                                                    \
      .operand = { V, W, O_Ib }, .attr = OP_SSE | OP_PROT, .vex = VEX_L0,  \
          .feature = "avx",                                                \
      .fn = vex_string, .writes = FLAGS_ARITH }
#define SHIFT_IMM1(b, e, nm, v, feat)                                         \
    { .map = MAP_VEX_0F, .byte = b, .prefix = P_66, .ext = e, .rm = -1,       \
        .mod = MOD_REG,                                                       \
      .name = "v" nm, .operand = { H, O_Ux, O_Ib }, .attr = OP_SSE | OP_PROT, \
          .vex = v,                                                           \
      .feature = feat, .fn = vex_op }
#define SHIFT_IMM(b, e, nm) \
    SHIFT_IMM1(b, e, nm, VEX_L0, "avx"), SHIFT_IMM1(b, e, nm, VEX_L1, "avx2")
/* Sources that are a half, a quarter or an eighth as long. */
#define EXTEND(b, nm, w) \
    VROW(0F38, b, P_66, nm, NONE, VEX_L0, "avx", vex_op, V, w), \
    VROW(0F38, b, P_66, nm, NONE, VEX_L1 | VEX_SCALES, "avx2", vex_op, V, w)
#define AVX2(m, b, nm, attrs, v, ...) VROW(m, b, P_66, nm, attrs, v, "avx2", vex_op, __VA_ARGS__)
#define GATHER(b, nm, attrs) \
    VROW(0F38, b, P_66, nm, attrs, NONE, "avx2", vex_gather, V, O_Mv, H)

static const Opcode rows[] = {
    INT(0x60, "punpcklbw"), INT(0x61, "punpcklwd"), INT(0x62, "punpckldq"),
    INT(0x63, "packsswb"),
    INT(0x64, "pcmpgtb"), INT(0x65, "pcmpgtw"), INT(0x66, "pcmpgtd"),
    INT(0x67, "packuswb"),
    INT(0x68, "punpckhbw"), INT(0x69, "punpckhwd"), INT(0x6a, "punpckhdq"),
    INT(0x6b, "packssdw"),
    INT(0x6c, "punpcklqdq"), INT(0x6d, "punpckhqdq"), INT(0x74, "pcmpeqb"),
    INT(0x75, "pcmpeqw"),
    INT(0x76, "pcmpeqd"), INT(0xd4, "paddq"), INT(0xd5, "pmullw"), INT(0xd8, "psubusb"),
    INT(0xd9, "psubusw"), INT(0xda, "pminub"), INT(0xdb, "pand"), INT(0xdc, "paddusb"),
    INT(0xdd, "paddusw"), INT(0xde, "pmaxub"), INT(0xdf, "pandn"), INT(0xe0, "pavgb"),
    INT(0xe3, "pavgw"), INT(0xe4, "pmulhuw"), INT(0xe5, "pmulhw"), INT(0xe8, "psubsb"),
    INT(0xe9, "psubsw"), INT(0xea, "pminsw"), INT(0xeb, "por"), INT(0xec, "paddsb"),
    INT(0xed, "paddsw"), INT(0xee, "pmaxsw"), INT(0xef, "pxor"), INT(0xf4, "pmuludq"),
    INT(0xf5, "pmaddwd"), INT(0xf6, "psadbw"), INT(0xf8, "psubb"), INT(0xf9, "psubw"),
    INT(0xfa, "psubd"), INT(0xfb, "psubq"), INT(0xfc, "paddb"), INT(0xfd, "paddw"),
    INT(0xfe, "paddd"),
    SHIFT(0xd1, "psrlw"), SHIFT(0xd2, "psrld"), SHIFT(0xd3, "psrlq"),
    SHIFT(0xe1, "psraw"),
    SHIFT(0xe2, "psrad"), SHIFT(0xf1, "psllw"), SHIFT(0xf2, "pslld"),
    SHIFT(0xf3, "psllq"),
    SHIFT_IMM(0x71, 2, "psrlw"), SHIFT_IMM(0x71, 4, "psraw"),
    SHIFT_IMM(0x71, 6, "psllw"),
    SHIFT_IMM(0x72, 2, "psrld"), SHIFT_IMM(0x72, 4, "psrad"),
    SHIFT_IMM(0x72, 6, "pslld"),
    SHIFT_IMM(0x73, 2, "psrlq"), SHIFT_IMM(0x73, 3, "psrldq"),
    SHIFT_IMM(0x73, 6, "psllq"),
    SHIFT_IMM(0x73, 7, "pslldq"),
    BOTH(0F, 0x70, P_66, "pshufd", NONE, "avx", "avx2", vex_op, V, W, O_Ib),
    BOTH(0F, 0x70, P_F3, "pshufhw", NONE, "avx", "avx2", vex_op, V, W, O_Ib),
    BOTH(0F, 0x70, P_F2, "pshuflw", NONE, "avx", "avx2", vex_op, V, W, O_Ib),
    BOTH(0F, 0xd7, P_66, "pmovmskb", NONE, "avx", "avx2", vex_op, O_Gd, O_Ux),

    INT38(0x00, "pshufb"), INT38(0x01, "phaddw"), INT38(0x02, "phaddd"),
    INT38(0x03, "phaddsw"),
    INT38(0x04, "pmaddubsw"), INT38(0x05, "phsubw"), INT38(0x06, "phsubd"),
    INT38(0x07, "phsubsw"),
    INT38(0x08, "psignb"), INT38(0x09, "psignw"), INT38(0x0a, "psignd"),
    INT38(0x0b, "pmulhrsw"),
    ONE38(0x1c, "pabsb"), ONE38(0x1d, "pabsw"), ONE38(0x1e, "pabsd"),
    EXTEND(0x20, "pmovsxbw", O_Wq), EXTEND(0x21, "pmovsxbd", O_Wd),
    EXTEND(0x22, "pmovsxbq", O_Ww),
    EXTEND(0x23, "pmovsxwd", O_Wq), EXTEND(0x24, "pmovsxwq", O_Wd),
    EXTEND(0x25, "pmovsxdq", O_Wq),
    EXTEND(0x30, "pmovzxbw", O_Wq), EXTEND(0x31, "pmovzxbd", O_Wd),
    EXTEND(0x32, "pmovzxbq", O_Ww),
    EXTEND(0x33, "pmovzxwd", O_Wq), EXTEND(0x34, "pmovzxwq", O_Wd),
    EXTEND(0x35, "pmovzxdq", O_Wq),
    INT38(0x28, "pmuldq"), INT38(0x29, "pcmpeqq"), INT38(0x2b, "packusdw"),
    INT38(0x37, "pcmpgtq"),
    INT38(0x38, "pminsb"), INT38(0x39, "pminsd"), INT38(0x3a, "pminuw"),
    INT38(0x3b, "pminud"),
    INT38(0x3c, "pmaxsb"), INT38(0x3d, "pmaxsd"), INT38(0x3e, "pmaxuw"),
    INT38(0x3f, "pmaxud"),
    INT38(0x40, "pmulld"),
    VROW(0F38, 0x41, P_66, "phminposuw", NONE, VEX_L0, "avx", vex_op, V, W),
    INT3A(0x0e, "pblendw"), INT3A(0x0f, "palignr"), INT3A(0x42, "mpsadbw"),
    BOTH(0F3A, 0x4c, P_66, "pblendvb", OP_W32, "avx", "avx2", vex_op, V, H, W, O_Lx),
    STRING(0x60, "pcmpestrm"), STRING(0x61, "pcmpestri"), STRING(0x62, "pcmpistrm"),
    STRING(0x63, "pcmpistri"),

    /* AVX2 alone */
    AVX2(0F38, 0x16, "permps", OP_W32, VEX_L1, V, H, W),
    AVX2(0F38, 0x36, "permd", OP_W32, VEX_L1, V, H, W),
    AVX2(0F38, 0x45, "psrlvd", OP_W32, NONE, V, H, W),
    AVX2(0F38, 0x45, "psrlvq", OP_W64, NONE, V, H, W),
    AVX2(0F38, 0x46, "psravd", OP_W32, NONE, V, H, W),
    AVX2(0F38, 0x47, "psllvd", OP_W32, NONE, V, H, W),
    AVX2(0F38, 0x47, "psllvq", OP_W64, NONE, V, H, W),
    AVX2(0F3A, 0x00, "permq", OP_W64, VEX_L1, V, W, O_Ib),
    AVX2(0F3A, 0x01, "permpd", OP_W64, VEX_L1, V, W, O_Ib),
    AVX2(0F3A, 0x02, "pblendd", OP_W32, NONE, V, H, W, O_Ib),
    AVX2(0F3A, 0x46, "perm2i128", OP_W32, VEX_L1, V, H, W, O_Ib),
    GATHER(0x90, "pgatherdd", OP_W32), GATHER(0x90, "pgatherdq", OP_W64),
    GATHER(0x91, "pgatherqd", OP_W32), GATHER(0x91, "pgatherqq", OP_W64),
    GATHER(0x92, "gatherdps", OP_W32), GATHER(0x92, "gatherdpd", OP_W64),
    GATHER(0x93, "gatherqps", OP_W32), GATHER(0x93, "gatherqpd", OP_W64),

    /* others */
    VROW(0F38, 0xdb, P_66, "aesimc", NONE, VEX_L0, "aes", vex_op, V, W),
    BOTH(0F38, 0xdc, P_66, "aesenc", NONE, "aes", "vaes", vex_op, V, H, W),
    BOTH(0F38, 0xdd, P_66, "aesenclast", NONE, "aes", "vaes", vex_op, V, H, W),
    BOTH(0F38, 0xde, P_66, "aesdec", NONE, "aes", "vaes", vex_op, V, H, W),
    BOTH(0F38, 0xdf, P_66, "aesdeclast", NONE, "aes", "vaes", vex_op, V, H, W),
    VROW(0F3A, 0xdf, P_66, "aeskeygenassist", NONE, VEX_L0, "aes", vex_op, V, W, O_Ib),
    BOTH(0F3A, 0x44, P_66, "pclmulqdq", NONE, "pclmulqdq", "vpclmulqdq", vex_op, V, H,
         W, O_Ib),
    VROW(0F38, 0xcf, P_66, "gf2p8mulb", OP_W32, NONE, "gfni", vex_op, V, H, W),
    VROW(0F3A, 0xce, P_66, "gf2p8affineqb", OP_W64, NONE, "gfni", vex_op, V, H, W,
         O_Ib),
    VROW(0F3A, 0xcf, P_66, "gf2p8affineinvqb", OP_W64, NONE, "gfni", vex_op, V, H, W,
         O_Ib),
    VROW(0F38, 0x50, P_66, "pdpbusd", OP_W32, NONE, "avx-vnni", vex_op, V, H, W),
    VROW(0F38, 0x51, P_66, "pdpbusds", OP_W32, NONE, "avx-vnni", vex_op, V, H, W),
    VROW(0F38, 0x52, P_66, "pdpwssd", OP_W32, NONE, "avx-vnni", vex_op, V, H, W),
    VROW(0F38, 0x53, P_66, "pdpwssds", OP_W32, NONE, "avx-vnni", vex_op, V, H, W),
};

const OpFamily ops_avx2 = { "avx2", rows, G_N_ELEMENTS(rows) };
