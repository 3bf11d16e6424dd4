/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor: its dialogue, its commands on a machine with a CPU that only
 * stands there, and hostile input.
 *
 * What x, xp, print, help and the error messages say was taken from QEMU 7.2 with the
 * same bytes in memory.  MAYFLY_LONG makes the random part longer.
 */

#include "accel/accel.h"
#include "base/lock.h"
#include "config.h"
#include "tests/lib/chardev.h"
#include "vm/monitor.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BANNER "QEMU 8.2.0 (Mayfly " CONFIG_VERSION ") monitor - " \
               "type 'help' for more information\r\n"
#define PROMPT "(qemu) "

/* ---- the machine ---- */

static X86State cpu_state;
static unsigned pauses, resumes, nmis;
static bool running;

static void fake_pause(Accel *accel)
{
    (void)accel;
    g_assert_false(machine_lock_held());
    pauses += running;
    running = false;
}

static void fake_resume(Accel *accel)
{
    (void)accel;
    g_assert_false(machine_lock_held());
    resumes++;
    running = true;
}

static bool fake_get_state(Accel *accel, unsigned cpu, X86State *state, GError **err)
{
    (void)accel, (void)cpu, (void)err;
    g_assert_false(running);
    *state = cpu_state;
    return true;
}

/* The first MiB is mapped one to one, above it nothing. */
static bool fake_translate(Accel *accel, unsigned cpu, gva at, gpa *out)
{
    (void)accel, (void)cpu;
    g_assert_false(running);
    *out = at;
    return at < MiB;
}

static void fake_nmi(Accel *accel, unsigned cpu)
{
    (void)accel, (void)cpu;
    nmis++;
}

static const AccelType fake_type = {
    .name = "fake",
    .pause = fake_pause,
    .resume = fake_resume,
    .get_state = fake_get_state,
    .translate = fake_translate,
    .nmi = fake_nmi,
};

/* The last 256 bytes of QEMU's BIOS, as far as they are looked at. */
static const u8 rom_begin[] = {
    0x66, 0xe8, 0xc3, 0x6d, 0xff, 0xff, 0x66, 0x40, 0x66, 0xba, 0x40, 0x00, 0x00, 0x00,
    0x8e, 0xc2, 0x26, 0x8a, 0x16, 0x84, 0x04, 0x66,
};
static const u8 rom_end[] = {
    0xea, 0x5b, 0xe0, 0x00, 0xf0, 0x30, 0x36, 0x2f, 0x32, 0x33, 0x2f, 0x39, 0x39, 0x00,
    0xfc, 0x00,
};

static Machine *machine;
static Vm *vm;
static Accel accel = { .type = &fake_type };
static Region rom;

static void open_machine(void)
{
    GError *err = NULL;

    machine = machine_new();
    machine->cpus = 2;
    machine->accel = &accel;
    accel.machine = machine;
    g_assert_true(mem_add_ram(machine->mem, machine->mmio, "ram", 0, 2 * MiB, &err));
    g_assert_true(region_init_rom(&rom, "bios", PAGE_BYTES, &err));
    memcpy(region_rom_bytes(&rom) + 0xf00, rom_begin, sizeof rom_begin);
    memcpy(region_rom_bytes(&rom) + 0xff0, rom_end, sizeof rom_end);
    space_add(machine->mmio, &rom, 0xff000, 1);
    vm = vm_new(machine);
    cpu_state = (X86State){ .regs.rip = 0xfff0 };
    cpu_state.segs.base[SEG_CS] = 0xf0000;
    pauses = resumes = nmis = 0;
    running = false;
}

static void close_machine(void)
{
    monitors_free();
    chardevs_close_all();
    vm_free(vm);
    region_fini(&rom);
    machine->accel = NULL;
    machine_free(machine);
}

/* ---- commands ---- */

static char *answer(const char *line)
{
    GString *out = g_string_new(NULL);
    unsigned cpu = 0;

    monitor_run(vm, &cpu, line, out);
    return g_string_free(out, FALSE);
}

static void says(const char *line, const char *expected)
{
    g_autofree char *text = answer(line);

    g_assert_cmpstr(text, ==, expected);
}

