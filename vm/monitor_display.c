/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's commands about screens, keys and mice.  The main thread.
 */

#include "base/keyval.h"
#include "base/lock.h"
#include "ui/console.h"
#include "ui/input.h"
#include "ui/keys.h"
#include "ui/picture.h"
#include "vm/monitor_inside.h"

#include <string.h>

/* ---- screendump ---- */

typedef struct {
    const char *file, *format, *device;
} DumpWords;

/* FILE [-f png|ppm] [DEVICE [HEAD]]; false: something is wrong. */
static bool dump_words(char **words, DumpWords *w)
{
    unsigned plain = 0;

    *w = (DumpWords){ .format = "ppm" };
    for (; *words; words++) {
        if (!**words) {
            continue;
        }
        if (strcmp(*words, "-f") == 0 && words[1]) {
            w->format = *++words;
        } else if (plain == 0) {
            w->file = *words;
            plain++;
        } else if (plain == 1) {
            w->device = *words;
            plain++;
        } else if (plain++ > 2 || strcmp(*words, "0") != 0) {
            return false;
        }
    }
    return w->file != NULL;
}

static Console *find_console(MonitorCall *call, const char *name)
{
    Console *console = name ? console_find(name) : console_nth(0);

    if (!console && name) {
        say(call, "Error: there is no display '%s'; 'info display' lists them\n", name);
    } else if (!console) {
        say(call, "Error: There is no console to take a screendump from\n");
    }
    return console;
}

void monitor_screendump(MonitorCall *call)
{
    g_auto(GStrv) words = g_strsplit_set(call->rest, " \t", -1);
    g_autoptr(GError) err = NULL;
    Surface picture = { 0 };
    Console *console;
    DumpWords w;
    bool png;

    if (!dump_words(words, &w)) {
        say(call, "screendump FILE [-f png|ppm] [DEVICE]\n");
        return;
    }
    png = strcmp(w.format, "png") == 0;
    if (!png && strcmp(w.format, "ppm") != 0) {
        say(call, "Error: '%s' is not a format; png and ppm are\n", w.format);
        return;
    }
    machine_lock();
    console = find_console(call, w.device);
    if (console) {
        console_update(console);
    }
    if (console && console->surface.pixels) {
        picture = picture_copy(&console->surface);
    } else if (console) {
        say(call, "Error: the display shows no picture now\n");
    }
    machine_unlock();
    if (picture.pixels && !(png ? picture_write_png(&picture, w.file, &err)
                                : picture_write_ppm(&picture, w.file, &err))) {
        say(call, "Error: %s\n", err->message);
    }
    g_free((u8 *)picture.pixels);
}

/* ---- sendkey ---- */

enum { KEYS_AT_ONCE = 16, HOLD_MS = 100, HOLD_MOST = 10000 };

typedef struct {
    unsigned key[KEYS_AT_ONCE], n;
    unsigned hold;
} Chord;

static GQueue chords = G_QUEUE_INIT;    /* the first one's keys are down */

static void press_chord(void);

static void put_keys(const Chord *c, bool down)
{
    machine_lock();
    for (unsigned i = 0; i < c->n; i++) {
        input_key(c->key[down ? i : c->n - 1 - i], down);
    }
    input_sync();
    machine_unlock();
}

static gboolean lift_chord(gpointer unused)
{
    Chord *c = g_queue_pop_head(&chords);

    (void)unused;
    put_keys(c, false);
    g_free(c);
    if (!g_queue_is_empty(&chords)) {
        press_chord();
    }
    return G_SOURCE_REMOVE;
}

static void press_chord(void)
{
    Chord *c = g_queue_peek_head(&chords);

    put_keys(c, true);
    g_timeout_add(c->hold, lift_chord, NULL);
}

/* A key by its name, or by its number in scan code set 1 (0x80: with E0). */
static const KeyRow *key_named(const char *name)
{
    const KeyRow *key = key_by_name(strcmp(name, "<") == 0 ? "less" : name);
    u64 code;

    if (!key && number_parse(name, 0, 0xff, &code) && g_str_has_prefix(name, "0x")) {
        key = key_by_set1(code);
    }
    return key;
}

static const char *nearest_key(const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const KeyRow *k = key_rows; k->name; k++) {
        g_ptr_array_add(names, (char *)k->name);
    }
    g_ptr_array_add(names, NULL);
    return nearest_name(name, (const char *const *)names->pdata);
}

