/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual machine and its vCPUs: what the host must have, the CPU model, opening.
 * Main thread.
 */

#include "accel/kvm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Three pages that old Intel CPUs need for real mode, and one for its page table: below
 * the firmware.
 */
#define IDENTITY_MAP 0xfeffc000u
#define TSS_ADDRESS 0xfeffd000u

/*
 * MCG_CAP: one bank of machine-check registers, the fewest that KVM allows.  Nothing
 * here injects machine checks; its default, 32 banks, would only cost exits.
 */
enum { MACHINE_CHECK_BANKS = 1 };

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

    g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(number), "%s: %s", what,
                g_strerror(number));
}

/* ---- can it run an ordinary guest? ---- */

/* -1 and the reason in a few words, or /dev/kvm. */
static int system_open(char **why)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (fd >= 0 && ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION) {
        return fd;
    }
    if (fd >= 0) {
        *why = g_strdup("/dev/kvm speaks another version of the interface");
        close(fd);
    } else if (errno == ENOENT) {
        *why = g_strdup("there is no /dev/kvm");
    } else if (errno == EACCES) {
        *why = g_strdup("no permission for /dev/kvm (join the group kvm)");
    } else {
        *why = g_strdup_printf("/dev/kvm: %s", g_strerror(errno));
    }
    return -1;
}

/*
 * A host that is itself a guest may lend /dev/kvm and run small code in its kernel's
 * emulator, but no ordinary guest.  The first CPU's entry in /proc/cpuinfo tells; the
 * others, which are slow to read, say the same.
 */
static bool host_has_virtualization(void)
{
    char text[8192];
    char *flags, *end;
    int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (fd >= 0) {
        close(fd);
    }
    text[MAX(n, 0)] = 0;
    flags = strstr(text, "\nflags");
    end = flags ? strchr(flags + 1, '\n') : NULL;
    if (!end) {
        return true;                        /* it does not say: try */
    }
    strcpy(end, " ");
    return strstr(flags, " vmx ") || strstr(flags, " svm ");
}

bool kvm_probe(char **why)
{
    int fd = system_open(why);

    if (fd < 0) {
        return false;
    }
    close(fd);
    if (!host_has_virtualization()) {
        *why = g_strdup("this host's KVM can't run an ordinary guest: "
                        "its CPU has neither vmx nor svm");
        return false;
    }
    return true;
}

/* ---- the virtual machine ---- */

/* What a kernel may lack; it has the rest if it has these (Linux 4.17). */
static const struct {
    int cap;
    const char *name;
} needed[] = {
    { KVM_CAP_SPLIT_IRQCHIP, "KVM_CAP_SPLIT_IRQCHIP" },
    { KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
    { KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM" },
    { KVM_CAP_X2APIC_API, "KVM_CAP_X2APIC_API" },
};

static bool has_needed(Kvm *kvm, GError **err)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(needed); i++) {
        if (ioctl(kvm->vm, KVM_CHECK_EXTENSION, (long)needed[i].cap) <= 0) {
            g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOSYS,
                        "the host's kernel lacks %s", needed[i].name);
            return false;
        }
    }
    return true;
}

static bool enable_cap(Kvm *kvm, u32 cap, u64 argument, const char *name, GError **err)
{
    struct kvm_enable_cap enable = { .cap = cap, .args = { argument } };

    if (kvm_ioctl(kvm->vm, KVM_ENABLE_CAP, &enable)) {
        kvm_error(err, name);
        return false;
    }
    return true;
}
#define ENABLE(kvm, cap, argument, err) enable_cap(kvm, cap, argument, #cap, err)

bool kvm_vm_open(Kvm *kvm, GError **err)
{
    u64 identity = IDENTITY_MAP;
    g_autofree char *why = NULL;

    kvm->system = system_open(&why);
    if (kvm->system < 0) {
        g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_NODEV, why);
        return false;
    }
    kvm->vm = kvm_ioctl(kvm->system, KVM_CREATE_VM, NULL);
    if (kvm->vm < 0) {
        kvm_error(err, "KVM_CREATE_VM");
        return false;
    }
    if (!has_needed(kvm, err)) {
        return false;
    }
    if (kvm_ioctl(kvm->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) ||
        kvm_ioctl(kvm->vm, KVM_SET_TSS_ADDR, (void *)(uintptr_t)TSS_ADDRESS)) {
        kvm_error(err, "KVM_SET_TSS_ADDR");
        return false;
    }
    return ENABLE(kvm, KVM_CAP_SPLIT_IRQCHIP, KVM_PINS, err) &&
           ENABLE(kvm, KVM_CAP_X2APIC_API,
                  KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK,
                  err);
}

/* ---- the CPU model ---- */

