/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels entered directly: what they find in memory and registers (boot.rst, PVH,
 * Multiboot 0.6.96), and files that lie.  Kernels are made here, in memory, and named
 * /proc/self/fd/N.
 */

#include "base/bytes.h"
#include "base/lock.h"
#include "hw/machine/boot.h"
#include "hw/machine/e820.h"
#include <sys/mman.h>
#include <unistd.h>

enum { RAM = 64 << 20, ACPI_AT = RAM - 0x10000, RSDP = 0xf0000 };

static Machine *machine;
static Boot *boot;
static X86State state;

/* A file in memory; its name is good until the next call with the same slot. */
static const char *file_of(unsigned slot, const void *bytes, size_t n)
{
    static int fd[4] = { -1, -1, -1, -1 };
    static char name[4][32];

    if (fd[slot] >= 0) {
        close(fd[slot]);
    }
    fd[slot] = memfd_create("kernel", 0);
    g_assert_cmpint(write(fd[slot], bytes, n), ==, n);
    g_snprintf(name[slot], sizeof name[slot], "/proc/self/fd/%d", fd[slot]);
    return name[slot];
}

static void set_up(void)
{
    GError *err = NULL;

    machine = machine_new();
    machine->ram_bytes = machine->ram_below_4g = RAM;
    g_assert_true(mem_add_ram(machine->mem, machine->mmio, "ram", 0, RAM, &err));
}

static void tear_down(void)
{
    g_clear_pointer(&boot, boot_free);
    machine_free(machine);
}

static bool try(const BoardConfig *config, GError **err)
{
    g_clear_pointer(&boot, boot_free);
    boot = boot_new(machine, config, ACPI_AT, 0x10000, RSDP);
    return boot_load(boot, err);
}

/* Loads, resets, and leaves the CPU's state in `state`. */
static void enter(const BoardConfig *config)
{
    GError *err = NULL;

    g_assert_true(try(config, &err) || (g_test_message("%s", err->message), false));
    g_assert_true(boot_write(boot, &err));
    x86_state_reset(&state, 0, true);
    boot_state(boot, &state);
}

static void refuse(const BoardConfig *config, const char *word)
{
    GError *err = NULL;

    g_assert_false(try(config, &err));
    g_assert_nonnull(err);
    g_test_message("%s", err->message);
    if (!strstr(err->message, word)) {
        g_error("'%s' is not in: %s", word, err->message);
    }
    g_assert_null(strchr(err->message, '\n'));
    g_error_free(err);
}

static u64 word(gpa at, unsigned n)
{
    u64 value = 0;

    g_assert_true(mem_read(machine->mem, at, &value, n));
    return value;
}

static void check_text(gpa at, const char *text)
{
    g_autofree char *there = g_malloc(strlen(text) + 1);

    g_assert_true(mem_read(machine->mem, at, there, strlen(text) + 1));
    g_assert_cmpstr(there, ==, text);
}

/* ---- bzImage ---- */

enum { SETUP = 1024, PAYLOAD = 4096, BZ = SETUP + PAYLOAD };

/* Version 2.15, one setup sector, 64-bit entry, relocatable, 16 MiB preferred. */
static void make_bz(u8 *bz)
{
    memset(bz, 0, SETUP);
    memset(bz + SETUP, 0x90, PAYLOAD);
    bz[0x1f1] = 1;
    put32(bz + 0x1f4, PAYLOAD / 16);
    put16(bz + 0x1fe, 0xaa55);
    bz[0x201] = 0x6c;
    memcpy(bz + 0x202, "HdrS", 4);
    put16(bz + 0x206, 0x20f);
    bz[0x211] = 1;
    put32(bz + 0x22c, 0x7fffffff);
    put32(bz + 0x230, 0x200000);
    bz[0x234] = 1;
    put16(bz + 0x236, 1);
    put32(bz + 0x238, 255);
    put64(bz + 0x258, 0x1000000);
    put32(bz + 0x260, 0x800000);
}

