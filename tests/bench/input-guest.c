/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * input-guest: in a guest, a line "pressed" for each key or button of any input device
 * as soon as this program hears of it; first the line "listening".
 */

#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { DEVICES = 16 };

int main(void)
{
    struct pollfd fds[DEVICES];
    struct input_event event;
    char name[32];

    for (int i = 0; i < DEVICES; i++) {
        snprintf(name, sizeof name, "/dev/input/event%d", i);
        fds[i] = (struct pollfd){ .fd = open(name, O_RDONLY | O_NONBLOCK),
                                  .events = POLLIN };
    }
    puts("listening");
    fflush(stdout);
    while (poll(fds, DEVICES, -1) > 0) {
        for (int i = 0; i < DEVICES; i++) {
            while (fds[i].revents &&
                   read(fds[i].fd, &event, sizeof event) == sizeof event) {
                if (event.type == EV_KEY && event.value == 1) {
                    puts("pressed");
                    fflush(stdout);
                }
            }
        }
    }
    return 1;
}
