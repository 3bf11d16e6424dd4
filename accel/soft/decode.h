/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the decoder: what decode.c has read of an instruction when decode_operands.c
 * goes on with what follows the ModRM byte.
 */

#ifndef ACCEL_SOFT_DECODE_H
#define ACCEL_SOFT_DECODE_H

#include "accel/soft/opcodes.h"
#include "accel/soft/soft.h"

enum { NO_SEGMENT = 0xff };
enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

typedef struct {
    const u8 *byte;
    unsigned n;                 /* bytes there are */
    unsigned at;                /* read so far */
    unsigned mode;
    bool ended;                 /* more was asked for than there is */

    bool opsize, addrsize, lock;
    u8 rep;                     /* 0, 0xf2 or 0xf3: the last one */
    u8 segment;                 /* override, or NO_SEGMENT */
    u8 rex;                     /* 0: none; VEX's R, X, B and W too */
    bool vex, vex256;           /* a VEX prefix; its L */
    bool vex_bad;               /* prefixes before it that must not be */
    u8 vvvv;                    /* its third register; 0 also when there is none */
    u8 map, opcode;
    u8 mod, reg, rm;            /* ModRM, without REX */
} Decoder;

static inline u8 next_byte(Decoder *d)
{
    if (d->at >= d->n) {
        d->ended = true;
        return 0;
    }
    return d->byte[d->at++];
}

static inline bool code64(const Decoder *d)
{
    return d->mode & MODE_CODE64;
}

/*
 * What follows the opcode and ModRM bytes, as the row's operands say: all but insn->op
 * and fn.
 */
void decode_operands(Decoder *d, Insn *insn, const Opcode *row, u8 traits);

#endif
