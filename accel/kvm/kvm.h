/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KVM accelerator's inside (Linux Documentation/virt/kvm/api.rst).
 *
 * The local APICs are in the kernel; PIC, IOAPIC and PIT are the machine's own models
 * (split irqchip), shared with the software CPU.  One thread per vCPU sits in KVM_RUN.
 * A pause kicks it out with a signal and waits until it stands between two runs; a vCPU
 * that shut down (triple fault) or that KVM can't go on with stands until its state is
 * set anew.
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
    bool unsettled;                 /* its own thread: it has run since it last stood */
    bool at_boundary;               /* under Kvm.lock: stands between two runs */
    bool to_settle;                 /* under Kvm.lock: asked for by the main thread */
    _Atomic bool in_run;            /* in KVM_RUN, or about to be */
    _Atomic bool dead;              /* shut down or failed; waits for a new state */
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

struct Kvm {
    Accel accel;
    int system, vm;                 /* /dev/kvm, and the virtual machine */
    size_t run_bytes;
    KvmCpu *cpu;
    unsigned cpus;
    CpuTopology topology;
    CpuidTable model;
    struct kvm_msrs *msrs;          /* those that are state, as after power-on */
    u64 clock_ns;                   /* kvmclock, while paused */
    bool tsc_offsets;               /* KVM tells and takes them (Linux 5.16) */
    u64 tsc_khz;                    /* of all vCPUs; at first the host's */
    u64 host_tsc_khz;
    u64 tsc_paused;                 /* a TSC of offset 0 when the machine was paused */
    bool has_run;

    pthread_mutex_t lock;           /* with `changed`: for those who wait */
    pthread_cond_t changed;
    _Atomic bool stopping, closing, holding;
    _Atomic bool extint;            /* the PIC's INTR line */

    KvmRoute route[KVM_ROUTES];     /* under route_lock */
    pthread_mutex_t route_lock;
    GArray *slots;                  /* machine lock: KvmSlot by number; size 0: free */
    GArray *bells;                  /* machine lock: kvm_ioeventfd, those in force */
};

extern const AccelType accel_kvm;

static inline Kvm *kvm_of(Accel *accel)
{
    return container_of(accel, Kvm, accel);
}

/* kvm_vm.c: the virtual machine.  Main thread. */
int kvm_ioctl(int fd, unsigned long request, void *argument);   /* retries EINTR */
/* A failed ioctl as an error: "KVM_CREATE_VM: Device or resource busy". */
void kvm_error(GError **err, const char *what);
bool kvm_probe(char **why);
bool kvm_vm_open(Kvm *kvm, GError **err) must_check;
bool kvm_model_build(Kvm *kvm, const char *cpu, GError **err) must_check;
bool kvm_cpus_open(Kvm *kvm, GError **err) must_check;

/* kvm_cpu.c: a vCPU's thread and exits. */
/* Keeps all vCPUs out of the guest, wherever they stand; machine lock held. */
void kvm_hold(Kvm *kvm);
void kvm_let_go(Kvm *kvm);
void *kvm_cpu_thread(void *cpu);
void kvm_cpu_kick(KvmCpu *cpu);     /* any thread */
/* Paused: the kernel sees to the vCPU's expired timer and the like.  Main thread. */
void kvm_cpu_settle(KvmCpu *cpu);
void kvm_kick_setup(void);          /* installs the signal's handler */

/* kvm_irq.c */
void kvm_msi(Accel *accel, gpa address, u32 data);
void kvm_nmi(Accel *accel, unsigned cpu);
void kvm_ioapic_route(Accel *accel, unsigned pin, bool masked, gpa address, u32 data);
bool kvm_irqfd(Accel *accel, int fd, gpa address, u32 data, u32 *route);
void kvm_irqfd_remove(Accel *accel, int fd, u32 route);
void kvm_offer_extint(KvmCpu *cpu);     /* the vCPU's thread, between two runs */

/* kvm_memory.c: slots and ioeventfds follow the address map.  Machine lock held. */
void kvm_memory_changed(void *opaque, const FlatView *old, const FlatView *now);
void kvm_ports_changed(void *opaque, const FlatView *old, const FlatView *now);

/* kvm_tsc.c: the time-stamp counters.  Main thread, paused. */
void kvm_tsc_open(Kvm *kvm);
void kvm_tsc_paused(Kvm *kvm);      /* just now */
void kvm_tsc_get(KvmCpu *cpu, X86Events *events);   /* there is MSR_TSC's value now */
void kvm_tsc_set(KvmCpu *cpu, const X86Events *events);

/* kvm_state.c, kvm_msr.c: the neutral state.  Main thread, paused. */
bool kvm_get_state(Accel *accel, unsigned cpu, X86State *state, GError **err);
bool kvm_set_state(Accel *accel, unsigned cpu, const X86State *state, GError **err);
bool kvm_msrs_open(Kvm *kvm, GError **err) must_check;  /* needs a vCPU */
u64 kvm_msr_get(KvmCpu *cpu, u32 index);            /* 0: it has none */
bool kvm_msrs_get(KvmCpu *cpu, X86State *to, GError **err) must_check;
bool kvm_msrs_set(KvmCpu *cpu, const X86State *from, GError **err) must_check;

#endif
