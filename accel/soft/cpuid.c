/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID: what the software CPU can do, what a vCPU answers, and what follows from a
 * model for its control registers.
 *
 * soft_cpuid_supported and cpu_has: any thread; the rest on the vCPU's own thread.
 */

#include "accel/soft/lapic.h"
#include "accel/soft/operand.h"
#include <string.h>

/* ---- what the software CPU can do ---- */

static const char *const features =
    "fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx "
    "fxsr sse sse2 cx16 pcid x2apic popcnt tsc-deadline xsave hypervisor arat fsgsbase "
    "tsc-adjust smep erms invpcid smap clflushopt umip la57 fsrm spec-ctrl stibp ssbd "
    "arch-capabilities bhi-ctrl xsaveopt lahf-lm 3dnowprefetch syscall nx pdpe1gb "
    "rdtscp lm invtsc kvmclock kvm-nopiodelay kvmclock-stable-bit";

/* These are executed by the host's CPU, so it must have them (host.h). */
static const char *const host_features =
    "pni ssse3 sse4.1 sse4.2 aes pclmulqdq movbe rdrand rdseed rdpid adx abm bmi1 bmi2 "
    "sha-ni gfni clwb xsavec xgetbv1 avx avx2 fma f16c vaes vpclmulqdq avx-vnni";

enum { APIC_BUS_KHZ = 1000000 };

/*
 * Physical address bits: 40 as in QEMU, because OVMF maps all that it may address in
 * pages of 2 MiB before it does anything else; 46 where RAM and what lies above it need
 * more.
 */
static unsigned phys_bits(u64 ram_bytes)
{
    return ram_bytes > 512 * GiB ? 46 : 40;
}

static void add_features(CpuidTable *out, const char *list, const CpuidTable *host)
{
    g_auto(GStrv) names = g_strsplit(list, " ", -1);

    for (char **name = names; *name; name++) {
        for (const CpuFeature *f = cpu_features; f->name; f++) {
            if (!strcmp(f->name, *name) && (!host || cpuid_has_row(host, f))) {
                CpuidLeaf *leaf = cpuid_add(out, f->leaf, f->index,
                                            f->leaf == 7 || f->leaf == 0xd);

                *cpuid_register(leaf, f->reg) |= 1u << f->bit;
            }
        }
    }
}

/*
 * The vendor and model are left open.  The TSC is told by leaf 0x15, as a multiple of a
 * crystal that is also the local APIC's clock, and by the hypervisor's leaf 0x40000010.
 */
void soft_cpuid_supported(CpuidTable *out, u64 tsc_khz, u64 ram_bytes)
{
    CpuidTable host;
    CpuidLeaf *leaf;

    cpuid_host(&host);
    out->n = 0;
    add_features(out, features, NULL);
    add_features(out, host_features, &host);
    leaf = cpuid_add(out, 0xd, 0, true);
    leaf->eax = cpuid_has(&host, "avx") ? 7 : 3;
    leaf->ebx = leaf->ecx = leaf->eax & 4 ? 832 : 576;
    if (leaf->eax & 4) {
        leaf = cpuid_add(out, 0xd, 2, true);
        leaf->eax = 256;
        leaf->ebx = 576;
    }
    leaf = cpuid_add(out, 0x15, 0, false);
    leaf->eax = APIC_BUS_KHZ;
    leaf->ebx = tsc_khz;
    leaf->ecx = APIC_BUS_KHZ * 1000u;
    leaf = cpuid_add(out, 0x40000000, 0, false);
    leaf->eax = 0x40000010;
    memcpy(&leaf->ebx, "KVMK", 4);
    memcpy(&leaf->ecx, "VMKV", 4);
    memcpy(&leaf->edx, "M\0\0\0", 4);
    leaf = cpuid_add(out, 0x40000010, 0, false);
    leaf->eax = tsc_khz;
    leaf->ebx = APIC_BUS_KHZ;
    cpuid_add(out, 0x80000008, 0, false)->eax = phys_bits(ram_bytes);
}

/* ---- one vCPU's features ---- */

/* Names are looked up for every MSR access and decoded instruction: so by hash. */
static GHashTable *rows_by_name(void)
{
    static gsize made;
    static GHashTable *rows;

    if (g_once_init_enter(&made)) {
        rows = g_hash_table_new(g_str_hash, g_str_equal);
        for (unsigned i = 0; cpu_features[i].name; i++) {
            if (!g_hash_table_contains(rows, cpu_features[i].name)) {
                g_hash_table_insert(rows, (char *)cpu_features[i].name,
                                    GUINT_TO_POINTER(i + 1));
            }
        }
        g_once_init_leave(&made, 1);
    }
    return rows;
}

