/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AHCI: the SATA controller of the ICH9 south bridge (AHCI 1.3.1; Intel's ICH9 data
 * sheet, chapter 14), 00:1f.2 of the board, and any number of others through -device.
 * Six ports, 32 commands each, NCQ, one message interrupt.
 *
 * Left out: port multipliers, hot plug, link power management, the legacy IDE
 * registers, command completion coalescing, enclosure management.
 *
 * Under the machine lock.
 */

#include "hw/ide/ahci.h"

static const Field AhciState_fields[] = STATE_ROWS(AhciState, AHCI_STATE_ROWS);

static Ahci *ahci_of(Device *dev)
{
    return container_of(dev, Ahci, dev);
}

/* ---- interrupts ---- */

/*
 * 10.7: IS says which ports have one; a bit that is cleared while its port still has
 * one comes back.  A message is sent when there are others than `before`, the line
 * follows all.
 */
static void interrupt(Ahci *ahci, u32 before)
{
    PciDevice *pci = pci_device(&ahci->dev);

    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        AhciPort *port = &ahci->port[n];

        if (PORT_REG(port, PORT_IS) & PORT_REG(port, PORT_IE)) {
            ahci->state.interrupts |= 1u << n;
        }
    }
    pci_intx(pci, ahci->state.enable && ahci->state.interrupts);
    if (ahci->state.enable && (ahci->state.interrupts & ~before)) {
        pci_msi_notify(pci, 0);
    }
}

void ahci_interrupt(Ahci *ahci)
{
    interrupt(ahci, ahci->state.interrupts);
}

/* ---- a port's registers ---- */

/* 3.3: what the guest writes, and what it clears with ones. */
static const struct { u32 writable, clears; } port_rows[PORT_WORDS] = {
    [PORT_CLB / 4]  = { .writable = 0xfffffc00 },
    [PORT_CLBU / 4] = { .writable = 0xffffffff },
    [PORT_FB / 4]   = { .writable = 0xffffff00 },
    [PORT_FBU / 4]  = { .writable = 0xffffffff },
    [PORT_IS / 4]   = { .clears = 0xfd8000af },
    [PORT_IE / 4]   = { .writable = 0xfdc000ff },
    [PORT_CMD / 4]  = { .writable = CMD_ST | CMD_FRE | CMD_ATAPI | CMD_DLAE },
    [PORT_SCTL / 4] = { .writable = 0x00000fff },
    [PORT_SERR / 4] = { .clears = 0xffffffff },
};

/* 3.3.7 */
static void write_command(AhciPort *port, u32 before, u32 value)
{
    u32 *command = &PORT_REG(port, PORT_CMD);
    u32 changed = before ^ *command;

    if ((value & CMD_CLO) && !(before & CMD_ST)) {
        PORT_REG(port, PORT_TFD) &= ~(ATA_BUSY | ATA_DRQ);
    }
    if (changed & CMD_FRE) {
        *command = (*command & ~CMD_FR) | (*command & CMD_FRE ? CMD_FR : 0);
        port_send_signature(port);
    }
    if (changed & *command & CMD_ST) {
        *command |= CMD_CR;
        port_run(port);
    } else if (changed & CMD_ST) {
        port_stop(port);
    }
}

/* 3.3.11: a reset of the link lasts while DET is 1; 4 takes the port off line. */
static void write_control(AhciPort *port, u32 before)
{
    unsigned now = PORT_REG(port, PORT_SCTL) & 15;

    if ((before & 15) != now) {
        port_reset(port);
    }
}

static void port_write(AhciPort *port, unsigned at, u32 value)
{
    u32 *reg = &port->reg[at / 4], before = *reg;
    u32 writable = port_rows[at / 4].writable;

    *reg = ((before & ~writable) | (value & writable)) &
           ~(value & port_rows[at / 4].clears);
    switch (at) {
    case PORT_IS:
    case PORT_IE:
        ahci_interrupt(port->ahci);
        break;
    case PORT_CMD:
        write_command(port, before, value);
        break;
    case PORT_SCTL:
        write_control(port, before);
        break;
    case PORT_SACT:
    case PORT_CI:
        if (PORT_REG(port, PORT_CMD) & CMD_ST) {    /* 3.3.13, 3.3.14 */
            *reg |= value;
            port_run(port);
        }
        break;
    }
}

/* ---- the controller's registers ---- */

