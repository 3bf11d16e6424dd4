/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Booting without firmware, what all loaders share: see boot.h.  Main thread.
 */

#include "hw/machine/boot.h"
#include "base/bytes.h"
#include "hw/machine/e820.h"
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

/* [at, at + size): `n` bytes, then zeroes. */
typedef struct {
    gpa at;
    u64 size, n;
    u8 *bytes;              /* owned; or */
    File *file;             /* bytes from `offset` on; or neither: random */
    u64 offset;
} Piece;

typedef struct {
    gpa at, end;
    const char *what;
} Claim;

bool boot_fail(GError **err, const File *file, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: %s", file->name, text);
    return false;
}

File *boot_open(Boot *boot, const char *option, const char *name, GError **err)
{
    File *file = file_open_for(option, name, boot->machine->ram_bytes, err);

    if (file) {
        g_ptr_array_add(boot->files, file);
    }
    return file;
}

/* ---- claims ---- */

static const Claim *claim_at(const Boot *boot, u64 at, u64 end)
{
    for (guint i = 0; i < boot->claims->len; i++) {
        const Claim *claim = &g_array_index(boot->claims, Claim, i);

        if (at < claim->end && claim->at < end) {
            return claim;
        }
    }
    return NULL;
}

static void claim_add(Boot *boot, u64 at, u64 end, const char *what)
{
    Claim claim = { at, end, what };

    g_array_append_val(boot->claims, claim);
}

bool boot_claim(Boot *boot, const File *file, const char *what, u64 at, u64 size,
                GError **err)
{
    const Claim *other;

    if (at > boot->top || size > boot->top - at) {
        return boot_fail(err, file,
                         "%s of 0x%" PRIx64 " bytes at 0x%" PRIx64 " needs more memory "
                         "than there is below 4 GiB: it ends at 0x%" PRIx64,
                         what, size, at, boot->top);
    }
    other = claim_at(boot, at, at + size);
    if (other) {
        return boot_fail(err, file,
                         "%s of 0x%" PRIx64 " bytes at 0x%" PRIx64 " would lie over "
                         "%s at 0x%" PRIx64, what, size, at, other->what, other->at);
    }
    claim_add(boot, at, at + size, what);
    return true;
}

static u64 page_up(u64 n)
{
    return (n + PAGE_BYTES - 1) & PAGE_MASK;
}

bool boot_take_low(Boot *boot, u64 size, u64 low, u64 high, gpa *at)
{
    const Claim *other;

    high = MIN(high, boot->top);
    for (*at = page_up(low); *at <= high && size <= high - *at;) {
        other = claim_at(boot, *at, *at + size);
        if (!other) {
            claim_add(boot, *at, *at + size, "boot data");
            return true;
        }
        *at = page_up(other->end);
    }
    return false;
}

bool boot_take_high(Boot *boot, u64 size, u64 high, gpa *at)
{
    const Claim *other;

    high = MIN(high, boot->top);
    for (; high >= size; high = other->at) {
        *at = (high - size) & PAGE_MASK;
        other = claim_at(boot, *at, *at + size);
        if (!other) {
            claim_add(boot, *at, *at + size, "boot data");
            return true;
        }
    }
    return false;
}

/* ---- pieces ---- */

void boot_put(Boot *boot, gpa at, void *bytes, u64 n)
{
    Piece piece = { .at = at, .size = n, .n = n, .bytes = bytes };

    g_array_append_val(boot->pieces, piece);
}

void boot_put_table(Boot *boot, gpa at, const void *bytes, u64 n)
{
    claim_add(boot, at, at + n, "the firmware's tables");
    boot_put(boot, at, g_memdup2(bytes, n), n);
}

void boot_put_file(Boot *boot, gpa at, u64 size, File *file, u64 offset, u64 n)
{
    Piece piece = { .at = at, .size = size, .n = n, .file = file, .offset = offset };

    g_array_append_val(boot->pieces, piece);
}

void boot_put_random(Boot *boot, gpa at, u64 n)
{
    Piece piece = { .at = at, .size = n, .n = n };

    g_array_append_val(boot->pieces, piece);
}

bool boot_place(Boot *boot, void *bytes, u64 n, gpa *at, GError **err)
{
    if (!boot_take_low(boot, n, PAGE_BYTES, LOW_RAM_END, at) &&
        !boot_take_low(boot, n, HOLE_END, boot->top, at)) {
        g_free(bytes);
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
                    "%s: no memory is left for what a kernel is told", boot->kernel);
        return false;
    }
    boot_put(boot, *at, bytes, n);
    return true;
}

