/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory controller hub of q35: see mch.h (82P35 data sheet, section 5.1).
 *
 * Left out: graphics, the DMI registers, and SMM: its register takes writes and
 * 0xa0000-0xbffff stays what it is.  Under the machine lock.
 */

#include "hw/machine/mch.h"
#include "hw/isa/lpc.h"
#include "hw/machine/pam.h"

enum { PORTS = 0xcf8, RESET_PORT = 0xcf9 - PORTS, DATA_PORT = 0xcfc - PORTS };

STATE(MchState,
    (u32, address, "what port 0xcf8 selects in configuration space"));

typedef struct {
    Device dev;
    MchState state;
    Device *lpc;
    Region ports, ecam, vga_hole;
    PamSegment pam[PAM_SEGMENTS];
} Mch;

static Mch *mch_of(Device *dev)
{
    return container_of(dev, Mch, dev);
}

/*
 * Ports 0xcf8-0xcff.  Only a 32-bit access at 0xcf8 reaches the address register (PCI
 * 3.0, 3.2.2.3.2); the byte at 0xcf9 is the south bridge's reset register.
 */
static u64 ports_read(void *opaque, u64 offset, unsigned size)
{
    Mch *mch = opaque;

    if (offset >= DATA_PORT) {
        return pci_port_read(mch->dev.machine->pci, mch->state.address,
                             offset - DATA_PORT, size);
    }
    if (offset == 0 && size == 4) {
        return mch->state.address;
    }
    return offset == RESET_PORT && mch->lpc ? lpc_reset_read(mch->lpc) : UINT64_MAX;
}

static void ports_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Mch *mch = opaque;

    if (offset >= DATA_PORT) {
        pci_port_write(mch->dev.machine->pci, mch->state.address, offset - DATA_PORT,
                       value, size);
    } else if (offset == 0 && size == 4) {
        mch->state.address = value;
    } else if (offset == RESET_PORT && size == 1 && mch->lpc) {
        lpc_reset_write(mch->lpc, value);
    }
}

static const RegionOps ports_ops = { ports_read, ports_write, .sizes = 1 | 2 | 4 };

/* 0xa0000-0xbffff belongs to a display: where there is none, nobody answers. */
static const RegionOps nothing_ops;

/* 5.1.15: bit 0 enables, bits 1-2 are the size, the base is naturally aligned. */
static void update_ecam(Mch *mch, const PciDevice *pci)
{
    u32 low = pci_config_get(pci, MCH_PCIEXBAR, 4);
    u64 size = MCH_ECAM_BYTES >> (low >> 1 & 3);
    u64 base = low | (u64)pci_config_get(pci, MCH_PCIEXBAR + 4, 4) << 32;
    bool on = low & 1 && (low >> 1 & 3) != 3;       /* size 3 is reserved */
    Space *space = mch->dev.machine->mmio;

    space_begin(space);
    space_remove(&mch->ecam);
    if (on) {
        mch->ecam.size = size;
        space_add(space, &mch->ecam, base & ~(size - 1), 0);
    }
    space_commit(space);
}

static bool touches(unsigned offset, unsigned n, unsigned from, unsigned size)
{
    return offset < from + size && from < offset + n;
}

static void config_written(PciDevice *pci, unsigned offset, unsigned n)
{
    Mch *mch = mch_of(pci->dev);

    if (touches(offset, n, MCH_PCIEXBAR, 8)) {
        update_ecam(mch, pci);
    }
    if (touches(offset, n, MCH_PAM0, MCH_PAMS)) {
        pam_update(mch->pam, pci->state.config + MCH_PAM0);
    }
}

static bool mch_open(Device *dev, GError **err)
{
    Mch *mch = mch_of(dev);
    Machine *machine = dev->machine;
    PciDevice *pci = pci_device(dev);

    pci->config_written = config_written;
    pci_config_set(pci, MCH_PCIEXBAR, MCH_ECAM_BASE, 4);
    pci_config_mask(pci, MCH_PCIEXBAR, 0xfc000007, 4);
    pci_config_mask(pci, MCH_PCIEXBAR + 4, 0xf, 4);
    for (unsigned i = 0; i < MCH_PAMS; i++) {
        pci_config_mask(pci, MCH_PAM0 + i, i == 0 ? 0x30 : 0x33, 1);
    }
    pci_config_set(pci, MCH_SMRAM, 0x02, 1);
    pci_config_mask(pci, MCH_SMRAM, 0x78, 1);

    region_init_io(&mch->ports, "pci-config", &ports_ops, mch, 8);
    space_add(machine->io, &mch->ports, PORTS, 0);
    region_init_io(&mch->ecam, "ecam", &pci_ecam_ops, machine->pci, MCH_ECAM_BYTES);
    region_init_io(&mch->vga_hole, "vga-hole", &nothing_ops, mch, 0x20000);
    space_add(machine->mmio, &mch->vga_hole, 0xa0000, 1);
    return pam_open(mch->pam, machine, err);
}

static void mch_close(Device *dev)
{
    Mch *mch = mch_of(dev);

    pam_close(mch->pam);
    region_fini(&mch->ports);
    region_fini(&mch->ecam);
    region_fini(&mch->vga_hole);
}

void mch_set_rom(Device *mch, const u8 *bytes, size_t n)
{
    pam_set_rom(mch_of(mch)->pam, bytes, n);
}

void mch_connect_lpc(Device *mch, Device *lpc)
{
    mch_of(mch)->lpc = lpc;
}

const PciType mch_type = {
    .device = {
        .name  = "mch",
        .help  = "host bridge",
        .bus   = { &pci_bus },
        .board_only = true,
        .size  = sizeof(Mch),
        .part  = {
            .name = "mch",
            DEVICE_STATE(Mch, MchState),
        },
        .open  = mch_open,
        .close = mch_close,
    },
    .ids = { 0x8086, 0x29c0, .class = 0x060000, .revision = 0 },
};