static void assert_answers(const char *const (*rows)[2], unsigned n)
{
    open_machine();
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *text = answer(rows[i][0]);

        if (strcmp(text, rows[i][1]) != 0) {
            g_error("'%s' says '%s', not '%s'", rows[i][0], text, rows[i][1]);
        }
    }
    close_machine();
}

static void test_memory(void)
{
    static const char *const rows[][2] = {
        { "xp /4xw 0xffff0",
          "00000000000ffff0: 0x00e05bea 0x2f3630f0 0x392f3332 0x00fc0039\n" },
        { "xp /20xb 0xfff00",
          "00000000000fff00: 0x66 0xe8 0xc3 0x6d 0xff 0xff 0x66 0x40\n"
          "00000000000fff08: 0x66 0xba 0x40 0x00 0x00 0x00 0x8e 0xc2\n"
          "00000000000fff10: 0x26 0x8a 0x16 0x84\n" },
        { "xp /3dh 0xfff00", "00000000000fff00: 59494 28099 65535\n" },
        { "xp /4cb 0xfff00", "00000000000fff00: 'f' '\\xe8' '\\xc3' 'm'\n" },
        { "xp /3ob 0xfff00", "00000000000fff00: 0146 0350 0303\n" },
        { "xp /2ug 0xfff00",
          "00000000000fff00:  4640677938575173734 14019142690055174758\n" },
        { "xp /2og 0xfff00",
          "00000000000fff00: 0401467777755560764146 01412160000000020135146\n" },
        { "xp/2xg 0xfff00",
          "00000000000fff00: 0x4066ffff6dc3e866 0xc28e00000040ba66\n" },
        { "x /2xw 0", "0000000000000000: 0x00000000 0x00000000\n" },
        { "x /2xw 0xffffffff80000000", "ffffffff80000000: Cannot access memory\n" },
        { "x 0xfffff-1", "00000000000ffffe: Cannot access memory\n" },
        { "xp /1xg 0xffffc", "00000000000ffffc: 0x0000000000fc0039\n" },
    };

    assert_answers(rows, G_N_ELEMENTS(rows));
}

static void test_expressions(void)
{
    static const char *const rows[][2] = {
        { "p /x 3*4", "0xc\n" },
        { "print /d 1+2*3-(4-1)", "4\n" },
        { "p /d 7%4|8", "11\n" },
        { "p -1", "0xffffffffffffffff\n" },
        { "p /d ~0", "-1\n" },
        { "p /o 8", "010\n" },
        { "p /c 'a'",
          "invalid char in expression\nTry \"help p\" for more information\n" },
        { "p $pc", "0xffff0\n" },
        { "p $eip+1", "0xfff1\n" },
        { "p $cs.base", "0xf0000\n" },
        { "p 1/0", "division by zero\nTry \"help p\" for more information\n" },
        { "xp /2xw (1+2", "')' expected\nTry \"help xp\" for more information\n" },
        { "xp /2xw $foo", "unknown register\nTry \"help xp\" for more information\n" },
        { "xp /2xw 1+",
          "unexpected end of expression\nTry \"help xp\" for more information\n" },
        { "xp",
          "unexpected end of expression\nTry \"help xp\" for more information\n" },
        { "xp /zz 0",
          "invalid char in format: 'z'\nTry \"help xp\" for more information\n" },
    };

    assert_answers(rows, G_N_ELEMENTS(rows));
}

static void test_words(void)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "  ", "" },
        { "foo", "unknown command: 'foo'\n" },
        { "info foo", "unknown command: 'info foo'\n" },
        { "help foo", "unknown command: 'foo'\n" },
        { "help x", "x /fmt addr -- virtual memory dump starting at 'addr'\n" },
        { "help stop", "stop|s  -- stop emulation\n" },
        { "help info status",
          "info status  -- show the current VM status (running|paused)\n" },
        { "stop x", "stop|s: extraneous characters at the end of line\n"
          "Try \"help stop\" for more information\n" },
        { "cpu 4", "invalid CPU index\n" },
        { "info status", "VM status: paused (prelaunch)\n" },
        { "info version", "8.2.0 (Mayfly " CONFIG_VERSION ")\n" },
        { "info roms",
          "addr=00000000000ff000 size=0x001000 mem=rom name=\"bios\"\n" },
        { "info mem", "PG disabled\n" },
        { "info tlb", "PG disabled\n" },
        { "ringbuf_read x 5", "Error: there is no chardev 'x'\n" },
        { "log teapot", "no log item 'teapot' ('help' lists them)\n" },
    };

    assert_answers(rows, G_N_ELEMENTS(rows));
}

