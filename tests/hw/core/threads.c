/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPU threads, an I/O thread and a guest that moves its BAR, all at once, and doorbells
 * that come and go: for ThreadSanitizer, and for counts that must add up.
 */

#include "base/lock.h"
#include "hw/core/machine.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ROUNDS = 3000, BAR = 0x100000 };

typedef struct {
    Machine *machine;
    Region bar;
    u64 accesses;               /* by the device, under the machine lock */
    unsigned code;              /* calls of the code hook; atomic */
} Rig;

static u64 bar_read(void *opaque, u64 offset, unsigned size)
{
    Rig *rig = opaque;

    (void)offset;
    (void)size;
    g_assert_true(machine_lock_held());
    return ++rig->accesses;
}

static const RegionOps bar_ops = { .read = bar_read };

static void code_written(void *opaque, u64 page)
{
    Rig *rig = opaque;

    g_assert_cmpuint(page, ==, 5);
    __atomic_fetch_add(&rig->code, 1, __ATOMIC_RELAXED);
}

/* Reads the BAR wherever it may be; returns how often it was there. */
static gpointer cpu(gpointer data)
{
    Rig *rig = data;
    u64 hits = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        machine_lock();
        hits += space_read(rig->machine->mmio, BAR + i % 2 * 0x1000, 4) != 0xffffffff;
        machine_unlock();
    }
    return GSIZE_TO_POINTER(hits);
}

static gpointer mover(gpointer data)
{
    Rig *rig = data;

    for (unsigned i = 0; i < ROUNDS; i++) {
        machine_lock();
        region_move(&rig->bar, BAR + i % 2 * 0x1000);
        machine_unlock();
    }
    return NULL;
}

/*
 * DMA takes no lock; each thread has a page of its own, and all mark page 5 through the
 * hook.
 */
static gpointer io(gpointer data)
{
    Rig *rig = data;
    static unsigned threads;
    gpa page = PAGE_BYTES * (1 + __atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED) % 3);

    for (unsigned i = 0; i < ROUNDS; i++) {
        u32 word = i;

        g_assert_true(mem_write(rig->machine->mem, page + 4, &word, sizeof word));
        g_assert_true(mem_read(rig->machine->mem, page + 4, &word, sizeof word));
        g_assert_cmpuint(word, ==, i);
        mem_written(rig->machine->mem, 5 * PAGE_BYTES, 1);
    }
    return NULL;
}

static void all_at_once(void)
{
    static const GThreadFunc job[] = { cpu, cpu, mover, io, io };
    Rig rig = { .machine = machine_new() };
    GThread *thread[G_N_ELEMENTS(job)];
    u64 hits = 0;

    g_assert_true(mem_add_ram(rig.machine->mem, rig.machine->mmio, "ram", 0, 0x10000,
                              NULL));
    mem_code_hook(rig.machine->mem, code_written, &rig);
    mem_page_flags(rig.machine->mem)[5] = PAGE_CODE;
    region_init_io(&rig.bar, "bar", &bar_ops, &rig, 0x10);
    space_add(rig.machine->mmio, &rig.bar, BAR, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(job); i++) {
        thread[i] = g_thread_new("job", job[i], &rig);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(job); i++) {
        hits += GPOINTER_TO_SIZE(g_thread_join(thread[i]));
    }
    g_assert_cmpuint(hits, ==, rig.accesses);
    g_assert_cmpuint(rig.code, ==, 2 * ROUNDS);
    region_fini(&rig.bar);
    machine_free(rig.machine);
}

/* ---- doorbells ---- */

static u64 written;                 /* what came to the device instead of a bell */

static void bar_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)opaque, (void)offset, (void)value, (void)size;
    written++;
}

/* As the software CPU does it. */
static gpointer ringer(gpointer data)
{
    Space *space = data;
    BellHint hint = { 0 };

    for (unsigned i = 0; i < 10 * ROUNDS; i++) {
        if (!space_ring(&hint, BAR, 4)) {
            machine_lock();
            space_write_noted(space, BAR, 1, 4, &hint);
            machine_unlock();
        }
    }
    return NULL;
}

static u64 count_of(int fd)
{
    eventfd_t count;

    return eventfd_read(fd, &count) == 0 ? count : 0;
}

/* Each write rings a bell or reaches the device; a bell that was removed is silent. */
static void bells_come_and_go(void)
{
    static const RegionOps ops = { .write = bar_write };
    Space *space = space_new("memory", 0);
    int fd = eventfd(0, EFD_NONBLOCK);
    GThread *thread[2];
    u64 rung = 0;
    Region bar;

    region_init_io(&bar, "bar", &ops, NULL, 0x10);
    space_add(space, &bar, BAR, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(thread); i++) {
        thread[i] = g_thread_new("ringer", ringer, space);
    }
    for (unsigned i = 0; i < 100; i++) {
        machine_lock();
        region_add_doorbell(&bar, &(Doorbell){ .offset = 0, .fd = fd });
        machine_unlock();
        g_usleep(100);
        machine_lock();
        region_remove_doorbell(&bar, fd);
        rung += count_of(fd);
        g_usleep(100);
        g_assert_cmpuint(count_of(fd), ==, 0);
        machine_unlock();
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(thread); i++) {
        g_thread_join(thread[i]);
    }
    g_assert_cmpuint(rung + written, ==, 10 * ROUNDS * G_N_ELEMENTS(thread));
    region_fini(&bar);
    space_free(space);
    close(fd);
}

/* A ring index is published with release and read with acquire. */
static gpointer producer(gpointer data)
{
    Mem *mem = data;

    for (u16 i = 1; i <= ROUNDS; i++) {
        u32 value = i * 3;

        g_assert_true(mem_write(mem, 0x1000 + i * 4, &value, sizeof value));
        g_assert_true(mem_store16(mem, 0x800, i));
    }
    return NULL;
}

static void index_publishes(void)
{
    Mem *mem = mem_new();
    GThread *thread;
    u16 seen = 0;

    g_assert_true(mem_add_ram(mem, NULL, "ram", 0, 0x10000, NULL));
    thread = g_thread_new("producer", producer, mem);
    while (seen < ROUNDS) {
        u32 value = 0;

        g_assert_true(mem_load16(mem, 0x800, &seen));
        if (seen) {
            g_assert_true(mem_read(mem, 0x1000 + seen * 4, &value, sizeof value));
            g_assert_cmpuint(value, ==, seen * 3);
        }
        g_thread_yield();
    }
    g_thread_join(thread);
    mem_free(mem);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hw/threads/bells", bells_come_and_go);
    g_test_add_func("/hw/threads/all-at-once", all_at_once);
    g_test_add_func("/hw/threads/index", index_publishes);
    return g_test_run();
}
