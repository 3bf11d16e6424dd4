/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software accelerator as an AccelType: makes the vCPUs and their threads, passes
 * on what the rest of the machine wants of them.  Main thread, but for the functions
 * that accel.h lets any thread call.
 */

#include "accel/soft/jit/jit.h"
#include "accel/soft/host.h"
#include "accel/soft/mmu.h"
#include "accel/soft/simd.h"
#include "accel/soft/soft.h"
#include "base/log.h"
#include <inttypes.h>
#include <sys/mman.h>

/* Measured with a boot and with clones that answer once: most code runs once. */
enum { JIT_DEFAULT = true, HOT = 32 };

PROPS(SoftConfig,
    (u32, tb_size, "memory for translated code, in MiB; as much again for decoded", .def = 64, .min = 1, .max = 4096),
    (bool, jit,    "translate hot code to host code", .def = JIT_DEFAULT),
    (bool, perfmap, "tell perf of translated code: /tmp/perf-PID.map"),
    (str, thread,  "multi: one thread per vCPU, always"));

static Soft *soft_of(Accel *accel)
{
    return container_of(accel, Soft, accel);
}

static bool soft_probe(char **why)
{
    return true;
}

/* ---- the address map ---- */

static bool view_has(const FlatView *view, const FlatRange *r)
{
    for (unsigned i = 0; i < view->n; i++) {
        const FlatRange *v = &view->range[i];

        if (r->base >= v->base && r->base - v->base < v->size) {
            return v->host && v->size - (r->base - v->base) >= r->size &&
                   v->host + (r->base - v->base) == r->host;
        }
    }
    return false;
}

/*
 * Code from ranges that are not there any more, or are something else now, goes; so do
 * all translations.
 */
static void soft_map_changed(void *opaque, const FlatView *old, const FlatView *now)
{
    Soft *soft = opaque;

    exclusive_begin(soft, NULL);
    for (unsigned i = 0; old && i < old->n; i++) {
        const FlatRange *r = &old->range[i];

        if (r->host && !view_has(now, r)) {
            blocks_drop_range(soft->blocks, r->base, r->size);
        }
    }
    for (unsigned i = 0; i < soft->cpus; i++) {
        mmu_flush(soft->cpu[i]);
    }
    exclusive_end(soft, NULL);
}

/* Any thread: a device wrote to a page that holds code. */
static void soft_code_written(void *opaque, u64 ram_page)
{
    Soft *soft = opaque;

    blocks_page_written(soft->blocks, ram_page);
}

/* ---- life ---- */

static Cpu *soft_cpu_new(Soft *soft, unsigned index)
{
    Cpu *cpu = mmap(NULL, sizeof *cpu, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (cpu == MAP_FAILED) {
        return NULL;
    }
    cpu->soft = soft;
    cpu->self = cpu;
    cpu->host_mxcsr = HOST_MXCSR;
    cpu->machine = soft->accel.machine;
    cpu->index = index;
    cpuid_for_cpu(&soft->model, &soft->topology, index, &cpu->cpuid);
    cpu_features_set(cpu);
    pthread_cond_init(&cpu->wake, NULL);
    cpu->lapic = lapic_new(cpu);
    jit_counts_new(cpu);
    return cpu;
}

static bool soft_cpu_reset(Cpu *cpu, GError **err)
{
    g_autofree X86State *state = g_new0(X86State, 1);

    x86_state_reset(state, cpu_apic_id(&cpu->soft->topology, cpu->index),
                    cpu->index == 0);
    return cpu_set_state(cpu, state, err);
}

static bool soft_cpus_open(Soft *soft, GError **err)
{
    soft->cpu = g_new0(Cpu *, soft->topology.cpus);
    for (unsigned i = 0; i < soft->topology.cpus; i++) {
        soft->cpu[i] = soft_cpu_new(soft, i);
        if (!soft->cpu[i]) {
            g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOMEM, "no memory for vCPU %u",
                        i);
            return false;
        }
        soft->cpus++;
    }
    for (unsigned i = 0; i < soft->cpus; i++) {
        if (!soft_cpu_reset(soft->cpu[i], err)) {
            return false;
        }
    }
    return true;
}

