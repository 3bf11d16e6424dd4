/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg: see fw_cfg.h.
 *
 * A read beyond an item's end, and of an item that is not there, gives zeroes.  The
 * guest can write only what was added as writable.  Under the machine lock, or before
 * the machine starts.
 */

#include "hw/machine/fw_cfg.h"
#include "base/file.h"
#include "base/keyval.h"
#include "base/log.h"
#include "hw/isa/isa.h"
#include <string.h>

enum {
    DATA_PORT = 1, DMA_PORT = 4,
    FILES_MAX = 256,
    ID_TRADITIONAL = 1, ID_DMA = 2,
    DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16,
    OPTION_FILE_MAX = 64 << 20,
};

/* An entry of the directory; numbers are big endian. */
typedef struct {
    u32 size;
    u16 select, reserved;
    char name[56];
} DirEntry;

/* What a DMA address points to; numbers are big endian. */
typedef struct {
    u32 control, length;
    u64 address;
} DmaAccess;

STATE(FwCfgState,
    (u64, dma, "address of a DMA request, as far as it was written"),
    (u32, offset, "next byte of the selected item"),
    (u16, key, "item that is selected"),
    (u16, unused, "zero", .max = 1));

typedef struct {
    char *name;                 /* of a file; NULL for a numbered item */
    u8 *data;
    size_t n;
    FwCfgFn *written;           /* NULL: only read by the guest */
    void *opaque;
} Item;

struct FwCfg {
    IsaDevice isa;
    FwCfgState state;
    GHashTable *item;           /* key -> Item */
    GPtrArray *file;            /* Item *, sorted by name: file i has key FIRST + i */
    Item *selected;             /* derived from state.key */
};

static void item_free(gpointer opaque)
{
    Item *item = opaque;

    g_free(item->name);
    g_free(item->data);
    g_free(item);
}

static Item *item_new(const char *name, const void *data, size_t n)
{
    Item *item = g_new0(Item, 1);

    item->name = g_strdup(name);
    item->data = g_memdup2(data, n);
    item->n = n;
    return item;
}

/* ---- reading ---- */

static void select_item(FwCfg *fw, u16 key)
{
    unsigned file = key - FW_CFG_FILE_FIRST;

    fw->state.key = key;
    fw->state.offset = 0;
    fw->selected = key >= FW_CFG_FILE_FIRST && file < fw->file->len
                       ? g_ptr_array_index(fw->file, file)
                       : g_hash_table_lookup(fw->item, GUINT_TO_POINTER(key));
}

/* How many of the next `n` bytes exist; the offset moves over all of them. */
static u32 advance(FwCfg *fw, u32 n, const u8 **bytes)
{
    u32 offset = fw->state.offset;
    u32 left = fw->selected && offset < fw->selected->n ? fw->selected->n - offset : 0;

    *bytes = left ? fw->selected->data + offset : NULL;
    fw->state.offset = n > UINT32_MAX - offset ? UINT32_MAX : offset + n;
    return MIN(n, left);
}

/* ---- DMA ---- */

/* Bytes of the item, then zeroes, at most `length`, to guest memory. */
static bool dma_read(FwCfg *fw, gpa address, u32 length)
{
    static const u8 zeroes[4096];
    Mem *mem = fw->isa.device.machine->mem;
    const u8 *bytes;
    u32 there = advance(fw, length, &bytes);

    if (there && !mem_write(mem, address, bytes, there)) {
        return false;
    }
    for (u32 done = there, n; done < length; done += n) {
        n = MIN(length - done, sizeof zeroes);
        if (!mem_write(mem, address + done, zeroes, n)) {
            return false;
        }
    }
    return true;
}

/* Bytes from guest memory to the item, as far as it goes. */
static bool dma_write(FwCfg *fw, gpa address, u32 length)
{
    Item *item = fw->selected;
    u32 offset = fw->state.offset;
    const u8 *bytes;
    u32 n = advance(fw, length, &bytes);

    if (!item || !item->written || !n ||
        !mem_read(fw->isa.device.machine->mem, address, item->data + offset, n)) {
        return false;
    }
    item->written(item->opaque, item->data, item->n);
    return true;
}

static bool dma_do(FwCfg *fw, const DmaAccess *access)
{
    u32 control = GUINT32_FROM_BE(access->control);
    u32 length = GUINT32_FROM_BE(access->length);
    const u8 *unused;

    if (control & DMA_SELECT) {
        select_item(fw, control >> 16);
    }
    if (control & DMA_READ) {
        return dma_read(fw, GUINT64_FROM_BE(access->address), length);
    }
    if (control & DMA_WRITE) {
        return dma_write(fw, GUINT64_FROM_BE(access->address), length);
    }
    if (control & DMA_SKIP) {
        advance(fw, length, &unused);
    }
    return true;
}

