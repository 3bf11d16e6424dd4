/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest RAM: private memory, mapped whole but not touched, and a byte of flags per
 * page.  It asks for huge pages: with them a guest under KVM takes a fraction of the
 * faults.
 *
 * Any thread may read and write.  RAM is added or given a file's contents, and the code
 * hook is set, only while the machine is built.
 */

#include "hw/core/memory.h"

#include "hw/core/space_private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { RAM_MAX = 8 };

/* Of a huge page: guest-physical and host addresses must agree below it. */
#define HUGE_BYTES (2 * MiB)

typedef struct {
    gpa base;
    u64 size;
    u8 *host;
    u64 page;               /* number of its first page */
    Region region;          /* how it stands in the space */
} Ram;

struct Mem {
    Ram ram[RAM_MAX];
    unsigned n;
    u64 pages;
    u8 *flags;              /* one byte per page */
    MemCodeFn *code_written;
    void *code_opaque;
};

Mem *mem_new(void)
{
    return g_new0(Mem, 1);
}

static void unmap(void *host, size_t size)
{
    munmap((u8 *)host - PAGE_BYTES, size + PAGE_BYTES);
}

void mem_free(Mem *mem)
{
    if (!mem) {
        return;
    }
    for (Ram *r = mem->ram; r < mem->ram + mem->n; r++) {
        region_fini(&r->region);
        unmap(r->host, r->size);
    }
    if (mem->flags) {
        munmap(mem->flags, mem->pages);
    }
    g_free(mem);
}

/* Address space only: a page costs memory when it is first written. */
static void *reserve(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/*
 * The same, from an address where a huge page may begin, with a page before it that
 * nobody can touch.  That page also keeps what is mapped below, as a rule threads'
 * stacks, from ending where a huge page does: the first use of such a stack would take
 * a whole one where the host gives them unasked.
 */
static void *reserve_aligned(size_t size)
{
    u8 *all = reserve(size + HUGE_BYTES);
    size_t before;

    if (all == MAP_FAILED) {
        return MAP_FAILED;
    }
    before = PAGE_BYTES + (-((uintptr_t)all + PAGE_BYTES) & (HUGE_BYTES - 1));
    if (before > PAGE_BYTES) {
        munmap(all, before - PAGE_BYTES);
    }
    if (before < HUGE_BYTES) {
        munmap(all + before + size, HUGE_BYTES - before);
    }
    mprotect(all + before - PAGE_BYTES, PAGE_BYTES, PROT_NONE);
    return all + before;
}

static bool flags_grow(Mem *mem, u64 pages)
{
    void *flags = mem->flags ? mremap(mem->flags, mem->pages, pages, MREMAP_MAYMOVE)
                             : reserve(pages);

    if (flags == MAP_FAILED) {
        return false;
    }
    mem->flags = flags;
    mem->pages = pages;
    return true;
}

static bool ram_map(Mem *mem, Ram *ram, const char *name, GError **err)
{
    void *host = reserve_aligned(ram->size);

    ram->page = mem->pages;
    if (host != MAP_FAILED && flags_grow(mem, mem->pages + ram->size / PAGE_BYTES)) {
        madvise(host, ram->size, MADV_DONTDUMP);
        madvise(host, ram->size, MADV_HUGEPAGE);
        ram->host = host;
        return true;
    }
    g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                "cannot reserve %" G_GUINT64_FORMAT " MiB of guest memory '%s': %s",
                (u64)(ram->size / MiB), name, g_strerror(errno));
    if (host != MAP_FAILED) {
        unmap(host, ram->size);
    }
    return false;
}

bool mem_add_ram(Mem *mem, Space *space, const char *name, gpa base, u64 size,
                 GError **err)
{
    Ram *ram = &mem->ram[mem->n];

    g_assert(mem->n < RAM_MAX && size && !((base | size) & ~PAGE_MASK));
    g_assert(base + (size - 1) >= base && size <= SIZE_MAX - HUGE_BYTES);
    *ram = (Ram){ .base = base, .size = size };
    if (!ram_map(mem, ram, name, err)) {
        return false;
    }
    mem->n++;
    region_init_host(&ram->region, name, ram->host, size);
    ram->region.mem = mem;
    ram->region.ram_page = ram->page;
    if (space) {
        space_add(space, &ram->region, base, 0);
    }
    return true;
}

u64 mem_size(const Mem *mem)
{
    return mem->pages * PAGE_BYTES;
}

bool mem_region(const Mem *mem, unsigned i, MemRegion *out)
{
    if (i < mem->n) {
        const Ram *r = &mem->ram[i];

        *out = (MemRegion){ r->region.name, r->base, r->size, r->page };
    }
    return i < mem->n;
}