static u32 capabilities(void)
{
    return (AHCI_PORTS - 1) | (AHCI_SLOTS - 1) << 8 | CAP_PMD | CAP_SAM | CAP_GEN3 |
           CAP_SCLO | CAP_NCQ | CAP_S64A;
}

/* 10.4.3: where lists and FISes lie survives. */
static void hba_reset(Ahci *ahci)
{
    static const u8 cleared[] = { PORT_IS, PORT_IE, PORT_SCTL, PORT_SERR };

    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        AhciPort *port = &ahci->port[n];

        port_stop(port);
        for (unsigned i = 0; i < G_N_ELEMENTS(cleared); i++) {
            PORT_REG(port, cleared[i]) = 0;
        }
        PORT_REG(port, PORT_CMD) = CMD_SUD | CMD_POD;
        port_reset(port);
    }
    ahci->state.interrupts = ahci->state.enable = 0;
    pci_intx(pci_device(&ahci->dev), false);
}

static u32 hba_read(Ahci *ahci, unsigned at)
{
    if (at >= HBA_PORT0) {
        unsigned n = (at - HBA_PORT0) / HBA_PORT_BYTES;

        return n < AHCI_PORTS ? ahci->port[n].reg[at % HBA_PORT_BYTES / 4] : 0;
    }
    switch (at) {
    case HBA_CAP:
        return capabilities();
    case HBA_GHC:
        return GHC_AE | (ahci->state.enable ? GHC_IE : 0);
    case HBA_IS:
        return ahci->state.interrupts;
    case HBA_PI:
        return (1u << AHCI_PORTS) - 1;
    case HBA_VS:
        return AHCI_1_3_1;
    }
    return 0;
}

static void hba_write(Ahci *ahci, unsigned at, u32 value)
{
    if (at >= HBA_PORT0) {
        unsigned n = (at - HBA_PORT0) / HBA_PORT_BYTES;

        if (n < AHCI_PORTS) {
            port_write(&ahci->port[n], at % HBA_PORT_BYTES, value);
        }
    } else if (at == HBA_GHC && (value & GHC_HR)) {
        hba_reset(ahci);
    } else if (at == HBA_GHC) {
        bool was = ahci->state.enable;

        ahci->state.enable = !!(value & GHC_IE);
        interrupt(ahci, was ? ahci->state.interrupts : 0);
    } else if (at == HBA_IS) {
        ahci->state.interrupts &= ~value;
        ahci_interrupt(ahci);
    }
}

static u64 mmio_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    return hba_read(opaque, offset);
}

static void mmio_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    hba_write(opaque, offset, value);
}

static const RegionOps mmio_ops = { mmio_read, mmio_write, .sizes = 4 };

/* ICH9 data sheet 14.2: BAR 4, the same registers through an index and a window. */
enum { IO_PORTS = 32, IO_INDEX = 0x10, IO_DATA = 0x14 };

static u64 io_read(void *opaque, u64 offset, unsigned size)
{
    Ahci *ahci = opaque;

    (void)size;
    return offset == IO_INDEX ? ahci->state.index
           : offset == IO_DATA ? hba_read(ahci, ahci->state.index) : 0;
}

static void io_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Ahci *ahci = opaque;

    (void)size;
    if (offset == IO_INDEX) {
        ahci->state.index = value & 0x3fc;
    } else if (offset == IO_DATA) {
        hba_write(ahci, ahci->state.index, value);
    }
}

static const RegionOps io_ops = { io_read, io_write, .sizes = 4 };

/* ---- ports by name ---- */

/* "ide.3" is the board's, "ID.3" that of a controller with this id. */
static bool is_on(const Device *dev, const char *bus, unsigned *n)
{
    const char *name = dev->id ? dev->id : "ide";
    size_t length = strlen(name);

    if (strncmp(bus, name, length) != 0 || bus[length] != '.' ||
        !g_ascii_isdigit(bus[length + 1]) || bus[length + 2]) {
        return false;
    }
    *n = bus[length + 1] - '0';
    return *n < AHCI_PORTS;
}

static AhciPort *port_on(Ahci *ahci, const char *bus)
{
    unsigned n = 0;

    if (bus) {
        return is_on(&ahci->dev, bus, &n) ? &ahci->port[n] : NULL;
    }
    while (n < AHCI_PORTS && ahci->port[n].drive) {
        n++;
    }
    return n < AHCI_PORTS ? &ahci->port[n] : NULL;
}

