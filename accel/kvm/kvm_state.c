/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's state between KVM's structures and the neutral record (accel/x86_state.h).
 * Main thread, paused.
 *
 * Left out: the state of a guest of the guest (nested virtualization), system
 * management mode, and page-directory pointers that differ from those in memory.
 */

#include "accel/kvm/kvm.h"

#include <string.h>

/* KVM's order of general registers, as places in ours. */
#define GPRS(on) \
    on(rax, RAX) on(rcx, RCX) on(rdx, RDX) on(rbx, RBX) \
    on(rsp, RSP) on(rbp, RBP) on(rsi, RSI) on(rdi, RDI) \
    on(r8, R8) on(r9, R9) on(r10, R10) on(r11, R11) \
    on(r12, R12) on(r13, R13) on(r14, R14) on(r15, R15)

static bool call(KvmCpu *cpu, unsigned long request, void *argument, const char *name,
                 GError **err)
{
    if (kvm_ioctl(cpu->fd, request, argument) < 0) {
        kvm_error(err, name);
        return false;
    }
    return true;
}
#define CALL(cpu, request, argument, err) call(cpu, request, argument, #request, err)

/* ---- registers ---- */

static bool get_regs(KvmCpu *cpu, X86Regs *to, GError **err)
{
    struct kvm_regs regs;

    if (!CALL(cpu, KVM_GET_REGS, &regs, err)) {
        return false;
    }
#define GET(name, n) to->gpr[n] = regs.name;
    GPRS(GET)
#undef GET
    to->rip = regs.rip;
    to->rflags = regs.rflags;
    return true;
}

static bool set_regs(KvmCpu *cpu, const X86Regs *from, GError **err)
{
    struct kvm_regs regs = { .rip = from->rip, .rflags = from->rflags | 2 };

#define SET(name, n) regs.name = from->gpr[n];
    GPRS(SET)
#undef SET
    return CALL(cpu, KVM_SET_REGS, &regs, err);
}

static void get_segment(X86Segs *to, unsigned n, const struct kvm_segment *s)
{
    to->base[n] = s->base;
    to->limit[n] = s->limit;
    to->selector[n] = s->selector;
    to->attr[n] = (u32)s->type << 8 | (u32)s->s << 12 | (u32)s->dpl << 13 |
                  (u32)s->present << 15 | (s->unusable ? SEG_UNUSABLE : 0) |
                  (u32)s->avl << 20 | (u32)s->l << 21 | (u32)s->db << 22 |
                  (u32)s->g << 23;
}

static struct kvm_segment set_segment(const X86Segs *from, unsigned n)
{
    u32 a = from->attr[n];

    return (struct kvm_segment){
        .base = from->base[n], .limit = from->limit[n], .selector = from->selector[n],
        .type = a >> 8 & 15, .s = a >> 12 & 1, .dpl = a >> 13 & 3,
        .present = a >> 15 & 1, .unusable = a >> 16 & 1, .avl = a >> 20 & 1,
        .l = a >> 21 & 1, .db = a >> 22 & 1, .g = a >> 23 & 1,
    };
}

#define SEGMENTS(on) \
    on(es, SEG_ES) on(cs, SEG_CS) on(ss, SEG_SS) on(ds, SEG_DS) \
    on(fs, SEG_FS) on(gs, SEG_GS) on(ldt, SEG_LDTR) on(tr, SEG_TR)

static bool get_sregs(KvmCpu *cpu, X86State *to, GError **err)
{
    struct kvm_sregs sregs;
    X86Control *c = &to->control;

    if (!CALL(cpu, KVM_GET_SREGS, &sregs, err)) {
        return false;
    }
#define GET(name, n) get_segment(&to->segs, n, &sregs.name);
    SEGMENTS(GET)
#undef GET
    to->segs.gdt_base = sregs.gdt.base;
    to->segs.gdt_limit = sregs.gdt.limit;
    to->segs.idt_base = sregs.idt.base;
    to->segs.idt_limit = sregs.idt.limit;
    c->cr0 = sregs.cr0;
    c->cr2 = sregs.cr2;
    c->cr3 = sregs.cr3;
    c->cr4 = sregs.cr4;
    c->cr8 = sregs.cr8;
    c->efer = sregs.efer;
    c->apic_base = sregs.apic_base;
    return true;
}

