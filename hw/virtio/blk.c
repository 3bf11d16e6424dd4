/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk: a disk (virtio 1.2, section 5.2).
 *
 * A request is a 16-byte header, data, and a status byte (5.2.6).  Data moves between
 * guest memory and the image without a copy; requests complete in any order.
 *
 * Left out: zones, secure erase, lifetime.
 *
 * Under the lock of the device's IoContext: the machine lock, or that of an I/O thread.
 */

#include "block/block.h"
#include "hw/pci/pci.h"
#include "hw/virtio/devices.h"

#include <errno.h>
#include <string.h>

enum {
    SECTOR = 512, SERIAL_BYTES = 20, SEGMENTS = 254, QUEUE_SIZE = 256,
    /* 5.2.6: types */
    BLK_IN = 0, BLK_OUT = 1, BLK_FLUSH = 4, BLK_GET_ID = 8, BLK_DISCARD = 11,
    BLK_WRITE_ZEROES = 13,
    /* 5.2.6: status */
    BLK_OK = 0, BLK_IOERR = 1, BLK_UNSUPP = 2,
    /* 5.2.6.1: flags of a range */
    RANGE_UNMAP = 1,
    /* What one range may be: QEMU's. */
    RANGE_SECTORS = INT32_MAX / SECTOR,
};

/* 5.2.3 */
#define F_SEG_MAX      (1ull << 2)
#define F_GEOMETRY     (1ull << 4)
#define F_RO           (1ull << 5)
#define F_BLK_SIZE     (1ull << 6)
#define F_FLUSH        (1ull << 9)
#define F_TOPOLOGY     (1ull << 10)
#define F_CONFIG_WCE   (1ull << 11)
#define F_MQ           (1ull << 12)
#define F_DISCARD      (1ull << 13)
#define F_WRITE_ZEROES (1ull << 14)

/* 5.2.6: the header as the driver lays it out; 5.2.6.1: one range. */
typedef struct { u32 type, reserved; u64 sector; } BlkHeader;
typedef struct { u64 sector; u32 sectors, flags; } BlkRange;

/* 5.2.4 */
typedef struct __attribute__((packed)) {
    u64 capacity;
    u32 size_max, seg_max;
    u16 cylinders;
    u8 heads, sectors;
    u32 blk_size;
    u8 physical_block_exp, alignment_offset;
    u16 min_io_size;
    u32 opt_io_size;
    u8 writeback, unused0;
    u16 num_queues;
    u32 max_discard_sectors, max_discard_seg, discard_sector_alignment;
    u32 max_write_zeroes_sectors, max_write_zeroes_seg;
    u8 write_zeroes_may_unmap, unused1[3];
} BlkSpace;

enum { CACHE_AUTO, CACHE_OFF, CACHE_ON };
enum { QUEUES_AUTO = 65535, QUEUES_MAX = VIRTIO_QUEUES_MAX - 1 };
static const char *const on_off_auto[] = { "auto", "off", "on", NULL };

PROPS(BlkConfig, (str, drive, "the disk", .required = true),
      (str, iothread, "I/O thread that serves it"),
      (u32, num_queues, "request queues; 65535: one per CPU", .def = QUEUES_AUTO,
       .max = QUEUES_AUTO),
      (u16, queue_size, "requests in a queue", .def = QUEUE_SIZE, .min = 4,
       .max = VIRTQ_SIZE_MAX),
      (str, serial, "serial number, of which the first 20 characters count"),
      (u32, logical_block_size, "bytes", .def = SECTOR, .min = SECTOR, .max = 2 << 20),
      (u32, physical_block_size, "bytes", .def = SECTOR, .min = SECTOR, .max = 2 << 20),
      (u32, min_io_size, "bytes; 0: not said", .is_size = true),
      (u32, opt_io_size, "bytes; 0: not said", .is_size = true),
      (u32, discard_granularity, "bytes", .is_size = true, .def = UINT32_MAX),
      (u32, bootindex, "place in the firmware's order", .def = NO_BOOTINDEX),
      (u8, write_cache, "whether a flush is needed", .names = on_off_auto),
      (bool, share_rw, "others may write to the image at the same time"),
      (bool, discard, "offer discard", .def = 1),
      (bool, write_zeroes, "offer write-zeroes", .def = 1),
      (bool, config_wce, "the driver may change the cache mode", .def = 1));

STATE(BlkState,
    (u8, writeback, "1 while the driver wants a write-back cache (5.2.5.1)", .max = 1));

