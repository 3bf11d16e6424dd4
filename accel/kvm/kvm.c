/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM as an AccelType: what must be there, the virtual machine and its vCPUs, running and pausing.  Main thread.
 */

#include "accel/kvm/kvm.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

PROPS(KvmConfig,
    (bool, force, "use it also where the host's CPU shows no virtualization, as for tests"));

/* Three pages that old Intel CPUs need for real mode, and one for its page table: below the firmware, as firmware expects. */
enum { IDENTITY_MAP = (int)0xfeffc000, TSS_ADDRESS = (int)0xfeffd000 };

int kvm_ioctl(int fd, unsigned long request, void *argument)
{
    int result;

    do {
        result = ioctl(fd, request, argument);
    } while (result < 0 && errno == EINTR);
    return result;
}

void kvm_error(GError **err, const char *what)
{
    int number = errno;

    g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(number), "%s: %s", what, g_strerror(number));
}

/* ---- can it run an ordinary guest? ---- */

/* A nested host may lend /dev/kvm and run small code in its own emulator, but no ordinary kernel. */
static bool host_has_virtualization(void)
{
    g_autofree char *text = NULL;
    char *flags, *end;

    if (!g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL) || !(flags = strstr(text, "\nflags"))) {
        return true;
    }
    end = strchr(flags + 1, '\n');
    if (end) {
        *end = 0;
    }
    return g_regex_match_simple("\\b(vmx|svm)\\b", flags, 0, 0);
}

static bool kvm_probe(char **why)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        *why = errno == ENOENT ? g_strdup("there is no /dev/kvm") :
               errno == EACCES ? g_strdup("no permission for /dev/kvm (join the group kvm)") :
               g_strdup_printf("/dev/kvm: %s", g_strerror(errno));
        return false;
    }
    if (ioctl(fd, KVM_GET_API_VERSION, 0) != 12) {
        *why = g_strdup("/dev/kvm speaks another version of the interface");
    } else if (!host_has_virtualization()) {
        *why = g_strdup("this host's KVM can't run an ordinary guest: its CPU has neither vmx nor svm");
    }
    close(fd);
    return !*why;
}

/* ---- the virtual machine ---- */

