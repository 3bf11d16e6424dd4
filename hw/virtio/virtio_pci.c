/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI (virtio 1.2, section 4.1), modern interface only: one memory BAR with the common, ISR, device and notification structures a page
 * each, MSI-X in a BAR of its own, and the configuration access capability (4.1.4.9).  Under the machine lock.
 */

#include "hw/pci/pci.h"
#include "hw/virtio/virtio.h"

#include <string.h>

enum {
    BAR_STRUCTURES = 4, BAR_MSIX = 1,
    AT_COMMON = 0, AT_ISR = 0x1000, AT_DEVICE = 0x2000, AT_NOTIFY = 0x3000, STRUCTURES_BYTES = 0x4000,
    NOTIFY_MULTIPLIER = 4, NO_VECTOR = 0xffff,
    ISR_QUEUE = 1, ISR_CONFIG = 2,
    CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4, CAP_PCI = 5,
    CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12, CAP_DATA = 16,    /* 4.1.4: where a capability's fields lie */
};

PROPS(VirtioPciConfig,
    (u32,  vectors, "MSI-X vectors; 0 for one per queue and one for changes", .max = 256),
    (str,  disable_legacy, "on or off, as QEMU takes it: there is no legacy interface", .def_str = "on"),
    (bool, disable_modern, "must stay off: there is no other interface", .max = 0));

#define VIRTIO_PCI_ROWS                                                                     \
    (u32, device_select, "which half of the device's features is shown (device_feature_select)"), \
    (u32, driver_select, "which half of the driver's features is meant (driver_feature_select)"), \
    (u16, queue_select,  "queue that the queue registers are about"),                       \
    (u16, config_vector, "MSI-X vector of configuration changes"),                          \
    (u8,  isr,           "interrupt status (4.1.4.5)", .max = 3),                           \
    (u8[3], reserved,    "zero"),                                                           \
    (u16[VIRTIO_QUEUES_MAX], vector, "MSI-X vector per queue")
STATE_STRUCT(VirtioPciState, VIRTIO_PCI_ROWS);
static const Field state_fields[] = STATE_ROWS(VirtioPciState, VIRTIO_PCI_ROWS);

typedef struct {
    PciDevice pci;                  /* first: dev->bus_data */
    VirtioDevice *virtio;
    VirtioPciConfig config;
    VirtioPciState state;
    Region structures;
    unsigned pci_cap;               /* offset of the configuration access capability */
} VirtioPci;

static VirtioPci *transport_of(VirtioDevice *virtio)
{
    return virtio->device.bus_data;
}

/* ---- interrupts (4.1.5.1.2, 4.1.5.1.3) ---- */

static void interrupt(VirtioPci *vp, u16 vector, u8 isr)
{
    if (pci_msix_on(&vp->pci)) {
        if (vector != NO_VECTOR) {
            pci_msix_notify(&vp->pci, vector);
        }
    } else {
        vp->state.isr |= isr;
        pci_intx(&vp->pci, true);
    }
}

static void queue_interrupt(VirtioDevice *virtio, unsigned queue)
{
    interrupt(transport_of(virtio), transport_of(virtio)->state.vector[queue], ISR_QUEUE);
}

static void config_interrupt(VirtioDevice *virtio)
{
    VirtioPci *vp = transport_of(virtio);

    vp->state.isr |= ISR_CONFIG;
    interrupt(vp, vp->state.config_vector, ISR_CONFIG);
}

static const VirtioTransport pci_transport = { queue_interrupt, config_interrupt };

/* 4.1.5.1.2: what can't be mapped reads back as NO_VECTOR. */
static u16 checked_vector(const VirtioPci *vp, u16 vector)
{
    return vector < vp->pci.msix_vectors ? vector : NO_VECTOR;
}

/* ---- the common structure (4.1.4.3) ---- */

/* The registers, in the specification's order; offsets follow. */
typedef enum {
    DEVICE_SELECT, DEVICE_FEATURE, DRIVER_SELECT, DRIVER_FEATURE, CONFIG_VECTOR, NUM_QUEUES, STATUS, GENERATION,
    QUEUE_SELECT, QUEUE_SIZE, QUEUE_VECTOR, QUEUE_ENABLE, QUEUE_NOTIFY_OFF, QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE,
    REGISTERS
} CommonRegister;
static const u8 register_bytes[REGISTERS] = { 4, 4, 4, 4, 2, 2, 1, 1, 2, 2, 2, 2, 2, 8, 8, 8 };

