/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control and debug registers, MSRs, descriptor-table instructions, ports, and who may
 * use them (SDM vol. 2; vol. 1, 19.5).  Each instruction is decoded from its bytes and
 * executed alone.
 */

#include "accel/soft/mmu.h"
#include "accel/soft/segment.h"
#include "tests/lib/soft_bed.h"

enum { GDT = BED_GDT, TSS = BED_TSS, POINTER = 0x7000 };
enum { CODE0 = 0x08, DATA0 = 0x10, T = 0x28, BEYOND = BED_GDT_BYTES };

typedef struct {
    SoftBed *bed;
    Cpu *cpu;
} Fixture;

/* The TSS has room for a map of the first 64 Ki ports. */
static void enter(Fixture *f, unsigned cpl)
{
    soft_bed_flat(f->bed, cpl);
    f->bed->state.segs.limit[SEG_TR] = 0x2067;
    soft_bed_set(f->bed);
}

static void enter_long(Fixture *f, unsigned cpl)
{
    enter(f, cpl);
    soft_bed_flat_to_long(f->bed);
    soft_bed_set(f->bed);
}

static void set_up(Fixture *f, gconstpointer data)
{
    f->bed = soft_bed_new(1, NULL);
    f->cpu = f->bed->cpu;
    enter(f, 0);
}

/* Device accesses end "in the guest", where this thread is not. */
static void tear_down(Fixture *f, gconstpointer data)
{
    guest_leave(f->cpu);
    soft_bed_free(f->bed);
}

#define EXECUTE(f, ...) \
    soft_bed_execute((f)->bed, (const u8[]){ __VA_ARGS__ }, \
                     sizeof((u8[]){ __VA_ARGS__ }))

#define FROM_RAX(cr)   0x0f, 0x22, 0xc0 | cr << 3       /* mov %rax, %crN */
#define TO_RAX(cr)     0x0f, 0x20, 0xc0 | cr << 3
#define DR_FROM_RAX(n) 0x0f, 0x23, 0xc0 | n << 3
#define DR_TO_RAX(n)   0x0f, 0x21, 0xc0 | n << 3

/* ---- who may execute what ---- */

static void test_privilege(Fixture *f, gconstpointer data)
{
    static const u8 kernel_only[][4] = {
        { 0xf4 },
        { 0x0f, 0x06 },
        { 0x0f, 0x08 },
        { 0x0f, 0x09 },
        { 0x0f, 0x30 },
        { 0x0f, 0x32 },
        { 0x0f, 0x20, 0xc0 },
        { 0x0f, 0x22, 0xc0 },
        { 0x0f, 0x21, 0xc0 },
        { 0x0f, 0x23, 0xc0 },
        { 0x0f, 0x00, 0xd0 },
        { 0x0f, 0x00, 0xd8 },
        { 0x0f, 0x01, 0xf0 },
        { 0x0f, 0x01, 0x38 },
        { 0x0f, 0x01, 0x10 },
        { 0x0f, 0x01, 0x18 },
        { 0xfa },
        { 0xfb },
        { 0xec },
        { 0xee },
    };
    static const u8 umip[][4] = {
        { 0x0f, 0x01, 0x00 }, { 0x0f, 0x01, 0x08 }, { 0x0f, 0x00, 0xc0 },
        { 0x0f, 0x00, 0xc8 }, { 0x0f, 0x01, 0xe0 },
    };

    enter(f, 3);
    f->cpu->gpr[RAX] = POINTER;
    f->cpu->seg[SEG_TR].attr = SEG_UNUSABLE;            /* no ports */
    for (unsigned i = 0; i < G_N_ELEMENTS(kernel_only); i++) {
        g_test_message("%02x %02x", kernel_only[i][0], kernel_only[i][1]);
        g_assert_cmpint(soft_bed_execute(f->bed, kernel_only[i], 4), ==, EXC_GP);
        g_assert_cmphex(f->cpu->raised_error, ==, 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(umip); i++) {
        f->cpu->gpr[RAX] = POINTER;
        g_assert_cmpint(soft_bed_execute(f->bed, umip[i], 4), ==, -1);
        f->cpu->gpr[RAX] = POINTER;
        f->cpu->cr4 = CR4_UMIP;
        g_assert_cmpint(soft_bed_execute(f->bed, umip[i], 4), ==, EXC_GP);
        f->cpu->cr4 = 0;
    }
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x31), ==, -1);    /* RDTSC, until CR4.TSD */
    f->cpu->cr4 = CR4_TSD;
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x31), ==, EXC_GP);
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x0b), ==, EXC_UD);
    g_assert_cmpint(EXECUTE(f, 0x0f, 0xaa), ==, EXC_UD);
}

