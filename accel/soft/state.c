/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A software vCPU's state in the neutral form (accel/x86_state.h) and back.  Called
 * while the CPU is between two instructions and its thread stands still, or by its own
 * thread (INIT).
 */

#include "accel/soft/simd.h"
#include "accel/soft/soft.h"
#include "accel/soft/system.h"

/*
 * In the XSAVE area: which components are there, a bit of it, and the upper halves of
 * YMM registers.
 */
enum { XSAVE_PRESENT = 512, XSAVE_AVX = 4, XSAVE_YMM = 576 };

/* ---- out ---- */

static void get_segments(const Cpu *cpu, X86Segs *segs)
{
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        segs->base[i] = cpu->seg[i].base;
        segs->limit[i] = cpu->seg[i].limit;
        segs->attr[i] = cpu->seg[i].attr;
        segs->selector[i] = cpu->seg[i].selector;
    }
    segs->gdt_base = cpu->gdt_base;
    segs->gdt_limit = cpu->gdt_limit;
    segs->idt_base = cpu->idt_base;
    segs->idt_limit = cpu->idt_limit;
}

static void get_control(const Cpu *cpu, X86Control *control)
{
    control->cr0 = cpu->cr0;
    control->cr2 = cpu->cr2;
    control->cr3 = cpu->cr3;
    control->cr4 = cpu->cr4;
    control->cr8 = lapic_tpr(cpu->lapic) >> 4;
    control->efer = cpu->efer;
    control->xcr0 = cpu->xcr0;
    control->apic_base = cpu->apic_base;
    memcpy(control->dr, cpu->dr, sizeof cpu->dr);
}

/* What was to be delivered when this state was set, and still is. */
static void get_begun(const Cpu *cpu, X86Events *events)
{
    if (cpu->begun.pending && cpu->begun.exception) {
        events->exception_pending = true;
        events->exception = cpu->begun.vector;
        events->exception_has_error = cpu->begun.has_error;
        events->exception_error = cpu->begun.error;
    } else if (cpu->begun.pending) {
        events->interrupt_pending = true;
        events->interrupt = cpu->begun.vector;
    }
}

static void get_events(const Cpu *cpu, X86Events *events)
{
    events->tsc = cpu_tsc(cpu);
    events->tsc_khz = cpu->soft->tsc_khz;
    get_begun(cpu, events);
    events->interrupt_shadow = cpu->inhibit != 0;
    events->nmi_pending = cpu->nmi_pending ||
                          (atomic_load(&cpu->request) & REQUEST_NMI_IN);
    events->nmi_masked = cpu->nmi_masked;
    events->run_state = cpu->run_state;
    events->sipi_vector = cpu->sipi_vector;
}

/* ---- out, as if what has been sent to it were seen to ---- */

/*
 * INIT (SDM vol. 3, table 10-1): as RESET, but x87, SSE, CR0.CD/NW, the TSC, MSRs and
 * the APIC's ID and base stay.
 */
void cpu_init_state(Cpu *cpu, X86State *state)
{
    g_autofree X86State *fresh = g_new0(X86State, 1);
    u64 tsc = state->events.tsc, tsc_khz = state->events.tsc_khz;

    x86_state_reset(fresh, cpu->index, cpu->apic_base & 1u << 8);
    state->regs = fresh->regs;
    state->segs = fresh->segs;
    state->events = fresh->events;
    state->events.tsc = tsc;
    state->events.tsc_khz = tsc_khz;
    state->control.cr0 = CR0_ET | (state->control.cr0 & (CR0_CD | CR0_NW));
    state->control.cr2 = state->control.cr3 = state->control.cr4 = 0;
    state->control.cr8 = state->control.efer = 0;
    memcpy(state->control.dr, fresh->control.dr, sizeof fresh->control.dr);
    lapic_init_state(cpu->lapic, &state->lapic);
}

/* An INIT or SIPI may come when its thread stands already, which sees to it later. */
static void get_signals(Cpu *cpu, X86State *state)
{
    u32 request = atomic_load(&cpu->request);

    if (request & REQUEST_INIT) {
        cpu_init_state(cpu, state);
        state->events.nmi_pending = (request & REQUEST_NMI_IN) != 0;
    }
    if ((request & REQUEST_SIPI) && state->events.run_state == RUN_WAIT_SIPI) {
        state->events.sipi_vector = atomic_load(&cpu->sipi_sent);
        state->events.run_state = RUN_RUNNING;
        state->segs.selector[SEG_CS] = state->events.sipi_vector << 8;
        state->segs.base[SEG_CS] = (u64)state->events.sipi_vector << 12;
        state->regs.rip = 0;
    }
}

void cpu_get_state(Cpu *cpu, X86State *state)
{
    memset(state, 0, sizeof *state);
    memcpy(state->regs.gpr, cpu->gpr, sizeof state->regs.gpr);
    state->regs.rip = cpu->rip;
    state->regs.rflags = cpu_flags(cpu);
    get_segments(cpu, &state->segs);
    get_control(cpu, &state->control);
    get_events(cpu, &state->events);
    memcpy(state->xsave.area, cpu->fx, sizeof cpu->fx);
    memcpy(state->xsave.area + XSAVE_YMM, cpu->ymm_high, sizeof cpu->ymm_high);
    state->xsave.area[XSAVE_PRESENT] = 3 | (xsave_in_use(cpu) & XSAVE_AVX);
    lapic_get_state(cpu->lapic, &state->lapic);
    msrs_get(cpu, state);
    get_signals(cpu, state);
}

