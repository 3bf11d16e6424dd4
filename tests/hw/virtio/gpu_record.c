/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is kept of a 3D context (hw/virtio/gpu_gl_record.h).  The numbers of commands
 * and objects are virgl_protocol.h's, written once more.  The last test is one of any
 * words at all: what comes out is well formed, and makes the same again.
 */

#include "hw/virtio/gpu_gl_record.h"
#include "tests/lib/chance.h"

#include <stdlib.h>
#include <string.h>

enum { CREATE = 1, BIND, DESTROY, VIEWPORT, FRAMEBUFFER, BUFFERS, DRAW = 8, VIEWS = 10,
       BEGIN = 19, END, RESULT, STREAMOUT = 25, CONDITION, SET_SUB = 28, CREATE_SUB,
       DESTROY_SUB, SHADER_BIND, RESOURCE = 48 };
enum { BLEND = 1, SHADER = 4, VIEW = 6, SURFACE = 8, QUERY, TARGET };
enum { LONG = 20000, SHORT = 400 };

static GlRecord *record;
static bool query_answered;

#define feed(command, object, ...)                                                  \
    feed_words((command) | (object) << 8, (const u32[]){ __VA_ARGS__ },             \
               sizeof((const u32[]){ __VA_ARGS__ }) / 4)

static void feed_words(u32 what, const u32 *words, u32 n)
{
    g_autofree u32 *all = g_new(u32, n + 1);

    all[0] = what | n << 16;
    memcpy(all + 1, words, n * 4);
    gl_record_feed(record, all, n + 1);
}

static bool answered(void *opaque, u32 resource)
{
    (void)opaque;
    (void)resource;
    return query_answered;
}

static GArray *stream_of(GlRecord *from, const char **why)
{
    return gl_record_stream(from, answered, NULL, why);
}

static void begin(void)
{
    record = gl_record_new();
    gl_record_attach(record, 7, 70);
    gl_record_attach(record, 8, 80);
}

/* The record makes exactly this, behind "sub-context 0". */
static void expect(const u32 *wanted, u32 n)
{
    const char *why;
    g_autoptr(GArray) got = stream_of(record, &why);

    g_assert_cmpstr(why, ==, NULL);
    g_assert_cmpmem(got->data, got->len * 4, wanted, n * 4);
    gl_record_free(record);
}

#define EXPECT(...)                                                                 \
    expect((const u32[]){ SET_SUB | 1 << 16, 0, __VA_ARGS__ SET_SUB | 1 << 16, 0 }, \
           sizeof((const u32[]){ 0, 0, __VA_ARGS__ 0, 0 }) / 4)

static void expect_refusal(const char *wanted)
{
    const char *why;

    g_assert_null(stream_of(record, &why));
    g_assert_nonnull(strstr(why, wanted));
    gl_record_free(record);
}

/* ---- what is kept ---- */

static void test_objects(void)
{
    begin();
    feed(CREATE, BLEND, 1, 11);
    feed(CREATE, BLEND, 2, 22);
    feed(DRAW, 0, 0, 3, 4);
    feed(DESTROY, BLEND, 1);
    feed(CREATE, SURFACE, 3, 7, 1, 0, 0);
    EXPECT(CREATE | BLEND << 8 | 2 << 16, 2, 22,
           CREATE | SURFACE << 8 | 5 << 16, 3, 7, 1, 0, 0,);
}

/* The newest of each, in the order in which they were set. */
static void test_state(void)
{
    begin();
    feed(CREATE, BLEND, 1, 11);
    feed(BUFFERS, 0, 16, 0, 7, 16, 0, 9);
    feed(BIND, BLEND, 1);
    feed(VIEWPORT, 0, 1, 1, 2, 3, 4, 5, 6);
    feed(BIND, BLEND, 0);
    feed(BIND, BLEND, 1);
    EXPECT(CREATE | BLEND << 8 | 2 << 16, 1, 11,
           BUFFERS | 6 << 16, 16, 0, 7, 16, 0, 0,       /* there is no resource 9 */
           VIEWPORT | 13 << 16, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6,
           BIND | BLEND << 8 | 1 << 16, 1,);
}

/* Slot by slot; what is behind the last view that is set is none. */
static void test_slots(void)
{
    begin();
    feed(CREATE, VIEW, 5, 7, 1, 0, 0, 0);
    feed(VIEWS, 0, 1, 0, 5, 5, 5);
    feed(VIEWS, 0, 1, 1, 0);
    EXPECT(CREATE | VIEW << 8 | 6 << 16, 5, 7, 1, 0, 0, 0,
           VIEWS | 4 << 16, 1, 0, 5, 0,);
}

/* Destroyed while it is in use: it is made, used, destroyed once more. */
static void test_ghost(void)
{
    begin();
    feed(CREATE, BLEND, 1, 11);
    feed(BIND, BLEND, 1);
    feed(DESTROY, BLEND, 1);
    EXPECT(CREATE | BLEND << 8 | 2 << 16, 1, 11, BIND | BLEND << 8 | 1 << 16, 1,
           DESTROY | 1 << 16, 1,);
}

static void test_shader(void)
{
    u32 part = CREATE | SHADER << 8 | 6 << 16;

    begin();
    feed(CREATE, SHADER, 4, 0, 8, 10, 0, 0x41);
    feed(CREATE, SHADER, 4, 0, 1u << 31 | 4, 10, 0, 0x42);
    feed(SHADER_BIND, 0, 4, 1);         /* it is one of kind 0: nothing happens */
    feed(SHADER_BIND, 0, 4, 0);
    EXPECT(part, 4, 0, 8, 10, 0, 0x41, part, 4, 0, 1u << 31 | 4, 10, 0, 0x42,
           SHADER_BIND | 2 << 16, 4, 0,);
}

