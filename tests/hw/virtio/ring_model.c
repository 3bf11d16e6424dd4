/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rings against a simple model: random chains, direct and indirect, empty parts,
 * requests that are completed in any order, a snapshot now and then.  What the driver
 * gets back must be what it sent.
 */

#include "tests/lib/virtio_bed.h"

#include <string.h>

static gpa out, in;                     /* buffers of either direction, by id */

enum { MODEL_SIZE = 64, MODEL_BYTES = 64, MODEL_PARTS = 5, MODEL_ROUNDS = 3000 };

/* By id: how many bytes must come back; each has buffers of its own for both ways. */
static struct { bool out; u32 bytes; } model[MODEL_SIZE];

enum { MODEL_STRIDE = MODEL_BYTES * MODEL_PARTS };

/* Cuts [at, ...) into up to MODEL_PARTS buffers, some of them empty. */
static u32 model_cut(DriverBuf *buf, unsigned n, gpa at, bool write)
{
    u32 bytes = 0;

    for (unsigned i = 0; i < n; i++) {
        u32 size = g_test_rand_int_range(0, MODEL_BYTES);

        buf[i] = (DriverBuf){ at + bytes, size, write };
        bytes += size;
    }
    return bytes;
}

static void model_add(void)
{
    DriverBuf buf[2 * MODEL_PARTS];
    unsigned n_out = g_test_rand_int_range(0, MODEL_PARTS + 1);
    unsigned n_in = g_test_rand_int_range(n_out == 0, MODEL_PARTS + 1);
    u16 id = the_ring.first_free;
    u32 left = model_cut(buf, n_out, out + id * MODEL_STRIDE, false);
    u32 room = model_cut(buf + n_out, n_in, in + id * MODEL_STRIDE, true);

    if (!the_ring.free ||
        ring_add(&the_ring, buf, n_out + n_in, g_test_rand_bit()) < 0) {
        return;
    }
    g_assert_false(model[id].out);
    model[id].out = true;
    model[id].bytes = MIN(left, room);
    for (u32 i = 0; i < left; i++) {
        ram_put(d.machine, out + id * MODEL_STRIDE + i, g_test_rand_int(), 1);
    }
    for (u32 i = 0; i <= room; i++) {
        ram_put(d.machine, in + id * MODEL_STRIDE + i, 0, 1);
    }
}

static void model_check(u16 id, u32 bytes)
{
    u8 sent[MODEL_STRIDE], got[MODEL_STRIDE];

    g_assert_true(id < MODEL_SIZE && model[id].out);
    model[id].out = false;
    g_assert_cmpuint(bytes, ==, model[id].bytes);
    g_assert_true(mem_read(rig->machine->mem, out + id * MODEL_STRIDE, sent, bytes));
    g_assert_true(mem_read(rig->machine->mem, in + id * MODEL_STRIDE, got, bytes));
    g_assert_cmpmem(sent, bytes, got, bytes);
    g_assert_cmphex(ram_get(rig->machine, in + id * MODEL_STRIDE + bytes, 1), ==, 0);
}

static void model_poll(void)
{
    DriverUsed used;

    while (ring_poll(&the_ring, &used)) {
        model_check(used.id, used.bytes);
    }
}

static unsigned model_out(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < MODEL_SIZE; i++) {
        n += model[i].out;
    }
    return n;
}

static void model_restore(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;

    if (!echo->n_held) {
        device_save(rig->dev, saved);
        g_assert_true(device_load(rig->dev, saved->data, saved->len, &err));
    }
}

static void test_model(gconstpointer data)
{
    memset(model, 0, sizeof model);
    bed_open(&echo_type, NULL);
    bed_bring_up(*(const u64 *)data | F_INDIRECT, ECHO, MODEL_SIZE);
    out = driver_alloc(&d, MODEL_SIZE * MODEL_STRIDE, 16);
    in = driver_alloc(&d, MODEL_SIZE * MODEL_STRIDE + 1, 16);
    for (unsigned i = 0; i < MODEL_ROUNDS; i++) {
        u16 before = the_ring.next_avail;

        echo->hold = g_test_rand_bit();
        for (unsigned n = g_test_rand_int_range(0, 12); n; n--) {
            model_add();
        }
        ring_publish(&the_ring);
        if (the_ring.next_avail != before && ring_wants_kick(&the_ring, before)) {
            ring_notify(&the_ring);
        }
        while (echo->n_held && g_test_rand_int_range(0, 3)) {
            echo_release(echo, g_test_rand_int_range(0, echo->n_held));
        }
        model_poll();
        g_assert_cmpuint(model_out(), ==, echo->n_held);
        if (i % 16 == 0) {
            model_restore();
        }
    }
    echo_stop(&echo->virtio);
    model_poll();
    g_assert_cmpuint(model_out(), ==, 0);
    g_assert_cmpuint(the_ring.free, ==, MODEL_SIZE);
    bed_close();
}

int main(int argc, char **argv)
{
    static const struct { const char *name; u64 features; } kinds[] = {
        { "split", 0 }, { "split-event-idx", F_EVENT_IDX },
        { "packed", F_PACKED }, { "packed-event-idx", F_PACKED | F_EVENT_IDX },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        g_autofree char *path = g_strdup_printf("/ring/%s/model", kinds[k].name);

        g_test_add_data_func(path, &kinds[k].features, test_model);
    }
    return g_test_run();
}
