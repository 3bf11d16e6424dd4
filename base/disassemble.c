/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disassembly: see disassemble.h. */

#include "base/disassemble.h"

#include "config.h"

#include <glib.h>

#ifdef CONFIG_ZYDIS
#include <Zydis/Zydis.h>

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

    ZydisDecoderInit(&decoder, machine, width);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_ATT);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, false);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, n, &insn, operands))) {
        g_snprintf(text, size, ".byte 0x%02x", bytes[0]);
        return 1;
    }
    ZydisFormatterFormatInstruction(&formatter, &insn, operands,
                                    insn.operand_count_visible, text, size, at, NULL);
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