static void check_flat(bool wide)
{
    g_assert_cmphex(state.segs.base[SEG_CS], ==, 0);
    g_assert_cmphex(state.segs.limit[SEG_CS], ==, 0xffffffff);
    g_assert_cmphex(!(state.segs.attr[SEG_CS] & SEG_L), ==, !wide);
    g_assert_cmphex(!(state.segs.attr[SEG_CS] & SEG_DB), ==, wide);
    g_assert_cmphex(state.segs.limit[SEG_DS], ==, 0xffffffff);
    g_assert_cmphex(state.regs.rflags & FLAG_IF, ==, 0);
    g_assert_cmphex(state.control.cr0 & CR0_PE, ==, CR0_PE);
    g_assert_cmphex(!(state.control.cr0 & CR0_PG), ==, !wide);
    g_assert_cmphex(!(state.control.efer & EFER_LMA), ==, !wide);
    /* the descriptor in memory says what the register holds: flat code, 0xcf or 0xaf */
    g_assert_cmphex(word(state.segs.gdt_base + state.segs.selector[SEG_CS], 8), ==,
                    wide ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
    g_assert_cmphex(word(state.segs.gdt_base + state.segs.selector[SEG_DS], 8), ==,
                    0x00cf93000000ffff);
}

/* Walks the four levels as the CPU would: 2 MiB pages. */
static u64 translate(u64 at)
{
    u64 entry = state.control.cr3;

    for (int level = 3; level >= 1; level--) {
        entry = word((entry & ~0xfffull) + 8 * (at >> (12 + 9 * level) & 511), 8);
        g_assert_cmphex(entry & 3, ==, 3);
    }
    g_assert_cmphex(entry & 0x80, ==, 0x80);
    return (entry & ~0x1fffffull) | (at & 0x1fffff);
}

static void test_linux_64(void)
{
    u8 bz[BZ];
    gpa zero_page;

    set_up();
    make_bz(bz);
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ), .append = "console=ttyS0",
                          .initrd = file_of(1, "ramdisk", 7) });
    zero_page = state.regs.gpr[RSI];
    check_flat(true);
    g_assert_cmphex(state.regs.rip, ==, 0x1000200);
    g_assert_cmphex(word(0x1000000, 8), ==, 0x9090909090909090);
    g_assert_cmphex(state.segs.selector[SEG_CS], ==, 0x10);
    g_assert_cmphex(state.segs.selector[SEG_DS], ==, 0x18);
    g_assert_cmphex(translate(0xffeff123), ==, 0xffeff123);
    g_assert_cmphex(translate(zero_page), ==, zero_page);

    g_assert_cmphex(word(zero_page + 0x202, 4), ==, 0x53726448);
    g_assert_cmphex(word(zero_page + 0x210, 1), ==, 0xff);
    g_assert_cmphex(word(zero_page + 0x070, 8), ==, RSDP);
    check_text(word(zero_page + 0x228, 4), "console=ttyS0");
    g_assert_cmphex(word(zero_page + 0x21c, 4), ==, 7);
    g_assert_cmphex(word(zero_page + 0x218, 4) % 4096, ==, 0);
    g_assert_cmphex(word(word(zero_page + 0x218, 4), 7), ==, 0x6b7369646d6172);
    tear_down();
}

/* The map that the kernel gets: all RAM, each byte once, nothing else called RAM. */
static void check_e820(const GArray *map, u64 ram)
{
    u64 sum = 0, last = 0;

    for (guint i = 0; i < map->len; i++) {
        const E820Entry *e = &g_array_index(map, E820Entry, i);

        g_assert_cmphex(e->base, >=, last);
        last = e->base + e->size;
        if (e->type == E820_RAM || e->type == E820_ACPI) {
            sum += e->size;
        }
    }
    /* all but the last KiB below 640 KiB and the 384 KiB up to 1 MiB */
    g_assert_cmphex(sum, ==, ram - 0x400 - 0x60000);
}

