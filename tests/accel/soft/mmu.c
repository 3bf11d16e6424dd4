/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses through the TLB: pieces across pages, devices, ROM, the local APIC, what
 * faults before anything is written, flushes, dirty marks, pages with decoded code,
 * canonical addresses, alignment checks, data breakpoints.
 */

#include "accel/soft/mmu.h"
#include "accel/soft/run.h"
#include "accel/soft/tlb.h"
#include "accel/soft/walk.h"
#include "base/lock.h"
#include "tests/lib/soft_bed.h"

/* ---- a device that writes down what it sees, and a ROM ---- */

enum { DEVICE = 0x20000000, DEVICE_BYTES = 0x1800, ROM = 0x30000000 };

static struct {
    struct { u64 offset, value; unsigned size; bool write; } access[16];
    unsigned n;
} seen;

static u64 device_read(void *opaque, u64 offset, unsigned size)
{
    seen.access[seen.n % 16].offset = offset;
    seen.access[seen.n % 16].size = size;
    seen.access[seen.n++ % 16].write = false;
    return 0x8877665544332211 + offset;
}

static void device_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    seen.access[seen.n % 16].offset = offset;
    seen.access[seen.n % 16].size = size;
    seen.access[seen.n % 16].value = value;
    seen.access[seen.n++ % 16].write = true;
}

static const RegionOps device_ops = { device_read, device_write, 0 };

/*
 * ---- the guest: 4-level paging, 4 KiB pages for the first 2 MiB of linear addresses
 * ----
 */

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
enum { PML4 = 0x1000, PDPT = 0x2000, PD = 0x3000, PT = 0x4000, RAM = 0x100000 };

typedef struct {
    SoftBed *bed;
    Cpu *cpu;
    Region device, rom;
} Fixture;

static void map(Fixture *f, gva at, u64 entry)
{
    soft_bed_put64(f->bed, PT + (at >> 12 & 511) * 8, entry);
}

static void set_up(Fixture *f, gconstpointer data)
{
    SoftBed *bed = f->bed = soft_bed_new(1, NULL);

    f->cpu = bed->cpu;
    memset(&seen, 0, sizeof seen);
    machine_lock();
    region_init_io(&f->device, "device", &device_ops, NULL, DEVICE_BYTES);
    space_add(bed->machine->mmio, &f->device, DEVICE, 1);
    g_assert_true(region_init_rom(&f->rom, "rom", PAGE_BYTES, NULL));
    memcpy(region_rom_bytes(&f->rom), "firmware", 8);
    space_add(bed->machine->mmio, &f->rom, ROM, 1);
    machine_unlock();
    soft_bed_put64(bed, PML4, PDPT | P | W | U);
    soft_bed_put64(bed, PML4 + 511 * 8, PDPT | P | W | U);
    soft_bed_put64(bed, PDPT, PD | P | W | U);
    soft_bed_put64(bed, PDPT + 511 * 8, PD | P | W | U);
    soft_bed_put64(bed, PD, PT | P | W | U);
    soft_bed_put64(bed, PD + 8, 0x200000 | P | W | U | PS);
    soft_bed_put64(bed, PD + 511 * 8, PT | P | W | U);
    soft_bed_long_mode(bed, PML4);
    soft_bed_set(bed);
}

/* A device access ends "in the guest", where this thread is not. */
static void tear_down(Fixture *f, gconstpointer data)
{
    guest_leave(f->cpu);
    machine_lock();
    region_fini(&f->device);
    region_fini(&f->rom);
    machine_unlock();
    soft_bed_free(f->bed);
}

/* The privilege level alone: what the MMU looks at. */
static void set_cpl(Fixture *f, unsigned cpl)
{
    f->cpu->cpl = cpl;
    cpu_mode_changed(f->cpu);
}

static void faults(Fixture *f, int vector, gva cr2, u32 error, int caught)
{
    g_assert_cmpint(caught, ==, vector);
    g_assert_cmphex(f->cpu->raised_error, ==, error);
    if (vector == EXC_PF) {
        g_assert_cmphex(f->cpu->cr2, ==, cr2);
    }
}

/* ---- a new CPU's entries, most of which nobody has touched ---- */

