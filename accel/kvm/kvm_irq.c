/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts into the kernel's local APICs: MSIs, the IOAPIC's pins as routes (KVM reads from them which vectors' EOI it must
 * report), irqfds.  Any thread; ioapic_route comes with the machine lock held.
 */

#include "accel/kvm/kvm.h"
#include <errno.h>
#include <string.h>

void kvm_msi(Accel *accel, gpa address, u32 data)
{
    struct kvm_msi msi = { .address_lo = address, .address_hi = address >> 32, .data = data };

    kvm_ioctl(kvm_of(accel)->vm, KVM_SIGNAL_MSI, &msi);
}

/* route_lock held: hands the whole table to the kernel. */
static int routes_commit(Kvm *kvm)
{
    g_autofree struct kvm_irq_routing *table =
        g_malloc0(sizeof *table + KVM_ROUTES * sizeof table->entries[0]);

    for (u32 gsi = 0; gsi < KVM_ROUTES; gsi++) {
        struct kvm_irq_routing_entry *entry = &table->entries[table->nr];

        if (kvm->route[gsi].used) {
            entry->gsi = gsi;
            entry->type = KVM_IRQ_ROUTING_MSI;
            entry->u.msi.address_lo = kvm->route[gsi].address;
            entry->u.msi.address_hi = kvm->route[gsi].address >> 32;
            entry->u.msi.data = kvm->route[gsi].data;
            table->nr++;
        }
    }
    return kvm_ioctl(kvm->vm, KVM_SET_GSI_ROUTING, table);
}

void kvm_ioapic_route(Accel *accel, unsigned pin, bool masked, gpa address, u32 data)
{
    Kvm *kvm = kvm_of(accel);
    KvmRoute route = { .used = !masked, .address = masked ? 0 : address, .data = masked ? 0 : data };

    if (pin >= KVM_PINS) {
        return;
    }
    pthread_mutex_lock(&kvm->route_lock);
    if (kvm->route[pin].used != route.used || kvm->route[pin].address != route.address ||
        kvm->route[pin].data != route.data) {
        kvm->route[pin] = route;
        routes_commit(kvm);
    }
    pthread_mutex_unlock(&kvm->route_lock);
}

static bool irqfd_set(Kvm *kvm, int fd, u32 gsi, u32 flags)
{
    struct kvm_irqfd irqfd = { .fd = fd, .gsi = gsi, .flags = flags };

    return !kvm_ioctl(kvm->vm, KVM_IRQFD, &irqfd);
}

bool kvm_irqfd(Accel *accel, int fd, gpa address, u32 data, u32 *route)
{
    Kvm *kvm = kvm_of(accel);
    u32 gsi = KVM_PINS;
    bool ok;

    pthread_mutex_lock(&kvm->route_lock);
    while (gsi < KVM_ROUTES && kvm->route[gsi].used) {
        gsi++;
    }
    ok = gsi < KVM_ROUTES;
    if (ok) {
        kvm->route[gsi] = (KvmRoute){ .used = true, .address = address, .data = data };
        ok = !routes_commit(kvm) && irqfd_set(kvm, fd, gsi, 0);
        kvm->route[gsi].used = ok;
        *route = gsi;
    }
    pthread_mutex_unlock(&kvm->route_lock);
    return ok;
}

void kvm_irqfd_remove(Accel *accel, int fd, u32 route)
{
    Kvm *kvm = kvm_of(accel);

    pthread_mutex_lock(&kvm->route_lock);
    irqfd_set(kvm, fd, route, KVM_IRQFD_FLAG_DEASSIGN);
    kvm->route[route].used = false;
    routes_commit(kvm);
    pthread_mutex_unlock(&kvm->route_lock);
}
