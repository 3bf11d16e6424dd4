/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU model as CPUID leaves (SDM vol. 2A, CPUID; AMD's APM vol. 3, appendix E).
 * Called by cpu_model.c.
 */

#include "accel/cpu_build.h"
#include <string.h>

enum { VENDOR_AMD = 0x68747541 };       /* the beginning of AMD's name, in EBX */
enum { LINE_BYTES = 64 };               /* of a cache */

static CpuidLeaf *leaf_of(const CpuBuild *b, u32 leaf)
{
    return cpuid_add(b->out, leaf, 0, false);
}

static const CpuidLeaf *supported_leaf(const CpuBuild *b, u32 leaf, u32 index)
{
    return cpuid_find((CpuidTable *)b->supported, leaf, index);
}

static void copy_leaf(const CpuBuild *b, u32 leaf, u32 index, bool indexed)
{
    const CpuidLeaf *from = supported_leaf(b, leaf, index);

    if (from) {
        *cpuid_add(b->out, leaf, index, indexed) = *from;
    }
}

static bool wants(const CpuBuild *b, const char *feature)
{
    return b->want[cpu_feature_find(feature)];
}

static void put_features(const CpuBuild *b)
{
    for (unsigned i = 0; cpu_features[i].name; i++) {
        const CpuFeature *f = &cpu_features[i];

        if (b->want[i]) {
            CpuidLeaf *leaf = cpuid_add(b->out, f->leaf, f->index,
                                        f->leaf == 7 || f->leaf == 0xd);

            *cpuid_register(leaf, f->reg) |= 1u << f->bit;
        }
    }
}

static void put_vendor(const CpuBuild *b)
{
    const CpuidLeaf *from = supported_leaf(b, 0, 0);
    CpuidLeaf *leaf = leaf_of(b, 0);

    if (!b->own_vendor && from && from->ebx) {
        leaf->ebx = from->ebx;
        leaf->edx = from->edx;
        leaf->ecx = from->ecx;
    } else {
        memcpy(&leaf->ebx, b->vendor, 4);
        memcpy(&leaf->edx, b->vendor + 4, 4);
        memcpy(&leaf->ecx, b->vendor + 8, 4);
    }
}

static void put_family(const CpuBuild *b)
{
    const CpuidLeaf *from = supported_leaf(b, 1, 0);
    u32 low = MIN(b->family, 0xf), high = b->family - low;
    CpuidLeaf *leaf = leaf_of(b, 1);

    leaf->eax = b->stepping | (b->model & 0xf) << 4 | low << 8 | b->model >> 4 << 16 |
                high << 20;
    if (!b->own_family && from && from->eax) {
        leaf->eax = from->eax;
    }
    leaf->ebx = LINE_BYTES / 8 << 8;
}

static void put_brand(const CpuBuild *b)
{
    u32 word[12] = { 0 };

    if (!b->brand) {
        for (unsigned i = 0; i < 3; i++) {
            copy_leaf(b, 0x80000002 + i, 0, false);
        }
        return;
    }
    memcpy(word, b->brand, MIN(strlen(b->brand), sizeof word));
    for (unsigned i = 0; i < 3; i++) {
        CpuidLeaf *leaf = leaf_of(b, 0x80000002 + i);

        for (unsigned reg = 0; reg < 4; reg++) {
            *cpuid_register(leaf, reg) = word[i * 4 + reg];
        }
    }
}

static void put_address_sizes(const CpuBuild *b)
{
    enum { USUAL_BITS = 40 };
    const CpuidLeaf *from = supported_leaf(b, 0x80000008, 0);
    u32 most = from && from->eax & 0xff ? from->eax & 0xff : USUAL_BITS;
    u32 bits = b->phys_bits ? b->phys_bits : most;

    leaf_of(b, 0x80000008)->eax = bits | (wants(b, "la57") ? 57u : 48u) << 8;
}

/* ---- caches and topology ---- */

static unsigned width(unsigned n)
{
    return n > 1 ? 32 - __builtin_clz(n - 1) : 0;
}

/* What a cache of a modern CPU looks like; the guest's are not modelled. */
static const struct {
    u8 type, level, ways;       /* 1: data, 2: instructions, 3: both */
    u32 kib;
} caches[] = {
    { 1, 1, 8, 32 }, { 2, 1, 8, 32 }, { 3, 2, 16, 1024 }, { 3, 3, 16, 16384 },
};
static void put_caches(const CpuBuild *b)
{
    const CpuTopology *t = b->topology;
    unsigned core_ids = 1u << width(t->threads);
    unsigned package_ids = core_ids << width(t->cores);

    leaf_of(b, 2)->eax = 0xff01;        /* see leaf 4 */
    for (unsigned i = 0; i < G_N_ELEMENTS(caches); i++) {
        CpuidLeaf *leaf = cpuid_add(b->out, 4, i, true);
        unsigned sharing = caches[i].level == 3 ? package_ids : core_ids;

        leaf->eax = caches[i].type | caches[i].level << 5 | 1u << 8 |
                    (MIN(sharing, 0x1000) - 1) << 14 |
                    (MIN(1u << width(t->cores), 64) - 1) << 26;
        leaf->ebx = (LINE_BYTES - 1) | (caches[i].ways - 1u) << 22;
        leaf->ecx = caches[i].kib * 1024 / caches[i].ways / LINE_BYTES - 1;
    }
    cpuid_add(b->out, 4, G_N_ELEMENTS(caches), true);
    leaf_of(b, 0x80000005)->ecx = 32u << 24 | 8 << 16 | 1 << 8 | LINE_BYTES;
    leaf_of(b, 0x80000005)->edx = 32u << 24 | 8 << 16 | 1 << 8 | LINE_BYTES;
    leaf_of(b, 0x80000006)->ecx = 1024u << 16 | 8 << 12 | 1 << 8 | LINE_BYTES;
    leaf_of(b, 0x80000006)->edx = 32u << 18 | 8 << 12 | 1 << 8 | LINE_BYTES;
}

/* Leaf 0xb: threads of a core, cores of a package. */
static void put_topology(const CpuBuild *b)
{
    const CpuTopology *t = b->topology;
    unsigned thread_bits = width(t->threads), all = t->threads * t->cores;
    CpuidLeaf *threads, *cores;

    if (all > 1) {
        leaf_of(b, 1)->ebx |= MIN(1u << (thread_bits + width(t->cores)), 255) << 16;
        leaf_of(b, 1)->edx |= 1u << 28;
        leaf_of(b, 0x80000008)->ecx |= (thread_bits + width(t->cores)) << 12 |
                                       MIN(all - 1, 255);
        if (t->cores > 1 && leaf_of(b, 0)->ebx == VENDOR_AMD) {
            leaf_of(b, 0x80000001)->ecx |= 1u << 1;
        }
    }
    threads = cpuid_add(b->out, 0xb, 0, true);
    *threads = (CpuidLeaf){ 0xb, 0, true, thread_bits, t->threads, 1 << 8, 0 };
    cores = cpuid_add(b->out, 0xb, 1, true);
    *cores = (CpuidLeaf){ 0xb, 1, true, thread_bits + width(t->cores), all, 2 << 8 | 1,
                          0 };
}

/* ---- what depends on features ---- */

/* XSAVE components that need a feature; x87 and SSE need none but XSAVE. */
static const struct {
    u8 first, last;
    const char *feature;
} components[] = {
    { 2, 2, "avx" }, { 3, 4, "mpx" }, { 5, 7, "avx512f" }, { 9, 9, "pku" },
    { 17, 18, "amx-tile" },
};

/*
 * Leaf 0xd.  EBX of sub-leaf 0 is the size for what XCR0 enables: the accelerator's to
 * tell.
 */
static void put_xsave(const CpuBuild *b)
{
    const CpuidLeaf *from = supported_leaf(b, 0xd, 0);
    u64 mask = 3;
    u32 bytes = 576;
    CpuidLeaf *leaf;

    if (!from || !wants(b, "xsave")) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(components); i++) {
        for (unsigned n = components[i].first; n <= components[i].last; n++) {
            const CpuidLeaf *part = supported_leaf(b, 0xd, n);

            if (part && part->eax && wants(b, components[i].feature)) {
                copy_leaf(b, 0xd, n, true);
                mask |= 1ull << n;
                bytes = MAX(bytes, part->eax + part->ebx);
            }
        }
    }
    leaf = cpuid_add(b->out, 0xd, 0, true);
    leaf->eax = mask & (from->eax | (u64)from->edx << 32);
    leaf->edx = (mask & (u64)from->edx << 32) >> 32;
    leaf->ebx = leaf->ecx = bytes;
    if (cpuid_find(b->out, 0xd, 1)) {
        cpuid_find(b->out, 0xd, 1)->ebx = bytes;
    }
}

