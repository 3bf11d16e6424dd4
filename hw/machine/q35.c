/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The q35 board: RAM, the chipset's devices and the wires between them.
 *
 *     0     640K  768K       1M       low   0xb0000000                       4G
 *     [ RAM | VGA | ROM, RAM | RAM     ] ... [ ECAM ][ BARs ][ IOAPIC ... ROM ][ RAM ..
 *
 *     machine->gsi[0-15] ---+--- or --- PIC 0-15 ---> INTR ---> accelerator (LINT0)
 *                           |    |
 *     PIRQ A-H -- LPC ------|----+ (if routed)
 *                  |        +---------- IOAPIC 0-15, GSI 0 at pin 2
 *                  +- gsi[16-23] ------ IOAPIC 16-23 ---> messages to the LAPICs
 *
 * Under the machine lock, or before the machine starts.
 */

#include "hw/machine/q35.h"
#include "accel/accel.h"
#include "hw/devices.h"
#include "hw/ide/ide.h"
#include "hw/input/i8042.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/pic.h"
#include "hw/isa/lpc.h"
#include "hw/machine/e820.h"
#include "hw/machine/mch.h"
#include "hw/misc/vmgenid.h"
#include "hw/timer/hpet.h"
#include "hw/timer/pit.h"
#include "hw/timer/rtc.h"

/* ---- interrupts ---- */

static void update_pic(Q35 *q35, unsigned n)
{
    irq_set(&q35->pic_in[n], q35->gsi[n] || q35->pirq[n]);
}

/*
 * MADT: the PIT's interrupt is at pin 2 of the IOAPIC, everything else where its number
 * says.
 */
static void gsi_set(void *opaque, unsigned n, bool level)
{
    Q35 *q35 = opaque;

    q35->machine->gsi_raised[n] += level && !q35->gsi[n];
    q35->gsi[n] = level;
    if (n < 16) {
        update_pic(q35, n);
    }
    if (n != 2) {
        irq_set(&q35->ioapic_in[n == 0 ? 2 : n], level);
    }
}

static void pirq_to_pic(void *opaque, unsigned n, bool level)
{
    Q35 *q35 = opaque;

    q35->pirq[n] = level;
    update_pic(q35, n);
}

static void intr_set(void *opaque, unsigned n, bool level)
{
    Accel *accel = ((Q35 *)opaque)->machine->accel;

    (void)n;
    if (accel) {
        accel->type->extint(accel, level);
    }
}

static void ioapic_changed(void *opaque, u32 pins)
{
    Q35 *q35 = opaque;
    Accel *accel = q35->machine->accel;

    if (!accel || !accel->type->ioapic_route) {
        return;
    }
    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        if (pins >> i & 1) {
            IoapicRoute route = ioapic_route(q35->ioapic, i);

            accel->type->ioapic_route(accel, i, route.masked, route.address,
                                      route.data);
        }
    }
}

static u8 board_pic_ack(Machine *machine)
{
    return pic_ack(q35_of(machine)->pic);
}

static bool board_pic_pending(Machine *machine)
{
    return pic_pending(q35_of(machine)->pic);
}

static void board_eoi(Machine *machine, u8 vector)
{
    ioapic_eoi(q35_of(machine)->ioapic, vector);
}

/*
 * Slots below 25 rotate over PIRQ E to H; in the chipset's own slots pin A is PIRQ A
 * and so on (ICH9 data sheet, 10.1.21: the reset values of DxxIR).  The DSDT's _PRT
 * says the same.
 */
static unsigned route(unsigned slot, unsigned pin)
{
    return slot < 25 ? (slot + pin) % 4 + 4 : pin;
}

/* Between the configuration window and the IOAPIC, and 32 GiB above all RAM. */
PciWindows q35_pci_windows(const Machine *machine)
{
    u64 high = 4 * GiB + machine->ram_bytes - machine->ram_below_4g;
    u64 base = (high + GiB - 1) & -GiB;

    return (PciWindows){
        .io = { 0xc000, 0x10000 },
        .mem = { MCH_ECAM_BASE + MCH_ECAM_BYTES, MMIO_BASE },
        .mem64 = { base, base + 32 * GiB },
    };
}

