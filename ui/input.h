/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the user's hands to the guest.
 *
 * A front end (or the monitor) says what was pressed and moved; a guest's keyboard,
 * mouse or tablet is an InputSink that takes some kinds of events.  Of the sinks that
 * take a kind and are listened to by a driver, the one activated last gets it, so that
 * a virtio keyboard takes over from the PS/2 one as soon as its driver is there.
 *
 * Keys are known by the number that Linux gives them (ui/keys.h).  The state of every
 * key is kept here: a key that is told down twice is told up once, and when the window
 * loses the focus input_release_all lifts everything.
 *
 * Under the machine lock, on any thread.
 */

#ifndef UI_INPUT_H
#define UI_INPUT_H

#include "base/types.h"

enum {
    INPUT_KEYS = 1, INPUT_RELATIVE = 2, INPUT_ABSOLUTE = 4, INPUT_TOUCH = 8,
};

/* Absolute positions go from 0 to this, left to right and top to bottom. */
enum { INPUT_RANGE = 0x7fff, INPUT_SLOTS = 10 };

typedef enum {
    BUTTON_LEFT, BUTTON_RIGHT, BUTTON_MIDDLE, BUTTON_SIDE, BUTTON_EXTRA, BUTTONS,
} InputButton;

typedef struct {
    const char *name;
    unsigned kinds;
    void (*key)(void *opaque, unsigned key, bool down);
    void (*move)(void *opaque, int dx, int dy);             /* INPUT_RELATIVE */
    void (*place)(void *opaque, unsigned x, unsigned y);    /* INPUT_ABSOLUTE */
    void (*button)(void *opaque, InputButton button, bool down);
    /* Steps of the wheels: y away from the user, x to the right. */
    void (*wheel)(void *opaque, int x, int y);
    void (*touch)(void *opaque, unsigned slot, bool down, unsigned x, unsigned y);
    void (*sync)(void *opaque);     /* these belong together; may be NULL */
} InputSinkOps;

typedef struct InputSink InputSink;

InputSink *input_sink_new(const InputSinkOps *ops, void *opaque, bool active);
void input_sink_free(InputSink *sink);          /* NULL is allowed */
/* A driver has come or gone. */
void input_sink_activate(InputSink *sink, bool active);

/* ---- events ---- */

void input_key(unsigned key, bool down);
bool input_key_is_down(unsigned key);
void input_move(int dx, int dy);
void input_place(unsigned x, unsigned y);
void input_button(InputButton button, bool down);
void input_wheel(int x, int y);
void input_touch(unsigned slot, bool down, unsigned x, unsigned y);
void input_sync(void);
void input_release_all(void);       /* keys, buttons and fingers */

/* True where the pointer's place is told, not its movement.  Any thread, no lock. */
bool input_is_absolute(void);

/* For info mice and mouse_set: pointing sinks in order of creation; NULL at the end. */
const InputSinkOps *input_mouse_nth(unsigned n, bool *current);
bool input_mouse_choose(unsigned n);            /* false: there is none */

#endif
