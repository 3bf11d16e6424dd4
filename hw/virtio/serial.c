/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-serial: a controller with serial ports (virtio 1.2, section 5.3).
 *
 * A port is a pair of queues and a character back end (serial_port.c); the control
 * queues tell the driver of ports and whether somebody listens, and the device the same
 * of the guest.  Bytes for which there is no room stay where they are, on either side.
 * Not offered: the size of a console's window.
 *
 * Under the machine lock.
 */

#include "hw/virtio/devices.h"
#include "hw/virtio/serial.h"

#include <string.h>

enum {
    F_MULTIPORT = 1 << 1, F_EMERG_WRITE = 1 << 2,
    AT_PORTS = 4, AT_EMERGENCY = 8, CONFIG_BYTES = 12,
    CONTROL_IN = 2, CONTROL_OUT = 3,
    PIECE_BYTES = 4096,
    CHAIN_MOST = 1 << 20,           /* of one buffer; what is longer is cut */
};

/* 5.3.6.2 */
enum { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN,
       PORT_NAME };

typedef struct { u32 port; u16 event, value; } Message;

/* Bits of state.pending, in the order in which they are sent. */
static const u16 pending_events[] = { PORT_ADD, CONSOLE_PORT, PORT_NAME, PORT_OPEN };
enum { WANT_ADD = 1, WANT_CONSOLE = 2, WANT_NAME = 4, WANT_OPEN = 8 };

static const Field SerialConfig_fields[] = STATE_ROWS(SerialConfig, SERIAL_CONFIG_ROWS);
static const Field SerialState_fields[] = STATE_ROWS(SerialState, SERIAL_STATE_ROWS);

static VirtioSerial *serial_of(VirtioDevice *virtio)
{
    return container_of(virtio, VirtioSerial, virtio);
}

/* 5.3.2: port 0 has the first pair, the control queues the second. */
static unsigned queue_in(unsigned port)
{
    return port ? 2 + 2 * port : 0;
}

/* ---- to the driver ---- */

/* The next buffer, or NULL; the driver tells when there is one. */
static Chain *next_buffer(Virtqueue *queue)
{
    Chain *chain = virtqueue_pop(queue);

    if (!chain) {
        virtqueue_ask_for_kick(queue);
        chain = virtqueue_pop(queue);
    }
    return chain;
}

static void put_message(const VirtioSerial *serial, Chain *chain, unsigned n, u16 event)
{
    const SerialPort *port = serial->port[n];
    u16 value = event == PORT_OPEN ? serial_port_listens(port) : 1;
    Message m = { GUINT32_TO_LE(n), GUINT16_TO_LE(event), GUINT16_TO_LE(value) };

    chain_put(chain, &m, sizeof m);
    if (event == PORT_NAME) {
        chain_put(chain, port->config.name,
                  MIN(strlen(port->config.name), chain_room(chain)));
    }
    chain_done(chain);
}

/* The state may be that of a machine with other ports. */
static bool can_tell(const SerialPort *port, u16 event)
{
    return port && (event != PORT_NAME || port->config.name);
}

/* Sends what is pending while there are buffers for it. */
static void send_pending(VirtioSerial *serial)
{
    if (!virtio_has(&serial->virtio, F_MULTIPORT)) {
        return;
    }
    for (unsigned n = 0; n < serial->config.max_ports; n++) {
        u8 *pending = &serial->state.pending[n];

        for (unsigned i = 0; *pending && i < G_N_ELEMENTS(pending_events); i++) {
            Chain *chain;

            if (!(*pending & 1 << i)) {
                continue;
            }
            chain = next_buffer(virtio_queue(&serial->virtio, CONTROL_IN));
            if (!chain) {
                return;
            }
            *pending &= ~(1 << i);
            if (can_tell(serial->port[n], pending_events[i])) {
                put_message(serial, chain, n, pending_events[i]);
            } else {
                virtqueue_push_back(chain);
            }
        }
    }
}