static void test_code(void)
{
    g_autofree char *text = NULL;

    open_machine();
    text = answer("x /2i $pc");
#ifdef CONFIG_ZYDIS
    g_assert_true(g_str_has_prefix(text, "0x000ffff0:  ea 5b e0 00 f0           ljmp"));
    g_assert_nonnull(strstr(text, "\n0x000ffff5:  30 36 2f 32              xor"));
    says("x /1i 0x100000", "0x00100000: unable to read memory\n");
#else
    g_assert_nonnull(strstr(text, "libzydis-dev"));
#endif
    close_machine();
}

/* Run state, and that a vCPU is looked at only while it stands. */
static void test_control(void)
{
    open_machine();
    says("cont", "");
    g_assert_cmpint(vm->state, ==, VM_RUNNING);
    g_assert_true(running);
    says("info status", "VM status: running\n");
    says("info cpus", "* CPU #0: pc=0x00000000000ffff0\n"
         "  CPU #1: pc=0x00000000000ffff0\n");
    g_assert_true(running);
    g_assert_cmpuint(pauses, >=, 1);
    says("x 0", "0000000000000000: 0x00000000\n");
    g_assert_true(running);
    says("nmi", "");
    g_assert_cmpuint(nmis, ==, 2);
    says("s", "");
    g_assert_cmpint(vm->state, ==, VM_PAUSED);
    g_assert_false(running);
    says("system_reset", "");
    g_assert_cmpint(vm->state, ==, VM_PRELAUNCH);
    close_machine();
}

/* ---- page tables (SDM vol. 3, 4.5) ---- */

static void put_entry(gpa table, unsigned index, u64 entry)
{
    g_assert_true(mem_write(machine->mem, table + 8 * index, &entry, 8));
}

static void test_pages(void)
{
    enum { PRESENT = 1, WRITE = 2, USER = 4, LARGE = 0x80 };
    g_autofree char *text = NULL;

    open_machine();
    cpu_state.control.cr0 = CR0_PE | CR0_PG;
    cpu_state.control.cr4 = CR4_PAE;
    cpu_state.control.efer = EFER_LME | EFER_LMA;
    cpu_state.control.cr3 = 0x1000;
    put_entry(0x1000, 0, 0x2000 | PRESENT | WRITE | USER);
    put_entry(0x2000, 0, 0x3000 | PRESENT | WRITE | USER);
    put_entry(0x3000, 0, 0x4000 | PRESENT | WRITE | USER);
    put_entry(0x4000, 1, 0x7000 | PRESENT | WRITE | USER);
    put_entry(0x4000, 2, 0x5000 | PRESENT | WRITE | USER);
    put_entry(0x4000, 3, 0x6000 | PRESENT | 1ull << 63);
    put_entry(0x1000, 511, 0x8000 | PRESENT | WRITE);
    put_entry(0x8000, 510, 0x40000000 | PRESENT | USER | LARGE);
    says("info tlb",
         "0000000000001000: 0000000000007000 -------UW\n"
         "0000000000002000: 0000000000005000 -------UW\n"
         "0000000000003000: 0000000000006000 X--------\n"
         "ffffffff80000000: 0000000040000000 --P----U-\n");
    says("info mem",
         "0000000000001000-0000000000003000 0000000000002000 urw\n"
         "0000000000003000-0000000000004000 0000000000001000 -r-\n"
         "ffffffff80000000-ffffffffc0000000 0000000040000000 -r-\n");

    /* A table that contains itself everywhere: it ends all the same. */
    for (unsigned i = 0; i < 512; i++) {
        put_entry(0x1000, i, 0x1000 | PRESENT | WRITE | USER);
    }
    text = answer("info mem");
    g_assert_true(g_str_has_suffix(text, "(there are more)\n"));
    close_machine();
}