static void test_e820(void)
{
    static const u64 sizes[] = { 2 * MiB, 64 * MiB, 2 * GiB, 0xb0000000 - 4096,
                                 0xb0000000, 3 * GiB, 4 * GiB, 1024 * GiB };

    set_up();
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GArray) full = NULL, ram = NULL;

        machine->ram_bytes = sizes[i];
        machine->ram_below_4g = ram_below_4g(sizes[i]);
        g_assert_cmphex(machine->ram_below_4g, <=, 0xb0000000);
        full = e820_full(machine, machine->ram_below_4g - 0x5000, 0x5000);
        check_e820(full, sizes[i]);
        ram = e820_ram(machine);
        g_assert_cmpuint(ram->len, ==, sizes[i] < 0xb0000000 ? 1 : 2);
    }
    tear_down();
}

static void test_linux_e820(void)
{
    u8 bz[BZ];
    gpa zero_page;
    u64 ram = 0;

    set_up();
    make_bz(bz);
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ) });
    zero_page = state.regs.gpr[RSI];
    for (unsigned i = 0; i < word(zero_page + 0x1e8, 1); i++) {
        gpa entry = zero_page + 0x2d0 + 20 * i;

        if (word(entry + 16, 4) == 1) {
            ram += word(entry + 8, 8);
        }
        if (word(entry + 16, 4) == 3) {
            g_assert_cmphex(word(entry, 8), ==, ACPI_AT);
        }
    }
    g_assert_cmphex(ram, ==, RAM - 0x10000 - 0x60400);
    tear_down();
}

static void test_linux_32(void)
{
    u8 bz[BZ];

    set_up();
    make_bz(bz);
    put16(bz + 0x236, 0);                   /* no 64-bit entry */
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ) });
    check_flat(false);
    g_assert_cmphex(state.regs.rip, ==, 0x1000000);

    put16(bz + 0x206, 0x206);       /* the oldest that is taken: fixed at 1 MiB */
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ) });
    g_assert_cmphex(state.regs.rip, ==, 0x100000);
    g_assert_cmphex(word(0x100000, 8), ==, 0x9090909090909090);
    tear_down();
}

/* A new seed at every reset, and what the guest has spoilt is as at first. */
static void test_linux_again(void)
{
    u8 bz[BZ];
    GError *err = NULL;
    gpa zero_page;
    u64 seed;

    set_up();
    make_bz(bz);
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ) });
    zero_page = state.regs.gpr[RSI];
    g_assert_cmphex(word(word(zero_page + 0x250, 8) + 8, 4), ==, 9);
    seed = word(word(zero_page + 0x250, 8) + 16, 8);
    space_write(machine->mmio, 0x1000000, 0, 8);
    g_assert_true(boot_write(boot, &err));
    g_assert_cmphex(word(0x1000000, 8), ==, 0x9090909090909090);
    g_assert_cmphex(word(word(zero_page + 0x250, 8) + 16, 8), !=, seed);
    tear_down();
}

static void test_linux_refused(void)
{
    u8 bz[BZ], good[BZ];
    g_autofree char *line = g_strnfill(256, 'x');

    set_up();
    make_bz(good);
#define WITH(change, why)                                                           \
    memcpy(bz, good, BZ);                                                           \
    change;                                                                         \
    refuse(&(BoardConfig){ .kernel = file_of(0, bz, BZ) }, why)

    WITH(put16(bz + 0x206, 0x205), "2.05");
    WITH(bz[0x211] = 0, "zImage");
    WITH(bz[0x1f1] = 200, "truncated");
    WITH(put32(bz + 0x1f4, PAYLOAD), "truncated");
    WITH(put64(bz + 0x258, RAM), "more memory");
    WITH(put64(bz + 0x258, ~0ull), "more memory");
    WITH(put32(bz + 0x260, RAM), "more memory");
    WITH(put16(bz + 0x1fe, 0), "not a kernel");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, 0x210) }, "truncated");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, BZ - 64) }, "truncated");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, 0) }, "empty");
    refuse(&(BoardConfig){ .kernel = "/nonexistent/vmlinuz" }, "No such file");
    refuse(&(BoardConfig){ .kernel = "/tmp" }, "directory");
    refuse(&(BoardConfig){ .kernel = "/proc/self/exe" }, "PVH");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, BZ), .append = line }, "at most");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, BZ),
                           .initrd = file_of(1, "", 0) }, "empty");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, BZ), .initrd = "/nonexistent" },
           "/nonexistent");
    tear_down();
}

