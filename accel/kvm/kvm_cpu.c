/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's thread: KVM_RUN and what it comes back for (api.rst, 5: the kvm_run structure).
 */

#include "accel/kvm/kvm.h"
#include "base/lock.h"
#include "base/log.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

/* ---- getting a thread out of KVM_RUN ---- */

static int kick_signal(void)
{
    return SIGRTMIN;
}

static void on_kick(int sig)
{
}

void kvm_kick_setup(void)
{
    struct sigaction kick = { .sa_handler = on_kick };

    sigaction(kick_signal(), &kick, NULL);
}

/* immediate_exit makes a KVM_RUN that has not begun yet return at once, so no kick is lost. */
void kvm_cpu_kick(KvmCpu *cpu)
{
    atomic_store((_Atomic u8 *)&cpu->run->immediate_exit, 1);
    pthread_kill(cpu->thread, kick_signal());
}

/* ---- exits ---- */

static void exit_io(KvmCpu *cpu)
{
    struct kvm_run *run = cpu->run;
    Space *io = cpu->kvm->accel.machine->io;
    u8 *data = (u8 *)run + run->io.data_offset;

    machine_lock();
    for (u32 i = 0; i < run->io.count; i++, data += run->io.size) {
        u64 value = 0;

        if (run->io.direction == KVM_EXIT_IO_IN) {
            value = space_read(io, run->io.port, run->io.size);
            memcpy(data, &value, run->io.size);
        } else {
            memcpy(&value, data, run->io.size);
            space_write(io, run->io.port, value, run->io.size);
        }
    }
    machine_unlock();
}

static void exit_mmio(KvmCpu *cpu)
{
    struct kvm_run *run = cpu->run;
    Space *mmio = cpu->kvm->accel.machine->mmio;
    u64 value = 0;

    machine_lock();
    if (run->mmio.is_write) {
        memcpy(&value, run->mmio.data, run->mmio.len);
        space_write(mmio, run->mmio.phys_addr, value, run->mmio.len);
    } else {
        value = space_read(mmio, run->mmio.phys_addr, run->mmio.len);
        memcpy(run->mmio.data, &value, run->mmio.len);
    }
    machine_unlock();
}

static void cpu_dies(KvmCpu *cpu)
{
    pthread_mutex_lock(&cpu->kvm->lock);
    cpu->dead = true;
    pthread_mutex_unlock(&cpu->kvm->lock);
}

static void exit_shutdown(KvmCpu *cpu)
{
    log_at(LOG_CPU_RESET | LOG_INT, "vCPU %u: triple fault", cpu->index);
    cpu_dies(cpu);
    machine_request(cpu->kvm->accel.machine, REQUEST_RESET, 0, "triple fault");
}