void virtio_serial_host_changed(SerialPort *port)
{
    VirtioSerial *serial = port->serial;

    if (serial->virtio.state.status & VIRTIO_DRIVER_OK) {
        serial->state.pending[port->n] |= WANT_OPEN;
        send_pending(serial);
    }
}

/* ---- from the driver ---- */

/* 5.3.6.2.1: "Upon receipt of a VIRTIO_CONSOLE_PORT_READY(1) [...]". */
static void port_is_ready(VirtioSerial *serial, unsigned n)
{
    const SerialPort *port = serial->port[n];

    serial->state.pending[n] |= (port->console ? WANT_CONSOLE : 0) |
                                (port->config.name ? WANT_NAME : 0) |
                                (serial_port_listens(port) ? WANT_OPEN : 0);
}

static void driver_is_ready(VirtioSerial *serial)
{
    for (unsigned n = 0; n < serial->config.max_ports; n++) {
        serial->state.pending[n] = serial->port[n] ? WANT_ADD : 0;
    }
}

static void take_message(VirtioSerial *serial, Chain *chain)
{
    Message m;
    u32 n;
    u16 event, value;

    if (!chain_get(chain, &m, sizeof m)) {
        chain_fault(chain, "5.3.6.2: a control message that is too short");
        chain_done(chain);
        return;
    }
    chain_done(chain);
    n = GUINT32_FROM_LE(m.port);
    event = GUINT16_FROM_LE(m.event);
    value = GUINT16_FROM_LE(m.value);
    if (event == DEVICE_READY && value) {
        driver_is_ready(serial);
    } else if (n < serial->config.max_ports && serial->port[n]) {
        if (event == PORT_READY && value) {
            port_is_ready(serial, n);
        } else if (event == PORT_OPEN) {
            serial->state.open[n] = value != 0;
            chardev_accept_input(serial->port[n]->front);
        }
    }
    send_pending(serial);
}

/* ---- bytes out ---- */

/*
 * Bytes that the back end does not take stay in the buffer, which goes back into the
 * ring; how many are out already is noted.
 */
static void output(VirtioSerial *serial, unsigned n, Chain *chain)
{
    CharFront *front = serial->port[n] ? serial->port[n]->front : NULL;
    u32 *sent = &serial->state.sent[n], at = 0;
    u8 bytes[PIECE_BYTES];

    while (chain_left(chain) && at < CHAIN_MOST) {
        size_t want = MIN(chain_left(chain), sizeof bytes), skip, taken;

        if (!chain_get(chain, bytes, want)) {
            break;
        }
        skip = *sent > at ? MIN(*sent - at, want) : 0;
        taken = chardev_write(front, bytes + skip, want - skip);
        if (taken < want - skip) {
            *sent = at + skip + taken;
            virtqueue_push_back(chain);     /* virtio_serial_writable */
            return;
        }
        at += want;
    }
    *sent = 0;
    chain_done(chain);
}

void virtio_serial_writable(SerialPort *port)
{
    virtio_notify(&port->serial->virtio, queue_in(port->n) + 1);
}

/* ---- bytes in ---- */

size_t virtio_serial_room(SerialPort *port)
{
    VirtioSerial *serial = port->serial;
    Chain *chain;
    size_t room;

    if (virtio_has(&serial->virtio, F_MULTIPORT) && !serial->state.open[port->n]) {
        return 0;
    }
    chain = next_buffer(virtio_queue(&serial->virtio, queue_in(port->n)));
    if (!chain) {
        return 0;
    }
    room = chain_room(chain);
    if (room) {
        virtqueue_push_back(chain);
    } else {
        chain_fault(chain, "5.3.6: a receive buffer without room");
        chain_done(chain);
    }
    return MIN(room, PIECE_BYTES);
}