/* Larger than RAM; larger than what the kernel and its limit leave. */
static void test_initrd(void)
{
    u8 bz[BZ];
    int fd = memfd_create("initrd", 0);
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
    gpa zero_page;

    set_up();
    make_bz(bz);
    g_assert_cmpint(ftruncate(fd, 2ll * RAM), ==, 0);
    refuse(&(BoardConfig){ .kernel = file_of(0, bz, BZ), .initrd = name }, "longer");
    g_assert_cmpint(ftruncate(fd, RAM - (20 << 20)), ==, 0);
    refuse(&(BoardConfig){ .kernel = file_of(0, bz, BZ), .initrd = name }, "not fit");
    g_assert_cmpint(ftruncate(fd, 8 << 20), ==, 0);
    put32(bz + 0x22c, 0xffffff);        /* must end below 16 MiB, where the kernel is */
    enter(&(BoardConfig){ .kernel = file_of(0, bz, BZ), .initrd = name });
    zero_page = state.regs.gpr[RSI];
    g_assert_cmphex(word(zero_page + 0x218, 4), ==, 0x800000);
    close(fd);
    tear_down();
}

/* A pipe can be read only once, and yet every reset finds the kernel. */
static void test_pipe(void)
{
    u8 bz[BZ];
    int end[2];
    GError *err = NULL;

    set_up();
    make_bz(bz);
    g_assert_cmpint(pipe(end), ==, 0);
    g_assert_cmpint(write(end[1], bz, BZ), ==, BZ);
    close(end[1]);
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", end[0]);
    enter(&(BoardConfig){ .kernel = name });
    close(end[0]);
    space_write(machine->mmio, 0x1000000, 0, 8);
    g_assert_true(boot_write(boot, &err));
    g_assert_cmphex(word(0x1000000, 8), ==, 0x9090909090909090);
    tear_down();
}

/* ---- ELF with a PVH note ---- */

enum { ELF_BYTES = 0x1000, CODE_AT = 0x200, NOTE_AT = 0x180, LOAD = 0x200000 };

/*
 * One segment of 0x100 file bytes and 0x3000 in memory at 2 MiB, and a note with the
 * entry.
 */
static void make_elf(u8 *elf, bool wide)
{
    unsigned table = wide ? 64 : 52, size = wide ? 56 : 32;
    u8 *load = elf + table, *note = load + size;

    memset(elf, 0, ELF_BYTES);
    memcpy(elf, "\177ELF", 4);
    elf[4] = wide ? 2 : 1;
    elf[5] = elf[6] = 1;
    put16(elf + 16, 2);
    put16(elf + 18, wide ? 62 : 3);
    put32(elf + 20, 1);
    put32(elf + 24, LOAD);
    put32(elf + (wide ? 32 : 28), table);
    put16(elf + (wide ? 54 : 42), size);
    put16(elf + (wide ? 56 : 44), 2);
    put32(load, 1);
    put32(note, 4);
    if (wide) {
        put64(load + 8, CODE_AT), put64(load + 24, LOAD);
        put64(load + 32, 0x100), put64(load + 40, 0x3000);
        put64(note + 8, NOTE_AT), put64(note + 32, 20);
    } else {
        put32(load + 4, CODE_AT), put32(load + 12, LOAD);
        put32(load + 16, 0x100), put32(load + 20, 0x3000);
        put32(note + 4, NOTE_AT), put32(note + 16, 20);
    }
    put32(elf + NOTE_AT, 4);
    put32(elf + NOTE_AT + 4, 4);
    put32(elf + NOTE_AT + 8, 18);
    memcpy(elf + NOTE_AT + 12, "Xen", 4);
    put32(elf + NOTE_AT + 16, LOAD + 0x10);
    memset(elf + CODE_AT, 0xcc, 0x100);
}

