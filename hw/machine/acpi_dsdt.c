/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DSDT of q35: what there is, where, and with which interrupts.
 *
 * Main thread, while the machine is built.
 */

#include "hw/isa/lpc.h"
#include "hw/machine/acpi.h"
#include "hw/machine/mch.h"
#include "hw/misc/vmgenid.h"
#include "hw/timer/hpet.h"
#include <string.h>

enum { PANIC_PORT = 0x505 };        /* pvpanic's, unless the user moves it */

/* Is there a device of this name at this port? */
static bool is_at(const Q35 *q35, u16 port, const char *name)
{
    const FlatRange *range = space_find(q35->machine->io, port);

    return range && strcmp(range->region->name, name) == 0;
}

/* ---- sleep states, interrupt model ---- */

static void root_terms(Aml *aml)
{
    size_t package, method;

    aml_name(aml, "_S5");
    package = aml_package(aml, 4);
    for (unsigned i = 0; i < 4; i++) {
        aml_int(aml, i < 2 ? SLEEP_S5 : 0);
    }
    aml_end(aml, package);

    aml_name_int(aml, "PICF", 0);           /* 5.8.1: 1 once the IOAPIC is used */
    method = aml_method(aml, "_PIC", 1, false);
    aml_op(aml, AML_STORE);
    aml_op(aml, AML_ARG0);
    aml_path(aml, "PICF");
    aml_end(aml, method);
}

/* ---- what has fixed places ---- */

typedef struct {
    const char *name, *hid;
    u16 port[2];
    u8 ports, irq;              /* ports at each place; irq 0: none */
    const char *owner;          /* only if this decodes the first port; NULL: always */
    u8 uid;
} IsaRow;

static const IsaRow isa_rows[] = {
    { "RTC",  "PNP0B00", { 0x70 },       8, 8,  NULL,         0 },
    { "KBD",  "PNP0303", { 0x60, 0x64 }, 1, 1,  "i8042",      0 },
    { "MOU",  "PNP0F13", { 0 },          0, 12, "i8042",      0 },
    { "COM1", "PNP0501", { 0x3f8 },      8, 4,  "isa-serial", 1 },
    { "COM2", "PNP0501", { 0x2f8 },      8, 3,  "isa-serial", 2 },
    { "COM3", "PNP0501", { 0x3e8 },      8, 4,  "isa-serial", 3 },
    { "COM4", "PNP0501", { 0x2e8 },      8, 3,  "isa-serial", 4 },
};

static void isa_device(const Q35 *q35, Aml *aml, const IsaRow *row)
{
    size_t device, mark;

    if (row->owner && !is_at(q35, row->ports ? row->port[0] : 0x60, row->owner)) {
        return;
    }
    device = aml_device(aml, row->name);
    aml_name_eisa(aml, "_HID", row->hid);
    aml_name_int(aml, "_UID", row->uid);
    mark = aml_resources(aml, "_CRS");
    for (unsigned i = 0; i < 2 && row->port[i]; i++) {
        aml_res_io(aml, row->port[i], row->ports);
    }
    if (row->irq) {
        aml_res_irq(aml, row->irq);
    }
    aml_resources_end(aml, mark);
    aml_end(aml, device);
}

/*
 * Devices that QEMU's guests know by these names; the driver finds the ports in _CRS.
 */
static void named_device(Aml *aml, const char *name, const char *hid, u16 port, u8 n)
{
    size_t device = aml_device(aml, name), mark;

    aml_name_string(aml, "_HID", hid);
    aml_name_int(aml, "_STA", 0x0b);
    mark = aml_resources(aml, "_CRS");
    aml_res_io(aml, port, n);
    aml_resources_end(aml, mark);
    aml_end(aml, device);
}

static void isa_bridge(const Q35 *q35, Aml *aml)
{
    size_t device = aml_device(aml, "ISA");

    aml_name_int(aml, "_ADR", 0x1f0000);
    acpi_links(aml);
    for (unsigned i = 0; i < G_N_ELEMENTS(isa_rows); i++) {
        isa_device(q35, aml, &isa_rows[i]);
    }
    if (is_at(q35, PANIC_PORT, "pvpanic")) {
        named_device(aml, "PEVT", "QEMU0001", PANIC_PORT, 1);
    }
    aml_end(aml, device);
}