static void wire(Q35 *q35)
{
    Machine *machine = q35->machine;

    for (unsigned i = 0; i < 16; i++) {
        q35->pic_in[i] = pic_input(q35->pic, i);
    }
    for (unsigned i = 0; i < GSI_COUNT; i++) {
        q35->ioapic_in[i] = ioapic_input(q35->ioapic, i, 0);
        machine->gsi[i] = (Irq){ gsi_set, q35, i };
    }
    pic_connect(q35->pic, (Irq){ intr_set, q35, 0 });
    ioapic_listen(q35->ioapic, ioapic_changed, q35);
    machine->pic_ack = board_pic_ack;
    machine->pic_pending = board_pic_pending;
    machine->eoi = board_eoi;
}

static void wire_lpc(Q35 *q35)
{
    Machine *machine = q35->machine;

    for (unsigned i = 0; i < 8; i++) {
        machine->pci->line[i] = lpc_pirq(q35->lpc, i);
    }
    for (unsigned i = 0; i < 16; i++) {
        lpc_connect_pic(q35->lpc, i, (Irq){ pirq_to_pic, q35, i });
    }
    machine->power_button = lpc_power_button(q35->lpc);
    mch_connect_lpc(q35->mch, q35->lpc);
}

/* ---- devices ---- */

static bool add(Q35 *q35, Device **dev, const DeviceType *type, const char *options,
                GError **err)
{
    *dev = device_add(q35->machine, type, options, err);
    return *dev != NULL;
}

static bool add_serials(Q35 *q35, GError **err)
{
    Device *dev;

    for (unsigned i = 0; i < BOARD_SERIALS; i++) {
        const char *chardev = q35->config->serial[i];
        g_autofree char *options = g_strdup_printf("index=%u,chardev=%s", i,
                                                   chardev ? chardev : "");

        if (chardev && !add(q35, &dev, &serial_type, options, err)) {
            return false;
        }
    }
    return true;
}

/* The interrupt controllers first: what follows may drive its line when it is reset. */
static bool add_devices(Q35 *q35, GError **err)
{
    const BoardConfig *config = q35->config;
    Device *dev;

    if (!add(q35, &q35->pic, &pic_type, NULL, err) ||
        !add(q35, &q35->ioapic, &ioapic_type, NULL, err)) {
        return false;
    }
    wire(q35);
    if (!add(q35, &q35->mch, &mch_type.device, "addr=0.0", err) ||
        !add(q35, &q35->lpc, &lpc_type.device, "addr=1f.0,multifunction=on", err)) {
        return false;
    }
    wire_lpc(q35);
    if (!add(q35, &dev, &pit_type, NULL, err) ||
        !add(q35, &q35->rtc, &rtc_type, config->rtc, err) ||
        !add(q35, &dev, &port92_type, NULL, err) ||
        !add(q35, &dev, &post_type, NULL, err) ||
        !add(q35, &q35->vmgenid, &vmgenid_type, NULL, err) ||
        !add(q35, &dev, &fw_cfg_type, NULL, err)) {
        return false;
    }
    q35->machine->fw_cfg = fw_cfg_of(dev);
    return (config->no_hpet || add(q35, &dev, &hpet_type, NULL, err)) &&
           (config->no_i8042 || add(q35, &dev, &i8042_type, NULL, err)) &&
           add(q35, &dev, &ahci_type.device, "addr=1f.2", err) &&
           add_serials(q35, err);
}

static bool add_ram(Machine *machine, GError **err)
{
    u64 low = ram_below_4g(machine->ram_bytes), high = machine->ram_bytes - low;

    machine->ram_below_4g = low;
    return mem_add_ram(machine->mem, machine->mmio, "ram-low", 0, low, err) &&
           (!high || mem_add_ram(machine->mem, machine->mmio, "ram-high", 4 * GiB, high,
                                 err));
}

/* ---- life ---- */

bool board_q35_open(Machine *machine, const BoardConfig *config, GError **err)
{
    Q35 *q35 = g_new0(Q35, 1);

    q35->machine = machine;
    q35->config = config;
    machine->board = q35;
    machine->pci = pci_bus_new(machine, "pcie.0", route);
    return add_ram(machine, err) && add_devices(q35, err);
}

void board_close(Machine *machine)
{
    Q35 *q35 = q35_of(machine);

    if (!q35) {
        return;
    }
    while (machine->devices->len) {
        device_free(g_ptr_array_index(machine->devices, machine->devices->len - 1));
    }
    boot_free(q35->boot);
    region_fini(&q35->bios);
    g_clear_pointer(&machine->pci, pci_bus_free);
    g_clear_pointer(&machine->board, g_free);
    machine->fw_cfg = NULL;
}
