/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions and the bus they sit on (PCI Local Bus 3.0, PCI Express base 4.0
 * sections 7.5 to 7.7).
 *
 * A PCI device's code says what it is (a PciType: a DeviceType and its PciIds), makes a
 * Region per BAR, and names the capabilities it wants; configuration space, sizing,
 * mapping, interrupts, reset and saving are done here:
 *
 *     static bool edu_open(Device *dev, GError **err)
 *     {
 *         Edu *edu = container_of(dev, Edu, dev);
 *
 *         region_init_io(&edu->regs, "edu", &edu_ops, edu, 4096);
 *         pci_add_bar(pci_device(dev), 0, PCI_BAR_MEM, &edu->regs);
 *         pci_add_msi(pci_device(dev), 1);
 *         return true;
 *     }
 *
 *     const PciType edu = {
 *         .device = { .name = "edu", .bus = { &pci_bus }, ... , .open = edu_open },
 *         .ids    = { 0x1234, 0x11e8, .class = 0xff0000, .revision = 0x10, .pin = 1 },
 *     };
 *
 * The PciDevice is made by the bus's prepare and hangs on dev->bus_data.  A bus that
 * puts something between (virtio-pci) allocates a larger object that begins with a
 * PciDevice and calls pci_prepare and pci_attach itself.
 *
 * Configuration space is a byte array in the state, plus two masks that are fixed once
 * the device is open: bits the guest may write, and bits it clears by writing ones.
 * Everything else about a function (which BAR is mapped where, which interrupt is on)
 * is derived from those bytes.
 *
 * All of this runs under the machine lock, except pci_msi_notify, pci_msix_notify and
 * pci_msix_message, which any thread may call with or without it.
 */

#ifndef HW_PCI_PCI_H
#define HW_PCI_PCI_H

#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/machine.h"
#include "hw/core/memory.h"
#include <pthread.h>

/* Configuration header (PCI 3.0, section 6.1). */
enum {
    PCI_VENDOR = 0x00, PCI_DEVICE = 0x02, PCI_COMMAND = 0x04, PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS_PROG = 0x09, PCI_CLASS = 0x0a, PCI_CACHE_LINE = 0x0c, PCI_LATENCY = 0x0d,
    PCI_HEADER = 0x0e, PCI_BAR0 = 0x10, PCI_SUBVENDOR = 0x2c, PCI_SUBDEVICE = 0x2e,
    PCI_ROM = 0x30,
    PCI_CAPS = 0x34, PCI_IRQ_LINE = 0x3c, PCI_IRQ_PIN = 0x3d,

    PCI_COMMAND_IO = 0x001, PCI_COMMAND_MEM = 0x002, PCI_COMMAND_MASTER = 0x004,
    PCI_COMMAND_PARITY = 0x040, PCI_COMMAND_SERR = 0x100, PCI_COMMAND_NO_INTX = 0x400,
    PCI_STATUS_INTX = 0x08, PCI_STATUS_CAPS = 0x10,
    PCI_HEADER_MULTI = 0x80,

    PCI_CAP_PM = 0x01, PCI_CAP_MSI = 0x05, PCI_CAP_VENDOR = 0x09,
    PCI_CAP_EXPRESS = 0x10, PCI_CAP_MSIX = 0x11,
};

enum {
    PCI_CONFIG_BYTES = 256,     /* the rest of 4 KiB is 0: no extended capability */
    PCI_BARS         = 6,
    PCI_ROM_BAR      = PCI_BARS,
    PCI_MSIX_MAX     = 256,     /* vectors of one function */
};

/* What a BAR is; MEM64 takes the next BAR's place too. */
enum { PCI_BAR_MEM = 0, PCI_BAR_IO = 1, PCI_BAR_MEM64 = 4, PCI_BAR_PREFETCH = 8 };

#define PCI_DEVFN(dev, fn) ((u8)((dev) << 3 | (fn)))
#define PCI_SLOT(devfn)    ((devfn) >> 3 & 31)
#define PCI_FUNC(devfn)    ((devfn) & 7)

typedef struct PciDevice PciDevice;

typedef struct {
    u16 vendor, device;
    u32 class;                  /* 24 bits: base class, subclass, interface */
    u8 revision;
    u8 pin;                     /* 1: INTA# ... 4: INTD#; 0: no INTx */
    u16 subvendor, subdevice;   /* both 0: 1af4:1100 */
} PciIds;

