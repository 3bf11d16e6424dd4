/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Viewers: the way from a console to the main loop (console.h).
 *
 * A source in the main loop has two reasons to run: news, not sooner than a period
 * after the last time; and, where the guest draws without telling, the next look.
 */

#include "ui/console.h"

#include "base/lock.h"

enum { LOOK_FIRST_US = 16000, LOOK_LAST_US = 500000 };

typedef struct {
    GSource source;
    Viewer *viewer;
} ViewerSource;

struct Viewer {
    Console *console;
    const ViewerOps *ops;
    void *opaque;
    GSource *source;
    ConsoleNews news;
    bool is_new;
    gint64 shown;           /* when news were shown last, monotonic us */
    gint64 look;            /* when `update` is due; never where there is none */
    gint64 pause;           /* between two looks, us */
};

static bool looks(const Viewer *v)
{
    return v->console && v->console->ops->update;
}

/* Any thread. */
static void schedule(Viewer *v)
{
    gint64 when = v->is_new ? v->shown + VIEWER_PERIOD_US : INT64_MAX;

    if (looks(v)) {
        when = MIN(when, v->look);
    }
    g_source_set_ready_time(v->source, when == INT64_MAX ? -1 : when);
}

void viewer_note(Viewer *v, const ConsoleNews *news)
{
    v->news.damage = news->surface ? news->damage
                                   : rect_union(v->news.damage, news->damage);
    v->news.surface |= news->surface;
    v->news.cursor |= news->cursor;
    v->news.cursor_moved |= news->cursor_moved;
    v->news.gone |= news->gone;
    if (news->gone) {
        v->console = NULL;
    }
    v->is_new = true;
    schedule(v);
}

bool viewer_takes_textures(const Viewer *v)
{
    return v->ops->textures;
}

void viewer_stir(Viewer *v)
{
    if (looks(v) && v->pause > LOOK_FIRST_US) {
        v->pause = LOOK_FIRST_US;
        v->look = MIN(v->look, g_get_monotonic_time() + v->pause);
        schedule(v);
    }
}

static void look(Viewer *v, gint64 now)
{
    bool before = v->is_new;

    v->console->ops->update(v->console->opaque);
    v->pause = v->is_new && !before ? LOOK_FIRST_US
                                    : MIN(v->pause * 3 / 2, LOOK_LAST_US);
    v->look = now + v->pause;
}

/* Under the machine lock. */
static void take_news(Viewer *v, gint64 now)
{
    ConsoleNews news = v->news;

    v->is_new = false;
    v->news = (ConsoleNews){ 0 };
    v->shown = now;
    v->ops->copy(v->opaque, v->console, &news);
}

void viewer_show_now(Viewer *v)
{
    if (v->is_new) {
        take_news(v, g_get_monotonic_time());
        schedule(v);
        if (v->ops->present) {
            v->ops->present(v->opaque);
        }
    }
}

static gboolean dispatch(GSource *source, GSourceFunc unused, gpointer nothing)
{
    Viewer *v = ((ViewerSource *)source)->viewer;
    gint64 now = g_get_monotonic_time();
    bool show;

    (void)unused;
    (void)nothing;
    machine_lock();
    if (looks(v) && now >= v->look) {
        look(v, now);
    }
    show = v->is_new && now >= v->shown + VIEWER_PERIOD_US;
    if (show) {
        take_news(v, now);
    }
    schedule(v);
    machine_unlock();
    if (show && v->ops->present) {
        v->ops->present(v->opaque);
    }
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs functions = { .dispatch = dispatch };

Viewer *viewer_new(Console *console, const ViewerOps *ops, void *opaque)
{
    Viewer *v = g_new0(Viewer, 1);

    v->console = console;
    v->ops = ops;
    v->opaque = opaque;
    v->source = g_source_new(&functions, sizeof(ViewerSource));
    ((ViewerSource *)v->source)->viewer = v;
    v->pause = LOOK_FIRST_US;
    v->news = (ConsoleNews){ .surface = true, .cursor = true,
                             .damage = { 0, 0, console->surface.width,
                                         console->surface.height } };
    v->is_new = true;
    g_source_attach(v->source, NULL);
    machine_lock();
    g_ptr_array_add(console->viewers, v);
    schedule(v);
    machine_unlock();
    return v;
}

void viewer_free(Viewer *v)
{
    if (!v) {
        return;
    }
    machine_lock();
    if (v->console) {
        g_ptr_array_remove(v->console->viewers, v);
    }
    machine_unlock();
    g_source_destroy(v->source);
    g_source_unref(v->source);
    g_free(v);
}
