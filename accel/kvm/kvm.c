/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM as an AccelType: its options, opening and closing, running and pausing.  Main
 * thread, but for extint.
 */

#include "accel/kvm/kvm.h"

#include <sys/mman.h>
#include <unistd.h>

PROPS(KvmConfig,
    (bool, force, "use it also where it can't run an ordinary guest, as for tests"));

/* ---- life ---- */

static bool threads_start(Kvm *kvm, bool names, GError **err)
{
    kvm_kick_setup();
    for (unsigned i = 0; i < kvm->cpus; i++) {
        KvmCpu *cpu = &kvm->cpu[i];
        int error = pthread_create(&cpu->thread, NULL, kvm_cpu_thread, cpu);

        if (error) {
            g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(error),
                        "can't start the thread of vCPU %u: %s", i, g_strerror(error));
            return false;
        }
        cpu->has_thread = true;
        if (names) {
            g_autofree char *name = g_strdup_printf("CPU %u/KVM", i);

            pthread_setname_np(cpu->thread, name);
        }
    }
    return true;
}

static void threads_end(Kvm *kvm)
{
    pthread_mutex_lock(&kvm->lock);
    kvm->closing = true;
    pthread_cond_broadcast(&kvm->changed);
    pthread_mutex_unlock(&kvm->lock);
    for (unsigned i = 0; i < kvm->cpus; i++) {
        if (kvm->cpu[i].has_thread) {
            kvm_cpu_kick(&kvm->cpu[i]);
            pthread_join(kvm->cpu[i].thread, NULL);
        }
    }
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static void kvm_close(Accel *accel)
{
    Kvm *kvm = kvm_of(accel);

    threads_end(kvm);
    space_unlisten(accel->machine->mmio, kvm_memory_changed, kvm);
    space_unlisten(accel->machine->io, kvm_ports_changed, kvm);
    accel->machine->accel = NULL;
    for (unsigned i = 0; i < kvm->cpus; i++) {
        if (kvm->cpu[i].run) {
            munmap(kvm->cpu[i].run, kvm->run_bytes);
        }
        close_if_open(kvm->cpu[i].fd);
    }
    close_if_open(kvm->vm);
    close_if_open(kvm->system);
    pthread_mutex_destroy(&kvm->lock);
    pthread_mutex_destroy(&kvm->route_lock);
    pthread_cond_destroy(&kvm->changed);
    g_array_unref(kvm->slots);
    g_array_unref(kvm->bells);
    g_free(kvm->msrs);
    g_free(kvm->cpu);
    g_free(kvm);
}

static bool config_take(const AccelConfig *config, KvmConfig *own, GError **err)
{
    g_autofree char *force = NULL;

    if (config->options) {
        force = keyvals_take(config->options, "force");
    }
    fields_default(KvmConfig_fields, own);
    return !force || field_set(&KvmConfig_fields[0], own, force, err);
}

static bool kvm_fill(Kvm *kvm, const AccelConfig *config, GError **err)
{
    KvmConfig own;
    g_autofree char *why = NULL;

    if (!config_take(config, &own, err)) {
        return false;
    }
    if (!own.force && !kvm_probe(&why)) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NODEV,
                    "%s; -accel soft runs everywhere", why);
        return false;
    }
    if (!kvm_vm_open(kvm, err) || !kvm_model_build(kvm, config->cpu, err) ||
        !kvm_cpus_open(kvm, err) || !kvm_msrs_open(kvm, err)) {
        return false;
    }
    kvm_tsc_open(kvm);
    space_listen(kvm->accel.machine->mmio, kvm_memory_changed, kvm);
    space_listen(kvm->accel.machine->io, kvm_ports_changed, kvm);
    return threads_start(kvm, config->thread_names, err);
}

