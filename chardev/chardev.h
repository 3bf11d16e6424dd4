/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character devices: where the bytes of a serial port, a console port or a monitor go.
 *
 * A Chardev is a named back end (-chardev KIND,id=ID,...).  What stands in front of it
 * (a UART, a monitor) attaches as a CharFront.  A Chardev has one front end; with
 * mux=on it has up to four, which share its output and of which one has the focus and
 * gets the input.
 *
 *     vCPU thread                        main thread
 *     chardev_write() --> [ ring ] --timer--> write(2)   many bytes in one call
 *                         ops.readable() <--- read(2)    as many as can_read() says
 *
 * Output is buffered: single bytes (a UART's) for at most a millisecond, longer writes
 * until the main loop is free.  If the ring is full, the writer empties it itself; if
 * the host does not take the bytes then, the write is short, the guest goes on, and
 * ops.writable() says when there is room again.  Bytes for which nobody listens (a
 * socket without a client, a pty that is not open) are taken and dropped.
 *
 * Threads: chardev_write, chardev_accept_input and chardev_connected from any thread;
 * the rest on the main thread.  Front end callbacks run on the main thread, in its GLib
 * loop; with the machine lock held if ops.locked says so.
 */

#ifndef CHARDEV_CHARDEV_H
#define CHARDEV_CHARDEV_H

#include "base/types.h"

typedef struct Chardev Chardev;
typedef struct CharFront CharFront;

typedef enum {
    CHARDEV_OPENED,     /* somebody listens: a client came, the terminal was opened */
    CHARDEV_CLOSED,     /* nobody listens any more */
    CHARDEV_BREAK,      /* a break condition on the line: C-a b */
    CHARDEV_FOCUS_IN,   /* mux: this front end gets the input from now on */
    CHARDEV_FOCUS_OUT,  /* mux: another one gets it */
} ChardevEvent;

/* What a front end does.  Functions may be NULL; without can_read no input is read. */
typedef struct {
    bool locked;            /* a device model: called with the machine lock held */
    /* How many bytes it can take now.  After a 0: chardev_accept_input when it can. */
    size_t (*can_read)(void *opaque);
    void (*readable)(void *opaque, const u8 *bytes, size_t n);  /* n <= can_read() */
    void (*event)(void *opaque, ChardevEvent event);
    void (*writable)(void *opaque);     /* there is room again after a short write */
} CharFrontOps;

/* ---- front ends ---- */

/*
 * Puts a front end before `chr`.  Fails if there is one already (and no mux=on).  No
 * event is sent for what is the case already: ask chardev_connected.  On a mux the
 * newest device has the focus; a front end that is not `locked` (a monitor) has it only
 * while it is the only one.
 */
CharFront *chardev_attach(Chardev *chr, const CharFrontOps *ops, void *opaque,
                          GError **err) must_check;
void chardev_detach(CharFront *front);          /* NULL is allowed */

/*
 * Writes; returns how many bytes were taken, 0 to n.  Never blocks.  Without a front
 * (NULL: the user gave the port no back end) all bytes are taken and dropped.
 */
size_t chardev_write(CharFront *front, const void *bytes, size_t n);

/* Writes out what is buffered; waits for a slow reader, not for one that stopped. */
void chardev_flush(CharFront *front);

/*
 * can_read would say more than 0 again.  Cheap if it never said 0.  From a `locked`
 * front end: under the machine lock.
 */
void chardev_accept_input(CharFront *front);

/* True while somebody listens.  A plain file always listens; NULL never does. */
bool chardev_connected(const CharFront *front);
bool chardev_is_mux(const CharFront *front);
bool chardev_has_focus(const CharFront *front);
Chardev *chardev_of(const CharFront *front);

/* ---- back ends ---- */

/*
 * Makes a back end from "KIND,id=ID,key=value,...".  Fails on an unknown kind or key, a
 * duplicate id, and on whatever the host refuses.  A server socket with wait=on waits
 * here for its client.
 */
Chardev *chardev_new(const char *options, GError **err) must_check;

/*
 * The same from the value of -serial, -parallel or -monitor: stdio, mon:stdio,
 * null, pty, file:PATH, pipe:PATH, unix:PATH,..., tcp:HOST:PORT,..., chardev:ID,
 * /dev/...  A new one gets the id `id`.  *out is NULL after "none".  *monitor is set if
 * the value began with "mon:": the caller puts a monitor before the same (multiplexed)
 * back end.
 */
bool chardev_new_short(const char *value, const char *id, Chardev **out, bool *monitor,
                       GError **err) must_check;

/* The back end with this id; NULL and an error that names it if there is none. */
Chardev *chardev_find(const char *id, GError **err) must_check;
const char *chardev_id(const Chardev *chr);
/* Where it goes, in QMP's words: "pty:/dev/pts/3", "disconnected:unix:..." */
const char *chardev_where(const Chardev *chr);
void chardev_free(Chardev *chr);                /* flushes and closes */
void chardevs_help(GString *out);               /* -chardev help: the kinds */
bool chardev_help(const char *kind, GString *out, GError **err) must_check;
/* The n-th back end in order of creation, NULL after the last. */
Chardev *chardev_nth(unsigned n);

/* Takes the oldest bytes, at most n, out of a ringbuf.  Fails if `chr` is not one. */
bool chardev_ringbuf_read(Chardev *chr, u8 *bytes, size_t n, size_t *got,
                          GError **err) must_check;

/* What the mux keys ask for; set before there is a mux.  Either may be NULL. */
typedef struct {
    void (*quit)(void);     /* C-a x */
    void (*commit)(void);   /* C-a s */
} ChardevHost;
void chardevs_set_host(const ChardevHost *host);
void chardevs_set_escape(u8 key);               /* -echr; 1 (C-a) unless set */

/*
 * Calls `found`, once and on any thread, when a device has written this text to its
 * back end; it must not call chardev functions.  NULL: no more.
 */
void chardevs_watch(const char *text, void (*found)(void *opaque), void *opaque);

/* Writes out what is buffered; waits for a slow reader, not for one that stopped. */
void chardevs_flush(void);

/*
 * The orderly end: flushes and frees all back ends, unlinks sockets, restores the
 * terminal.  Front ends that are still attached become front ends without a back end.
 */
void chardevs_close_all(void);

#endif
