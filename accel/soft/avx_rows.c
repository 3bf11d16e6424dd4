/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table's rows of AVX's floating point, F16C and FMA (SDM vol. 2, appendix
 * A).  What each computes is the host's business (host_vex.c).  Scalar ones take VEX.L
 * as it comes.
 */

#include "accel/soft/vex.h"

#define V O_Vx
#define H O_Hx
#define W O_Wx
#define MX OP_MXCSR

/* Rows of one form: map, opcode, prefix, name, attributes, operands. */
#define AVX(m, b, p, nm, attrs, ...) VROW(m, b, p, nm, attrs, NONE, "avx", vex_op, __VA_ARGS__)
#define AVX_L0(m, b, p, nm, attrs, ...) VROW(m, b, p, nm, attrs, VEX_L0, "avx", vex_op, __VA_ARGS__)
#define AVX_L1(m, b, p, nm, attrs, ...) VROW(m, b, p, nm, attrs, VEX_L1, "avx", vex_op, __VA_ARGS__)
#define HALF(m, b, p, nm, attrs, ...) \
    VROW(m, b, p, nm, attrs, VEX_SCALES, "avx", vex_op, __VA_ARGS__)

#define PACKED(b, nm, attrs) \
    AVX(0F, b, P_NONE, nm "ps", attrs, V, H, W), AVX(0F, b, P_66, nm "pd", attrs, V, H, W)
#define SCALAR(b, nm, attrs) \
    AVX(0F, b, P_F3, nm "ss", attrs, V, H, O_Wd), AVX(0F, b, P_F2, nm "sd", attrs, V, H, O_Wq)
#define FORMS(b, nm) PACKED(b, nm, MX), SCALAR(b, nm, MX)
#define ONE_SOURCE(b, nm, attrs) \
    AVX(0F, b, P_NONE, nm "ps", attrs, V, W), AVX(0F, b, P_66, nm "pd", attrs, V, W)
