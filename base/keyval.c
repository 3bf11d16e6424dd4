/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option values as text: pairs, numbers, sizes, and the nearest name to a misspelt one.
 * Any thread, on values it owns.
 */

#include "base/keyval.h"

#include <errno.h>
#include <string.h>

/* Reads up to a single comma, ",," standing for one; `*text` moves behind it. */
static char *take_value(const char **text)
{
    GString *value = g_string_new(NULL);
    const char *p = *text;

    while (*p && (*p != ',' || p[1] == ',')) {
        g_string_append_c(value, *p);
        p += *p == ',' ? 2 : 1;
    }
    *text = *p ? p + 1 : p;
    return g_string_free(value, FALSE);
}

/* Reads one pair at `*text`, which is not at the end. */
static KeyVal take_pair(const char **text, const char *implied)
{
    size_t n = strcspn(*text, "=,");
    KeyVal pair = { 0 };

    if ((*text)[n] == '=') {
        pair.key = g_strndup(*text, n);
        *text += n + 1;
        pair.value = take_value(text);
    } else if (implied) {
        pair.key = g_strdup(implied);
        pair.value = take_value(text);
    } else {
        bool no = n > 2 && g_str_has_prefix(*text, "no");

        pair.bare = true;
        pair.key = g_strndup(*text + (no ? 2 : 0), n - (no ? 2 : 0));
        pair.value = g_strdup(no ? "off" : "on");
        *text += n + ((*text)[n] == ',');
    }
    return pair;
}

static void pair_add(KeyVals *kv, KeyVal pair)
{
    kv->pair = g_renew(KeyVal, kv->pair, kv->n + 1);
    kv->pair[kv->n++] = pair;
}

KeyVals *keyvals_parse(const char *text, const char *implied, GError **err)
{
    g_autoptr(KeyVals) kv = g_new0(KeyVals, 1);
    const char *p = text;

    while (*p) {
        pair_add(kv, take_pair(&p, p == text ? implied : NULL));
        if (!*kv->pair[kv->n - 1].key) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "'%s': a name is missing before '=' or ','", text);
            return NULL;
        }
    }
    return g_steal_pointer(&kv);
}

static void pair_clear(KeyVal *pair)
{
    g_free(pair->key);
    g_free(pair->value);
}

void keyvals_free(KeyVals *kv)
{
    if (!kv) {
        return;
    }
    for (unsigned i = 0; i < kv->n; i++) {
        pair_clear(&kv->pair[i]);
    }
    g_free(kv->pair);
    g_free(kv);
}

const char *keyvals_get(const KeyVals *kv, const char *key)
{
    for (unsigned i = kv->n; i-- > 0;) {
        if (strcmp(kv->pair[i].key, key) == 0) {
            return kv->pair[i].value;
        }
    }
    return NULL;
}

char *keyvals_take(KeyVals *kv, const char *key)
{
    char *value = g_strdup(keyvals_get(kv, key));
    unsigned kept = 0;

    for (unsigned i = 0; i < kv->n; i++) {
        if (strcmp(kv->pair[i].key, key) == 0) {
            pair_clear(&kv->pair[i]);
        } else {
            kv->pair[kept++] = kv->pair[i];
        }
    }
    kv->n = kept;
    return value;
}

void keyvals_set(KeyVals *kv, const char *key, const char *value)
{
    g_autofree char *copy = g_strdup(value);        /* it may be one of ours */

    g_free(keyvals_take(kv, key));
    pair_add(kv, (KeyVal){ g_strdup(key), g_steal_pointer(&copy), false });
}

bool number_parse(const char *text, u64 min, u64 max, u64 *out)
{
    char *end;
    u64 value;

    if (!g_ascii_isdigit(*text)) {
        /* strtoull takes blanks and signs */
        return false;
    }
    errno = 0;
    value = strtoull(text, &end, 0);
    if (errno || *end || value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}

/* The multiplier that a suffix stands for; 0 if it is none. */
static u64 suffix_unit(const char *suffix, u64 unit)
{
    static const char letters[] = "BKMGTPE";
    const char *at;

    if (!*suffix) {
        return unit;
    }
    at = strchr(letters, g_ascii_toupper(*suffix));
    return at && !suffix[1] ? 1ull << (10 * (at - letters)) : 0;
}

bool size_parse(const char *text, u64 unit, u64 *bytes)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    double fraction = 0;
    u64 whole, size;
    char *end;

    if (!g_ascii_isdigit(*text)) {
        return false;
    }
    errno = 0;
    whole = strtoull(text, &end, hex ? 16 : 10);
    if (errno) {
        return false;
    }
    if (*end == '.' && !hex) {
        if (!g_ascii_isdigit(end[1])) {
            return false;
        }
        /* The digits alone: strtod would take an exponent, and E is a suffix. */
        g_autofree char *digits = g_strndup(end, 1 + strspn(end + 1, "0123456789"));

        fraction = g_ascii_strtod(digits, NULL);
        end += strlen(digits);
    }
    unit = suffix_unit(end, unit);
    if (!unit || __builtin_mul_overflow(whole, unit, &size) ||
        __builtin_add_overflow(size, (u64)(fraction * unit), &size)) {
        return false;
    }
    *bytes = size;
    return true;
}

static char fold(char c)
{
    return c == '_' ? '-' : g_ascii_tolower(c);
}

/* Edit distance where swapping two neighbours is one step. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    ptrdiff_t width = m + 1;            /* signed: cells are reached backwards */
    g_autofree unsigned *d = g_new(unsigned, (n + 1) * width);

    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            unsigned *cell = &d[i * width + j];

            if (i == 0 || j == 0) {
                *cell = i + j;
                continue;
            }
            *cell = cell[-width - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
            *cell = MIN(*cell, MIN(cell[-1], cell[-width]) + 1);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1])) {
                *cell = MIN(*cell, cell[-2 * width - 2] + 1);
            }
        }
    }
    return d[n * width + m];
}

const char *nearest_name(const char *name, const char *const *names)
{
    enum { LONGEST = 64 };
    size_t n = strlen(name);
    /* not nearer than this is a different word */
    unsigned best = MIN(n / 3 + 1, 4);
    const char *nearest = NULL;

    if (n < 2 || n > LONGEST) {
        return NULL;
    }
    for (; *names; names++) {
        unsigned far = strlen(*names) > LONGEST ? UINT32_MAX : distance(name, *names);

        if (n >= 3 && g_str_has_prefix(*names, name)) {
            far = MIN(far, 1);              /* cut short */
        }
        if (far < best) {
            best = far;
            nearest = *names;
        }
    }
    return nearest;
}
