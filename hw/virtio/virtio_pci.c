/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI (virtio 1.2, section 4.1), modern interface only: one memory BAR with
 * the common, ISR, device and notification structures, a page each, MSI-X in a BAR of
 * its own, and the configuration access capability (4.1.4.9), a window to the first.
 *
 * Under the machine lock, and for registers that of the device's context too.  A device
 * on an I/O thread interrupts without the machine lock: by MSI-X at once, otherwise
 * through the main loop.
 */

#include "hw/virtio/virtio_pci.h"

#include "base/lock.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    BAR_MSIX = 1, BAR_STRUCTURES = 4, BAR_STRUCTURES_BESIDE_SHARED = 3,
    AT_COMMON = 0, AT_ISR = 0x1000, AT_DEVICE = 0x2000, AT_NOTIFY = 0x3000,
    STRUCTURES_BYTES = 0x4000,
    NOTIFY_MULTIPLIER = 4,
    ISR_QUEUE = 1, ISR_CONFIG = 2,

    /* 4.1.4: types of capabilities, and where their fields lie */
    CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4, CAP_PCI = 5,
    CAP_LENGTH_OF_CAP = 2, CAP_TYPE = 3, CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12,
    CAP_BYTES = 16, CAP_DATA = 16, CAP_BYTES_WITH_DATA = 20,
};

/* QEMU's values, as far as they are true here. */
static const char *const virtio_pci_legacy[] = { "auto", "on", NULL };
static const char *const virtio_pci_only_off[] = { "off", NULL };

static const Field config_fields[] = STATE_ROWS(VirtioPciConfig,
                                                VIRTIO_PCI_CONFIG_ROWS);
static const Field state_fields[] = STATE_ROWS(VirtioPciState, VIRTIO_PCI_STATE_ROWS);

static VirtioPci *vp_of(const VirtioDevice *virtio)
{
    return virtio->device.bus_data;
}

/* ---- interrupts (4.1.4.5.1, 4.1.5.3, 4.1.5.4) ---- */

/*
 * "If MSI-X capability is disabled, the device MUST set the Interrupt Status bit in the
 * PCI Status register [...] to the logical OR of all bits in ISR status".
 */
static void update_intx(VirtioPci *vp)
{
    pci_intx(&vp->pci, vp->state.isr && !pci_msix_on(&vp->pci));
}

static void interrupt(VirtioPci *vp, u16 vector, u8 isr)
{
    if (!machine_lock_held()) {
        __atomic_fetch_or(&vp->late_isr, isr, __ATOMIC_ACQ_REL);
        eventfd_write(vp->late, 1);
        return;
    }
    vp->state.isr |= isr;
    update_intx(vp);
    if (pci_msix_on(&vp->pci) && vector != NO_VECTOR) {
        pci_msix_notify(&vp->pci, vector);
    }
}

static void queue_interrupt(VirtioDevice *virtio, unsigned queue)
{
    VirtioPci *vp = vp_of(virtio);

    if (!pci_msix_on(&vp->pci)) {
        interrupt(vp, NO_VECTOR, ISR_QUEUE);
    } else if (vp->state.vector[queue] != NO_VECTOR) {
        pci_msix_notify(&vp->pci, vp->state.vector[queue]);
    }
}

static void config_interrupt(VirtioDevice *virtio)
{
    VirtioPci *vp = vp_of(virtio);

    interrupt(vp, vp->state.config_vector, ISR_CONFIG);
}

static void send_late(void *opaque)
{
    VirtioPci *vp = opaque;
    eventfd_t count;
    u8 isr;

    eventfd_read(vp->late, &count);
    isr = __atomic_exchange_n(&vp->late_isr, 0, __ATOMIC_ACQ_REL);
    interrupt(vp, isr & ISR_CONFIG ? vp->state.config_vector : NO_VECTOR, isr);
}

static bool reaches_memory(const VirtioDevice *virtio)
{
    return pci_is_master(&vp_of(virtio)->pci);
}