static void test_new(Fixture *f, gconstpointer data)
{
    static const gva page[] = { 0, 0x5000, 0x1ff000, 0xffffffffffe00000 };
    static u8 bytes[8];

    for (unsigned i = 0; i < G_N_ELEMENTS(page); i++) {
        map(f, page[i], 0);
        faults(f, EXC_PF, page[i], 0, CAUGHT(f->cpu, cpu_load64(f->cpu, page[i])));
        faults(f, EXC_PF, page[i], PF_WRITE,
               CAUGHT(f->cpu, mmu_write(f->cpu, page[i], bytes, sizeof bytes)));
    }
}

/* ---- across two pages ---- */

static void test_crossing(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;
    u8 bytes[32];

    map(f, 0x5000, RAM | P | W);
    map(f, 0x6000, (RAM + 0x7000) | P | W);
    cpu_store64(cpu, 0x5ffd, 0x8877665544332211);
    g_assert_cmphex(cpu_load64(cpu, 0x5ffd), ==, 0x8877665544332211);
    g_assert_cmphex(soft_bed_get64(f->bed, RAM + 0xff8) >> 40, ==, 0x332211);
    g_assert_cmphex(soft_bed_get64(f->bed, RAM + 0x7000) & 0xffffffffff, ==,
                    0x8877665544);
    mmu_read(cpu, 0x5ff0, bytes, sizeof bytes);
    g_assert_cmphex(bytes[13], ==, 0x11);
    g_assert_cmphex(bytes[20], ==, 0x88);
}

/* The second page faults: its first byte is CR2, and the first page is as it was. */
static void test_crossing_fault(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    map(f, 0x5000, RAM | P | W);
    map(f, 0x6000, (RAM + 0x7000) | P);
    soft_bed_put64(f->bed, RAM + 0xff8, 0x1122334455667788);
    faults(f, EXC_PF, 0x6000, P | W, CAUGHT(cpu, cpu_store32(cpu, 0x5ffe, 0)));
    faults(f, EXC_PF, 0x6000, P | W, CAUGHT(cpu, mmu_probe_write(cpu, 0x5ffe, 4)));
    faults(f, EXC_PF, 0x6000, P | W, CAUGHT(cpu, mmu_rmw(cpu, 0x5ffe, 4)));
    g_assert_cmphex(soft_bed_get64(f->bed, RAM + 0xff8), ==, 0x1122334455667788);
    map(f, 0x6000, 0);
    faults(f, EXC_PF, 0x6000, 0, CAUGHT(cpu, cpu_load64(cpu, 0x5fff)));
    g_assert_cmpint(CAUGHT(cpu, cpu_load8(cpu, 0x5fff)), ==, -1);
}

/* In 32-bit code the byte after 4 GiB - 1 is byte 0. */
static void test_wrap(Fixture *f, gconstpointer data)
{
    X86State *state = &f->bed->state;

    state->control.cr0 &= ~(u64)CR0_PG;
    state->control.efer = 0;
    state->segs.attr[SEG_CS] = SEG_P | SEG_S | SEG_G | 11 << 8 | SEG_DB;
    soft_bed_set(f->bed);
    soft_bed_put64(f->bed, 0, 0x99);
    g_assert_cmphex(cpu_load16(f->cpu, UINT32_MAX), ==, 0x99ff);
}

/* ---- devices, ROM, the APIC ---- */

static void test_device(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;
    u8 bytes[16];

    map(f, 0x7000, DEVICE | P | W);
    g_assert_cmphex(cpu_load32(cpu, 0x7010), ==, 0x44332221);
    g_assert_cmpint(seen.access[0].size, ==, 4);
    cpu_store16(cpu, 0x7002, 0xabcd);
    g_assert_cmphex(seen.access[1].value, ==, 0xabcd);
    g_assert_cmpint(seen.access[1].size, ==, 2);
    g_assert_null(mmu_rmw(cpu, 0x7000, 4));
    g_assert_cmpint(seen.n, ==, 2);
    mmu_read(cpu, 0x7100, bytes, 16);           /* as two accesses of eight */
    g_assert_cmpint(seen.n, ==, 4);
    g_assert_cmpint(seen.access[3].size, ==, 8);
    g_assert_cmphex(seen.access[3].offset, ==, 0x108);
}

/* Half of the second page belongs to nobody. */
static void test_device_end(Fixture *f, gconstpointer data)
{
    map(f, 0x7000, (DEVICE + 0x1000) | P | W);
    g_assert_cmphex(cpu_load32(f->cpu, 0x77fc), ==, (u32)(0x44332211 + 0x17fc));
    g_assert_cmphex(cpu_load32(f->cpu, 0x7800), ==, UINT32_MAX);
    cpu_store32(f->cpu, 0x7800, 1);
    g_assert_cmpint(seen.n, ==, 1);
}

