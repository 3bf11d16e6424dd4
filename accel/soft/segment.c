/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segmentation (SDM vol. 3, chapters 3 and 5): descriptors, loading segment registers,
 * and the checks of an access through one.
 *
 * In real mode a load changes base and selector only: limit and attributes stay what
 * protected mode left there ("unreal" mode), unless that was a null selector.
 * Virtual-8086 mode sets all of them.
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/segment.h"

/* ---- descriptors ---- */

Segment segment_from(u16 selector, u64 raw)
{
    u32 low = raw, high = raw >> 32;
    u32 limit = (low & 0xffff) | (high & 0xf0000);

    return (Segment){
        .selector = selector,
        .base = low >> 16 | (high & 0xff) << 16 | (high & 0xff000000),
        .limit = high & SEG_G ? limit << 12 | 0xfff : limit,
        .attr = high & 0x00f0ff00,
    };
}

/* Where the descriptor is; false: not wholly inside its table. */
static bool descriptor_at(const Cpu *cpu, u16 selector, unsigned bytes, gva *at)
{
    const Segment *ldt = &cpu->seg[SEG_LDTR];
    bool local = selector & 4;
    u64 offset = selector & ~7u;
    u64 limit = local ? ldt->limit : cpu->gdt_limit;

    if ((local && (ldt->attr & SEG_UNUSABLE)) || offset + bytes - 1 > limit) {
        return false;
    }
    *at = (local ? ldt->base : cpu->gdt_base) + offset;
    return true;
}

bool descriptor_read(Cpu *cpu, u16 selector, u64 *raw)
{
    gva at;

    if (!descriptor_at(cpu, selector, 8, &at)) {
        return false;
    }
    mmu_read_system(cpu, at, raw, 8);
    return true;
}

bool descriptor_segment(Cpu *cpu, u16 selector, Segment *out)
{
    u64 raw;

    if (!descriptor_read(cpu, selector, &raw)) {
        return false;
    }
    *out = segment_from(selector, raw);
    return true;
}

bool descriptor_system(Cpu *cpu, u16 selector, Segment *out, u64 *upper)
{
    u64 raw[2] = { 0, 0 };
    unsigned bytes = cpu_long(cpu) ? 16 : 8;
    gva at;

    if (!descriptor_at(cpu, selector, bytes, &at)) {
        return false;
    }
    mmu_read_system(cpu, at, raw, bytes);
    *out = segment_from(selector, raw[0]);
    out->base |= raw[1] << 32;
    *upper = raw[1];
    return true;
}

void descriptor_accessed(Cpu *cpu, Segment *segment)
{
    gva at;
    u8 type;

    if (segment->attr & TYPE_ACCESSED << 8 ||
        !descriptor_at(cpu, segment->selector, 8, &at)) {
        return;
    }
    segment->attr |= TYPE_ACCESSED << 8;
    type = segment->attr >> 8;
    mmu_write_system(cpu, at + 5, &type, 1);
}

/* ---- loading ---- */

void load_real_segment(Cpu *cpu, unsigned seg, u16 selector)
{
    Segment *s = &cpu->seg[seg];

    s->selector = selector;
    s->base = (u32)selector << 4;
    if (cpu_v86(cpu) || (s->attr & SEG_UNUSABLE)) {
        s->limit = 0xffff;
        s->attr = SEG_P | SEG_S | (TYPE_RW | TYPE_ACCESSED) << 8;
        s->attr |= cpu_v86(cpu) ? 3 << 13 : 0;
    }
}

void load_code_segment(Cpu *cpu, Segment *cs, unsigned cpl)
{
    cs->selector = (cs->selector & ~3u) | cpl;
    cpu->seg[SEG_CS] = *cs;
    cpu->cpl = cpl;
}

bool code_offset_valid(const Cpu *cpu, const Segment *cs, u64 offset)
{
    if (cpu_long(cpu) && (cs->attr & SEG_L)) {
        return cpu_canonical(cpu, offset);
    }
    return offset <= cs->limit;
}

/* MOV in vol. 2, "IF SS is loaded". */
static void check_stack_segment(Cpu *cpu, const Segment *s)
{
    u32 error = selector_error(s->selector);

    if ((s->selector & 3) != cpu->cpl || !attr_writable(s->attr) ||
        SEG_DPL(s->attr) != cpu->cpl) {
        cpu_gp(cpu, error);
    }
    if (!(s->attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_SS, error);
    }
}

/* MOV in vol. 2, "IF DS, ES, FS, or GS is loaded with non-NULL selector". */
static void check_data_segment(Cpu *cpu, const Segment *s)
{
    u32 error = selector_error(s->selector);
    unsigned rpl = s->selector & 3;

    if (!attr_readable(s->attr) ||
        (!attr_conforming(s->attr) && MAX(rpl, cpu->cpl) > SEG_DPL(s->attr))) {
        cpu_gp(cpu, error);
    }
    if (!(s->attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_NP, error);
    }
}

static void load_null(Cpu *cpu, unsigned seg, u16 selector)
{
    if (seg == SEG_SS &&
        (!cpu_code64(cpu) || cpu->cpl == 3 || (selector & 3) != cpu->cpl)) {
        cpu_gp(cpu, 0);
    }
    cpu->seg[seg] = segment_null(selector, seg == SEG_SS ? cpu->cpl : 0);
}

static void load_protected(Cpu *cpu, unsigned seg, u16 selector)
{
    Segment s;

    if (!descriptor_segment(cpu, selector, &s)) {
        cpu_gp(cpu, selector_error(selector));
    }
    if (seg == SEG_SS) {
        check_stack_segment(cpu, &s);
    } else {
        check_data_segment(cpu, &s);
    }
    descriptor_accessed(cpu, &s);
    cpu->seg[seg] = s;
}

void cpu_load_segment(Cpu *cpu, unsigned seg, u16 selector)
{
    if (!cpu_protected(cpu) || cpu_v86(cpu)) {
        load_real_segment(cpu, seg, selector);
    } else if (selector_null(selector)) {
        load_null(cpu, seg, selector);
    } else {
        load_protected(cpu, seg, selector);
    }
    if (seg == SEG_SS) {
        cpu_mode_changed(cpu);
    }
}

/* ---- accesses ---- */

/*
 * 5.3: an expand-down segment holds what is above its limit.  An access that passes 4
 * GiB fails even where the limit is 4 GiB, which the SDM leaves to the implementation.
 */
bool segment_holds(const Segment *s, u64 offset, unsigned size)
{
    u64 last = offset + size - 1;

    if (attr_data(s->attr) && (SEG_TYPE(s->attr) & TYPE_DOWN)) {
        return offset > s->limit &&
               last <= (s->attr & SEG_DB ? UINT32_MAX : UINT16_MAX);
    }
    return last <= s->limit;
}

static bool access_allowed(const Cpu *cpu, const Segment *s, Access access)
{
    if (cpu->mode & MODE_REAL) {
        return true;
    }
    if (s->attr & SEG_UNUSABLE) {
        return false;
    }
    return access == ACCESS_WRITE ? attr_writable(s->attr) : attr_readable(s->attr);
}

gva segment_linear(Cpu *cpu, unsigned seg, u64 offset, unsigned size, Access access)
{
    const Segment *s = &cpu->seg[seg];

    if (cpu_code64(cpu)) {
        return seg == SEG_FS || seg == SEG_GS ? s->base + offset : offset;
    }
    if (unlikely(!access_allowed(cpu, s, access) || !segment_holds(s, offset, size))) {
        cpu_raise_error(cpu, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
    }
    return (u32)(s->base + offset);
}
