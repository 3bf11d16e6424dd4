/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "info registers", laid out as QEMU does: people and scripts read it.
 */

#include "accel/x86_state.h"
#include <inttypes.h>
#include <string.h>

static const char *const names64[16] = {
    "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
    "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15",
};
static const u8 order[16] = {
    RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15,
};

static bool code64(const X86State *state)
{
    return (state->control.efer & EFER_LMA) && (state->segs.attr[SEG_CS] & SEG_L);
}

/* ---- general registers and flags ---- */

static void print_general(const X86State *state, bool wide, GString *out)
{
    for (unsigned i = 0; i < (wide ? 16 : 8); i++) {
        unsigned reg = order[i];
        char end = i % 4 == 3 ? '\n' : ' ';

        if (wide) {
            g_string_append_printf(out, "%s=%016" PRIx64 "%c", names64[reg],
                                   state->regs.gpr[reg], end);
        } else {
            g_string_append_printf(out, "E%s=%08x%c", names64[reg] + 1,
                                   (u32)state->regs.gpr[reg], end);
        }
    }
}

static void print_flags(const X86State *state, bool wide, GString *out)
{
    static const struct { u32 flag; char letter; } letters[] = {
        { FLAG_DF, 'D' }, { FLAG_OF, 'O' }, { FLAG_SF, 'S' }, { FLAG_ZF, 'Z' },
        { FLAG_AF, 'A' }, { FLAG_PF, 'P' }, { FLAG_CF, 'C' },
    };
    u32 flags = state->regs.rflags;
    bool real = !(state->control.cr0 & CR0_PE);
    unsigned cpl = real ? 0 : flags & FLAG_VM ? 3 : SEG_DPL(state->segs.attr[SEG_SS]);

    if (wide) {
        g_string_append_printf(out, "RIP=%016" PRIx64 " RFL=%08x [", state->regs.rip,
                               flags);
    } else {
        g_string_append_printf(out, "EIP=%08x EFL=%08x [", (u32)state->regs.rip, flags);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(letters); i++) {
        g_string_append_c(out, flags & letters[i].flag ? letters[i].letter : '-');
    }
    g_string_append_printf(out, "] CPL=%u II=%u A20=1 SMM=0 HLT=%u\n", cpl,
                           state->events.interrupt_shadow,
                           state->events.run_state == RUN_HALTED);
}

/* ---- segments ---- */

static const char *system_type(unsigned type, bool wide)
{
    static const char *const legacy[16] = {
        "Reserved",   "TSS16-avl", "LDT",       "TSS16-busy",
        "CallGate16", "TaskGate",  "IntGate16", "TrapGate16",
        "Reserved",   "TSS32-avl", "Reserved",  "TSS32-busy",
        "CallGate32", "Reserved",  "IntGate32", "TrapGate32",
    };
    static const char *const longs[16] = {
        [2] = "LDT", [9] = "TSS64-avl", [11] = "TSS64-busy", [12] = "CallGate64",
        [14] = "IntGate64", [15] = "TrapGate64",
    };

    return !wide ? legacy[type] : longs[type] ? longs[type] : "Reserved";
}

static void print_type(const X86State *state, u32 attr, GString *out)
{
    bool wide = state->control.efer & EFER_LMA;
    unsigned type = SEG_TYPE(attr);

    g_string_append_printf(out, " DPL=%u ", SEG_DPL(attr));
    if (!(attr & SEG_S)) {
        g_string_append(out, system_type(type, wide));
    } else if (type & 8) {
        g_string_append_printf(out, "%s [%c%c%c]",
                               attr & SEG_L ? "CS64" : attr & SEG_DB ? "CS32" : "CS16",
                               type & 4 ? 'C' : '-', type & 2 ? 'R' : '-',
                               type & 1 ? 'A' : '-');
    } else {
        g_string_append_printf(out, "%s [%c%c%c]",
                               attr & SEG_DB || wide ? "DS  " : "DS16",
                               type & 4 ? 'E' : '-', type & 2 ? 'W' : '-',
                               type & 1 ? 'A' : '-');
    }
}

