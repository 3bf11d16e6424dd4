/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks: the current one, as instructions use it, and those that interrupts, calls and
 * returns switch to (SDM vol. 3, 5.8.5, 6.12.1, 6.14.2).
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/segment.h"
#include "accel/soft/tlb.h"

/* ---- the current stack ---- */

static u64 stack_mask(const Cpu *cpu)
{
    if (cpu_code64(cpu)) {
        return UINT64_MAX;
    }
    return cpu->mode & MODE_STACK32 ? UINT32_MAX : UINT16_MAX;
}

u64 cpu_stack_pointer(const Cpu *cpu)
{
    return cpu->gpr[RSP] & stack_mask(cpu);
}

/*
 * A stack pointer of 32 bits clears the upper half, as every write to a 32-bit
 * register.
 */
void cpu_set_stack_pointer(Cpu *cpu, u64 value)
{
    u64 mask = stack_mask(cpu);

    cpu->gpr[RSP] = mask == UINT16_MAX ? (cpu->gpr[RSP] & ~mask) | (value & mask)
                                       : value & mask;
}

/* Where `size` bytes of the stack are: #SS if they can't be. */
static gva stack_linear(Cpu *cpu, u64 sp, unsigned size, Access access)
{
    if (likely(cpu_code64(cpu))) {
        if (unlikely(!cpu_canonical(cpu, sp) || !cpu_canonical(cpu, sp + size - 1))) {
            cpu_raise_error(cpu, EXC_SS, 0);
        }
        return sp;
    }
    return segment_linear(cpu, SEG_SS, sp, size, access);
}

static u64 load(Cpu *cpu, gva at, unsigned size)
{
    return size == 8 ? cpu_load64(cpu, at) : size == 4 ? cpu_load32(cpu, at)
                                                       : cpu_load16(cpu, at);
}

void cpu_push(Cpu *cpu, u64 value, unsigned size)
{
    u64 sp = (cpu->gpr[RSP] - size) & stack_mask(cpu);
    gva at = stack_linear(cpu, sp, size, ACCESS_WRITE);

    if (size == 8) {
        cpu_store64(cpu, at, value);
    } else if (size == 4) {
        cpu_store32(cpu, at, value);
    } else {
        cpu_store16(cpu, at, value);
    }
    cpu_set_stack_pointer(cpu, sp);
}

u64 cpu_peek(Cpu *cpu, u64 above, unsigned size)
{
    u64 sp = (cpu->gpr[RSP] + above) & stack_mask(cpu);

    return load(cpu, stack_linear(cpu, sp, size, ACCESS_READ), size);
}

u64 cpu_pop(Cpu *cpu, unsigned size)
{
    u64 value = cpu_peek(cpu, 0, size);

    cpu_set_stack_pointer(cpu, cpu->gpr[RSP] + size);
    return value;
}

/* ---- other stacks ---- */

Stack stack_wide(u64 sp, unsigned cpl)
{
    return (Stack){ .sp = sp, .mask = UINT64_MAX, .cpl = cpl, .wide = true };
}

Stack stack_legacy(const Segment *ss, u64 sp, unsigned cpl)
{
    return (Stack){ .ss = *ss, .sp = sp, .cpl = cpl,
                    .mask = ss->attr & SEG_DB ? UINT32_MAX : UINT16_MAX };
}

Stack stack_now(const Cpu *cpu)
{
    return cpu_code64(cpu) ? stack_wide(cpu->gpr[RSP], cpu->cpl)
                           : stack_legacy(&cpu->seg[SEG_SS], cpu->gpr[RSP], cpu->cpl);
}

static gva other_linear(Cpu *cpu, const Stack *s, u64 sp, unsigned size)
{
    if (s->wide ? !cpu_canonical(cpu, sp) || !cpu_canonical(cpu, sp + size - 1)
                : (s->ss.attr & SEG_UNUSABLE) || !segment_holds(&s->ss, sp, size)) {
        cpu_raise_error(cpu, EXC_SS, s->error);
    }
    return s->wide ? sp : (u32)(s->ss.base + sp);
}

static void other_move(Stack *s, u64 sp)
{
    s->sp = s->mask == UINT16_MAX ? (s->sp & ~s->mask) | (sp & s->mask) : sp & s->mask;
}

void stack_push(Cpu *cpu, Stack *s, u64 value, unsigned size)
{
    u64 sp = (s->sp - size) & s->mask;

    mmu_write_as(cpu, other_linear(cpu, s, sp, size), &value, size, s->cpl);
    other_move(s, sp);
}

u64 stack_pop(Cpu *cpu, Stack *s, unsigned size)
{
    u64 sp = s->sp & s->mask, value = 0;
    gva at = other_linear(cpu, s, sp, size);

    if (unlikely(cpu->data_checks) && s->cpl == 3) {
        debug_align(cpu, at, size);
    }
    mmu_read_as(cpu, at, &value, size, s->cpl);
    other_move(s, sp + size);
    return value;
}

void stack_commit(Cpu *cpu, const Stack *s)
{
    cpu->gpr[RSP] = s->sp;
}

/* ---- stacks in the TSS ---- */

/* Reads from the TSS; #TS(TSS selector) if it is not so long. */
static u64 tss_load(Cpu *cpu, unsigned offset, unsigned size, u32 ext)
{
    const Segment *tr = &cpu->seg[SEG_TR];
    u64 value = 0;

    if (offset + size - 1 > tr->limit) {
        cpu_raise_error(cpu, EXC_TS, selector_error(tr->selector) | ext);
    }
    mmu_read_system(cpu, tr->base + offset, &value, size);
    return value;
}

/* "INTER-PRIVILEGE-LEVEL-INTERRUPT" of INT n and "MORE-PRIVILEGE" of CALL, vol. 2. */
Stack tss_stack(Cpu *cpu, unsigned cpl, u32 ext)
{
    bool tss16 = (SEG_TYPE(cpu->seg[SEG_TR].attr) & ~2u) == SYS_TSS16;
    unsigned at = tss16 ? 2 + cpl * 4 : 4 + cpl * 8;
    u32 sp = tss_load(cpu, at, tss16 ? 2 : 4, ext);
    u16 selector = tss_load(cpu, at + (tss16 ? 2 : 4), 2, ext);
    u32 error = selector_error(selector) | ext;
    Segment ss;
    Stack s;

    if (selector_null(selector)) {
        cpu_raise_error(cpu, EXC_TS, ext);
    }
    if (!descriptor_segment(cpu, selector, &ss) || (selector & 3) != cpl ||
        SEG_DPL(ss.attr) != cpl || !attr_writable(ss.attr)) {
        cpu_raise_error(cpu, EXC_TS, error);
    }
    if (!(ss.attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_SS, error);
    }
    s = stack_legacy(&ss, sp, cpl);
    s.error = error;
    return s;
}

/* 7.7: RSP0 at offset 4, IST1 at 36. */
Stack tss_stack_wide(Cpu *cpu, unsigned cpl, unsigned ist, u32 ext)
{
    Stack s = stack_wide(tss_load(cpu, ist ? 28 + ist * 8 : 4 + cpl * 8, 8, ext), cpl);

    s.ss = segment_null(cpl, cpl);
    s.error = ext;
    return s;
}