typedef struct {
    VirtioDevice virtio;
    BlkConfig config;
    BlkState state;
    Block *block;
} Blk;

/* A request with the block layer; its ranges are behind it. */
typedef struct {
    Blk *blk;
    Chain *chain;
    unsigned left;                  /* ranges of a discard that are not done */
    int error;
    struct iovec iov[];
} BlkRequest;

static Blk *blk_of(VirtioDevice *virtio)
{
    return container_of(virtio, Blk, virtio);
}

/* ---- ends ---- */

static void end(Chain *chain, u8 status)
{
    chain_status(chain, status);
    chain_done(chain);
}

static void request_done(void *opaque, int error)
{
    BlkRequest *request = opaque;

    end(request->chain, error == -ENOTSUP ? BLK_UNSUPP : error ? BLK_IOERR : BLK_OK);
    g_free(request);
}

static void range_done(void *opaque, int error)
{
    BlkRequest *request = opaque;

    request->error = request->error ? request->error : error;
    if (--request->left == 0) {
        request_done(request, request->error);
    }
}

static BlkRequest *request_new(Blk *blk, Chain *chain, unsigned ranges)
{
    BlkRequest *request = g_malloc(sizeof *request + ranges * sizeof(struct iovec));

    request->blk = blk;
    request->chain = chain;
    request->error = 0;
    return request;
}

/* ---- kinds of requests ---- */

/* The driver's sector as bytes; what overflows is beyond every disk. */
static u64 offset_of(u64 sector)
{
    return sector > UINT64_MAX / SECTOR ? UINT64_MAX : sector * SECTOR;
}

static bool is_whole(const Blk *blk, u64 offset, u64 bytes)
{
    return ((offset | bytes) & (blk->config.logical_block_size - 1)) == 0;
}

/* 5.2.6.2: beyond the capacity, or not whole blocks: IOERR. */
static void move(Blk *blk, Chain *chain, u32 type, u64 sector)
{
    bool in = type == BLK_IN;
    u64 offset = offset_of(sector);
    size_t n = in ? chain_room(chain) - 1 : chain_left(chain);
    unsigned ranges = chain_ranges(chain);
    BlkRequest *request;

    if (!is_whole(blk, offset, n) || (!in && block_is_readonly(blk->block))) {
        end(chain, BLK_IOERR);
        return;
    }
    request = request_new(blk, chain, ranges);
    if (!(in ? chain_span_in(chain, n, request->iov, &ranges)
             : chain_span_out(chain, n, request->iov, &ranges))) {
        chain_done(chain);
        g_free(request);
    } else if (in) {
        block_read(blk->block, offset, vec_all(request->iov, ranges), request_done,
                   request);
    } else {
        block_write(blk->block, offset, vec_all(request->iov, ranges),
                    !blk->state.writeback, request_done, request);
    }
}

/* 5.2.6.2: one range; "MUST set status to UNSUPP" for flags that mean nothing here. */
static void clear(Blk *blk, Chain *chain, u32 type)
{
    BlkRange range;
    BlkRequest *request;
    u64 offset, bytes;
    u32 flags;

    if (chain_left(chain) != sizeof range || !chain_get(chain, &range, sizeof range)) {
        end(chain, BLK_UNSUPP);
        return;
    }
    offset = offset_of(GUINT64_FROM_LE(range.sector));
    bytes = (u64)GUINT32_FROM_LE(range.sectors) * SECTOR;
    flags = GUINT32_FROM_LE(range.flags);
    if ((flags & ~RANGE_UNMAP) || (type == BLK_DISCARD && flags)) {
        end(chain, BLK_UNSUPP);
        return;
    }
    if (bytes / SECTOR > RANGE_SECTORS || !is_whole(blk, offset, bytes) ||
        block_is_readonly(blk->block)) {
        end(chain, BLK_IOERR);
        return;
    }
    request = request_new(blk, chain, 0);
    request->left = 1;
    if (type == BLK_DISCARD) {
        block_discard(blk->block, offset, bytes, range_done, request);
    } else {
        block_write_zeroes(blk->block, offset, bytes, flags & RANGE_UNMAP, range_done,
                           request);
    }
}

/* Not zero-terminated if it is as long as there is room. */
static void get_id(Blk *blk, Chain *chain)
{
    const char *serial = blk->config.serial ? blk->config.serial
                         : block_serial(blk->block);
    char id[SERIAL_BYTES] = { 0 };

    if (serial) {
        memcpy(id, serial, MIN(strlen(serial), sizeof id));
    }
    chain_put(chain, id, MIN(chain_room(chain) - 1, sizeof id));
    end(chain, BLK_OK);
}

