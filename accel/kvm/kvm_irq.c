/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts into the kernel's local APICs: messages, the IOAPIC's pins, irqfds, NMIs,
 * and the PIC's interrupts, which come from outside the kernel.  Any thread;
 * ioapic_route comes with the machine lock held.
 */

#include "accel/kvm/kvm.h"

#include "base/lock.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

/* SDM vol. 3, 11.11: parts of a message. */
enum { MSI_MODE_NMI = 4 << 8, MSI_LEVEL = 1 << 15 };
#define MSI_BASE 0xfee00000u

void kvm_msi(Accel *accel, gpa address, u32 data)
{
    struct kvm_msi msi = { .address_lo = address, .address_hi = address >> 32,
                           .data = data };

    kvm_ioctl(kvm_of(accel)->vm, KVM_SIGNAL_MSI, &msi);
}

/* As a message: KVM_NMI would wait until the vCPU leaves the guest. */
void kvm_nmi(Accel *accel, unsigned cpu)
{
    gpa id = cpu_apic_id(&kvm_of(accel)->topology, cpu);

    /* Of an ID past 255 the rest is in the upper word (api.rst, KVM_SIGNAL_MSI). */
    kvm_msi(accel, (id & ~0xffull) << 32 | MSI_BASE | (id & 0xff) << 12, MSI_MODE_NMI);
}

/* ---- routes ---- */

/* route_lock held: hands the whole table to the kernel. */
static bool routes_commit(Kvm *kvm)
{
    g_autofree struct kvm_irq_routing *table = NULL;
    u32 used = 0;

    for (u32 gsi = 0; gsi < KVM_ROUTES; gsi++) {
        used += kvm->route[gsi].used;
    }
    table = g_malloc0(sizeof *table + used * sizeof table->entries[0]);
    for (u32 gsi = 0; gsi < KVM_ROUTES; gsi++) {
        const KvmRoute *route = &kvm->route[gsi];

        if (route->used) {
            table->entries[table->nr++] = (struct kvm_irq_routing_entry){
                .gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
                .u.msi = { .address_lo = route->address,
                           .address_hi = route->address >> 32, .data = route->data },
            };
        }
    }
    return !kvm_ioctl(kvm->vm, KVM_SET_GSI_ROUTING, table);
}

/*
 * The pins' own messages are sent with kvm_msi; KVM reads from their routes which
 * vectors' EOI it must report.  So only level-triggered pins have one, and a masked pin
 * keeps its last: the EOI of what it sent before may be still to come.
 */
void kvm_ioapic_route(Accel *accel, unsigned pin, bool masked, gpa address, u32 data)
{
    Kvm *kvm = kvm_of(accel);
    bool level = data & MSI_LEVEL;
    KvmRoute *route = &kvm->route[pin];

    g_assert(pin < KVM_PINS);
    if (masked) {
        return;
    }
    pthread_mutex_lock(&kvm->route_lock);
    if (route->used != level ||
        (level && (route->address != address || route->data != data))) {
        *route = (KvmRoute){ level, address, data };
        if (!routes_commit(kvm)) {
            log_write("KVM_SET_GSI_ROUTING: %s", g_strerror(errno));
        }
    }
    pthread_mutex_unlock(&kvm->route_lock);
}

/* ---- irqfds ---- */

static bool irqfd_set(Kvm *kvm, int fd, u32 gsi, u32 flags)
{
    struct kvm_irqfd irqfd = { .fd = fd, .gsi = gsi, .flags = flags };

    return !kvm_ioctl(kvm->vm, KVM_IRQFD, &irqfd);
}

bool kvm_irqfd(Accel *accel, int fd, gpa address, u32 data, u32 *out)
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
        kvm->route[gsi] = (KvmRoute){ true, address, data };
        ok = routes_commit(kvm) && irqfd_set(kvm, fd, gsi, 0);
        kvm->route[gsi].used = ok;
        *out = gsi;
    }
    pthread_mutex_unlock(&kvm->route_lock);
    return ok;
}

/* The kernel's copy of the route goes with the next change: nothing leads to it. */
void kvm_irqfd_remove(Accel *accel, int fd, u32 route)
{
    Kvm *kvm = kvm_of(accel);

    pthread_mutex_lock(&kvm->route_lock);
    irqfd_set(kvm, fd, route, KVM_IRQFD_FLAG_DEASSIGN);
    kvm->route[route].used = false;
    pthread_mutex_unlock(&kvm->route_lock);
}

/* ---- the PIC ---- */

/*
 * Begins the delivery of a vector.  Through the vCPU's state and not KVM_INTERRUPT,
 * whose vector no get_state would show between now and the vCPU's next entry.
 */
static bool cpu_interrupt(KvmCpu *cpu, u8 vector)
{
    struct kvm_vcpu_events events;
    struct kvm_mp_state mp;

    if (kvm_ioctl(cpu->fd, KVM_GET_VCPU_EVENTS, &events) ||
        kvm_ioctl(cpu->fd, KVM_GET_MP_STATE, &mp)) {
        return false;
    }
    events.interrupt.injected = 1;
    events.interrupt.nr = vector;
    events.interrupt.soft = 0;
    if (kvm_ioctl(cpu->fd, KVM_SET_VCPU_EVENTS, &events)) {
        return false;
    }
    if (mp.mp_state == KVM_MP_STATE_HALTED) {
        mp.mp_state = KVM_MP_STATE_RUNNABLE;
        return !kvm_ioctl(cpu->fd, KVM_SET_MP_STATE, &mp);
    }
    return true;
}

/*
 * Gives the PIC's interrupt to the first vCPU if it can take it now, else asks to be
 * told when.  KVM considers IF, LINT0 and what is being delivered already.
 */
void kvm_offer_extint(KvmCpu *cpu)
{
    Machine *machine = cpu->kvm->accel.machine;
    int vector = -1;

    if (cpu->index) {
        return;
    }
    cpu->run->request_interrupt_window = 0;
    if (!cpu->kvm->extint) {
        return;
    }
    if (cpu->run->ready_for_interrupt_injection) {
        machine_lock();
        if (machine->pic_pending(machine)) {
            vector = machine->pic_ack(machine);
        }
        machine_unlock();
        cpu->run->ready_for_interrupt_injection = 0;
    }
    if (vector >= 0 && !cpu_interrupt(cpu, vector)) {
        log_write("KVM refuses the PIC's vector %d: %s", vector, g_strerror(errno));
    }
    cpu->run->request_interrupt_window = cpu->kvm->extint;
}