static const VirtioTransport pci_transport = {
    queue_interrupt, config_interrupt, reaches_memory, virtio_pci_queue_call
};

/* ---- the BAR ---- */

static u64 read_isr(VirtioPci *vp)
{
    u8 isr = vp->state.isr;

    vp->state.isr = 0;
    update_intx(vp);
    return isr;
}

static u64 read_structures(VirtioPci *vp, u64 offset, unsigned size)
{
    u64 value = 0;

    if (offset < AT_ISR) {
        return virtio_pci_common_read(vp, offset - AT_COMMON, size);
    }
    if (offset < AT_DEVICE) {
        return offset == AT_ISR ? read_isr(vp) : 0;
    }
    if (offset < AT_NOTIFY) {
        virtio_config_read(vp->virtio, offset - AT_DEVICE, (u8 *)&value, size);
    }
    return GUINT64_FROM_LE(value);
}

static u64 structures_read(void *opaque, u64 offset, unsigned size)
{
    VirtioPci *vp = opaque;
    bool took = io_enter(vp->virtio->io);
    u64 value = read_structures(vp, offset, size);

    io_leave(vp->virtio->io, took);
    return value;
}

static void write_structures(VirtioPci *vp, u64 offset, u64 value, unsigned size)
{
    u64 bytes = GUINT64_TO_LE(value);

    if (offset < AT_ISR) {
        virtio_pci_common_write(vp, offset - AT_COMMON, value, size);
    } else if (offset >= AT_NOTIFY) {
        virtio_notify(vp->virtio, (offset - AT_NOTIFY) / NOTIFY_MULTIPLIER);
    } else if (offset >= AT_DEVICE) {
        virtio_config_write(vp->virtio, offset - AT_DEVICE, (u8 *)&bytes, size);
    }
}

static void structures_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    VirtioPci *vp = opaque;
    bool took = io_enter(vp->virtio->io);

    write_structures(vp, offset, value, size);
    io_leave(vp->virtio->io, took);
}

static const RegionOps structures_ops = {
    structures_read, structures_write, .sizes = 1 | 2 | 4 | 8
};

/* ---- capabilities ---- */

static unsigned add_cap(VirtioPci *vp, u8 type, u32 offset, u32 length, unsigned bytes)
{
    unsigned at = pci_add_cap(&vp->pci, PCI_CAP_VENDOR, bytes);

    pci_config_set(&vp->pci, at + CAP_LENGTH_OF_CAP, bytes, 1);
    pci_config_set(&vp->pci, at + CAP_TYPE, type, 1);
    pci_config_set(&vp->pci, at + CAP_BAR, vp->bar, 1);
    pci_config_set(&vp->pci, at + CAP_OFFSET, offset, 4);
    pci_config_set(&vp->pci, at + CAP_LENGTH, length, 4);
    return at;
}

static void add_caps(VirtioPci *vp)
{
    const VirtioDevice *virtio = vp->virtio;
    unsigned notify, window;

    add_cap(vp, CAP_COMMON, AT_COMMON, COMMON_BYTES, CAP_BYTES);
    add_cap(vp, CAP_ISR, AT_ISR, 1, CAP_BYTES);
    if (virtio->type->config_size) {
        add_cap(vp, CAP_DEVICE, AT_DEVICE, virtio->type->config_size, CAP_BYTES);
    }
    notify = add_cap(vp, CAP_NOTIFY, AT_NOTIFY, virtio->n_queues * NOTIFY_MULTIPLIER,
                     CAP_BYTES_WITH_DATA);
    pci_config_set(&vp->pci, notify + CAP_DATA, NOTIFY_MULTIPLIER, 4);

    window = add_cap(vp, CAP_PCI, 0, 0, CAP_BYTES_WITH_DATA);
    pci_config_mask(&vp->pci, window + CAP_BAR, 0xff, 1);
    pci_config_mask(&vp->pci, window + CAP_OFFSET, UINT32_MAX, 4);
    pci_config_mask(&vp->pci, window + CAP_LENGTH, UINT32_MAX, 4);
    pci_config_mask(&vp->pci, window + CAP_DATA, UINT32_MAX, 4);
    vp->window = window;
    virtio_pci_add_shared(vp);
}