/* Leaves of the hypervisor: KVM's, and the frequencies that VMware began to tell. */
static void put_hypervisor(const CpuBuild *b)
{
    bool shown = b->kvm && wants(b, "hypervisor");
    CpuidLeaf *features = cpuid_find(b->out, 0x40000001, 0);

    if (shown && supported_leaf(b, 0x40000000, 0)) {
        copy_leaf(b, 0x40000000, 0, false);
        copy_leaf(b, 0x40000010, 0, false);
        leaf_of(b, 0x40000001);
    } else if (features) {
        memset(&features->eax, 0, 4 * sizeof(u32));
    }
}

/* AMD repeats the basic features in its own leaf. */
static void put_vendor_features(const CpuBuild *b)
{
    enum { REPEATED = 0x0183f3ff };

    if (leaf_of(b, 0)->ebx == VENDOR_AMD) {
        leaf_of(b, 0x80000001)->edx |= leaf_of(b, 1)->edx & REPEATED;
    }
    leaf_of(b, 0x80000001)->eax = leaf_of(b, 1)->eax;
}

/* The first leaf of each class tells the last one, and leaf 7 its last sub-leaf. */
static void put_ends(const CpuBuild *b)
{
    u32 basic = b->level, extended = 0x80000008, seven = 0;

    for (unsigned i = 0; i < b->out->n; i++) {
        const CpuidLeaf *leaf = &b->out->leaf[i];

        if (leaf->leaf == 7) {
            seven = MAX(seven, leaf->index);
        }
        if (leaf->leaf < 0x40000000) {
            basic = MAX(basic, leaf->leaf);
        } else if (leaf->leaf >= 0x80000000) {
            extended = MAX(extended, leaf->leaf);
        }
    }
    leaf_of(b, 0)->eax = basic;
    leaf_of(b, 0x80000000)->eax = extended;
    if (cpuid_find(b->out, 7, 0)) {
        cpuid_find(b->out, 7, 0)->eax = seven;
    }
}

/* Leaves that only those models have that are all of the accelerator's. */
static void put_whole(const CpuBuild *b)
{
    if (b->whole) {
        for (u32 leaf = 0x15; leaf <= 0x16; leaf++) {
            copy_leaf(b, leaf, 0, false);
        }
        for (unsigned i = 0; wants(b, "amx-tile") && i < 2; i++) {
            copy_leaf(b, 0x1d, i, true);
            copy_leaf(b, 0x1e, i, true);
        }
    }
}

void cpu_leaves_build(const CpuBuild *b)
{
    b->out->n = 0;
    put_features(b);
    put_vendor(b);
    put_family(b);
    put_brand(b);
    put_address_sizes(b);
    put_caches(b);
    put_topology(b);
    put_xsave(b);
    put_hypervisor(b);
    put_vendor_features(b);
    put_whole(b);
    put_ends(b);
}