static void soft_threads_start(Soft *soft, bool names)
{
    for (unsigned i = 0; i < soft->cpus; i++) {
        Cpu *cpu = soft->cpu[i];

        if (pthread_create(&cpu->thread, NULL, cpu_thread, cpu)) {
            g_error("can't start the thread of vCPU %u", i);
        }
        cpu->has_thread = true;
        if (names) {
            g_autofree char *name = g_strdup_printf("CPU %u/soft", i);

            pthread_setname_np(cpu->thread, name);
        }
    }
}

static bool soft_config(Soft *soft, KeyVals *options, GError **err)
{
    SoftConfig config = { 0 };
    bool ok = true;

    fields_default(SoftConfig_fields, &config);
    for (const Field *f = SoftConfig_fields; f->name && ok; f++) {
        g_autofree char *key = g_strdelimit(g_strdup(f->name), "_", '-');
        g_autofree char *value = options ? keyvals_take(options, key) : NULL;

        ok = !value || field_set(f, &config, value, err);
    }
    soft->cache_bytes = config.tb_size * MiB;
    soft->jit = config.jit;
    soft->perf_map = config.perfmap;
    soft->hot = HOT;
    if (ok && config.thread && strcmp(config.thread, "multi") &&
        strcmp(config.thread, "single")) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "thread: '%s' is not multi or single", config.thread);
        ok = false;
    }
    fields_clear(SoftConfig_fields, &config);
    return ok;
}

static bool soft_fill(Soft *soft, const AccelConfig *config, GError **err)
{
    Machine *machine = soft->accel.machine;
    CpuidTable supported = { 0 };

    soft->topology = config->topology;
    soft->tsc_khz = SOFT_TSC_KHZ;
    soft_cpuid_supported(&supported, soft->tsc_khz, machine->ram_bytes);
    if (!host_open(err) || !soft_config(soft, config->options, err) ||
        !cpu_model_build(config->cpu ? config->cpu : "max", &supported, &soft->topology,
                         &soft->model, err)) {
        return false;
    }
    idle_init(&soft->idle);
    soft->blocks = blocks_new(soft, soft->cache_bytes, err);
    return soft->blocks && soft_cpus_open(soft, err) &&
           (mem_code_hook(machine->mem, soft_code_written, soft), true);
}

static void soft_close(Accel *accel)
{
    Soft *soft = soft_of(accel);

    for (unsigned i = 0; i < soft->cpus; i++) {
        cpu_request(soft->cpu[i], REQUEST_EXIT_CPU);
    }
    pthread_mutex_lock(&soft->gate_lock);
    pthread_cond_broadcast(&soft->gate_changed);
    pthread_mutex_unlock(&soft->gate_lock);
    for (unsigned i = 0; i < soft->cpus; i++) {
        if (soft->cpu[i]->has_thread) {
            pthread_join(soft->cpu[i]->thread, NULL);
        }
    }
    space_unlisten(accel->machine->mmio, soft_map_changed, soft);
    mem_code_hook(accel->machine->mem, NULL, NULL);
    for (unsigned i = 0; i < soft->cpus; i++) {
        lapic_free(soft->cpu[i]->lapic);
        jit_counts_free(soft->cpu[i]);
        munmap(soft->cpu[i], sizeof *soft->cpu[i]);
    }
    if (soft->blocks) {
        blocks_free(soft->blocks);
    }
    accel->machine->accel = NULL;
    g_free(soft->cpu);
    g_free(soft);
}

