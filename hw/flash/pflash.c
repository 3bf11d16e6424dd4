/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A NOR flash chip that holds firmware or its variables: the command set of Intel's
 * StrataFlash (data sheet 290667: 28F256J3), JEDEC's common flash interface
 * (JESD68.01).  One chip, 8 bits wide, erased in sectors of 4 KiB.
 *
 * While it shows its array it is ROM that the CPU reads, and executes, directly; a
 * write is a command.  From then on, until command 0xff, it is registers.  Programming
 * can only clear bits; erasing sets those of a sector.
 *
 * What changes goes to the drive at once, one write at a time; it is as safe as a write
 * without a flush.  Left out: locks, suspended commands, timing (everything is ready
 * when it has been asked for).
 *
 * Under the machine lock.
 */

#include "hw/flash/pflash.h"

#include "base/log.h"
#include "block/block.h"
#include "hw/core/machine.h"

#include <string.h>

PROPS(PflashConfig,
    (str, drive, "what it holds", .required = true),
    (u64, base,  "address"),
    (u64, bytes, "size", .is_size = true));

enum { BUFFER = 64, PRIORITY = 2 };

/* Table 4 of the data sheet: commands. */
enum {
    READ_ARRAY = 0xff, READ_ID = 0x90, READ_QUERY = 0x98, READ_STATUS = 0x70,
    CLEAR_STATUS = 0x50, PROGRAM = 0x40, PROGRAM_TOO = 0x10, ERASE = 0x20, LOCK = 0x60,
    WRITE_BUFFER = 0xe8, CONFIRM = 0xd0,
};

/* What has been begun: the next write belongs to it. */
enum { NOTHING, BYTE, ERASING, LOCKING, COUNT, FILLING, CONFIRMING };

/* What a read shows. */
enum { SHOW_ARRAY, SHOW_STATUS, SHOW_ID, SHOW_QUERY };

/*
 * The status register (figure 6).  OVMF knows a chip by a status of 0 after it has been
 * cleared: READY is shown from the first operation on.
 */
enum { READY = 0x80, ERASE_ERROR = 0x20, PROGRAM_ERROR = 0x10 };

STATE(PflashState,
    (u32, at,     "where the buffer goes", .max = 64 << 20),
    (u8,  show,   "what a read shows", .max = SHOW_QUERY),
    (u8,  begun,  "the command that waits for more", .max = CONFIRMING),
    (u8,  status, "the status register"),
    (u8,  want,   "bytes that the buffer is to get", .max = BUFFER),
    (u8,  have,   "bytes that it has", .max = BUFFER),
    (u8[3], spare, "0", .max = 0),
    (u8[BUFFER], buffer, "bytes to be programmed together"));

typedef struct {
    Device dev;
    PflashConfig config;
    PflashState state;
    Block *block;
    Region rom, registers;
    bool writable;
    u64 dirty_from, dirty_to;           /* not yet on its way to the drive */
    u8 *copy;                           /* what is on its way; NULL: nothing */
    struct iovec iov;
} Pflash;

static Pflash *pflash_of(Device *dev)
{
    return container_of(dev, Pflash, dev);
}

const u8 *pflash_bytes(Device *dev)
{
    return region_rom_bytes(&pflash_of(dev)->rom);
}

u64 pflash_size(Device *dev)
{
    return pflash_of(dev)->config.bytes;
}

/* ---- to the drive ---- */

static void store(Pflash *p);

static void stored(void *opaque, int error)
{
    Pflash *p = opaque;

    if (error) {
        warn_user("%s: what the firmware has stored is not on its drive: %s",
                  p->config.drive, g_strerror(-error));
    }
    g_clear_pointer(&p->copy, g_free);
    store(p);
}

/* Whole sectors, copied: the guest may go on. */
static void store(Pflash *p)
{
    u64 from = p->dirty_from & -(u64)PFLASH_SECTOR;
    u64 n = ((p->dirty_to + PFLASH_SECTOR - 1) & -(u64)PFLASH_SECTOR) - from;

    if (p->copy || p->dirty_from >= p->dirty_to) {
        return;
    }
    p->copy = g_memdup2(region_rom_bytes(&p->rom) + from, n);
    p->dirty_from = p->dirty_to = 0;
    block_write(p->block, from, vec_of(&p->iov, p->copy, n), false, stored, p);
}

