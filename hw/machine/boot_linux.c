/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux bzImage, setup version 2.06 and later (Documentation/arch/x86/boot.rst): the
 * protected- mode part goes into memory, the setup part only lends its header to the
 * zero page.  A kernel that has a 64-bit entry is entered there, another one at its
 * 32-bit entry.  Main thread.
 */

#include "hw/machine/boot.h"
#include "base/bytes.h"
#include "hw/machine/e820.h"
#include <inttypes.h>

/* The setup header, by offsets that file and zero page share. */
enum {
    SETUP_SECTS = 0x1f1, SYSSIZE = 0x1f4, HEADER_LENGTH = 0x201, VERSION = 0x206,
    TYPE_OF_LOADER = 0x210, LOADFLAGS = 0x211, CODE32_START = 0x214,
    RAMDISK_IMAGE = 0x218, RAMDISK_SIZE = 0x21c, CMD_LINE_PTR = 0x228,
    INITRD_ADDR_MAX = 0x22c,
    RELOCATABLE = 0x234, XLOADFLAGS = 0x236, CMDLINE_SIZE = 0x238, SETUP_DATA = 0x250,
    PREF_ADDRESS = 0x258, INIT_SIZE = 0x260, HEADER_END = 0x290,

    LOADED_HIGH = 1, KERNEL_64 = 1, ABOVE_4G = 2, LOADER_UNKNOWN = 0xff,
};

/* The rest of the zero page (Documentation/arch/x86/zero-page.rst). */
enum {
    VIDEO_MODE = 0x006, VIDEO_COLUMNS = 0x007, VIDEO_EGA_BX = 0x00a,
    VIDEO_LINES = 0x00e, VIDEO_IS_VGA = 0x00f, VIDEO_POINTS = 0x010,
    ACPI_RSDP = 0x070, E820_COUNT = 0x1e8, E820_TABLE = 0x2d0, E820_BYTES = 20,
    E820_MAX = 128, ZERO_PAGE = 4096,
};

enum {
    HIGH_LOAD = 0x100000,       /* where a kernel that cannot move is loaded */
    ENTRY_64 = 0x200,
    SETUP_RNG_SEED = 9, SEED_HEADER = 16, SEED_BYTES = 32,
    CMDLINE_MAX = 65535,        /* our own limit: no kernel has a larger one */
};

typedef struct {
    Boot *boot;
    File *file;
    const u8 *head;
    u16 version;
    u64 payload, bytes;         /* the protected-mode part: offset and size */
    gpa load;
    bool long_mode;
} Kernel;

static bool check(Kernel *kernel, GError **err)
{
    const u8 *head = kernel->head;
    u64 setup = (head[SETUP_SECTS] ? head[SETUP_SECTS] : 4) * 512 + 512;
    u64 size = kernel->file->size, whole = setup + 16 * (u64)get32(head + SYSSIZE);

    kernel->version = get16(head + VERSION);
    if (kernel->version < 0x206) {
        return boot_fail(err, kernel->file,
                         "boot protocol %u.%02u is too old: 2.06 or later is needed",
                         kernel->version >> 8, kernel->version & 0xff);
    }
    if (size <= setup || size + 15 < whole) {
        return boot_fail(err, kernel->file,
                         "truncated: %" PRIu64 " bytes of a kernel that has %" PRIu64,
                         size, whole);
    }
    if (!(head[LOADFLAGS] & LOADED_HIGH)) {
        return boot_fail(err, kernel->file, "a zImage; a bzImage is needed");
    }
    kernel->payload = setup;
    kernel->bytes = size - setup;
    kernel->long_mode = kernel->version >= 0x20c &&
                        get16(head + XLOADFLAGS) & KERNEL_64;
    return true;
}

/*
 * From 2.10 on the header says where the kernel unpacks itself and how much memory that
 * takes: from its preferred address, or from where it was loaded if that is higher.
 */
static bool place_kernel(Kernel *kernel, GError **err)
{
    const u8 *head = kernel->head;
    u64 preferred = HIGH_LOAD, size = kernel->bytes;

    kernel->load = HIGH_LOAD;
    if (kernel->version >= 0x20a) {
        preferred = MAX(get64(head + PREF_ADDRESS), HIGH_LOAD);
        size = MAX(size, get32(head + INIT_SIZE));
        if (head[RELOCATABLE]) {
            kernel->load = preferred;
        } else {
            size += MIN(preferred, kernel->boot->top) - kernel->load;
        }
    }
    if (!boot_claim(kernel->boot, kernel->file, "the kernel", kernel->load, size,
                    err)) {
        return false;
    }
    boot_put_file(kernel->boot, kernel->load, kernel->bytes, kernel->file,
                  kernel->payload, kernel->bytes);
    return true;
}

