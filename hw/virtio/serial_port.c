/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtconsole and virtserialport: a port of a virtio-serial controller (serial.c), with
 * a character back end.  A console is a terminal (hvcN); a serial port is known to the
 * guest by its name, and both sides see whether the other listens.
 *
 * Under the machine lock.
 */

#include "hw/virtio/devices.h"
#include "hw/virtio/serial.h"

#include <string.h>

enum { NR_UNSET = UINT32_MAX };

typedef typeof(((SerialPort *)0)->config) PortConfig;

static const Field port_fields[] = STATE_ROWS(PortConfig,
    (str, chardev, "character back end"),
    (str, name,    "name by which the guest finds the port", .max = 255),
    (str, bus,     "controller: its id and '.0'; without it the first"),
    (u32, nr,      "number on the controller; without it the next", .def = NR_UNSET));

static SerialPort *port_of(Device *dev)
{
    return container_of(dev, SerialPort, device);
}

bool serial_port_listens(const SerialPort *port)
{
    return port->console || chardev_connected(port->front);
}

/* ---- the back end ---- */

static size_t port_can_read(void *opaque)
{
    return virtio_serial_room(opaque);
}

static void port_readable(void *opaque, const u8 *bytes, size_t n)
{
    virtio_serial_input(opaque, bytes, n);
}

static void port_event(void *opaque, ChardevEvent event)
{
    SerialPort *port = opaque;

    if (!port->console && (event == CHARDEV_OPENED || event == CHARDEV_CLOSED)) {
        virtio_serial_host_changed(port);
    }
}

static void port_writable(void *opaque)
{
    virtio_serial_writable(opaque);
}

static const CharFrontOps port_ops = {
    .locked = true, .can_read = port_can_read, .readable = port_readable,
    .event = port_event, .writable = port_writable,
};

static bool attach_chardev(SerialPort *port, GError **err)
{
    Chardev *chr;

    if (!port->config.chardev) {
        return true;
    }
    chr = chardev_find(port->config.chardev, err);
    port->front = chr ? chardev_attach(chr, &port_ops, port, err) : NULL;
    return port->front != NULL;
}

/* ---- the controller ---- */

static bool bus_is(const Device *dev, const char *bus)
{
    size_t n = strlen(dev->path);

    return strncmp(bus, dev->path, n) == 0 && (!bus[n] || strcmp(bus + n, ".0") == 0);
}

static VirtioSerial *find_serial(const SerialPort *port, GError **err)
{
    GPtrArray *devices = port->device.machine->devices;
    const char *bus = port->config.bus;

    for (unsigned i = 0; i < devices->len; i++) {
        Device *dev = g_ptr_array_index(devices, i);

        if (dev->type == &virtio_serial.device && (!bus || bus_is(dev, bus))) {
            return container_of(dev, VirtioSerial, virtio.device);
        }
    }
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, bus
                ? "Bus '%s' not found" : "No 'virtio-serial-bus' bus found for device "
                "'%s'; -device virtio-serial-pci has one",
                bus ? bus : port->device.type->name);
    return NULL;
}

/* QEMU's rule: number 0 is for a console, the first one has it. */
static bool choose_number(SerialPort *port, const VirtioSerial *serial, GError **err)
{
    unsigned most = serial->config.max_ports, n = port->config.nr;

    if (n == NR_UNSET) {
        n = port->console && !serial->port[0] ? 0 : 1;
        while (n && n < most && serial->port[n]) {
            n++;
        }
        if (n == most) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "the controller's %u ports are taken", most);
            return false;
        }
    }
    if (n >= most || serial->port[n] || (n == 0 && !port->console)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, n >= most
                    ? "nr: %u is not below the controller's max-ports" : n
                    ? "nr: port %u is taken" : "nr: port %u is taken, or kept for a "
                    "virtconsole", n);
        return false;
    }
    port->n = n;
    return true;
}

/* The driver would make two links of one name. */
static bool name_is_free(const SerialPort *port, const VirtioSerial *serial,
                         GError **err)
{
    const char *name = port->config.name;

    for (unsigned n = 0; name && n < SERIAL_PORTS; n++) {
        if (serial->port[n] && g_strcmp0(serial->port[n]->config.name, name) == 0) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "name: port %u of this controller is '%s' already", n, name);
            return false;
        }
    }
    return true;
}

/* ---- life ---- */

static bool open_port(Device *dev, bool console, GError **err)
{
    SerialPort *port = port_of(dev);
    VirtioSerial *serial = find_serial(port, err);

    port->console = console;
    if (!serial || !name_is_free(port, serial, err) ||
        !choose_number(port, serial, err) || !attach_chardev(port, err)) {
        return false;
    }
    virtio_serial_plug(serial, port);
    return true;
}

static bool open_console(Device *dev, GError **err)
{
    return open_port(dev, true, err);
}

static bool open_serial_port(Device *dev, GError **err)
{
    return open_port(dev, false, err);
}

static void close_port(Device *dev)
{
    SerialPort *port = port_of(dev);

    chardev_detach(port->front);
    virtio_serial_unplug(port);
}

const BusType virtio_serial_bus = { .name = "virtio-serial-bus", .suffix = "" };

#define PORT_PART .size = sizeof(SerialPort), .bus = { &virtio_serial_bus }, \
    .close = close_port, .part = { .name = "port", .config = port_fields,    \
                                   .config_at = offsetof(SerialPort, config) }

const DeviceType virtconsole_type = {
    .name = "virtconsole",
    .help = "a console on a virtio-serial controller",
    .open = open_console, PORT_PART,
};

const DeviceType virtserialport_type = {
    .name = "virtserialport",
    .help = "a named port on a virtio-serial controller",
    .open = open_serial_port, PORT_PART,
};
