/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serial: a terminal device of the host: a serial port, or the other side of a pty.
 *
 * It is set to 115200 baud, 8 bits, raw; what the guest sets on its own port is not
 * carried over.
 */

#include "chardev/kinds.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

PROPS(SerialConfig, CHARDEV_ROWS,
    (str, path, "device, such as /dev/ttyS0", .required = true));

typedef struct {
    Chardev chr;
    SerialConfig config;
    int fd;                     /* 0: not open */
    struct termios before;
} Serial;

static bool serial_open(Chardev *chr, GError **err)
{
    Serial *serial = container_of(chr, Serial, chr);
    const char *path = serial->config.path;
    int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct termios raw;

    if (fd < 0 || tcgetattr(fd, &serial->before) < 0) {
        fail_errno(err, "cannot use '%s'", path);
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    serial->fd = fd;
    raw = serial->before;
    cfmakeraw(&raw);
    raw.c_cflag |= CREAD | CLOCAL;
    cfsetspeed(&raw, B115200);
    tcsetattr(fd, TCSANOW, &raw);
    backend_set_where(chr, "serial:%s", path);
    backend_connect(chr, fd, fd, false);
    return true;
}

static void serial_close(Chardev *chr)
{
    Serial *serial = container_of(chr, Serial, chr);

    if (serial->fd) {
        tcsetattr(serial->fd, TCSANOW, &serial->before);
        close(serial->fd);
    }
}

const ChardevKind chardev_serial = {
    .name = "serial",
    .help = "a terminal device of the host",
    .alias = "tty",
    .open = serial_open,
    .close = serial_close,
    CHARDEV_CONFIG(Serial, SerialConfig),
};