/* ---- control registers ---- */

static int move_to(Fixture *f, unsigned cr, u64 value)
{
    f->cpu->gpr[RAX] = value;
    return EXECUTE(f, FROM_RAX(cr));
}

static void test_cr0(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    enter_long(f, 0);
    g_assert_cmpint(move_to(f, 0, 1ull << 32 | cpu->cr0), ==, EXC_GP);
    g_assert_cmpint(move_to(f, 0, CR0_PG), ==, EXC_GP);             /* PG without PE */
    g_assert_cmpint(move_to(f, 0, CR0_PE | CR0_PG | CR0_NW), ==,
                    EXC_GP);                            /* NW without CD */
    g_assert_cmpint(move_to(f, 0, CR0_PE), ==, EXC_GP); /* from 64-bit code */
    g_assert_cmphex(cpu->cr0, ==, CR0_PE | CR0_PG | CR0_ET);
    g_assert_cmpint(move_to(f, 0, CR0_PE | CR0_PG | CR0_WP | 1 << 6), ==, -1);
    g_assert_cmphex(cpu->cr0, ==, CR0_PE | CR0_PG | CR0_WP | CR0_ET);
    enter(f, 0);
    cpu->efer = EFER_LME;
    g_assert_cmpint(move_to(f, 0, CR0_PE | CR0_PG), ==, EXC_GP); /* LME without PAE */
    cpu->cr4 = CR4_PAE;
    g_assert_cmpint(move_to(f, 0, CR0_PE | CR0_PG), ==, -1);
    g_assert_cmphex(cpu->efer, ==, EFER_LME | EFER_LMA);
    g_assert_cmpint(move_to(f, 0, CR0_PE), ==, -1);
    g_assert_cmphex(cpu->efer, ==, EFER_LME);
    cpu->efer = 0;
    cpu->cr3 = 0x20000;
    soft_bed_put64(f->bed, 0x20000, 1 << 1 | 1);                    /* a bad PDPTE */
    g_assert_cmpint(move_to(f, 0, CR0_PE | CR0_PG), ==, EXC_GP);
    cpu->gpr[RAX] = 0; /* LMSW can't clear PE */
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xf0), ==, -1);
    g_assert_true(cpu->cr0 & CR0_PE);
}

static void test_cr3_cr4(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    enter_long(f, 0);
    g_assert_cmpint(move_to(f, 3, 1ull << 63), ==, EXC_GP);
    g_assert_cmpint(move_to(f, 3, 1ull << 46), ==, EXC_GP);
    g_assert_cmpint(move_to(f, 4, 0), ==, EXC_GP);                  /* PAE stays */
    g_assert_cmpint(move_to(f, 4, CR4_PAE | CR4_VME), ==, EXC_GP);  /* not in CPUID */
    g_assert_cmpint(move_to(f, 4, CR4_PAE | CR4_LA57), ==, EXC_GP);
    cpu->cr3 |= 1;
    g_assert_cmpint(move_to(f, 4, CR4_PAE | CR4_PCIDE), ==, EXC_GP);
    cpu->cr3 &= ~1ull;
    g_assert_cmpint(move_to(f, 4, CR4_PAE | CR4_PCIDE), ==, -1);
    g_assert_cmpint(move_to(f, 3, 1ull << 63 | 0x10000 | 5), ==, -1);
    g_assert_cmphex(cpu->cr3, ==, 0x10005);
    enter(f, 0);
    cpu->cr4_allowed &= ~(u64)CR4_SMAP;
    g_assert_cmpint(move_to(f, 4, CR4_SMAP), ==, EXC_GP);
    g_assert_cmpint(move_to(f, 4, CR4_PCIDE), ==, EXC_GP); /* not in long mode */
    g_assert_cmpint(EXECUTE(f, FROM_RAX(1)), ==, EXC_UD);
    g_assert_cmpint(EXECUTE(f, TO_RAX(5)), ==, EXC_UD);
}