/* The register that holds `offset`, and where in it; REGISTERS: none. */
static CommonRegister find_register(unsigned offset, unsigned *within)
{
    unsigned at = 0;

    for (unsigned r = 0; r < REGISTERS; r++) {
        if (offset < at + register_bytes[r]) {
            *within = offset - at;
            return r;
        }
        at += register_bytes[r];
    }
    return REGISTERS;
}

static u32 half(u64 features, u32 select)
{
    return select == 0 ? features : select == 1 ? features >> 32 : 0;
}

static u64 queue_register(VirtioPci *vp, CommonRegister r)
{
    VirtioDevice *virtio = vp->virtio;
    const VirtioQueues *q = &virtio->queues;
    u16 n = vp->state.queue_select;

    if (n >= virtio->n_queues) {
        return 0;                               /* 4.1.4.3.1: no such queue: size 0 */
    }
    switch (r) {
    case QUEUE_SIZE:       return q->size[n];
    case QUEUE_VECTOR:     return vp->state.vector[n];
    case QUEUE_ENABLE:     return q->enabled[n];
    case QUEUE_NOTIFY_OFF: return n;
    case QUEUE_DESC:       return q->desc[n];
    case QUEUE_DRIVER:     return q->driver[n];
    default:               return q->device[n];
    }
}

static u64 read_register(VirtioPci *vp, CommonRegister r)
{
    VirtioDevice *virtio = vp->virtio;

    switch (r) {
    case DEVICE_SELECT:  return vp->state.device_select;
    case DEVICE_FEATURE: return half(virtio_offered(virtio), vp->state.device_select);
    case DRIVER_SELECT:  return vp->state.driver_select;
    case DRIVER_FEATURE: return half(virtio->state.driver_features, vp->state.driver_select);
    case CONFIG_VECTOR:  return vp->state.config_vector;
    case NUM_QUEUES:     return virtio->n_queues;
    case STATUS:         return virtio->state.status;
    case GENERATION:     return virtio->state.generation;
    case QUEUE_SELECT:   return vp->state.queue_select;
    case REGISTERS:      return 0;
    default:             return queue_register(vp, r);
    }
}

static void write_status(VirtioPci *vp, u8 status)
{
    virtio_set_status(vp->virtio, status);
    if (!status) {
        vp->state.isr = 0;
        pci_intx(&vp->pci, false);
        vp->state.config_vector = NO_VECTOR;
        memset(vp->state.vector, 0xff, sizeof vp->state.vector);
    }
}

static void write_features(VirtioPci *vp, u32 value)
{
    u64 old = vp->virtio->state.driver_features;

    if (vp->state.driver_select == 0) {
        virtio_set_features(vp->virtio, (old & ~0xffffffffull) | value);
    } else if (vp->state.driver_select == 1) {
        virtio_set_features(vp->virtio, (u32)old | (u64)value << 32);
    }
}

static void write_queue_register(VirtioPci *vp, CommonRegister r, u64 mask, u64 value)
{
    VirtioDevice *virtio = vp->virtio;
    u16 n = vp->state.queue_select;

    if (n >= virtio->n_queues) {
        return;
    }
    switch (r) {
    case QUEUE_SIZE:
        virtio_set_queue_size(virtio, n, value);
        break;
    case QUEUE_VECTOR:
        vp->state.vector[n] = checked_vector(vp, value);
        break;
    case QUEUE_ENABLE:
        if (value == 1) {
            virtio_enable_queue(virtio, n);
        }
        break;
    case QUEUE_DESC:
        virtio_set_queue_address(virtio, n, virtio->queues.desc, mask, value);
        break;
    case QUEUE_DRIVER:
        virtio_set_queue_address(virtio, n, virtio->queues.driver, mask, value);
        break;
    case QUEUE_DEVICE:
        virtio_set_queue_address(virtio, n, virtio->queues.device, mask, value);
        break;
    default:
        break;
    }
}

/* `mask` says which bits of the register the write covers; narrower registers are written whole. */
static void write_register(VirtioPci *vp, CommonRegister r, u64 mask, u64 value)
{
    switch (r) {
    case DEVICE_SELECT:
        vp->state.device_select = value;
        break;
    case DRIVER_SELECT:
        vp->state.driver_select = value;
        break;
    case DRIVER_FEATURE:
        write_features(vp, value);
        break;
    case CONFIG_VECTOR:
        vp->state.config_vector = checked_vector(vp, value);
        break;
    case STATUS:
        write_status(vp, value);
        break;
    case QUEUE_SELECT:
        vp->state.queue_select = value;
        break;
    default:
        write_queue_register(vp, r, mask, value);
    }
}

