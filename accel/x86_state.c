/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The neutral CPU state: its rows, its value after reset, MSR pairs.  Any thread, on
 * records it owns.
 */

#include "accel/x86_state.h"

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
    RECORD(regs), RECORD(segs), RECORD(control), RECORD(events), RECORD(lapic),
    RECORD(xsave), RECORD(msrs), { 0 },
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
enum {
    LAPIC_ID_WORD = 0x02,
    LAPIC_VERSION_WORD = 0x03,
    LAPIC_DFR_WORD = 0x0e,
    LAPIC_SVR_WORD = 0x0f,
    LAPIC_LINT0_WORD = 0x35,
    LVT_MASKED = 1 << 16,
    LVT_EXTINT = 7 << 8,
    LAPIC_VERSION_VALUE = 0x50014
};

static void reset_segments(X86Segs *segs)
{
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        segs->limit[i] = 0xffff;
        segs->attr[i] = i == SEG_CS   ? CODE_ATTR :
                        i == SEG_LDTR ? LDT_ATTR :
                        i == SEG_TR   ? TSS_ATTR :
                                        DATA_ATTR;
    }
    segs->selector[SEG_CS] = 0xf000;
    segs->base[SEG_CS] = 0xffff0000;
    segs->gdt_limit = segs->idt_limit = 0xffff;
}

/*
 * LINT0 of the first CPU is as firmware leaves it, ExtINT: a kernel that is entered
 * directly may use the PIC at once.
 */
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

/* FCW 40H; the tag word 5555H says that all registers are zero, not empty. */
static void reset_xsave(u8 *area)
{
    static const u16 fcw = 0x40;
    static const u32 mxcsr = 0x1f80, mask = 0xffff;

    memcpy(area, &fcw, sizeof fcw);
    area[4] = 0xff;                         /* FTW, as FXSAVE shortens it */
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
    state->control.dr[6] = DR6_FIXED;
    state->control.dr[7] = DR7_FIXED;
    reset_lapic(&state->lapic, apic_id, bsp);
    reset_xsave(state->xsave.area);
    x86_msr_put(state, MSR_BIOS_SIGN_ID, 1ull << 32);       /* a microcode revision */
    x86_msr_put(state, MSR_MISC_ENABLE, 1);                 /* fast strings */
    x86_msr_put(state, MSR_PAT, 0x0007040600070406);
    state->events.run_state = bsp ? RUN_RUNNING : RUN_WAIT_SIPI;
}
