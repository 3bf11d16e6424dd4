/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The neutral CPU state: its rows, its value after reset, and how it is shown.  Any thread, on records it owns.
 */

#include "accel/x86_state.h"

#include <inttypes.h>
#include <string.h>

static const Field regs_fields[] = X86_REGS_ROWS(STATE_ROWS);
static const Field segs_fields[] = X86_SEGS_ROWS(STATE_ROWS);
static const Field control_fields[] = X86_CONTROL_ROWS(STATE_ROWS);
static const Field msrs_fields[] = X86_MSRS_ROWS(STATE_ROWS);
static const Field xsave_fields[] = X86_XSAVE_ROWS(STATE_ROWS);
static const Field lapic_fields[] = X86_LAPIC_ROWS(STATE_ROWS);
static const Field events_fields[] = X86_EVENTS_ROWS(STATE_ROWS);

#define RECORD(member) \
    { #member, member##_fields, offsetof(X86State, member), sizeof(((X86State *)0)->member) }

const X86Record x86_records[] = {
    RECORD(regs), RECORD(segs), RECORD(control), RECORD(events), RECORD(lapic), RECORD(xsave), RECORD(msrs), { 0 },
};

/* ---- MSRs ---- */

static unsigned msr_find(const X86State *state, u32 index)
{
    unsigned i = 0;

    while (i < state->msrs.count && state->msrs.index[i] != index) {
        i++;
    }
    return i;
}

bool x86_msr_put(X86State *state, u32 index, u64 value)
{
    unsigned i = msr_find(state, index);

    if (i == X86_MSR_MAX) {
        return false;
    }
    if (i == state->msrs.count) {
        state->msrs.count++;
    }
    state->msrs.index[i] = index;
    state->msrs.value[i] = value;
    return true;
}

bool x86_msr_get(const X86State *state, u32 index, u64 *value)
{
    unsigned i = msr_find(state, index);

    if (i == state->msrs.count) {
        return false;
    }
    *value = state->msrs.value[i];
    return true;
}

/* ---- reset (SDM vol. 3, table 10-1) ---- */

enum { DATA_ATTR = 0x9300, CODE_ATTR = 0x9b00, LDT_ATTR = 0x8200, TSS_ATTR = 0x8b00 };
/* LVT entries, as words of the LAPIC's page: masked after reset. */
static const u8 lvt_words[] = { 0x32, 0x33, 0x34, 0x35, 0x36, 0x37 };
enum { LAPIC_ID_WORD = 0x02, LAPIC_VERSION_WORD = 0x03, LAPIC_DFR_WORD = 0x0e, LAPIC_SVR_WORD = 0x0f,
       LAPIC_LINT0_WORD = 0x35, LVT_MASKED = 1 << 16, LVT_EXTINT = 7 << 8, LAPIC_VERSION_VALUE = 0x50014 };

static void reset_segments(X86Segs *segs)
{
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        segs->limit[i] = 0xffff;
        segs->attr[i] = i == SEG_CS ? CODE_ATTR : i == SEG_LDTR ? LDT_ATTR : i == SEG_TR ? TSS_ATTR : DATA_ATTR;
    }
    segs->selector[SEG_CS] = 0xf000;
    segs->base[SEG_CS] = 0xffff0000;
    segs->gdt_limit = segs->idt_limit = 0xffff;
}

/* LINT0 of the first CPU is as firmware leaves it, ExtINT: a kernel that is entered directly may use the PIC at once. */
static void reset_lapic(X86Lapic *lapic, u32 apic_id, bool bsp)
{
    lapic->reg[LAPIC_ID_WORD] = apic_id << 24;
    lapic->reg[LAPIC_VERSION_WORD] = LAPIC_VERSION_VALUE;
    lapic->reg[LAPIC_DFR_WORD] = 0xffffffff;
    lapic->reg[LAPIC_SVR_WORD] = 0xff;
    for (unsigned i = 0; i < G_N_ELEMENTS(lvt_words); i++) {
        lapic->reg[lvt_words[i]] = LVT_MASKED;
    }
    if (bsp) {
        lapic->reg[LAPIC_LINT0_WORD] = LVT_EXTINT;
    }
}

static void reset_xsave(u8 *area)
{
    static const u16 fcw = 0x37f;
    static const u32 mxcsr = 0x1f80, mask = 0xffff;

    memcpy(area, &fcw, sizeof fcw);
    memcpy(area + 24, &mxcsr, sizeof mxcsr);
    memcpy(area + 28, &mask, sizeof mask);
    area[512] = 3;                          /* XSTATE_BV: x87 and SSE are in the area */
}