/* What Mayfly does not do without; every kernel since 4.17 has all of these. */
static const struct { int cap; const char *name; } needed[] = {
    { KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" }, { KVM_CAP_SPLIT_IRQCHIP, "KVM_CAP_SPLIT_IRQCHIP" },
    { KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI" }, { KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
    { KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" }, { KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
    { KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS" }, { KVM_CAP_XSAVE, "KVM_CAP_XSAVE" },
    { KVM_CAP_XCRS, "KVM_CAP_XCRS" }, { KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS" },
    { KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM" },
};

static bool enable_cap(Kvm *kvm, u32 cap, u64 argument)
{
    struct kvm_enable_cap enable = { .cap = cap, .args = { argument } };

    return !kvm_ioctl(kvm->vm, KVM_ENABLE_CAP, &enable);
}

static int vm_extension(Kvm *kvm, long cap)
{
    return ioctl(kvm->vm, KVM_CHECK_EXTENSION, cap);
}

static bool vm_open(Kvm *kvm, GError **err)
{
    u64 identity = (u32)IDENTITY_MAP;

    kvm->system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm->system < 0) {
        kvm_error(err, "/dev/kvm");
        return false;
    }
    do {                                    /* a signal can interrupt the making of the memory notifier */
        kvm->vm = ioctl(kvm->system, KVM_CREATE_VM, 0);
    } while (kvm->vm < 0 && errno == EINTR);
    if (kvm->vm < 0) {
        kvm_error(err, "KVM_CREATE_VM");
        return false;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(needed); i++) {
        if (vm_extension(kvm, needed[i].cap) <= 0) {
            g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOSYS, "the host's kernel lacks %s", needed[i].name);
            return false;
        }
    }
    if (kvm_ioctl(kvm->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) ||
        ioctl(kvm->vm, KVM_SET_TSS_ADDR, (unsigned long)(u32)TSS_ADDRESS)) {
        kvm_error(err, "KVM_SET_TSS_ADDR");
        return false;
    }
    if (!enable_cap(kvm, KVM_CAP_SPLIT_IRQCHIP, KVM_PINS)) {
        kvm_error(err, "KVM_CAP_SPLIT_IRQCHIP");
        return false;
    }
    if (vm_extension(kvm, KVM_CAP_X2APIC_API) > 0) {
        enable_cap(kvm, KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK);
    }
    return true;
}

/* ---- CPUID and MSRs ---- */

static struct kvm_cpuid2 *supported_cpuid(Kvm *kvm)
{
    for (unsigned n = 64; n <= 4096; n *= 2) {
        struct kvm_cpuid2 *cpuid = g_malloc0(sizeof *cpuid + n * sizeof cpuid->entries[0]);

        cpuid->nent = n;
        if (!kvm_ioctl(kvm->system, KVM_GET_SUPPORTED_CPUID, cpuid)) {
            return cpuid;
        }
        g_free(cpuid);
    }
    return NULL;
}

static bool model_build(Kvm *kvm, const char *cpu, GError **err)
{
    g_autofree struct kvm_cpuid2 *cpuid = supported_cpuid(kvm);
    g_autofree CpuidTable *supported = g_new0(CpuidTable, 1);

    if (!cpuid) {
        kvm_error(err, "KVM_GET_SUPPORTED_CPUID");
        return false;
    }
    for (u32 i = 0; i < cpuid->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];
        CpuidLeaf *leaf = cpuid_add(supported, e->function, e->index, e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX);

        if (leaf) {
            leaf->eax = e->eax;
            leaf->ebx = e->ebx;
            leaf->ecx = e->ecx;
            leaf->edx = e->edx;
            if (e->function == 1) {
                leaf->ecx |= 1u << 24;      /* TSC deadline: not reported here, but there (api.rst, 4.46) */
            }
        }
    }
    return cpu_model_build(cpu ? cpu : "host", supported, &kvm->topology, &kvm->model, err);
}

static bool cpu_set_cpuid(KvmCpu *cpu, GError **err)
{
    g_autofree CpuidTable *table = g_new0(CpuidTable, 1);
    g_autofree struct kvm_cpuid2 *cpuid = g_malloc0(sizeof *cpuid + CPUID_MAX * sizeof cpuid->entries[0]);

    cpuid_for_cpu(&cpu->kvm->model, &cpu->kvm->topology, cpu->index, table);
    for (unsigned i = 0; i < table->n; i++) {
        const CpuidLeaf *leaf = &table->leaf[i];

        cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2){
            .function = leaf->leaf, .index = leaf->index, .flags = leaf->indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
            .eax = leaf->eax, .ebx = leaf->ebx, .ecx = leaf->ecx, .edx = leaf->edx,
        };
    }
    if (kvm_ioctl(cpu->fd, KVM_SET_CPUID2, cpuid)) {
        kvm_error(err, "KVM_SET_CPUID2");
        return false;
    }
    return true;
}

static bool msrs_list(Kvm *kvm, GError **err)
{
    struct kvm_msr_list probe = { .nmsrs = 0 };

    kvm_ioctl(kvm->system, KVM_GET_MSR_INDEX_LIST, &probe);         /* E2BIG, with the number needed */
    kvm->msrs = g_malloc0(sizeof *kvm->msrs + probe.nmsrs * sizeof kvm->msrs->indices[0]);
    kvm->msrs->nmsrs = probe.nmsrs;
    if (kvm_ioctl(kvm->system, KVM_GET_MSR_INDEX_LIST, kvm->msrs)) {
        kvm_error(err, "KVM_GET_MSR_INDEX_LIST");
        return false;
    }
    return true;
}

/* ---- vCPUs ---- */

static bool cpu_open(Kvm *kvm, KvmCpu *cpu, unsigned index, GError **err)
{
    *cpu = (KvmCpu){ .kvm = kvm, .index = index };
    cpu->fd = ioctl(kvm->vm, KVM_CREATE_VCPU, (unsigned long)cpu_apic_id(&kvm->topology, index));
    if (cpu->fd < 0) {
        kvm_error(err, "KVM_CREATE_VCPU");
        return false;
    }
    cpu->run = mmap(NULL, kvm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
    if (cpu->run == MAP_FAILED) {
        cpu->run = NULL;
        kvm_error(err, "the vCPU's shared page");
        return false;
    }
    return cpu_set_cpuid(cpu, err);
}

static bool cpus_open(Kvm *kvm, GError **err)
{
    int bytes = ioctl(kvm->system, KVM_GET_VCPU_MMAP_SIZE, 0);

    if (bytes < (int)sizeof(struct kvm_run)) {
        kvm_error(err, "KVM_GET_VCPU_MMAP_SIZE");
        return false;
    }
    kvm->run_bytes = bytes;
    kvm->cpu = g_new0(KvmCpu, kvm->topology.cpus);
    for (unsigned i = 0; i < kvm->topology.cpus; i++) {
        kvm->cpus = i + 1;
        if (!cpu_open(kvm, &kvm->cpu[i], i, err)) {
            return false;
        }
    }
    for (unsigned i = 0; i < kvm->cpus; i++) {
        g_autofree X86State *state = g_new0(X86State, 1);

        x86_state_reset(state, cpu_apic_id(&kvm->topology, i), i == 0);
        if (!kvm_set_state(&kvm->accel, i, state, err)) {
            return false;
        }
    }
    return true;
}

static void threads_start(Kvm *kvm, bool names)
{
    kvm_kick_setup();
    for (unsigned i = 0; i < kvm->cpus; i++) {
        KvmCpu *cpu = &kvm->cpu[i];

        if (pthread_create(&cpu->thread, NULL, kvm_cpu_thread, cpu)) {
            g_error("can't start the thread of vCPU %u", i);
        }
        cpu->has_thread = true;
        if (names) {
            g_autofree char *name = g_strdup_printf("CPU %u/KVM", i);

            pthread_setname_np(cpu->thread, name);
        }
    }
}

/* ---- life ---- */

static void cpu_close(Kvm *kvm, KvmCpu *cpu)
{
    if (cpu->has_thread) {
        kvm_cpu_kick(cpu);
        pthread_join(cpu->thread, NULL);
    }
    if (cpu->run) {
        munmap(cpu->run, kvm->run_bytes);
    }
    if (cpu->fd > 0) {
        close(cpu->fd);
    }
}

static void kvm_close(Accel *accel)
{
    Kvm *kvm = kvm_of(accel);

    pthread_mutex_lock(&kvm->lock);
    kvm->closing = true;
    pthread_cond_broadcast(&kvm->changed);
    pthread_mutex_unlock(&kvm->lock);
    for (unsigned i = 0; i < kvm->cpus; i++) {
        cpu_close(kvm, &kvm->cpu[i]);
    }
    space_unlisten(accel->machine->mmio, kvm_memory_changed, kvm);
    space_unlisten(accel->machine->io, kvm_ports_changed, kvm);
    if (kvm->vm >= 0) {
        close(kvm->vm);
    }
    if (kvm->system >= 0) {
        close(kvm->system);
    }
    accel->machine->accel = NULL;
    g_array_unref(kvm->bells);
    g_free(kvm->slot);
    g_free(kvm->msrs);
    g_free(kvm->cpu);
    g_free(kvm);
}

static bool config_take(const AccelConfig *config, KvmConfig *own, GError **err)
{
    g_autofree char *force = config->options ? keyvals_take(config->options, "force") : NULL;

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
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NODEV, "%s; -accel soft runs everywhere", why);
        return false;
    }
    if (!vm_open(kvm, err) || !msrs_list(kvm, err) || !model_build(kvm, config->cpu, err) || !cpus_open(kvm, err)) {
        return false;
    }
    space_listen(kvm->accel.machine->mmio, kvm_memory_changed, kvm);
    space_listen(kvm->accel.machine->io, kvm_ports_changed, kvm);
    threads_start(kvm, config->thread_names);
    return true;
}

static bool kvm_open(Machine *machine, const AccelConfig *config, GError **err)
{
    Kvm *kvm = g_new0(Kvm, 1);

    kvm->accel = (Accel){ .type = &accel_kvm, .machine = machine };
    kvm->topology = config->topology;
    kvm->system = kvm->vm = -1;
    kvm->stopping = true;
    kvm->bells = g_array_new(FALSE, TRUE, sizeof(KvmBell));
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

static void kvm_resume(Accel *accel)
{
    Kvm *kvm = kvm_of(accel);

    for (unsigned i = 0; i < kvm->cpus; i++) {
        ioctl(kvm->cpu[i].fd, KVM_KVMCLOCK_CTRL, 0);        /* the guest's watchdogs forgive the pause, where it has kvmclock */
    }
    pthread_mutex_lock(&kvm->lock);
    kvm->stopping = false;
    pthread_cond_broadcast(&kvm->changed);
    pthread_mutex_unlock(&kvm->lock);
}

static void kvm_pause(Accel *accel)
{
    Kvm *kvm = kvm_of(accel);

    pthread_mutex_lock(&kvm->lock);
    kvm->stopping = true;
    for (unsigned i = 0; i < kvm->cpus; i++) {
        while (!kvm->cpu[i].at_boundary) {
            kvm_cpu_kick(&kvm->cpu[i]);
            pthread_cond_wait(&kvm->changed, &kvm->lock);
        }
    }
    pthread_mutex_unlock(&kvm->lock);
}

static void kvm_extint(Accel *accel, bool level)
{
    Kvm *kvm = kvm_of(accel);

    if (atomic_exchange(&kvm->extint, level) != level && level && kvm->cpus && kvm->cpu[0].has_thread) {
        kvm_cpu_kick(&kvm->cpu[0]);
    }
}

static void kvm_nmi(Accel *accel, unsigned cpu)
{
    kvm_ioctl(kvm_of(accel)->cpu[cpu].fd, KVM_NMI, NULL);
}

static bool kvm_translate(Accel *accel, unsigned cpu, gva at, gpa *out)
{
    struct kvm_translation translation = { .linear_address = at };

    if (kvm_ioctl(kvm_of(accel)->cpu[cpu].fd, KVM_TRANSLATE, &translation) || !translation.valid) {
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
    .translate    = kvm_translate,
    .cpuid        = kvm_cpuid,
};
