/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -drive: see drive.h.  Main thread.
 */

#include "block/drive.h"

#include "base/log.h"
#include "block/block_private.h"
#include "block/options.h"
#include "block/overlay.h"

#include <string.h>

static const char *const interface_names[] = {
    "ide", "none", "virtio", "pflash", "scsi", "floppy", "sd", NULL
};
static const DriveInterface interfaces[] = {
    DRIVE_IDE, DRIVE_NONE, DRIVE_VIRTIO, DRIVE_PFLASH, DRIVE_SCSI, DRIVE_FLOPPY,
    DRIVE_SD
};
static const char *const medias[] = { "disk", "cdrom", NULL };
static const char *const aios[] = { "auto", "threads", "native", "io_uring", NULL };
static const char *const detects[] = { "off", "on", "unmap", NULL };
static const char *const on_read[] = { "report", "ignore", "stop", NULL };
static const char *const on_write[] = { "enospc", "report", "ignore", "stop", NULL };
static const char *const discards[] = { "ignore", "unmap", "off", "on", NULL };

/* cache=: what each name means. */
static const struct {
    const char *name;
    bool direct, no_flush, writethrough;
} caches[] = {
    { "writeback",    false, false, false },
    { "none",         true,  false, false },
    { "writethrough", false, false, true },
    { "directsync",   true,  false, true },
    { "unsafe",       false, true,  false },
};

enum { NO_INDEX = UINT32_MAX };

PROPS(DriveConfig,
    (str,  file,   "the image: a path, or json:{...}"),
    (str,  format, "raw, qcow2, ...; guessed unless given"),
    (u8,   if_,    "what it is plugged into", .names = interface_names),
    (str,  id,     "a name"),
    (u32,  index,  "place on its interface", .def = NO_INDEX),
    (u32,  bus,    "place on its interface, the same", .def = NO_INDEX),
    (u32,  unit,   "on its bus: 0; pflash: the same as index", .def = NO_INDEX),
    (u8,   media,  "disk or cdrom", .names = medias),
    (str,  cache,  "none, writeback, unsafe, directsync, writethrough",
           .def_str = "writeback"),
    (u8,   aio,    "how requests reach the kernel", .names = aios),
    (u8,   discard,       "whether discards reach the host", .names = discards),
    (u8,   detect_zeroes, "zeroes are written in a cheaper way", .names = detects),
    (u8,   rerror, "what a failed read does", .names = on_read),
    (u8,   werror, "what a failed write does", .names = on_write),
    (bool, readonly,  "the guest can't write"),
    (bool, read_only, "the same"),
    (bool, snapshot,  "writes are lost at the end"),
    (bool, copy_on_read, "without effect"),
    (str,  serial, "serial number", .max = 36));

/* The others of "cache." are a node's words. */
typedef struct { u8 writeback; } CacheConfig;
static const char *const off_on[] = { "off", "on", NULL };
enum { AS_CACHE = 0xff };
static const Field cache_fields[] = {
    { .name = "cache.writeback", .help = "writes are done before they are safe",
      .kind = FIELD_UINT, .offset = offsetof(CacheConfig, writeback), .size = 1,
      .count = 1, .def = AS_CACHE, .names = off_on },
    { 0 }
};

static GPtrArray *drives;           /* Drive *, in the order given */

/* ---- finding them ---- */

Drive *drive_find(DriveInterface interface, unsigned index)
{
    for (unsigned i = 0; drives && i < drives->len; i++) {
        Drive *drive = drives->pdata[i];

        if (drive->interface == interface && drive->index == index) {
            return drive;
        }
    }
    return NULL;
}

Drive *drive_next(DriveInterface interface, const Drive *drive)
{
    Drive *next = NULL;

    for (unsigned i = 0; drives && i < drives->len; i++) {
        Drive *d = drives->pdata[i];

        if (d->interface == interface && (!drive || d->index > drive->index) &&
            (!next || d->index < next->index)) {
            next = d;
        }
    }
    return next;
}

