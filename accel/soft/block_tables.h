/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block cache from inside: where its blocks are found.  block.c has the picture.
 * All with its lock, but hash_find().
 */

#ifndef ACCEL_SOFT_BLOCK_TABLES_H
#define ACCEL_SOFT_BLOCK_TABLES_H

#include "accel/soft/jit/jit.h"
#include "accel/soft/soft.h"

enum { PAGE_HASH_SIZE = 1 << 12 };

/* A RAM page with blocks.  As long as an instruction, which keeps blocks aligned. */
typedef struct CodePage {
    u64 ram_page;
    struct CodePage *next;      /* same hash */
    Block *first;
    u64 granules;               /* a bit per 64 bytes that may have code */
} CodePage;
_Static_assert(sizeof(CodePage) == sizeof(Insn) && sizeof(JitExit) == sizeof(Insn) &&
                   sizeof(Block) % sizeof(Insn) == 0,
               "the arena is filled in units of an instruction");

struct BlockCache {
    Soft *soft;
    Jit *jit;                   /* or NULL */
    pthread_mutex_t lock;       /* guards everything but looking up in `hash` */
    u8 *arena;
    u64 bytes, used;
    u32 *hash;                  /* where in the arena blocks begin; 0: none */
    unsigned hash_bits;         /* its size, log2 */
    CodePage **page;
    u64 made, dropped, extended, flushed; /* counts for blocks_print */
};

Block *hash_find(const BlockCache *blocks, gpa at, unsigned mode);
void hash_add(BlockCache *blocks, Block *block);
void page_add(BlockCache *blocks, Block *block);
/* The new one is found from now on, the old one is left by whoever is in it. */
void block_replace(BlockCache *blocks, Block *old, Block *new);
u8 *page_flags(const BlockCache *blocks, u64 ram_page);

/* ---- block_extend.c ---- */
/* The block to be translated in place of this one, which may be gone then. */
Block *block_extend(BlockCache *blocks, Block *block);

#endif
