/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table's MMX rows, and those that have an MMX and an SSE2 form (SDM vol. 2,
 * appendix A).  A form with a 66 prefix is the XMM one.
 */

#include "accel/soft/simd.h"

#define MMX(b, nm, d, s, function, ...)                                            \
    { .map = MAP_0F, .byte = b, .prefix = P_NONE, .ext = -1, .rm = -1, .name = nm, \
        .operand = { d, s },                                                       \
      .attr = OP_MMX, .class = CLASS_COPY, .fn = function, __VA_ARGS__ }
#define BOTH(m, b, nm, mmx_source, feat)                                      \
    { .map = m, .byte = b, .prefix = P_NONE, .ext = -1, .rm = -1, .name = nm, \
        .operand = { O_Pq, mmx_source },                                      \
      .attr = OP_MMX, .class = CLASS_COPY, .fn = simd_op, .feature = feat },  \
    { .map = m, .byte = b, .prefix = P_66, .ext = -1, .rm = -1, .name = nm,   \
        .operand = { O_Vx, O_Wx },                                            \
      .attr = OP_SSE | OP_ALIGN, .class = CLASS_COPY, .fn = simd_op, .feature = feat }
#define SHIFT_ROW(b, p, e, nm, to, attrs)                                        \
    { .map = MAP_0F, .byte = b, .prefix = p, .ext = e, .mod = MOD_REG, .rm = -1, \
      .name = nm, .operand = { to, O_Ib }, .attr = attrs, .class = CLASS_COPY,   \
      .fn = simd_shift_imm }
#define SHIFT(b, e, nm)                        \
    SHIFT_ROW(b, P_NONE, e, nm, O_Nq, OP_MMX), \
    SHIFT_ROW(b, P_66, e, nm, O_Ux, OP_SSE)
#define SHIFT_BYTES(e, nm) SHIFT_ROW(0x73, P_66, e, nm, O_Ux, OP_SSE)

