/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates that a disk is held to: see throttle.h.
 */

#include "block/throttle.h"

#include "block/options.h"

#include <pthread.h>
#include <string.h>

/* In this order: of each kind, in all, of reads, of writes. */
enum { TOTAL, READS, WRITES, KINDS = 3, RATES = 2 * KINDS };

/* The most that may be asked for, a second. */
#define RATE_MAX 1000000000000000ull

typedef struct {
    u64 rate[RATES], burst[RATES], seconds[RATES];
    u64 iops_size;
    str group;
} Config;

#define NUMBER(label, member, text, ...)                                            \
    { .name = "throttling." label, .kind = FIELD_UINT,                              \
      .offset = offsetof(Config, member), .size = 8, .count = 1, .help = text,      \
      __VA_ARGS__ }
/* Of each rate: that, its burst, the burst's length. */
enum { ROWS = 3 };
#define RATE(label, i)                                                              \
    NUMBER(label, rate[i], "most a second", .max = RATE_MAX),                       \
    NUMBER(label "-max", burst[i], "most a second for a while", .max = RATE_MAX),   \
    NUMBER(label "-max-length", seconds[i], "how long that is, in seconds",         \
           .def = 1, .min = 1, .max = UINT32_MAX)

static const Field fields[] = {
    RATE("bps-total", TOTAL), RATE("bps-read", READS), RATE("bps-write", WRITES),
    RATE("iops-total", KINDS + TOTAL), RATE("iops-read", KINDS + READS),
    RATE("iops-write", KINDS + WRITES),
    NUMBER("iops-size", iops_size, "bytes that count as one request"),
    { .name = "throttling.group", .kind = FIELD_STR, .offset = offsetof(Config, group),
      .size = sizeof(str), .count = 1, .help = "drives that share these rates" },
    { 0 }
};

/* What the words were before they had a prefix, and are in "info block". */
static const char *const old_names[RATES] = { "bps", "bps_rd", "bps_wr",
                                              "iops", "iops_rd", "iops_wr" };

typedef struct {
    double level;                   /* poured in and not yet gone */
    double burst_level;             /* the same, going at the burst's rate */
} Bucket;

struct Throttle {
    Throttle *next;
    unsigned refs;
    char *name;
    pthread_mutex_t lock;           /* guards the rest */
    Config config;                  /* without its strings */
    Bucket bucket[RATES];
    s64 leaked;                     /* when they last did, in us */
};

static Throttle *groups;

/* ---- buckets ---- */

static void leak(Throttle *throttle, s64 now)
{
    double seconds = MAX(now - throttle->leaked, 0) / 1e6;

    throttle->leaked = now;
    for (unsigned i = 0; i < RATES; i++) {
        Bucket *b = &throttle->bucket[i];

        b->level = MAX(b->level - throttle->config.rate[i] * seconds, 0);
        b->burst_level = MAX(b->burst_level - throttle->config.burst[i] * seconds, 0);
    }
}

/* Seconds until a bucket has room again. */
static double bucket_wait(const Config *config, unsigned i, const Bucket *b)
{
    double rate = config->rate[i], burst = config->burst[i];
    double over;

    if (!config->rate[i]) {
        return 0;
    }
    over = b->level - (config->burst[i] ? burst * config->seconds[i] : rate / 10);
    if (over > 0) {
        return over / rate;
    }
    over = config->seconds[i] > 1 ? b->burst_level - burst / 10 : 0;
    return over > 0 ? over / burst : 0;
}

u64 throttle_wait(Throttle *throttle, bool write, s64 now)
{
    double wait = 0;

    pthread_mutex_lock(&throttle->lock);
    leak(throttle, now);
    for (unsigned i = 0; i < RATES; i++) {
        if (i % KINDS != (write ? READS : WRITES)) {
            wait = MAX(wait, bucket_wait(&throttle->config, i, &throttle->bucket[i]));
        }
    }
    pthread_mutex_unlock(&throttle->lock);
    return wait > 0 ? MAX(wait * 1e6, 1) : 0;
}

void throttle_count(Throttle *throttle, bool write, u64 bytes, s64 now)
{
    double requests;

    pthread_mutex_lock(&throttle->lock);
    leak(throttle, now);
    requests = throttle->config.iops_size && bytes > throttle->config.iops_size
               ? (double)bytes / throttle->config.iops_size : 1;
    for (unsigned i = 0; i < RATES; i++) {
        if (i % KINDS != (write ? READS : WRITES)) {
            throttle->bucket[i].level += i < KINDS ? bytes : requests;
            throttle->bucket[i].burst_level += i < KINDS ? bytes : requests;
        }
    }
    pthread_mutex_unlock(&throttle->lock);
}

/* ---- words ---- */

static bool bad(GError **err, const char *text)
{
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s", text);
    return false;
}

static bool rename_word(KeyVals *options, const char *old, const char *new,
                        GError **err)
{
    g_autofree char *value = keyvals_take(options, old);

    if (value && keyvals_get(options, new)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "'%s' and its alias '%s' can't be used at the same time", new, old);
        return false;
    }
    if (value) {
        keyvals_set(options, new, value);
    }
    return true;
}

