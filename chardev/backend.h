/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a back end is; for the files of chardev/ only.
 *
 * A kind (kinds.c lists them) opens something of the host and hands its descriptors
 * over: backend_connect.  Reading, flow control, the mux, buffering and the log file
 * are then not its business.  When the other side goes away, `hung_up` is called, and
 * it says backend_disconnect and perhaps, later, backend_connect again.
 *
 * Everything here is the main thread's, but for `connected` and `resume`.
 */

#ifndef CHARDEV_BACKEND_H
#define CHARDEV_BACKEND_H

#include "base/field.h"
#include "chardev/chardev.h"
#include "chardev/output.h"

/* The first rows of every kind's options. */
#define CHARDEV_ROWS                                                                \
    (str,  id,        "name by which front ends find it", .required = true),        \
    (str,  logfile,   "file that gets a copy of the output"),                       \
    (bool, logappend, "keep what the log file holds already"),                      \
    (bool, mux,       "several front ends share it; C-a h shows the keys")

typedef struct {
    FOR_EACH(MEMBER_, , CHARDEV_ROWS)
} ChardevConfig;

typedef struct {
    const char *name, *help;
    const char *alias;
    const Field *config;            /* CHARDEV_ROWS first */
    u32 config_at;                  /* of the config in the object */
    size_t size;                    /* of the object, which begins with a Chardev */
    bool (*open)(Chardev *chr, GError **err);
    void (*close)(Chardev *chr);    /* takes a half-open one; may be NULL */
    void (*hung_up)(Chardev *chr);  /* NULL: then nothing is read any more */
    bool peer;                      /* the other side can go while nothing is read */
} ChardevKind;

#define CHARDEV_CONFIG(T, C) \
    .config = C##_fields, .config_at = offsetof(T, config), .size = sizeof(T)

typedef struct Mux Mux;

enum { MAX_FRONTS = 4 };

struct CharFront {
    Chardev *chr;                   /* NULL once the back ends are closed */
    const CharFrontOps *ops;
    void *opaque;
    bool starved;                   /* atomic: can_read said 0 while there was input */
    size_t matched;                 /* bytes of the text that is waited for: watch.c */
    GByteArray *held;               /* mux: input that it has not taken yet */
};

struct Chardev {
    const ChardevKind *kind;
    const ChardevConfig *config;
    char *where;                    /* chardev_where */
    Output out;
    bool connected;                 /* atomic */
    bool resume;                    /* atomic: a starved front end takes input again */
    bool paused;                    /* it does not */
    int in_fd;                      /* borrowed; -1: no input */
    guint in_watch, out_watch, kick_watch;  /* GLib sources, 0: none */
    GIOCondition in_wanted;
    CharFront *front[MAX_FRONTS];   /* in order of attachment */
    unsigned n_fronts, focus;
    Mux *mux;                       /* NULL without mux=on */
};

extern const ChardevKind *const chardev_kinds[];    /* by name; NULL-terminated */

/* ---- for the kinds ---- */

/*
 * Somebody listens: reads from in_fd (-1: nothing to read) and writes to out_fd.  `ask`
 * as in output.h.  The kind closes them, after backend_disconnect or in close.
 */
void backend_connect(Chardev *chr, int in_fd, int out_fd, bool ask);
void backend_disconnect(Chardev *chr);
void backend_stop_input(Chardev *chr);          /* for good */
void backend_set_where(Chardev *chr, const char *fmt, ...) printf_like(2, 3);

/* Sets an error "what: the host's reason" from errno; returns false. */
bool fail_errno(GError **err, const char *fmt, ...) printf_like(2, 3);

/* ---- between the files of the core ---- */

bool chardev_start(Chardev *chr, GError **err) must_check;  /* before the kind's open */
void chardev_stop(Chardev *chr);                            /* before its close */
bool front_enter(const CharFront *front);       /* takes the machine lock if need be; */
void front_leave(bool entered);                 /* gets what front_enter said */
void front_event(CharFront *front, ChardevEvent event);
void input_update(Chardev *chr);                /* reads or not, as things are now */
void chardevs_crash(void);                      /* async-signal-safe */

/* watch.c: what a front end wrote. */
void watch_output(CharFront *front, const u8 *bytes, size_t n);

/* mux.c: several front ends on one back end. */
Mux *mux_new(void);
void mux_free(Mux *mux);
size_t mux_room(const Chardev *chr);            /* bytes that mux_input can take */
void mux_input(Chardev *chr, const u8 *bytes, size_t n);
void mux_deliver(CharFront *front);             /* what it takes of what is held */
void mux_focus(Chardev *chr, unsigned focus);
size_t mux_write(Chardev *chr, const u8 *bytes, size_t n);

#endif