static void test_cr8(Fixture *f, gconstpointer data)
{
    enter_long(f, 0);
    f->cpu->gpr[RAX] = 9;
    g_assert_cmpint(EXECUTE(f, 0x44, 0x0f, 0x22, 0xc0), ==, -1);
    g_assert_cmphex(lapic_tpr(f->cpu->lapic), ==, 0x90);
    f->cpu->gpr[RAX] = 16;
    g_assert_cmpint(EXECUTE(f, 0x44, 0x0f, 0x22, 0xc0), ==, EXC_GP);
    g_assert_cmpint(EXECUTE(f, 0x44, 0x0f, 0x20, 0xc0), ==, -1);
    g_assert_cmphex(f->cpu->gpr[RAX], ==, 9);
}

static void test_debug_registers(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    enter_long(f, 0);
    cpu->gpr[RAX] = 1ull << 32;
    g_assert_cmpint(EXECUTE(f, DR_FROM_RAX(7)), ==, EXC_GP);
    g_assert_cmpint(EXECUTE(f, DR_FROM_RAX(3)), ==, -1);
    cpu->gpr[RAX] = 0;
    g_assert_cmpint(EXECUTE(f, DR_FROM_RAX(4)), ==, -1);            /* DR6 */
    g_assert_cmphex(cpu->dr[6], ==, 0xffff0ff0);
    cpu->cr4 |= CR4_DE;
    g_assert_cmpint(EXECUTE(f, DR_FROM_RAX(4)), ==, EXC_UD);
    cpu->gpr[RAX] = DR7_GD;
    g_assert_cmpint(EXECUTE(f, DR_FROM_RAX(7)), ==, -1);
    g_assert_cmpint(EXECUTE(f, DR_TO_RAX(0)), ==, EXC_DB);
    g_assert_cmphex(cpu->dr[6], ==, 0xffff0ff0 | DR6_BD);
}

/* ---- MSRs ---- */

static int write_msr(Fixture *f, u32 index, u64 value)
{
    return CAUGHT(f->cpu, cpu_wrmsr(f->cpu, index, value));
}

static void test_msrs(Fixture *f, gconstpointer data)
{
    static const u32 canonical[] = {
        MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_LSTAR,          MSR_CSTAR,
        MSR_FS_BASE,      MSR_GS_BASE,      MSR_KERNEL_GS_BASE,
    };
    Cpu *cpu = f->cpu;

    for (unsigned i = 0; i < G_N_ELEMENTS(canonical); i++) {
        g_assert_cmpint(write_msr(f, canonical[i], 0x800000000000), ==, EXC_GP);
        g_assert_cmpint(write_msr(f, canonical[i], 0xffff800000000000), ==, -1);
        g_assert_cmphex(cpu_rdmsr(cpu, canonical[i]), ==, 0xffff800000000000);
    }
    g_assert_cmphex(cpu->seg[SEG_FS].base, ==, 0xffff800000000000);
    g_assert_cmpint(CAUGHT(cpu, cpu_rdmsr(cpu, 0x12345)), ==, EXC_GP);
    g_assert_cmpint(write_msr(f, 0x12345, 0), ==, EXC_GP);
    g_assert_cmpint(write_msr(f, MSR_MTRRCAP, 1), ==, EXC_GP);
    g_assert_cmpint(write_msr(f, MSR_PAT, 2), ==, EXC_GP);
    g_assert_cmpint(write_msr(f, MSR_EFER, 1 << 12), ==, EXC_GP);
    g_assert_cmpint(write_msr(f, MSR_EFER, EFER_NXE | EFER_LMA), ==, -1);
    g_assert_cmphex(cpu->efer, ==, EFER_NXE);
    g_assert_cmpint(write_msr(f, MSR_MTRR_PHYSBASE0 + 3, 0xff00000800), ==, -1);
    g_assert_cmphex(cpu->mtrr_mask[1], ==, 0xff00000800);
    enter_long(f, 0);
    g_assert_cmpint(write_msr(f, MSR_EFER, 0), ==, EXC_GP);  /* LME with paging */
}

/* Vol. 3, 17.17.3. */
static void test_tsc_adjust(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;
    u64 before = cpu_rdmsr(cpu, MSR_TSC);       /* the clock stands */

    cpu_wrmsr(cpu, MSR_TSC_ADJUST, 1000);
    g_assert_cmpint(cpu_rdmsr(cpu, MSR_TSC), ==, before + 1000);
    cpu_wrmsr(cpu, MSR_TSC, 5000);
    g_assert_cmpint(cpu_rdmsr(cpu, MSR_TSC_ADJUST), ==, 5000 - before);
}

