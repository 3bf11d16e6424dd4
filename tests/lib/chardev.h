/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A front end that records what reaches it, and the main loop turned by hand.
 */

#ifndef TESTS_LIB_CHARDEV_H
#define TESTS_LIB_CHARDEV_H

#include "chardev/chardev.h"

typedef struct {
    CharFront *front;
    GString *input;             /* bytes that arrived */
    GString *events;            /* one letter each: O C B i o, and w for writable */
    size_t room;                /* what can_read says */
    bool locked_right;          /* callbacks held the lock if they should */
} Recorder;

/* Attaches one; it takes everything until `room` is changed. */
Recorder *recorder_new(Chardev *chr, bool locked);
void recorder_free(Recorder *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Recorder, recorder_free)

/* chardev_write of a string; all of it must be taken. */
void recorder_say(Recorder *r, const char *text);

/* Turns the main loop until `condition`; fails the test after some seconds. */
#define until(condition)                                                            \
    do {                                                                            \
        gint64 limit_ = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;               \
        while (!(condition)) {                                                      \
            if (g_get_monotonic_time() > limit_) {                                  \
                g_error("%s:%d: never: %s", __FILE__, __LINE__, #condition);        \
            }                                                                       \
            turn();                                                                 \
        }                                                                           \
    } while (0)
void turn(void);                /* one turn, waiting a moment for something to do */
void turn_for_ms(unsigned ms);

/* A new back end; its options must be right. */
Chardev *good_chardev(const char *options);

/* The options must be refused with exactly this message. */
void bad_chardev(const char *options, const char *message);

/* Reads what is there, without waiting, and appends it. */
void slurp(int fd, GString *text);

/* Can a program have a pseudo-terminal here?  If not, says why in `reason`. */
bool has_pty(const char **reason);

/* A fresh folder for sockets and files; removed with all in it. */
char *scratch_dir(void);
void scratch_remove(char *dir);

#endif