static bool soft_open(Machine *machine, const AccelConfig *config, GError **err)
{
    Soft *soft = g_new0(Soft, 1);

    soft->accel = (Accel){ .type = &accel_soft, .machine = machine };
    pthread_mutex_init(&soft->gate_lock, NULL);
    pthread_cond_init(&soft->gate_changed, NULL);
    soft->stopping = soft->paused = true;
    machine->accel = &soft->accel;
    if (!soft_fill(soft, config, err)) {
        soft_close(&soft->accel);
        return false;
    }
    space_listen(machine->mmio, soft_map_changed, soft);
    soft_threads_start(soft, config->thread_names);
    return true;
}

/* ---- running ---- */

static void soft_resume(Accel *accel)
{
    Soft *soft = soft_of(accel);

    if (soft->paused) {
        soft->paused = false;
        world_start(soft, NULL);
    }
}

static void soft_pause(Accel *accel)
{
    Soft *soft = soft_of(accel);

    if (!soft->paused) {
        world_stop(soft, NULL);
        soft->paused = true;
    }
}

static bool soft_get_state(Accel *accel, unsigned cpu, X86State *state, GError **err)
{
    cpu_get_state(soft_of(accel)->cpu[cpu], state);
    return true;
}

static bool soft_set_state(Accel *accel, unsigned cpu, const X86State *state,
                           GError **err)
{
    return cpu_set_state(soft_of(accel)->cpu[cpu], state, err);
}

static void soft_msi(Accel *accel, gpa address, u32 data)
{
    lapics_message(soft_of(accel), address, data);
}

static void soft_extint(Accel *accel, bool level)
{
    Soft *soft = soft_of(accel);

    atomic_store(&soft->extint, level);
    if (level) {
        cpu_request(soft->cpu[0], REQUEST_INTERRUPT);
    }
}

static void soft_nmi(Accel *accel, unsigned cpu)
{
    cpu_request(soft_of(accel)->cpu[cpu], REQUEST_NMI_IN);
}

/*
 * Pins and messages reach the LAPICs through soft_msi; there is no kernel to be told of
 * them.
 */
static void soft_ioapic_route(Accel *accel, unsigned pin, bool masked, gpa address,
                              u32 data)
{
}

static bool soft_irqfd(Accel *accel, int fd, gpa address, u32 data, u32 *route)
{
    return false;
}

static void soft_irqfd_remove(Accel *accel, int fd, u32 route)
{
}

static bool soft_translate(Accel *accel, unsigned cpu, gva at, gpa *out)
{
    return mmu_translate(soft_of(accel)->cpu[cpu], at, out);
}

static void soft_print_tlb(Accel *accel, unsigned cpu, GString *out)
{
    mmu_print_tlb(soft_of(accel)->cpu[cpu], out);
}

static void soft_print_jit(Accel *accel, GString *out)
{
    Soft *soft = soft_of(accel);

    blocks_print(soft->blocks, out);
    for (unsigned i = 0; i < soft->cpus; i++) {
        g_string_append_printf(
            out, "vCPU %u: %" PRIu64 " instructions, %" PRIu64 " not there\n", i,
            soft->cpu[i]->insns, soft->cpu[i]->unimp_seen);
        jit_print_counts(soft->cpu[i], out);
    }
}

static const CpuidTable *soft_cpuid(Accel *accel)
{
    return &soft_of(accel)->model;
}

const AccelType accel_soft = {
    .name      = "soft",
    .help      = "software CPU: runs everywhere, needs no virtualization hardware",
    .aliases   = { "tcg" },
    .probe     = soft_probe,
    .open      = soft_open,
    .close     = soft_close,
    .resume    = soft_resume,
    .pause     = soft_pause,
    .get_state = soft_get_state,
    .set_state = soft_set_state,
    .msi       = soft_msi,
    .extint    = soft_extint,
    .nmi       = soft_nmi,
    .ioapic_route = soft_ioapic_route,
    .irqfd        = soft_irqfd,
    .irqfd_remove = soft_irqfd_remove,
    .translate = soft_translate,
    .print_tlb = soft_print_tlb,
    .print_jit = soft_print_jit,
    .cpuid     = soft_cpuid,
};
