/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Message signalled interrupts: MSI (PCI 3.0, 6.8.1; no per-vector masks) and MSI-X
 * (6.8.2).
 *
 * Any thread notifies.  What it needs (capability bytes, table, pending bits) changes
 * under pci->lock, by a thread that also holds the machine lock; messages are sent and
 * listeners called after pci->lock was let go.
 */

#include "hw/pci/inside.h"
#include <string.h>

enum {
    MSI_CONTROL = 2, MSI_ADDRESS = 4, MSI_DATA = 12, MSI_SIZE = 14,
    MSI_ENABLE = 0x01, MSI_64BIT = 0x80,

    MSIX_CONTROL = 2, MSIX_TABLE = 4, MSIX_PBA = 8, MSIX_SIZE = 12,
    MSIX_ENABLE = 0x8000, MSIX_MASK_ALL = 0x4000,
    VECTOR_MASKED = 1,
};

static const Field MsixState_fields[] = STATE_ROWS(MsixState, MSIX_STATE_ROWS);

/* ---- MSI ---- */

void pci_add_msi(PciDevice *pci, unsigned vectors)
{
    unsigned log = __builtin_ctz(vectors);

    g_assert(vectors == 1u << log && vectors <= 32);
    pci->msi_at = pci_add_cap(pci, PCI_CAP_MSI, MSI_SIZE);
    pci->msi_vectors = vectors;
    pci_config_set(pci, pci->msi_at + MSI_CONTROL, MSI_64BIT | log << 1, 2);
    pci_config_mask(pci, pci->msi_at + MSI_CONTROL, MSI_ENABLE | 0x70, 2);
    pci_config_mask(pci, pci->msi_at + MSI_ADDRESS, 0xfffffffc, 4);
    pci_config_mask(pci, pci->msi_at + MSI_ADDRESS + 4, 0xffffffff, 4);
    pci_config_mask(pci, pci->msi_at + MSI_DATA, 0xffff, 2);
}

bool pci_msi_on(const PciDevice *pci)
{
    return pci->msi_at && pci->state.config[pci->msi_at + MSI_CONTROL] & MSI_ENABLE;
}

/* The message of `vector`; the guest may have allowed fewer than were asked for. */
static bool msi_message(const PciDevice *pci, unsigned vector, PciMessage *message)
{
    unsigned at = pci->msi_at, allowed;

    if (vector >= pci->msi_vectors || !pci_msi_on(pci) || !pci_is_master(pci)) {
        return false;
    }
    allowed = 1u << (pci->state.config[at + MSI_CONTROL] >> 4 & 7);
    allowed = MIN(allowed, pci->msi_vectors);
    message->address = pci_config_get(pci, at + MSI_ADDRESS, 4) |
                       (u64)pci_config_get(pci, at + MSI_ADDRESS + 4, 4) << 32;
    message->data = (pci_config_get(pci, at + MSI_DATA, 2) & ~(allowed - 1)) |
                    (vector & (allowed - 1));
    return true;
}

void pci_msi_notify(PciDevice *pci, unsigned vector)
{
    PciMessage message;
    bool send;

    pthread_mutex_lock(&pci->lock);
    send = msi_message(pci, vector, &message);
    pthread_mutex_unlock(&pci->lock);
    if (send) {
        machine_msi(pci->dev->machine, message.address, message.data);
    }
}

/* ---- MSI-X vectors ---- */

bool pci_msix_on(const PciDevice *pci)
{
    return pci->msix_at && pci->state.config[pci->msix_at + MSIX_CONTROL + 1] & 0x80;
}

/* Under pci->lock. */
static bool vector_message(const PciDevice *pci, unsigned vector, PciMessage *message)
{
    const u32 *entry = &pci->msix.table[4 * vector];

    if (vector >= pci->msix_vectors || !pci_msix_on(pci) || !pci_is_master(pci) ||
        pci->state.config[pci->msix_at + MSIX_CONTROL + 1] & MSIX_MASK_ALL >> 8 ||
        entry[3] & VECTOR_MASKED) {
        return false;
    }
    message->address = (entry[0] & ~3u) | (u64)entry[1] << 32;
    message->data = entry[2];
    return true;
}

bool pci_msix_message(PciDevice *pci, unsigned vector, PciMessage *message)
{
    bool live;

    pthread_mutex_lock(&pci->lock);
    live = vector_message(pci, vector, message);
    pthread_mutex_unlock(&pci->lock);
    return live;
}

void pci_msix_notify(PciDevice *pci, unsigned vector)
{
    PciMessage message;
    bool live;

    pthread_mutex_lock(&pci->lock);
    live = vector_message(pci, vector, &message);
    if (!live && vector < pci->msix_vectors && pci_msix_on(pci)) {
        pci->msix.pending[vector / 64] |= 1ull << vector % 64;
    }
    pthread_mutex_unlock(&pci->lock);
    if (live) {
        machine_msi(pci->dev->machine, message.address, message.data);
    }
}

/*
 * The listener hears of a vector that came, went or leads elsewhere; what was pending
 * on one that came is sent.  `changed`: the table entry itself was written.
 */
