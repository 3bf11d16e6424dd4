/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks by address and by page, and how they are dropped when what they were decoded
 * from changes.
 */

#include "accel/soft/block_tables.h"
#include "accel/soft/run.h"

enum { GRANULE_SHIFT = PAGE_SHIFT - 6 };

/* ---- tables ---- */

static void *at_place(const BlockCache *blocks, u32 place)
{
    return place ? blocks->arena + (u64)place * ARENA_UNIT : NULL;
}

static u32 place_of(const BlockCache *blocks, const void *at)
{
    return at ? ((u8 *)at - blocks->arena) / ARENA_UNIT : 0;
}

static BlockHash *hash_new(BlockCache *blocks, unsigned bits)
{
    BlockHash *hash = (BlockHash *)(blocks->arena + blocks->used);
    size_t bytes = sizeof *hash + (sizeof hash->slot[0] << bits);

    memset(hash, 0, bytes);
    hash->bits = bits;
    blocks->used += bytes;
    return hash;
}

void tables_start(BlockCache *blocks)
{
    blocks->used = blocks->hashed = 0;
    blocks->hash = hash_new(blocks, HASH_FIRST_BITS);
    blocks->page = (u32 *)(blocks->arena + blocks->used);
    blocks->used += PAGE_HASH_SIZE * sizeof blocks->page[0];
}

static u32 *hash_slot(BlockHash *hash, gpa at, unsigned mode)
{
    return &hash->slot[((at ^ (u64)mode << 48) * 0x9e3779b97f4a7c15) >>
                       (64 - hash->bits)];
}

Block *hash_find(const BlockCache *blocks, gpa at, unsigned mode)
{
    BlockHash *hash = __atomic_load_n(&blocks->hash, __ATOMIC_ACQUIRE);
    Block *block = at_place(blocks, __atomic_load_n(hash_slot(hash, at, mode),
                                                    __ATOMIC_ACQUIRE));

    while (block && (block->at != at || block->mode != mode)) {
        block = at_place(blocks, __atomic_load_n(&block->hash_next, __ATOMIC_ACQUIRE));
    }
    return block;
}

static void put_first(BlockCache *blocks, BlockHash *hash, Block *block)
{
    u32 *slot = hash_slot(hash, block->at, block->mode);

    __atomic_store_n(&block->hash_next, *slot, __ATOMIC_RELEASE);
    __atomic_store_n(slot, place_of(blocks, block), __ATOMIC_RELEASE);
}

/*
 * Chains are relinked under the eyes of those who look: a block's next one is then one
 * that was put into the new table before it, so their way ends.
 */
static void hash_grow(BlockCache *blocks)
{
    BlockHash *old = blocks->hash, *hash;

    if (blocks->bytes - blocks->used < sizeof *hash + (8ull << old->bits)) {
        return;
    }
    hash = hash_new(blocks, old->bits + 1);
    for (u64 i = 0; i < 1ull << old->bits; i++) {
        for (Block *block = at_place(blocks, old->slot[i]), *next; block; block = next) {
            next = at_place(blocks, block->hash_next);
            put_first(blocks, hash, block);
        }
    }
    __atomic_store_n(&blocks->hash, hash, __ATOMIC_RELEASE);
}

void hash_add(BlockCache *blocks, Block *block)
{
    put_first(blocks, blocks->hash, block);
    if (++blocks->hashed > 1ull << blocks->hash->bits) {
        hash_grow(blocks);
    }
}

static void hash_remove(BlockCache *blocks, Block *block)
{
    u32 *link = hash_slot(blocks->hash, block->at, block->mode);

    blocks->hashed--;
    while (*link != place_of(blocks, block)) {
        link = &((Block *)at_place(blocks, *link))->hash_next;
    }
    __atomic_store_n(link, block->hash_next, __ATOMIC_RELEASE);
}

static u32 *page_slot(const BlockCache *blocks, u64 ram_page)
{
    return &blocks->page[ram_page % PAGE_HASH_SIZE];
}

CodePage *page_first(const BlockCache *blocks, unsigned slot)
{
    return at_place(blocks, blocks->page[slot]);
}

static CodePage *page_find(const BlockCache *blocks, u64 ram_page)
{
    CodePage *page = at_place(blocks, *page_slot(blocks, ram_page));

    while (page && page->ram_page != ram_page) {
        page = page->next;
    }
    return page;
}

static CodePage *page_make(BlockCache *blocks, u64 ram_page)
{
    CodePage *page = page_find(blocks, ram_page);

    if (!page) {
        page = (CodePage *)(blocks->arena + blocks->used);
        blocks->used += sizeof *page;
        *page = (CodePage){ .ram_page = ram_page,
                            .next = at_place(blocks, *page_slot(blocks, ram_page)) };
        *page_slot(blocks, ram_page) = place_of(blocks, page);
    }
    return page;
}

/* The granules that [offset, offset + n) of a page touches; n is not 0. */
static u64 granules(unsigned offset, unsigned n)
{
    unsigned first = offset >> GRANULE_SHIFT, last = (offset + n - 1) >> GRANULE_SHIFT;

    return (UINT64_MAX >> (63 - (last - first))) << first;
}