Drive *drive_nth(unsigned n)
{
    return drives && n < drives->len ? drives->pdata[n] : NULL;
}

static void drive_free(void *opaque)
{
    Drive *drive = opaque;

    g_free(drive->id);
    g_free(drive);
}

void drives_free(void)
{
    g_clear_pointer(&drives, g_ptr_array_unref);
}

/* ---- what the words mean ---- */

static bool bad(GError **err, const char *fmt, const char *what)
{
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, fmt, what);
    return false;
}

static bool apply_cache(const char *name, BlockFlags *flags, BlockSettings *settings,
                        GError **err)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(caches); i++) {
        if (strcmp(caches[i].name, name) == 0) {
            *flags |= (caches[i].direct ? BLOCK_DIRECT : 0) |
                      (caches[i].no_flush ? BLOCK_NO_FLUSH : 0);
            settings->writethrough = caches[i].writethrough;
            return true;
        }
    }
    return bad(err, "invalid cache option '%s'; there are none, writeback, unsafe, "
               "directsync, writethrough", name);
}

static bool apply(const DriveConfig *config, BlockFlags *flags, BlockSettings *settings,
                  GError **err)
{
    static const BlockOnError write_policy[] = {
        ON_ERROR_ENOSPC, ON_ERROR_REPORT, ON_ERROR_IGNORE, ON_ERROR_STOP
    };
    bool readonly = config->readonly || config->read_only ||
                    config->media == BLOCK_CDROM;

    *flags = BLOCK_AUTO_RDONLY | BLOCK_SHARE_WRITE | (readonly ? 0 : BLOCK_RDWR) |
             (config->discard & 1 ? BLOCK_UNMAP : 0);
    *settings = (BlockSettings){
        .media = config->media, .on_read = config->rerror,
        .on_write = write_policy[config->werror],
        .detect_zeroes = config->detect_zeroes, .serial = config->serial,
    };
    if (config->detect_zeroes == DETECT_UNMAP && !(config->discard & 1)) {
        return bad(err, "setting detect-zeroes to unmap is not allowed without setting "
                   "discard operation to %s", "unmap");
    }
    return apply_cache(config->cache, flags, settings, err);
}

/* ---- its node ---- */

static void warn_guessed(const BlockNode *node)
{
    if ((node->flags & BLOCK_PROBED) && node_is_writable(node)) {
        warn_user("Image format was not specified for '%s' and probing guessed raw. "
                  "Automatically detecting the format is dangerous for raw images, "
                  "write operations on block 0 will be restricted. Specify the 'raw' "
                  "format explicitly to remove the restrictions.", node->filename);
    }
}

static bool has_nothing(const DriveConfig *config, const KeyVals *options)
{
    return (!config->file || !*config->file) && !keyvals_get(options, "driver") &&
           !keyvals_get(options, "file.driver") &&
           !keyvals_get(options, "file.filename");
}

/* The words of -drive become those of a node. */
static bool push_words(const DriveConfig *config, KeyVals *options, GError **err)
{
    if (config->file && g_str_has_prefix(config->file, "json:")) {
        g_autoptr(KeyVals) json = options_from_json(config->file + 5, err);

        if (!json) {
            return false;
        }
        options_merge(options, NULL, json);
    } else if (config->file && *config->file) {
        keyvals_set(options, "filename", config->file);
    }
    if (config->format) {
        keyvals_set(options, "driver", config->format);
    }
    if (config->aio) {
        keyvals_set(options, "file.aio", aios[config->aio]);
        if (!keyvals_get(options, "file.driver")) {
            keyvals_set(options, "file.driver", "file");
        }
    }
    return true;
}