static void test_pvh(void)
{
    u8 elf[ELF_BYTES];

    set_up();
    for (unsigned wide = 0; wide < 2; wide++) {
        gpa info, module;

        make_elf(elf, wide);
        space_write(machine->mmio, LOAD + 0x200, ~0ull, 8);
        enter(&(BoardConfig){ .kernel = file_of(0, elf, ELF_BYTES), .append = "a b",
                              .initrd = file_of(1, "ramdisk", 7) });
        check_flat(false);
        info = state.regs.gpr[RBX];
        g_assert_cmphex(state.regs.rip, ==, LOAD + 0x10);
        g_assert_cmphex(word(LOAD, 8), ==, 0xcccccccccccccccc);
        g_assert_cmphex(word(LOAD + 0x200, 8), ==, 0);      /* bss is cleared */
        g_assert_cmphex(state.segs.limit[SEG_TR], ==, 0x67);
        g_assert_cmphex(word(info, 4), ==, 0x336ec578);
        g_assert_cmphex(word(info + 4, 4), ==, 1);
        g_assert_cmphex(word(info + 12, 4), ==, 1);
        module = word(info + 16, 8);
        g_assert_cmphex(word(module + 8, 8), ==, 7);
        g_assert_cmphex(word(word(module, 8), 7), ==, 0x6b7369646d6172);
        check_text(word(info + 24, 8), "a b");
        g_assert_cmphex(word(info + 32, 8), ==, RSDP);
        g_assert_cmphex(word(info + 48, 4), ==, boot->e820->len);
        g_assert_cmphex(word(word(info + 40, 8) + 8, 8), ==, 0x9fc00);
    }
    tear_down();
}

static void test_elf_refused(void)
{
    u8 elf[ELF_BYTES], good[ELF_BYTES];

    set_up();
    make_elf(good, true);
#undef WITH
#define WITH(change, why)                                                           \
    memcpy(elf, good, ELF_BYTES);                                                   \
    change;                                                                         \
    refuse(&(BoardConfig){ .kernel = file_of(0, elf, ELF_BYTES) }, why)

    WITH(elf[4] = 3, "another kind");
    WITH(elf[5] = 2, "another kind");
    WITH(put16(elf + 18, 40), "another kind");
    WITH(put16(elf + 16, 1), "executable");
    WITH(put16(elf + 56, 0), "segments");
    WITH(put16(elf + 56, 0xffff), "segments");
    WITH(put16(elf + 54, 32), "segments");
    WITH(put64(elf + 32, ELF_BYTES - 10), "truncated");
    WITH(put64(elf + 32, ~0ull), "truncated");
    WITH(put64(elf + 64 + 8, ~0ull - 8), "segment 0");
    WITH(put64(elf + 64 + 32, ELF_BYTES), "segment 0");
    WITH(put64(elf + 64 + 40, 0x80), "segment 0");
    WITH(put64(elf + 64 + 40, ~0ull), "more memory");
    WITH(put64(elf + 64 + 40, RAM), "more memory");
    WITH(put64(elf + 64 + 24, 0xffffffff80000000), "more memory");
    WITH(put64(elf + 64 + 24, 0xa0000), "display memory");
    WITH(put64(elf + 64 + 24, 0x9f000), "display memory");
    WITH(put32(elf + NOTE_AT + 16, 0x1000), "not in any segment");
    WITH(put32(elf + NOTE_AT + 8, 17), "PVH");
    WITH(put32(elf + NOTE_AT + 4, 0xffffffff), "PVH");
    WITH(put32(elf + NOTE_AT, 0xffffffff), "PVH");
    WITH(put32(elf + 64, 7), "anything to load");
    /* the note as a second segment over the first */
    WITH((put32(elf + 120, 1), put64(elf + 120 + 24, LOAD + 0x2fff),
          put64(elf + 120 + 40, 0x100)), "PVH");
    tear_down();
}

