/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine: what its parts share.  One is built per process (tests build several,
 * one after another). vm/ makes it, an accelerator runs its vCPUs, a board
 * (hw/machine/q35.c) fills it.
 */

#ifndef HW_CORE_MACHINE_H
#define HW_CORE_MACHINE_H

#include "base/clock.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/memory.h"

typedef struct Accel Accel;
typedef struct PciBus PciBus;
typedef struct FwCfg FwCfg;

/* What a guest (or the monitor) can ask of the machine as a whole. */
typedef enum {
    REQUEST_RESET,      /* reset control register, keyboard controller, triple fault */
    REQUEST_POWEROFF,   /* ACPI S5 */
    REQUEST_EXIT,       /* isa-debug-exit: `value` is the exit status */
    REQUEST_PANIC,      /* pvpanic: the guest says it has crashed */
    REQUEST_CRASH,      /* vCPU number `value` can't go on: `cause` says why */
    REQUEST_IO_ERROR,   /* a disk failed, and its user wants the machine to stand */
    REQUEST_WAKE,       /* something asks the guest to leave S3 */
} RequestKind;

enum { GSI_COUNT = 24 };

struct Machine {
    Mem *mem;
    Space *mmio, *io;               /* what the CPUs see: memory and the 64 Ki ports */
    Clock *clock;
    Accel *accel;                   /* NULL in device tests */
    /* Device *, in order of creation; reset and saved in this order */
    GPtrArray *devices;
    unsigned cpus;                  /* vCPUs */
    u64 ram_bytes, ram_below_4g;
    PciBus *pci;                    /* the root bus */
    FwCfg *fw_cfg;
    /* the board's interrupt inputs: to PIC (0-15) and IOAPIC */
    Irq gsi[GSI_COUNT];
    u64 gsi_raised[GSI_COUNT];      /* how often each rose: info irq */
    Irq power_button;               /* pulsed by system_powerdown */

    /*
     * Set by vm/: called from any thread, with or without the machine lock; acts later
     * on the main thread.
     */
    void (*request)(Machine *machine, RequestKind kind, int value, const char *cause);
    void *owner;

    /*
     * Set by the board.  The interrupt acknowledge cycle of the PIC: returns a vector,
     * under the lock.
     */
    u8 (*pic_ack)(Machine *machine);
    bool (*pic_pending)(Machine *machine);
    /*
     * End of interrupt broadcast from a LAPIC to the IOAPIC, level-triggered vectors
     * only, under the lock.
     */
    void (*eoi)(Machine *machine, u8 vector);
    void *board;

    /*
     * Set by the first VGA, for a board that starts a kernel without firmware: 80 x 25
     * characters, as the VGA's BIOS would leave it.  False: it has no BIOS, so no font.
     * After a reset of the devices, under the lock.
     */
    bool (*start_text)(void *text_screen);
    void *text_screen;
};

/* A machine without board, accelerator or RAM.  Its clock stands. */
Machine *machine_new(void);
void machine_free(Machine *machine);            /* frees devices, last first */

/* Raises GSI `n` (0-23). */
static inline void machine_gsi(Machine *machine, unsigned n, bool level)
{
    irq_set(&machine->gsi[n], level);
}

void machine_request(Machine *machine, RequestKind kind, int value, const char *cause);

/* Sends a message-signalled interrupt: to the accelerator's LAPICs.  Any thread. */
void machine_msi(Machine *machine, gpa address, u32 data);
/* For tests: where messages go instead. */
extern void (*machine_msi_hook)(Machine *machine, gpa address, u32 data);

/* Resets every device (not the vCPUs), under the machine lock. */
void machine_reset_devices(Machine *machine);

/*
 * Devices that work by themselves stand, or go on.  The main thread, without the lock.
 */
void machine_pause_devices(Machine *machine, bool on);

#endif