static void test_rom(Fixture *f, gconstpointer data)
{
    const u8 *code;
    u64 ram_page;
    gpa phys;

    map(f, 0x7000, ROM | P | W);
    g_assert_cmphex(cpu_load8(f->cpu, 0x7000), ==, 'f');
    cpu_store8(f->cpu, 0x7000, 'x');
    cpu_store64(f->cpu, 0x6ffc + 4, 0);
    g_assert_cmphex(cpu_load8(f->cpu, 0x7000), ==, 'f');
    g_assert_null(mmu_rmw(f->cpu, 0x7000, 4));
    code = mmu_fetch(f->cpu, 0x7004, &phys, &ram_page);
    g_assert_cmphex(*code, ==, 'w');
    g_assert_cmphex(phys, ==, ROM + 4);
    g_assert_cmphex(ram_page, ==, UINT64_MAX);
}

/* The version register, at its place and where IA32_APIC_BASE moves it. */
static void test_apic(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;
    u32 version;

    map(f, 0x7000, 0xfee00000 | P | W);
    map(f, 0x8000, RAM | P | W);
    version = cpu_load32(cpu, 0x7030);
    g_assert_cmphex(version, ==, lapic_read(cpu->lapic, 0x30));
    g_assert_cmphex(cpu_load8(cpu, 0x7032), ==, version >> 16 & 0xff);
    g_assert_cmphex(cpu_load32(cpu, 0x7034), ==, 0);
    cpu_store32(cpu, 0x7080, 0x30);
    g_assert_cmphex(lapic_tpr(cpu->lapic), ==, 0x30);
    g_assert_cmphex(cpu_load32(cpu, 0x8030), ==, 0);
    cpu_wrmsr(cpu, MSR_APIC_BASE, RAM | 0x900);
    g_assert_cmphex(cpu_load32(cpu, 0x8030), ==, version);
    g_assert_cmphex(cpu_load32(cpu, 0x7030), ==, UINT32_MAX);
}

/* ---- rights ---- */

static void test_rights(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    map(f, 0x5000, RAM | P);
    map(f, 0x6000, RAM | P | U);
    g_assert_cmpint(CAUGHT(cpu, cpu_load8(cpu, 0x5000)), ==, -1);
    faults(f, EXC_PF, 0x5123, P | W, CAUGHT(cpu, cpu_store8(cpu, 0x5123, 0)));
    set_cpl(f, 3);
    faults(f, EXC_PF, 0x5001, P | U, CAUGHT(cpu, cpu_load8(cpu, 0x5001)));
    g_assert_cmpint(CAUGHT(cpu, cpu_load8(cpu, 0x6000)), ==, -1);
    faults(f, EXC_PF, 0x6000, P | W | U, CAUGHT(cpu, cpu_store8(cpu, 0x6000, 0)));
    /* The processor's own accesses have the kernel's rights. */
    g_assert_cmpint(CAUGHT(cpu, mmu_read_system(cpu, 0x5000, &(u64){ 0 }, 8)), ==, -1);
    /*
     * SMAP: AC opens user pages to the kernel's instructions, not to the processor's
     * accesses.
     */
    set_cpl(f, 0);
    cpu_set_cr4(cpu, cpu->cr4 | CR4_SMAP);
    faults(f, EXC_PF, 0x6000, P, CAUGHT(cpu, cpu_load8(cpu, 0x6000)));
    cpu_set_flags(cpu, FLAG_AC);
    g_assert_cmpint(CAUGHT(cpu, cpu_load8(cpu, 0x6000)), ==, -1);
    faults(f, EXC_PF, 0x6000, P,
           CAUGHT(cpu, mmu_read_system(cpu, 0x6000, &(u64){ 0 }, 8)));
    /* CR0.WP off. */
    cpu_set_cr0(cpu, cpu->cr0 & ~(u64)CR0_WP);
    g_assert_cmpint(CAUGHT(cpu, cpu_store8(cpu, 0x5000, 0)), ==, -1);
}

static int caught_load(Fixture *f, gva at)
{
    return CAUGHT(f->cpu, cpu_load32(f->cpu, at));
}