/* ---- the dialogue ---- */

static int user;

static void open_monitor(const char *more)
{
    g_autofree char *options = NULL;
    int fd[2];

    open_machine();
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), ==, 0);
    user = fd[0];
    options = g_strdup_printf("socket,id=m,fd=%d%s", fd[1], more);
    g_assert_true(monitor_new(vm, good_chardev(options), NULL));
}

static void close_monitor(void)
{
    close_machine();
    close(user);
}

static void type(const char *keys)
{
    g_assert_cmpint(send(user, keys, strlen(keys), MSG_NOSIGNAL), ==, strlen(keys));
}

static void expect(const char *text)
{
    g_autoptr(GString) got = g_string_new(NULL);

    until((slurp(user, got), got->len >= strlen(text)));
    g_assert_cmpstr(got->str, ==, text);
}

static void test_dialogue(void)
{
    open_monitor("");
    expect(BANNER PROMPT);
    type("info status\n");
    expect("info status\r\nVM status: paused (prelaunch)\r\n" PROMPT);
    type("cont\r\n");
    expect("cont\r\n" PROMPT);
    g_assert_cmpint(vm->state, ==, VM_RUNNING);
    for (const char *p = "stop\n"; *p; p++) {           /* split anywhere */
        g_assert_cmpint(write(user, p, 1), ==, 1);
        turn_for_ms(3);
    }
    expect("stop\r\n" PROMPT);
    g_assert_cmpint(vm->state, ==, VM_PAUSED);
    type("\n\n");
    expect("\r\n" PROMPT "\r\n" PROMPT);
    type("quit\nfoo\n");
    expect("quit\r\n");                                 /* and no prompt */
    close_monitor();
}

/* What was received is run though the sender has gone. */
static void test_write_and_leave(void)
{
    open_monitor("");
    type("cont\nstop\n");
    close(user);
    until(vm->state == VM_PAUSED);
    close_machine();
}

static void test_editing(void)
{
    open_monitor("");
    expect(BANNER PROMPT);
    type("info statsu\b\bus\r");
    expect("info statsu\b \b\b \bus\r\nVM status: paused (prelaunch)\r\n" PROMPT);
    type("xx\025foo\r");                                /* C-u */
    expect("xx\b\b  \b\bfoo\r\nunknown command: 'foo'\r\n" PROMPT);
    type("\033[A\r");                                   /* up */
    expect("foo\r\nunknown command: 'foo'\r\n" PROMPT);
    type("oo\001f\005\r");                              /* C-a, C-e */
    expect("oo\b\boo\b\bfoo\b\boo\r\nunknown command: 'foo'\r\n" PROMPT);
    type("f-o\033[D\033[D\033[3~o\r");                  /* left, left, delete */
    expect("f-o\bo\b\b-o\b\bo \b\boo\b\r\nunknown command: 'foo'\r\n" PROMPT);
    type("info stat\t\r");
    expect("info status \r\nVM status: paused (prelaunch)\r\n" PROMPT);
    type("st\t\025s\t");
    expect("stop \b\b\b\b\b     \b\b\b\b\bs"
           "\r\nstop\r\nsystem_powerdown\r\nsystem_reset\r\n" PROMPT "s");
    close_monitor();
}

/* On a mux the monitor is silent until it has the focus. */
static void test_mux(void)
{
    Recorder *serial;

    open_monitor(",mux=on");
    expect(BANNER PROMPT);
    serial = recorder_new(chardev_find("m", NULL), true);
    recorder_say(serial, "guest");
    expect("guest");
    type("\001c");
    expect("\r\n" PROMPT);
    type("info status\r");
    expect("info status\r\nVM status: paused (prelaunch)\r\n" PROMPT);
    type("\001cls\r");
    until(serial->input->len == 3);
    recorder_free(serial);
    close_monitor();
}