static void blk_request(VirtioDevice *virtio, Chain *chain)
{
    Blk *blk = blk_of(virtio);
    BlkHeader h;
    u32 type;

    if (chain_room(chain) < 1 || !chain_get(chain, &h, sizeof h)) {
        chain_fault(chain, "5.2.6: no header or no status byte");
        chain_done(chain);
        return;
    }
    type = GUINT32_FROM_LE(h.type);
    switch (type) {
    case BLK_IN:
    case BLK_OUT:
        move(blk, chain, type, GUINT64_FROM_LE(h.sector));
        break;
    case BLK_FLUSH:
        block_flush(blk->block, request_done, request_new(blk, chain, 0));
        break;
    case BLK_GET_ID:
        get_id(blk, chain);
        break;
    case BLK_DISCARD:
    case BLK_WRITE_ZEROES:
        if (virtio_has(virtio, type == BLK_DISCARD ? F_DISCARD : F_WRITE_ZEROES)) {
            clear(blk, chain, type);
            break;
        }
        /* fall through */
    default:
        end(chain, BLK_UNSUPP);
    }
}

/* Requests that came together reach the kernel together. */
static void blk_batch(VirtioDevice *virtio, bool begins)
{
    Blk *blk = blk_of(virtio);

    if (begins) {
        block_plug(blk->block);
    } else {
        block_unplug(blk->block);
    }
}

static void blk_stop(VirtioDevice *virtio)
{
    Block *block = blk_of(virtio)->block;

    if (block) {
        block_drain(block, true);
    }
}

/* ---- configuration space ---- */

static void geometry(BlkSpace *space, u64 sectors)
{
    space->heads = 16;
    space->sectors = 63;
    space->cylinders = GUINT16_TO_LE(MIN(MAX(sectors / (16 * 63), 2), 16383));
}

static void blk_config_get(VirtioDevice *virtio, u8 *bytes)
{
    Blk *blk = blk_of(virtio);
    const BlkConfig *c = &blk->config;
    u32 granularity = c->discard_granularity == UINT32_MAX ? c->logical_block_size
                      : c->discard_granularity;
    BlkSpace space = {
        .capacity = GUINT64_TO_LE(block_length(blk->block) / SECTOR),
        .seg_max = GUINT32_TO_LE(MIN(SEGMENTS, c->queue_size - 2)),
        .blk_size = GUINT32_TO_LE(c->logical_block_size),
        .physical_block_exp = g_bit_nth_msf(
            MAX(c->physical_block_size / c->logical_block_size, 1), -1),
        .min_io_size = GUINT16_TO_LE(c->min_io_size / c->logical_block_size),
        .opt_io_size = GUINT32_TO_LE(c->opt_io_size / c->logical_block_size),
        .writeback = blk->state.writeback,
        .num_queues = GUINT16_TO_LE(virtio->n_queues),
        .max_discard_sectors = GUINT32_TO_LE(RANGE_SECTORS),
        .max_discard_seg = GUINT32_TO_LE(1),
        .discard_sector_alignment = GUINT32_TO_LE(MAX(granularity / SECTOR, 1)),
        .max_write_zeroes_sectors = GUINT32_TO_LE(RANGE_SECTORS),
        .max_write_zeroes_seg = GUINT32_TO_LE(1),
        .write_zeroes_may_unmap = 1,
    };

    geometry(&space, block_length(blk->block) / SECTOR);
    memcpy(bytes, &space, sizeof space);
}

/* 5.2.5.2: only the cache mode can be written, and only if that was agreed on. */
static void blk_config_set(VirtioDevice *virtio, unsigned offset, const u8 *bytes,
                           unsigned n)
{
    Blk *blk = blk_of(virtio);
    unsigned at = offsetof(BlkSpace, writeback);

    if (virtio_has(virtio, F_CONFIG_WCE) && offset <= at && at - offset < n) {
        blk->state.writeback = bytes[at - offset] & 1;
    }
}

/*
 * 5.2.5.2: without FLUSH the driver can't ask for one: the cache is a write-through
 * one.
 */
static void blk_started(VirtioDevice *virtio)
{
    if (!virtio_has(virtio, F_FLUSH)) {
        blk_of(virtio)->state.writeback = 0;
    }
}

/* ---- life ---- */