/* All that is there is saved and comes back. */
static void test_msr_state(Fixture *f, gconstpointer data)
{
    g_autofree X86State *state = g_new0(X86State, 1);
    u64 value;

    cpu_wrmsr(f->cpu, MSR_LSTAR, 0x1234);
    cpu_wrmsr(f->cpu, MSR_MTRR_FIX4K_C0000, 0x0606060606060606);
    msrs_get(f->cpu, state);
    g_assert_true(x86_msr_get(state, MSR_LSTAR, &value) && value == 0x1234);
    g_assert_false(x86_msr_get(state, MSR_TSC, &value)); /* another record has it */
    for (unsigned i = 0; i < state->msrs.count; i++) {
        for (unsigned j = 0; j < i; j++) {
            g_assert_cmphex(state->msrs.index[i], !=, state->msrs.index[j]);
        }
    }
    cpu_wrmsr(f->cpu, MSR_LSTAR, 1);
    g_assert_true(x86_msr_put(state, MSR_SYSENTER_EIP, 0x800000000000)); /* hostile */
    msrs_set(f->cpu, state);
    g_assert_cmphex(cpu_rdmsr(f->cpu, MSR_LSTAR), ==, 0x1234);
    g_assert_cmphex(cpu_rdmsr(f->cpu, MSR_SYSENTER_EIP), ==, 0);
}

/* ---- descriptor tables ---- */

static void put_descriptor(Fixture *f, u8 access)
{
    soft_bed_put64(f->bed, GDT + T, 0x00cf00005678ffff | (u64)access << 40);
    soft_bed_put64(f->bed, GDT + T + 8, 0);
}

static const struct {
    u8 access;
    u16 selector;
    int lldt, ltr;
    u32 error;
} system_loads[] = {
    { 0x82, T, -1, EXC_GP, T },         /* an LDT */
    { 0x89, T, EXC_GP, -1, T },         /* a TSS */
    { 0x8b, T, EXC_GP, EXC_GP, T },     /* a busy one */
    { 0x81, T, EXC_GP, -1, T },         /* a 16-bit one */
    { 0x02, T, EXC_NP, EXC_GP, T },
    { 0x09, T, EXC_GP, EXC_NP, T },
    { 0x92, T, EXC_GP, EXC_GP, T },
    { 0x82, T | 4, EXC_GP, EXC_GP, T | 4 },
    { 0x82, BEYOND, EXC_GP, EXC_GP, BEYOND },
    { 0x82, 0, -1, EXC_GP, 0 },
};

static void test_system_segments(Fixture *f, gconstpointer data)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(system_loads) * 2; i++) {
        unsigned n = i / 2;
        bool tr = i & 1;
        int want = tr ? system_loads[n].ltr : system_loads[n].lldt, caught;

        enter(f, 0);
        put_descriptor(f, system_loads[n].access);
        f->cpu->gpr[RAX] = system_loads[n].selector;
        caught = tr ? EXECUTE(f, 0x0f, 0x00, 0xd8) : EXECUTE(f, 0x0f, 0x00, 0xd0);
        g_test_message("%s %u", tr ? "ltr" : "lldt", n);
        g_assert_cmpint(caught, ==, want);
        if (want >= 0) {
            g_assert_cmphex(f->cpu->raised_error, ==, system_loads[n].error);
        } else if (tr) {
            g_assert_cmphex(soft_bed_get64(f->bed, GDT + T) >> 40 & 2, ==, 2);
            g_assert_cmphex(f->cpu->seg[SEG_TR].base, ==, 0x5678);
        }
    }
}

/* LAR LSL VERR VERW: ZF, and nothing raised. */
static const struct {
    u8 cpl, access;
    u16 selector;
    bool lar, lsl, verr, verw;
} questions[] = {
    { 0, 0x92, T, true, true, true, true },
    { 0, 0x90, T, true, true, true, false },
    { 0, 0x98, T, true, true, false, false },
    { 3, 0x92, T, false, false, false, false },
    { 3, 0x9e, T, true, true, true, false },        /* conforming */
    { 0, 0x92, T | 1, false, false, false, false },
    { 0, 0x82, T, true, true, false, false },       /* an LDT */
    { 0, 0x8c, T, true, false, false, false },      /* a call gate */
    { 0, 0x8e, T, false, false, false, false },     /* an interrupt gate */
    { 0, 0x92, 0, false, false, false, false },
    { 0, 0x92, BEYOND, false, false, false, false },
};

