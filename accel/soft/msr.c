/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers: one table of all that this CPU has (SDM vol. 4; for AMD's
 * the APM vol. 2; for KVM's Linux Documentation/virt/kvm/x86/msr.rst).  RDMSR, WRMSR
 * and the saved state derive from it.  Any other number raises #GP(0) and is shown with
 * -d unimp.
 *
 * Memory types (MTRRs, PAT) and speculation controls are kept and checked, and have no
 * effect.
 *
 * On the vCPU's own thread; msrs_get and msrs_set also on another while it stands.
 */

#include "accel/soft/operand.h"
#include "accel/soft/system.h"
#include "base/log.h"
#include <inttypes.h>

typedef struct Msr {
    u32 index, last;            /* a run of registers; last 0: only one */
    const char *name;
    u32 member;                 /* offset in Cpu; 0: none */
    u64 writable;               /* other bits raise #GP when written as 1 */
    u64 value;                  /* without a member: what reads see */
    const char *feature;        /* #GP unless CPUID has it */
    u64 (*read)(Cpu *cpu, const struct Msr *msr, u32 index);
    void (*write)(Cpu *cpu, const struct Msr *msr, u32 index, u64 value);
    bool derived;               /* held elsewhere in the neutral state */
} Msr;

static u64 *member(Cpu *cpu, const Msr *msr, u32 index)
{
    return (u64 *)((u8 *)cpu + msr->member) + (index - msr->index);
}

/* ---- special ones ---- */

static void write_canonical(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    if (!cpu_canonical(cpu, value)) {
        cpu_gp(cpu, 0);
    }
    *member(cpu, msr, index) = value;
}

static void write_ignored(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
}

/* IBRS, STIBP, SSBD; BHI_DIS_S. */
static void write_spec_ctrl(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    if (value & ~(7ull | (cpu_has(cpu, "bhi-ctrl") ? 1 << 10 : 0))) {
        cpu_gp(cpu, 0);
    }
    cpu->spec_ctrl = value;
}

static u64 read_tsc(Cpu *cpu, const Msr *msr, u32 index)
{
    return cpu_tsc(cpu);
}

/* Vol. 3, 17.17.3: a write to either register moves both. */
static void write_tsc(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    cpu->tsc_adjust += value - cpu_tsc(cpu);
    cpu_set_tsc(cpu, value);
}

static void write_tsc_adjust(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    cpu_set_tsc(cpu, cpu_tsc(cpu) + value - cpu->tsc_adjust);
    cpu->tsc_adjust = value;
}

static u64 read_deadline(Cpu *cpu, const Msr *msr, u32 index)
{
    return lapic_tsc_deadline(cpu->lapic);
}

static void write_deadline(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    lapic_set_tsc_deadline(cpu->lapic, value);
}

/* The APIC's page may move or go: what the TLB knows of it goes too. */
static void write_apic_base(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    if (value >> cpu->phys_bits || !lapic_set_base(cpu->lapic, value)) {
        cpu_gp(cpu, 0);
    }
    cpu->apic_base = value;
    mmu_flush(cpu);
}

static u64 read_x2apic(Cpu *cpu, const Msr *msr, u32 index)
{
    return lapic_rdmsr(cpu->lapic, index);
}

static void write_x2apic(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    lapic_wrmsr(cpu->lapic, index, value);
}

static void write_efer(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    cpu_set_efer(cpu, value);
}

static void write_kvmclock(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    cpu_kvmclock_enable(cpu, value);
}

static void write_wall_clock(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    cpu_kvm_wall_clock(cpu, value);
}

/* ---- memory types (vol. 3, 11.11 and 11.12) ---- */

static bool memory_type_valid(u8 type)
{
    return type == 0 || type == 1 || (type >= 4 && type <= 6);
}

/* Type 7, UC-, exists in the PAT only. */
static void write_pat(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    for (unsigned i = 0; i < 8; i++) {
        u8 type = value >> i * 8;

        if (!memory_type_valid(type) && type != 7) {
            cpu_gp(cpu, 0);
        }
    }
    cpu->pat = value;
}

static void write_mtrr_fixed(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    for (unsigned i = 0; i < 8; i++) {
        if (!memory_type_valid(value >> i * 8)) {
            cpu_gp(cpu, 0);
        }
    }
    *member(cpu, msr, index) = value;
}

/* Pairs: base at even numbers, mask at odd ones. */
static u64 *mtrr_variable(Cpu *cpu, const Msr *msr, u32 index)
{
    unsigned n = index - msr->index;

    return n & 1 ? &cpu->mtrr_mask[n / 2] : &cpu->mtrr_base[n / 2];
}

static u64 read_mtrr_variable(Cpu *cpu, const Msr *msr, u32 index)
{
    return *mtrr_variable(cpu, msr, index);
}

static void write_mtrr_variable(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    bool mask = (index - msr->index) & 1;
    u64 low = mask ? 0x7ff : 0xf00;

    if (value >> cpu->phys_bits || value & low ||
        (!mask && !memory_type_valid(value))) {
        cpu_gp(cpu, 0);
    }
    *mtrr_variable(cpu, msr, index) = value;
}

static void write_mtrr_default(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    if (value & ~0xcffull || !memory_type_valid(value)) {
        cpu_gp(cpu, 0);
    }
    cpu->mtrr_def_type = value;
}

/* ---- the table ---- */

/*
 * IA32_ARCH_CAPABILITIES: a CPU that does not speculate has none of these weaknesses,
 * and a guest that knows it leaves the costly remedies out.  Bits: RDCL_NO IBRS_ALL
 * SKIP_L1DFL_VMENTRY SSB_NO MDS_NO PSCHANGE_MC_NO TAA_NO, SBDR_SSDP_NO FBSDP_NO
 * PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO RFDS_NO, ITS_NO.
 */
#define ARCH_CAPABILITIES (0x17bull | 7ull << 13 | 1ull << 20 | 1ull << 24 | \
                           3ull << 26 | 1ull << 62)