static const Opcode rows[] = {
    /* moves */
    MMX(0x6e, "movd", O_Pq, O_Ey, simd_load_op, .memory = 0),
    MMX(0x6f, "movq", O_Pq, O_Qq, simd_load_op, .memory = 0),
    MMX(0x7e, "movd", O_Ey, O_Pq, simd_store_op, .memory = 0),
    MMX(0x7f, "movq", O_Qq, O_Pq, simd_store_op, .memory = 0),
    MMX(0xe7, "movntq", O_Mq, O_Pq, simd_store_op, .mod = MOD_MEM, .memory = 8),
    MMX(0xf7, "maskmovq", O_Pq, O_Nq, simd_mask_move, .mod = MOD_REG),
    MMX(0xd7, "pmovmskb", O_Gd, O_Nq, simd_op, .mod = MOD_REG),
    MMX(0x70, "pshufw", O_Pq, O_Qq, simd_op, .operand[2] = O_Ib),
    MMX(0xc4, "pinsrw", O_Pq, O_Ed, simd_op, .operand[2] = O_Ib, .memory = 2),
    MMX(0xc5, "pextrw", O_Gd, O_Nq, simd_op, .mod = MOD_REG, .operand[2] = O_Ib),
    { .map = MAP_0F, .byte = 0x77, .prefix = P_NONE, .ext = -1, .rm = -1,
      .name = "emms", .attr = OP_MMX, .class = CLASS_CALL, .fn = simd_emms },

    /* arithmetic, in MMX and XMM registers */
    BOTH(MAP_0F, 0x60, "punpcklbw", O_Qd, NULL),
    BOTH(MAP_0F, 0x61, "punpcklwd", O_Qd, NULL),
    BOTH(MAP_0F, 0x62, "punpckldq", O_Qd, NULL),
    BOTH(MAP_0F, 0x63, "packsswb", O_Qq, NULL),
    BOTH(MAP_0F, 0x64, "pcmpgtb", O_Qq, NULL),
    BOTH(MAP_0F, 0x65, "pcmpgtw", O_Qq, NULL),
    BOTH(MAP_0F, 0x66, "pcmpgtd", O_Qq, NULL),
    BOTH(MAP_0F, 0x67, "packuswb", O_Qq, NULL),
    BOTH(MAP_0F, 0x68, "punpckhbw", O_Qq, NULL),
    BOTH(MAP_0F, 0x69, "punpckhwd", O_Qq, NULL),
    BOTH(MAP_0F, 0x6a, "punpckhdq", O_Qq, NULL),
    BOTH(MAP_0F, 0x6b, "packssdw", O_Qq, NULL),
    BOTH(MAP_0F, 0x74, "pcmpeqb", O_Qq, NULL),
    BOTH(MAP_0F, 0x75, "pcmpeqw", O_Qq, NULL),
    BOTH(MAP_0F, 0x76, "pcmpeqd", O_Qq, NULL),
    BOTH(MAP_0F, 0xd1, "psrlw", O_Qq, NULL),
    BOTH(MAP_0F, 0xd2, "psrld", O_Qq, NULL),
    BOTH(MAP_0F, 0xd3, "psrlq", O_Qq, NULL),
    BOTH(MAP_0F, 0xd4, "paddq", O_Qq, NULL),
    BOTH(MAP_0F, 0xd5, "pmullw", O_Qq, NULL),
    BOTH(MAP_0F, 0xd8, "psubusb", O_Qq, NULL),
    BOTH(MAP_0F, 0xd9, "psubusw", O_Qq, NULL),
    BOTH(MAP_0F, 0xda, "pminub", O_Qq, NULL),
    BOTH(MAP_0F, 0xdb, "pand", O_Qq, NULL),
    BOTH(MAP_0F, 0xdc, "paddusb", O_Qq, NULL),
    BOTH(MAP_0F, 0xdd, "paddusw", O_Qq, NULL),
    BOTH(MAP_0F, 0xde, "pmaxub", O_Qq, NULL),
    BOTH(MAP_0F, 0xdf, "pandn", O_Qq, NULL),
    BOTH(MAP_0F, 0xe0, "pavgb", O_Qq, NULL),
    BOTH(MAP_0F, 0xe1, "psraw", O_Qq, NULL),
    BOTH(MAP_0F, 0xe2, "psrad", O_Qq, NULL),
    BOTH(MAP_0F, 0xe3, "pavgw", O_Qq, NULL),
    BOTH(MAP_0F, 0xe4, "pmulhuw", O_Qq, NULL),
    BOTH(MAP_0F, 0xe5, "pmulhw", O_Qq, NULL),
    BOTH(MAP_0F, 0xe8, "psubsb", O_Qq, NULL),
    BOTH(MAP_0F, 0xe9, "psubsw", O_Qq, NULL),
    BOTH(MAP_0F, 0xea, "pminsw", O_Qq, NULL),
    BOTH(MAP_0F, 0xeb, "por", O_Qq, NULL),
    BOTH(MAP_0F, 0xec, "paddsb", O_Qq, NULL),
    BOTH(MAP_0F, 0xed, "paddsw", O_Qq, NULL),
    BOTH(MAP_0F, 0xee, "pmaxsw", O_Qq, NULL),
    BOTH(MAP_0F, 0xef, "pxor", O_Qq, NULL),
    BOTH(MAP_0F, 0xf1, "psllw", O_Qq, NULL),
    BOTH(MAP_0F, 0xf2, "pslld", O_Qq, NULL),
    BOTH(MAP_0F, 0xf3, "psllq", O_Qq, NULL),
    BOTH(MAP_0F, 0xf4, "pmuludq", O_Qq, NULL),
    BOTH(MAP_0F, 0xf5, "pmaddwd", O_Qq, NULL),
    BOTH(MAP_0F, 0xf6, "psadbw", O_Qq, NULL),
    BOTH(MAP_0F, 0xf8, "psubb", O_Qq, NULL),
    BOTH(MAP_0F, 0xf9, "psubw", O_Qq, NULL),
    BOTH(MAP_0F, 0xfa, "psubd", O_Qq, NULL),
    BOTH(MAP_0F, 0xfb, "psubq", O_Qq, NULL),
    BOTH(MAP_0F, 0xfc, "paddb", O_Qq, NULL),
    BOTH(MAP_0F, 0xfd, "paddw", O_Qq, NULL),
    BOTH(MAP_0F, 0xfe, "paddd", O_Qq, NULL),
    /* SSSE3 */
    BOTH(MAP_0F38, 0x00, "pshufb", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x01, "phaddw", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x02, "phaddd", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x03, "phaddsw", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x04, "pmaddubsw", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x05, "phsubw", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x06, "phsubd", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x07, "phsubsw", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x08, "psignb", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x09, "psignw", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x0a, "psignd", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x0b, "pmulhrsw", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x1c, "pabsb", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x1d, "pabsw", O_Qq, "ssse3"),
    BOTH(MAP_0F38, 0x1e, "pabsd", O_Qq, "ssse3"),
    { .map = MAP_0F3A, .byte = 0x0f, .prefix = P_NONE, .ext = -1, .rm = -1,
      .name = "palignr", .operand = { O_Pq, O_Qq, O_Ib },
      .attr = OP_MMX,
      .class = CLASS_COPY,
      .fn = simd_op,
      .feature = "ssse3" },
    { .map = MAP_0F3A, .byte = 0x0f, .prefix = P_66, .ext = -1, .rm = -1,
      .name = "palignr", .operand = { O_Vx, O_Wx, O_Ib },
      .attr = OP_SSE | OP_ALIGN,
      .class = CLASS_COPY,
      .fn = simd_op,
      .feature = "ssse3" },
    /* shifts by an immediate */
    SHIFT(0x71, 2, "psrlw"),
    SHIFT(0x71, 4, "psraw"),
    SHIFT(0x71, 6, "psllw"),
    SHIFT(0x72, 2, "psrld"),
    SHIFT(0x72, 4, "psrad"),
    SHIFT(0x72, 6, "pslld"),
    SHIFT(0x73, 2, "psrlq"),
    SHIFT(0x73, 6, "psllq"),
    SHIFT_BYTES(3, "psrldq"),
    SHIFT_BYTES(7, "pslldq"),
};

const OpFamily ops_mmx = { "mmx", rows, G_N_ELEMENTS(rows) };