static void dma_start(FwCfg *fw)
{
    Mem *mem = fw->isa.device.machine->mem;
    gpa at = fw->state.dma;
    DmaAccess access;
    u32 result;

    fw->state.dma = 0;
    if (!mem_read(mem, at, &access, sizeof access)) {
        device_fault(&fw->isa.device, "DMA request outside RAM");
        return;
    }
    result = dma_do(fw, &access) ? 0 : GUINT32_TO_BE(DMA_ERROR);
    if (result) {
        device_fault(&fw->isa.device, "DMA write to an item, or data outside RAM");
    }
    if (!mem_write(mem, at, &result, sizeof result)) {
        device_fault(&fw->isa.device, "DMA result outside RAM");
    }
}

/* ---- ports ---- */

static u64 fw_cfg_read(void *opaque, u64 offset, unsigned size)
{
    FwCfg *fw = opaque;
    const u8 *byte;

    if (offset == DATA_PORT && size == 1) {
        return advance(fw, 1, &byte) ? *byte : 0;
    }
    if (offset >= DMA_PORT && size == 4) {          /* "QEMU CFG", big endian */
        return GUINT32_SWAP_LE_BE(offset == DMA_PORT ? 0x51454d55 : 0x20434647);
    }
    return 0;
}

static void fw_cfg_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    FwCfg *fw = opaque;

    if (offset == 0 && size == 2) {
        select_item(fw, value);
    } else if (offset == DMA_PORT && size == 4) {
        fw->state.dma = (u64)GUINT32_SWAP_LE_BE((u32)value) << 32;
    } else if (offset == DMA_PORT + 4 && size == 4) {
        fw->state.dma |= GUINT32_SWAP_LE_BE((u32)value);
        dma_start(fw);
    }
}

static const RegionOps fw_cfg_ops = { fw_cfg_read, fw_cfg_write, .sizes = 1 | 2 | 4 };

/* ---- items ---- */

void fw_cfg_add(FwCfg *fw, u16 key, const void *data, size_t n)
{
    g_hash_table_replace(fw->item, GUINT_TO_POINTER(key), item_new(NULL, data, n));
}

void fw_cfg_add_number(FwCfg *fw, u16 key, u64 value, unsigned n)
{
    u64 little = GUINT64_TO_LE(value);

    fw_cfg_add(fw, key, &little, n);
}

static void update_directory(FwCfg *fw)
{
    g_autoptr(GByteArray) dir = g_byte_array_new();
    u32 count = GUINT32_TO_BE(fw->file->len);

    g_byte_array_append(dir, (u8 *)&count, sizeof count);
    for (guint i = 0; i < fw->file->len; i++) {
        const Item *item = g_ptr_array_index(fw->file, i);
        DirEntry entry = {
            .size = GUINT32_TO_BE(item->n),
            .select = GUINT16_TO_BE(FW_CFG_FILE_FIRST + i),
        };

        g_strlcpy(entry.name, item->name, sizeof entry.name);
        g_byte_array_append(dir, (u8 *)&entry, sizeof entry);
    }
    fw_cfg_add(fw, FW_CFG_FILE_DIR, dir->data, dir->len);
    select_item(fw, fw->state.key);
}

/* Where `name` is, or where it would go. */
static guint place_of(const FwCfg *fw, const char *name, bool *there)
{
    guint i = 0;

    while (i < fw->file->len &&
           strcmp(((Item *)g_ptr_array_index(fw->file, i))->name, name) < 0) {
        i++;
    }
    *there = i < fw->file->len &&
             strcmp(((Item *)g_ptr_array_index(fw->file, i))->name, name) == 0;
    return i;
}

static bool set_file(FwCfg *fw, const char *name, const void *data, size_t n,
                     bool replace, GError **err)
{
    bool there;
    guint at = place_of(fw, name, &there);
    bool full = !there && fw->file->len == FILES_MAX;
    const char *why = strlen(name) > FW_CFG_NAME_MAX ? "the name has more than 55 bytes"
                      : n > G_MAXINT32               ? "2 GiB or more"
                      : there && !replace            ? "there is one already"
                      : full                         ? "256 files are all there can be"
                                                     : NULL;

    if (why) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "fw_cfg file '%s': %s", name, why);
        return false;
    }
    if (there) {
        g_ptr_array_remove_index(fw->file, at);
    }
    g_ptr_array_insert(fw->file, at, item_new(name, data, n));
    update_directory(fw);
    return true;
}

