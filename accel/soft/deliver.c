/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivery through the IDT: the real-mode table, 16-bit and 32-bit gates of protected
 * and virtual-8086 mode, long mode's gates with interrupt stacks.  Order of checks and
 * error codes follow "INT n/INTO/INT3/INT1" in SDM vol. 2 and vol. 3, 6.12 to 6.14.
 *
 * Left out: task gates, which raise #GP as an absent gate does (logged with -d unimp).
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/event.h"
#include "accel/soft/segment.h"
#include "base/log.h"

typedef struct {
    u64 offset;
    u16 selector;
    u8 type, ist;
} Gate;

static u32 ext_of(const Event *event)
{
    return event->soft ? 0 : ERROR_EXT;
}

/* ---- real mode ---- */

static void deliver_real(Cpu *cpu, const Event *event)
{
    Stack s = stack_now(cpu);
    u32 entry;
    u16 ip;

    if (event->vector * 4 + 3 > cpu->idt_limit) {
        cpu_gp(cpu, 0);
    }
    mmu_read_system(cpu, cpu->idt_base + event->vector * 4, &entry, 4);
    ip = entry;
    if (ip > cpu->seg[SEG_CS].limit) {
        cpu_gp(cpu, 0);
    }
    stack_push(cpu, &s, event->flags, 2);
    stack_push(cpu, &s, cpu->seg[SEG_CS].selector, 2);
    stack_push(cpu, &s, event->rip, 2);
    stack_commit(cpu, &s);
    load_real_segment(cpu, SEG_CS, entry >> 16);
    cpu->rip = ip;
    cpu->rflags &= ~(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
    cpu_mode_changed(cpu);
}

/* ---- gates ---- */

static Gate gate_load(Cpu *cpu, const Event *event)
{
    bool wide = cpu_long(cpu);
    unsigned bytes = wide ? 16 : 8;
    u32 error = event->vector * 8 | ERROR_IDT | ext_of(event);
    u64 raw[2] = { 0, 0 };
    u32 attr;

    if (event->vector * bytes + bytes - 1 > cpu->idt_limit) {
        cpu_gp(cpu, error);
    }
    mmu_read_system(cpu, cpu->idt_base + event->vector * bytes, raw, bytes);
    attr = raw[0] >> 32 & 0xff00;
    if ((attr & SEG_S) || SEG_TYPE(attr) < SYS_TASK_GATE ||
        (SEG_TYPE(attr) > SYS_TRAP16 && SEG_TYPE(attr) < SYS_INT) ||
        (wide && SEG_TYPE(attr) < SYS_INT)) {
        cpu_gp(cpu, error);
    }
    if (event->soft && SEG_DPL(attr) < cpu->cpl) {
        cpu_gp(cpu, error);
    }
    if (!(attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_NP, error);
    }
    if (SEG_TYPE(attr) == SYS_TASK_GATE) {
        log_at(LOG_UNIMP, "vCPU %u: vector %u has a task gate", cpu->index,
               event->vector);
        cpu_gp(cpu, error);
    }
    return (Gate){
        .selector = raw[0] >> 16,
        .type = SEG_TYPE(attr),
        .ist = wide ? raw[0] >> 32 & 7 : 0,
        .offset = (raw[0] & 0xffff) |
                  (SEG_TYPE(attr) >= SYS_INT ? raw[0] >> 32 & 0xffff0000 : 0) |
                  raw[1] << 32,
    };
}

/* The handler's code segment, and the privilege level it runs at. */
static Segment gate_code(Cpu *cpu, const Gate *gate, u32 ext, unsigned *cpl)
{
    u32 error = selector_error(gate->selector) | ext;
    Segment cs;

    if (selector_null(gate->selector)) {
        cpu_gp(cpu, ext);
    }
    if (!descriptor_segment(cpu, gate->selector, &cs) || !attr_code(cs.attr) ||
        SEG_DPL(cs.attr) > cpu->cpl ||
        (cpu_long(cpu) && (!(cs.attr & SEG_L) || (cs.attr & SEG_DB)))) {
        cpu_gp(cpu, error);
    }
    if (!(cs.attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_NP, error);
    }
    *cpl = attr_conforming(cs.attr) ? cpu->cpl : SEG_DPL(cs.attr);
    if (cpu_v86(cpu) && *cpl) {
        cpu_gp(cpu, error);
    }
    return cs;
}

/* 6.14.2, 6.14.5: long mode aligns every frame to 16 bytes. */
static Stack frame_stack(Cpu *cpu, const Gate *gate, unsigned cpl, u32 ext)
{
    bool inner = cpl < cpu->cpl;
    Stack s;

    if (!cpu_long(cpu)) {
        s = inner ? tss_stack(cpu, cpl, ext) : stack_now(cpu);
    } else if (inner || gate->ist) {
        s = tss_stack_wide(cpu, cpl, gate->ist, ext);
    } else {
        s = stack_wide(cpu->gpr[RSP], cpl);
    }
    if (cpu_long(cpu)) {
        s.sp &= ~15ull;
    }
    if (!inner) {
        s.error = ext;
    }
    return s;
}

static void push_frame(Cpu *cpu, Stack *s, const Event *event, unsigned size,
                       bool inner)
{
    static const u8 v86_order[] = { SEG_GS, SEG_FS, SEG_DS, SEG_ES };

    for (unsigned i = 0; cpu_v86(cpu) && i < G_N_ELEMENTS(v86_order); i++) {
        stack_push(cpu, s, cpu->seg[v86_order[i]].selector, size);
    }
    if (inner || cpu_long(cpu)) {
        stack_push(cpu, s, cpu->seg[SEG_SS].selector, size);
        stack_push(cpu, s, cpu->gpr[RSP], size);
    }
    stack_push(cpu, s, event->flags, size);
    stack_push(cpu, s, cpu->seg[SEG_CS].selector, size);
    stack_push(cpu, s, event->rip, size);
    if (event->has_error) {
        stack_push(cpu, s, event->error, size);
    }
}

static void forget_v86_segments(Cpu *cpu)
{
    static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

    for (unsigned i = 0; i < G_N_ELEMENTS(data); i++) {
        cpu->seg[data[i]] = segment_null(0, 0);
    }
}

static void deliver_gate(Cpu *cpu, const Event *event)
{
    u32 ext = ext_of(event);
    Gate gate = gate_load(cpu, event);
    unsigned cpl;
    Segment cs = gate_code(cpu, &gate, ext, &cpl);
    Stack s = frame_stack(cpu, &gate, cpl, ext);
    bool inner = cpl < cpu->cpl;

    if (!code_offset_valid(cpu, &cs, gate.offset)) {
        cpu_gp(cpu, ext);
    }
    push_frame(cpu, &s, event, cpu_long(cpu) ? 8 : gate.type >= SYS_INT ? 4 : 2, inner);
    if (inner && !cpu_long(cpu)) {
        descriptor_accessed(cpu, &s.ss);
    }
    descriptor_accessed(cpu, &cs);

    /* Nothing faults from here on. */
    if (cpu_v86(cpu)) {
        forget_v86_segments(cpu);
    }
    if (inner) {
        cpu->seg[SEG_SS] = s.ss;
    }
    stack_commit(cpu, &s);
    load_code_segment(cpu, &cs, cpl);
    cpu->rip = gate.offset;
    cpu->rflags &= ~(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM);
    if (gate.type == SYS_INT || gate.type == SYS_INT16) {
        cpu->rflags &= ~FLAG_IF;
    }
    cpu_mode_changed(cpu);
}

void event_deliver(Cpu *cpu, const Event *event)
{
    if (cpu_protected(cpu)) {
        deliver_gate(cpu, event);
    } else {
        deliver_real(cpu, event);
    }
}