/* What the board itself decodes: nobody may put anything else there. */
static void board_resources(Aml *aml)
{
    size_t device = aml_device(aml, "MBRS"), mark;

    aml_name_eisa(aml, "_HID", "PNP0C02");
    mark = aml_resources(aml, "_CRS");
    aml_res_memory32(aml, MCH_ECAM_BASE, MCH_ECAM_BYTES, true);
    aml_res_io(aml, PM_BASE, PM_PORTS);
    aml_res_io(aml, APM_CNT, 2);
    aml_resources_end(aml, mark);
    aml_end(aml, device);
}

static void hpet_device(Aml *aml)
{
    size_t device = aml_device(aml, "HPET"), mark;

    aml_name_eisa(aml, "_HID", "PNP0103");
    aml_name_int(aml, "_UID", 0);
    mark = aml_resources(aml, "_CRS");
    aml_res_memory32(aml, HPET_BASE, 1024, false);
    aml_resources_end(aml, mark);
    aml_end(aml, device);
}

/* Drivers know it by a compatible name, Windows by the first; ADDR: low, high half. */
static void vmgenid_device(Aml *aml)
{
    size_t device = aml_device(aml, "VGEN"), inner;

    aml_name_string(aml, "_HID", "MFLY0005");
    aml_name(aml, "_CID");
    inner = aml_package(aml, 2);
    aml_string(aml, "VM_Gen_Counter");
    aml_string(aml, "VMGENCTR");
    aml_end(aml, inner);
    aml_name_string(aml, "_DDN", "VM_Gen_Counter");
    aml_name(aml, "ADDR");
    inner = aml_package(aml, 2);
    aml_int(aml, VMGENID_BASE);
    aml_int(aml, 0);
    aml_end(aml, inner);
    aml_end(aml, device);
}

/* 5.6.4.1: _Enn is called for general purpose event nn. */
static void events(Aml *aml)
{
    G_STATIC_ASSERT(VMGENID_GPE == 5);
    size_t scope = aml_scope(aml, "\\_GPE"), method;

    method = aml_method(aml, "_E05", 0, false);
    aml_op(aml, AML_NOTIFY);
    aml_path(aml, "\\_SB.VGEN");
    aml_int(aml, 0x80);
    aml_end(aml, method);
    aml_end(aml, scope);
}

/* 8.4.1: one processor device each; the MADT has the same _UID. */
static void processors(const Q35 *q35, Aml *aml)
{
    size_t device = aml_device(aml, "CPUS");

    aml_name_string(aml, "_HID", "ACPI0010");
    aml_name_eisa(aml, "_CID", "PNP0A05");
    for (unsigned i = 0; i < q35->machine->cpus; i++) {
        g_autofree char *name = g_strdup_printf("C%03X", i);
        size_t cpu = aml_device(aml, name);

        aml_name_string(aml, "_HID", "ACPI0007");
        aml_name_int(aml, "_UID", i);
        aml_end(aml, cpu);
    }
    aml_end(aml, device);
}

static void host_bridge(const Q35 *q35, Aml *aml)
{
    size_t device = aml_device(aml, "PCI0");

    acpi_pci(q35, aml);
    isa_bridge(q35, aml);
    aml_end(aml, device);
}

void acpi_dsdt(const Q35 *q35, Aml *aml)
{
    size_t scope;

    root_terms(aml);
    scope = aml_scope(aml, "\\_SB");
    host_bridge(q35, aml);
    board_resources(aml);
    if (!q35->config->no_hpet) {
        hpet_device(aml);
    }
    named_device(aml, "FWCF", "QEMU0002", FW_CFG_PORTS, FW_CFG_PORT_COUNT);
    vmgenid_device(aml);
    processors(q35, aml);
    aml_end(aml, scope);
    events(aml);
}