/* ---- in ---- */

static void set_segments(Cpu *cpu, const X86Segs *segs)
{
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        cpu->seg[i].base = segs->base[i];
        cpu->seg[i].limit = segs->limit[i];
        cpu->seg[i].attr = segs->attr[i];
        cpu->seg[i].selector = segs->selector[i];
    }
    cpu->gdt_base = segs->gdt_base;
    cpu->gdt_limit = segs->gdt_limit;
    cpu->idt_base = segs->idt_base;
    cpu->idt_limit = segs->idt_limit;
}

static void set_control(Cpu *cpu, const X86Control *control)
{
    cpu->cr0 = control->cr0 | CR0_ET;
    cpu->cr2 = control->cr2;
    cpu->cr3 = control->cr3;
    cpu->cr4 = control->cr4;
    cpu->efer = control->efer;
    cpu->xcr0 = control->xcr0;
    cpu->apic_base = control->apic_base;
    memcpy(cpu->dr, control->dr, sizeof cpu->dr);
}

/* An INT n is not here: it is executed again, as RIP is on it. */
static void set_begun(Cpu *cpu, const X86Events *events)
{
    cpu->begun.exception = events->exception_pending;
    cpu->begun.pending = events->exception_pending ||
                         (events->interrupt_pending && !events->interrupt_soft);
    cpu->begun.vector = events->exception_pending ? events->exception :
                                                    events->interrupt;
    cpu->begun.has_error = events->exception_pending && events->exception_has_error;
    cpu->begun.error = events->exception_error;
}

static void set_events(Cpu *cpu, const X86Events *events)
{
    set_begun(cpu, events);
    cpu->inhibit = events->interrupt_shadow;
    cpu->nmi_pending = events->nmi_pending;
    cpu->nmi_masked = events->nmi_masked;
    cpu->run_state = events->run_state;
    cpu->sipi_vector = events->sipi_vector;
    cpu->soft->tsc_khz = events->tsc_khz ? events->tsc_khz : SOFT_TSC_KHZ;
    cpu_set_tsc(cpu, events->tsc);
}

/* What no CPU can be in, or this one can't: judged before anything is set. */
static bool state_possible(const Cpu *cpu, const X86State *state, GError **err)
{
    const X86Control *c = &state->control;
    const char *bad = NULL;

    if ((c->cr0 & CR0_PG) && !(c->cr0 & CR0_PE)) {
        bad = "cr0 has paging without protection";
    } else if ((c->efer & EFER_LMA) &&
               !((c->efer & EFER_LME) && (c->cr0 & CR0_PG) && (c->cr4 & CR4_PAE))) {
        bad = "efer says long mode, cr0 and cr4 do not";
    } else if (!xcr0_possible(cpu, c->xcr0)) {
        bad = "xcr0 enables components this CPU does not have";
    } else if (c->cr4 & ~cpu->cr4_allowed ||
               c->efer & ~(cpu->efer_allowed | EFER_LMA)) {
        bad = "cr4 or efer enables what this CPU does not have";
    }
    if (bad) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "vCPU %u: impossible state: %s", cpu->index, bad);
    }
    return !bad;
}

bool cpu_set_state(Cpu *cpu, const X86State *state, GError **err)
{
    for (const X86Record *r = x86_records; r->name; r++) {
        if (!fields_check(r->fields, (const u8 *)state + r->at, err)) {
            return false;
        }
    }
    if (!state_possible(cpu, state, err)) {
        return false;
    }
    memcpy(cpu->gpr, state->regs.gpr, sizeof state->regs.gpr);
    cpu->gpr[REG_NONE] = 0;
    cpu->insn = NULL;
    cpu->rip = state->regs.rip;
    set_segments(cpu, &state->segs);
    set_control(cpu, &state->control);
    set_events(cpu, &state->events);
    memcpy(cpu->fx, state->xsave.area, sizeof cpu->fx);
    memset(cpu->ymm_high, 0, sizeof cpu->ymm_high);
    if (state->xsave.area[XSAVE_PRESENT] & XSAVE_AVX) {
        memcpy(cpu->ymm_high, state->xsave.area + XSAVE_YMM, sizeof cpu->ymm_high);
    }
    msrs_set(cpu, state);
    lapic_set_state(cpu->lapic, &state->lapic);
    lapic_set_tpr(cpu->lapic, state->control.cr8 << 4 |
                                  (state->control.cr8 == (state->lapic.reg[8] >> 4) ?
                                       state->lapic.reg[8] & 15 :
                                       0));
    cpu_set_flags(cpu, state->regs.rflags);
    cpu->cpl = cpu_v86(cpu)       ? 3 :
               cpu_protected(cpu) ? SEG_DPL(cpu->seg[SEG_SS].attr) :
                                    0;
    cpu_mode_changed(cpu);
    mmu_flush(cpu);
    cpu_reload_pdptes(cpu);
    cpu_request(cpu, REQUEST_INTERRUPT); /* also if it sleeps in the state it was in */
    return true;
}