static bool set_sregs(KvmCpu *cpu, const X86State *from, GError **err)
{
    const X86Control *c = &from->control;
    struct kvm_sregs sregs = {
        .gdt = { .base = from->segs.gdt_base, .limit = from->segs.gdt_limit },
        .idt = { .base = from->segs.idt_base, .limit = from->segs.idt_limit },
        .cr0 = c->cr0, .cr2 = c->cr2, .cr3 = c->cr3, .cr4 = c->cr4, .cr8 = c->cr8,
        .efer = c->efer, .apic_base = c->apic_base,
    };

#define SET(name, n) sregs.name = set_segment(&from->segs, n);
    SEGMENTS(SET)
#undef SET
    return CALL(cpu, KVM_SET_SREGS, &sregs, err);
}

/* ---- extended state, debug registers ---- */

static bool get_extended(KvmCpu *cpu, X86State *to, GError **err)
{
    struct kvm_xsave xsave;
    struct kvm_xcrs xcrs;
    struct kvm_debugregs debug;

    G_STATIC_ASSERT(sizeof xsave == X86_XSAVE_BYTES);
    if (!CALL(cpu, KVM_GET_XSAVE, &xsave, err) ||
        !CALL(cpu, KVM_GET_DEBUGREGS, &debug, err)) {
        return false;
    }
    memcpy(to->xsave.area, &xsave, sizeof xsave);
    to->control.xcr0 = 1;
    if (!kvm_ioctl(cpu->fd, KVM_GET_XCRS, &xcrs) && xcrs.nr_xcrs) {
        to->control.xcr0 = xcrs.xcrs[0].value;
    }
    memcpy(to->control.dr, debug.db, sizeof debug.db);
    to->control.dr[6] = debug.dr6;
    to->control.dr[7] = debug.dr7;
    return true;
}

static bool set_extended(KvmCpu *cpu, const X86State *from, GError **err)
{
    struct kvm_xsave xsave;
    const u64 *dr = from->control.dr;
    struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0].value = from->control.xcr0 };
    struct kvm_debugregs debug = { .dr6 = dr[6], .dr7 = dr[7] };

    memcpy(&xsave, from->xsave.area, sizeof xsave);
    memcpy(debug.db, dr, sizeof debug.db);
    if (cpuid_has(&cpu->kvm->model, "xsave") && !CALL(cpu, KVM_SET_XCRS, &xcrs, err)) {
        return false;
    }
    return CALL(cpu, KVM_SET_XSAVE, &xsave, err) &&
           CALL(cpu, KVM_SET_DEBUGREGS, &debug, err);
}

/* ---- the local APIC ---- */

/* SDM vol. 3, table 11-1: words of the page, at each 16 bytes. */
enum { LAPIC_ISR = 0x10, LAPIC_IRR = 0x20, LAPIC_LVTT = 0x32 };
enum { LAPIC_TMICT = 0x38, LAPIC_TMCCT = 0x39, LAPIC_TDCR = 0x3e };
enum { LVT_MASKED = 1 << 16, LVTT_MODE = 3 << 17 };     /* 0: one-shot */

/* Nanoseconds since the count was loaded; KVM's timer has a bus of 1 GHz. */
static u64 timer_gone(const u32 *reg)
{
    unsigned code = (reg[LAPIC_TDCR] & 3) | (reg[LAPIC_TDCR] >> 1 & 4);

    return (u64)(reg[LAPIC_TMICT] - reg[LAPIC_TMCCT]) << ((code + 1) & 7);
}

