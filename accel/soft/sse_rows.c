/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table's SSE to SSE4.2 rows, AES and PCLMULQDQ (SDM vol. 2, appendix A): what each computes is the host's business (host.h).
 * Rows with OP_MXCSR round by MXCSR and raise its exceptions; without OP_ALIGN a memory operand may lie anywhere.
 */

#include "accel/soft/simd.h"

#define ROW(m, b, p, nm, d, s, attrs, function, ...) \
    { .map = m, .byte = b, .prefix = p, .ext = -1, .rm = -1, .name = nm, .operand = { d, s }, \
      .attr = OP_SSE | (attrs), .class = CLASS_COPY, .fn = function, __VA_ARGS__ }
/* The four forms of SSE arithmetic: packed and scalar, single and double. */
#define FORMS(b, nm, attrs) \
    ROW(MAP_0F, b, P_NONE, nm "ps", O_Vx, O_Wx, OP_ALIGN | (attrs), simd_op), \
    ROW(MAP_0F, b, P_66,   nm "pd", O_Vx, O_Wx, OP_ALIGN | (attrs), simd_op), \
    ROW(MAP_0F, b, P_F3,   nm "ss", O_Vx, O_Wd, attrs, simd_op), \
    ROW(MAP_0F, b, P_F2,   nm "sd", O_Vx, O_Wq, attrs, simd_op)
#define PACKED(b, nm) \
    ROW(MAP_0F, b, P_NONE, nm "ps", O_Vx, O_Wx, OP_ALIGN, simd_op), \
    ROW(MAP_0F, b, P_66,   nm "pd", O_Vx, O_Wx, OP_ALIGN, simd_op)
#define X38(b, nm, s, attrs, feat) ROW(MAP_0F38, b, P_66, nm, O_Vx, s, attrs, simd_op, .feature = feat)
#define X3A(b, nm, s, attrs, feat) \
    ROW(MAP_0F3A, b, P_66, nm, O_Vx, s, attrs, simd_op, .operand[2] = O_Ib, .feature = feat)
#define SHA(b, nm, function) \
    ROW(MAP_0F38, b, P_NONE, nm, O_Vx, O_Wx, OP_ALIGN, function, .feature = "sha-ni")
#define NONE 0

