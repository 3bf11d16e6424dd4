/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU models and features: from "-cpu NAME,+f,-f,f=on" to the CPUID leaves that a guest
 * sees.  An accelerator says what it can do as a CpuidTable; the model asks; the result
 * is the intersection, or an error when a feature that the user named is missing.  Any
 * thread; tables are read-only once built.
 */

#ifndef ACCEL_CPU_MODEL_H
#define ACCEL_CPU_MODEL_H

#include "base/types.h"

typedef struct {
    u32 leaf, index;
    bool indexed;               /* the sub-leaf in ECX matters */
    u32 eax, ebx, ecx, edx;
} CpuidLeaf;

enum { CPUID_MAX = 128 };

typedef struct {
    CpuidLeaf leaf[CPUID_MAX];  /* sorted by leaf, index */
    unsigned n;
} CpuidTable;

/* One row per feature: name as QEMU's, where its bit is. */
typedef struct {
    const char *name, *help;
    u32 leaf, index;
    u8 reg;                     /* 0 eax, 1 ebx, 2 ecx, 3 edx */
    u8 bit;
} CpuFeature;
extern const CpuFeature cpu_features[];         /* ends with name NULL */

/* Other names in use.  Ends with alias NULL. */
typedef struct {
    const char *alias, *name;
} CpuAlias;
extern const CpuAlias cpu_feature_aliases[];

/*
 * The row number of a feature's first row, or -1; '_' and '.' in names are the same as
 * '-'.
 */
int cpu_feature_find(const char *name);
static inline u32 *cpuid_register(CpuidLeaf *leaf, unsigned reg)
{
    return reg == 0 ? &leaf->eax :
           reg == 1 ? &leaf->ebx :
           reg == 2 ? &leaf->ecx :
                      &leaf->edx;
}
/* Is this row's bit set in the table? */
bool cpuid_has_row(const CpuidTable *table, const CpuFeature *row);

/* Is this feature's bit set in the table? */
bool cpuid_has(const CpuidTable *table, const char *feature);
CpuidLeaf *cpuid_find(CpuidTable *table, u32 leaf, u32 index); /* NULL: not there */
/* The same, made if need be; NULL when the table is full. */
CpuidLeaf *cpuid_add(CpuidTable *table, u32 leaf, u32 index, bool indexed);

/*
 * What CPUID returns for (leaf, index) on a CPU with this table, out-of-range rules
 * included (SDM vol. 2A, CPUID).  The per-CPU and dynamic fields (APIC id, OSXSAVE,
 * OSPKE, XSAVE size) are the caller's: cpuid_for_cpu sets the APIC ids.
 */
CpuidLeaf cpuid_query(const CpuidTable *table, u32 leaf, u32 index);

typedef struct {
    /* topology: cpus <= sockets * cores * threads */
    unsigned cpus, sockets, cores, threads;
} CpuTopology;

/*
 * Builds the table for a `-cpu` value ("host", "max", "portable", "x86-64-v2",
 * "qemu64", "kvm64", ... ,+f,-f,f=on|off).  `supported`: what the accelerator can do.
 * Its vendor (leaf 0) is the guest's, but for models that pin one; a vendor of zeros
 * means that any will do.  Its hypervisor leaves (0x40000000) are the guest's, unless
 * kvm=off.  Fails on unknown models and features (nearest name) and on asked-for
 * features that are not there when `enforce` was given; otherwise those are warned of
 * once in one line.
 */
bool cpu_model_build(const char *text, const CpuidTable *supported,
                     const CpuTopology *topology, CpuidTable *out,
                     GError **err) must_check;

/* The table for vCPU `n`: APIC id, x2APIC id, topology leaves. */
void cpuid_for_cpu(const CpuidTable *model, const CpuTopology *topology, unsigned n,
                   CpuidTable *out);
u32 cpu_apic_id(const CpuTopology *topology, unsigned n);

/*
 * The host's own leaves that tell features.  No others: where the host is a virtual
 * machine itself, each costs some ten microseconds.
 */
void cpuid_host(CpuidTable *out);

void cpu_models_help(GString *out);             /* -cpu help */

#endif