static bool get_lapic(KvmCpu *cpu, X86State *to, GError **err)
{
    u64 now = clock_now(cpu->kvm->accel.machine->clock);
    struct kvm_lapic_state page;
    X86Lapic *lapic = &to->lapic;

    if (!CALL(cpu, KVM_GET_LAPIC, &page, err)) {
        return false;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(lapic->reg); i++) {
        memcpy(&lapic->reg[i], page.regs + i * 16, 4);
    }
    lapic->timer_start = lapic->reg[LAPIC_TMICT] ? now - timer_gone(lapic->reg) : 0;
    return true;
}

/* The timer goes on from TMCCT. */
static bool set_lapic(KvmCpu *cpu, const X86State *from, GError **err)
{
    struct kvm_lapic_state page = { { 0 } };

    for (unsigned i = 0; i < G_N_ELEMENTS(from->lapic.reg); i++) {
        memcpy(page.regs + i * 16, &from->lapic.reg[i], 4);
    }
    return CALL(cpu, KVM_SET_LAPIC, &page, err);
}

/* ---- events ---- */

/* KVM's multiprocessing states, by our run states. */
static const u32 mp_state[] = {
    [RUN_RUNNING]   = KVM_MP_STATE_RUNNABLE,
    [RUN_HALTED]    = KVM_MP_STATE_HALTED,
    [RUN_WAIT_INIT] = KVM_MP_STATE_UNINITIALIZED,
    [RUN_WAIT_SIPI] = KVM_MP_STATE_INIT_RECEIVED,
};

/* Asking for the multiprocessing state lets KVM see to a pending INIT or SIPI first. */
static bool get_events(KvmCpu *cpu, X86State *to, GError **err)
{
    struct kvm_vcpu_events e;
    struct kvm_mp_state mp;
    X86Events *x = &to->events;

    if (!CALL(cpu, KVM_GET_MP_STATE, &mp, err) ||
        !CALL(cpu, KVM_GET_VCPU_EVENTS, &e, err)) {
        return false;
    }
    x->exception = e.exception.nr;
    x->exception_pending = e.exception.injected || e.exception.pending;
    x->exception_has_error = !!e.exception.has_error_code;
    x->exception_error = e.exception.error_code;
    x->interrupt = e.interrupt.nr;
    x->interrupt_pending = !!e.interrupt.injected;
    x->interrupt_shadow = !!e.interrupt.shadow;
    /* An NMI whose delivery has begun has not arrived: it waits, and none is served. */
    x->nmi_pending = e.nmi.pending || e.nmi.injected;
    x->nmi_masked = e.nmi.masked && !e.nmi.injected;
    x->smi_pending = !!e.smi.pending;
    x->sipi_vector = e.sipi_vector;
    for (unsigned i = 0; i < G_N_ELEMENTS(mp_state); i++) {
        if (mp_state[i] == mp.mp_state) {
            x->run_state = i;
        }
    }
    return true;
}

static bool set_events(KvmCpu *cpu, const X86State *from, GError **err)
{
    const X86Events *x = &from->events;
    struct kvm_mp_state mp = { .mp_state = mp_state[x->run_state] };
    struct kvm_vcpu_events e = {
        .exception = { .injected = x->exception_pending, .nr = x->exception,
                       .has_error_code = x->exception_has_error,
                       .error_code = x->exception_error },
        /* RIP is on an INT n that is being delivered: it is executed again. */
        .interrupt = { .injected = x->interrupt_pending && !x->interrupt_soft,
                       .nr = x->interrupt,
                       .shadow = x->interrupt_shadow ? KVM_X86_SHADOW_INT_STI : 0 },
        .nmi = { .pending = x->nmi_pending, .masked = x->nmi_masked },
        .smi = { .pending = x->smi_pending },
        .sipi_vector = x->sipi_vector,
        .flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW |
                 KVM_VCPUEVENT_VALID_SIPI_VECTOR | KVM_VCPUEVENT_VALID_SMM,
    };

    return CALL(cpu, KVM_SET_VCPU_EVENTS, &e, err) &&
           CALL(cpu, KVM_SET_MP_STATE, &mp, err);
}

/* ---- all of it ---- */