static bool kvm_open(Machine *machine, const AccelConfig *config, GError **err)
{
    Kvm *kvm = g_new0(Kvm, 1);

    kvm->accel = (Accel){ .type = &accel_kvm, .machine = machine };
    kvm->topology = config->topology;
    kvm->system = kvm->vm = -1;
    kvm->stopping = true;
    kvm->slots = g_array_new(FALSE, TRUE, sizeof(KvmSlot));
    kvm->bells = g_array_new(FALSE, TRUE, sizeof(struct kvm_ioeventfd));
    pthread_mutex_init(&kvm->lock, NULL);
    pthread_mutex_init(&kvm->route_lock, NULL);
    pthread_cond_init(&kvm->changed, NULL);
    machine->accel = &kvm->accel;
    if (!kvm_fill(kvm, config, err)) {
        kvm_close(&kvm->accel);
        return false;
    }
    return true;
}

/* ---- running ---- */

/* kvmclock stands while the machine does; its first value is the virtual clock's. */
static void clock_resume(Kvm *kvm)
{
    struct kvm_clock_data clock = { .clock = kvm->clock_ns };

    if (!kvm->has_run) {
        clock.clock = clock_now(kvm->accel.machine->clock);
    }
    kvm_ioctl(kvm->vm, KVM_SET_CLOCK, &clock);
    for (unsigned i = 0; kvm->has_run && i < kvm->cpus; i++) {
        /* The guest's watchdogs forgive the pause; refused if it has no kvmclock. */
        kvm_ioctl(kvm->cpu[i].fd, KVM_KVMCLOCK_CTRL, NULL);
    }
    kvm->has_run = true;
}

static void clock_pause(Kvm *kvm)
{
    struct kvm_clock_data clock = { .clock = 0 };

    if (!kvm_ioctl(kvm->vm, KVM_GET_CLOCK, &clock)) {
        kvm->clock_ns = clock.clock;
    }
    kvm_tsc_paused(kvm);
}

static void kvm_resume(Accel *accel)
{
    Kvm *kvm = kvm_of(accel);

    if (!kvm->stopping) {
        return;
    }
    clock_resume(kvm);
    pthread_mutex_lock(&kvm->lock);
    kvm->stopping = false;
    pthread_cond_broadcast(&kvm->changed);
    pthread_mutex_unlock(&kvm->lock);
}

static void kvm_pause(Accel *accel)
{
    Kvm *kvm = kvm_of(accel);
    bool was_running;

    pthread_mutex_lock(&kvm->lock);
    was_running = !atomic_exchange(&kvm->stopping, true);
    for (unsigned i = 0; was_running && i < kvm->cpus; i++) {
        kvm_cpu_kick(&kvm->cpu[i]);
    }
    for (unsigned i = 0; i < kvm->cpus; i++) {
        while (!kvm->cpu[i].at_boundary) {
            pthread_cond_wait(&kvm->changed, &kvm->lock);
        }
    }
    pthread_mutex_unlock(&kvm->lock);
    if (was_running) {
        clock_pause(kvm);
    }
}

static void kvm_extint(Accel *accel, bool level)
{
    Kvm *kvm = kvm_of(accel);

    if (!atomic_exchange(&kvm->extint, level) && level) {
        kvm_cpu_kick(&kvm->cpu[0]);
    }
}

/* ---- looking ---- */

static bool kvm_translate(Accel *accel, unsigned cpu, gva at, gpa *out)
{
    struct kvm_translation translation = { .linear_address = at };

    if (kvm_ioctl(kvm_of(accel)->cpu[cpu].fd, KVM_TRANSLATE, &translation) ||
        !translation.valid) {
        return false;
    }
    *out = translation.physical_address;
    return true;
}

static const CpuidTable *kvm_cpuid(Accel *accel)
{
    return &kvm_of(accel)->model;
}

const AccelType accel_kvm = {
    .name         = "kvm",
    .help         = "the host's virtualization hardware",
    .probe        = kvm_probe,
    .open         = kvm_open,
    .close        = kvm_close,
    .resume       = kvm_resume,
    .pause        = kvm_pause,
    .get_state    = kvm_get_state,
    .set_state    = kvm_set_state,
    .msi          = kvm_msi,
    .extint       = kvm_extint,
    .ioapic_route = kvm_ioapic_route,
    .nmi          = kvm_nmi,
    .irqfd        = kvm_irqfd,
    .irqfd_remove = kvm_irqfd_remove,
    .ram_is_shared = true,
    .translate    = kvm_translate,
    .cpuid        = kvm_cpuid,
};