static void test_elf_overlap(void)
{
    u8 elf[ELF_BYTES];
    u8 *third = elf + 64 + 2 * 56;

    set_up();
    make_elf(elf, true);
    put16(elf + 56, 3);
    memcpy(third, elf + 64, 56);
    put64(third + 24, LOAD + 0x2fff);
    refuse(&(BoardConfig){ .kernel = file_of(0, elf, ELF_BYTES) }, "over a segment");
    put64(third + 24, LOAD + 0x3000);
    enter(&(BoardConfig){ .kernel = file_of(0, elf, ELF_BYTES) });
    g_assert_cmphex(word(LOAD + 0x3000, 8), ==, 0xcccccccccccccccc);
    tear_down();
}

/* ---- multiboot ---- */

static void make_header(u8 *at, u32 flags)
{
    put32(at, 0x1badb002);
    put32(at + 4, flags);
    put32(at + 8, -(0x1badb002 + flags));
}

static void test_multiboot_elf(void)
{
    u8 elf[ELF_BYTES];
    gpa info, module;
    g_autofree char *modules = NULL, *cmdline = NULL;

    set_up();
    make_elf(elf, false);
    make_header(elf + CODE_AT + 0x20, 3);
    file_of(1, "first", 5);
    modules = g_strdup_printf("%s one two,%s", file_of(1, "first", 5),
                              file_of(2, "2", 1));
    enter(&(BoardConfig){ .kernel = file_of(0, elf, ELF_BYTES), .append = "x=y",
                          .initrd = modules });
    check_flat(false);
    g_assert_cmphex(state.regs.gpr[RAX], ==, 0x2badb002);
    g_assert_cmphex(state.regs.rip, ==, LOAD);
    info = state.regs.gpr[RBX];
    g_assert_cmphex(word(info, 4) & 0x4d, ==, 0x4d);
    g_assert_cmpuint(word(info + 4, 4), ==, 639);
    g_assert_cmpuint(word(info + 8, 4), ==, (ACPI_AT - 0x100000) / 1024);
    cmdline = g_strdup_printf("%s x=y", boot->kernel);
    check_text(word(info + 16, 4), cmdline);
    g_assert_cmpuint(word(info + 20, 4), ==, 2);
    module = word(info + 24, 4);
    g_assert_cmphex(word(module, 4) & 0xfff, ==, 0);
    g_assert_cmphex(word(module + 4, 4) - word(module, 4), ==, 5);
    g_assert_cmphex(word(word(module, 4), 5), ==, 0x7473726966);
    *strchr(modules, ',') = '\0';
    check_text(word(module + 8, 4), modules);
    g_assert_cmphex(word(word(module + 16, 4), 1), ==, '2');
    g_assert_cmphex(word(info + 44, 4), ==, boot->e820->len * 24);
    g_assert_cmphex(word(word(info + 48, 4), 4), ==, 20);
    g_assert_cmphex(word(word(info + 48, 4) + 12, 8), ==, 0x9fc00);
    tear_down();
}

/* The header tells: bytes from 0x40 before it on, to 2 MiB, with bss. */
static void make_raw(u8 *raw, size_t n)
{
    u8 *header = raw + 0x140;

    memset(raw, 0xcc, n);
    make_header(header, 0x10003);
    put32(header + 12, LOAD + 0x40);
    put32(header + 16, LOAD);
    put32(header + 20, LOAD + 0x200);
    put32(header + 24, LOAD + 0x400);
    put32(header + 28, LOAD + 0x80);
}