static void test_subs(void)
{
    begin();
    feed(CREATE_SUB, 0, 3);
    feed(CREATE, BLEND, 1, 33);
    feed(CREATE_SUB, 0, 4);
    feed(CREATE, BLEND, 1, 44);
    feed(SET_SUB, 0, 3);
    feed(DESTROY_SUB, 0, 4);
    expect((const u32[]){ SET_SUB | 1 << 16, 0, CREATE_SUB | 1 << 16, 3,
                          SET_SUB | 1 << 16, 3, CREATE | BLEND << 8 | 2 << 16, 1, 33,
                          SET_SUB | 1 << 16, 3 }, 11);
}

/* ---- what is refused ---- */

static void test_gone(void)
{
    begin();
    feed(CREATE, SURFACE, 3, 7, 1, 0, 0);
    gl_record_detach(record, 7);
    EXPECT();

    begin();
    feed(CREATE, SURFACE, 3, 7, 1, 0, 0);
    feed(FRAMEBUFFER, 0, 1, 0, 3);
    gl_record_detach(record, 7);
    gl_record_attach(record, 7, 71);    /* another one */
    expect_refusal("given back");
}

static void test_queries(void)
{
    static const u32 steps[] = { BEGIN, END, RESULT };
    static const char *const why[] = { "runs", "not been asked", "not come" };

    for (unsigned i = 0; i < 3; i++) {
        begin();
        feed(CREATE, QUERY, 6, 0, 0, 8);
        for (unsigned k = 0; k <= i; k++) {
            feed(steps[k], 0, 6, 0);
        }
        expect_refusal(why[i]);
    }
    begin();
    feed(CREATE, QUERY, 6, 0, 0, 8);
    feed(RESULT, 0, 6, 0);
    query_answered = true;
    EXPECT(CREATE | QUERY << 8 | 4 << 16, 6, 0, 0, 8,);
    query_answered = false;
}

static void test_refused(void)
{
    begin();
    feed(CREATE, TARGET, 6, 7, 0, 64);
    expect_refusal("streamout target");
    begin();
    feed(STREAMOUT, 0, 0, 6);
    expect_refusal("streamout");
    begin();
    feed(CONDITION, 0, 6, 0, 0);
    expect_refusal("render condition");
    begin();
    feed(60, 0, 0);
    expect_refusal("not followed");
}

static void test_cut_short(void)
{
    const u32 words[] = { DRAW | 4 << 16, 0 };

    begin();
    feed(CREATE, BLEND, 1, 11);
    gl_record_feed(record, words, 2);
    g_assert_true(record->lost);
    expect(NULL, 0);
}

/* ---- any words ---- */

static Chance chance;

static u32 some_word(void)
{
    return chance_one_in(&chance, 8) ? chance_next(&chance)
                                     : chance_below(&chance, 9);
}

static void feed_some(GlRecord *to)
{
    u32 word[40], n = chance_below(&chance, 14);
    u32 command = chance_one_in(&chance, 500) ? chance_next(&chance) & 0xff
                                              : chance_below(&chance, 47);

    word[0] = command | chance_below(&chance, 12) << 8 | n << 16;
    for (u32 i = 1; i <= n; i++) {
        word[i] = some_word();
    }
    gl_record_feed(to, word, n + 1 - chance_one_in(&chance, 400) * (n > 0));
}

/* Makes the same again, from a stream whose commands lie behind each other. */
static void check_stream(const GArray *stream)
{
    GlRecord *again = gl_record_new();
    const u32 *word = (const u32 *)stream->data;
    const char *why;
    GArray *second;
    size_t at = 0;

    while (at < stream->len) {
        at += (word[at] >> 16) + 1;
    }
    g_assert_cmpuint(at, ==, stream->len);
    for (u32 id = 1; id < 6; id++) {
        gl_record_attach(again, id, id);
    }
    gl_record_feed(again, word, stream->len);
    second = stream_of(again, &why);
    g_assert_cmpstr(why, ==, NULL);
    g_assert_cmpmem(second->data, second->len * 4, stream->data, stream->len * 4);
    g_array_unref(second);
    gl_record_free(again);
}

static void test_any(void)
{
    const char *times = getenv("MAYFLY_FUZZ"), *why;
    u64 rounds = times ? LONG * strtoull(times, NULL, 10) : SHORT, good = 0;

    chance = chance_new(g_test_rand_int());
    query_answered = true;
    for (u64 i = 0; i < rounds; i++) {
        GlRecord *any = gl_record_new();
        GArray *stream;

        for (u32 id = 1; id < 6; id++) {
            gl_record_attach(any, id, id);
        }
        for (u32 n = chance_below(&chance, 120); n > 0; n--) {
            feed_some(any);
        }
        gl_record_detach(any, chance_below(&chance, 12));
        stream = stream_of(any, &why);
        if (stream && !any->lost) {
            check_stream(stream);
            good++;
        }
        g_clear_pointer(&stream, g_array_unref);
        gl_record_free(any);
    }
    g_assert_cmpuint(good, >, rounds / 20);
    query_answered = false;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/record/objects", test_objects);
    g_test_add_func("/gpu/record/state", test_state);
    g_test_add_func("/gpu/record/slots", test_slots);
    g_test_add_func("/gpu/record/ghost", test_ghost);
    g_test_add_func("/gpu/record/shader", test_shader);
    g_test_add_func("/gpu/record/subs", test_subs);
    g_test_add_func("/gpu/record/gone", test_gone);
    g_test_add_func("/gpu/record/queries", test_queries);
    g_test_add_func("/gpu/record/refused", test_refused);
    g_test_add_func("/gpu/record/cut-short", test_cut_short);
    g_test_add_func("/gpu/record/any", test_any);
    return g_test_run();
}