static void test_canonical(Fixture *f, gconstpointer data)
{
    static const Insn on_stack = { .base = RBP, .index = REG_NONE, .seg = SEG_FLAT,
                                   .shape = INSN_ADDR64 | INSN_MEM };
    Cpu *cpu = f->cpu;

    faults(f, EXC_GP, 0, 0, caught_load(f, 0x0000800000000000));
    faults(f, EXC_GP, 0, 0, caught_load(f, 0x00007ffffffffffe));
    faults(f, EXC_GP, 0, 0, caught_load(f, 0xffff7fffffffffff));
    g_assert_cmpint(caught_load(f, 0xffffffffffff0000), ==, EXC_PF);
    cpu->insn = &on_stack;
    cpu->gpr[RBP] = 0x8000000000000000;
    faults(f, EXC_SS, 0, 0, caught_load(f, 0x8000000000000000));
    cpu->insn = NULL;
    cpu->gpr[RSP] = 0x8000000000000000;
    faults(f, EXC_SS, 0, 0, CAUGHT(cpu, cpu_push(cpu, 0, 8)));
    g_assert_cmphex(cpu->gpr[RSP], ==, 0x8000000000000000);
    cpu_set_cr0(cpu, cpu->cr0);
}

static void test_alignment(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    map(f, 0x6000, RAM | P | W | U);
    cpu_set_cr0(cpu, cpu->cr0 | CR0_AM);
    cpu_set_flags(cpu, FLAG_AC);
    g_assert_cmpint(caught_load(f, 0x6001), ==, -1);
    set_cpl(f, 3);
    faults(f, EXC_AC, 0, 0, caught_load(f, 0x6001));
    faults(f, EXC_AC, 0, 0, CAUGHT(cpu, cpu_store16(cpu, 0x6003, 0)));
    g_assert_cmpint(caught_load(f, 0x6004), ==, -1);
    cpu_set_flags(cpu, 0);
    g_assert_cmpint(caught_load(f, 0x6001), ==, -1);
}

/* ---- flushes ---- */

static void test_flush(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    cpu_set_cr4(cpu, cpu->cr4 | CR4_PGE);
    map(f, 0x5000, RAM | P | W);
    map(f, 0x6000, RAM | P | W | G);
    soft_bed_put64(f->bed, RAM, 1);
    soft_bed_put64(f->bed, RAM + 0x1000, 2);
    g_assert_cmpint(cpu_load8(cpu, 0x5000), ==, 1);
    g_assert_cmpint(cpu_load8(cpu, 0x6000), ==, 1);
    map(f, 0x5000, (RAM + 0x1000) | P | W);
    map(f, 0x6000, (RAM + 0x1000) | P | W | G);
    g_assert_cmpint(cpu_load8(cpu, 0x5000), ==, 1);
    mmu_flush_page(cpu, 0x5fff);
    g_assert_cmpint(cpu_load8(cpu, 0x5000), ==, 2);
    cpu_set_cr3(cpu, PML4);
    g_assert_cmpint(cpu_load8(cpu, 0x6000), ==, 1);
    mmu_flush_page(cpu, 0x6000);
    g_assert_cmpint(cpu_load8(cpu, 0x6000), ==, 2);
    map(f, 0x5000, RAM | P | W);
    cpu_set_cr3(cpu, PML4);
    g_assert_cmpint(cpu_load8(cpu, 0x5000), ==, 1);
}

/* One INVLPG drops all pieces of a large page. */
static void test_flush_large(Fixture *f, gconstpointer data)
{
    soft_bed_put64(f->bed, 0x200000, 1);
    soft_bed_put64(f->bed, 0x400000, 2);
    g_assert_cmpint(cpu_load8(f->cpu, 0x200000), ==, 1);
    soft_bed_put64(f->bed, PD + 8, 0x400000 | P | W | U | PS);
    mmu_flush_page(f->cpu, 0x3ff000);
    g_assert_cmpint(cpu_load8(f->cpu, 0x200000), ==, 2);
}

/*
 * INVLPG takes the jump cache of the code that may lie there.  A user's page is none of
 * the kernel's, whatever its number's lower bits, unless the kernel runs code down there.
 */
static void test_flush_jumps(Fixture *f, gconstpointer data)
{
    enum { USER = 0x5000 };
    const gva kernel = 0xffffffff80000000 + USER;
    JumpSpace *space = f->cpu->jump_space;
    u64 user_age = space[0].age, age = space[1].age;

    jump_note_page(&space[0], USER);
    jump_note_page(&space[1], kernel);
    mmu_flush_page(f->cpu, USER);
    g_assert_cmpint(space[0].age, !=, user_age);
    g_assert_cmpint(space[1].age, ==, age);
    mmu_flush_page(f->cpu, kernel);
    g_assert_cmpint(space[1].age, !=, age);
    age = space[1].age;
    jump_note_page(&space[1], USER);
    f->cpu->jump_local = true;
    mmu_flush_page(f->cpu, USER);
    g_assert_cmpint(space[1].age, !=, age);
}