#define MTRR_CAP (8u | 1u << 8 | 1u << 10)      /* 8 variable ranges, fixed ones, WC */
#define ALL_BITS UINT64_MAX
#define MEMBER(m) .member = offsetof(Cpu, m)

/* In order of number: msr_find searches by halves. */
static const Msr table[] = {
    { 0x010, 0, "TSC", .writable = ALL_BITS, .read = read_tsc, .write = write_tsc,
      .derived = true },
    { 0x011, 0, "KVM_WALL_CLOCK (old)", MEMBER(kvm_wall_clock), ALL_BITS,
      .write = write_wall_clock, .feature = "kvmclock", .derived = true },
    { 0x012, 0, "KVM_SYSTEM_TIME (old)", MEMBER(kvm_system_time), ALL_BITS,
      .write = write_kvmclock, .feature = "kvmclock", .derived = true },
    { 0x017, 0, "PLATFORM_ID", .value = 0 },
    { 0x01b, 0, "APIC_BASE", MEMBER(apic_base), ALL_BITS, .write = write_apic_base,
      .derived = true },
    { 0x03b, 0, "TSC_ADJUST", MEMBER(tsc_adjust), ALL_BITS, .write = write_tsc_adjust,
      .feature = "tsc-adjust" },
    { 0x048, 0, "SPEC_CTRL", MEMBER(spec_ctrl), ALL_BITS, .write = write_spec_ctrl,
      .feature = "spec-ctrl" },
    { 0x049, 0, "PRED_CMD", .writable = 1, .write = write_ignored,
      .feature = "spec-ctrl", .derived = true },
    { 0x08b, 0, "BIOS_SIGN_ID", MEMBER(bios_sign_id), ALL_BITS,
      .write = write_ignored },
    { 0x0fe, 0, "MTRRCAP", .value = MTRR_CAP, .feature = "mtrr" },
    { 0x10a, 0, "ARCH_CAPABILITIES", .value = ARCH_CAPABILITIES,
      .feature = "arch-capabilities" },
    { 0x174, 0, "SYSENTER_CS", MEMBER(sysenter_cs), UINT32_MAX, .feature = "sep" },
    { 0x175, 0, "SYSENTER_ESP", MEMBER(sysenter_esp), ALL_BITS, .feature = "sep",
      .write = write_canonical },
    { 0x176, 0, "SYSENTER_EIP", MEMBER(sysenter_eip), ALL_BITS, .feature = "sep",
      .write = write_canonical },
    { 0x179, 0, "MCG_CAP", .value = 0 },        /* no banks */
    { 0x17a, 0, "MCG_STATUS", MEMBER(mcg_status), 7 },
    { 0x1a0, 0, "MISC_ENABLE", MEMBER(misc_enable), ALL_BITS },
    { 0x200, 0x20f, "MTRR_PHYSBASE0", .writable = ALL_BITS, .feature = "mtrr",
      .read = read_mtrr_variable, .write = write_mtrr_variable },
    { 0x250, 0, "MTRR_FIX64K_00000", MEMBER(mtrr_fixed[0]), ALL_BITS,
      .write = write_mtrr_fixed, .feature = "mtrr" },
    { 0x258, 0x259, "MTRR_FIX16K_80000", MEMBER(mtrr_fixed[1]), ALL_BITS,
      .write = write_mtrr_fixed, .feature = "mtrr" },
    { 0x268, 0x26f, "MTRR_FIX4K_C0000", MEMBER(mtrr_fixed[3]), ALL_BITS,
      .write = write_mtrr_fixed, .feature = "mtrr" },
    { 0x277, 0, "PAT", MEMBER(pat), ALL_BITS, .write = write_pat, .feature = "pat" },
    { 0x2ff, 0, "MTRR_DEF_TYPE", MEMBER(mtrr_def_type), ALL_BITS,
      .write = write_mtrr_default, .feature = "mtrr" },
    { 0x6e0, 0, "TSC_DEADLINE", .writable = ALL_BITS, .read = read_deadline,
      .write = write_deadline, .feature = "tsc-deadline", .derived = true },
    { 0x800, 0x8ff, "X2APIC", .writable = ALL_BITS, .read = read_x2apic,
      .write = write_x2apic, .feature = "x2apic", .derived = true },
    { 0x4b564d00, 0, "KVM_WALL_CLOCK", MEMBER(kvm_wall_clock), ALL_BITS,
      .write = write_wall_clock, .feature = "kvmclock" },
    { 0x4b564d01, 0, "KVM_SYSTEM_TIME", MEMBER(kvm_system_time), ALL_BITS,
      .write = write_kvmclock, .feature = "kvmclock" },
    { 0xc0000080, 0, "EFER", MEMBER(efer), ALL_BITS, .write = write_efer,
      .derived = true },
    { 0xc0000081, 0, "STAR", MEMBER(star), ALL_BITS, .feature = "syscall" },
    { 0xc0000082, 0, "LSTAR", MEMBER(lstar), ALL_BITS, .write = write_canonical,
      .feature = "syscall" },
    { 0xc0000083, 0, "CSTAR", MEMBER(cstar), ALL_BITS, .write = write_canonical,
      .feature = "syscall" },
    { 0xc0000084, 0, "SFMASK", MEMBER(sfmask), UINT32_MAX, .feature = "syscall" },
    { 0xc0000100, 0, "FS_BASE", MEMBER(seg[SEG_FS].base), ALL_BITS,
      .write = write_canonical, .feature = "lm", .derived = true },
    { 0xc0000101, 0, "GS_BASE", MEMBER(seg[SEG_GS].base), ALL_BITS,
      .write = write_canonical, .feature = "lm", .derived = true },
    { 0xc0000102, 0, "KERNEL_GS_BASE", MEMBER(kernel_gs_base), ALL_BITS,
      .write = write_canonical, .feature = "lm" },
    { 0xc0000103, 0, "TSC_AUX", MEMBER(tsc_aux), UINT32_MAX, .feature = "rdtscp" },
    /* AMD's, which kernels look at when that is the model's vendor. */
    { 0xc0010010, 0, "SYSCFG", .value = 0 },
    { 0xc0010015, 0, "HWCR", .writable = ALL_BITS, .write = write_ignored },
    { 0xc0010055, 0, "INT_PENDING", .writable = ALL_BITS, .write = write_ignored },
    { 0xc0011029, 0, "DE_CFG", .writable = ALL_BITS, .write = write_ignored },
};

