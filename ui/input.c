/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sink gets what: see input.h.  Under the machine lock.
 */

#include "ui/input.h"

#include "ui/keys.h"

#include <string.h>

enum { POINTING = INPUT_RELATIVE | INPUT_ABSOLUTE };

struct InputSink {
    const InputSinkOps *ops;
    void *opaque;
    u64 active;                 /* the higher, the later it was activated; 0: not */
    bool touched;               /* has got something since the last sync */
    InputSink *next;
};

static InputSink *sinks;        /* in order of creation */
static u64 activations;
static gint absolute;           /* what input_is_absolute says */
static bool key_down[KEY_LIMIT];
static bool button_down[BUTTONS];
static bool slot_down[INPUT_SLOTS];

/* The sink that gets events of one of these kinds. */
static InputSink *find(unsigned kinds)
{
    InputSink *best = NULL;

    for (InputSink *s = sinks; s; s = s->next) {
        if ((s->ops->kinds & kinds) && s->active > (best ? best->active : 0)) {
            best = s;
        }
    }
    return best;
}

static void note_absolute(void)
{
    const InputSink *sink = find(POINTING);

    g_atomic_int_set(&absolute, sink && (sink->ops->kinds & INPUT_ABSOLUTE));
}

InputSink *input_sink_new(const InputSinkOps *ops, void *opaque, bool active)
{
    InputSink *sink = g_new0(InputSink, 1), **end = &sinks;

    sink->ops = ops;
    sink->opaque = opaque;
    while (*end) {
        end = &(*end)->next;
    }
    *end = sink;
    input_sink_activate(sink, active);
    return sink;
}

void input_sink_free(InputSink *sink)
{
    for (InputSink **at = &sinks; *at; at = &(*at)->next) {
        if (*at == sink) {
            *at = sink->next;
            g_free(sink);
            note_absolute();
            return;
        }
    }
}

void input_sink_activate(InputSink *sink, bool active)
{
    sink->active = active ? ++activations : 0;
    note_absolute();
}

/* The same, and it will be told when a sync comes. */
static InputSink *target(unsigned kinds)
{
    InputSink *sink = find(kinds);

    if (sink) {
        sink->touched = true;
    }
    return sink;
}

/* ---- events ---- */

void input_key(unsigned key, bool down)
{
    InputSink *sink;

    /* Down again is the host's repetition; the guest's keyboard has its own. */
    if (key >= KEY_LIMIT || key_down[key] == down) {
        return;
    }
    key_down[key] = down;
    sink = target(INPUT_KEYS);
    if (sink) {
        sink->ops->key(sink->opaque, key, down);
    }
}

bool input_key_is_down(unsigned key)
{
    return key < KEY_LIMIT && key_down[key];
}

void input_move(int dx, int dy)
{
    InputSink *sink = target(POINTING);

    if (sink && sink->ops->move) {
        sink->ops->move(sink->opaque, dx, dy);
    }
}

void input_place(unsigned x, unsigned y)
{
    InputSink *sink = target(POINTING);

    if (sink && sink->ops->place) {
        sink->ops->place(sink->opaque, MIN(x, INPUT_RANGE), MIN(y, INPUT_RANGE));
    }
}

void input_button(InputButton button, bool down)
{
    InputSink *sink = target(POINTING);

    button_down[button] = down;
    if (sink) {
        sink->ops->button(sink->opaque, button, down);
    }
}

void input_wheel(int x, int y)
{
    InputSink *sink = target(POINTING);

    if (sink) {
        sink->ops->wheel(sink->opaque, x, y);
    }
}

void input_touch(unsigned slot, bool down, unsigned x, unsigned y)
{
    InputSink *sink = target(INPUT_TOUCH);

    if (slot < INPUT_SLOTS) {
        slot_down[slot] = down;
    }
    if (sink && slot < INPUT_SLOTS) {
        sink->ops->touch(sink->opaque, slot, down, MIN(x, INPUT_RANGE),
                         MIN(y, INPUT_RANGE));
    }
}

void input_sync(void)
{
    for (InputSink *s = sinks; s; s = s->next) {
        if (s->touched && s->ops->sync) {
            s->ops->sync(s->opaque);
        }
        s->touched = false;
    }
}

void input_release_all(void)
{
    for (unsigned i = 0; i < KEY_LIMIT; i++) {
        if (key_down[i]) {
            input_key(i, false);
        }
    }
    for (unsigned i = 0; i < BUTTONS; i++) {
        if (button_down[i]) {
            input_button(i, false);
        }
    }
    for (unsigned i = 0; i < INPUT_SLOTS; i++) {
        if (slot_down[i]) {
            input_touch(i, false, 0, 0);
        }
    }
    input_sync();
}

/* ---- mice ---- */

bool input_is_absolute(void)
{
    return g_atomic_int_get(&absolute);
}

static InputSink *mouse_nth(unsigned n)
{
    for (InputSink *s = sinks; s; s = s->next) {
        if ((s->ops->kinds & POINTING) && n-- == 0) {
            return s;
        }
    }
    return NULL;
}

const InputSinkOps *input_mouse_nth(unsigned n, bool *current)
{
    InputSink *sink = mouse_nth(n);

    *current = sink && sink == find(POINTING);
    return sink ? sink->ops : NULL;
}

bool input_mouse_choose(unsigned n)
{
    InputSink *sink = mouse_nth(n);

    if (sink) {
        input_sink_activate(sink, true);
    }
    return sink != NULL;
}