static bool place_cmdline(Kernel *kernel, u8 *zero_page, GError **err)
{
    const char *append = kernel->boot->append;
    u32 limit = MIN(get32(kernel->head + CMDLINE_SIZE), CMDLINE_MAX);
    gpa at;

    if (strlen(append) > limit) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "-append: %zu bytes, but %s takes at most %u", strlen(append),
                    kernel->file->name, limit);
        return false;
    }
    if (!boot_place_text(kernel->boot, append, &at, err)) {
        return false;
    }
    put32(zero_page + CMD_LINE_PTR, at);
    return true;
}

static bool place_initrd(Kernel *kernel, u8 *zero_page, GError **err)
{
    u64 high = (u64)get32(kernel->head + INITRD_ADDR_MAX) + 1, size;
    gpa at;

    if (kernel->long_mode && get16(kernel->head + XLOADFLAGS) & ABOVE_4G) {
        high = 4 * GiB;                     /* initrd_addr_max is for 32-bit loaders */
    }
    if (!boot_place_initrd(kernel->boot, high, &at, &size, err)) {
        return false;
    }
    put32(zero_page + RAMDISK_IMAGE, at);
    put32(zero_page + RAMDISK_SIZE, size);
    return true;
}

/*
 * A seed for the kernel's random numbers, new at every reset (setup_data, 2.09 and
 * later).
 */
static bool place_seed(Kernel *kernel, u8 *zero_page, GError **err)
{
    u8 *header;
    gpa at;

    if (kernel->version < 0x209) {
        return true;
    }
    header = g_malloc0(SEED_HEADER + SEED_BYTES);
    put32(header + 8, SETUP_RNG_SEED);
    put32(header + 12, SEED_BYTES);
    if (!boot_place(kernel->boot, header, SEED_HEADER + SEED_BYTES, &at, err)) {
        return false;
    }
    boot_put_random(kernel->boot, at + SEED_HEADER, SEED_BYTES);
    put64(zero_page + SETUP_DATA, at);
    return true;
}

static void fill_e820(const Boot *boot, u8 *zero_page)
{
    unsigned n = MIN(boot->e820->len, E820_MAX);

    zero_page[E820_COUNT] = n;
    for (unsigned i = 0; i < n; i++) {
        const E820Entry *entry = &g_array_index(boot->e820, E820Entry, i);
        u8 *to = zero_page + E820_TABLE + i * E820_BYTES;

        put64(to, entry->base);
        put64(to + 8, entry->size);
        put32(to + 16, entry->type);
    }
}

/* What the header of this version has, and our answers in it. */
static void fill_header(const Kernel *kernel, u8 *zero_page)
{
    unsigned end = MIN(0x202 + kernel->head[HEADER_LENGTH], HEADER_END);

    memcpy(zero_page + SETUP_SECTS, kernel->head + SETUP_SECTS, end - SETUP_SECTS);
    zero_page[TYPE_OF_LOADER] = LOADER_UNKNOWN;
    put32(zero_page + CODE32_START, kernel->load);
    put64(zero_page + ACPI_RSDP, kernel->boot->rsdp);
    put64(zero_page + SETUP_DATA, 0);
}

/* What the setup part would have asked the VGA's BIOS (struct screen_info). */
static void fill_screen(const Machine *machine, u8 *zero_page)
{
    enum { MODE_3 = 3, COLUMNS = 80, ROWS = 25, FONT_LINES = 16, KIB_256 = 3 };

    if (machine->start_text && machine->start_text(machine->text_screen)) {
        zero_page[VIDEO_MODE] = MODE_3;
        zero_page[VIDEO_COLUMNS] = COLUMNS;
        zero_page[VIDEO_LINES] = ROWS;
        zero_page[VIDEO_IS_VGA] = 1;
        put16(zero_page + VIDEO_EGA_BX, KIB_256);
        put16(zero_page + VIDEO_POINTS, FONT_LINES);
    }
}

bool boot_linux(Boot *boot, File *file, const u8 *head, GError **err)
{
    BootMode mode;
    Kernel kernel = { .boot = boot, .file = file, .head = head };
    u8 *zero_page;

    if (!check(&kernel, err) || !place_kernel(&kernel, err)) {
        return false;
    }
    zero_page = g_malloc0(ZERO_PAGE);
    if (!boot_place(boot, zero_page, ZERO_PAGE, &boot->rsi, err)) {
        return false;
    }
    fill_header(&kernel, zero_page);
    fill_e820(boot, zero_page);
    fill_screen(boot->machine, zero_page);
    mode = kernel.long_mode ? ENTER_LONG : ENTER_PROTECTED;
    boot->entry = kernel.load + (kernel.long_mode ? ENTRY_64 : 0);
    return place_cmdline(&kernel, zero_page, err) &&
           place_initrd(&kernel, zero_page, err) &&
           place_seed(&kernel, zero_page, err) &&
           boot_place_tables(boot, mode, err);
}