void x86_state_reset(X86State *state, u32 apic_id, bool bsp)
{
    memset(state, 0, sizeof *state);
    state->regs.rip = 0xfff0;
    state->regs.rflags = 2;
    state->regs.gpr[RDX] = 0x600;
    reset_segments(&state->segs);
    state->control.cr0 = CR0_CD | CR0_NW | CR0_ET;
    state->control.xcr0 = 1;
    state->control.apic_base = 0xfee00800 | (bsp ? 0x100 : 0);
    state->control.dr[6] = 0xffff0ff0;
    state->control.dr[7] = 0x400;
    reset_lapic(&state->lapic, apic_id, bsp);
    reset_xsave(state->xsave.area);
    x86_msr_put(state, MSR_PAT, 0x0007040600070406);
    state->events.run_state = bsp ? RUN_RUNNING : RUN_WAIT_SIPI;
}

/* ---- showing ---- */

static void print_general(const X86State *state, GString *out)
{
    static const char *const name[16] = { "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                          "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15" };
    static const u8 order[16] = { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15 };

    for (unsigned i = 0; i < 16; i++) {
        g_string_append_printf(out, "%s=%016" PRIx64 "%c", name[order[i]], state->regs.gpr[order[i]],
                               i % 4 == 3 ? '\n' : ' ');
    }
}

static void print_flags(const X86State *state, GString *out)
{
    static const struct { u32 flag; char letter; } shown[] = {
        { FLAG_DF, 'D' }, { FLAG_OF, 'O' }, { FLAG_SF, 'S' }, { FLAG_ZF, 'Z' }, { FLAG_AF, 'A' }, { FLAG_PF, 'P' },
        { FLAG_CF, 'C' },
    };
    unsigned cpl = state->segs.attr[SEG_SS] >> 13 & 3;

    g_string_append_printf(out, "RIP=%016" PRIx64 " RFL=%08" PRIx64 " [", state->regs.rip, state->regs.rflags);
    for (unsigned i = 0; i < G_N_ELEMENTS(shown); i++) {
        g_string_append_c(out, state->regs.rflags & shown[i].flag ? shown[i].letter : '-');
    }
    g_string_append_printf(out, "] CPL=%u II=%u A20=1 SMM=0 HLT=%u\n", cpl, state->events.interrupt_shadow,
                           state->events.run_state == RUN_HALTED);
}

static void print_segments(const X86State *state, GString *out)
{
    static const char *const name[SEG_COUNT] = { "ES ", "CS ", "SS ", "DS ", "FS ", "GS ", "LDT", "TR " };
    const X86Segs *s = &state->segs;

    for (unsigned i = 0; i < SEG_COUNT; i++) {
        g_string_append_printf(out, "%s=%04x %016" PRIx64 " %08x %08x\n", name[i], s->selector[i], s->base[i],
                               s->limit[i], s->attr[i]);
    }
    g_string_append_printf(out, "GDT=     %016" PRIx64 " %08x\nIDT=     %016" PRIx64 " %08x\n", s->gdt_base,
                           s->gdt_limit, s->idt_base, s->idt_limit);
}

static void print_control(const X86State *state, GString *out)
{
    const X86Control *c = &state->control;

    g_string_append_printf(out, "CR0=%08" PRIx64 " CR2=%016" PRIx64 " CR3=%016" PRIx64 " CR4=%08" PRIx64 "\n", c->cr0,
                           c->cr2, c->cr3, c->cr4);
    for (unsigned i = 0; i < 8; i++) {
        if (i != 4 && i != 5) {
            g_string_append_printf(out, "DR%u=%016" PRIx64 "%c", i, c->dr[i], i == 3 || i == 7 ? '\n' : ' ');
        }
    }
    g_string_append_printf(out, "EFER=%016" PRIx64 "\n", c->efer);
}

static void print_vectors(const X86State *state, GString *out)
{
    const u8 *area = state->xsave.area;
    u32 mxcsr;
    u16 fcw, fsw;

    memcpy(&fcw, area, 2);
    memcpy(&fsw, area + 2, 2);
    memcpy(&mxcsr, area + 24, 4);
    g_string_append_printf(out, "FCW=%04x FSW=%04x [ST=%u] FTW=%02x MXCSR=%08x\n", fcw, fsw, fsw >> 11 & 7, area[4], mxcsr);
    for (unsigned i = 0; i < 16; i++) {
        u64 low, high;

        memcpy(&low, area + 160 + 16 * i, 8);
        memcpy(&high, area + 168 + 16 * i, 8);
        g_string_append_printf(out, "XMM%02u=%016" PRIx64 "%016" PRIx64 "%c", i, high, low, i % 2 ? '\n' : ' ');
    }
}

void x86_state_print(const X86State *state, unsigned cpu, GString *out)
{
    g_string_append_printf(out, "CPU#%u\n", cpu);
    print_general(state, out);
    print_flags(state, out);
    print_segments(state, out);
    print_control(state, out);
    print_vectors(state, out);
}