static bool chord_parse(MonitorCall *call, const char *text, Chord *c)
{
    g_auto(GStrv) names = g_strsplit(text, "-", -1);

    for (char **name = names; *name; name++) {
        const KeyRow *key = key_named(*name);
        const char *near = key ? NULL : nearest_key(*name);

        if (!key) {
            say(call, "invalid parameter: %s%s%s%s\n", *name,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
            return false;
        }
        if (c->n == KEYS_AT_ONCE) {
            say(call, "too many keys\n");
            return false;
        }
        c->key[c->n++] = key->linux_code;
    }
    return c->n > 0;
}

void monitor_sendkey(MonitorCall *call)
{
    Chord chord = { .hold = HOLD_MS };
    u64 hold;

    g_strstrip(call->rest);
    if (*call->rest) {
        if (!number_parse(call->rest, 1, HOLD_MOST, &hold)) {
            say(call, "hold time: '%s' is not a number from 1 to %d (ms)\n", call->rest,
                HOLD_MOST);
            return;
        }
        chord.hold = hold;
    }
    if (chord_parse(call, call->word, &chord)) {
        g_queue_push_tail(&chords, g_memdup2(&chord, sizeof chord));
        if (g_queue_get_length(&chords) == 1) {
            press_chord();
        }
    }
}

/* ---- mice ---- */

/* Up to `most` numbers, which may be negative; how many there are, -1: others. */
static int numbers(const char *text, int *value, int most)
{
    int n = 0;

    for (char *end; *(text += strspn(text, " \t")); text = end) {
        gint64 v = g_ascii_strtoll(text, &end, 10);

        if (n == most || end == text || v < -INPUT_RANGE || v > INPUT_RANGE) {
            return -1;
        }
        value[n++] = v;
    }
    return n;
}

void monitor_mouse_move(MonitorCall *call)
{
    int v[3] = { 0 }, n = numbers(call->rest, v, 3);

    if (n < 2) {
        say(call, "mouse_move DX DY [DZ], each from -%d to %d\n", INPUT_RANGE,
            INPUT_RANGE);
        return;
    }
    machine_lock();
    if (input_is_absolute()) {
        input_place(MAX(v[0], 0), MAX(v[1], 0));
    } else {
        input_move(v[0], v[1]);
    }
    if (v[2]) {
        input_wheel(0, -v[2]);
    }
    input_sync();
    machine_unlock();
}

void monitor_mouse_button(MonitorCall *call)
{
    static const struct { unsigned bit; InputButton button; } bits[] = {
        { 1, BUTTON_LEFT }, { 2, BUTTON_MIDDLE }, { 4, BUTTON_RIGHT },
    };
    static u64 before;

    machine_lock();
    for (unsigned i = 0; i < G_N_ELEMENTS(bits); i++) {
        if ((call->number ^ before) & bits[i].bit) {
            input_button(bits[i].button, call->number & bits[i].bit);
        }
    }
    before = call->number;
    input_sync();
    machine_unlock();
}

void monitor_mouse_set(MonitorCall *call)
{
    machine_lock();
    if (call->number > UINT32_MAX || !input_mouse_choose(call->number)) {
        say(call, "Error: Mouse at index '%" G_GUINT64_FORMAT "' not found\n",
            call->number);
    }
    machine_unlock();
}

void monitor_info_mice(MonitorCall *call)
{
    const InputSinkOps *mouse;
    bool current;

    machine_lock();
    if (!input_mouse_nth(0, &current)) {
        say(call, "No mouse devices connected\n");
    }
    for (unsigned i = 0; (mouse = input_mouse_nth(i, &current)); i++) {
        say(call, "%c Mouse #%u: %s%s\n", current ? '*' : ' ', i, mouse->name,
            mouse->kinds & INPUT_ABSOLUTE ? " (absolute)" : "");
    }
    machine_unlock();
}

/* ---- info display ---- */

void monitor_info_display(MonitorCall *call)
{
    Console *console;

    machine_lock();
    if (!console_nth(0)) {
        say(call, "No display devices\n");
    }
    for (unsigned i = 0; (console = console_nth(i)); i++) {
        say(call, "%s: ", console->name);
        if (console->surface.pixels) {
            say(call, "%ux%u", console->surface.width, console->surface.height);
        } else {
            say(call, "no picture");
        }
        say(call, ", viewers: %u\n", console->viewers->len);
    }
    machine_unlock();
}
