/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an accelerator is: something that runs the machine's vCPUs on their memory.
 *
 * Life: probe -> open -> cpus created, stopped, in reset state -> (state set) -> resume
 * <-> pause -> close.  The accelerator owns one thread per vCPU and the local APICs.
 * It listens to machine->mmio for the map, calls space_read and space_write for MMIO
 * and ports under the machine lock, and machine_request for what the guest asks of the
 * whole machine.
 */

#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include "accel/cpu_model.h"
#include "accel/x86_state.h"
#include "hw/core/machine.h"

typedef struct {
    const char *cpu; /* -cpu value, or NULL for the accelerator's default model */
    CpuTopology topology;
    bool thread_names;          /* name vCPU threads "CPU 0/KVM" */
    /* The rest of "-accel NAME,...": open takes what it knows, the caller refuses leftovers. */
    KeyVals *options;
} AccelConfig;

typedef struct AccelType {
    const char *name, *help;
    const char *aliases[2];

    /*
     * Can it run an ordinary guest here?  If not, *why (g_malloc'd) says so in a few
     * words.
     */
    bool (*probe)(char **why);

    /*
     * Makes machine->accel with all vCPUs, in reset state, not running.  `err`: one
     * line, what would help.
     */
    bool (*open)(Machine *machine, const AccelConfig *config, GError **err);
    void (*close)(Accel *accel); /* ends the vCPU threads; main thread, paused */

    /*
     * Lets all vCPUs run, or brings all to a stop and waits for it.  Main thread,
     * machine lock NOT held.  While paused nothing of the guest changes and
     * get_state/set_state may be used.
     */
    void (*resume)(Accel *accel);
    void (*pause)(Accel *accel);

    /*
     * The complete state of a vCPU, while paused.  set_state refuses what this CPU
     * model can't hold.
     */
    bool (*get_state)(Accel *accel, unsigned cpu, X86State *state, GError **err);
    bool (*set_state)(Accel *accel, unsigned cpu, const X86State *state, GError **err);

    /*
     * A message-signalled interrupt to the local APICs (SDM vol. 3, 11.11).  Any
     * thread.
     */
    void (*msi)(Accel *accel, gpa address, u32 data);
    /* The PIC's INTR output to LINT0 of the first CPU changed.  Machine lock held. */
    void (*extint)(Accel *accel, bool level);
    /*
     * The IOAPIC's pin now sends this message (masked: nothing).  For EOI and irqfd
     * routing.  Machine lock held.
     */
    void (*ioapic_route)(Accel *accel, unsigned pin, bool masked, gpa address,
                         u32 data);
    void (*nmi)(Accel *accel, unsigned cpu);
    /*
     * An eventfd that raises this MSI when written, without this process's help
     * (irqfd); false: use msi().
     */
    bool (*irqfd)(Accel *accel, int fd, gpa address, u32 data, u32 *route);
    void (*irqfd_remove)(Accel *accel, int fd, u32 route);
    /*
     * It keeps nothing of what is in RAM: the host's kernel may write there without a
     * word to anybody (vhost).
     */
    bool ram_is_shared;

    /*
     * gva -> gpa as this (paused) vCPU's page tables say; false if not mapped.  For the
     * monitor.
     */
    bool (*translate)(Accel *accel, unsigned cpu, gva at, gpa *out);
    /* info tlb; may be NULL */
    void (*print_tlb)(Accel *accel, unsigned cpu, GString *out);
    /* info jit: what this accelerator counts; may be NULL */
    void (*print_jit)(Accel *accel, GString *out);
    const CpuidTable *(*cpuid)(Accel *accel); /* the model the guest sees */
} AccelType;

/* What every accelerator's own object begins with. */
struct Accel {
    const AccelType *type;
    Machine *machine;
};

/* accel/list.c: in order of preference, NULL-terminated. */
extern const AccelType *const accel_types[];

/*
 * Opens the first of `names` ("kvm", "soft,x=y") that probes.  *said (NULL: not wanted)
 * is then a line for the user: which one and why.  A single name is opened without a
 * fall-back; its error is the caller's.
 */
bool accel_open(Machine *machine, const char *const *names, AccelConfig *config,
                char **said, GError **err) must_check;
const AccelType *accel_find(const char *name);
void accel_types_help(GString *out);

static inline void accel_close(Accel *accel)
{
    if (accel) {
        accel->type->close(accel);
    }
}

#endif