static void changed(Pflash *p, u64 at, u64 n)
{
    bool none = p->dirty_from >= p->dirty_to;

    p->dirty_from = none ? at : MIN(p->dirty_from, at);
    p->dirty_to = none ? at + n : MAX(p->dirty_to, at + n);
}

/* ---- what commands do ---- */

static void show(Pflash *p, u8 what)
{
    p->state.show = what;
    region_enable(&p->registers, what != SHOW_ARRAY);
}

static void program(Pflash *p, u64 at, const u8 *bytes, unsigned n)
{
    u8 *array = region_rom_bytes(&p->rom);

    if (!p->writable || at > p->config.bytes || n > p->config.bytes - at) {
        p->state.status |= PROGRAM_ERROR;
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        array[at + i] &= bytes[i];
    }
    changed(p, at, n);
}

static void erase(Pflash *p, u64 at)
{
    at &= -(u64)PFLASH_SECTOR;
    if (!p->writable) {
        p->state.status |= ERASE_ERROR;
        return;
    }
    memset(region_rom_bytes(&p->rom) + at, 0xff, PFLASH_SECTOR);
    changed(p, at, PFLASH_SECTOR);
}

static void begin(Pflash *p, u8 command)
{
    static const struct { u8 command, show, begun; } rows[] = {
        { READ_ARRAY, SHOW_ARRAY, NOTHING },   { 0x00, SHOW_ARRAY, NOTHING },
        { READ_ID, SHOW_ID, NOTHING },         { READ_QUERY, SHOW_QUERY, NOTHING },
        { READ_STATUS, SHOW_STATUS, NOTHING }, { CLEAR_STATUS, SHOW_ARRAY, NOTHING },
        { PROGRAM, SHOW_STATUS, BYTE },        { PROGRAM_TOO, SHOW_STATUS, BYTE },
        { ERASE, SHOW_STATUS, ERASING },       { LOCK, SHOW_STATUS, LOCKING },
        { WRITE_BUFFER, SHOW_STATUS, COUNT },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].command == command) {
            p->state.begun = rows[i].begun;
            show(p, rows[i].show);
            if (command == CLEAR_STATUS) {
                p->state.status = 0;
            }
            return;
        }
    }
    device_fault(&p->dev, "there is no flash command 0x%02x", command);
    show(p, SHOW_ARRAY);
}

/* Both bits: a wrong sequence (figure 6). */
static void out_of_order(Pflash *p)
{
    p->state.status |= ERASE_ERROR | PROGRAM_ERROR;
}

static void fill_buffer(Pflash *p, u64 at, const u8 *bytes, unsigned n)
{
    PflashState *s = &p->state;

    s->at = s->have ? s->at : at;
    n = MIN(n, (unsigned)(s->want - s->have));
    memcpy(s->buffer + s->have, bytes, n);
    s->have += n;
    s->begun = s->have < s->want ? FILLING : CONFIRMING;
}

static void count_buffer(Pflash *p, u8 byte)
{
    p->state.begun = byte < BUFFER ? FILLING : NOTHING;
    p->state.want = byte < BUFFER ? byte + 1 : 0;
    p->state.have = 0;
    if (byte >= BUFFER) {
        out_of_order(p);
    }
}

/* A write that belongs to the command before it. */
static void go_on(Pflash *p, u64 at, const u8 *bytes, unsigned n)
{
    u8 begun = p->state.begun;

    p->state.begun = NOTHING;
    p->state.status |= READY;
    switch (begun) {
    case BYTE:
        program(p, at, bytes, n);
        break;
    case ERASING:
        if (bytes[0] == CONFIRM) {
            erase(p, at);
        } else {
            out_of_order(p);
        }
        break;
    case COUNT:
        count_buffer(p, bytes[0]);
        break;
    case FILLING:
        fill_buffer(p, at, bytes, n);
        break;
    case CONFIRMING:
        if (bytes[0] == CONFIRM) {
            program(p, p->state.at, p->state.buffer, p->state.have);
        } else {
            out_of_order(p);
        }
        break;
    }
}

/* ---- what the CPU sees ---- */

