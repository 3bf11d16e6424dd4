/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver for AHCI: see ahci_bed.h.
 */

#include "tests/lib/ahci_bed.h"

#include "base/lock.h"

#include <string.h>

enum { AREA_BYTES = 0x40000, LIST = 0, RECEIVED = 0x400, TABLES = 0x1000,
       TABLE_BYTES = 0x800, DATA = 0x20000 };
static const gpa base = 0x100000, abar = 0xe0000000;

Rig *ahci_rig;
Device *ahci_drive[2];
BlockNode *ahci_node[2];
unsigned ahci_messages;

static void message(Machine *machine, gpa address, u32 data)
{
    (void)machine;
    ahci_messages += address == 0xfee00000 && data == 0x41;
}

static void enable(u8 devfn)
{
    PciBus *bus = ahci_rig->machine->pci;
    unsigned cap = pci_config_read(bus, 0, devfn, 0x34, 1);

    pci_config_write(bus, 0, devfn, 0x24, abar, 4);
    pci_config_write(bus, 0, devfn, 0x04, 6, 2);
    while (cap && pci_config_read(bus, 0, devfn, cap, 1) != 0x05) {
        cap = pci_config_read(bus, 0, devfn, cap + 1, 1);
    }
    g_assert_cmpuint(cap, !=, 0);
    pci_config_write(bus, 0, devfn, cap + 4, 0xfee00000, 4);
    pci_config_write(bus, 0, devfn, cap + 12, 0x41, 2);
    pci_config_write(bus, 0, devfn, cap + 2, 1, 2);
}

static Device *add(const DeviceType *type, const char *options)
{
    g_autoptr(GError) err = NULL;
    Device *dev = device_add(ahci_rig->machine, type, options, &err);

    g_assert_no_error(err);
    return dev;
}

void ahci_up(const char *hd_options)
{
    g_autofree char *hd = g_strdup_printf("drive=hd,bus=ide.0%s", hd_options);
    g_autoptr(GError) err = NULL;

    ahci_node[HD] = mem_node("hd", AHCI_DISK);
    ahci_node[CD] = mem_node("cd", AHCI_DISC);
    ahci_rig = rig_new(&ahci_type.device, &pci_bus, NULL, NS_PER_SEC, &err);
    g_assert_no_error(err);
    g_assert_true(mem_add_ram(ahci_rig->machine->mem, ahci_rig->machine->mmio, "more",
                              base, MiB, &err));
    machine_msi_hook = message;
    ahci_messages = 0;
    machine_lock();
    ahci_drive[HD] = add(&ide_hd_type, hd);
    ahci_drive[CD] = add(&ide_cd_type, "drive=cd,bus=ide.1");
    enable(driver_first(ahci_rig->machine));
    hba_set(R_GHC, 1u << 31 | 2);
}

void ahci_down(void)
{
    device_free(ahci_drive[CD]);
    device_free(ahci_drive[HD]);
    machine_unlock();
    rig_free(ahci_rig);
    node_unref(ahci_node[CD]);
    node_unref(ahci_node[HD]);
}

/* ---- registers ---- */

u32 hba_get(unsigned at)
{
    return space_read(ahci_rig->machine->mmio, abar + at, 4);
}

void hba_set(unsigned at, u32 value)
{
    space_write(ahci_rig->machine->mmio, abar + at, value, 4);
}

u32 port_get(unsigned port, unsigned at)
{
    return hba_get(0x100 + 0x80 * port + at);
}

void port_set(unsigned port, unsigned at, u32 value)
{
    hba_set(0x100 + 0x80 * port + at, value);
}

/* ---- memory ---- */

gpa port_list(unsigned port)
{
    return base + port * AREA_BYTES + LIST;
}

gpa port_received(unsigned port)
{
    return base + port * AREA_BYTES + RECEIVED;
}

gpa port_table(unsigned port, unsigned slot)
{
    return base + port * AREA_BYTES + TABLES + slot * TABLE_BYTES;
}

gpa port_data(unsigned port)
{
    return base + port * AREA_BYTES + DATA;
}

void port_start(unsigned port)
{
    port_set(port, P_CLB, port_list(port));
    port_set(port, P_CLB + 4, 0);
    port_set(port, P_FB, port_received(port));
    port_set(port, P_FB + 4, 0);
    port_set(port, P_IE, 0xffffffff);
    port_set(port, P_CMD, 1 << 4);
    port_set(port, P_CMD, 1 << 4 | 1);
}

/* ---- commands ---- */

static unsigned put_prdt(gpa table, const Ata *ata, gpa at)
{
    u32 piece = ata->piece ? ata->piece : ata->bytes, left = ata->bytes;
    unsigned n = 0;

    for (; left; n++) {
        u32 now = MIN(piece, left);

        ram_put(ahci_rig->machine, table + 0x80 + 16 * n, at, 8);
        ram_put(ahci_rig->machine, table + 0x80 + 16 * n + 8, 0, 4);
        ram_put(ahci_rig->machine, table + 0x80 + 16 * n + 12, now - 1, 4);
        at += now;
        left -= now;
    }
    return n;
}

void port_put(unsigned port, unsigned slot, const Ata *ata)
{
    Machine *machine = ahci_rig->machine;
    gpa table = port_table(port, slot), header = port_list(port) + 32 * slot;
    unsigned prds = put_prdt(table, ata, ata->at ? ata->at : port_data(port));
    u8 fis[20] = { 0x27, ata->control ? 0 : 0x80, ata->command, ata->features,
                   ata->lba, ata->lba >> 8, ata->lba >> 16, ata->device,
                   ata->lba >> 24, ata->lba >> 32, ata->lba >> 40, ata->features >> 8,
                   ata->count, ata->count >> 8, 0, ata->control_byte };

    g_assert_true(mem_write(machine->mem, table, fis, sizeof fis));
    g_assert_true(mem_write(machine->mem, table + 0x40, ata->packet, 16));
    ram_put(machine, header, 5 | (ata->command == 0xa0) << 5 | ata->write << 6 |
            prds << 16, 4);
    ram_put(machine, header + 4, 0xeeeeeeee, 4);
    ram_put(machine, header + 8, table, 8);
}

void port_wait(unsigned port)
{
    Block *block = block_by_id(port == HD ? "hd" : "cd");

    block_drain(block, false);
}

u32 port_do(unsigned port, const Ata *ata)
{
    port_put(port, 0, ata);
    port_set(port, P_IS, 0xffffffff);
    port_set(port, P_CI, 1);
    port_wait(port);
    return port_get(port, P_TFD);
}

u32 packet_do(const u8 *packet, u32 bytes)
{
    Ata ata = { .command = 0xa0, .features = 1, .bytes = bytes };

    memcpy(ata.packet, packet, 12);
    if (port_get(CD, P_TFD) & 1) {              /* 6.2.2.1: after an error */
        port_set(CD, P_CMD, 1 << 4);
        port_set(CD, P_CMD, 1 << 4 | 1);
    }
    return port_do(CD, &ata);
}