/* ---- the window (4.1.4.9) ---- */

/* True if an access to [offset, offset + n) of configuration space goes through it. */
static bool window_access(const VirtioPci *vp, unsigned offset, unsigned n, u32 *at,
                          u32 *length)
{
    unsigned data = vp->window + CAP_DATA;

    *at = pci_config_get(&vp->pci, vp->window + CAP_OFFSET, 4);
    *length = pci_config_get(&vp->pci, vp->window + CAP_LENGTH, 4);
    return offset < data + 4 && offset + n > data &&
           pci_config_get(&vp->pci, vp->window + CAP_BAR, 1) == vp->bar &&
           (*length == 1 || *length == 2 || *length == 4) &&
           *at < STRUCTURES_BYTES && *at % *length == 0;
}

static void config_written(PciDevice *pci, unsigned offset, unsigned n)
{
    VirtioPci *vp = container_of(pci, VirtioPci, pci);
    u32 at, length;

    update_intx(vp);                                /* MSI-X may be on or off now */
    virtio_pci_move_shared(vp);
    if (n <= 4 && window_access(vp, offset, n, &at, &length)) {
        u32 data = pci_config_get(pci, vp->window + CAP_DATA, 4);

        structures_write(vp, at, data & UINT32_MAX >> (32 - 8 * length), length);
    }
}

static u32 config_read(PciDevice *pci, unsigned offset, unsigned n)
{
    VirtioPci *vp = container_of(pci, VirtioPci, pci);
    u32 at, length;

    if (offset >= PCI_CONFIG_BYTES) {
        return 0;
    }
    if (window_access(vp, offset, n, &at, &length)) {
        u32 value = GUINT32_TO_LE(structures_read(vp, at, length));

        memcpy(pci->state.config + vp->window + CAP_DATA, &value, length);
    }
    return pci_config_get(pci, offset, n);
}

/* ---- state ---- */

void virtio_pci_reset_state(VirtioPci *vp)
{
    vp->state = (VirtioPciState){ .config_vector = NO_VECTOR };
    memset(vp->state.vector, 0xff, sizeof vp->state.vector);
    update_intx(vp);
}

static void part_reset(Device *dev)
{
    virtio_pci_reset_state(dev->bus_data);
}

static bool vector_exists(const VirtioPci *vp, u16 vector)
{
    return vector == NO_VECTOR || vector < vp->pci.msix_vectors;
}

static bool part_loaded(Device *dev, GError **err)
{
    VirtioPci *vp = dev->bus_data;
    bool good = vector_exists(vp, vp->state.config_vector);

    for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++) {
        good = good && vector_exists(vp, vp->state.vector[i]);
    }
    if (!good) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "virtio-pci: a vector that this function does not have");
        return false;
    }
    update_intx(vp);
    return true;
}

static const Part virtio_pci_part = {
    .name = "virtio-pci",
    .config = config_fields, .config_at = offsetof(VirtioPci, config),
    .state = state_fields, .state_at = offsetof(VirtioPci, state),
    .state_size = sizeof(VirtioPciState),
    .reset = part_reset, .loaded = part_loaded,
};

/* ---- the bus ---- */

static bool virtio_pci_prepare(Device *dev, GError **err)
{
    const VirtioType *type = container_of(dev->type, VirtioType, device);
    VirtioPci *vp = g_new0(VirtioPci, 1);
    PciIds ids = {
        .vendor = 0x1af4, .device = 0x1040 + type->id, .class = type->class,
        .revision = 1, .pin = 1, .subvendor = 0x1af4, .subdevice = 0x1100,
    };

    (void)err;
    vp->late = -1;
    vp->virtio = container_of(dev, VirtioDevice, device);
    pci_prepare(&vp->pci, dev, &ids);
    device_add_part(dev, &virtio_pci_part, vp);
    virtio_prepare(vp->virtio, &pci_transport);
    return true;
}