#define CPUID_TSC_DEADLINE (1u << 24)
#define CPUID_HYPERVISOR (1u << 31)

static struct kvm_cpuid2 *supported_cpuid(Kvm *kvm)
{
    for (unsigned n = CPUID_MAX; n <= 4096; n *= 2) {
        struct kvm_cpuid2 *cpuid =
            g_malloc0(sizeof *cpuid + n * sizeof cpuid->entries[0]);

        cpuid->nent = n;
        if (!kvm_ioctl(kvm->system, KVM_GET_SUPPORTED_CPUID, cpuid)) {
            return cpuid;
        }
        g_free(cpuid);
    }
    return NULL;
}

bool kvm_model_build(Kvm *kvm, const char *cpu, GError **err)
{
    g_autofree struct kvm_cpuid2 *cpuid = supported_cpuid(kvm);
    g_autofree CpuidTable *supported = g_new0(CpuidTable, 1);

    if (!cpuid) {
        kvm_error(err, "KVM_GET_SUPPORTED_CPUID");
        return false;
    }
    for (u32 i = 0; i < cpuid->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];
        bool indexed = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;

        CpuidLeaf *leaf = cpuid_add(supported, e->function, e->index, indexed);

        if (leaf) {
            leaf->eax = e->eax;
            leaf->ebx = e->ebx;
            leaf->ecx = e->ecx;
            leaf->edx = e->edx;
        }
    }
    /* There, though not reported (api.rst, 4.46; SDM vol. 2A, CPUID, leaf 1). */
    cpuid_add(supported, 1, 0, false)->ecx |= CPUID_HYPERVISOR;
    if (ioctl(kvm->vm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0) {
        cpuid_add(supported, 1, 0, false)->ecx |= CPUID_TSC_DEADLINE;
    }
    return cpu_model_build(cpu ? cpu : "host", supported, &kvm->topology, &kvm->model,
                           err);
}

/* ---- vCPUs ---- */

static bool cpu_set_cpuid(KvmCpu *cpu, GError **err)
{
    g_autofree CpuidTable *table = g_new0(CpuidTable, 1);
    g_autofree struct kvm_cpuid2 *cpuid =
        g_malloc0(sizeof *cpuid + CPUID_MAX * sizeof cpuid->entries[0]);

    cpuid_for_cpu(&cpu->kvm->model, &cpu->kvm->topology, cpu->index, table);
    for (unsigned i = 0; i < table->n; i++) {
        const CpuidLeaf *leaf = &table->leaf[i];

        cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2){
            .function = leaf->leaf, .index = leaf->index,
            .flags = leaf->indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
            .eax = leaf->eax, .ebx = leaf->ebx, .ecx = leaf->ecx, .edx = leaf->edx,
        };
    }
    if (kvm_ioctl(cpu->fd, KVM_SET_CPUID2, cpuid)) {
        kvm_error(err, "KVM_SET_CPUID2");
        return false;
    }
    return true;
}

/* KVM makes them in reset state: the first runs, the others wait. */
static bool cpu_open(KvmCpu *cpu, GError **err)
{
    Kvm *kvm = cpu->kvm;
    uintptr_t id = cpu_apic_id(&kvm->topology, cpu->index);
    u64 banks = MACHINE_CHECK_BANKS;

    cpu->fd = kvm_ioctl(kvm->vm, KVM_CREATE_VCPU, (void *)id);
    if (cpu->fd < 0) {
        kvm_error(err, "KVM_CREATE_VCPU");
        return false;
    }
    cpu->run =
        mmap(NULL, kvm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
    if (cpu->run == MAP_FAILED) {
        cpu->run = NULL;
        kvm_error(err, "the vCPU's shared page");
        return false;
    }
    kvm_ioctl(cpu->fd, KVM_X86_SETUP_MCE, &banks);
    return cpu_set_cpuid(cpu, err);
}

bool kvm_cpus_open(Kvm *kvm, GError **err)
{
    int bytes = kvm_ioctl(kvm->system, KVM_GET_VCPU_MMAP_SIZE, NULL);

    if (bytes < (int)sizeof(struct kvm_run)) {
        kvm_error(err, "KVM_GET_VCPU_MMAP_SIZE");
        return false;
    }
    kvm->run_bytes = bytes;
    kvm->cpu = g_new0(KvmCpu, kvm->topology.cpus);
    while (kvm->cpus < kvm->topology.cpus) {
        KvmCpu *cpu = &kvm->cpu[kvm->cpus];

        *cpu = (KvmCpu){ .kvm = kvm, .index = kvm->cpus++, .fd = -1 };
        if (!cpu_open(cpu, err)) {
            return false;
        }
    }
    return true;
}