typedef struct {
    DeviceType device;
    PciIds ids;
} PciType;

/* A message as the guest programmed it. */
typedef struct {
    u64 address;
    u32 data;
} PciMessage;

/*
 * `message` is NULL while the vector is masked (or MSI-X is off).  Under the machine
 * lock.
 */
typedef void PciVectorFn(void *opaque, unsigned vector, const PciMessage *message);

/* The options and the state of this layer. */
#define PCI_CONFIG_ROWS                                                             \
    (str,  addr, "slot.function in hexadecimal, or the next free slot"),            \
    (str,  bus,  "bus to plug into", .def_str = "pcie.0"),                          \
    (str,  romfile, "file with the expansion ROM"),                                 \
    (u32,  rombar, "1 to show the expansion ROM to the guest", .def = 1, .max = 1), \
    (bool, multifunction, "other functions of this slot may be used")

#define PCI_STATE_ROWS                                                              \
    (u8[PCI_CONFIG_BYTES], config, "configuration space"),                          \
    (u8, intx, "the device asks for its INTx line", .max = 1)

#define MSIX_STATE_ROWS                                                             \
    (u32[PCI_MSIX_MAX * 4], table, "per vector: address (two words), data, control"), \
    (u64[PCI_MSIX_MAX / 64], pending, "vectors that were due while masked")

typedef struct { FOR_EACH(MEMBER_, PciConfig, PCI_CONFIG_ROWS) } PciConfig;
STATE_STRUCT(PciState, PCI_STATE_ROWS);
STATE_STRUCT(MsixState, MSIX_STATE_ROWS);

typedef struct {
    Region *region;
    u8 flags;
    u64 size;
} PciBar;

struct PciDevice {
    Device *dev;
    PciBus *on;                         /* NULL until attached */
    u8 devfn;
    PciConfig config;
    PciState state;
    PciBar bar[PCI_BARS + 1];           /* the last one is the expansion ROM */
    Region rom;
    const char *default_rom;            /* in the firmware folders, if it is there */

    /*
     * Configuration space as reset leaves it; bits the guest writes; bits it clears
     * with ones.
     */
    u8 image[PCI_CONFIG_BYTES], wmask[PCI_CONFIG_BYTES], w1c[PCI_CONFIG_BYTES];
    unsigned next_cap;                  /* where the next capability goes */
    bool intx_held;                     /* counted in the bus's asserted[] */

    /*
     * Optional: after the guest wrote [offset, offset + n) of configuration space;
     * after reset and restore too (0, 256).
     */
    void (*config_written)(PciDevice *pci, unsigned offset, unsigned n);
    /*
     * Optional, for functions that are not a byte array (passed-through devices):
     * replace all of it.
     */
    u32 (*config_read)(PciDevice *pci, unsigned offset, unsigned n);
    void (*config_write)(PciDevice *pci, unsigned offset, u32 value, unsigned n);

    /*
     * Message interrupts.  `lock` guards state.config's MSI bytes against notifying
     * threads, and msix.
     */
    pthread_mutex_t lock;
    unsigned msi_at, msix_at;           /* offsets of the capabilities; 0: none */
    unsigned msi_vectors, msix_vectors;
    MsixState msix;
    Region msix_region;
    PciVectorFn *vector_changed;
    void *vector_opaque;
    u64 vector_live[PCI_MSIX_MAX / 64]; /* the listener was last told of a message */
};

/* ---- the bus ---- */

/* Interrupt wiring: INTx `pin` (0-3) of `slot` reaches this line of the board. */
typedef unsigned PciRouteFn(unsigned slot, unsigned pin);

struct PciBus {
    const char *name;                   /* "pcie.0" */
    Machine *machine;
    PciDevice *function[256];           /* by devfn */
    PciRouteFn *route;
    Irq line[8];                        /* the board's inputs, PIRQ A to H */
    u8 asserted[8];                     /* functions that hold each line */
};

extern const BusType pci_bus;

PciBus *pci_bus_new(Machine *machine, const char *name, PciRouteFn *route);
void pci_bus_free(PciBus *bus);         /* its devices are gone */

/*
 * Configuration cycles; a function that is not there reads as ones.  n is 1, 2 or 4,
 * and offset is a multiple of it.
 */
