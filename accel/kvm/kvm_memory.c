/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address map as KVM sees it: memory slots for RAM and ROM, ioeventfds for doorbells.  Called by the spaces' listeners, machine lock held.
 */

#include "accel/kvm/kvm.h"
#include "base/log.h"
#include <errno.h>
#include <string.h>

/* ---- slots ---- */

static void slot_set(Kvm *kvm, unsigned n, const KvmSlot *slot)
{
    struct kvm_userspace_memory_region region = {
        .slot = n, .guest_phys_addr = slot->base, .memory_size = slot->size,
        .userspace_addr = (uintptr_t)slot->host, .flags = slot->readonly && slot->size ? KVM_MEM_READONLY : 0,
    };

    if (kvm_ioctl(kvm->vm, KVM_SET_USER_MEMORY_REGION, &region)) {
        g_autofree char *cause = g_strdup_printf("KVM refuses memory at 0x%" G_GINT64_MODIFIER "x, %" G_GINT64_MODIFIER
                                                 "u bytes: %s", slot->base, slot->size, g_strerror(errno));

        machine_request(kvm->accel.machine, REQUEST_CRASH, 0, cause);
    }
    kvm->slot[n] = *slot;
}

static bool slot_is(const KvmSlot *slot, const FlatRange *r)
{
    return slot->size == r->size && slot->base == r->base && slot->host == r->host && slot->readonly == r->readonly;
}

static bool view_has_slot(const FlatView *view, const KvmSlot *slot)
{
    for (unsigned i = 0; i < view->n; i++) {
        if (view->range[i].host && slot_is(slot, &view->range[i])) {
            return true;
        }
    }
    return false;
}

static void slot_add(Kvm *kvm, const FlatRange *r)
{
    KvmSlot slot = { r->base, r->size, r->host, r->readonly };
    unsigned free_slot = kvm->slots;

    for (unsigned i = 0; i < kvm->slots; i++) {
        if (slot_is(&kvm->slot[i], r)) {
            return;
        }
        if (!kvm->slot[i].size) {
            free_slot = i;
        }
    }
    if (free_slot == kvm->slots) {
        kvm->slots++;
        kvm->slot = g_renew(KvmSlot, kvm->slot, kvm->slots);
    }
    slot_set(kvm, free_slot, &slot);
}

/* Slots must not overlap: the ones that are gone go first. */
static void slots_changed(Kvm *kvm, const FlatView *now)
{
    for (unsigned i = 0; i < kvm->slots; i++) {
        if (kvm->slot[i].size && !view_has_slot(now, &kvm->slot[i])) {
            KvmSlot none = { .base = kvm->slot[i].base };

            slot_set(kvm, i, &none);
        }
    }
    for (unsigned i = 0; i < now->n; i++) {
        if (now->range[i].host) {
            slot_add(kvm, &now->range[i]);
        }
    }
}

/* ---- ioeventfds ---- */

/* The set in force is compared with the one wanted; equal bytes are equal bells. */

static void bell_set(Kvm *kvm, KvmBell *bell, bool on)
{
    struct kvm_ioeventfd io = bell->io;

    io.flags |= on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN;
    if (kvm_ioctl(kvm->vm, KVM_IOEVENTFD, &io) && on) {
        log_write("KVM: no ioeventfd at 0x%llx: %s", io.addr, g_strerror(errno));   /* the write exits, and works */
    }
}

static void bells_of_range(GArray *wanted, const FlatRange *r, u32 flags)
{
    for (unsigned i = 0; r->region->doorbells && i < r->region->doorbells->len; i++) {
        const Doorbell *d = &g_array_index(r->region->doorbells, Doorbell, i);
        KvmBell bell;

        if (d->offset < r->offset || d->offset - r->offset >= r->size) {
            continue;
        }
        memset(&bell, 0, sizeof bell);
        bell.io.addr = r->base + (d->offset - r->offset);
        bell.io.len = d->size;
        bell.io.fd = d->fd;
        bell.io.datamatch = d->match ? d->value : 0;
        bell.io.flags = flags | (d->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0);
        g_array_append_val(wanted, bell);
    }
}

static void bells_changed(Kvm *kvm, const FlatView *now, u32 flags)
{
    g_autoptr(GArray) wanted = g_array_new(FALSE, TRUE, sizeof(KvmBell));

    for (unsigned i = 0; i < now->n; i++) {
        bells_of_range(wanted, &now->range[i], flags);
    }
    for (unsigned i = kvm->bells->len; i-- > 0;) {
        KvmBell *have = &g_array_index(kvm->bells, KvmBell, i);
        bool keep = (have->io.flags & KVM_IOEVENTFD_FLAG_PIO) != flags;

        for (unsigned j = 0; j < wanted->len && !keep; j++) {
            KvmBell *want = &g_array_index(wanted, KvmBell, j);

            if (!memcmp(&want->io, &have->io, sizeof want->io)) {
                want->wanted = keep = true;         /* in force already */
            }
        }
        if (!keep) {
            bell_set(kvm, have, false);
            g_array_remove_index_fast(kvm->bells, i);
        }
    }
    for (unsigned j = 0; j < wanted->len; j++) {
        KvmBell *want = &g_array_index(wanted, KvmBell, j);

        if (!want->wanted) {
            bell_set(kvm, want, true);
            g_array_append_val(kvm->bells, *want);
        }
    }
}

void kvm_memory_changed(void *opaque, const FlatView *old, const FlatView *now)
{
    Kvm *kvm = opaque;

    slots_changed(kvm, now);
    bells_changed(kvm, now, 0);
}

void kvm_ports_changed(void *opaque, const FlatView *old, const FlatView *now)
{
    bells_changed(opaque, now, KVM_IOEVENTFD_FLAG_PIO);
}
