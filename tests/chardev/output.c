/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output: nothing lost and nothing reordered, from any thread; a reader that does not
 * read; flow control of input.
 */

#include "base/lock.h"
#include "tests/lib/chardev.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KERNEL_LOG = 300000 };   /* many times what the ring holds */

/* A back end whose other side is `*fd`, a pipe that holds 64 KiB. */
static Recorder *piped(int *fd)
{
    g_autofree char *options = NULL;
    Recorder *r;
    int end[2];

    g_assert_cmpint(pipe(end), ==, 0);
    options = g_strdup_printf("file,id=f,path=/proc/self/fd/%d", end[1]);
    r = recorder_new(good_chardev(options), true);
    close(end[1]);
    *fd = end[0];
    return r;
}

static void unpipe(Recorder *r, int fd)
{
    recorder_free(r);
    close(fd);
    chardevs_close_all();
}

static u8 pattern(size_t i)
{
    return 'a' + (i ^ i >> 8 ^ i >> 16) % 26;
}

static void assert_pattern(const GString *text)
{
    for (size_t i = 0; i < text->len; i++) {
        g_assert_cmpint(text->str[i], ==, pattern(i));
    }
}

/* A vCPU's kernel log: one byte at a time, waiting when the port is full. */
static void *vcpu(void *opaque)
{
    Recorder *r = opaque;

    for (size_t i = 0; i < KERNEL_LOG;) {
        u8 c = pattern(i);

        machine_lock();
        i += chardev_write(r->front, &c, 1);
        machine_unlock();
    }
    return NULL;
}

static void test_thread(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    pthread_t thread;
    int fd;
    Recorder *r = piped(&fd);

    pthread_create(&thread, NULL, vcpu, r);
    until((slurp(fd, text), text->len == KERNEL_LOG));
    pthread_join(thread, NULL);
    assert_pattern(text);
    unpipe(r, fd);
}

/* Two threads write at once: each one's bytes come in its order. */
typedef struct {
    Recorder *r;
    u8 base;
} Writer;

static void *counter(void *opaque)
{
    Writer *w = opaque;

    for (unsigned i = 0; i < 50000;) {
        u8 c = w->base + i % 100;

        i += chardev_write(w->r->front, &c, 1);
    }
    return NULL;
}

static void test_two_threads(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    pthread_t thread[2];
    unsigned seen[2] = { 0 };
    int fd;
    Recorder *r = piped(&fd);
    Writer w[2] = { { r, 0 }, { r, 100 } };

    for (int i = 0; i < 2; i++) {
        pthread_create(&thread[i], NULL, counter, &w[i]);
    }
    until((slurp(fd, text), text->len == 100000));
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
    }
    for (size_t i = 0; i < text->len; i++) {
        u8 c = text->str[i];
        int who = c >= 100;

        g_assert_cmpuint(c, ==, 100 * who + seen[who] % 100);
        seen[who]++;
    }
    unpipe(r, fd);
}

/* Nobody reads: writes get short and never block; when there is room, `writable`. */
static void test_full(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    size_t sent = 0, more, n;
    u8 block[1000];
    int fd;
    Recorder *r = piped(&fd);

    do {
        for (size_t i = 0; i < sizeof block; i++) {
            block[i] = pattern(sent + i);
        }
        n = chardev_write(r->front, block, sizeof block);
        sent += n;
        turn_for_ms(1);
    } while (n == sizeof block && sent < 10000000);
    g_assert_cmpuint(sent, >, 64 * KiB);
    g_assert_cmpuint(sent, <, 1 * MiB);
    g_assert_cmpuint(chardev_write(r->front, block, 1), ==, 0);
    turn_for_ms(50);
    g_assert_cmpstr(r->events->str, ==, "");

    until((slurp(fd, text), strchr(r->events->str, 'w')));
    block[0] = pattern(sent);
    more = chardev_write(r->front, block, 1);
    g_assert_cmpuint(more, ==, 1);
    until((slurp(fd, text), text->len == sent + more));
    assert_pattern(text);
    g_assert_cmpstr(r->events->str, ==, "w");       /* asked once, told once */
    unpipe(r, fd);
}