bool fw_cfg_add_file(FwCfg *fw, const char *name, const void *data, size_t n,
                     GError **err)
{
    return set_file(fw, name, data, n, false, err);
}

bool fw_cfg_set_file(FwCfg *fw, const char *name, const void *data, size_t n,
                     GError **err)
{
    return set_file(fw, name, data, n, true, err);
}

bool fw_cfg_add_writable(FwCfg *fw, const char *name, size_t n, FwCfgFn *written,
                         void *opaque, GError **err)
{
    g_autofree u8 *zeroes = g_malloc0(n);
    Item *item;
    bool there;

    if (!fw_cfg_add_file(fw, name, zeroes, n, err)) {
        return false;
    }
    item = g_ptr_array_index(fw->file, place_of(fw, name, &there));
    item->written = written;
    item->opaque = opaque;
    return true;
}

/* ---- -fw_cfg ---- */

PROPS(FwCfgOption,
    (str, name,   "name of the item, as in opt/org.example/x", .required = true),
    (str, string, "the item's text"),
    (str, file,   "file with the item's bytes"));

static bool add_path(FwCfg *fw, const FwCfgOption *option, GError **err)
{
    g_autoptr(File) file = file_open(option->file, OPTION_FILE_MAX, err);
    g_autofree u8 *bytes = file ? file_contents(file, err) : NULL;

    return bytes && fw_cfg_add_file(fw, option->name, bytes, file->size, err);
}

static bool add_option(FwCfg *fw, const FwCfgOption *option, GError **err)
{
    if (!option->string == !option->file) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "needs one of string=TEXT and file=PATH");
        return false;
    }
    if (!g_str_has_prefix(option->name, "opt/")) {
        warn_user("-fw_cfg %s: names of your own should begin with \"opt/\"",
                  option->name);
    }
    return option->file ? add_path(fw, option, err)
                        : fw_cfg_add_file(fw, option->name, option->string,
                                          strlen(option->string), err);
}

bool fw_cfg_add_option(FwCfg *fw, const char *text, GError **err)
{
    FwCfgOption option = { 0 };
    bool done = fields_parse(FwCfgOption_fields, &option, text, "name", "-fw_cfg", err);

    if (done && !add_option(fw, &option, err)) {
        g_prefix_error(err, "-fw_cfg %s: ", text);
        done = false;
    }
    fields_clear(FwCfgOption_fields, &option);
    return done;
}

/* ---- life ---- */

static bool fw_cfg_open(Device *dev, GError **err)
{
    FwCfg *fw = fw_cfg_of(dev);

    fw->item = g_hash_table_new_full(NULL, NULL, NULL, item_free);
    fw->file = g_ptr_array_new_with_free_func(item_free);
    fw_cfg_add(fw, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_number(fw, FW_CFG_ID, ID_TRADITIONAL | ID_DMA, 4);
    update_directory(fw);
    return isa_ports(&fw->isa, FW_CFG_PORTS, FW_CFG_PORT_COUNT, &fw_cfg_ops, err);
}

static void fw_cfg_close(Device *dev)
{
    FwCfg *fw = fw_cfg_of(dev);

    g_clear_pointer(&fw->item, g_hash_table_unref);
    g_clear_pointer(&fw->file, g_ptr_array_unref);
}

static void fw_cfg_reset(Device *dev)
{
    select_item(fw_cfg_of(dev), 0);
}

static bool fw_cfg_loaded(Device *dev, GError **err)
{
    FwCfg *fw = fw_cfg_of(dev);
    u32 offset = fw->state.offset;

    (void)err;
    select_item(fw, fw->state.key);
    fw->state.offset = offset;
    return true;
}

FwCfg *fw_cfg_of(Device *dev)
{
    return container_of(dev, FwCfg, isa.device);
}

const DeviceType fw_cfg_type = {
    .name  = "fw_cfg",
    .help  = "what the machine tells its firmware",
    ISA_DEVICE,
    .board_only = true,
    .size  = sizeof(FwCfg),
    .part  = {
        .name = "fw_cfg",
        DEVICE_STATE(FwCfg, FwCfgState),
        .reset  = fw_cfg_reset,
        .loaded = fw_cfg_loaded,
    },
    .open  = fw_cfg_open,
    .close = fw_cfg_close,
};