/* The kernel can't go on with this vCPU: said in one line, with what it tells of the reason. */
static void cpu_fails(KvmCpu *cpu)
{
    struct kvm_run *run = cpu->run;
    g_autofree char *cause = NULL;

    if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR) {
        static const char *const name[] = { NULL, "an instruction that KVM can't emulate", "simultaneous exceptions",
                                            "an exit while delivering an event", "an unexpected exit reason" };
        u32 sub = run->internal.suberror;

        cause = g_strdup_printf("KVM internal error on vCPU %u: suberror %u (%s)", cpu->index, sub,
                                sub < G_N_ELEMENTS(name) && name[sub] ? name[sub] : "unknown");
    } else if (run->exit_reason == KVM_EXIT_FAIL_ENTRY) {
        cause = g_strdup_printf("KVM could not enter the guest on vCPU %u: hardware reason 0x%llx", cpu->index,
                                (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
    } else {
        cause = g_strdup_printf("KVM exit reason %u on vCPU %u is not handled", run->exit_reason, cpu->index);
    }
    cpu_dies(cpu);
    machine_request(cpu->kvm->accel.machine, REQUEST_CRASH, cpu->index, cause);
}

static void exit_eoi(KvmCpu *cpu)
{
    Machine *machine = cpu->kvm->accel.machine;

    machine_lock();
    if (machine->eoi) {
        machine->eoi(machine, cpu->run->eoi.vector);
    }
    machine_unlock();
}

static void exit_system_event(KvmCpu *cpu)
{
    Machine *machine = cpu->kvm->accel.machine;

    switch (cpu->run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        machine_request(machine, REQUEST_POWEROFF, 0, "guest shutdown");
        break;
    case KVM_SYSTEM_EVENT_RESET:
        machine_request(machine, REQUEST_RESET, 0, "guest reset");
        break;
    default:
        machine_request(machine, REQUEST_PANIC, 0, "guest crashed");
    }
}

static void cpu_exit(KvmCpu *cpu)
{
    switch (cpu->run->exit_reason) {
    case KVM_EXIT_IO:
        exit_io(cpu);
        break;
    case KVM_EXIT_MMIO:
        exit_mmio(cpu);
        break;
    case KVM_EXIT_IOAPIC_EOI:
        exit_eoi(cpu);
        break;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_INTR:
    case KVM_EXIT_SET_TPR:
        break;
    case KVM_EXIT_SHUTDOWN:
        exit_shutdown(cpu);
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        exit_system_event(cpu);
        break;
    default:
        cpu_fails(cpu);
    }
}

/* ---- the PIC's interrupts: they come from outside the kernel ---- */

/* Gives the PIC's interrupt to the first vCPU if it can take it now, else asks to be told when. */
static void offer_extint(KvmCpu *cpu)
{
    Machine *machine = cpu->kvm->accel.machine;
    struct kvm_interrupt interrupt;
    bool pending;

    cpu->run->request_interrupt_window = 0;
    if (cpu->index || !atomic_load(&cpu->kvm->extint)) {
        return;
    }
    if (!cpu->run->ready_for_interrupt_injection || !cpu->run->if_flag) {
        cpu->run->request_interrupt_window = 1;
        return;
    }
    machine_lock();
    pending = machine->pic_pending && machine->pic_pending(machine);
    interrupt.irq = pending ? machine->pic_ack(machine) : 0;
    machine_unlock();
    if (pending) {
        kvm_ioctl(cpu->fd, KVM_INTERRUPT, &interrupt);
    }
    cpu->run->request_interrupt_window = atomic_load(&cpu->kvm->extint);
}

/* ---- the thread ---- */

/* An exit is completed only by the next KVM_RUN: so one with immediate_exit before the state may be looked at. */
static void complete_exit(KvmCpu *cpu)
{
    if (cpu->run->exit_reason == KVM_EXIT_IO || cpu->run->exit_reason == KVM_EXIT_MMIO) {
        atomic_store((_Atomic u8 *)&cpu->run->immediate_exit, 1);
        ioctl(cpu->fd, KVM_RUN, 0);
    }
}

/* Stands at the boundary as long as the machine is paused or the vCPU is dead.  False: the thread ends. */
static bool cpu_may_run(KvmCpu *cpu)
{
    Kvm *kvm = cpu->kvm;
    bool closing;

    pthread_mutex_lock(&kvm->lock);
    if (kvm->stopping || kvm->closing || cpu->dead) {
        complete_exit(cpu);
        cpu->at_boundary = true;
        pthread_cond_broadcast(&kvm->changed);
        while ((kvm->stopping || cpu->dead) && !kvm->closing) {
            pthread_cond_wait(&kvm->changed, &kvm->lock);
        }
        cpu->at_boundary = false;
    }
    closing = kvm->closing;
    if (!closing) {
        atomic_store((_Atomic u8 *)&cpu->run->immediate_exit, 0);
    }
    pthread_mutex_unlock(&kvm->lock);
    return !closing;
}

void *kvm_cpu_thread(void *opaque)
{
    KvmCpu *cpu = opaque;

    while (cpu_may_run(cpu)) {
        offer_extint(cpu);
        if (!ioctl(cpu->fd, KVM_RUN, 0)) {
            cpu_exit(cpu);
        } else if (errno != EINTR && errno != EAGAIN) {
            g_autofree char *cause = g_strdup_printf("KVM_RUN on vCPU %u: %s", cpu->index, g_strerror(errno));

            cpu_dies(cpu);
            machine_request(cpu->kvm->accel.machine, REQUEST_CRASH, cpu->index, cause);
        } else {
            cpu->run->exit_reason = KVM_EXIT_INTR;
        }
    }
    return NULL;
}
