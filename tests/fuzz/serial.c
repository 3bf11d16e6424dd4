/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-serial under a driver that sends anything: control messages for ports that are
 * there or not, buffers of any shape both ways, last words, resets; while the sockets
 * behind two of the ports are read, written, or left full.  Snapshots are taken,
 * damaged and loaded meanwhile.  MAYFLY_FUZZ=N in the environment: N times 200000
 * operations.
 */

#include "base/lock.h"
#include "chardev/chardev.h"
#include "hw/virtio/devices.h"
#include "tests/lib/chance.h"
#include "tests/lib/virtio_bed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MULTIPORT (1ull << 1)

enum {
    OPERATIONS = 200000, PORTS = 6, QUEUES = 2 * PORTS + 2, SIZE = 16,
    CONTROL_IN = 2, CONTROL_OUT = 3, EMERGENCY = 8,
    PLACE = 0x40000, PLACE_END = 0xf0000, SOCKETS = 2,
};

static DriverRing ring[QUEUES];
static Chance chance;
static bool up;
static int host[SOCKETS];           /* the other ends of ports 0 and 1 */
static u64 came, went, told;

/* ---- the machine ---- */

static void add(const DeviceType *type, const char *options)
{
    g_autoptr(KeyVals) kv = keyvals_parse(options, NULL, NULL);
    g_autoptr(GError) err = NULL;

    (void)!device_new(rig->machine, type, &virtio_serial_bus, NULL, kv, &err);
    g_assert_no_error(err);
}

static void add_socket(unsigned i)
{
    g_autofree char *options = NULL;
    int ends[2], small = 1;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), ==, 0);
    g_assert_cmpint(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small),
                    ==, 0);
    host[i] = ends[0];
    options = g_strdup_printf("socket,id=s%u,fd=%d", i, ends[1]);
    g_assert_nonnull(chardev_new(options, NULL));
}

static void set_up(void)
{
    for (unsigned i = 0; i < SOCKETS; i++) {
        add_socket(i);
    }
    g_assert_nonnull(chardev_new("ringbuf,id=r,size=4096", NULL));
    bed_open(&virtio_serial, "max_ports=6");
    add(&virtconsole_type, "chardev=s0");
    add(&virtserialport_type, "chardev=s1,name=a.name");
    add(&virtserialport_type, "chardev=r");
    add(&virtserialport_type, "name=nobody");
}

static void tear_down(void)
{
    GPtrArray *devices = rig->machine->devices;

    while (devices->len > 1) {
        device_free(g_ptr_array_index(devices, devices->len - 1));
    }
    bed_close();
    chardevs_close_all();
    for (unsigned i = 0; i < SOCKETS; i++) {
        close(host[i]);
    }
}

static void come_up(void)
{
    u64 wanted = F_VERSION_1 | MULTIPORT | chance_next(&chance);

    if (chance_one_in(&chance, 2)) {
        wanted = (wanted | MULTIPORT) & ~F_PACKED;
    }
    up = driver_open(&d, rig->machine, driver_first(rig->machine)) &&
         driver_negotiate(&d, wanted);
    for (unsigned i = 0; up && i < QUEUES; i++) {
        up = driver_ring(&d, &ring[i], i, SIZE);
    }
    driver_ok(&d);
}

/* ---- what a driver does ---- */

static gpa some_place(u32 n)
{
    return PLACE + chance_below(&chance, PLACE_END - PLACE - n);
}

static void put(unsigned queue, const DriverBuf *buf, unsigned n)
{
    bool indirect = chance_one_in(&chance, 4) && (d.features & F_INDIRECT);
    DriverRing *r = &ring[queue];
    DriverUsed used;

    if (ring_add(r, buf, n, indirect) >= 0) {
        ring_publish(r);
    }
    ring_notify(r);
    for (unsigned i = 0; i < SIZE && ring_poll(r, &used); i++) {
        came += queue % 2 == 0 && queue != CONTROL_IN && used.bytes;
        told += queue == CONTROL_IN;
    }
}

/* Mostly a chain as the queue wants it. */
static void put_some(unsigned queue, u32 bytes)
{
    bool write = (queue % 2 == 0) != chance_one_in(&chance, 200);
    u32 first = chance_one_in(&chance, 4) ? chance_below(&chance, bytes + 1) : bytes;
    DriverBuf buf[] = { { some_place(bytes), first, write },
                        { some_place(bytes), bytes - first, write } };

    put(queue, buf, first < bytes ? 2 : 1);
}

