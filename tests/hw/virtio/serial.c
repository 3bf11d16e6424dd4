/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-serial (virtio 1.2, section 5.3): what the driver is told of ports, bytes both
 * ways, ports that are closed, back ends that are full.
 */

#include "base/lock.h"
#include "chardev/chardev.h"
#include "hw/virtio/devices.h"
#include "tests/lib/virtio_bed.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MULTIPORT (1ull << 1)

enum { IN = 0x20000, OUT = 0x30000, BYTES = 0x40000 };

static DriverRing from_device, to_device, input, output;
static int host;                    /* the other end of the port's socket */

static Device *add(const DeviceType *type, const char *options, GError **err)
{
    g_autoptr(KeyVals) kv = keyvals_parse(options, NULL, NULL);

    return device_new(rig->machine, type, &virtio_serial_bus, NULL, kv, err);
}

/* A console at port 0; at port 1 `port`, whose back end is a socket. */
static void set_up_with(const char *port)
{
    g_autofree char *options = NULL;
    g_autoptr(GError) err = NULL;
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
    host = ends[0];
    options = g_strdup_printf("socket,id=s,fd=%d", ends[1]);
    g_assert_nonnull(chardev_new(options, NULL));
    g_assert_nonnull(chardev_new("ringbuf,id=r", NULL));
    bed_open(&virtio_serial, NULL);
    g_assert_nonnull(add(&virtconsole_type, "chardev=r", &err));
    g_assert_nonnull(add(&virtserialport_type, port, &err));
    g_assert_true(driver_negotiate(&d, F_VERSION_1 | MULTIPORT));
    g_assert_true(driver_ring(&d, &from_device, 2, 32));
    g_assert_true(driver_ring(&d, &to_device, 3, 32));
    g_assert_true(driver_ring(&d, &input, 4, 32));
    g_assert_true(driver_ring(&d, &output, 5, 32));
    driver_ok(&d);
}

static void set_up(void)
{
    set_up_with("chardev=s,name=tag");
}

static void tear_down(void)
{
    Device *devices[3] = { 0 };

    for (unsigned i = 0; i < rig->machine->devices->len; i++) {
        devices[i] = g_ptr_array_index(rig->machine->devices, i);
    }
    for (unsigned i = 0; i < 3; i++) {
        if (devices[i] && devices[i] != rig->dev) {
            device_free(devices[i]);
        }
    }
    bed_close();
    chardevs_close_all();
    close(host);
}

static bool put(DriverRing *ring, gpa at, u32 n, bool write)
{
    DriverBuf buf = { at, n, write };
    bool good = ring_add(ring, &buf, 1, false) >= 0;

    ring_publish(ring);
    ring_notify(ring);
    return good;
}

/* 5.3.6.2: { le32 id; le16 event; le16 value } */
static void tell(u32 port, u16 event, u16 value)
{
    DriverUsed used;

    ram_put(d.machine, OUT, port | (u64)event << 32 | (u64)value << 48, 8);
    g_assert_true(put(&to_device, OUT, 8, false));
    g_assert_true(ring_poll(&to_device, &used));
}

/* The next message, "port event value NAME", or "". */
static const char *told(void)
{
    static char text[64];
    u64 message;
    char name[16] = { 0 };
    DriverUsed used;

    ram_put(d.machine, IN, 0, 8);
    g_assert_true(put(&from_device, IN, 32, true));
    *text = 0;
    if (ring_poll(&from_device, &used)) {
        message = ram_get(d.machine, IN, 8);
        g_assert_true(mem_read(d.machine->mem, IN + 8, name, used.bytes - 8));
        g_snprintf(text, sizeof text, "%u %u %u %s", (u32)message,
                   (u16)(message >> 32), (u16)(message >> 48), name);
    }
    return text;
}

/* Lets the main loop run, which reads and writes sockets. */
static void pass(void)
{
    machine_unlock();
    for (unsigned i = 0; i < 20; i++) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(500);
    }
    machine_lock();
}

static void come_up(void)
{
    set_up();
    tell(0, 0, 1);                              /* DEVICE_READY */
    g_assert_cmpstr(told(), ==, "0 1 1 ");      /* PORT_ADD */
    g_assert_cmpstr(told(), ==, "1 1 1 ");
    tell(0, 3, 1);                              /* PORT_READY */
    g_assert_cmpstr(told(), ==, "0 4 1 ");      /* CONSOLE_PORT */
    g_assert_cmpstr(told(), ==, "0 6 1 ");      /* PORT_OPEN */
    tell(1, 3, 1);
    g_assert_cmpstr(told(), ==, "1 7 1 tag");   /* PORT_NAME */
    g_assert_cmpstr(told(), ==, "1 6 1 ");
}