static BlockNode *open_node(const DriveConfig *config, KeyVals *options,
                            BlockFlags flags, bool snapshot, GError **err)
{
    g_autoptr(BlockNode) node = NULL;

    if (!push_words(config, options, err)) {
        return NULL;
    }
    if (snapshot) {
        flags = (flags & ~(BLOCK_RDWR | BLOCK_SHARE_WRITE)) | BLOCK_FIXED_SIZE;
    }
    node = node_open(options, flags, err);
    if (!node || !options_empty(options, "node", err)) {
        return NULL;
    }
    warn_guessed(node);
    return snapshot ? overlay_new(g_steal_pointer(&node), err) : g_steal_pointer(&node);
}

/* ---- its place and its name ---- */

static bool find_place(Drive *drive, const DriveConfig *config, GError **err)
{
    bool one_bus = drive->interface == DRIVE_PFLASH;
    u32 index = config->index != NO_INDEX ? config->index
                : one_bus ? config->unit : config->bus;

    if (!one_bus && config->unit != NO_INDEX && config->unit != 0) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "unit %u too big (max is 0)", config->unit);
        return false;
    }
    if (index == NO_INDEX) {
        for (index = 0; drive_find(drive->interface, index); index++) {
        }
    }
    drive->index = index;
    if (drive_find(drive->interface, index)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "drive with bus=%u, unit=0 (index=%u) exists", index, index);
        return false;
    }
    return true;
}

/* As QEMU names them on a q35: "ide0-hd0", "ide2-cd0", "virtio0". */
static char *default_id(const Drive *drive, const char *interface)
{
    return drive->interface == DRIVE_IDE || drive->interface == DRIVE_SCSI
           ? g_strdup_printf("%s%u-%s0", interface, drive->index,
                             drive->media == BLOCK_CDROM ? "cd" : "hd")
           : g_strdup_printf("%s%u", interface, drive->index);
}

static bool drive_open(Drive *drive, const DriveConfig *config, KeyVals *options,
                       bool all_snapshot, GError **err)
{
    BlockSettings settings;
    CacheConfig cache;
    BlockFlags flags;
    BlockNode *node = NULL;
    bool snapshot;

    drive->interface = interfaces[config->if_];
    drive->media = config->media;
    if (drive->interface >= DRIVE_SCSI) {
        return bad(err, "machine type does not support if=%s; there are ide, virtio, "
                   "pflash and none", interface_names[config->if_]);
    }
    if (!find_place(drive, config, err) || !apply(config, &flags, &settings, err)) {
        return false;
    }
    drive->id = config->id ? g_strdup(config->id)
                : default_id(drive, interface_names[config->if_]);
    if (block_by_id(drive->id)) {
        return bad(err, "Duplicate ID '%s' for drive", drive->id);
    }
    settings.flags = flags;
    if (!options_take(cache_fields, &cache, options, err) ||
        !throttle_open(options, drive->id, &settings.throttle, err)) {
        return false;
    }
    if (cache.writeback != AS_CACHE) {
        settings.writethrough = !cache.writeback;
    }
    snapshot = config->snapshot || (all_snapshot && (flags & BLOCK_RDWR));
    if (!has_nothing(config, options) &&
        !(node = open_node(config, options, flags, snapshot, err))) {
        throttle_unref(settings.throttle);
        return false;
    }
    block_new(drive->id, node, &settings);
    return true;
}

bool drive_add(const char *text, bool all_snapshot, GError **err)
{
    g_autoptr(KeyVals) options = keyvals_parse(text, "file", err);
    Drive *drive;
    DriveConfig config = { 0 };
    bool right;

    if (!options) {
        return false;
    }
    drive = g_new0(Drive, 1);
    right = options_take(DriveConfig_fields, &config, options, err) &&
            drive_open(drive, &config, options, all_snapshot, err);
    fields_clear(DriveConfig_fields, &config);
    if (!right) {
        drive_free(drive);
        return false;
    }
    if (!drives) {
        drives = g_ptr_array_new_with_free_func(drive_free);
    }
    g_ptr_array_add(drives, drive);
    return true;
}
