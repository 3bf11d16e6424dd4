/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disassembly: see disassemble.h. */

#include "base/disassemble.h"

#include "config.h"

#include <glib.h>

#ifdef CONFIG_ZYDIS
#include "base/library.h"

#include <Zydis/Zydis.h>

#define ZYDIS_FUNCTIONS(row)                                                          \
    row(ZydisDecoderInit) row(ZydisDecoderDecodeFull) row(ZydisFormatterInit)         \
    row(ZydisFormatterSetProperty) row(ZydisFormatterFormatInstruction)

static struct {
    ZYDIS_FUNCTIONS(LIBRARY_MEMBER)
} zydis;

/* Its soname has the version, up to its minor number. */
static bool zydis_load(void)
{
    static const char *const names[] = { ZYDIS_FUNCTIONS(LIBRARY_NAME) NULL };
    static char file[32];
    static gsize named;
    static Library library = { file, names, (void **)&zydis, false };

    if (g_once_init_enter(&named)) {
        g_snprintf(file, sizeof file, "libZydis.so.%u.%u",
                   (unsigned)ZYDIS_VERSION_MAJOR(ZYDIS_VERSION),
                   (unsigned)ZYDIS_VERSION_MINOR(ZYDIS_VERSION));
        g_once_init_leave(&named, 1);
    }
    return library_load(&library, NULL);
}

unsigned disassemble(unsigned bits, u64 at, const u8 *bytes, size_t n, char *text,
                     size_t size)
{
    ZydisMachineMode machine = bits == 64   ? ZYDIS_MACHINE_MODE_LONG_64
                               : bits == 32 ? ZYDIS_MACHINE_MODE_LEGACY_32
                                            : ZYDIS_MACHINE_MODE_LEGACY_16;
    ZydisStackWidth width = bits == 64   ? ZYDIS_STACK_WIDTH_64
                            : bits == 32 ? ZYDIS_STACK_WIDTH_32
                                         : ZYDIS_STACK_WIDTH_16;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecodedInstruction insn;
    ZydisFormatter formatter;
    ZydisDecoder decoder;

    if (!zydis_load()) {
        text[0] = 0;
        return 0;
    }
    zydis.ZydisDecoderInit(&decoder, machine, width);
    zydis.ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_ATT);
    zydis.ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE,
                                    false);
    if (!ZYAN_SUCCESS(zydis.ZydisDecoderDecodeFull(&decoder, bytes, n, &insn,
                                                   operands))) {
        g_snprintf(text, size, ".byte 0x%02x", bytes[0]);
        return 1;
    }
    zydis.ZydisFormatterFormatInstruction(&formatter, &insn, operands,
                                          insn.operand_count_visible, text, size, at,
                                          NULL);
    return insn.length;
}

#else

unsigned disassemble(unsigned bits, u64 at, const u8 *bytes, size_t n, char *text,
                     size_t size)
{
    (void)bits, (void)at, (void)bytes, (void)n, (void)size;
    text[0] = 0;
    return 0;
}

#endif