bool boot_place_text(Boot *boot, const char *text, gpa *at, GError **err)
{
    return boot_place(boot, g_strdup(text), strlen(text) + 1, at, err);
}

bool boot_place_initrd(Boot *boot, u64 high, gpa *at, u64 *size, GError **err)
{
    File *file;

    *at = *size = 0;
    if (!boot->initrd) {
        return true;
    }
    file = boot_open(boot, "initrd", boot->initrd, err);
    if (!file) {
        return false;
    }
    if (file->size == 0) {
        return boot_fail(err, file, "an empty file is no initrd");
    }
    if (!boot_take_high(boot, file->size, high, at)) {
        return boot_fail(err, file,
                         "an initrd of %" PRIu64 " bytes does not fit beside the "
                         "kernel into %" PRIu64 " MiB of memory",
                         file->size, (u64)(MIN(high, boot->top) / MiB));
    }
    *size = file->size;
    boot_put_file(boot, *at, file->size, file, 0, file->size);
    return true;
}

/* ---- writing it all ---- */

static bool piece_write(Boot *boot, const Piece *piece, GError **err)
{
    Mem *mem = boot->machine->mem;
    struct iovec iov;

    if (!piece->size) {
        return true;
    }
    if (!mem_iov(mem, piece->at, piece->size, &iov)) {
        g_assert_not_reached();             /* it was claimed */
    }
    if (piece->bytes) {
        memcpy(iov.iov_base, piece->bytes, piece->n);
    } else if (piece->file) {
        if (!file_read(piece->file, piece->offset, iov.iov_base, piece->n)) {
            return boot_fail(err, piece->file, "has become shorter meanwhile");
        }
    } else if (getrandom(iov.iov_base, piece->n, 0) != (ssize_t)piece->n) {
        memset(iov.iov_base, 0, piece->n);      /* early in the host's own boot */
    }
    memset((u8 *)iov.iov_base + piece->n, 0, piece->size - piece->n);
    mem_written(mem, piece->at, piece->size);
    return true;
}

bool boot_write(Boot *boot, GError **err)
{
    for (guint i = 0; i < boot->pieces->len; i++) {
        if (!piece_write(boot, &g_array_index(boot->pieces, Piece, i), err)) {
            return false;
        }
    }
    return true;
}

/* ---- life ---- */

static void piece_clear(gpointer opaque)
{
    g_free(((Piece *)opaque)->bytes);
}

static void file_free(gpointer file)
{
    file_close(file);
}

Boot *boot_new(Machine *machine, const BoardConfig *config, u64 acpi, u64 n, u64 rsdp)
{
    Boot *boot = g_new0(Boot, 1);

    boot->machine = machine;
    boot->kernel = config->kernel;
    boot->initrd = config->initrd;
    boot->append = config->append ? config->append : "";
    boot->top = n ? acpi : machine->ram_below_4g;
    boot->rsdp = rsdp;
    boot->e820 = e820_full(machine, boot->top, n);
    boot->files = g_ptr_array_new_with_free_func(file_free);
    boot->pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
    g_array_set_clear_func(boot->pieces, piece_clear);
    boot->claims = g_array_new(FALSE, FALSE, sizeof(Claim));
    claim_add(boot, LOW_RAM_END, DISPLAY_END, "display memory");
    return boot;
}

void boot_free(Boot *boot)
{
    if (boot) {
        g_array_unref(boot->e820);
        g_array_unref(boot->pieces);
        g_array_unref(boot->claims);
        g_ptr_array_unref(boot->files);
        g_free(boot);
    }
}

bool boot_load(Boot *boot, GError **err)
{
    File *file = boot_open(boot, "kernel", boot->kernel, err);
    u8 head[BOOT_HEAD] = { 0 };
    u64 n;
    int header;

    if (!file) {
        return false;
    }
    n = MIN(file->size, sizeof head);
    if (n == 0 || !file_read(file, 0, head, n)) {
        return boot_fail(err, file, "%s",
                         n ? "cannot be read" : "an empty file is no kernel");
    }
    if (memcmp(head + 0x202, "HdrS", 4) == 0 && get16(head + 0x1fe) == 0xaa55) {
        return boot_linux(boot, file, head, err);
    }
    header = multiboot_header(head, n);
    if (header >= 0) {
        return boot_multiboot(boot, file, head, header, err);
    }
    if (memcmp(head, "\177ELF", 4) == 0) {
        return boot_elf(boot, file, err);
    }
    return boot_fail(err, file, "not a kernel: it would be a Linux bzImage, an ELF "
                     "file with a PVH note, or have a multiboot header");
}