static u64 block_granules(const Block *block)
{
    unsigned at = block->at & ~PAGE_MASK;
    u64 all = granules(at, block->bytes + block->peek_behind);

    return block->peek_bytes ? all | granules(block->peek_at, block->peek_bytes) : all;
}

/* Does it rest on bytes of [offset, offset + n) of its page? */
static bool block_touches(const Block *block, unsigned offset, unsigned n)
{
    unsigned at = block->at & ~PAGE_MASK;

    return (at < offset + n && offset < at + block->bytes + block->peek_behind) ||
           (block->peek_bytes && block->peek_at < offset + n &&
            offset < block->peek_at + block->peek_bytes);
}

static void page_put(BlockCache *blocks, CodePage *page, Block *block)
{
    block->page = place_of(blocks, page);
    block->page_next = page->first;
    page->first = place_of(blocks, block);
    page->granules |= block_granules(block);
}

void page_watch(BlockCache *blocks, const Block *block)
{
    CodePage *page = at_place(blocks, block->page);

    if (page) {
        page->granules |= block_granules(block);
    }
}

void page_add(BlockCache *blocks, Block *block, u64 ram_page)
{
    page_put(blocks, page_make(blocks, ram_page), block);
}

/* ---- dropping ---- */

void op_stale(Cpu *cpu, const Insn *insn)
{
    cpu_leave_block(cpu);
}

static void block_retire(BlockCache *blocks, Block *block)
{
    hash_remove(blocks, block);
    __atomic_store_n(&block->valid, false, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < block->entries; i++) {
        insn_set_fn(&block->insn[i], op_stale);
    }
    if (blocks->jit) {
        jit_unlink(blocks->jit, block);
        if (block->code) {
            jit_close_entry(blocks->jit, block->code);
        }
    }
}

/* Where calls of such a block come back flags may be dead that are not any more. */
static void block_drop(BlockCache *blocks, Block *block)
{
    Soft *soft = blocks->soft;

    block_retire(blocks, block);
    for (unsigned i = 0; i < soft->cpus; i++) {
        __atomic_store_n(&soft->cpu[i]->returns_stale, true, __ATOMIC_RELAXED);
    }
    blocks->dropped++;
}

u8 *page_flags(const BlockCache *blocks, u64 ram_page)
{
    return &mem_page_flags(blocks->soft->accel.machine->mem)[ram_page];
}

/* Drops the page's blocks that touch [offset, offset + n). */
static void page_drop(BlockCache *blocks, CodePage *page, unsigned offset, unsigned n)
{
    u32 *link = &page->first;

    page->granules = 0;
    while (*link) {
        Block *block = at_place(blocks, *link);

        if (block_touches(block, offset, n)) {
            *link = block->page_next;
            block_drop(blocks, block);
        } else {
            page->granules |= block_granules(block);
            link = &block->page_next;
        }
    }
}

void blocks_range_written(BlockCache *blocks, u64 ram_page, unsigned offset, unsigned n)
{
    CodePage *page;

    pthread_mutex_lock(&blocks->lock);
    page = page_find(blocks, ram_page);
    if (page && page->granules & granules(offset, n)) {
        page_drop(blocks, page, offset, n);
    }
    if (!page || !page->first) {
        __atomic_and_fetch(page_flags(blocks, ram_page), (u8)~PAGE_CODE,
                           __ATOMIC_SEQ_CST);
    }
    pthread_mutex_unlock(&blocks->lock);
}

void blocks_page_written(BlockCache *blocks, u64 ram_page)
{
    blocks_range_written(blocks, ram_page, 0, PAGE_BYTES);
}

static void page_unlink(BlockCache *blocks, Block *block)
{
    CodePage *page = at_place(blocks, block->page);
    u32 *link = &page->first;

    while (*link != place_of(blocks, block)) {
        link = &((Block *)at_place(blocks, *link))->page_next;
    }
    *link = block->page_next;
}

void blocks_drop_range(BlockCache *blocks, gpa at, u64 size)
{
    if (!__atomic_load_n(&blocks->made, __ATOMIC_RELAXED)) {
        return;
    }
    pthread_mutex_lock(&blocks->lock);
    for (u64 i = 0; i < 1ull << blocks->hash->bits; i++) {
        for (Block *block = at_place(blocks, blocks->hash->slot[i]); block;
             block = at_place(blocks, block->hash_next)) {
            if (block->at - at < size) {
                if (block->page) {
                    page_unlink(blocks, block);
                }
                block_drop(blocks, block);
            }
        }
    }
    pthread_mutex_unlock(&blocks->lock);
}

void blocks_cool(BlockCache *blocks)
{
    pthread_mutex_lock(&blocks->lock);
    for (u64 i = 0; i < 1ull << blocks->hash->bits; i++) {
        for (Block *block = at_place(blocks, blocks->hash->slot[i]); block;
             block = at_place(blocks, block->hash_next)) {
            if (!block->code) {
                __atomic_store_n(&block->runs, 0, __ATOMIC_RELAXED);
            }
        }
    }
    pthread_mutex_unlock(&blocks->lock);
}

void block_replace(BlockCache *blocks, Block *old, Block *new)
{
    if (old->page) {
        page_unlink(blocks, old);
        page_put(blocks, at_place(blocks, old->page), new);
    }
    block_retire(blocks, old);
    hash_add(blocks, new);
}