bool cpu_has(const Cpu *cpu, const char *feature)
{
    unsigned row = GPOINTER_TO_UINT(g_hash_table_lookup(rows_by_name(), feature));

    return row && cpu->features[(row - 1) / 64] >> (row - 1) % 64 & 1;
}

/* Bits of CR4 and EFER, by the feature that brings them; NULL: always there. */
typedef struct {
    u64 bits;
    const char *feature;
} Allowed;

static const Allowed cr4_bits[] = {
    { CR4_TSD, "tsc" }, { CR4_DE, "de" }, { CR4_PSE, "pse" }, { CR4_PAE, "pae" },
    { CR4_MCE, "mce" }, { CR4_PGE, "pge" }, { CR4_PCE, NULL }, { CR4_OSFXSR, "fxsr" },
    { CR4_OSXMMEXCPT, "sse" }, { CR4_UMIP, "umip" }, { CR4_LA57, "la57" },
    { CR4_FSGSBASE, "fsgsbase" }, { CR4_PCIDE, "pcid" }, { CR4_OSXSAVE, "xsave" },
    { CR4_SMEP, "smep" }, { CR4_SMAP, "smap" },
};
static const Allowed efer_bits[] = {
    { EFER_SCE, "syscall" }, { EFER_LME, "lm" }, { EFER_NXE, "nx" },
};

static u64 allowed(const Cpu *cpu, const Allowed *list, unsigned n)
{
    u64 bits = 0;

    for (unsigned i = 0; i < n; i++) {
        if (!list[i].feature || cpu_has(cpu, list[i].feature)) {
            bits |= list[i].bits;
        }
    }
    return bits;
}

void cpu_features_set(Cpu *cpu)
{
    const CpuidLeaf *sizes = cpuid_find(&cpu->cpuid, 0x80000008, 0);
    const CpuidLeaf *xsave = cpuid_find(&cpu->cpuid, 0xd, 0);

    memset(cpu->features, 0, sizeof cpu->features);
    for (unsigned i = 0; cpu_features[i].name; i++) {
        if (cpuid_has_row(&cpu->cpuid, &cpu_features[i])) {
            cpu->features[i / 64] |= 1ull << i % 64;
        }
    }
    cpu->cr4_allowed = allowed(cpu, cr4_bits, G_N_ELEMENTS(cr4_bits));
    cpu->efer_allowed = allowed(cpu, efer_bits, G_N_ELEMENTS(efer_bits));
    cpu->xcr0_allowed = xsave ? xsave->eax | (u64)xsave->edx << 32 : 1;
    cpu->phys_bits = sizes && sizes->eax & 0xff ? sizes->eax & 0xff : 36;
    cpu->pages_1g = cpu_has(cpu, "pdpe1gb");
    cpu->amd = cpuid_query(&cpu->cpuid, 0, 0).ebx == 0x68747541;    /* "Auth" */
}

/* ---- CPUID ---- */

/* The table's answer, and what the CPU's state adds to it. */
CpuidLeaf cpu_cpuid(Cpu *cpu, u32 leaf, u32 index)
{
    CpuidLeaf answer = cpuid_query(&cpu->cpuid, leaf, index);

    if (answer.leaf == 1) {
        answer.ecx &= ~(1u << 27);
        answer.ecx |= cpu->cr4 & CR4_OSXSAVE ? 1u << 27 : 0;
        answer.edx &= cpu->apic_base & LAPIC_BASE_ENABLE ? ~0u : ~(1u << 9);
    } else if (answer.leaf == 0xd && answer.index < 2 && answer.ebx) {
        answer.ebx = cpu->xcr0 & 4 ? 832 : 576;     /* for what is enabled */
    }
    return answer;
}

static void op_cpuid(Cpu *cpu, const Insn *insn)
{
    CpuidLeaf answer = cpu_cpuid(cpu, cpu->gpr[RAX], cpu->gpr[RCX]);

    cpu->gpr[RAX] = answer.eax;
    cpu->gpr[RBX] = answer.ebx;
    cpu->gpr[RCX] = answer.ecx;
    cpu->gpr[RDX] = answer.edx;
}

static const Opcode rows[] = {
    ROW(MAP_0F, 0xa2, "cpuid", .fn = op_cpuid),
};

FAMILY(ops_cpuid, "cpuid", rows);