/* Many entries, so that slots are used again: the log of used entries keeps up. */
static void test_flush_many(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 500; i++) {
            gva at = 0x8000 + (i * 7919 % 500 << 12);

            map(f, at, (RAM + ((i + round) % 64 << 12)) | P | W);
            mmu_flush_page(cpu, at);
            cpu_store32(cpu, at, i);
            g_assert_cmpint(cpu_load32(cpu, at), ==, i);
        }
        g_assert_cmpint(cpu->tlb_log[0].n, <=, 500 + 1);
        if (round % 3 == 0) {
            mmu_flush(cpu);
            g_assert_cmpint(cpu->tlb_log[0].n, ==, 0);
        }
    }
}

/* From the last page, which is not mapped, into the first one, which is. */
static void ends_in_page_zero(Fixture *f)
{
    g_assert_cmpint(CAUGHT(f->cpu, cpu_load64(f->cpu, -1)), ==, EXC_PF);
    g_assert_cmphex(f->cpu->cr2, ==, UINT64_MAX);
    g_assert_cmpint(CAUGHT(f->cpu, cpu_store64(f->cpu, -7, 1)), ==, EXC_PF);
}

/* Tables that were never filled are zero, which is the tag of page 0. */
static void test_page_zero(Fixture *f, gconstpointer data)
{
    map(f, 0, 0);
    mmu_flush(f->cpu);
    g_assert_cmpint(caught_load(f, 8), ==, EXC_PF);
    set_cpl(f, 3);
    g_assert_cmpint(caught_load(f, 8), ==, EXC_PF);
    g_assert_cmpint(CAUGHT(f->cpu, cpu_store8(f->cpu, 8, 1)), ==, EXC_PF);
    map(f, 0, RAM | P | W | U);
    soft_bed_put64(f->bed, RAM, 7);
    g_assert_cmpint(cpu_load8(f->cpu, 0), ==, 7);
    ends_in_page_zero(f);
}

/* Pages that drive each other out let the tables grow; then all of them fit. */
static void test_growth(Fixture *f, gconstpointer data)
{
    enum { ONE = 0x200000, TWO = ONE + TLB_FIRST_SIZE * PAGE_BYTES, TURNS = 8 };
    Cpu *cpu = f->cpu;
    unsigned conflicts = 0;

    soft_bed_put64(f->bed, PD + TWO / (2 << 20) * 8, TWO | P | W | U | PS);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        conflicts = cpu->tlb_conflicts;
        for (unsigned i = 0; i < TLB_FIRST_SIZE; i++) {
            soft_bed_put64(f->bed, ONE + i * PAGE_BYTES, turn * 1000 + i);
            soft_bed_put64(f->bed, TWO + i * PAGE_BYTES, turn * 2000 + i);
            g_assert_cmpint(cpu_load64(cpu, ONE + i * PAGE_BYTES), ==, turn * 1000 + i);
            g_assert_cmpint(cpu_load64(cpu, TWO + i * PAGE_BYTES), ==, turn * 2000 + i);
        }
        if (atomic_exchange(&cpu->request, 0) & REQUEST_FLUSH) {
            g_assert_cmpuint(tlb_size(cpu), ==, TLB_FIRST_SIZE);
            mmu_flush(cpu);
        }
    }
    g_assert_cmpuint(tlb_size(cpu), ==, TLB_FIRST_SIZE * TLB_GROWTH);
    g_assert_cmpuint(cpu->tlb_conflicts, ==, conflicts);
    soft_bed_put64(f->bed, PD + ONE / (2 << 20) * 8, TWO | P | W | U | PS);
    g_assert_cmpint(cpu_load64(cpu, ONE), ==, (TURNS - 1) * 1000);
    mmu_flush_page(cpu, ONE);
    g_assert_cmpint(cpu_load64(cpu, ONE), ==, (TURNS - 1) * 2000);
    ends_in_page_zero(f);
}

/* ---- dirty marks and code ---- */