/* Events come first: a pending SIPI, once seen to, changes registers. */
static bool get_all(KvmCpu *cpu, X86State *state, GError **err)
{
    memset(state, 0, sizeof *state);
    if (!get_events(cpu, state, err) || !get_regs(cpu, &state->regs, err) ||
        !get_sregs(cpu, state, err) || !get_extended(cpu, state, err) ||
        !get_lapic(cpu, state, err) || !kvm_msrs_get(cpu, state, err)) {
        return false;
    }
    kvm_tsc_get(cpu, &state->events);
    return true;
}

/* What tells whether the local APIC's timer expired between two looks at it. */
typedef struct {
    u32 count;
    u64 deadline;
} TimerMark;

static bool timer_expired(TimerMark before, const X86Lapic *now)
{
    return now->reg[LAPIC_TMCCT] > before.count ||
           (before.count && !now->reg[LAPIC_TMCCT]) ||
           now->tsc_deadline != before.deadline;
}

/*
 * A single shot that has run out, and whose interrupt is neither waiting nor being
 * served: the handler has ended, or the kernel's timer is late and the count alone says
 * so.  Nothing tells which.  It comes, as it does when KVM is given such a state: an
 * interrupt more does no harm, the last one lost stops a guest.
 */
static void run_out_comes(X86Lapic *lapic)
{
    u32 entry = lapic->reg[LAPIC_LVTT], word = entry >> 5 & 7, bit = 1u << (entry & 31);

    if (lapic->reg[LAPIC_TMICT] && !lapic->reg[LAPIC_TMCCT] &&
        !(entry & (LVT_MASKED | LVTT_MODE)) && (entry & 0xf0) &&         /* legal */
        !(lapic->reg[LAPIC_ISR + word] & bit)) {
        lapic->reg[LAPIC_IRR + word] |= bit;
    }
}

/*
 * KVM's timer goes on while the machine stands, and when it expires that is in no state
 * until the vCPU settles.  So it settles, and if the timer expires after that, again.
 */
bool kvm_get_state(Accel *accel, unsigned n, X86State *state, GError **err)
{
    enum { TRIES = 8 };             /* a timer may be faster than this is */
    KvmCpu *cpu = &kvm_of(accel)->cpu[n];
    TimerMark mark;

    for (unsigned i = 0; i < TRIES; i++) {
        if (!get_lapic(cpu, state, err)) {
            return false;
        }
        mark.count = state->lapic.reg[LAPIC_TMCCT];
        mark.deadline = kvm_msr_get(cpu, MSR_TSC_DEADLINE);
        if (state->lapic.reg[LAPIC_TMICT]) {
            kvm_cpu_settle(cpu);
        }
        if (!get_all(cpu, state, err)) {
            return false;
        }
        if (!timer_expired(mark, &state->lapic)) {
            break;
        }
    }
    run_out_comes(&state->lapic);
    return true;
}

static bool set_all(KvmCpu *cpu, const X86State *state, GError **err)
{
    for (const X86Record *r = x86_records; r->name; r++) {
        if (!fields_check(r->fields, (const u8 *)state + r->at, err)) {
            return false;
        }
    }
    /*
     * CR4 and EFER before extended state, APIC_BASE before the local APIC, that before
     * its deadline MSR; KVM_SET_REGS drops pending exceptions.
     */
    if (!set_sregs(cpu, state, err) || !set_regs(cpu, &state->regs, err) ||
        !set_extended(cpu, state, err) || !set_lapic(cpu, state, err)) {
        return false;
    }
    kvm_tsc_set(cpu, &state->events);
    return kvm_msrs_set(cpu, state, err) && set_events(cpu, state, err);
}

bool kvm_set_state(Accel *accel, unsigned n, const X86State *state, GError **err)
{
    Kvm *kvm = kvm_of(accel);
    KvmCpu *cpu = &kvm->cpu[n];

    if (!set_all(cpu, state, err)) {
        return false;
    }
    cpu->run->ready_for_interrupt_injection = 0;    /* so it was before this state */
    pthread_mutex_lock(&kvm->lock);
    cpu->dead = false;
    pthread_cond_broadcast(&kvm->changed);
    pthread_mutex_unlock(&kvm->lock);
    return true;
}