/* "bps_rd_max" is "throttling.bps-read-max". */
static bool rename_old(KeyVals *options, GError **err)
{
    for (unsigned i = 0; i < RATES; i++) {
        g_autofree char *old_burst = g_strconcat(old_names[i], "_max", NULL);

        if (!rename_word(options, old_names[i], fields[i * ROWS].name, err) ||
            !rename_word(options, old_burst, fields[i * ROWS + 1].name, err)) {
            return false;
        }
    }
    return rename_word(options, "iops_size", "throttling.iops-size", err) &&
           rename_word(options, "group", "throttling.group", err);
}

bool throttle_has_word(const char *key)
{
    for (unsigned i = 0; i < RATES; i++) {
        const char *rest = g_str_has_prefix(key, old_names[i])
                           ? key + strlen(old_names[i]) : "";

        if (strcmp(key, old_names[i]) == 0 || strcmp(rest, "_max") == 0) {
            return true;
        }
    }
    return g_str_has_prefix(key, "throttling.") || strcmp(key, "iops_size") == 0 ||
           strcmp(key, "group") == 0;
}

static bool kinds_right(const Config *c, unsigned first, GError **err)
{
    const u64 *rate = c->rate + first, *burst = c->burst + first;

    return (!(rate[TOTAL] && (rate[READS] || rate[WRITES])) &&
            !(burst[TOTAL] && (burst[READS] || burst[WRITES]))) ||
           bad(err, "bps/iops/max total values and read/write values cannot be used at "
               "the same time");
}

static bool rate_right(const Config *c, unsigned i, GError **err)
{
    if (c->seconds[i] > 1 && !c->burst[i]) {
        return bad(err, "burst length set without burst rate");
    }
    if (c->burst[i] && c->seconds[i] > RATE_MAX / c->burst[i]) {
        return bad(err, "burst length too high for this burst rate");
    }
    if (c->burst[i] && !c->rate[i]) {
        return bad(err, "bps_max/iops_max require corresponding bps/iops values");
    }
    if (c->burst[i] && c->burst[i] < c->rate[i]) {
        return bad(err, "bps_max/iops_max cannot be lower than bps/iops");
    }
    return true;
}

static bool config_right(const Config *c, bool *some, GError **err)
{
    bool requests = false;

    *some = false;
    if (!kinds_right(c, 0, err) || !kinds_right(c, KINDS, err)) {
        return false;
    }
    for (unsigned i = 0; i < RATES; i++) {
        if (!rate_right(c, i, err)) {
            return false;
        }
        *some |= c->rate[i];
        requests |= i >= KINDS && c->rate[i];
    }
    return !c->iops_size || requests ||
           bad(err, "iops size requires an iops value to be set");
}

/* ---- groups ---- */

static Throttle *group_find(const char *name)
{
    Throttle *group = groups;

    while (group && strcmp(group->name, name) != 0) {
        group = group->next;
    }
    if (!group) {
        group = g_new0(Throttle, 1);
        group->name = g_strdup(name);
        pthread_mutex_init(&group->lock, NULL);
        group->next = groups;
        groups = group;
    }
    group->refs++;
    return group;
}

void throttle_unref(Throttle *throttle)
{
    Throttle **at = &groups;

    if (!throttle || --throttle->refs) {
        return;
    }
    while (*at != throttle) {
        at = &(*at)->next;
    }
    *at = throttle->next;
    pthread_mutex_destroy(&throttle->lock);
    g_free(throttle->name);
    g_free(throttle);
}

bool throttle_open(KeyVals *options, const char *id, Throttle **out, GError **err)
{
    Config config = { 0 };
    bool some = false;
    bool right = rename_old(options, err) &&
                 options_take(fields, &config, options, err) &&
                 config_right(&config, &some, err);

    *out = NULL;
    if (right && some) {
        *out = group_find(config.group ? config.group : id);
        pthread_mutex_lock(&(*out)->lock);
        (*out)->config = config;
        (*out)->config.group = NULL;
        pthread_mutex_unlock(&(*out)->lock);
    }
    fields_clear(fields, &config);
    return right;
}

void throttle_describe(Throttle *throttle, GString *out)
{
    const Config *c = &throttle->config;

    pthread_mutex_lock(&throttle->lock);
    for (unsigned first = 0; first < RATES; first += KINDS) {
        for (unsigned i = first; i < first + KINDS; i++) {
            g_string_append_printf(out, "%s=%" G_GUINT64_FORMAT " ", old_names[i],
                                   c->rate[i]);
        }
        for (unsigned i = first; i < first + KINDS; i++) {
            g_string_append_printf(out, "%s_max=%" G_GUINT64_FORMAT " ", old_names[i],
                                   c->burst[i]);
        }
    }
    g_string_append_printf(out, "iops_size=%" G_GUINT64_FORMAT " group=%s",
                           c->iops_size, throttle->name);
    pthread_mutex_unlock(&throttle->lock);
}