static void blk_resized(void *opaque)
{
    Blk *blk = opaque;

    virtio_config_changed(&blk->virtio);
}

static const BlockHost blk_host = { .resized = blk_resized, .changed = blk_resized };

static u64 offered(const Blk *blk)
{
    const BlkConfig *c = &blk->config;
    bool writable = !block_is_readonly(blk->block);

    return F_SEG_MAX | F_GEOMETRY | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY |
           (writable ? 0 : F_RO) | (c->config_wce ? F_CONFIG_WCE : 0) |
           (blk->virtio.n_queues > 1 ? F_MQ : 0) |
           (writable && c->discard ? F_DISCARD : 0) |
           (writable && c->write_zeroes ? F_WRITE_ZEROES : 0);
}

static const VirtioQueueType blk_queue = { "requests", QUEUE_SIZE, blk_request };

/* 0: an error. */
static unsigned queues_wanted(const Device *dev, u32 n, GError **err)
{
    if (n == QUEUES_AUTO) {
        return MIN(dev->machine->cpus, QUEUES_MAX);
    }
    if (n == 0 || n > QUEUES_MAX) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    n ? "num-queues property must be at most %d"
                      : "num-queues property must be larger than 0", QUEUES_MAX);
        return 0;
    }
    return n;
}

static bool blk_open(Device *dev, GError **err)
{
    Blk *blk = container_of(dev, Blk, virtio.device);
    unsigned queues = queues_wanted(dev, blk->config.num_queues, err);
    IoContext *io = io_main();

    if (!queues) {
        return false;
    }
    if (blk->config.iothread && !(io = io_find(blk->config.iothread, err))) {
        return false;
    }
    blk->block = block_take(blk->config.drive,
                            blk->config.share_rw ? BLOCK_TAKE_SHARES : 0, &blk_host,
                            blk, err);
    if (!blk->block) {
        return false;
    }
    if (!block_root(blk->block)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "Device needs media, but drive is empty");
        return false;
    }
    block_set_context(blk->block, io);
    virtio_set_context(&blk->virtio, io);
    for (unsigned i = 0; i < queues; i++) {
        virtio_add_queue(&blk->virtio, &blk_queue, blk->config.queue_size);
    }
    blk->virtio.features = offered(blk);
    return true;
}

static void blk_close(Device *dev)
{
    g_clear_pointer(&container_of(dev, Blk, virtio.device)->block, block_release);
}

static void reset_blk(Device *dev)
{
    Blk *blk = container_of(dev, Blk, virtio.device);

    blk->state.writeback = blk->config.write_cache == CACHE_OFF ? 0
                           : block_writeback(blk->block);
}

static char *blk_boot_path(Device *dev, u32 *bootindex)
{
    g_autofree char *pci = pci_boot_path(pci_device(dev), "scsi");

    *bootindex = container_of(dev, Blk, virtio.device)->config.bootindex;
    return g_strconcat(pci, "/disk@0,0", NULL);
}

static bool is_power(u32 n)
{
    return (n & (n - 1)) == 0;
}

static bool blk_check(const void *opaque, GError **err)
{
    const BlkConfig *c = opaque;
    const char *wrong = !is_power(c->logical_block_size) ? "logical_block_size"
                        : !is_power(c->physical_block_size) ? "physical_block_size"
                        : !is_power(c->queue_size) ? "queue-size" : NULL;

    if (wrong) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "%s: it must be a power of 2", wrong);
    } else if (c->logical_block_size > c->physical_block_size) {
        wrong = "size";
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "logical_block_size > physical_block_size not supported");
    }
    return !wrong;
}

const VirtioType virtio_blk = {
    .device = {
        .name    = "virtio-blk",
        .help    = "a disk",
        .aliases = { "virtio-blk" },
        .bus     = VIRTIO_BUSES,
        .size    = sizeof(Blk),
        .part    = {
            .name = "virtio-blk", .reset = reset_blk,
            DEVICE_CONFIG(Blk, BlkConfig), DEVICE_STATE(Blk, BlkState),
        },
        .check   = blk_check,
        .open    = blk_open,
        .close   = blk_close,
        .boot_path = blk_boot_path,
    },
    .id          = 2,
    .class       = 0x010000,
    .config_size = sizeof(BlkSpace),
    .config_get  = blk_config_get,
    .config_set  = blk_config_set,
    .stop        = blk_stop,
    .started     = blk_started,
    .batch       = blk_batch,
    .doorbells   = true,
    .redo        = true,
};