/* The driver may have changed its mind since it was asked: then bytes are lost. */
void virtio_serial_input(SerialPort *port, const u8 *bytes, size_t n)
{
    Virtqueue *queue = virtio_queue(&port->serial->virtio, queue_in(port->n));
    Chain *chain;

    while (n && (chain = virtqueue_pop(queue))) {
        size_t part = MIN(n, chain_room(chain));

        if (!part) {
            chain_fault(chain, "5.3.6: a receive buffer without room");
        }
        chain_put(chain, bytes, part);
        chain_done(chain);
        bytes += part;
        n -= part;
    }
}

/* ---- queues ---- */

static void serial_request(VirtioDevice *virtio, Chain *chain)
{
    VirtioSerial *serial = serial_of(virtio);
    unsigned queue = virtqueue_number(chain_queue(chain));
    unsigned n = queue < 2 ? 0 : queue / 2 - 1;

    if (queue == CONTROL_OUT) {
        take_message(serial, chain);
    } else if (queue == CONTROL_IN) {
        virtqueue_push_back(chain);
        send_pending(serial);
    } else if (queue % 2) {
        output(serial, n, chain);
    } else {
        virtqueue_push_back(chain);     /* taken when there is something to read */
        if (serial->port[n]) {
            chardev_accept_input(serial->port[n]->front);
        }
    }
}

static const VirtioQueueType
    port_queue = { "port", 128, serial_request },
    control_queue = { "control", 64, serial_request };

/* ---- configuration space (5.3.4) ---- */

static void serial_config_get(VirtioDevice *virtio, u8 *bytes)
{
    u32 ports = GUINT32_TO_LE(serial_of(virtio)->config.max_ports);

    memcpy(bytes + AT_PORTS, &ports, sizeof ports);
}

/* 5.3.4: "emerg_wr [...] a single byte write", also before the driver is up. */
static void serial_config_set(VirtioDevice *virtio, unsigned offset, const u8 *bytes,
                              unsigned n)
{
    VirtioSerial *serial = serial_of(virtio);

    (void)n;
    if (offset != AT_EMERGENCY || !serial->config.emergency_write) {
        return;
    }
    for (unsigned i = 0; i < SERIAL_PORTS; i++) {
        if (serial->port[i] && serial->port[i]->console) {
            chardev_write(serial->port[i]->front, bytes, 1);
            return;
        }
    }
}

/* ---- ports ---- */

void virtio_serial_plug(VirtioSerial *serial, SerialPort *port)
{
    port->serial = serial;
    serial->port[port->n] = port;
}

void virtio_serial_unplug(SerialPort *port)
{
    if (port->serial) {
        port->serial->port[port->n] = NULL;
        port->serial = NULL;
    }
}

/* ---- life ---- */

static bool serial_open(Device *dev, GError **err)
{
    VirtioSerial *serial = container_of(dev, VirtioSerial, virtio.device);

    (void)err;
    for (unsigned i = 0; i < 2 * serial->config.max_ports + 2; i++) {
        virtio_add_queue(&serial->virtio, i / 2 == 1 ? &control_queue : &port_queue, 0);
    }
    serial->virtio.features = F_MULTIPORT |
                              (serial->config.emergency_write ? F_EMERG_WRITE : 0);
    return true;
}

static void close_serial(Device *dev)
{
    VirtioSerial *serial = container_of(dev, VirtioSerial, virtio.device);

    for (unsigned i = 0; i < SERIAL_PORTS; i++) {
        if (serial->port[i]) {
            virtio_serial_unplug(serial->port[i]);
        }
    }
}

const VirtioType virtio_serial = {
    .device = {
        .name    = "virtio-serial",
        .help    = "a controller for virtconsole and virtserialport",
        .aliases = { "virtio-serial" },
        .bus     = VIRTIO_BUSES,
        .size    = sizeof(VirtioSerial),
        .part    = {
            .name = "virtio-serial",
            DEVICE_CONFIG(VirtioSerial, SerialConfig),
            DEVICE_STATE(VirtioSerial, SerialState),
        },
        .open    = serial_open,
        .close   = close_serial,
    },
    .id          = 3,
    .class       = 0x078000,
    .config_size = CONFIG_BYTES,
    .config_get  = serial_config_get,
    .config_set  = serial_config_set,
};