static void test_questions(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    for (unsigned i = 0; i < G_N_ELEMENTS(questions); i++) {
        g_test_message("row %u", i);
        enter(f, questions[i].cpl);
        put_descriptor(f, questions[i].access);
        cpu->gpr[RCX] = questions[i].selector;
        cpu->gpr[RAX] = 0x55;
        g_assert_cmpint(EXECUTE(f, 0x0f, 0x02, 0xc1), ==, -1);
        g_assert_cmpint(cpu_zf(cpu), ==, questions[i].lar);
        g_assert_cmphex(cpu->gpr[RAX], ==,
                        questions[i].lar ? 0xc00000 | questions[i].access << 8 : 0x55);
        cpu->gpr[RAX] = 0x55;
        g_assert_cmpint(EXECUTE(f, 0x0f, 0x03, 0xc1), ==, -1);
        g_assert_cmpint(cpu_zf(cpu), ==, questions[i].lsl);
        g_assert_cmphex(cpu->gpr[RAX], ==, questions[i].lsl ? 0xffffffff : 0x55);
        g_assert_cmpint(EXECUTE(f, 0x0f, 0x00, 0xe1), ==, -1);
        g_assert_cmpint(cpu_zf(cpu), ==, questions[i].verr);
        g_assert_cmpint(EXECUTE(f, 0x0f, 0x00, 0xe9), ==, -1);
        g_assert_cmpint(cpu_zf(cpu), ==, questions[i].verw);
    }
}

static void test_tables(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    cpu->gpr[RAX] = POINTER;
    soft_bed_put64(f->bed, POINTER, 0x123456789abc);
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0x10), ==, -1);          /* lgdt */
    g_assert_cmphex(cpu->gdt_base, ==, 0x12345678);
    g_assert_cmphex(cpu->gdt_limit, ==, 0x9abc);
    g_assert_cmpint(EXECUTE(f, 0x66, 0x0f, 0x01, 0x18), ==, -1); /* lidt with 24 bits */
    g_assert_cmphex(cpu->idt_base, ==, 0x345678);
    soft_bed_put64(f->bed, POINTER, ~0ull);
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0x00), ==, -1);          /* sgdt: 6 bytes */
    g_assert_cmphex(soft_bed_get64(f->bed, POINTER), ==, 0xffff123456789abc);
    enter_long(f, 0);
    cpu->gpr[RAX] = POINTER;
    soft_bed_put64(f->bed, POINTER, 0x9abc);
    soft_bed_put64(f->bed, POINTER + 8, 0x8000); /* a base of 1 << 63 */
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0x10), ==, EXC_GP);      /* not canonical */
}

static void test_arpl(Fixture *f, gconstpointer data)
{
    f->cpu->gpr[RCX] = 0x18;
    f->cpu->gpr[RDX] = 2;
    g_assert_cmpint(EXECUTE(f, 0x63, 0xd1), ==, -1);                /* arpl %dx, %cx */
    g_assert_cmphex(f->cpu->gpr[RCX], ==, 0x1a);
    g_assert_true(cpu_zf(f->cpu));
    g_assert_cmpint(EXECUTE(f, 0x63, 0xd1), ==, -1);
    g_assert_false(cpu_zf(f->cpu));
}

/* ---- ports ---- */

static void test_ports(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;
    static const u8 free_port = 0xfe;       /* bit 0 of byte 0x20: port 0x100 */
    static const u16 map = 104;

    enter(f, 3);
    soft_bed_put(f->bed, TSS + 102, &map, 2);
    for (unsigned i = 0; i < 0x2000; i++) {
        soft_bed_put(f->bed, TSS + map + i, &(u8){ 0xff }, 1);
    }
    g_assert_false(cpu_io_allowed(cpu, 0x100, 1));
    soft_bed_put(f->bed, TSS + map + 0x20, &free_port, 1);
    g_assert_true(cpu_io_allowed(cpu, 0x100, 1));
    g_assert_false(cpu_io_allowed(cpu, 0x100, 2));
    g_assert_false(cpu_io_allowed(cpu, 0xff, 2));
    cpu->seg[SEG_TR].limit = map + 0x20; /* two bytes are read */
    g_assert_false(cpu_io_allowed(cpu, 0x100, 1));
    cpu->seg[SEG_TR].limit = map + 0x21;
    g_assert_true(cpu_io_allowed(cpu, 0x100, 1));
    cpu_set_flags(cpu, 2 | FLAG_IOPL);
    g_assert_true(cpu_io_allowed(cpu, 0x200, 4));
    cpu->gpr[RDX] = 0x200;
    cpu->gpr[RAX] = 0x1122334455667788;
    g_assert_cmpint(EXECUTE(f, 0xec), ==, -1);                      /* nobody answers */
    g_assert_cmphex(cpu->gpr[RAX], ==, 0x11223344556677ff);
    g_assert_cmpint(EXECUTE(f, 0x66, 0xed), ==, -1);
    g_assert_cmphex(cpu->gpr[RAX], ==, 0x112233445566ffff);
}

