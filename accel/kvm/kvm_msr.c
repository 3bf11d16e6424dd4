/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers.  Which ones are state: those that KVM lists, and those that
 * it leaves to its user to know of.  Main thread, paused.
 *
 * A state that does not name one of them means its value after power-on.  So nothing is
 * left over after a reset: no kvmclock page, say, into which the kernel would go on
 * writing while the next system boots.
 */

#include "accel/kvm/kvm.h"

#include <string.h>

typedef struct {
    u32 first, last;
} MsrRange;

/* What KVM_GET_MSR_INDEX_LIST does not list: MTRRs and banks of machine checks. */
static const MsrRange unlisted[] = {
    { 0x200, 0x20f },               /* MTRR_PHYSBASE0 to MTRR_PHYSMASK7 */
    { 0x250, 0x250 }, { 0x258, 0x259 }, { 0x268, 0x26f },
    { 0x2ff, 0x2ff },
    { 0x400, 0x403 },               /* MC0_CTL to MC0_MISC: there is one bank */
};

/* Listed, but not here. */
static const MsrRange elsewhere[] = {
    { MSR_TSC, MSR_TSC },           /* rows of their own */
    { MSR_TSC_DEADLINE, MSR_TSC_DEADLINE },
    { 0x11, 0x12 },                 /* old numbers of kvmclock's */
    { 0x40000000, 0x400000ff },     /* Hyper-V's, which no CPU model offers */
};

static bool is_elsewhere(u32 index)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
        if (index >= elsewhere[i].first && index <= elsewhere[i].last) {
            return true;
        }
    }
    return false;
}

static struct kvm_msrs *msrs_new(u32 room)
{
    return g_malloc0(sizeof(struct kvm_msrs) + room * sizeof(struct kvm_msr_entry));
}

static void msrs_add(struct kvm_msrs *msrs, u32 index, u64 value)
{
    msrs->entries[msrs->nmsrs++] =
        (struct kvm_msr_entry){ .index = index, .data = value };
}

/*
 * KVM_GET_MSRS or KVM_SET_MSRS on all of them.  KVM stops at one that this vCPU does
 * not have, or whose value it does not take: that one is taken out.
 */
static bool msrs_call(KvmCpu *cpu, unsigned long request, struct kvm_msrs *msrs,
                      GError **err)
{
    enum { AT_ONCE = 128 };                 /* KVM takes fewer than 256 */
    g_autofree struct kvm_msrs *part = msrs_new(AT_ONCE);
    u32 kept = 0;

    for (u32 at = 0; at < msrs->nmsrs;) {
        u32 n = MIN(msrs->nmsrs - at, (u32)AT_ONCE);
        int done;

        part->nmsrs = n;
        memcpy(part->entries, msrs->entries + at, n * sizeof part->entries[0]);
        done = kvm_ioctl(cpu->fd, request, part);
        if (done < 0) {
            kvm_error(err, request == KVM_GET_MSRS ? "KVM_GET_MSRS" : "KVM_SET_MSRS");
            return false;
        }
        memcpy(msrs->entries + kept, part->entries, done * sizeof part->entries[0]);
        kept += done;
        at += (u32)done < n ? done + 1 : done;
    }
    msrs->nmsrs = kept;
    return true;
}

static struct kvm_msr_list *msrs_listed(Kvm *kvm)
{
    struct kvm_msr_list count = { .nmsrs = 0 }, *list;

    kvm_ioctl(kvm->system, KVM_GET_MSR_INDEX_LIST, &count);    /* E2BIG: the number */
    list = g_malloc0(sizeof *list + count.nmsrs * sizeof list->indices[0]);
    list->nmsrs = count.nmsrs;
    if (kvm_ioctl(kvm->system, KVM_GET_MSR_INDEX_LIST, list)) {
        g_free(list);
        return NULL;
    }
    return list;
}

bool kvm_msrs_open(Kvm *kvm, GError **err)
{
    g_autofree struct kvm_msr_list *list = msrs_listed(kvm);

    if (!list) {
        kvm_error(err, "KVM_GET_MSR_INDEX_LIST");
        return false;
    }
    kvm->msrs = msrs_new(list->nmsrs + X86_MSR_MAX);
    for (u32 i = 0; i < list->nmsrs; i++) {
        if (!is_elsewhere(list->indices[i])) {
            msrs_add(kvm->msrs, list->indices[i], 0);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(unlisted); i++) {
        for (u32 index = unlisted[i].first; index <= unlisted[i].last; index++) {
            msrs_add(kvm->msrs, index, 0);
        }
    }
    return msrs_call(&kvm->cpu[0], KVM_GET_MSRS, kvm->msrs, err);
}

/* ---- the neutral state ---- */

u64 kvm_msr_get(KvmCpu *cpu, u32 index)
{
    g_autofree struct kvm_msrs *msrs = msrs_new(1);

    msrs_add(msrs, index, 0);
    kvm_ioctl(cpu->fd, KVM_GET_MSRS, msrs);
    return msrs->entries[0].data;
}

bool kvm_msrs_get(KvmCpu *cpu, X86State *to, GError **err)
{
    const struct kvm_msrs *known = cpu->kvm->msrs;
    g_autofree struct kvm_msrs *msrs = msrs_new(known->nmsrs + 2);

    for (u32 i = 0; i < known->nmsrs; i++) {
        msrs_add(msrs, known->entries[i].index, 0);
    }
    msrs_add(msrs, MSR_TSC_DEADLINE, 0);
    msrs_add(msrs, MSR_TSC, 0);
    if (!msrs_call(cpu, KVM_GET_MSRS, msrs, err)) {
        return false;
    }
    for (u32 i = 0; i < msrs->nmsrs; i++) {
        const struct kvm_msr_entry *msr = &msrs->entries[i];

        if (msr->index == MSR_TSC) {
            to->events.tsc = msr->data;
        } else if (msr->index == MSR_TSC_DEADLINE) {
            to->lapic.tsc_deadline = msr->data;
        } else if (!x86_msr_put(to, msr->index, msr->data)) {
            g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "more than %d MSRs",
                        X86_MSR_MAX);
            return false;
        }
    }
    return true;
}

static bool msrs_have(const struct kvm_msrs *msrs, u32 index)
{
    u32 i = 0;

    while (i < msrs->nmsrs && msrs->entries[i].index != index) {
        i++;
    }
    return i < msrs->nmsrs;
}

/* The TSC goes first and its deadline last: the latter counts from the former. */
bool kvm_msrs_set(KvmCpu *cpu, const X86State *from, GError **err)
{
    const struct kvm_msrs *known = cpu->kvm->msrs;
    g_autofree struct kvm_msrs *msrs = msrs_new(known->nmsrs + from->msrs.count + 2);

    if (!cpu->kvm->tsc_offsets) {
        msrs_add(msrs, MSR_TSC, from->events.tsc);
    }
    for (u32 i = 0; i < known->nmsrs; i++) {
        u64 value = known->entries[i].data;

        x86_msr_get(from, known->entries[i].index, &value);
        msrs_add(msrs, known->entries[i].index, value);
    }
    for (u32 i = 0; i < from->msrs.count; i++) {
        if (!msrs_have(known, from->msrs.index[i])) {
            msrs_add(msrs, from->msrs.index[i], from->msrs.value[i]);
        }
    }
    msrs_add(msrs, MSR_TSC_DEADLINE, from->lapic.tsc_deadline);
    return msrs_call(cpu, KVM_SET_MSRS, msrs, err);
}
