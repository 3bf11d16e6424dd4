/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block cache: decoded code, shared by all vCPUs.
 *
 *      hash (gpa, mode) --> Block --> Block          looked up without a lock
 *      page -> CodePage --> Block --> Block          what to drop when the page is
 *      written
 *
 * Blocks, code pages and both tables lie in one arena, which only grows: a block that
 * was dropped is out of the tables, but its memory stays, because a vCPU may be in it.
 * Its instructions then do nothing but leave it.  When the arena is full the world is
 * stopped and all of it starts again.
 *
 * Writes are noticed by page: the MMU gives no fast write access to a page with
 * PAGE_CODE.  The flag is set before the bytes are read, and the block is made under
 * the lock, so a write either comes before the bytes are read or waits for the lock and
 * then finds the block.
 */

#include "accel/soft/asm_log.h"
#include "accel/soft/block_tables.h"
#include "accel/soft/opcodes.h"
#include "accel/soft/run.h"
#include "accel/soft/soft.h"
#include "accel/soft/tlb.h"
#include "base/log.h"
#include <inttypes.h>
#include <sys/mman.h>

enum { BLOCK_INSNS = 64, INSN_BYTES = 15 };
enum { ARENA_MIN = 512 << 10 };
/* Translated code reaches all of decoded code by 32 bits. */
#define ARENA_MAX (960ull << 20)
enum { BLOCK_ROOM = sizeof(Block) + (BLOCK_INSNS + 1) * sizeof(Insn) };

/* ---- memory ---- */

/* Starts with empty tables.  The pages go back to the host, and so read as zero. */
static void arena_start(BlockCache *blocks)
{
    madvise(blocks->arena, blocks->bytes, MADV_DONTNEED);
    tables_start(blocks);
}