static void test_multiboot_raw(void)
{
    u8 raw[0x1000], good[0x1000], late[0x3000];
    u8 *header = raw + 0x140;

    set_up();
    make_raw(good, sizeof good);
    memcpy(raw, good, sizeof raw);
    space_write(machine->mmio, LOAD + 0x200, ~0ull, 8);
    enter(&(BoardConfig){ .kernel = file_of(0, raw, sizeof raw) });
    g_assert_cmphex(state.regs.rip, ==, LOAD + 0x80);
    g_assert_cmphex(word(LOAD + 0x40, 4), ==, 0x1badb002);
    g_assert_cmphex(word(LOAD + 0x1fc, 4), ==, 0xcccccccc);
    g_assert_cmphex(word(LOAD + 0x200, 8), ==, 0);
#undef WITH
#define WITH(change, why)                                                           \
    memcpy(raw, good, sizeof raw);                                                  \
    change;                                                                         \
    refuse(&(BoardConfig){ .kernel = file_of(0, raw, sizeof raw) }, why)

    WITH(put32(header + 12, LOAD + 0x1000), "before the file");
    WITH(put32(header + 12, LOAD - 4), "before the file");
    WITH(put32(header + 20, LOAD - 4), "do not fit");
    WITH(put32(header + 20, LOAD + 0x2000), "do not fit");
    WITH(put32(header + 24, LOAD + 0x100), "do not fit");
    WITH(put32(header + 24, 0xfffffff0), "more memory");
    WITH(put32(header + 28, LOAD - 1), "entry");
    WITH(put32(header + 28, LOAD + 0x400), "entry");
    WITH(make_header(header, 0x10013), "0x10");
    memset(late, 0, sizeof late);
    make_header(late + 8192 - 12, 0x10000);
    refuse(&(BoardConfig){ .kernel = file_of(0, late, sizeof late) }, "first 8192");
    refuse(&(BoardConfig){ .kernel = file_of(0, good, sizeof good),
                           .initrd = "/nonexistent args" }, "/nonexistent:");
    tear_down();
}

/* ---- anything at all ---- */

/*
 * Good kernels with some bytes changed: each is taken or refused, and what is taken can
 * be written.
 */
static void test_random(void)
{
    static u8 image[4][0x2000], bytes[0x2000];
    unsigned n[4] = { BZ, ELF_BYTES, ELF_BYTES, 0x1000 }, taken = 0, rounds = 20000;

    set_up();
    make_bz(image[0]);
    make_elf(image[1], true);
    make_elf(image[2], false);
    make_raw(image[3], n[3]);
    for (unsigned i = 0; i < rounds; i++) {
        unsigned k = i % 4, size = n[k];
        g_autoptr(GError) err = NULL;

        memcpy(bytes, image[k], size);
        for (unsigned j = g_test_rand_int_range(1, 6); j > 0; j--) {
            unsigned at = g_test_rand_int_range(0, k == 0 ? 0x270 : 0x200);

            bytes[at] = g_test_rand_int_range(0, 2) ? g_test_rand_int() : 0xff;
        }
        if (g_test_rand_int_range(0, 8) == 0) {
            size = g_test_rand_int_range(0, size);
        }
        if (try(&(BoardConfig){ .kernel = file_of(0, bytes, size) }, &err)) {
            g_assert_true(boot_write(boot, &err));
            taken++;
        } else {
            g_assert_nonnull(err);
        }
    }
    g_test_message("%u of %u were taken", taken, rounds);
    g_assert_cmpuint(taken, >, rounds / 100);
    g_assert_cmpuint(taken, <, rounds - rounds / 100);
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/boot/e820", test_e820);
    g_test_add_func("/boot/linux/64", test_linux_64);
    g_test_add_func("/boot/linux/32", test_linux_32);
    g_test_add_func("/boot/linux/e820", test_linux_e820);
    g_test_add_func("/boot/linux/again", test_linux_again);
    g_test_add_func("/boot/linux/refused", test_linux_refused);
    g_test_add_func("/boot/initrd", test_initrd);
    g_test_add_func("/boot/pipe", test_pipe);
    g_test_add_func("/boot/pvh", test_pvh);
    g_test_add_func("/boot/elf/refused", test_elf_refused);
    g_test_add_func("/boot/elf/overlap", test_elf_overlap);
    g_test_add_func("/boot/multiboot/elf", test_multiboot_elf);
    g_test_add_func("/boot/multiboot/raw", test_multiboot_raw);
    g_test_add_func("/boot/random", test_random);
    return g_test_run();
}
