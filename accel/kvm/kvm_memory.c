/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address map as KVM sees it: memory slots for RAM and ROM, ioeventfds for
 * doorbells.  Called by the spaces' listeners, machine lock held.
 *
 * A change takes away what is gone before it adds what is new, because slots must not
 * overlap.  No vCPU is in the guest meanwhile: it can't execute code that is not there.
 */

#include "accel/kvm/kvm.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

/* ---- slots ---- */

static KvmSlot *slot_at(Kvm *kvm, unsigned n)
{
    return &g_array_index(kvm->slots, KvmSlot, n);
}

static void slot_set(Kvm *kvm, unsigned n, const KvmSlot *slot)
{
    struct kvm_userspace_memory_region region = {
        .slot = n, .guest_phys_addr = slot->base, .memory_size = slot->size,
        .userspace_addr = (uintptr_t)slot->host,
        .flags = slot->readonly ? KVM_MEM_READONLY : 0,
    };

    if (kvm_ioctl(kvm->vm, KVM_SET_USER_MEMORY_REGION, &region)) {
        g_autofree char *cause =
            g_strdup_printf("KVM refuses memory at 0x%" G_GINT64_MODIFIER "x, 0x%"
                            G_GINT64_MODIFIER "x bytes: %s",
                            slot->base, slot->size, g_strerror(errno));

        machine_request(kvm->accel.machine, REQUEST_CRASH, 0, cause);
    }
    *slot_at(kvm, n) = *slot;
}

static bool slot_is(const KvmSlot *slot, const FlatRange *r)
{
    return slot->size == r->size && slot->base == r->base && slot->host == r->host &&
           slot->readonly == r->readonly;
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
    unsigned unused = kvm->slots->len;

    for (unsigned i = 0; i < kvm->slots->len; i++) {
        if (slot_is(slot_at(kvm, i), r)) {
            return;
        }
        if (!slot_at(kvm, i)->size) {
            unused = i;
        }
    }
    if (unused == kvm->slots->len) {
        g_array_set_size(kvm->slots, unused + 1);
    }
    slot_set(kvm, unused, &slot);
}

static void slots_changed(Kvm *kvm, const FlatView *now)
{
    bool held = false;

    for (unsigned i = 0; i < kvm->slots->len; i++) {
        if (slot_at(kvm, i)->size && !view_has_slot(now, slot_at(kvm, i))) {
            if (!held) {
                kvm_hold(kvm);
                held = true;
            }
            slot_set(kvm, i, &(KvmSlot){ .size = 0 });
        }
    }
    for (unsigned i = 0; i < now->n; i++) {
        if (now->range[i].host) {
            slot_add(kvm, &now->range[i]);
        }
    }
    if (held) {
        kvm_let_go(kvm);
    }
}

/* ---- ioeventfds ---- */

typedef struct kvm_ioeventfd Bell;

static bool bells_have(GArray *bells, const Bell *bell)
{
    for (unsigned i = 0; i < bells->len; i++) {
        if (!memcmp(&g_array_index(bells, Bell, i), bell, sizeof *bell)) {
            return true;
        }
    }
    return false;
}

static void bell_set(Kvm *kvm, Bell bell, bool on)
{
    bell.flags |= on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN;
    if (kvm_ioctl(kvm->vm, KVM_IOEVENTFD, &bell) && on) {
        /* The write exits, and the dispatcher rings. */
        log_write("KVM: no ioeventfd at 0x%llx: %s", bell.addr, g_strerror(errno));
    }
}

static void bells_of_range(GArray *wanted, const FlatRange *r, u32 flags)
{
    GArray *bells = r->region->doorbells;

    for (unsigned i = 0; bells && i < bells->len; i++) {
        const Doorbell *d = &g_array_index(bells, Doorbell, i);
        Bell bell = { .flags = flags, .len = d->size, .fd = d->fd };

        if (d->offset >= r->offset && d->offset - r->offset < r->size) {
            bell.addr = r->base + (d->offset - r->offset);
            if (d->match) {
                bell.datamatch = d->value;
                bell.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
            }
            g_array_append_val(wanted, bell);
        }
    }
}

/* `flags` tells ports from memory: each listener looks after its own. */
static void bells_changed(Kvm *kvm, const FlatView *now, u32 flags)
{
    g_autoptr(GArray) wanted = g_array_new(FALSE, TRUE, sizeof(Bell));

    for (unsigned i = 0; i < now->n; i++) {
        bells_of_range(wanted, &now->range[i], flags);
    }
    for (unsigned i = kvm->bells->len; i-- > 0;) {
        const Bell *have = &g_array_index(kvm->bells, Bell, i);

        if ((have->flags & KVM_IOEVENTFD_FLAG_PIO) == flags &&
            !bells_have(wanted, have)) {
            bell_set(kvm, *have, false);
            g_array_remove_index_fast(kvm->bells, i);
        }
    }
    for (unsigned i = 0; i < wanted->len; i++) {
        const Bell *want = &g_array_index(wanted, Bell, i);

        if (!bells_have(kvm->bells, want)) {
            bell_set(kvm, *want, true);
            g_array_append_vals(kvm->bells, want, 1);
        }
    }
}

/* ---- the listeners ---- */

void kvm_memory_changed(void *opaque, const FlatView *old, const FlatView *now)
{
    Kvm *kvm = opaque;

    (void)old;
    slots_changed(kvm, now);
    bells_changed(kvm, now, 0);
}

void kvm_ports_changed(void *opaque, const FlatView *old, const FlatView *now)
{
    (void)old;
    bells_changed(opaque, now, KVM_IOEVENTFD_FLAG_PIO);
}