/* One write of any size is taken as far as the host takes it, in order. */
static void test_large(void)
{
    g_autofree u8 *bytes = g_malloc(KERNEL_LOG);
    g_autofree char *dir = scratch_dir(), *path = g_build_filename(dir, "out", NULL);
    g_autofree char *options = g_strdup_printf("file,id=f,path=%s", path), *text = NULL;
    Recorder *r = recorder_new(good_chardev(options), false);
    gsize n;

    for (size_t i = 0; i < KERNEL_LOG; i++) {
        bytes[i] = pattern(i);
    }
    g_assert_cmpuint(chardev_write(r->front, bytes, KERNEL_LOG), ==, KERNEL_LOG);
    recorder_free(r);
    chardevs_close_all();
    g_assert_true(g_file_get_contents(path, &text, &n, NULL));
    g_assert_cmpmem(text, n, bytes, KERNEL_LOG);
    scratch_remove(g_steal_pointer(&dir));
}

/* The reader goes away: the guest does not notice, the program does not die of it. */
static void test_reader_gone(void)
{
    static const u8 bytes[100000];
    int fd;
    Recorder *r = piped(&fd);

    close(fd);
    for (int i = 0; i < 10; i++) {
        g_assert_cmpuint(chardev_write(r->front, bytes, sizeof bytes), ==,
                         sizeof bytes);
        turn();
    }
    recorder_free(r);
    chardevs_close_all();
}

/* A full disk is told once and does not stop the guest. */
static void test_disk_full(void)
{
    if (g_test_subprocess()) {
        Recorder *r = recorder_new(good_chardev("file,id=f,path=/dev/full"), true);

        for (int i = 0; i < 3; i++) {
            recorder_say(r, "text");
            turn_for_ms(5);
        }
        recorder_free(r);
        chardevs_close_all();
        return;
    }
    g_test_trap_subprocess(NULL, 5000000, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*chardev 'f': write: No space left on device; bytes are "
                              "lost\n");
    g_test_trap_assert_stderr_unmatched("*lost*lost*");
}

/* So is a file that has reached the limit (ulimit -f) of what it may be. */
static void test_file_limit(void)
{
    struct rlimit limit = { 6, 6 };
    g_autofree char *dir = NULL, *path = NULL, *options = NULL;
    Recorder *r;

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 5000000, G_TEST_SUBPROCESS_DEFAULT);
        g_test_trap_assert_passed();
        g_test_trap_assert_stderr("*chardev 'f': write: File too large; bytes are "
                                  "lost\n");
        return;
    }
    dir = scratch_dir();
    path = g_build_filename(dir, "out", NULL);
    options = g_strdup_printf("file,id=f,path=%s", path);
    r = recorder_new(good_chardev(options), true);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 0; i < 3; i++) {
        recorder_say(r, "text");
        turn_for_ms(5);
    }
    recorder_free(r);
    chardevs_close_all();
    scratch_remove(g_steal_pointer(&dir));
}

/* A front end that takes nothing gets nothing, and no byte is lost meanwhile. */
static void test_flow_control(void)
{
    g_autofree char *dir = scratch_dir(), *base = g_build_filename(dir, "p", NULL);
    g_autofree char *in = g_strconcat(base, ".in", NULL), *options = NULL;
    g_autofree char *out = g_strconcat(base, ".out", NULL);
    Recorder *r;
    int fd;

    g_assert_cmpint(mkfifo(in, 0600) | mkfifo(out, 0600), ==, 0);
    options = g_strdup_printf("pipe,id=p,path=%s", base);
    r = recorder_new(good_chardev(options), true);
    fd = open(in, O_WRONLY);
    r->room = 3;
    g_assert_cmpint(write(fd, "abcdefgh", 8), ==, 8);
    until(r->input->len >= 3);
    r->room = 0;
    turn_for_ms(30);
    g_assert_cmpuint(r->input->len % 3, ==, 0);
    g_assert_cmpuint(r->input->len, <, 8);

    machine_lock();
    r->room = 1;
    chardev_accept_input(r->front);
    machine_unlock();
    until(r->input->len == 8);
    g_assert_cmpstr(r->input->str, ==, "abcdefgh");
    close(fd);
    recorder_free(r);
    chardevs_close_all();
    scratch_remove(g_steal_pointer(&dir));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chardev/output/thread", test_thread);
    g_test_add_func("/chardev/output/two-threads", test_two_threads);
    g_test_add_func("/chardev/output/full", test_full);
    g_test_add_func("/chardev/output/large", test_large);
    g_test_add_func("/chardev/output/reader-gone", test_reader_gone);
    g_test_add_func("/chardev/output/disk-full", test_disk_full);
    g_test_add_func("/chardev/output/file-limit", test_file_limit);
    g_test_add_func("/chardev/input/flow-control", test_flow_control);
    return g_test_run();
}