static void test_mux_behind(void)
{
    g_autofree char *options = NULL;
    Recorder *serial;
    Chardev *chr;
    int fd[2];

    open_machine();
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), ==, 0);
    user = fd[0];
    options = g_strdup_printf("socket,id=m,fd=%d,mux=on", fd[1]);
    chr = good_chardev(options);
    serial = recorder_new(chr, true);
    g_assert_true(monitor_new(vm, chr, NULL));
    recorder_say(serial, "guest");
    expect("guest");
    type("\001c");
    expect("\r\n" BANNER PROMPT);
    recorder_free(serial);
    close_monitor();
}

/* ---- hostile input ---- */

static void test_endless_line(void)
{
    g_autofree char *line = g_strnfill(1 << 20, 'x');
    g_autoptr(GString) got = g_string_new(NULL);
    size_t sent = 0, length = 1 << 20;

    open_monitor("");
    until(({
        ssize_t n = send(user, line + sent, length - sent, MSG_DONTWAIT);

        sent += MAX(n, 0);
        slurp(user, got);
        sent == length;
    }));
    turn_for_ms(20);
    slurp(user, got);
    g_string_truncate(got, 0);
    type("\025info status\n");
    until((slurp(user, got), g_str_has_suffix(got->str, PROMPT)));
    g_assert_nonnull(strstr(got->str, "VM status: paused (prelaunch)\r\n"));
    close_monitor();
}

static const char *const scraps[] = {
    "info ", "x ", "xp ", "/", "4xw ", "65536xb ", "9999999999xg ", "i ", "0x", "$",
    "pc", "(", "((((((((", ")", "-", "~", "*", "%", "/0", "print ", "help ", "cpu ",
    "log ", "registers -a", "mtree", "qtree", "tlb", "mem", "chardev", "pic", "jit",
    "irq", "roms", "cont\n", "stop\n", "nmi\n", "system_reset\n", "system_powerdown\n",
    "\n", "\r", "\t", "\b", "\025", "\033", "\033[", "\033[A", "\033[3~", "\033O",
    "\001", "\001c", "999999999", "ffffffffffffffff", " ", ",", "ringbuf_read ", "m ",
    "%s%n", "\xff\xfe", "none\n",
};

static void test_random(void)
{
    gint64 end = g_get_monotonic_time() +
                 (g_getenv("MAYFLY_LONG") ? 60 : 1) * G_USEC_PER_SEC;
    g_autoptr(GString) got = g_string_new(NULL);
    g_autoptr(GRand) rand = g_rand_new_with_seed(g_test_rand_int());
    open_monitor(",mux=on");
    while (g_get_monotonic_time() < end) {
        const char *scrap = scraps[g_rand_int_range(rand, 0, G_N_ELEMENTS(scraps))];
        u8 noise = g_rand_int_range(rand, 0, 256);

        if (g_rand_int_range(rand, 0, 8)) {
            send(user, scrap, strlen(scrap), MSG_DONTWAIT | MSG_NOSIGNAL);
        } else {
            send(user, &noise, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        g_main_context_iteration(NULL, FALSE);
        slurp(user, got);
        g_string_truncate(got, 0);
    }
    g_assert_nonnull(chardev_nth(0));
    close_monitor();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vm/monitor/memory", test_memory);
    g_test_add_func("/vm/monitor/expressions", test_expressions);
    g_test_add_func("/vm/monitor/words", test_words);
    g_test_add_func("/vm/monitor/code", test_code);
    g_test_add_func("/vm/monitor/control", test_control);
    g_test_add_func("/vm/monitor/pages", test_pages);
    g_test_add_func("/vm/monitor/dialogue", test_dialogue);
    g_test_add_func("/vm/monitor/write-and-leave", test_write_and_leave);
    g_test_add_func("/vm/monitor/editing", test_editing);
    g_test_add_func("/vm/monitor/mux", test_mux);
    g_test_add_func("/vm/monitor/mux-behind", test_mux_behind);
    g_test_add_func("/vm/monitor/endless-line", test_endless_line);
    g_test_add_func("/vm/monitor/random", test_random);
    return g_test_run();
}
