/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for a text in what devices write to their back ends.  Each front end is
 * followed by itself, byte by byte, so that it does not matter how the guest cuts its
 * output.
 */

#include "chardev/backend.h"

#include <pthread.h>
#include <string.h>

static pthread_mutex_t watch_lock = PTHREAD_MUTEX_INITIALIZER;  /* guards all of this */
static char *wanted;
static size_t *fallback;        /* after i bytes: how many match after a mismatch */
static void (*seen)(void *opaque);
static void *seen_opaque;
static bool watching;           /* atomic: asked without the lock */

/* The longest beginning of the text that its first `i` bytes end with, for each i. */
static void make_fallback(void)
{
    size_t n = strlen(wanted), k = 0;

    fallback = g_new0(size_t, n + 1);
    for (size_t i = 1; i < n; i++) {
        while (k && wanted[i] != wanted[k]) {
            k = fallback[k];
        }
        k += wanted[i] == wanted[k];
        fallback[i + 1] = k;
    }
}

void chardevs_watch(const char *text, void (*found)(void *opaque), void *opaque)
{
    pthread_mutex_lock(&watch_lock);
    g_clear_pointer(&wanted, g_free);
    g_clear_pointer(&fallback, g_free);
    seen = found;
    seen_opaque = opaque;
    if (text) {
        wanted = g_strdup(text);
        make_fallback();
    }
    __atomic_store_n(&watching, text != NULL, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&watch_lock);
}

/* `watch_lock` held: does the text end in these bytes? */
static bool follow(CharFront *front, const u8 *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        while (front->matched && bytes[i] != (u8)wanted[front->matched]) {
            front->matched = fallback[front->matched];
        }
        front->matched += bytes[i] == (u8)wanted[front->matched];
        if (!wanted[front->matched]) {
            front->matched = 0;
            return true;
        }
    }
    return false;
}

void watch_output(CharFront *front, const u8 *bytes, size_t n)
{
    if (!__atomic_load_n(&watching, __ATOMIC_ACQUIRE) || !front->ops->locked) {
        return;
    }
    pthread_mutex_lock(&watch_lock);
    if (wanted && follow(front, bytes, n)) {
        g_clear_pointer(&wanted, g_free);       /* once */
        __atomic_store_n(&watching, false, __ATOMIC_RELEASE);
        seen(seen_opaque);
    }
    pthread_mutex_unlock(&watch_lock);
}
