/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KVM accelerator's inside (Linux Documentation/virt/kvm/api.rst).
 *
 * The local APICs are in the kernel; PIC, IOAPIC and PIT are the machine's own models (split irqchip), shared with the
 * software CPU.  One thread per vCPU sits in KVM_RUN.  A pause kicks it out with a signal and waits until it stands between two
 * runs; a vCPU that shut down (triple fault) or that KVM can't go on with stands still until its state is set anew.
 */

#ifndef ACCEL_KVM_KVM_H
#define ACCEL_KVM_KVM_H

#include "accel/accel.h"
#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct Kvm Kvm;

typedef struct {
    Kvm *kvm;
    unsigned index;
    int fd;
    struct kvm_run *run;
    pthread_t thread;
    bool has_thread;
    bool at_boundary;               /* under Kvm.lock: stands between two KVM_RUNs */
    bool dead;                      /* under Kvm.lock: shut down or failed; waits for a new state */
} KvmCpu;

/* GSIs 0-23 are the IOAPIC's pins; irqfds get the ones above. */
enum { KVM_PINS = 24, KVM_ROUTES = 1024 };

typedef struct {
    bool used;
    gpa address;
    u32 data;
} KvmRoute;

/* A memory slot: guest RAM or ROM at a place. */
typedef struct {
    gpa base;
    u64 size;
    u8 *host;
    bool readonly;
} KvmSlot;

/* An ioeventfd in force. */
typedef struct {
    struct kvm_ioeventfd io;
    bool wanted;                    /* while the set is compared with a new one */
} KvmBell;

struct Kvm {
    Accel accel;
    int system, vm;                 /* /dev/kvm, and the virtual machine */
    size_t run_bytes;
    KvmCpu *cpu;
    unsigned cpus;
    CpuTopology topology;
    CpuidTable model;
    size_t xsave_bytes;

    pthread_mutex_t lock;           /* guards what follows, and at_boundary and dead */
    pthread_cond_t changed;
    bool stopping, closing;
    _Atomic bool extint;            /* the PIC's INTR line */

    KvmRoute route[KVM_ROUTES];     /* under route_lock */
    pthread_mutex_t route_lock;
    KvmSlot *slot;                  /* machine lock; index is KVM's slot number, size 0 is free */
    unsigned slots;
    GArray *bells;                  /* machine lock: KvmBell, the ioeventfds in force */
    struct kvm_msr_list *msrs;      /* all that KVM saves and restores */
};

extern const AccelType accel_kvm;

static inline Kvm *kvm_of(Accel *accel)
{
    return container_of(accel, Kvm, accel);
}

/* ioctl that retries EINTR; -1 with errno. */
int kvm_ioctl(int fd, unsigned long request, void *argument);
/* A failed ioctl as an error: "KVM_CREATE_VM: Device or resource busy". */
void kvm_error(GError **err, const char *what);

/* kvm_memory.c: slots and ioeventfds follow the address map.  Machine lock held. */
void kvm_memory_changed(void *opaque, const FlatView *old, const FlatView *now);
void kvm_ports_changed(void *opaque, const FlatView *old, const FlatView *now);

/* kvm_irq.c */
void kvm_msi(Accel *accel, gpa address, u32 data);
void kvm_ioapic_route(Accel *accel, unsigned pin, bool masked, gpa address, u32 data);
bool kvm_irqfd(Accel *accel, int fd, gpa address, u32 data, u32 *route);
void kvm_irqfd_remove(Accel *accel, int fd, u32 route);

/* kvm_cpu.c: a vCPU's thread and exits. */
void *kvm_cpu_thread(void *cpu);
void kvm_cpu_kick(KvmCpu *cpu);
void kvm_kick_setup(void);          /* installs the signal's handler, once */

/* kvm_state.c */
bool kvm_get_state(Accel *accel, unsigned cpu, X86State *state, GError **err);
bool kvm_set_state(Accel *accel, unsigned cpu, const X86State *state, GError **err);

#endif
