/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest and host code as the log shows it.
 */

#include "accel/soft/asm_log.h"
#include "base/disassemble.h"
#include "base/log.h"
#include <inttypes.h>

/* Without a disassembler host code is shown by so many bytes. */
enum { BYTES_SHOWN = 8 };

static unsigned bits_of(unsigned mode)
{
    return mode & MODE_CODE64 ? 64 : mode & MODE_CODE32 ? 32 : 16;
}

static void log_insn(u64 at, const u8 *bytes, unsigned n, const char *text)
{
    char hex[3 * 15 + 1] = "";

    for (unsigned i = 0; i < n; i++) {
        g_snprintf(hex + 3 * i, 4, "%02x ", bytes[i]);
    }
    log_write("  0x%012" PRIx64 "  %-32s %s", at, hex, text);
}

/* ---- guest code ---- */

static void log_decoded(const Block *block, const u8 *bytes)
{
    log_write("block at 0x%" PRIx64 ", mode 0x%x", block->at, block->mode);
    for (unsigned i = 0; i < block->n; i++) {
        const Insn *insn = &block->insn[i];
        u64 at = block->at + insn->at;
        char text[128];

        disassemble(bits_of(block->mode), at, bytes + insn->at, insn->len, text, sizeof text);
        log_insn(at, bytes + insn->at, insn->len, text);
    }
}

static const char *name_of(unsigned reg)
{
    static const char *const name[REG_COUNT] = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi",  "rdi",   "r8", "r9",
        "r10", "r11", "r12", "r13", "r14", "r15", "none", "block", "2g",
    };

    return reg < REG_COUNT ? name[reg] : "?";
}

/* What became of it: the fields of its Insn that say something. */
static void log_kept(const Block *block)
{
    log_write("kept: block at 0x%" PRIx64 ", %u instructions", block->at, block->n);
    for (unsigned i = 0; i < block->n; i++) {
        const Insn *insn = &block->insn[i];
        g_autoptr(GString) text = g_string_new(NULL);

        if (insn->shape & INSN_MEM) {
            g_string_printf(text, " [%s + %s << %u %+d]", name_of(insn->base),
                            name_of(insn->index), insn->shape & INSN_SCALE, insn->disp);
        }
        log_write("  +0x%03x %-12s row %u width %u reg %u rm %u imm %d%s",
                  insn->at, opcode_row(insn->op)->name, insn->op,
                  1u << (insn->more & INSN2_WIDTH), insn->reg, insn->rm, insn->imm,
                  text->str);
    }
}

void log_block_decoded(const Block *block, const u8 *bytes)
{
    if (log_is_on(LOG_IN_ASM)) {
        log_decoded(block, bytes);
    }
    if (log_is_on(LOG_OP)) {
        log_kept(block);
    }
}

/* ---- host code ---- */

static void log_host(const Jit *jit, u32 begin, u32 end)
{
    while (begin < end) {
        const u8 *bytes = jit->exec + begin;
        char text[128];
        unsigned n = disassemble(64, (uintptr_t)bytes, bytes,
                                 MIN(end - begin, INSN_LONGEST), text, sizeof text);

        n = n ? n : MIN(end - begin, BYTES_SHOWN);
        log_insn((uintptr_t)bytes, bytes, n, text);
        begin += n;
    }
}

void log_block_translated(const Jit *jit, const Block *block, u32 begin, const u32 *at)
{
    if (!log_is_on(LOG_OUT_ASM)) {
        return;
    }
    log_write("translation of block at 0x%" PRIx64 ", mode 0x%x: %u bytes for %u",
              block->at, block->mode, jit->e.at - begin, block->bytes);
    for (unsigned i = 0; i <= block->n; i++) {
        if (!at[i]) {
            continue;
        }
        log_host(jit, begin, at[i]);
        begin = at[i];
        if (i < block->n) {
            log_write(" 0x%" PRIx64 " %s", block->at + block->insn[i].at,
                      opcode_row(block->insn[i].op)->name);
        } else {
            log_write(" behind");
        }
    }
    log_host(jit, begin, jit->e.at);
}

/* ---- running ---- */

void log_block_run(const Cpu *cpu, const Block *block)
{
    log_write("vCPU %u: 0x%016" PRIx64 ": block at 0x%" PRIx64
              ", mode 0x%x, %u instructions",
              cpu->index, cpu->rip, block->at, block->mode, block->n);
}
