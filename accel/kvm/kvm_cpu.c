/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's thread: KVM_RUN and what it comes back for (api.rst, 5: the kvm_run
 * structure).
 */

#include "accel/kvm/kvm.h"

#include "base/lock.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

/* ---- getting a thread out of KVM_RUN ---- */

static void on_kick(int sig)
{
    (void)sig;
}

/* Other system calls of the thread go on; KVM_RUN is never restarted. */
void kvm_kick_setup(void)
{
    struct sigaction kick = { .sa_handler = on_kick, .sa_flags = SA_RESTART };

    sigaction(SIGRTMIN, &kick, NULL);
}

static void set_immediate_exit(KvmCpu *cpu, u8 value)
{
    atomic_store((_Atomic u8 *)&cpu->run->immediate_exit, value);
}

static bool must_exit(KvmCpu *cpu)
{
    return atomic_load((_Atomic u8 *)&cpu->run->immediate_exit);
}

/*
 * Whoever kicks has changed something before; the thread clears immediate_exit and then
 * looks.  So it sees the change, or its next KVM_RUN returns at once.
 */
void kvm_cpu_kick(KvmCpu *cpu)
{
    set_immediate_exit(cpu, 1);
    pthread_kill(cpu->thread, SIGRTMIN);
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

static void exit_eoi(KvmCpu *cpu)
{
    Machine *machine = cpu->kvm->accel.machine;

    machine_lock();
    if (machine->eoi) {
        machine->eoi(machine, cpu->run->eoi.vector);
    }
    machine_unlock();
}

static void cpu_crashes(KvmCpu *cpu, const char *cause)
{
    cpu->dead = true;
    machine_request(cpu->kvm->accel.machine, REQUEST_CRASH, cpu->index, cause);
}

static void exit_shutdown(KvmCpu *cpu)
{
    log_at(LOG_CPU_RESET | LOG_INT, "vCPU %u: triple fault", cpu->index);
    cpu->dead = true;
    machine_request(cpu->kvm->accel.machine, REQUEST_RESET, 0, "triple fault");
}

static void append_instruction(const struct kvm_run *run, GString *out)
{
    if (run->emulation_failure.ndata >= 3 &&
        run->emulation_failure.flags &
            KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) {
        g_string_append(out, ", bytes");
        for (unsigned i = 0; i < MIN(run->emulation_failure.insn_size, 15u); i++) {
            g_string_append_printf(out, " %02x", run->emulation_failure.insn_bytes[i]);
        }
    }
}

static void exit_internal_error(KvmCpu *cpu)
{
    static const char *const name[] = {
        [KVM_INTERNAL_ERROR_EMULATION] = "an instruction that KVM can't emulate",
        [KVM_INTERNAL_ERROR_SIMUL_EX] = "simultaneous exceptions",
        [KVM_INTERNAL_ERROR_DELIVERY_EV] = "an exit while an event was delivered",
        [KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON] = "an unexpected exit reason",
    };
    g_autoptr(GString) cause = g_string_new(NULL);
    u32 sub = cpu->run->internal.suberror;

    g_string_printf(cause, "KVM internal error %u on vCPU %u: %s", sub, cpu->index,
                    sub < G_N_ELEMENTS(name) && name[sub] ? name[sub] : "unknown");
    if (sub == KVM_INTERNAL_ERROR_EMULATION) {
        append_instruction(cpu->run, cause);
    }
    cpu_crashes(cpu, cause->str);
}

static void exit_unknown(KvmCpu *cpu)
{
    const struct kvm_run *run = cpu->run;
    g_autofree char *cause = NULL;

    if (run->exit_reason == KVM_EXIT_FAIL_ENTRY) {
        cause = g_strdup_printf(
            "KVM can't enter the guest on vCPU %u: hardware reason 0x%llx", cpu->index,
            (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
    } else {
        cause = g_strdup_printf("KVM exit reason %u on vCPU %u is not handled",
                                run->exit_reason, cpu->index);
    }
    cpu_crashes(cpu, cause);
}

/* An instruction that exits for I/O is completed by the next KVM_RUN. */
static void cpu_exit(KvmCpu *cpu)
{
    struct kvm_run *run = cpu->run;

    if (run->exit_reason == KVM_EXIT_IO || run->exit_reason == KVM_EXIT_MMIO) {
        run->ready_for_interrupt_injection = 0;
    }
    switch (run->exit_reason) {
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
        break;
    case KVM_EXIT_SHUTDOWN:
        exit_shutdown(cpu);
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        exit_internal_error(cpu);
        break;
    default:
        exit_unknown(cpu);
    }
}

/* ---- the thread ---- */

/*
 * A vCPU says that it is about to run and then looks whether it may; who holds it says
 * so and then looks who runs.  One that waits for the machine lock is out of the guest.
 */
void kvm_hold(Kvm *kvm)
{
    pthread_mutex_lock(&kvm->lock);
    kvm->holding = true;
    for (unsigned i = 0; i < kvm->cpus; i++) {
        if (kvm->cpu[i].in_run) {
            kvm_cpu_kick(&kvm->cpu[i]);
        }
    }
    for (unsigned i = 0; i < kvm->cpus; i++) {
        while (kvm->cpu[i].in_run) {
            pthread_cond_wait(&kvm->changed, &kvm->lock);
        }
    }
    pthread_mutex_unlock(&kvm->lock);
}

void kvm_let_go(Kvm *kvm)
{
    pthread_mutex_lock(&kvm->lock);
    kvm->holding = false;
    pthread_cond_broadcast(&kvm->changed);
    pthread_mutex_unlock(&kvm->lock);
}

static void run_end(KvmCpu *cpu)
{
    Kvm *kvm = cpu->kvm;

    cpu->in_run = false;
    if (kvm->holding) {
        pthread_mutex_lock(&kvm->lock);
        pthread_cond_broadcast(&kvm->changed);
        pthread_mutex_unlock(&kvm->lock);
    }
}

static void run_begin(KvmCpu *cpu)
{
    Kvm *kvm = cpu->kvm;

    cpu->in_run = true;
    while (kvm->holding) {
        run_end(cpu);
        pthread_mutex_lock(&kvm->lock);
        while (kvm->holding) {
            pthread_cond_wait(&kvm->changed, &kvm->lock);
        }
        pthread_mutex_unlock(&kvm->lock);
        cpu->in_run = true;
    }
}

/* False when it was interrupted. */
static bool cpu_run(KvmCpu *cpu)
{
    int result;

    run_begin(cpu);
    result = ioctl(cpu->fd, KVM_RUN, 0);
    run_end(cpu);
    if (result == 0) {
        cpu_exit(cpu);
        return true;
    }
    if (errno != EINTR && errno != EAGAIN) {
        g_autofree char *cause =
            g_strdup_printf("KVM_RUN on vCPU %u: %s", cpu->index, g_strerror(errno));

        cpu_crashes(cpu, cause);
    }
    return false;
}

static void set_run_mask(KvmCpu *cpu, bool in_force)
{
    u32 none[] = { 8, 0, 0 };               /* kvm_signal_mask: 8 bytes, no signal */

    kvm_ioctl(cpu->fd, KVM_SET_SIGNAL_MASK, in_force ? none : NULL);
}

/*
 * What the kernel has begun for a vCPU and would do in the next KVM_RUN is in no state:
 * the rest of an instruction that exited, the report of an EOI.  A KVM_RUN that finds a
 * signal waiting does that and does not enter the guest.  (With immediate_exit it would
 * do the former only.)
 */
static void cpu_settle(KvmCpu *cpu)
{
    sigset_t kick, before;
    bool again = true;

    sigemptyset(&kick);
    sigaddset(&kick, SIGRTMIN);
    pthread_sigmask(SIG_BLOCK, &kick, &before);
    pthread_kill(pthread_self(), SIGRTMIN);
    set_run_mask(cpu, true);
    while (again && !cpu->dead) {
        set_immediate_exit(cpu, 0);
        again = cpu_run(cpu) || must_exit(cpu);
    }
    set_run_mask(cpu, false);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    cpu->unsettled = false;
}

void kvm_cpu_settle(KvmCpu *cpu)
{
    Kvm *kvm = cpu->kvm;

    pthread_mutex_lock(&kvm->lock);
    cpu->to_settle = true;
    pthread_cond_broadcast(&kvm->changed);
    while (cpu->to_settle) {
        pthread_cond_wait(&kvm->changed, &kvm->lock);
    }
    pthread_mutex_unlock(&kvm->lock);
}

static bool cpu_must_stand(KvmCpu *cpu)
{
    return cpu->kvm->stopping || cpu->kvm->closing || cpu->dead;
}

/* Stands between two runs as long as it must. */
static void cpu_stand(KvmCpu *cpu)
{
    Kvm *kvm = cpu->kvm;

    pthread_mutex_lock(&kvm->lock);
    cpu->at_boundary = true;
    cpu->to_settle = false;
    pthread_cond_broadcast(&kvm->changed);
    while (cpu_must_stand(cpu) && !kvm->closing && !cpu->to_settle) {
        pthread_cond_wait(&kvm->changed, &kvm->lock);
    }
    cpu->unsettled = cpu->to_settle;
    cpu->at_boundary = false;
    pthread_mutex_unlock(&kvm->lock);
}

void *kvm_cpu_thread(void *opaque)
{
    KvmCpu *cpu = opaque;

    while (!cpu->kvm->closing) {
        set_immediate_exit(cpu, 0);
        if (!cpu_must_stand(cpu)) {
            cpu->unsettled = true;
            kvm_offer_extint(cpu);
            cpu_run(cpu);
        } else if (cpu->unsettled && !cpu->kvm->closing) {
            cpu_settle(cpu);
        } else {
            cpu_stand(cpu);
        }
    }
    return NULL;
}
