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

/*
 * Places in the arena are kept in 4 bytes, as there are many: in ARENA_UNITs; 0:
 * none.  The table of blocks doubles when there are more blocks than slots; those
 * before it stay in the arena, because somebody may be looking at them, and what he
 * does not find there is looked for again under the lock.
 */
typedef struct {
    unsigned bits;              /* log2 of its size */
    u32 slot[] __attribute__((aligned(8)));
} BlockHash;
enum { HASH_FIRST_BITS = 12 };

/* A RAM page with blocks. */
typedef struct CodePage {
    u64 ram_page;
    struct CodePage *next;      /* same hash */
    u32 first, reserved;        /* place of a block */
    u64 granules;               /* a bit per 64 bytes that may have code */
} CodePage;
enum { ARENA_UNIT = 8 };
_Static_assert(sizeof(CodePage) % ARENA_UNIT == 0 && sizeof(Block) % ARENA_UNIT == 0 &&
                   sizeof(JitExit) % ARENA_UNIT == 0 && sizeof(Insn) % ARENA_UNIT == 0,
               "what lies in the arena keeps what follows aligned");

struct BlockCache {
    Soft *soft;
    Jit *jit;                   /* or NULL */
    pthread_mutex_t lock;       /* guards everything but looking up in `hash` */
    u8 *arena;
    u64 bytes, used;
    BlockHash *hash;
    u64 hashed;                 /* blocks in it */
    u32 *page;                  /* PAGE_HASH_SIZE slots: places of code pages */
    u64 made, dropped, extended, flushed; /* counts for blocks_print */
};

/* Begins an arena that is zero with empty tables. */
void tables_start(BlockCache *blocks);
CodePage *page_first(const BlockCache *blocks, unsigned slot);
Block *hash_find(const BlockCache *blocks, gpa at, unsigned mode);
void hash_add(BlockCache *blocks, Block *block);
void page_add(BlockCache *blocks, Block *block, u64 ram_page);
/* Its translation rests on code beside its own, which is in its peek_*. */
void page_watch(BlockCache *blocks, const Block *block);
/* The new one is found from now on, the old one is left by whoever is in it. */
void block_replace(BlockCache *blocks, Block *old, Block *new);
u8 *page_flags(const BlockCache *blocks, u64 ram_page);

/* ---- block_extend.c ---- */
/* The block to be translated in place of this one, which may be gone then. */
Block *block_extend(BlockCache *blocks, Block *block);

#endif