/* Translated code follows the arena, which it reaches by rip-relative addresses. */
BlockCache *blocks_new(Soft *soft, u64 bytes, GError **err)
{
    BlockCache *blocks = g_new0(BlockCache, 1);

    blocks->soft = soft;
    blocks->bytes = CLAMP(bytes, ARENA_MIN, ARENA_MAX);
    blocks->arena = mmap(NULL, blocks->bytes * 2, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (blocks->arena == MAP_FAILED) {
        g_error("no address space for %" PRIu64 " bytes of decoded code",
                blocks->bytes);
    }
    pthread_mutex_init(&blocks->lock, NULL);
    arena_start(blocks);
    blocks->jit = soft->jit ? jit_new(blocks, blocks->arena + blocks->bytes,
                                      blocks->bytes, soft->perf_map, err) :
                              NULL;
    if (soft->jit && !blocks->jit) {
        g_clear_pointer(&blocks, blocks_free);
    }
    return blocks;
}

void blocks_free(BlockCache *blocks)
{
    if (blocks->jit) {
        jit_free(blocks->jit);
    }
    munmap(blocks->arena, blocks->bytes * 2);
    pthread_mutex_destroy(&blocks->lock);
    g_free(blocks);
}

/* ---- all of it anew ---- */

void blocks_empty(Soft *soft)
{
    BlockCache *blocks = soft->blocks;

    pthread_mutex_lock(&blocks->lock);
    for (unsigned i = 0; i < PAGE_HASH_SIZE; i++) {
        for (CodePage *page = page_first(blocks, i); page; page = page->next) {
            __atomic_and_fetch(page_flags(blocks, page->ram_page), (u8)~PAGE_CODE,
                               __ATOMIC_SEQ_CST);
        }
    }
    for (unsigned i = 0; i < soft->cpus; i++) {
        memset(soft->cpu[i]->jump, 0, soft->cpu[i]->jump_mask + sizeof(JumpEntry));
    }
    arena_start(blocks);
    if (blocks->jit) {
        jit_flush(blocks->jit);
    }
    blocks->flushed++;
    pthread_mutex_unlock(&blocks->lock);
}

static void blocks_flush(Soft *soft, Cpu *self)
{
    world_stop(soft, self);
    blocks_empty(soft);
    world_start(soft, self);
}

/* ---- making ---- */

bool insn_ends_block(const Insn *insn)
{
    u16 attr = opcode_row(insn->op)->attr;

    return attr & OP_ENDS || (attr & OP_REP && insn->shape & (INSN_REPZ | INSN_REPNZ));
}

/* A block that does not end by itself goes on behind its last instruction. */
void block_finish(Block *block)
{
    const Insn *last = &block->insn[block->n - 1];
    Insn *fall = &block->insn[block->n];

    block->entries = block->n;
    block->bytes = last->at + last->len;
    block->links = opcode_row(last->op)->class == CLASS_BRANCH ||
                   opcode_row(last->op)->attr & OP_REP;
    if (!insn_ends_block(last)) {
        *fall = (Insn){ .op = OP_FALL,
                        .at = block->bytes,
                        .base = REG_NONE,
                        .index = REG_NONE,
                        .more = last->more };
        insn_set_fn(fall, opcode_row(OP_FALL)->fn);
        block->entries++;
        block->links = true;
    }
}

/*
 * Decodes from `bytes`, `n` of them to the end of the page.  The bytes may change
 * meanwhile: each is looked at once.
 */
static void block_decode(const Cpu *cpu, Block *block, const u8 *bytes, unsigned n)
{
    unsigned at = 0;

    while (block->n < BLOCK_INSNS && at < n) {
        unsigned left = MIN(n - at, INSN_BYTES);
        Insn *insn = &block->insn[block->n];
        u8 copy[INSN_BYTES];

        memcpy(copy, bytes + at, left);
        if (!decode_insn(copy, left, block->mode, at, cpu, insn)) {
            break;
        }
        block->n++;
        at += insn->len;
        if (insn_ends_block(insn)) {
            break;
        }
    }
}

/*
 * With the lock held and room in the arena.  NULL: not one whole instruction in these
 * bytes.
 */
static Block *block_make(Cpu *cpu, const u8 *bytes, gpa at, u64 ram_page)
{
    BlockCache *blocks = cpu->soft->blocks;
    Block *block = (Block *)(blocks->arena + blocks->used);

    *block = (Block){ .at = at, .mode = block_mode(cpu), .valid = true };
    block_decode(cpu, block, bytes, PAGE_BYTES - (at & ~PAGE_MASK));
    if (!block->n) {
        return NULL;
    }
    block_finish(block);
    blocks->used += sizeof *block + block->entries * sizeof(Insn);
    blocks->made++;
    if (ram_page != UINT64_MAX) {
        page_add(blocks, block, ram_page);
    }
    hash_add(blocks, block);
    if (unlikely(log_is_on(LOG_IN_ASM | LOG_OP))) {
        log_block_decoded(block, bytes);
    }
    return block;
}

/* From now on every write to the page is noticed. */
static void page_protect(Cpu *cpu, u64 ram_page)
{
    Soft *soft = cpu->soft;

    exclusive_begin(soft, cpu);
    __atomic_or_fetch(page_flags(soft->blocks, ram_page), PAGE_CODE, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < soft->cpus; i++) {
        mmu_protect_code(soft->cpu[i], ram_page);
    }
    exclusive_end(soft, cpu);
}

/* ---- finding ---- */

/* Looks up or makes the block for code at `phys`.  NULL: try again. */
static Block *block_get(Cpu *cpu, const u8 *bytes, gpa phys, u64 ram_page)
{
    BlockCache *blocks = cpu->soft->blocks;
    Block *block;
    bool full;

    pthread_mutex_lock(&blocks->lock);
    block = hash_find(blocks, phys, block_mode(cpu));
    full = blocks->bytes - blocks->used < BLOCK_ROOM + sizeof(CodePage);
    if (!block && !full && (ram_page == UINT64_MAX ||
                            *page_flags(blocks, ram_page) & PAGE_CODE)) {
        block = block_make(cpu, bytes, phys, ram_page);
        pthread_mutex_unlock(&blocks->lock);
        return block ? block : one_crossing(cpu, bytes, phys);
    }
    pthread_mutex_unlock(&blocks->lock);
    if (!block && full) {
        blocks_flush(cpu->soft, cpu);
    } else if (!block) {
        page_protect(cpu, ram_page);
    }
    return block;
}

/*
 * Where many entries drive each other out the jump cache grows: what is there is found
 * at another place from then on, or not found, and then not looked at any more.
 */
static void note_conflict(Cpu *cpu, const JumpEntry *old, gva at)
{
    unsigned size = cpu->jump_mask / sizeof(JumpEntry) + 1;

    if (size < JUMP_SIZE && old->block && old->tag == cpu->jump_tag && old->rip != at &&
        ++cpu->jump_conflicts == size * CONFLICTS) {
        cpu->jump_mask = (size * TLB_GROWTH - 1) * sizeof(JumpEntry);
        cpu->jump_conflicts = 0;
    }
}

/*
 * In kernel mode entries that rest on global pages of the upper half outlive a new CR3.
 */
void jump_fill(Cpu *cpu, JumpEntry *entry, gva at, Block *block)
{
    const Jit *jit = cpu->soft->blocks->jit;
    void *code = __atomic_load_n(&block->code, __ATOMIC_ACQUIRE);

    if (cpu->cpl != 3) {
        cpu->jump_local |= !(at >> 63) || mmu_is_global_code(cpu, at) != 1;
    } else {
        cpu->jump_space[0].global |= mmu_is_global_code(cpu, at) != 0;
    }
    jump_note_page(&cpu->jump_space[cpu->cpl != 3], at);
    note_conflict(cpu, entry, at);
    *entry = (JumpEntry){ .rip = at,
                          .block = block,
                          .tag = cpu->jump_tag,
                          .code = code ? code :
                                  jit  ? jit->exec + jit->not_translated :
                                         NULL };
}

Block *block_find(Cpu *cpu)
{
    gva at = code_linear(cpu, cpu->rip);
    Block *block = NULL;

    if (!code_left(cpu)) {
        cpu_gp(cpu, 0);
    }
    while (!block) {
        u64 ram_page;
        gpa phys;
        const u8 *bytes = mmu_fetch(cpu, at, &phys, &ram_page);

        if (!bytes) {
            cpu_gp(cpu, 0);
        }
        block = hash_find(cpu->soft->blocks, phys, block_mode(cpu));
        if (!block) {
            block = one_known_crossing(cpu, bytes, phys);
        }
        if (!block) {
            block = block_get(cpu, bytes, phys, ram_page);
        }
        if (block && block->bytes > code_left(cpu)) {
            return one_crossing(cpu, bytes, phys);
        }
    }
    if (!block->own) {
        jump_fill(cpu, jump_entry(cpu, at), at, block);
    }
    return block;
}

/* ---- translating ---- */

Jit *blocks_jit(const BlockCache *blocks)
{
    return blocks->jit;
}

JitExit *blocks_new_exit(BlockCache *blocks)
{
    JitExit *exit = (JitExit *)(blocks->arena + blocks->used);

    if (blocks->bytes - blocks->used < sizeof *exit) {
        return NULL;
    }
    blocks->used += sizeof *exit;
    return exit;
}

void blocks_new_hint(BlockCache *blocks, MmuMode mode, unsigned n)
{
    for (unsigned i = 0; i < blocks->soft->cpus; i++) {
        tlb_make_hint(blocks->soft->cpu[i], mode, n);
    }
}

void blocks_heat(Cpu *cpu, Block *block)
{
    BlockCache *blocks = cpu->soft->blocks;
    bool full;

    pthread_mutex_lock(&blocks->lock);
    full = block_valid(block) && !block->code &&
           !jit_translate(blocks->jit, block_extend(blocks, block));
    pthread_mutex_unlock(&blocks->lock);
    if (full) {
        blocks_flush(cpu->soft, cpu);
    }
}

void blocks_link(BlockCache *blocks, JitExit *from, Block *to)
{
    pthread_mutex_lock(&blocks->lock);
    if (block_valid(to)) {
        jit_link(blocks->jit, from, to);
    }
    pthread_mutex_unlock(&blocks->lock);
}

void blocks_mark_far(BlockCache *blocks, Block *block, unsigned n)
{
    u8 *more = &block->insn[n].more;

    pthread_mutex_lock(&blocks->lock);
    if (block_valid(block) && !(*more & INSN2_FAR)) {
        __atomic_store_n(more, *more | INSN2_FAR, __ATOMIC_RELAXED);
        jit_translate_again(blocks->jit, block);
    }
    pthread_mutex_unlock(&blocks->lock);
}

u64 blocks_bytes(BlockCache *blocks)
{
    u64 bytes;

    pthread_mutex_lock(&blocks->lock);
    bytes = blocks->used + (blocks->jit ? blocks->jit->e.at : 0);
    pthread_mutex_unlock(&blocks->lock);
    return bytes;
}

void blocks_print(BlockCache *blocks, GString *out)
{
    pthread_mutex_lock(&blocks->lock);
    g_string_append_printf(out, "decoded code: %" PRIu64 " of %" PRIu64 " bytes\n",
                           blocks->used, blocks->bytes);
    g_string_append_printf(out,
                           "blocks: %" PRIu64 " made, %" PRIu64
                           " dropped; emptied %" PRIu64 " times; %" PRIu64
                           " made longer to be translated\n",
                           blocks->made, blocks->dropped, blocks->flushed,
                           blocks->extended);
    if (blocks->jit) {
        jit_print(blocks->jit, out);
    }
    pthread_mutex_unlock(&blocks->lock);
}