static u64 ones(unsigned bytes)
{
    return bytes == 8 ? ~0ull : (1ull << 8 * bytes) - 1;
}

static u64 read_common(VirtioPci *vp, unsigned offset, unsigned size)
{
    unsigned within = 0;
    CommonRegister r = find_register(offset, &within);

    return read_register(vp, r) >> 8 * within & ones(size);
}

/* 4.1.3.1: the driver uses each field's own width, 64-bit fields maybe in halves; anything else is ignored. */
static void write_common(VirtioPci *vp, unsigned offset, u64 value, unsigned size)
{
    unsigned within = 0;
    CommonRegister r = find_register(offset, &within);

    if (r < REGISTERS && (size == register_bytes[r] || (register_bytes[r] == 8 && size == 4 && !(within & 3)))) {
        write_register(vp, r, ones(size) << 8 * within, value << 8 * within);
    }
}

/* ---- the BAR ---- */

static u64 read_isr(VirtioPci *vp)
{
    u8 isr = vp->state.isr;

    vp->state.isr = 0;                          /* 4.1.4.5: reading clears */
    pci_intx(&vp->pci, false);
    return isr;
}

static u64 structures_read(void *opaque, u64 offset, unsigned size)
{
    VirtioPci *vp = opaque;
    u64 value = 0;

    if (offset < AT_ISR) {
        return read_common(vp, offset, size);
    }
    if (offset < AT_DEVICE) {
        return offset == AT_ISR ? read_isr(vp) : 0;
    }
    if (offset < AT_NOTIFY) {
        virtio_config_read(vp->virtio, offset - AT_DEVICE, (u8 *)&value, size);
    }
    return GUINT64_FROM_LE(value);
}

static void structures_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    VirtioPci *vp = opaque;
    u64 bytes = GUINT64_TO_LE(value);

    if (offset < AT_ISR) {
        write_common(vp, offset, value, size);
    } else if (offset >= AT_NOTIFY) {
        virtio_notify(vp->virtio, (offset - AT_NOTIFY) / NOTIFY_MULTIPLIER);
    } else if (offset >= AT_DEVICE) {
        virtio_config_write(vp->virtio, offset - AT_DEVICE, (u8 *)&bytes, size);
    }
}

static const RegionOps structures_ops = { .read = structures_read, .write = structures_write, .sizes = 1 | 2 | 4 | 8 };

/* ---- capabilities ---- */

static unsigned add_cap(VirtioPci *vp, u8 type, u32 offset, u32 length, unsigned bytes)
{
    unsigned at = pci_add_cap(&vp->pci, PCI_CAP_VENDOR, bytes);

    pci_config_set(&vp->pci, at + 2, bytes, 1);
    pci_config_set(&vp->pci, at + 3, type, 1);
    pci_config_set(&vp->pci, at + CAP_BAR, BAR_STRUCTURES, 1);
    pci_config_set(&vp->pci, at + CAP_OFFSET, offset, 4);
    pci_config_set(&vp->pci, at + CAP_LENGTH, length, 4);
    return at;
}

static void add_caps(VirtioPci *vp)
{
    unsigned notify;

    add_cap(vp, CAP_COMMON, AT_COMMON, 56, 16);
    add_cap(vp, CAP_ISR, AT_ISR, 1, 16);
    if (vp->virtio->type->config_size) {
        add_cap(vp, CAP_DEVICE, AT_DEVICE, vp->virtio->type->config_size, 16);
    }
    notify = add_cap(vp, CAP_NOTIFY, AT_NOTIFY, vp->virtio->n_queues * NOTIFY_MULTIPLIER, 20);
    pci_config_set(&vp->pci, notify + CAP_DATA, NOTIFY_MULTIPLIER, 4);
    vp->pci_cap = add_cap(vp, CAP_PCI, 0, 0, 20);
    pci_config_mask(&vp->pci, vp->pci_cap + CAP_BAR, 0xff, 1);
    pci_config_mask(&vp->pci, vp->pci_cap + CAP_OFFSET, 0xffffffff, 4);
    pci_config_mask(&vp->pci, vp->pci_cap + CAP_LENGTH, 0xffffffff, 4);
    pci_config_mask(&vp->pci, vp->pci_cap + CAP_DATA, 0xffffffff, 4);
}

