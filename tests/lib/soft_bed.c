/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with the software CPU and nothing else.  See soft_bed.h.
 */

#include "tests/lib/soft_bed.h"

static void requested(Machine *machine, RequestKind kind, int value, const char *cause)
{
    SoftBed *bed = machine->owner;

    atomic_store(&bed->value, value);
    atomic_store(&bed->request, kind);
}

static void exit_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    machine_request(opaque, REQUEST_EXIT, value, "exit port");
}

static const RegionOps exit_ops = { .write = exit_write };

static bool no_pic(Machine *machine)
{
    return false;
}

SoftBed *soft_bed_new(unsigned cpus, const char *model)
{
    SoftBed *bed = g_new0(SoftBed, 1);
    AccelConfig config = { .cpu = model, .topology = { cpus, cpus, 1, 1 } };
    GError *err = NULL;

    bed->machine = machine_new();
    bed->machine->cpus = cpus;
    bed->machine->owner = bed;
    bed->machine->request = requested;
    bed->machine->pic_pending = no_pic;
    atomic_store(&bed->request, -1);
    g_assert_true(
        mem_add_ram(bed->machine->mem, bed->machine->mmio, "ram", 0, BED_RAM, &err));
    region_init_io(&bed->exit_port, "exit", &exit_ops, bed->machine, 4);
    space_add(bed->machine->io, &bed->exit_port, BED_EXIT_PORT, 1);
    accel_soft.open(bed->machine, &config, &err);
    g_assert_no_error(err);
    bed->soft = container_of(bed->machine->accel, Soft, accel);
    bed->cpu = bed->soft->cpu[0];
    bed->soft->hot = 1;                 /* what runs twice runs translated */
    g_assert_true(accel_soft.get_state(bed->machine->accel, 0, &bed->state, NULL));
    return bed;
}

void soft_bed_free(SoftBed *bed)
{
    accel_close(bed->machine->accel);
    region_fini(&bed->exit_port);
    machine_free(bed->machine);
    g_free(bed);
}

void soft_bed_put(SoftBed *bed, gpa at, const void *from, size_t n)
{
    g_assert_true(mem_write(bed->machine->mem, at, from, n));
}

void soft_bed_put64(SoftBed *bed, gpa at, u64 value)
{
    soft_bed_put(bed, at, &value, sizeof value);
}

u64 soft_bed_get64(SoftBed *bed, gpa at)
{
    u64 value;

    g_assert_true(mem_read(bed->machine->mem, at, &value, sizeof value));
    return value;
}

void soft_bed_set(SoftBed *bed)
{
    GError *err = NULL;

    accel_soft.set_state(bed->machine->accel, 0, &bed->state, &err);
    g_assert_no_error(err);
}

void soft_bed_long_mode(SoftBed *bed, u64 cr3)
{
    X86State *state = &bed->state;

    for (unsigned i = 0; i < SEG_LDTR; i++) {
        state->segs.base[i] = 0;
        state->segs.limit[i] = UINT32_MAX;
        state->segs.attr[i] = SEG_P | SEG_S | SEG_G | 3 << 8 | SEG_DB;
        state->segs.selector[i] = 0x10;
    }
    state->segs.attr[SEG_CS] = SEG_P | SEG_S | SEG_G | 11 << 8 | SEG_L;
    state->segs.selector[SEG_CS] = 8;
    state->control.cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_WP;
    state->control.cr3 = cr3;
    state->control.cr4 = CR4_PAE;
    state->control.efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
}

void soft_bed_identity(SoftBed *bed, u64 tables)
{
    soft_bed_put64(bed, tables, (tables + 0x1000) | 7);
    soft_bed_put64(bed, tables + 0x1000, (tables + 0x2000) | 7);
    for (unsigned i = 0; i < BED_RAM >> 21; i++) {
        soft_bed_put64(bed, tables + 0x2000 + i * 8, (u64)i << 21 | 0x87);
    }
    soft_bed_long_mode(bed, tables);
}

void soft_bed_flat(SoftBed *bed, unsigned cpl)
{
    X86State *s = &bed->state;

    x86_state_reset(s, 0, true);
    s->control.cr0 = CR0_PE | CR0_ET;
    for (unsigned i = 0; i < SEG_LDTR; i++) {
        s->segs.base[i] = 0;
        s->segs.limit[i] = UINT32_MAX;
        s->segs.attr[i] = SEG_P | SEG_S | SEG_G | SEG_DB | 3 << 8 | cpl << 13;
    }
    s->segs.attr[SEG_CS] |= 8 << 8;
    s->segs.gdt_base = BED_GDT;
    s->segs.gdt_limit = BED_GDT_BYTES - 1;
    s->segs.base[SEG_TR] = BED_TSS;
    s->segs.limit[SEG_TR] = 0x67;
    s->regs.rip = BED_RIP;
}

void soft_bed_flat_to_long(SoftBed *bed)
{
    soft_bed_put64(bed, 0x10000, 0x11007);
    soft_bed_put64(bed, 0x11000, 0x12007);
    soft_bed_put64(bed, 0x12000, 0x87);
    bed->state.control.cr0 |= CR0_PG;
    bed->state.control.cr3 = 0x10000;
    bed->state.control.cr4 = CR4_PAE;
    bed->state.control.efer = EFER_LME | EFER_LMA;
    bed->state.segs.attr[SEG_CS] ^= SEG_L | SEG_DB;
}

void soft_bed_put_flat(SoftBed *bed, u16 selector, u8 access, u8 flags)
{
    soft_bed_put64(bed, BED_GDT + (selector & ~7), 0xffff | (u64)access << 40 |
                                                   (u64)(flags << 4 | 0xf) << 48);
}

int soft_bed_execute(SoftBed *bed, const u8 *bytes, unsigned n)
{
    static Insn insn;
    Cpu *cpu = bed->cpu;
    int caught;

    decode_insn(bytes, n, cpu->mode & ~MODE_STEP, 0, cpu, &insn);
    cpu->insn = &insn;
    cpu->gpr[REG_BLOCK] = cpu->rip;
    caught = CAUGHT(cpu, insn_fn(&insn)(cpu, &insn));
    cpu->insn = NULL;
    return caught;
}

int soft_bed_run(SoftBed *bed)
{
    gint64 until = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

    atomic_store(&bed->request, -1);
    clock_start(bed->machine->clock);
    accel_soft.resume(bed->machine->accel);
    while (atomic_load(&bed->request) < 0 && g_get_monotonic_time() < until) {
        g_usleep(200);
    }
    accel_soft.pause(bed->machine->accel);
    clock_stop(bed->machine->clock);
    g_assert_true(accel_soft.get_state(bed->machine->accel, 0, &bed->state, NULL));
    return atomic_load(&bed->request);
}