static const Opcode rows[] = {
    /* moves */
    ROW(MAP_0F, 0x10, P_NONE, "movups", O_Vx, O_Wx, NONE, simd_load_op),
    ROW(MAP_0F, 0x10, P_66,   "movupd", O_Vx, O_Wx, NONE, simd_load_op),
    ROW(MAP_0F, 0x10, P_F3,   "movss",  O_Vx, O_Wd, NONE, simd_movs_load),
    ROW(MAP_0F, 0x10, P_F2,   "movsd",  O_Vx, O_Wq, NONE, simd_movs_load),
    ROW(MAP_0F, 0x11, P_NONE, "movups", O_Wx, O_Vx, NONE, simd_store_op),
    ROW(MAP_0F, 0x11, P_66,   "movupd", O_Wx, O_Vx, NONE, simd_store_op),
    ROW(MAP_0F, 0x11, P_F3,   "movss",  O_Wd, O_Vx, NONE, simd_movs_store),
    ROW(MAP_0F, 0x11, P_F2,   "movsd",  O_Wq, O_Vx, NONE, simd_movs_store),
    ROW(MAP_0F, 0x12, P_NONE, "movlps", O_Vx, O_Wq, NONE, simd_movlh),
    ROW(MAP_0F, 0x12, P_66,   "movlpd", O_Vx, O_Mq, NONE, simd_movlh, .mod = MOD_MEM),
    ROW(MAP_0F, 0x12, P_F3,   "movsldup", O_Vx, O_Wx, OP_ALIGN, simd_op, .feature = "pni"),
    ROW(MAP_0F, 0x12, P_F2,   "movddup", O_Vx, O_Wq, NONE, simd_op, .feature = "pni"),
    ROW(MAP_0F, 0x13, P_NONE, "movlps", O_Mq, O_Vx, NONE, simd_movlh, .mod = MOD_MEM),
    ROW(MAP_0F, 0x13, P_66,   "movlpd", O_Mq, O_Vx, NONE, simd_movlh, .mod = MOD_MEM),
    ROW(MAP_0F, 0x16, P_NONE, "movhps", O_Vx, O_Wq, NONE, simd_movlh),
    ROW(MAP_0F, 0x16, P_66,   "movhpd", O_Vx, O_Mq, NONE, simd_movlh, .mod = MOD_MEM),
    ROW(MAP_0F, 0x16, P_F3,   "movshdup", O_Vx, O_Wx, OP_ALIGN, simd_op, .feature = "pni"),
    ROW(MAP_0F, 0x17, P_NONE, "movhps", O_Mq, O_Vx, NONE, simd_movlh, .mod = MOD_MEM),
    ROW(MAP_0F, 0x17, P_66,   "movhpd", O_Mq, O_Vx, NONE, simd_movlh, .mod = MOD_MEM),
    ROW(MAP_0F, 0x28, P_NONE, "movaps", O_Vx, O_Wx, OP_ALIGN, simd_load_op),
    ROW(MAP_0F, 0x28, P_66,   "movapd", O_Vx, O_Wx, OP_ALIGN, simd_load_op),
    ROW(MAP_0F, 0x29, P_NONE, "movaps", O_Wx, O_Vx, OP_ALIGN, simd_store_op),
    ROW(MAP_0F, 0x29, P_66,   "movapd", O_Wx, O_Vx, OP_ALIGN, simd_store_op),
    ROW(MAP_0F, 0x2b, P_NONE, "movntps", O_Wx, O_Vx, OP_ALIGN, simd_store_op, .mod = MOD_MEM),
    ROW(MAP_0F, 0x2b, P_66,   "movntpd", O_Wx, O_Vx, OP_ALIGN, simd_store_op, .mod = MOD_MEM),
    ROW(MAP_0F, 0x6e, P_66,   "movd",   O_Vx, O_Ey, NONE, simd_load_op),
    ROW(MAP_0F, 0x6f, P_66,   "movdqa", O_Vx, O_Wx, OP_ALIGN, simd_load_op),
    ROW(MAP_0F, 0x6f, P_F3,   "movdqu", O_Vx, O_Wx, NONE, simd_load_op),
    ROW(MAP_0F, 0x7e, P_66,   "movd",   O_Ey, O_Vx, NONE, simd_store_op),
    ROW(MAP_0F, 0x7e, P_F3,   "movq",   O_Vx, O_Wq, NONE, simd_load_op),
    ROW(MAP_0F, 0x7f, P_66,   "movdqa", O_Wx, O_Vx, OP_ALIGN, simd_store_op),
    ROW(MAP_0F, 0x7f, P_F3,   "movdqu", O_Wx, O_Vx, NONE, simd_store_op),
    ROW(MAP_0F, 0xd6, P_66,   "movq",   O_Wq, O_Vx, NONE, simd_movq_load),
    ROW(MAP_0F, 0xd6, P_F3,   "movq2dq", O_Vx, O_Nq, NONE, simd_movq2dq, .mod = MOD_REG),
    ROW(MAP_0F, 0xd6, P_F2,   "movdq2q", O_Pq, O_Ux, NONE, simd_movdq2q, .mod = MOD_REG),
    ROW(MAP_0F, 0xe7, P_66,   "movntdq", O_Wx, O_Vx, OP_ALIGN, simd_store_op, .mod = MOD_MEM),
    ROW(MAP_0F, 0xf0, P_F2,   "lddqu",  O_Vx, O_Wx, NONE, simd_load_op, .mod = MOD_MEM, .feature = "pni"),
    ROW(MAP_0F, 0xf7, P_66,   "maskmovdqu", O_Vx, O_Ux, NONE, simd_mask_move, .mod = MOD_REG),
    ROW(MAP_0F38, 0x2a, P_66, "movntdqa", O_Vx, O_Wx, OP_ALIGN, simd_load_op, .mod = MOD_MEM, .feature = "sse4.1"),

    /* floating point */
    FORMS(0x51, "sqrt", OP_MXCSR), FORMS(0x58, "add", OP_MXCSR), FORMS(0x59, "mul", OP_MXCSR),
    FORMS(0x5c, "sub", OP_MXCSR), FORMS(0x5d, "min", OP_MXCSR), FORMS(0x5e, "div", OP_MXCSR),
    FORMS(0x5f, "max", OP_MXCSR),
    ROW(MAP_0F, 0x52, P_NONE, "rsqrtps", O_Vx, O_Wx, OP_ALIGN, simd_op),
    ROW(MAP_0F, 0x52, P_F3,   "rsqrtss", O_Vx, O_Wd, NONE, simd_op),
    ROW(MAP_0F, 0x53, P_NONE, "rcpps",   O_Vx, O_Wx, OP_ALIGN, simd_op),
    ROW(MAP_0F, 0x53, P_F3,   "rcpss",   O_Vx, O_Wd, NONE, simd_op),
    PACKED(0x14, "unpckl"), PACKED(0x15, "unpckh"), PACKED(0x54, "and"), PACKED(0x55, "andn"),
    PACKED(0x56, "or"), PACKED(0x57, "xor"),
    ROW(MAP_0F, 0x2e, P_NONE, "ucomiss", O_Vx, O_Wd, OP_MXCSR, simd_op, .writes = FLAGS_ARITH),
    ROW(MAP_0F, 0x2e, P_66,   "ucomisd", O_Vx, O_Wq, OP_MXCSR, simd_op, .writes = FLAGS_ARITH),
    ROW(MAP_0F, 0x2f, P_NONE, "comiss",  O_Vx, O_Wd, OP_MXCSR, simd_op, .writes = FLAGS_ARITH),
    ROW(MAP_0F, 0x2f, P_66,   "comisd",  O_Vx, O_Wq, OP_MXCSR, simd_op, .writes = FLAGS_ARITH),
    ROW(MAP_0F, 0x50, P_NONE, "movmskps", O_Gd, O_Ux, NONE, simd_op, .mod = MOD_REG),
    ROW(MAP_0F, 0x50, P_66,   "movmskpd", O_Gd, O_Ux, NONE, simd_op, .mod = MOD_REG),
    ROW(MAP_0F, 0x7c, P_66,   "haddpd", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op, .feature = "pni"),
    ROW(MAP_0F, 0x7c, P_F2,   "haddps", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op, .feature = "pni"),
    ROW(MAP_0F, 0x7d, P_66,   "hsubpd", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op, .feature = "pni"),
    ROW(MAP_0F, 0x7d, P_F2,   "hsubps", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op, .feature = "pni"),
    ROW(MAP_0F, 0xd0, P_66,   "addsubpd", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op, .feature = "pni"),
    ROW(MAP_0F, 0xd0, P_F2,   "addsubps", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op, .feature = "pni"),
    ROW(MAP_0F, 0xc2, P_NONE, "cmpps", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op, .operand[2] = O_Ib),
    ROW(MAP_0F, 0xc2, P_66,   "cmppd", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op, .operand[2] = O_Ib),
    ROW(MAP_0F, 0xc2, P_F3,   "cmpss", O_Vx, O_Wd, OP_MXCSR, simd_op, .operand[2] = O_Ib),
    ROW(MAP_0F, 0xc2, P_F2,   "cmpsd", O_Vx, O_Wq, OP_MXCSR, simd_op, .operand[2] = O_Ib),
    ROW(MAP_0F, 0xc6, P_NONE, "shufps", O_Vx, O_Wx, OP_ALIGN, simd_op, .operand[2] = O_Ib),
    ROW(MAP_0F, 0xc6, P_66,   "shufpd", O_Vx, O_Wx, OP_ALIGN, simd_op, .operand[2] = O_Ib),

    /* conversions */
    ROW(MAP_0F, 0x2a, P_NONE, "cvtpi2ps", O_Vx, O_Qq, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2a, P_66,   "cvtpi2pd", O_Vx, O_Qq, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2a, P_F3,   "cvtsi2ss", O_Vx, O_Ey, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2a, P_F2,   "cvtsi2sd", O_Vx, O_Ey, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2c, P_NONE, "cvttps2pi", O_Pq, O_Wq, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2c, P_66,   "cvttpd2pi", O_Pq, O_Wx, OP_ALIGN | OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2c, P_F3,   "cvttss2si", O_Gy, O_Wd, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2c, P_F2,   "cvttsd2si", O_Gy, O_Wq, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2d, P_NONE, "cvtps2pi", O_Pq, O_Wq, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2d, P_66,   "cvtpd2pi", O_Pq, O_Wx, OP_ALIGN | OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2d, P_F3,   "cvtss2si", O_Gy, O_Wd, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x2d, P_F2,   "cvtsd2si", O_Gy, O_Wq, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x5a, P_NONE, "cvtps2pd", O_Vx, O_Wq, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x5a, P_66,   "cvtpd2ps", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x5a, P_F3,   "cvtss2sd", O_Vx, O_Wd, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x5a, P_F2,   "cvtsd2ss", O_Vx, O_Wq, OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x5b, P_NONE, "cvtdq2ps", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x5b, P_66,   "cvtps2dq", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op),
    ROW(MAP_0F, 0x5b, P_F3,   "cvttps2dq", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op),
    ROW(MAP_0F, 0xe6, P_66,   "cvttpd2dq", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op),
    ROW(MAP_0F, 0xe6, P_F3,   "cvtdq2pd", O_Vx, O_Wq, NONE, simd_op),
    ROW(MAP_0F, 0xe6, P_F2,   "cvtpd2dq", O_Vx, O_Wx, OP_ALIGN | OP_MXCSR, simd_op),

    /* integer, XMM only */
    ROW(MAP_0F, 0x6c, P_66, "punpcklqdq", O_Vx, O_Wx, OP_ALIGN, simd_op),
    ROW(MAP_0F, 0x6d, P_66, "punpckhqdq", O_Vx, O_Wx, OP_ALIGN, simd_op),
    ROW(MAP_0F, 0x70, P_66, "pshufd",  O_Vx, O_Wx, OP_ALIGN, simd_op, .operand[2] = O_Ib),
    ROW(MAP_0F, 0x70, P_F3, "pshufhw", O_Vx, O_Wx, OP_ALIGN, simd_op, .operand[2] = O_Ib),
    ROW(MAP_0F, 0x70, P_F2, "pshuflw", O_Vx, O_Wx, OP_ALIGN, simd_op, .operand[2] = O_Ib),
    ROW(MAP_0F, 0xc4, P_66, "pinsrw",  O_Vx, O_Ed, NONE, simd_op, .operand[2] = O_Ib, .memory = 2),
    ROW(MAP_0F, 0xc5, P_66, "pextrw",  O_Gd, O_Ux, NONE, simd_op, .mod = MOD_REG, .operand[2] = O_Ib),
    ROW(MAP_0F, 0xd7, P_66, "pmovmskb", O_Gd, O_Ux, NONE, simd_op, .mod = MOD_REG),

    /* SSE4.1 */
    ROW(MAP_0F38, 0x10, P_66, "pblendvb", O_Vx, O_Wx, OP_ALIGN, simd_blendv, .feature = "sse4.1"),
    ROW(MAP_0F38, 0x14, P_66, "blendvps", O_Vx, O_Wx, OP_ALIGN, simd_blendv, .feature = "sse4.1"),
    ROW(MAP_0F38, 0x15, P_66, "blendvpd", O_Vx, O_Wx, OP_ALIGN, simd_blendv, .feature = "sse4.1"),
    ROW(MAP_0F38, 0x17, P_66, "ptest", O_Vx, O_Wx, OP_ALIGN, simd_op, .writes = FLAGS_ARITH, .feature = "sse4.1"),
    X38(0x20, "pmovsxbw", O_Wq, NONE, "sse4.1"),
    X38(0x21, "pmovsxbd", O_Wd, NONE, "sse4.1"),
    X38(0x22, "pmovsxbq", O_Ww, NONE, "sse4.1"),
    X38(0x23, "pmovsxwd", O_Wq, NONE, "sse4.1"),
    X38(0x24, "pmovsxwq", O_Wd, NONE, "sse4.1"),
    X38(0x25, "pmovsxdq", O_Wq, NONE, "sse4.1"),
    X38(0x30, "pmovzxbw", O_Wq, NONE, "sse4.1"),
    X38(0x31, "pmovzxbd", O_Wd, NONE, "sse4.1"),
    X38(0x32, "pmovzxbq", O_Ww, NONE, "sse4.1"),
    X38(0x33, "pmovzxwd", O_Wq, NONE, "sse4.1"),
    X38(0x34, "pmovzxwq", O_Wd, NONE, "sse4.1"),
    X38(0x35, "pmovzxdq", O_Wq, NONE, "sse4.1"),
    X38(0x28, "pmuldq", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x29, "pcmpeqq", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x2b, "packusdw", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x38, "pminsb", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x39, "pminsd", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x3a, "pminuw", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x3b, "pminud", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x3c, "pmaxsb", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x3d, "pmaxsd", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x3e, "pmaxuw", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x3f, "pmaxud", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x40, "pmulld", O_Wx, OP_ALIGN, "sse4.1"),
    X38(0x41, "phminposuw", O_Wx, OP_ALIGN, "sse4.1"),
    X3A(0x08, "roundps", O_Wx, OP_ALIGN | OP_MXCSR, "sse4.1"),
    X3A(0x09, "roundpd", O_Wx, OP_ALIGN | OP_MXCSR, "sse4.1"),
    X3A(0x0a, "roundss", O_Wd, OP_MXCSR, "sse4.1"),
    X3A(0x0b, "roundsd", O_Wq, OP_MXCSR, "sse4.1"),
    X3A(0x0c, "blendps", O_Wx, OP_ALIGN, "sse4.1"),
    X3A(0x0d, "blendpd", O_Wx, OP_ALIGN, "sse4.1"),
    X3A(0x0e, "pblendw", O_Wx, OP_ALIGN, "sse4.1"),
    X3A(0x21, "insertps", O_Wd, NONE, "sse4.1"),
    X3A(0x40, "dpps", O_Wx, OP_ALIGN | OP_MXCSR, "sse4.1"),
    X3A(0x41, "dppd", O_Wx, OP_ALIGN | OP_MXCSR, "sse4.1"),
    X3A(0x42, "mpsadbw", O_Wx, OP_ALIGN, "sse4.1"),
    ROW(MAP_0F3A, 0x14, P_66, "pextrb", O_Ed, O_Vx, NONE, simd_op, .operand[2] = O_Ib, .memory = 1,
        .feature = "sse4.1"),
    ROW(MAP_0F3A, 0x15, P_66, "pextrw", O_Ed, O_Vx, NONE, simd_op, .operand[2] = O_Ib, .memory = 2,
        .feature = "sse4.1"),
    ROW(MAP_0F3A, 0x16, P_66, "pextrd", O_Ey, O_Vx, NONE, simd_op, .operand[2] = O_Ib, .feature = "sse4.1"),
    ROW(MAP_0F3A, 0x17, P_66, "extractps", O_Ed, O_Vx, NONE, simd_op, .operand[2] = O_Ib, .feature = "sse4.1"),
    ROW(MAP_0F3A, 0x20, P_66, "pinsrb", O_Vx, O_Ed, NONE, simd_op, .operand[2] = O_Ib, .memory = 1,
        .feature = "sse4.1"),
    ROW(MAP_0F3A, 0x22, P_66, "pinsrd", O_Vx, O_Ey, NONE, simd_op, .operand[2] = O_Ib, .feature = "sse4.1"),

    /* SSE4.2 */
    X38(0x37, "pcmpgtq", O_Wx, OP_ALIGN, "sse4.2"),
    ROW(MAP_0F3A, 0x60, P_66, "pcmpestrm", O_Vx, O_Wx, NONE, simd_string, .operand[2] = O_Ib, .writes = FLAGS_ARITH,
        .feature = "sse4.2"),
    ROW(MAP_0F3A, 0x61, P_66, "pcmpestri", O_Vx, O_Wx, NONE, simd_string, .operand[2] = O_Ib, .writes = FLAGS_ARITH,
        .feature = "sse4.2"),
    ROW(MAP_0F3A, 0x62, P_66, "pcmpistrm", O_Vx, O_Wx, NONE, simd_string, .operand[2] = O_Ib, .writes = FLAGS_ARITH,
        .feature = "sse4.2"),
    ROW(MAP_0F3A, 0x63, P_66, "pcmpistri", O_Vx, O_Wx, NONE, simd_string, .operand[2] = O_Ib, .writes = FLAGS_ARITH,
        .feature = "sse4.2"),

    /* AES and carry-less multiplication */
    X38(0xdb, "aesimc", O_Wx, OP_ALIGN, "aes"),
    X38(0xdc, "aesenc", O_Wx, OP_ALIGN, "aes"),
    X38(0xdd, "aesenclast", O_Wx, OP_ALIGN, "aes"),
    X38(0xde, "aesdec", O_Wx, OP_ALIGN, "aes"),
    X38(0xdf, "aesdeclast", O_Wx, OP_ALIGN, "aes"),
    X3A(0xdf, "aeskeygenassist", O_Wx, OP_ALIGN, "aes"),
    X3A(0x44, "pclmulqdq", O_Wx, OP_ALIGN, "pclmulqdq"),

    /* SHA, and arithmetic in Galois fields */
    SHA(0xc8, "sha1nexte", simd_op), SHA(0xc9, "sha1msg1", simd_op), SHA(0xca, "sha1msg2", simd_op),
    SHA(0xcb, "sha256rnds2", simd_blendv), SHA(0xcc, "sha256msg1", simd_op),
    SHA(0xcd, "sha256msg2", simd_op),
    ROW(MAP_0F3A, 0xcc, P_NONE, "sha1rnds4", O_Vx, O_Wx, OP_ALIGN, simd_op, .operand[2] = O_Ib,
        .feature = "sha-ni"),
    X38(0xcf, "gf2p8mulb", O_Wx, OP_ALIGN, "gfni"),
    X3A(0xce, "gf2p8affineqb", O_Wx, OP_ALIGN, "gfni"),
    X3A(0xcf, "gf2p8affineinvqb", O_Wx, OP_ALIGN, "gfni"),
};

const OpFamily ops_sse = { "sse", rows, G_N_ELEMENTS(rows) };