static void test_dirty(Fixture *f, gconstpointer data)
{
    u8 *flags = mem_page_flags(f->bed->machine->mem);

    map(f, 0x5000, RAM | P | W);
    memset(flags, 0, mem_pages(f->bed->machine->mem));
    g_assert_cmpint(cpu_load8(f->cpu, 0x5000), ==, 0);
    g_assert_cmphex(flags[RAM >> 12], ==, 0);
    g_assert_cmphex(flags[PT >> 12], ==, PAGE_DIRTY_ALL);       /* its accessed bit */
    cpu_store8(f->cpu, 0x5000, 1);
    g_assert_cmphex(flags[RAM >> 12], ==, PAGE_DIRTY_ALL);
    flags[RAM >> 12] = 0;
    mmu_flush(f->cpu);
    g_assert_cmpint(cpu_load8(f->cpu, 0x5000), ==, 1);
    g_assert_cmphex(flags[RAM >> 12], ==, 0);
    *(u32 *)mmu_rmw(f->cpu, 0x5010, 4) += 1;
    g_assert_cmphex(flags[RAM >> 12], ==, PAGE_DIRTY_ALL);
}

/*
 * A write to bytes that were decoded drops them; then the page is an ordinary one
 * again.
 */
static void test_code(Fixture *f, gconstpointer data)
{
    static const u8 code[] = { 0x90, 0x90, 0xf4 };
    u8 *flags = mem_page_flags(f->bed->machine->mem);
    Cpu *cpu = f->cpu;
    TlbEntry *e = &cpu->tlbs[MMU_KERNEL][5];
    Block *block;

    map(f, 0x5000, RAM | P | W);
    soft_bed_put(f->bed, RAM + 0x100, code, sizeof code);
    cpu_store8(cpu, 0x5000, 1);
    g_assert_cmphex(e->write, ==, 0x5000);
    cpu->rip = 0x5100;
    block = block_find(cpu);
    g_assert_true(block->valid);
    g_assert_cmphex(flags[RAM >> 12] & PAGE_CODE, ==, PAGE_CODE);
    g_assert_cmphex(e->write, ==, tlb_slow(0x5000));
    cpu_store8(cpu, 0x5800, 1);                     /* data in the same page */
    g_assert_true(block->valid);
    cpu_store8(cpu, 0x5101, 0xf4);
    g_assert_false(block->valid);
    g_assert_cmphex(flags[RAM >> 12] & PAGE_CODE, ==, 0);
    g_assert_cmphex(e->write, ==, 0x5000);
    block = block_find(cpu);
    g_assert_nonnull(mmu_rmw(cpu, 0x5100, 1));
    g_assert_false(block->valid);
}

/* ---- data breakpoints ---- */

static void test_breakpoints(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    map(f, 0x5000, RAM | P | W);
    cpu->dr[0] = 0x5010;
    cpu->dr[1] = 0x5020;
    /* Four bytes written, one byte touched. */
    cpu->dr[7] = DR7_FIXED | 1 << 0 | 1 << 2 | 0xdu << 16 | 0x3u << 20;
    cpu_mode_changed(cpu);
    g_assert_true(cpu->mode & MODE_STEP);
    cpu_load32(cpu, 0x5010);
    g_assert_cmphex(cpu->dr_hit, ==, 0);
    cpu_store8(cpu, 0x5014, 0);
    g_assert_cmphex(cpu->dr_hit, ==, 0);
    cpu_store8(cpu, 0x5013, 0);
    g_assert_cmphex(cpu->dr_hit, ==, 1);
    cpu_load64(cpu, 0x501c);
    g_assert_cmphex(cpu->dr_hit, ==, 3);
    cpu->dr[7] = DR7_FIXED;
    cpu_mode_changed(cpu);
    g_assert_false(cpu->mode & MODE_STEP);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        { "new", test_new },
        { "crossing", test_crossing },
        { "crossing-fault", test_crossing_fault },
        { "wrap", test_wrap },
        { "device", test_device },
        { "device-end", test_device_end },
        { "rom", test_rom },
        { "apic", test_apic },
        { "rights", test_rights },
        { "canonical", test_canonical },
        { "alignment", test_alignment },
        { "flush", test_flush },
        { "flush-large", test_flush_large },
        { "flush-jumps", test_flush_jumps },
        { "flush-many", test_flush_many },
        { "page-zero", test_page_zero },
        { "growth", test_growth },
        { "dirty", test_dirty },
        { "code", test_code },
        { "breakpoints", test_breakpoints },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/soft/mmu/%s", tests[i].name);

        g_test_add(path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