u32 pci_config_read(PciBus *bus, u8 number, u8 devfn, unsigned offset, unsigned n);
void pci_config_write(PciBus *bus, u8 number, u8 devfn, unsigned offset, u32 value,
                      unsigned n);

/*
 * Memory-mapped configuration: opaque is the PciBus, offset is bus:8 device:5
 * function:3 register:12.
 */
extern const RegionOps pci_ecam_ops;

/*
 * Configuration mechanism 1: `address` is the guest's last write to port 0xcf8, `at` is
 * 0-3 for port 0xcfc + at.
 */
u32 pci_port_read(PciBus *bus, u32 address, unsigned at, unsigned n);
void pci_port_write(PciBus *bus, u32 address, unsigned at, u32 value, unsigned n);

/*
 * What firmware would do, for boots without one: gives every BAR an address in these
 * windows, sets the interrupt line registers (`irq` by line 0-7) and enables decoding.
 * Large BARs go first; what has no room stays off.
 */
typedef struct { u64 base, end; } PciWindow;
typedef struct { PciWindow io, mem, mem64; u8 irq[8]; } PciWindows;
void pci_assign(PciBus *bus, const PciWindows *windows);

void pci_print(PciBus *bus, GString *out);      /* info pci */
/* "/pci@i0cf8/NODE@SLOT[,FUNCTION]", for a bootindex; caller frees. */
char *pci_boot_path(const PciDevice *pci, const char *node);

/* ---- a device's side ---- */

static inline PciDevice *pci_device(Device *dev)
{
    return dev->bus_data;
}

/*
 * For buses on top of PCI: what pci_bus's prepare, attach and detach do.  `pci` is
 * zeroed; pci_detach does not free it.
 */
void pci_prepare(PciDevice *pci, Device *dev, const PciIds *ids);
bool pci_attach(PciDevice *pci, GError **err) must_check;
void pci_detach(PciDevice *pci);
void pci_set_ids(PciDevice *pci, const PciIds *ids);            /* before attach */

/*
 * Before attach.  The region has been initialised, its size is a power of two (memory:
 * at least 16, ports: 4).
 */
void pci_add_bar(PciDevice *pci, unsigned bar, u8 flags, Region *region);

/*
 * Adds a capability of `size` bytes (its two-byte header included) and returns its
 * offset; its body is zero and read-only until pci_config_set and pci_config_mask say
 * otherwise.
 */
unsigned pci_add_cap(PciDevice *pci, u8 id, unsigned size);
void pci_add_express(PciDevice *pci);       /* a root complex integrated endpoint */
void pci_add_msi(PciDevice *pci, unsigned vectors);     /* 1, 2, 4 ... 32 */
void pci_add_msix(PciDevice *pci, unsigned bar, unsigned vectors);  /* its own BAR */

/*
 * Value after reset, and the bits the guest may write; n is 1, 2 or 4.  Before attach.
 */
void pci_config_set(PciDevice *pci, unsigned offset, u32 value, unsigned n);
void pci_config_mask(PciDevice *pci, unsigned offset, u32 writable, unsigned n);
/* The present value, little endian. */
u32 pci_config_get(const PciDevice *pci, unsigned offset, unsigned n);

/* The address of a mapped BAR, or UINT64_MAX. */
u64 pci_bar_address(const PciDevice *pci, unsigned bar);
bool pci_is_master(const PciDevice *pci);       /* the guest lets it access memory */

void pci_intx(PciDevice *pci, bool level);      /* ignored while MSI or MSI-X is on */
bool pci_msi_on(const PciDevice *pci);
bool pci_msix_on(const PciDevice *pci);

/*
 * Sends (or, masked, marks pending).  A vector out of range, or MSI off: nothing
 * happens.  Any thread.
 */
void pci_msi_notify(PciDevice *pci, unsigned vector);
void pci_msix_notify(PciDevice *pci, unsigned vector);

/* The vector's message; false while it is masked or off.  For irqfd.  Any thread. */
bool pci_msix_message(PciDevice *pci, unsigned vector, PciMessage *message) must_check;
/*
 * One listener: told of every change from the present state on, and of all vectors that
 * are live now.
 */
void pci_msix_listen(PciDevice *pci, PciVectorFn *changed, void *opaque);

#endif