/* The second word of the descriptor: attributes and the limit's upper bits. */
static u32 descriptor_word(u32 attr, u32 limit)
{
    return (attr & 0x00f0ff00) | (limit >> (attr & SEG_G ? 12 : 0) & 0xf0000);
}

static void print_segments(const X86State *state, bool wide, GString *out)
{
    static const char *const names[SEG_COUNT] = {
        "ES ", "CS ", "SS ", "DS ", "FS ", "GS ", "LDT", "TR ",
    };
    const X86Segs *segs = &state->segs;

    for (unsigned i = 0; i < SEG_COUNT; i++) {
        u32 attr = segs->attr[i] & SEG_UNUSABLE ? 0 : segs->attr[i];

        g_string_append_printf(out, "%s=%04x %0*" PRIx64 " %08x %08x", names[i],
                               segs->selector[i], wide ? 16 : 8, segs->base[i],
                               segs->limit[i], descriptor_word(attr, segs->limit[i]));
        if ((state->control.cr0 & CR0_PE) && (attr & SEG_P)) {
            print_type(state, attr, out);
        }
        g_string_append_c(out, '\n');
    }
    g_string_append_printf(out, "GDT=     %0*" PRIx64 " %08x\n", wide ? 16 : 8,
                           segs->gdt_base, segs->gdt_limit);
    g_string_append_printf(out, "IDT=     %0*" PRIx64 " %08x\n", wide ? 16 : 8,
                           segs->idt_base, segs->idt_limit);
}

/* ---- control, x87, SSE ---- */

static void print_control(const X86State *state, bool wide, GString *out)
{
    const X86Control *c = &state->control;
    int digits = wide ? 16 : 8;

    g_string_append_printf(out,
                           "CR0=%08x CR2=%0*" PRIx64 " CR3=%0*" PRIx64 " CR4=%08x\n",
                           (u32)c->cr0, digits, c->cr2, digits, c->cr3, (u32)c->cr4);
    for (unsigned i = 0; i < 4; i++) {
        g_string_append_printf(out, "DR%u=%016" PRIx64 " ", i, c->dr[i]);
    }
    g_string_append_printf(out, "\nDR6=%016" PRIx64 " DR7=%016" PRIx64 "\n", c->dr[6],
                           c->dr[7]);
    g_string_append_printf(out, "EFER=%016" PRIx64 "\n", c->efer);
}

static u64 word(const u8 *area, unsigned at, unsigned bytes)
{
    u64 value = 0;

    memcpy(&value, area + at, bytes);
    return value;
}

/* The FXSAVE image (SDM vol. 1, table 10-2): registers begin at 32 and 160. */
static void print_vectors(const X86State *state, bool wide, GString *out)
{
    const u8 *area = state->xsave.area;
    unsigned fsw = word(area, 2, 2);

    g_string_append_printf(out, "FCW=%04x FSW=%04x [ST=%u] FTW=%02x MXCSR=%08x\n",
                           (unsigned)word(area, 0, 2), fsw, fsw >> 11 & 7, area[4],
                           (u32)word(area, 24, 4));
    for (unsigned i = 0; i < 8; i++) {
        g_string_append_printf(out, "FPR%u=%016" PRIx64 " %04x%c", i,
                               word(area, 32 + i * 16, 8),
                               (unsigned)word(area, 40 + i * 16, 2),
                               i & 1 ? '\n' : ' ');
    }
    for (unsigned i = 0; i < (wide ? 16 : 8); i++) {
        g_string_append_printf(out, "XMM%02u=%016" PRIx64 " %016" PRIx64 "%c", i,
                               word(area, 168 + i * 16, 8), word(area, 160 + i * 16, 8),
                               i & 1 ? '\n' : ' ');
    }
}

void x86_state_print(const X86State *state, unsigned cpu, GString *out)
{
    bool wide = code64(state);

    g_string_append_printf(out, "\nCPU#%u\n", cpu);
    print_general(state, wide, out);
    print_flags(state, wide, out);
    print_segments(state, wide, out);
    print_control(state, wide, out);
    print_vectors(state, wide, out);
}