static void message(void)
{
    u32 port = chance_one_in(&chance, 20) ? chance_next(&chance)
                                          : chance_below(&chance, PORTS + 1);
    u16 event = chance_one_in(&chance, 20) ? chance_next(&chance)
                                           : chance_below(&chance, 8);
    u16 value = chance_below(&chance, 3);
    gpa at = some_place(8);
    DriverBuf buf = { at, chance_one_in(&chance, 500) ? chance_below(&chance, 8) : 8,
                      false };

    ram_put(d.machine, at, port | (u64)event << 32 | (u64)value << 48, 8);
    put(CONTROL_OUT, &buf, 1);
}

static void listen_to_messages(void)
{
    put_some(CONTROL_IN, chance_one_in(&chance, 500) ? chance_below(&chance, 8) : 64);
}

static unsigned some_port(void)
{
    unsigned port = chance_below(&chance, PORTS);

    return port ? 2 + 2 * port : 0;
}

static u32 some_bytes(void)
{
    return chance_one_in(&chance, 30) ? chance_below(&chance, 100000)
                                      : 1 + chance_below(&chance, 200);
}

static void output(void)
{
    put_some(some_port() + 1, some_bytes());
}

static void give_buffer(void)
{
    put_some(some_port(), chance_one_in(&chance, 500) ? 0 : some_bytes());
}

/* Any register but those that would take the rings away. */
static void touch_config(void)
{
    driver_write(&d, AREA_DEVICE, chance_one_in(&chance, 2) ? EMERGENCY
                 : chance_below(&chance, 16), chance_next(&chance),
                 1u << chance_below(&chance, 4));
}

/* ---- what others do ---- */

static void host_writes(void)
{
    static const u8 bytes[8192];

    (void)!write(host[chance_below(&chance, SOCKETS)], bytes,
                 1 + chance_below(&chance, chance_one_in(&chance, 50) ? sizeof bytes
                                                                      : 100));
}

static void host_reads(void)
{
    u8 bytes[65536];
    ssize_t n = read(host[chance_below(&chance, SOCKETS)], bytes, sizeof bytes);

    went += MAX(n, 0);
}

static void turn(void)
{
    machine_unlock();
    for (unsigned i = 0; i < 4 && g_main_context_iteration(NULL, FALSE); i++) {
    }
    machine_lock();
}

/* A machine that goes on from a snapshot, which somebody may have touched. */
static void save_and_load(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();

    device_save(rig->dev, saved);
    for (u64 n = chance_below(&chance, 4); n; n--) {
        saved->data[chance_below(&chance, saved->len)] = chance_next(&chance);
    }
    driver_set(&d, STATUS, 0);
    (void)!device_load(rig->dev, saved->data, saved->len, NULL);
}

static void operation(void)
{
    static void (*const kinds[])(void) = {
        message, message, listen_to_messages, output, output, output, give_buffer,
        give_buffer, touch_config, host_writes, host_reads, host_reads,
    };

    if (!up || driver_get(&d, STATUS) != 0x0f || chance_one_in(&chance, 5000)) {
        come_up();
    }
    kinds[chance_below(&chance, G_N_ELEMENTS(kinds))]();
    if (chance_one_in(&chance, 32)) {
        turn();
    }
    if (chance_one_in(&chance, 2000)) {
        save_and_load();
    }
}

static void test_serial(void)
{
    const char *factor = g_getenv("MAYFLY_FUZZ");
    u64 operations = OPERATIONS * (factor ? MAX(strtoull(factor, NULL, 0), 1) : 1);
    u32 seed = g_test_rand_int();

    g_test_message("seed %u", seed);
    chance = chance_new(seed);
    set_up();
    for (u64 i = 0; i < operations; i++) {
        operation();
    }
    g_test_message("%lu buffers came, %lu bytes went, %lu messages", came, went, told);
    g_assert_cmpuint(came, >, operations / 1000);
    g_assert_cmpuint(went, >, operations / 10);
    g_assert_cmpuint(told, >, operations / 1000);
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/serial/anything", test_serial);
    return g_test_run();
}
