/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI part of q35's DSDT: windows, interrupt routing, who controls what.  The
 * routing is the one of q35.c.
 *
 * Main thread, while the machine is built.
 */

#include "hw/isa/lpc.h"
#include "hw/machine/acpi.h"
#include "hw/machine/e820.h"
#include "hw/machine/pam.h"

static void bridge_windows(const Q35 *q35, Aml *aml)
{
    PciWindows w = q35_pci_windows(q35->machine);
    size_t mark = aml_resources(aml, "_CRS");

    aml_res_window(aml, AML_BUS, 2, 0, 255);
    aml_res_io(aml, 0xcf8, 8);
    aml_res_window(aml, AML_IO, 2, 0x0000, 0x0cf7);
    aml_res_window(aml, AML_IO, 2, 0x0d00, 0xffff);
    aml_res_window(aml, AML_MEMORY, 4, HOLE_BASE, PAM_BASE - 1);
    aml_res_window(aml, AML_MEMORY, 4, w.mem.base, w.mem.end - 1);
    aml_res_window(aml, AML_MEMORY, 8, w.mem64.base, w.mem64.end - 1);
    aml_resources_end(aml, mark);
}

/* One row of _PRT (6.2.13): slot, pin, and a link device or (NULL) a GSI. */
static void routing_row(Aml *aml, unsigned slot, unsigned pin, const char *link,
                        u32 gsi)
{
    size_t row = aml_package(aml, 4);

    aml_int(aml, slot << 16 | 0xffff);
    aml_int(aml, pin);
    if (link) {
        aml_path(aml, link);
    } else {
        aml_int(aml, 0);
    }
    aml_int(aml, gsi);
    aml_end(aml, row);
}

static void routing_table(const Q35 *q35, Aml *aml, const char *name, bool links)
{
    enum { SLOTS = 32, PINS = 4 };
    size_t package;

    aml_name(aml, name);
    package = aml_package(aml, SLOTS * PINS);
    for (unsigned i = 0; i < SLOTS * PINS; i++) {
        unsigned pirq = q35->machine->pci->route(i / PINS, i % PINS);
        char link[] = "\\_SB.PCI0.ISA.LNKA";

        link[sizeof link - 2] += pirq;
        routing_row(aml, i / PINS, i % PINS, links ? link : NULL,
                    links ? 0 : 16 + pirq);
    }
    aml_end(aml, package);
}

static void bridge_routing(const Q35 *q35, Aml *aml)
{
    size_t method, block;

    routing_table(q35, aml, "PRTP", true);
    routing_table(q35, aml, "PRTA", false);
    method = aml_method(aml, "_PRT", 0, false);
    block = aml_if(aml);
    aml_path(aml, "\\PICF");
    aml_op(aml, AML_RETURN);
    aml_path(aml, "PRTA");
    aml_end(aml, block);
    aml_op(aml, AML_RETURN);
    aml_path(aml, "PRTP");
    aml_end(aml, method);
}

/* Or (field, bit, field), or And. */
static void change(Aml *aml, unsigned op, const char *field, u32 bits)
{
    aml_op(aml, op);
    aml_path(aml, field);
    aml_int(aml, bits);
    aml_path(aml, field);
}

static void dword_field(Aml *aml, unsigned buffer, unsigned at, const char *name)
{
    aml_op(aml, AML_CREATE_DWORD_FIELD);
    aml_op(aml, buffer);
    aml_int(aml, at);
    aml_path(aml, name);
}

/*
 * PCI Firmware 3.0, 4.5: the guest may have hotplug, PME, AER and the capability
 * structure (bits 0-4); what it asks beyond that is taken away, and it is told so (bit
 * 4 of the first word).
 */
static void bridge_osc(Aml *aml)
{
    enum { CONTROL = 0x1f, UNKNOWN_UUID = 4, UNKNOWN_REVISION = 8, MASKED = 0x10 };
    size_t method = aml_method(aml, "_OSC", 4, true), block, inner;

    dword_field(aml, AML_ARG3, 0, "CDW1");
    block = aml_if(aml);
    aml_op(aml, AML_LEQUAL);
    aml_op(aml, AML_ARG0);
    aml_uuid(aml, "33DB4D5B-1FF7-401C-9657-7441C03DD766");
    dword_field(aml, AML_ARG3, 8, "CDW3");
    aml_op(aml, AML_AND);
    aml_path(aml, "CDW3");
    aml_int(aml, CONTROL);
    aml_op(aml, AML_LOCAL0);
    inner = aml_if(aml);
    aml_op(aml, AML_LNOT);
    aml_op(aml, AML_LEQUAL);
    aml_op(aml, AML_ARG1);
    aml_int(aml, 1);
    change(aml, AML_OR, "CDW1", UNKNOWN_REVISION);
    aml_end(aml, inner);
    inner = aml_if(aml);
    aml_op(aml, AML_LNOT);
    aml_op(aml, AML_LEQUAL);
    aml_path(aml, "CDW3");
    aml_op(aml, AML_LOCAL0);
    change(aml, AML_OR, "CDW1", MASKED);
    aml_end(aml, inner);
    aml_op(aml, AML_STORE);
    aml_op(aml, AML_LOCAL0);
    aml_path(aml, "CDW3");
    aml_end(aml, block);
    block = aml_else(aml);
    change(aml, AML_OR, "CDW1", UNKNOWN_UUID);
    aml_end(aml, block);
    aml_op(aml, AML_RETURN);
    aml_op(aml, AML_ARG3);
    aml_end(aml, method);
}