static void test_ports(void)
{
    come_up();
    tell(1, 6, 1);
    tell(31, 6, 1);                             /* no such port: nothing happens */
    tell(1, 99, 1);
    g_assert_cmpstr(told(), ==, "");
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
    /* 5.3.4: max_nr_ports */
    g_assert_cmpuint(driver_read(&d, AREA_DEVICE, 4, 4), ==, 31);
    tear_down();
}

static void test_bytes(void)
{
    char bytes[16] = { 0 };
    DriverUsed used;

    come_up();
    g_assert_true(put(&input, BYTES, 16, true));
    g_assert_cmpint(write(host, "hello", 5), ==, 5);
    pass();
    g_assert_false(ring_poll(&input, &used));   /* nobody has it open */
    tell(1, 6, 1);
    pass();
    g_assert_true(ring_poll(&input, &used));
    g_assert_cmpuint(used.bytes, ==, 5);
    g_assert_true(mem_read(d.machine->mem, BYTES, bytes, 5));
    g_assert_cmpstr(bytes, ==, "hello");

    g_assert_true(mem_write(d.machine->mem, BYTES, "answer", 6));
    g_assert_true(put(&output, BYTES, 6, false));
    g_assert_true(ring_poll(&output, &used));
    pass();
    g_assert_cmpint(read(host, bytes, sizeof bytes), ==, 6);
    g_assert_cmpmem(bytes, 6, "answer", 6);
    tear_down();
}

/* A reader that stops: the buffer waits in the ring, and every byte comes once. */
static void test_full(void)
{
    enum { ALL = 600 << 10, PART = 100 << 10 };
    g_autofree u8 *sent = g_malloc(PART);
    g_autofree u8 *got = g_malloc(ALL);
    size_t n = 0, done = 0;
    DriverUsed used;

    come_up();
    for (unsigned i = 0; i < PART; i++) {
        sent[i] = i * 7 + (i >> 8);
    }
    g_assert_true(mem_write(d.machine->mem, BYTES, sent, PART));
    for (unsigned i = 0; i < ALL / PART; i++) {
        g_assert_true(put(&output, BYTES, PART, false));
    }
    while (ring_poll(&output, &used)) {
        done++;
    }
    g_assert_cmpuint(done, <, ALL / PART);
    for (unsigned i = 0; i < 400 && n < ALL; i++) {
        ssize_t more = recv(host, got + n, ALL - n, MSG_DONTWAIT);

        n += MAX(more, 0);
        pass();
    }
    while (ring_poll(&output, &used)) {
        done++;
    }
    g_assert_cmpuint(n, ==, ALL);
    g_assert_cmpuint(done, ==, ALL / PART);
    for (unsigned i = 0; i < ALL / PART; i++) {
        g_assert_cmpmem(got + i * PART, PART, sent, PART);
    }
    tear_down();
}

/* The snapshot of a machine whose driver was about to be told a port's name. */
static void test_nameless(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;

    set_up();
    tell(1, 3, 1);
    device_save(rig->dev, saved);
    tear_down();
    set_up_with("chardev=s");
    (void)!device_load(rig->dev, saved->data, saved->len, &err);
    g_assert_no_error(err);
    g_assert_cmpstr(told(), ==, "1 6 1 ");
    tear_down();
}

static void test_options(void)
{
    static const struct {
        const DeviceType *type;
        const char *options, *says;
    } rows[] = {
        { &virtserialport_type, "nr=0", "nr: port 0 is taken, or kept for a "
                                        "virtconsole" },
        { &virtserialport_type, "nr=1", "nr: port 1 is taken" },
        { &virtserialport_type, "nr=31", "nr: 31 is not below the controller's "
                                         "max-ports" },
        { &virtserialport_type, "name=tag", "name: port 1 of this controller is 'tag' "
                                            "already" },
        { &virtserialport_type, "bus=nosuch.0", "Bus 'nosuch.0' not found" },
        { &virtconsole_type, "chardev=nosuch", "there is no chardev 'nosuch'" },
    };

    set_up();
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) err = NULL;

        g_assert_null(add(rows[i].type, rows[i].options, &err));
        g_assert_cmpstr(err->message, ==, rows[i].says);
    }
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio/serial/ports", test_ports);
    g_test_add_func("/virtio/serial/bytes", test_bytes);
    g_test_add_func("/virtio/serial/full", test_full);
    g_test_add_func("/virtio/serial/nameless", test_nameless);
    g_test_add_func("/virtio/serial/options", test_options);
    return g_test_run();
}