static int compare(const void *key, const void *row)
{
    const Msr *msr = row;
    u32 index = *(const u32 *)key;

    return index < msr->index ? -1 : index > MAX(msr->index, msr->last);
}

static const Msr *msr_find(const Cpu *cpu, u32 index)
{
    const Msr *msr = bsearch(&index, table, G_N_ELEMENTS(table), sizeof *table,
                             compare);

    return msr && (!msr->feature || cpu_has(cpu, msr->feature)) ? msr : NULL;
}

static u64 msr_read(Cpu *cpu, const Msr *msr, u32 index)
{
    return msr->read ? msr->read(cpu, msr, index)
                     : msr->member ? *member(cpu, msr, index) : msr->value;
}

u64 cpu_rdmsr(Cpu *cpu, u32 index)
{
    const Msr *msr = msr_find(cpu, index);

    if (!msr) {
        log_at(LOG_UNIMP, "vCPU %u at %016" PRIx64 ": no MSR %#x to read", cpu->index,
               cpu_rip(cpu), index);
        cpu_gp(cpu, 0);
    }
    return msr_read(cpu, msr, index);
}

void cpu_wrmsr(Cpu *cpu, u32 index, u64 value)
{
    const Msr *msr = msr_find(cpu, index);

    if (!msr) {
        log_at(LOG_UNIMP,
               "vCPU %u at %016" PRIx64 ": no MSR %#x to write %#" PRIx64 " to",
               cpu->index, cpu_rip(cpu), index, value);
        cpu_gp(cpu, 0);
    }
    if (value & ~msr->writable) {
        cpu_gp(cpu, 0);
    }
    if (msr->write) {
        msr->write(cpu, msr, index, value);
    } else if (msr->member) {
        *member(cpu, msr, index) = value;
    }
}