/* ---- interrupt links: PIRQ A to H as the PIC sees them ---- */

static void link_status(Aml *aml, const char *reg)
{
    size_t method = aml_method(aml, "_STA", 0, false), block = aml_if(aml);

    aml_op(aml, AML_AND);
    aml_path(aml, reg);
    aml_int(aml, 0x80);
    aml_op(aml, AML_ZERO);                      /* And's target: none */
    aml_op(aml, AML_RETURN);
    aml_int(aml, 0x09);                         /* there, but off */
    aml_end(aml, block);
    aml_op(aml, AML_RETURN);
    aml_int(aml, 0x0b);
    aml_end(aml, method);
}

static void link_current(Aml *aml, const char *reg)
{
    enum { INTERRUPT_AT = 5 };
    static const u32 any = 5;
    size_t mark = aml_resources(aml, "BUF"), method;

    aml_res_interrupts(aml, &any, 1);
    aml_resources_end(aml, mark);
    method = aml_method(aml, "_CRS", 0, true);
    aml_op(aml, AML_CREATE_DWORD_FIELD);
    aml_path(aml, "BUF");
    aml_int(aml, INTERRUPT_AT);
    aml_path(aml, "IRQ");
    aml_op(aml, AML_AND);
    aml_path(aml, reg);
    aml_int(aml, 0x0f);
    aml_path(aml, "IRQ");
    aml_op(aml, AML_RETURN);
    aml_path(aml, "BUF");
    aml_end(aml, method);

    method = aml_method(aml, "_SRS", 1, true);
    dword_field(aml, AML_ARG0, INTERRUPT_AT, "IRQ");
    aml_op(aml, AML_STORE);
    aml_path(aml, "IRQ");
    aml_path(aml, reg);
    aml_end(aml, method);
}

static void link_device(Aml *aml, unsigned n)
{
    static const u32 possible[] = { 5, 10, 11 };
    char name[] = "LNKA", reg[] = "PRQA";
    size_t device, mark;

    name[3] += n;
    reg[3] += n;
    device = aml_device(aml, name);
    aml_name_eisa(aml, "_HID", "PNP0C0F");
    aml_name_int(aml, "_UID", n);
    mark = aml_resources(aml, "_PRS");
    aml_res_interrupts(aml, possible, G_N_ELEMENTS(possible));
    aml_resources_end(aml, mark);
    link_status(aml, reg);
    link_current(aml, reg);
    mark = aml_method(aml, "_DIS", 0, false);
    change(aml, AML_OR, reg, 0x80);
    aml_end(aml, mark);
    aml_end(aml, device);
}

void acpi_links(Aml *aml)
{
    char reg[] = "PRQA";
    size_t field;

    aml_region(aml, "PIRQ", AML_PCI_CONFIG, LPC_PIRQ, LPC_PIRQ_HIGH + 4 - LPC_PIRQ);
    field = aml_field(aml, "PIRQ");
    for (unsigned i = 0; i < 8; i++, reg[3]++) {
        if (i == 4) {
            aml_unit(aml, NULL, 8 * (LPC_PIRQ_HIGH - LPC_PIRQ - 4));
        }
        aml_unit(aml, reg, 8);
    }
    aml_end(aml, field);
    for (unsigned i = 0; i < 8; i++) {
        link_device(aml, i);
    }
}

/* ---- the host bridge ---- */

void acpi_pci(const Q35 *q35, Aml *aml)
{
    aml_name_eisa(aml, "_HID", "PNP0A08");
    aml_name_eisa(aml, "_CID", "PNP0A03");
    aml_name_int(aml, "_UID", 0);
    aml_name_int(aml, "_SEG", 0);
    aml_name_int(aml, "_BBN", 0);
    bridge_windows(q35, aml);
    bridge_osc(aml);
    bridge_routing(q35, aml);
}