/* FMA: three orders of the operands, single and double precision by W. */
#define FMA1(b, nm, attrs, p, size) \
    VROW(0F38, b, P_66, nm p "s", MX | OP_W32, NONE, "fma", vex_op, V, H, size##_S), \
    VROW(0F38, b, P_66, nm p "d", MX | OP_W64, NONE, "fma", vex_op, V, H, size##_D)
#define ALL_S W
#define ALL_D W
#define ONE_S O_Wd
#define ONE_D O_Wq
#define FMA(b, nm, p, size) \
    FMA1(0x90 + b, nm "132", MX, p, size), FMA1(0xa0 + b, nm "213", MX, p, size), \
    FMA1(0xb0 + b, nm "231", MX, p, size)

static const Opcode rows[] = {
    FORMS(0x58, "add"),
    FORMS(0x59, "mul"),
    FORMS(0x5c, "sub"),
    FORMS(0x5d, "min"),
    FORMS(0x5e, "div"),
    FORMS(0x5f, "max"),
    ONE_SOURCE(0x51, "sqrt", MX),
    SCALAR(0x51, "sqrt", MX),
    AVX(0F, 0x52, P_NONE, "rsqrtps", NONE, V, W),
    AVX(0F, 0x52, P_F3, "rsqrtss", NONE, V, H, O_Wd),
    AVX(0F, 0x53, P_NONE, "rcpps", NONE, V, W),
    AVX(0F, 0x53, P_F3, "rcpss", NONE, V, H, O_Wd),
    PACKED(0x14, "unpckl", NONE),
    PACKED(0x15, "unpckh", NONE),
    PACKED(0x54, "and", NONE),
    PACKED(0x55, "andn", NONE),
    PACKED(0x56, "or", NONE),
    PACKED(0x57, "xor", NONE),
    AVX(0F, 0x7c, P_66, "haddpd", MX, V, H, W),
    AVX(0F, 0x7c, P_F2, "haddps", MX, V, H, W),
    AVX(0F, 0x7d, P_66, "hsubpd", MX, V, H, W),
    AVX(0F, 0x7d, P_F2, "hsubps", MX, V, H, W),
    AVX(0F, 0xd0, P_66, "addsubpd", MX, V, H, W),
    AVX(0F, 0xd0, P_F2, "addsubps", MX, V, H, W),
    AVX(0F, 0xc2, P_NONE, "cmpps", MX, V, H, W, O_Ib),
    AVX(0F, 0xc2, P_66, "cmppd", MX, V, H, W, O_Ib),
    AVX(0F, 0xc2, P_F3, "cmpss", MX, V, H, O_Wd, O_Ib),
    AVX(0F, 0xc2, P_F2, "cmpsd", MX, V, H, O_Wq, O_Ib),
    AVX(0F, 0xc6, P_NONE, "shufps", NONE, V, H, W, O_Ib),
    AVX(0F, 0xc6, P_66, "shufpd", NONE, V, H, W, O_Ib),
    AVX(0F, 0x50, P_NONE, "movmskps", NONE, O_Gd, O_Ux),
    AVX(0F, 0x50, P_66, "movmskpd", NONE, O_Gd, O_Ux),

/* comparisons into flags */
#define COMPARE(b, p, nm, attrs, w)                                                    \
    {                                                                                  \
        .map = MAP_VEX_0F, .byte = b, .prefix = p, .ext = -1, .rm = -1, .name = nm,    \
        .operand = { V, w }, .attr = OP_SSE | OP_PROT | (attrs), .feature = "avx",     \
        .fn = vex_op, .writes = FLAGS_ARITH                                            \
    }
    COMPARE(0x2e, P_NONE, "vucomiss", MX, O_Wd),
    COMPARE(0x2e, P_66, "vucomisd", MX, O_Wq),
    COMPARE(0x2f, P_NONE, "vcomiss", MX, O_Wd),
    COMPARE(0x2f, P_66, "vcomisd", MX, O_Wq),
#define TEST(b, nm, attrs)                                                             \
    { .map = MAP_VEX_0F38, .byte = b, .prefix = P_66, .ext = -1, .rm = -1, .name = nm, \
      .operand = { V, W }, .attr = OP_SSE | OP_PROT | (attrs), .feature = "avx",       \
          .fn = vex_op,                                                                \
      .writes = FLAGS_ARITH }
    TEST(0x0e, "vtestps", OP_W32),
    TEST(0x0f, "vtestpd", OP_W32),
    TEST(0x17, "vptest", NONE),

    /* conversions */
    AVX(0F, 0x2a, P_F3, "cvtsi2ss", MX, V, H, O_Ey),
    AVX(0F, 0x2a, P_F2, "cvtsi2sd", MX, V, H, O_Ey),
    AVX(0F, 0x2c, P_F3, "cvttss2si", MX, O_Gy, O_Wd),
    AVX(0F, 0x2c, P_F2, "cvttsd2si", MX, O_Gy, O_Wq),
    AVX(0F, 0x2d, P_F3, "cvtss2si", MX, O_Gy, O_Wd),
    AVX(0F, 0x2d, P_F2, "cvtsd2si", MX, O_Gy, O_Wq),
    HALF(0F, 0x5a, P_NONE, "cvtps2pd", MX, V, O_Wq),
    AVX(0F, 0x5a, P_66, "cvtpd2ps", MX, V, W),
    AVX(0F, 0x5a, P_F3, "cvtss2sd", MX, V, H, O_Wd),
    AVX(0F, 0x5a, P_F2, "cvtsd2ss", MX, V, H, O_Wq),
    AVX(0F, 0x5b, P_NONE, "cvtdq2ps", MX, V, W),
    AVX(0F, 0x5b, P_66, "cvtps2dq", MX, V, W),
    AVX(0F, 0x5b, P_F3, "cvttps2dq", MX, V, W),
    AVX(0F, 0xe6, P_66, "cvttpd2dq", MX, V, W),
    HALF(0F, 0xe6, P_F3, "cvtdq2pd", NONE, V, O_Wq),
    AVX(0F, 0xe6, P_F2, "cvtpd2dq", MX, V, W),
    VROW(0F38, 0x13, P_66, "cvtph2ps", MX | OP_W32, VEX_SCALES, "f16c", vex_op, V,
         O_Wq),
    VROW(0F3A, 0x1d, P_66, "cvtps2ph", MX | OP_W32, VEX_SCALES, "f16c", vex_op, O_Wq, V,
         O_Ib),

    /* within 128 bits, and across */
    AVX(0F38, 0x0c, P_66, "permilps", OP_W32, V, H, W),
    AVX(0F38, 0x0d, P_66, "permilpd", OP_W32, V, H, W),
    AVX(0F3A, 0x04, P_66, "permilps", OP_W32, V, W, O_Ib),
    AVX(0F3A, 0x05, P_66, "permilpd", OP_W32, V, W, O_Ib),
    AVX_L1(0F3A, 0x06, P_66, "perm2f128", OP_W32, V, H, W, O_Ib),
    AVX(0F3A, 0x08, P_66, "roundps", MX, V, W, O_Ib),
    AVX(0F3A, 0x09, P_66, "roundpd", MX, V, W, O_Ib),
    AVX(0F3A, 0x0a, P_66, "roundss", MX, V, H, O_Wd, O_Ib),
    AVX(0F3A, 0x0b, P_66, "roundsd", MX, V, H, O_Wq, O_Ib),
    AVX(0F3A, 0x0c, P_66, "blendps", NONE, V, H, W, O_Ib),
    AVX(0F3A, 0x0d, P_66, "blendpd", NONE, V, H, W, O_Ib),
    AVX_L0(0F3A, 0x17, P_66, "extractps", NONE, O_Ed, V, O_Ib),
    AVX_L0(0F3A, 0x21, P_66, "insertps", NONE, V, H, O_Wd, O_Ib),
    AVX(0F3A, 0x40, P_66, "dpps", MX, V, H, W, O_Ib),
    AVX_L0(0F3A, 0x41, P_66, "dppd", MX, V, H, W, O_Ib),
    AVX(0F3A, 0x4a, P_66, "blendvps", OP_W32, V, H, W, O_Lx),
    AVX(0F3A, 0x4b, P_66, "blendvpd", OP_W32, V, H, W, O_Lx),

    FMA(6, "fmaddsub", "p", ALL),
    FMA(7, "fmsubadd", "p", ALL),
    FMA(8, "fmadd", "p", ALL),
    FMA(9, "fmadd", "s", ONE),
    FMA(10, "fmsub", "p", ALL),
    FMA(11, "fmsub", "s", ONE),
    FMA(12, "fnmadd", "p", ALL),
    FMA(13, "fnmadd", "s", ONE),
    FMA(14, "fnmsub", "p", ALL),
    FMA(15, "fnmsub", "s", ONE),
};

const OpFamily ops_avx = { "avx", rows, G_N_ELEMENTS(rows) };
