/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between serial.c (virtio-serial, the controller) and serial_port.c (virtconsole and
 * virtserialport, what is plugged into it).  Nobody else includes this.  Under the
 * machine lock.
 */

#ifndef HW_VIRTIO_SERIAL_H
#define HW_VIRTIO_SERIAL_H

#include "chardev/chardev.h"
#include "hw/virtio/virtio.h"

enum { SERIAL_PORTS = 31 };         /* 5.3.2: two queues each, and two for control */

typedef struct SerialPort SerialPort;
typedef struct VirtioSerial VirtioSerial;

struct SerialPort {
    Device device;
    struct {                        /* the rows are in serial_port.c */
        str chardev, name, bus;
        u32 nr;
    } config;
    VirtioSerial *serial;           /* NULL: not plugged in */
    unsigned n;
    bool console;
    CharFront *front;               /* NULL: nothing listens */
};

#define SERIAL_CONFIG_ROWS                                                          \
    (u32,  max_ports, "ports there is room for", .def = SERIAL_PORTS, .min = 1,     \
           .max = SERIAL_PORTS),                                                    \
    (bool, emergency_write, "a register for the console's last words", .def = 1)

/* Indexed by port. */
#define SERIAL_STATE_ROWS                                                           \
    (u32[32], sent,    "bytes of the next output buffer that are out already"),     \
    (u8[32],  open,    "1 while somebody in the guest has the port open", .max = 1), \
    (u8[32],  pending, "messages that the driver is still to be sent, a bit each",  \
              .max = 15)

typedef struct { FOR_EACH(MEMBER_, SerialConfig, SERIAL_CONFIG_ROWS) } SerialConfig;
STATE_STRUCT(SerialState, SERIAL_STATE_ROWS);

struct VirtioSerial {
    VirtioDevice virtio;
    SerialConfig config;
    SerialState state;
    SerialPort *port[SERIAL_PORTS];
};

/* serial.c: a port comes, goes, finds somebody listening or not. */
void virtio_serial_plug(VirtioSerial *serial, SerialPort *port);
void virtio_serial_unplug(SerialPort *port);
void virtio_serial_host_changed(SerialPort *port);
/* How many bytes the guest takes at once now; takes them; there is room for output. */
size_t virtio_serial_room(SerialPort *port);
void virtio_serial_input(SerialPort *port, const u8 *bytes, size_t n);
void virtio_serial_writable(SerialPort *port);

/* serial_port.c: a port without connections is one that always listens. */
bool serial_port_listens(const SerialPort *port);

#endif