/* 4.1.4.9: where a write to, or a read of, the window goes; false: nowhere. */
static bool window(VirtioPci *vp, u32 *offset, u32 *length)
{
    *offset = pci_config_get(&vp->pci, vp->pci_cap + CAP_OFFSET, 4);
    *length = pci_config_get(&vp->pci, vp->pci_cap + CAP_LENGTH, 4);
    return pci_config_get(&vp->pci, vp->pci_cap + CAP_BAR, 1) == BAR_STRUCTURES &&
           (*length == 1 || *length == 2 || *length == 4) && *offset < STRUCTURES_BYTES &&
           *offset % *length == 0;
}

static void config_written(PciDevice *pci, unsigned offset, unsigned n)
{
    VirtioPci *vp = container_of(pci, VirtioPci, pci);
    unsigned data = vp->pci_cap + CAP_DATA;
    u32 at, length;

    if (n <= 4 && offset < data + 4 && offset + n > data && window(vp, &at, &length)) {
        structures_write(vp, at, pci_config_get(pci, data, 4) & ones(length), length);
    }
}

static u32 config_read(PciDevice *pci, unsigned offset, unsigned n)
{
    VirtioPci *vp = container_of(pci, VirtioPci, pci);
    unsigned data = vp->pci_cap + CAP_DATA;
    u32 at, length, value;

    if (offset < data + 4 && offset + n > data && window(vp, &at, &length)) {
        value = GUINT32_TO_LE(structures_read(vp, at, length));
        memcpy(pci->state.config + data, &value, length);
    }
    return offset < PCI_CONFIG_BYTES ? pci_config_get(pci, offset, n) : 0;
}

/* ---- the bus ---- */

static VirtioPci *vp_of(Device *dev)
{
    return dev->bus_data;
}

static void virtio_pci_reset(Device *dev)
{
    VirtioPci *vp = vp_of(dev);

    vp->state.config_vector = NO_VECTOR;
    memset(vp->state.vector, 0xff, sizeof vp->state.vector);
}

static bool virtio_pci_loaded(Device *dev, GError **err)
{
    VirtioPci *vp = vp_of(dev);

    vp->state.config_vector = checked_vector(vp, vp->state.config_vector);
    for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++) {
        vp->state.vector[i] = checked_vector(vp, vp->state.vector[i]);
    }
    return true;
}

static const Part virtio_pci_part = {
    .name = "virtio-pci",
    .config = VirtioPciConfig_fields, .config_at = offsetof(VirtioPci, config),
    .state = state_fields, .state_at = offsetof(VirtioPci, state), .state_size = sizeof(VirtioPciState),
    .reset = virtio_pci_reset, .loaded = virtio_pci_loaded,
};

static bool virtio_pci_prepare(Device *dev, GError **err)
{
    VirtioPci *vp = g_new0(VirtioPci, 1);
    VirtioDevice *virtio = container_of(dev, VirtioDevice, device);
    const VirtioType *type = container_of(dev->type, VirtioType, device);
    PciIds ids = { .vendor = 0x1af4, .device = 0x1040 + type->id, .class = type->class, .revision = 1, .pin = 1,
                   .subvendor = 0x1af4, .subdevice = 0x1100 };

    vp->virtio = virtio;
    dev->bus_data = vp;
    pci_prepare(&vp->pci, dev, &ids);
    device_add_part(dev, &virtio_pci_part, vp);
    virtio_prepare(virtio, &pci_transport);
    device_add_part(dev, &virtio_part, virtio);
    device_add_part(dev, &virtio_queues_part, virtio);
    return true;
}

static bool virtio_pci_attach(Device *dev, GError **err)
{
    VirtioPci *vp = vp_of(dev);
    unsigned vectors = vp->config.vectors ? vp->config.vectors : vp->virtio->n_queues + 1;

    region_init_io(&vp->structures, dev->type->name, &structures_ops, vp, STRUCTURES_BYTES);
    pci_add_bar(&vp->pci, BAR_STRUCTURES, PCI_BAR_MEM64 | PCI_BAR_PREFETCH, &vp->structures);
    pci_add_msix(&vp->pci, BAR_MSIX, vectors);
    add_caps(vp);
    vp->pci.config_written = config_written;
    vp->pci.config_read = config_read;
    return pci_attach(&vp->pci, err);
}

static void virtio_pci_detach(Device *dev)
{
    VirtioPci *vp = vp_of(dev);

    virtio_finish(vp->virtio);
    pci_detach(&vp->pci);
    region_fini(&vp->structures);
    fields_clear(VirtioPciConfig_fields, &vp->config);
    g_clear_pointer(&dev->bus_data, g_free);
}

const BusType virtio_pci_bus = {
    .name = "PCI", .suffix = "-pci", .prepare = virtio_pci_prepare, .attach = virtio_pci_attach,
    .detach = virtio_pci_detach,
};