static AhciPort *find(Machine *machine, const char *bus)
{
    AhciPort *port = NULL;

    for (unsigned i = 0; !port && i < machine->devices->len; i++) {
        Device *dev = g_ptr_array_index(machine->devices, i);

        port = dev->type == &ahci_type.device ? port_on(ahci_of(dev), bus) : NULL;
    }
    return port;
}

AhciPort *ide_port_find(Machine *machine, const char *bus, GError **err)
{
    AhciPort *port = find(machine, bus);

    if (!port) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, bus
                    ? "Bus '%s' not found; there are ide.0 to ide.%u" : "no free IDE "
                    "bus: %s ide.0 to ide.%u are taken; -device ahci,id=ID has more",
                    bus ? bus : "all of", AHCI_PORTS - 1);
    } else if (port->drive) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "Can't create IDE unit: bus '%s' has a drive, and supports only 1",
                    bus);
        return NULL;
    }
    return port;
}

char *ide_boot_path(const AhciPort *port)
{
    g_autofree char *pci = pci_boot_path(pci_device(&port->ahci->dev), "pci8086,2922");

    return g_strdup_printf("%s/drive@%x/disk@0", pci, port->n);
}

void ide_plug(AhciPort *port, IdeDrive *drive)
{
    port->drive = drive;
    port_reset(port);
}

void ide_unplug(AhciPort *port)
{
    port_stop(port);
    port->drive = NULL;
    port_reset(port);
}

/* ---- life ---- */

/* Only now does the machine go on, and guest memory is what it was. */
static void run_again(void *opaque)
{
    Ahci *ahci = opaque;

    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        port_restart(&ahci->port[n]);
    }
}

static bool open_ahci(Device *dev, GError **err)
{
    /* ICH9 14.1.33: revision 1.0, BAR 4 has the index and data ports, at dword 4. */
    enum { CAP_SATA = 0x12, SATA_REVISION = 0x10, SATA_BAR4 = 0x48, PORT_MAP = 0x90,
           AHCI_MODE = 0x40 };
    Ahci *ahci = ahci_of(dev);
    PciDevice *pci = pci_device(dev);
    unsigned cap;

    (void)err;
    region_init_io(&ahci->mmio, "ahci", &mmio_ops, ahci, PAGE_BYTES);
    region_init_io(&ahci->io, "ahci-index", &io_ops, ahci, IO_PORTS);
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        ahci->port[n] = (AhciPort){ .ahci = ahci, .n = n,
                                    .reg = ahci->state.port + n * PORT_WORDS };
    }
    ahci->again = timer_new(dev->machine->clock, run_again, ahci);
    pci_add_bar(pci, 4, PCI_BAR_IO, &ahci->io);
    pci_add_bar(pci, 5, PCI_BAR_MEM, &ahci->mmio);
    pci_add_msi(pci, 1);
    cap = pci_add_cap(pci, CAP_SATA, 8);
    pci_config_set(pci, cap + 2, SATA_REVISION, 2);
    pci_config_set(pci, cap + 4, SATA_BAR4, 4);
    pci_config_set(pci, PORT_MAP, AHCI_MODE, 1);
    return true;
}

static void close_ahci(Device *dev)
{
    Ahci *ahci = ahci_of(dev);

    timer_free(ahci->again);
    region_fini(&ahci->mmio);
    region_fini(&ahci->io);
}

static void reset_ahci(Device *dev)
{
    Ahci *ahci = ahci_of(dev);

    timer_cancel(ahci->again);
    hba_reset(ahci);
}

static bool loaded_ahci(Device *dev, GError **err)
{
    Ahci *ahci = ahci_of(dev);
    u32 running = 0;

    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        u32 has = ahci->state.running[n];

        port_drop(&ahci->port[n]);
        if (has && !ahci->port[n].drive) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "port %u: commands are running, and there is no drive", n);
            return false;
        }
        running |= has;
    }
    if (running) {
        timer_set(ahci->again, clock_now(dev->machine->clock));
    } else {
        timer_cancel(ahci->again);
    }
    return true;
}

const PciType ahci_type = {
    .device = {
        .name    = "ich9-ahci",
        .help    = "a SATA controller with six ports",
        .aliases = { "ahci" },
        .bus     = { &pci_bus },
        .size    = sizeof(Ahci),
        .part    = {
            .name = "ahci", .reset = reset_ahci, .loaded = loaded_ahci,
            DEVICE_STATE(Ahci, AhciState),
        },
        .open    = open_ahci,
        .close   = close_ahci,
    },
    .ids = { 0x8086, 0x2922, .class = 0x010601, .revision = 2, .pin = 1 },
};