/* ---- XCR0, INVPCID, hypercalls ---- */

static void test_xcr0(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    cpu->gpr[RCX] = cpu->gpr[RDX] = 0;
    cpu->gpr[RAX] = 3;
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xd1), ==, EXC_UD); /* without OSXSAVE */
    cpu->cr4 = CR4_OSXSAVE;
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xd1), ==, -1);
    g_assert_cmphex(cpu->xcr0, ==, 3);
    cpu->gpr[RAX] = 2;
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xd1), ==, EXC_GP);
    cpu->gpr[RAX] = 7;
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xd1), ==,
                    cpu_has(cpu, "avx") ? -1 : EXC_GP);
    g_assert_cmpuint(cpu_cpuid(cpu, 0xd, 0).ebx, ==, cpu_has(cpu, "avx") ? 832 : 576);
    cpu->gpr[RAX] = 5;
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xd1), ==, EXC_GP); /* AVX without SSE */
    cpu->gpr[RAX] = 11;
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xd1), ==, EXC_GP);      /* no MPX here */
    cpu->gpr[RCX] = 1;
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xd0), ==,
                    cpu_has(cpu, "xgetbv1") ? -1 : EXC_GP);
    cpu->gpr[RCX] = 2;
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xd0), ==, EXC_GP);
    g_assert_true(cpu_cpuid(cpu, 1, 0).ecx >> 27 & 1);
    cpu->cr4 = 0;
    g_assert_false(cpu_cpuid(cpu, 1, 0).ecx >> 27 & 1);
}

static void test_invpcid(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    cpu->gpr[RAX] = POINTER;
    for (unsigned type = 0; type < 5; type++) {
        cpu->gpr[RCX] = type;
        soft_bed_put64(f->bed, POINTER, 0);
        g_assert_cmpint(EXECUTE(f, 0x66, 0x0f, 0x38, 0x82, 0x08), ==,
                        type < 4 ? -1 : EXC_GP);
        soft_bed_put64(f->bed, POINTER, 1);         /* a PCID, with CR4.PCIDE off */
        g_assert_cmpint(EXECUTE(f, 0x66, 0x0f, 0x38, 0x82, 0x08), ==,
                        type == 2 || type == 3 ? -1 : EXC_GP);
        soft_bed_put64(f->bed, POINTER, 0x1000);
        g_assert_cmpint(EXECUTE(f, 0x66, 0x0f, 0x38, 0x82, 0x08), ==, EXC_GP);
    }
}

static void test_hypercall(Fixture *f, gconstpointer data)
{
    g_autoptr(SoftBed) bare = NULL;
    Fixture g;

    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xc1), ==, -1);
    g_assert_cmpint((s32)f->cpu->gpr[RAX], ==, -1000);
    g_assert_cmpint(EXECUTE(f, 0x0f, 0x01, 0xd9), ==, -1);
    bare = soft_bed_new(1, "max,kvm=off");
    g = (Fixture){ bare, bare->cpu };
    enter(&g, 0);
    g_assert_cmpint(EXECUTE(&g, 0x0f, 0x01, 0xc1), ==, EXC_UD);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        { "privilege", test_privilege },
        { "cr0", test_cr0 },
        { "cr3-cr4", test_cr3_cr4 },
        { "cr8", test_cr8 },
        { "debug-registers", test_debug_registers },
        { "msrs", test_msrs },
        { "tsc-adjust", test_tsc_adjust },
        { "msr-state", test_msr_state },
        { "system-segments", test_system_segments },
        { "questions", test_questions },
        { "tables", test_tables },
        { "arpl", test_arpl },
        { "ports", test_ports },
        { "xcr0", test_xcr0 },
        { "invpcid", test_invpcid },
        { "hypercall", test_hypercall },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/soft/system/%s", tests[i].name);

        g_test_add(path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