/* ---- neutral state ---- */

void msrs_get(Cpu *cpu, X86State *state)
{
    state->msrs.count = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        const Msr *msr = &table[i];

        if (msr->derived || (msr->feature && !cpu_has(cpu, msr->feature))) {
            continue;
        }
        for (u32 index = msr->index; index <= MAX(msr->index, msr->last); index++) {
            if (!x86_msr_put(state, index, msr_read(cpu, msr, index))) {
                g_assert_not_reached();
            }
        }
    }
}

/* Values come from outside: bits that no guest could have set are dropped. */
static void msr_restore(Cpu *cpu, const Msr *msr, u32 index, u64 value)
{
    if (msr->read == read_mtrr_variable) {
        *mtrr_variable(cpu, msr, index) = value;
    } else if (msr->write == write_kvmclock) {
        cpu_kvmclock_enable(cpu, value);
    } else if (msr->member && (msr->write != write_canonical ||
                               cpu_canonical(cpu, value))) {
        *member(cpu, msr, index) = value & msr->writable;
    }
}

void msrs_set(Cpu *cpu, const X86State *state)
{
    for (unsigned i = 0; i < state->msrs.count; i++) {
        const Msr *msr = msr_find(cpu, state->msrs.index[i]);

        if (msr && !msr->derived) {
            msr_restore(cpu, msr, state->msrs.index[i], state->msrs.value[i]);
        }
    }
}

/* ---- instructions ---- */

static void op_rdmsr(Cpu *cpu, const Insn *insn)
{
    u64 value;

    check_kernel(cpu);
    value = cpu_rdmsr(cpu, cpu->gpr[RCX]);
    cpu->gpr[RAX] = (u32)value;
    cpu->gpr[RDX] = value >> 32;
}

/* EFER and others change how code is fetched: the block ends. */
static void op_wrmsr(Cpu *cpu, const Insn *insn)
{
    check_kernel(cpu);
    cpu_wrmsr(cpu, cpu->gpr[RCX], cpu->gpr[RDX] << 32 | (u32)cpu->gpr[RAX]);
    cpu->rip = insn_next(cpu, insn);
}

static const Opcode rows[] = {
    ROW(MAP_0F, 0x30, "wrmsr", .attr = OP_ENDS, .feature = "msr", .fn = op_wrmsr),
    ROW(MAP_0F, 0x32, "rdmsr", .feature = "msr", .fn = op_rdmsr),
};

FAMILY(ops_msr, "msr", rows);