static bool add_bells(VirtioPci *vp, GError **err)
{
    VirtioDevice *virtio = vp->virtio;

    if (!virtio_open_bells(virtio, err)) {
        return false;
    }
    for (unsigned i = 0; i < virtio->n_queues; i++) {
        Doorbell bell = { .offset = AT_NOTIFY + i * NOTIFY_MULTIPLIER,
                          .fd = virtio_bell_fd(virtio, i) };

        region_add_doorbell(&vp->structures, &bell);
    }
    return true;
}

/* For a device that works without the machine lock. */
static bool add_late(VirtioPci *vp, GError **err)
{
    if (!vp->config.ioeventfd) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "ioeventfd is required for iothread");
        return false;
    }
    vp->late = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (vp->late < 0) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno), "no eventfd: %s",
                    g_strerror(errno));
        return false;
    }
    vp->late_watch = io_watch(io_main(), vp->late, send_late, vp);
    return true;
}

static void remove_late(VirtioPci *vp)
{
    bool took = io_enter(io_main());

    io_unwatch(vp->late_watch);
    io_leave(io_main(), took);
    if (vp->late >= 0) {
        close(vp->late);
    }
}

static void virtio_pci_pause(Device *dev, bool on)
{
    VirtioPci *vp = dev->bus_data;

    virtio_pause(vp->virtio, on);
}

static bool virtio_pci_attach(Device *dev, GError **err)
{
    VirtioPci *vp = dev->bus_data;
    unsigned vectors = MIN(vp->config.vectors, vp->virtio->n_queues + 1);

    region_init_io(&vp->structures, dev->type->name, &structures_ops, vp,
                   STRUCTURES_BYTES);
    vp->bar = vp->virtio->shared_bytes ? BAR_STRUCTURES_BESIDE_SHARED : BAR_STRUCTURES;
    pci_add_bar(&vp->pci, vp->bar,
                vp->bar == BAR_STRUCTURES ? PCI_BAR_MEM64 | PCI_BAR_PREFETCH
                                          : PCI_BAR_MEM, &vp->structures);
    if (vectors) {
        pci_add_msix(&vp->pci, BAR_MSIX, vectors);
    }
    add_caps(vp);
    vp->pci.config_written = config_written;
    vp->pci.config_read = config_read;
    if ((vp->virtio->io != io_main() && !add_late(vp, err)) ||
        (vp->virtio->type->doorbells && vp->config.ioeventfd && !add_bells(vp, err))) {
        return false;
    }
    return pci_attach(&vp->pci, err);
}

static void virtio_pci_detach(Device *dev)
{
    VirtioPci *vp = dev->bus_data;

    for (unsigned i = 0; vp->virtio->bell && i < vp->virtio->n_queues; i++) {
        region_remove_doorbell(&vp->structures, virtio_bell_fd(vp->virtio, i));
    }
    virtio_finish(vp->virtio);
    remove_late(vp);
    g_free(vp->call);
    pci_detach(&vp->pci);
    region_fini(&vp->structures);
    region_fini(&vp->shared);
    g_clear_pointer(&dev->bus_data, g_free);
}

const BusType virtio_pci_bus = {
    .name    = "PCI",
    .suffix  = "-pci",
    .prepare = virtio_pci_prepare,
    .attach  = virtio_pci_attach,
    .detach  = virtio_pci_detach,
    .pause   = virtio_pci_pause,
};

const BusType virtio_pci_plain_bus = {
    .name    = "PCI",
    .suffix  = "",
    .prepare = virtio_pci_prepare,
    .attach  = virtio_pci_attach,
    .detach  = virtio_pci_detach,
    .pause   = virtio_pci_pause,
};
