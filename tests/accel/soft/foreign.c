/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Foreign memory (region_init_foreign) and the software CPU: it is read and written as
 * RAM is, nothing is run from it, and once its region is out of the map no CPU is at
 * it, whatever it was doing.  The memory is unmapped then: who is late ends the test.
 */

#include "accel/soft/mmu.h"
#include "base/lock.h"
#include "tests/lib/soft_bed.h"

#include <string.h>
#include <sys/mman.h>

enum { AT = 0x180000, BYTES = 2 * PAGE_BYTES, DEVICE = AT - PAGE_BYTES };

typedef struct {
    SoftBed *bed;
    Region region, device;
    u8 *host;
} Fixture;

static void show(Fixture *f)
{
    f->host = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                   0);
    g_assert_true(f->host != MAP_FAILED);
    region_init_foreign(&f->region, "foreign", f->host, BYTES);
    space_add(f->bed->machine->mmio, &f->region, AT, 1);
}

/* Its place in the process stays taken, so that nothing else gets there. */
static void hide(Fixture *f)
{
    region_fini(&f->region);
    g_assert_cmpint(mprotect(f->host, BYTES, PROT_NONE), ==, 0);
}

static void set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->bed = soft_bed_new(1, NULL);
    soft_bed_flat(f->bed, 0);
    soft_bed_flat_to_long(f->bed);
    soft_bed_set(f->bed);
    machine_lock();
    show(f);
    machine_unlock();
}

static void tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    machine_lock();
    region_fini(&f->region);
    machine_unlock();
    soft_bed_free(f->bed);
}

static void test_access(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->bed->cpu;
    u64 value = 0x1122334455667788;

    (void)data;
    cpu_store64(cpu, AT + 16, value);
    g_assert_cmpmem(f->host + 16, 8, &value, 8);
    f->host[PAGE_BYTES + 3] = 0x5a;
    g_assert_cmphex(cpu_load8(cpu, AT + PAGE_BYTES + 3), ==, 0x5a);
    cpu_store64(cpu, AT + PAGE_BYTES - 4, value);           /* in both of its pages */
    g_assert_cmpmem(f->host + PAGE_BYTES - 4, 8, &value, 8);
    cpu_store64(cpu, AT - 4, value);                        /* half of it in RAM */
    g_assert_cmpmem(f->host, 4, (u8 *)&value + 4, 4);
    g_assert_cmphex(soft_bed_get64(f->bed, AT - 8) >> 32, ==, 0x55667788);
    *(u64 *)mmu_rmw(cpu, AT + 64, 8) = 7;
    g_assert_cmphex(cpu_load64(cpu, AT + 64), ==, 7);
}

static void test_no_code(Fixture *f, gconstpointer data)
{
    gpa phys;
    u64 page;

    (void)data;
    g_assert_nonnull(mmu_fetch(f->bed->cpu, AT - PAGE_BYTES, &phys, &page));
    g_assert_null(mmu_fetch(f->bed->cpu, AT, &phys, &page));
}

/* ---- a device in the page before it, whose access takes it away ---- */

static u64 hiding_read(void *opaque, u64 offset, unsigned size)
{
    (void)offset;
    (void)size;
    hide(opaque);
    return 0;
}

static void hiding_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)value;
    hiding_read(opaque, offset, size);
}

static const RegionOps hiding_ops = { hiding_read, hiding_write, 8 };

/* The page before: an access across both ends in the foreign one. */
static void add_device(Fixture *f)
{
    machine_lock();
    region_init_io(&f->device, "hides", &hiding_ops, f, PAGE_BYTES);
    space_add(f->bed->machine->mmio, &f->device, DEVICE, 1);
    machine_unlock();
}

static void remove_device(Fixture *f)
{
    guest_leave(f->bed->cpu);
    machine_lock();
    region_fini(&f->device);
    machine_unlock();
}

static void test_crossing(Fixture *f, gconstpointer data)
{
    u8 bytes[16] = { 1, 2, 3 };

    add_device(f);
    if (data) {
        mmu_write(f->bed->cpu, AT - 8, bytes, sizeof bytes);
    } else {
        mmu_read(f->bed->cpu, AT - 8, bytes, sizeof bytes);
    }
    g_assert_null(f->region.space);
    remove_device(f);
    /* what is seen there now is the RAM below */
    g_assert_cmphex(bytes[9], ==, 0);
}

/* ---- a CPU that writes and reads without an end ---- */

static void test_running(Fixture *f, gconstpointer data)
{
    static const u8 code[] = {
        0x48, 0xff, 0xc0,                   /* 1: inc rax */
        0x48, 0x89, 0x07,                   /* mov [rdi], rax */
        0x48, 0x03, 0x1f,                   /* add rbx, [rdi] */
        0xf0, 0x48, 0xff, 0x47, 0x08,       /* lock inc qword [rdi + 8] */
        0xeb, 0xf0,                         /* jmp 1b */
    };
    SoftBed *bed = f->bed;
    unsigned seen = 0;

    (void)data;
    bed->soft->hot = 1;
    soft_bed_put(bed, BED_RIP, code, sizeof code);
    bed->state.regs.gpr[RDI] = AT + PAGE_BYTES;
    soft_bed_set(bed);
    clock_start(bed->machine->clock);
    accel_soft.resume(bed->machine->accel);
    for (unsigned i = 0; i < 200; i++) {
        gint64 until = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
        volatile u64 *count = (u64 *)(f->host + PAGE_BYTES + 8);

        while (*count < 100 && g_get_monotonic_time() < until) {
            g_usleep(100);
        }
        seen += *count >= 100;
        machine_lock();
        hide(f);
        show(f);
        machine_unlock();
    }
    accel_soft.pause(bed->machine->accel);
    clock_stop(bed->machine->clock);
    g_assert_cmpuint(seen, ==, 200);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/soft/foreign/access", Fixture, NULL, set_up, test_access, tear_down);
    g_test_add("/soft/foreign/no-code", Fixture, NULL, set_up, test_no_code, tear_down);
    g_test_add("/soft/foreign/read-crossing", Fixture, NULL, set_up, test_crossing,
               tear_down);
    g_test_add("/soft/foreign/write-crossing", Fixture, "write", set_up, test_crossing,
               tear_down);
    g_test_add("/soft/foreign/running", Fixture, NULL, set_up, test_running, tear_down);
    return g_test_run();
}