static void pflash_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Pflash *p = opaque;
    u64 little = GUINT64_TO_LE(value);
    u8 bytes[8];

    memcpy(bytes, &little, sizeof bytes);
    if (p->state.begun == NOTHING) {
        begin(p, bytes[0]);
    } else {
        go_on(p, offset, bytes, size);
    }
    store(p);
}

/* JESD68.01, section 3: from address 0x10. */
static u8 query(const Pflash *p, u64 at)
{
    enum { FROM = 0x10, EXTENDED = 0x31, BUFFER_BITS = 6 };
    u32 sectors = p->config.bytes / PFLASH_SECTOR - 1;
    const u8 table[] = {
        'Q', 'R', 'Y', 1, 0, EXTENDED, 0, 0, 0, 0, 0,
        0x45, 0x55, 0, 0,                       /* volts */
        7, 7, 10, 0, 4, 4, 4, 0,                /* powers of two of times */
        g_bit_nth_msf(p->config.bytes, -1), 0, 0, BUFFER_BITS, 0,
        1, sectors, sectors >> 8, PFLASH_SECTOR >> 8, PFLASH_SECTOR >> 16,
        'P', 'R', 'I', '1', '0',
    };

    return at >= FROM && at < FROM + sizeof table ? table[at - FROM] : 0;
}

/* Table 5: manufacturer, device. */
static u8 identity(u64 at)
{
    return at == 0 ? 0x89 : at == 1 ? 0x18 : 0;
}

static u64 pflash_read(void *opaque, u64 offset, unsigned size)
{
    Pflash *p = opaque;
    u64 value = 0;

    switch (p->state.show) {
    case SHOW_STATUS:
        return p->state.status;
    case SHOW_ID:
        return identity(offset & 0xff);
    case SHOW_QUERY:
        return query(p, offset & 0xff);
    }
    memcpy(&value, region_rom_bytes(&p->rom) + offset, size);
    return GUINT64_FROM_LE(value);
}

static const RegionOps pflash_ops = { .read = pflash_read, .write = pflash_write };

/* ---- life ---- */

static bool read_all(Pflash *p, GError **err)
{
    int error = node_read(block_root(p->block), 0, region_rom_bytes(&p->rom),
                          p->config.bytes);

    if (error) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(-error),
                    "'%s' cannot be read: %s", p->config.drive, g_strerror(-error));
    }
    return !error;
}

static bool open_pflash(Device *dev, GError **err)
{
    static const BlockHost host = { 0 };
    Pflash *p = pflash_of(dev);

    p->block = block_take(p->config.drive, 0, &host, p, err);
    if (!p->block || !region_init_rom(&p->rom, "pflash", p->config.bytes, err) ||
        !read_all(p, err)) {
        return false;
    }
    p->writable = !block_is_readonly(p->block);
    region_set_ops(&p->rom, &pflash_ops, p);
    region_init_io(&p->registers, "pflash-registers", &pflash_ops, p, p->config.bytes);
    space_add(dev->machine->mmio, &p->rom, p->config.base, PRIORITY);
    space_add(dev->machine->mmio, &p->registers, p->config.base, PRIORITY + 1);
    region_enable(&p->registers, false);
    return true;
}

static void close_pflash(Device *dev)
{
    Pflash *p = pflash_of(dev);

    block_release(p->block);            /* what is to be stored is, now */
    region_fini(&p->registers);
    region_fini(&p->rom);
}

static void reset_pflash(Device *dev)
{
    show(pflash_of(dev), SHOW_ARRAY);
}

/* The array is the drive's: whoever restores a machine restores that too. */
static bool loaded_pflash(Device *dev, GError **err)
{
    Pflash *p = pflash_of(dev);

    show(p, p->state.show);
    return read_all(p, err);
}

const DeviceType pflash_type = {
    .name = "cfi.pflash01",
    .help = "a flash chip with firmware or its variables",
    .board_only = true,
    .size = sizeof(Pflash),
    .part = {
        .name = "pflash", .reset = reset_pflash,
        .loaded = loaded_pflash,
        DEVICE_CONFIG(Pflash, PflashConfig), DEVICE_STATE(Pflash, PflashState),
    },
    .open  = open_pflash,
    .close = close_pflash,
};
