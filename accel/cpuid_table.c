/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of CPUID leaves: looking up, adding, what a CPU with such a table answers, and
 * what differs from one vCPU to the next (SDM vol. 2A, CPUID).  Any thread, on tables
 * it owns.
 */

#include "accel/cpu_model.h"
#include <cpuid.h>
#include <string.h>

/* ---- rows ---- */

static char fold(char c)
{
    return c == '_' || c == '.' ? '-' : g_ascii_tolower(c);
}

static bool same_name(const char *a, const char *b)
{
    while (*a && fold(*a) == fold(*b)) {
        a++;
        b++;
    }
    return !*a && !*b;
}

int cpu_feature_find(const char *name)
{
    for (const CpuAlias *a = cpu_feature_aliases; a->alias; a++) {
        if (same_name(name, a->alias)) {
            name = a->name;
        }
    }
    for (unsigned i = 0; cpu_features[i].name; i++) {
        if (same_name(name, cpu_features[i].name)) {
            return i;
        }
    }
    return -1;
}

/* ---- leaves ---- */

/* Where the leaf is or belongs. */
static unsigned place(const CpuidTable *table, u32 leaf, u32 index)
{
    unsigned i = 0;

    while (i < table->n && (table->leaf[i].leaf < leaf ||
                            (table->leaf[i].leaf == leaf && table->leaf[i].indexed &&
                             table->leaf[i].index < index))) {
        i++;
    }
    return i;
}

CpuidLeaf *cpuid_find(CpuidTable *table, u32 leaf, u32 index)
{
    unsigned i = place(table, leaf, index);
    CpuidLeaf *found = &table->leaf[i];

    if (i == table->n || found->leaf != leaf ||
        (found->indexed && found->index != index)) {
        return NULL;
    }
    return found;
}

CpuidLeaf *cpuid_add(CpuidTable *table, u32 leaf, u32 index, bool indexed)
{
    CpuidLeaf *found = cpuid_find(table, leaf, index);
    unsigned i = place(table, leaf, index);

    if (found || table->n == CPUID_MAX) {
        return found;
    }
    memmove(&table->leaf[i + 1], &table->leaf[i],
            (table->n - i) * sizeof table->leaf[0]);
    table->n++;
    table->leaf[i] = (CpuidLeaf){ .leaf = leaf, .index = index, .indexed = indexed };
    return &table->leaf[i];
}

bool cpuid_has_row(const CpuidTable *table, const CpuFeature *row)
{
    CpuidLeaf *leaf = cpuid_find((CpuidTable *)table, row->leaf, row->index);

    return leaf && *cpuid_register(leaf, row->reg) >> row->bit & 1;
}

bool cpuid_has(const CpuidTable *table, const char *feature)
{
    int row = cpu_feature_find(feature);

    return row >= 0 && cpuid_has_row(table, &cpu_features[row]);
}

/* ---- what CPUID answers ---- */

enum { VENDOR_AUTH = 0x68747541 };      /* the beginning of AMD's name, in EBX */

/*
 * Leaves come in classes (basic, 0x40000000, 0x80000000), and the first of a class
 * tells the last.  Beyond that Intel's CPUs answer as for the highest basic leaf, AMD's
 * with zeros.
 */
static bool in_range(CpuidTable *table, u32 leaf)
{
    u32 class = leaf >> 24 == 0x40 ? leaf & 0xffffff00 : leaf & 0x80000000;
    const CpuidLeaf *first = cpuid_find(table, class, 0);

    return first && leaf <= first->eax;
}

CpuidLeaf cpuid_query(const CpuidTable *const_table, u32 leaf, u32 index)
{
    CpuidTable *table = (CpuidTable *)const_table;
    const CpuidLeaf *basic = cpuid_find(table, 0, 0);
    CpuidLeaf answer = { .leaf = leaf, .index = index }, *found;

    if (!in_range(table, leaf)) {
        if (!basic || basic->ebx == VENDOR_AUTH) {
            return answer;
        }
        leaf = basic->eax;
    }
    found = cpuid_find(table, leaf, index);
    if (found) {
        answer = *found;
    } else if (leaf == 0xb && (found = cpuid_find(table, leaf, 0))) {
        answer.ecx = index & 0xff;      /* no such level; EDX is valid all the same */
        answer.edx = found->edx;
    }
    return answer;
}

/* ---- the host's ---- */

static void add_host(CpuidTable *out, u32 leaf, u32 index, bool indexed)
{
    CpuidLeaf *to = cpuid_add(out, leaf, index, indexed);

    if (to) {
        __cpuid_count(leaf, index, to->eax, to->ebx, to->ecx, to->edx);
    }
}

static bool is_hypervisor_leaf(u32 leaf)
{
    return leaf >> 24 == 0x40;
}

void cpuid_host(CpuidTable *out)
{
    out->n = 0;
    add_host(out, 0, 0, false);
    add_host(out, 0x80000000, 0, false);
    for (const CpuFeature *f = cpu_features; f->name; f++) {
        if (!is_hypervisor_leaf(f->leaf) && !cpuid_find(out, f->leaf, f->index) &&
            in_range(out, f->leaf)) {
            add_host(out, f->leaf, f->index, f->leaf == 7 || f->leaf == 0xd);
        }
    }
}

/* ---- one vCPU of many ---- */

static unsigned width(unsigned n)
{
    return n > 1 ? 32 - __builtin_clz(n - 1) : 0;
}

u32 cpu_apic_id(const CpuTopology *topology, unsigned n)
{
    unsigned thread = n % topology->threads;
    unsigned core = n / topology->threads % topology->cores;
    unsigned socket = n / topology->threads / topology->cores;
    unsigned thread_bits = width(topology->threads);

    return socket << (thread_bits + width(topology->cores)) | core << thread_bits |
           thread;
}

void cpuid_for_cpu(const CpuidTable *model, const CpuTopology *topology, unsigned n,
                   CpuidTable *out)
{
    u32 id = cpu_apic_id(topology, n);

    *out = *model;
    for (unsigned i = 0; i < out->n; i++) {
        CpuidLeaf *leaf = &out->leaf[i];

        if (leaf->leaf == 1) {
            leaf->ebx = (leaf->ebx & 0x00ffffff) | id << 24;
        } else if (leaf->leaf == 0xb || leaf->leaf == 0x1f) {
            leaf->edx = id;
        } else if (leaf->leaf == 0x8000001e) {
            leaf->eax = id;
        }
    }
}