u64 mem_pages(const Mem *mem)
{
    return mem->pages;
}

u8 *mem_page_flags(Mem *mem)
{
    return mem->flags;
}

void mem_code_hook(Mem *mem, MemCodeFn *written, void *opaque)
{
    mem->code_written = written;
    mem->code_opaque = opaque;
}

/* The only place where a guest address becomes a host pointer. */
static u8 *span(const Mem *mem, gpa at, size_t n, u64 *page)
{
    for (const Ram *r = mem->ram; r < mem->ram + mem->n; r++) {
        u64 offset = at - r->base;          /* wraps, and so fails, below base */

        if (offset < r->size && n <= r->size - offset) {
            *page = r->page + offset / PAGE_BYTES;
            return r->host + offset;
        }
    }
    return NULL;
}

bool mem_map_file(Mem *mem, gpa at, size_t n, int fd, u64 offset, GError **err)
{
    u64 page;
    u8 *host = span(mem, at, n, &page);
    struct stat file;

    g_assert(host && n && !((at | n | offset) & ~PAGE_MASK));
    if (fstat(fd, &file) || offset > (u64)file.st_size ||
        n > (u64)file.st_size - offset) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "the file is shorter than the guest memory it should hold");
        return false;
    }
    if (mmap(host, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED,
             fd, offset) == MAP_FAILED) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot map the file as guest memory: %s", g_strerror(errno));
        return false;
    }
    madvise(host, n, MADV_DONTDUMP);
    return true;
}

void mem_pages_written(Mem *mem, u64 page, u64 n)
{
    /*
     * Whoever decodes code sets PAGE_CODE, then reads the page; we have written the
     * page and now read PAGE_CODE.  One of the two must see the other: both sides need
     * the full barrier.
     */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (; n > 0; n--, page++) {
        u8 flags = __atomic_load_n(&mem->flags[page], __ATOMIC_RELAXED);

        if ((flags & PAGE_DIRTY_ALL) != PAGE_DIRTY_ALL) {
            __atomic_fetch_or(&mem->flags[page], PAGE_DIRTY_ALL, __ATOMIC_RELAXED);
        }
        if ((flags & PAGE_CODE) && mem->code_written) {
            mem->code_written(mem->code_opaque, page);
        }
    }
}

static u64 pages_touched(gpa at, size_t n)
{
    return n ? ((at & ~PAGE_MASK) + n - 1) / PAGE_BYTES + 1 : 0;
}

bool mem_read(const Mem *mem, gpa at, void *to, size_t n)
{
    u64 page;
    const u8 *host = span(mem, at, n, &page);

    if (!host) {
        return false;
    }
    memcpy(to, host, n);
    return true;
}

bool mem_write(Mem *mem, gpa at, const void *from, size_t n)
{
    u64 page;
    u8 *host = span(mem, at, n, &page);

    if (!host) {
        return false;
    }
    memcpy(host, from, n);
    mem_pages_written(mem, page, pages_touched(at, n));
    return true;
}

bool mem_load16(const Mem *mem, gpa at, u16 *value)
{
    u64 page;
    const u8 *host = span(mem, at, sizeof *value, &page);

    if (!host || at % sizeof *value) {
        return false;
    }
    *value = __atomic_load_n((const u16 *)host, __ATOMIC_ACQUIRE);
    return true;
}

bool mem_store16(Mem *mem, gpa at, u16 value)
{
    u64 page;
    u8 *host = span(mem, at, sizeof value, &page);

    if (!host || at % sizeof value) {
        return false;
    }
    __atomic_store_n((u16 *)host, value, __ATOMIC_RELEASE);
    mem_pages_written(mem, page, 1);
    return true;
}

bool mem_iov(Mem *mem, gpa at, size_t n, struct iovec *out)
{
    u64 page;
    u8 *host = span(mem, at, n, &page);

    *out = (struct iovec){ host, host ? n : 0 };
    return host != NULL;
}

void mem_written(Mem *mem, gpa at, size_t n)
{
    u64 page;

    if (span(mem, at, n, &page)) {
        mem_pages_written(mem, page, pages_touched(at, n));
    }
}

bool region_init_alias(Region *region, const char *name, Mem *mem, gpa at, u64 size,
                       bool readonly)
{
    u64 page;
    u8 *host = size ? span(mem, at, size, &page) : NULL;

    if (!host || ((at | size) & ~PAGE_MASK)) {
        return false;
    }
    region_init_host(region, name, host, size);
    region->mem = mem;
    region->ram_page = page;
    region->readonly = readonly;
    return true;
}