static void update_vector(PciDevice *pci, unsigned vector, bool changed)
{
    u64 bit = 1ull << vector % 64;
    u64 *pending = &pci->msix.pending[vector / 64];
    u64 *told = &pci->vector_live[vector / 64];
    bool live, was_live = *told & bit, due;
    PciMessage message;

    pthread_mutex_lock(&pci->lock);
    live = vector_message(pci, vector, &message);
    due = live && *pending & bit;
    if (due) {
        *pending &= ~bit;
    }
    pthread_mutex_unlock(&pci->lock);

    *told = live ? *told | bit : *told & ~bit;
    if (pci->vector_changed && (live != was_live || (live && changed))) {
        pci->vector_changed(pci->vector_opaque, vector, live ? &message : NULL);
    }
    if (due) {
        machine_msi(pci->dev->machine, message.address, message.data);
    }
}

void pci_update_msix(PciDevice *pci)
{
    for (unsigned i = 0; i < pci->msix_vectors; i++) {
        update_vector(pci, i, false);
    }
}

void pci_msix_listen(PciDevice *pci, PciVectorFn *changed, void *opaque)
{
    pci->vector_changed = changed;
    pci->vector_opaque = opaque;
    memset(pci->vector_live, 0, sizeof pci->vector_live);
    if (changed) {
        pci_update_msix(pci);
    }
}

/* ---- the BAR: the table in the lower half, pending bits in the upper ---- */

static u32 msix_load(PciDevice *pci, u64 offset)
{
    u64 half = pci->msix_region.size / 2;
    u64 bits = G_N_ELEMENTS(pci->msix.pending) * 8;
    u32 word = 0;

    pthread_mutex_lock(&pci->lock);
    if (offset < half && offset / 16 < pci->msix_vectors) {
        word = pci->msix.table[offset / 4];
    } else if (offset >= half && offset - half < bits) {
        offset -= half;
        word = pci->msix.pending[offset / 8] >> 8 * (offset & 4);
    }
    pthread_mutex_unlock(&pci->lock);
    return word;
}

static u64 msix_read(void *opaque, u64 offset, unsigned size)
{
    u64 value = msix_load(opaque, offset & ~3ull);

    if (size == 8) {
        value |= (u64)msix_load(opaque, (offset & ~3ull) + 4) << 32;
    }
    return value;
}

static void msix_store(PciDevice *pci, u64 offset, u32 value)
{
    unsigned vector = offset / 16;

    if (offset >= pci->msix_region.size / 2 || vector >= pci->msix_vectors) {
        return;
    }
    pthread_mutex_lock(&pci->lock);
    pci->msix.table[offset / 4] = (offset & 12) == 12 ? value & VECTOR_MASKED : value;
    pthread_mutex_unlock(&pci->lock);
    update_vector(pci, vector, true);
}

static void msix_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    msix_store(opaque, offset & ~3ull, value);
    if (size == 8) {
        msix_store(opaque, (offset & ~3ull) + 4, value >> 32);
    }
}

static const RegionOps msix_ops = { msix_read, msix_write, .sizes = 4 | 8 };

/* ---- life ---- */

/* 6.8.2.9: every vector is masked after reset. */
void pci_reset_msix(PciDevice *pci)
{
    pthread_mutex_lock(&pci->lock);
    memset(&pci->msix, 0, sizeof pci->msix);
    for (unsigned i = 0; i < pci->msix_vectors; i++) {
        pci->msix.table[4 * i + 3] = VECTOR_MASKED;
    }
    pthread_mutex_unlock(&pci->lock);
}

static void msix_reset(Device *dev)
{
    pci_reset_msix(pci_device(dev));
}

static bool msix_loaded(Device *dev, GError **err)
{
    PciDevice *pci = pci_device(dev);

    for (unsigned i = 0; i < PCI_MSIX_MAX; i++) {
        bool there = i < pci->msix_vectors;
        bool pending = pci->msix.pending[i / 64] >> i % 64 & 1;

        if (pci->msix.table[4 * i + 3] > VECTOR_MASKED || (pending && !there)) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "vector %u: this function has %u vectors of 1 control bit", i,
                        pci->msix_vectors);
            return false;
        }
    }
    pci_update_msix(pci);
    return true;
}

static const Part msix_part = {
    .name       = "msix",
    .state      = MsixState_fields,
    .state_at   = offsetof(PciDevice, msix),
    .state_size = sizeof(MsixState),
    .keeps      = true,         /* .reset does it all, under pci->lock */
    .reset      = msix_reset,
    .loaded     = msix_loaded,
};

void pci_add_msix(PciDevice *pci, unsigned bar, unsigned vectors)
{
    u64 half = PAGE_BYTES / 2;

    g_assert(vectors > 0 && vectors <= PCI_MSIX_MAX);
    while (half < 16 * vectors) {
        half *= 2;
    }
    pci->msix_at = pci_add_cap(pci, PCI_CAP_MSIX, MSIX_SIZE);
    pci->msix_vectors = vectors;
    pci_config_set(pci, pci->msix_at + MSIX_CONTROL, vectors - 1, 2);
    pci_config_mask(pci, pci->msix_at + MSIX_CONTROL, MSIX_ENABLE | MSIX_MASK_ALL, 2);
    pci_config_set(pci, pci->msix_at + MSIX_TABLE, bar, 4);
    pci_config_set(pci, pci->msix_at + MSIX_PBA, half | bar, 4);
    region_init_io(&pci->msix_region, "msix", &msix_ops, pci, 2 * half);
    pci_add_bar(pci, bar, PCI_BAR_MEM, &pci->msix_region);
    device_add_part(pci->dev, &msix_part, pci);
}
