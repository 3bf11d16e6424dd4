/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor's commands.  What x, xp, print, help and the error messages say was
 * taken from QEMU 7.2 with the same bytes in memory.
 */

#include "config.h"
#include "tests/lib/fake_vm.h"
#include "vm/monitor.h"

#include <string.h>

static char *answer(const char *line)
{
    GString *out = g_string_new(NULL);
    unsigned cpu = 0;

    monitor_run(fake.vm, &cpu, line, out);
    return g_string_free(out, FALSE);
}

static void says(const char *line, const char *expected)
{
    g_autofree char *text = answer(line);

    g_assert_cmpstr(text, ==, expected);
}

static void assert_answers(const char *const (*rows)[2], unsigned n)
{
    fake_vm_open();
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *text = answer(rows[i][0]);

        if (strcmp(text, rows[i][1]) != 0) {
            g_error("'%s' says '%s', not '%s'", rows[i][0], text, rows[i][1]);
        }
    }
    fake_vm_close();
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

    fake_vm_open();
    text = answer("x /2i $pc");
#ifdef CONFIG_ZYDIS
    g_assert_true(g_str_has_prefix(text, "0x000ffff0:  ea 5b e0 00 f0           ljmp"));
    g_assert_nonnull(strstr(text, "\n0x000ffff5:  30 36 2f 32              xor"));
    says("x /1i 0x100000", "0x00100000: unable to read memory\n");
#else
    g_assert_nonnull(strstr(text, "libzydis-dev"));
#endif
    fake_vm_close();
}

/* Run state, and that a vCPU is looked at only while it stands. */
static void test_control(void)
{
    fake_vm_open();
    says("cont", "");
    g_assert_cmpint(fake.vm->state, ==, VM_RUNNING);
    g_assert_true(fake.running);
    says("info status", "VM status: running\n");
    says("info cpus", "* CPU #0: pc=0x00000000000ffff0\n"
         "  CPU #1: pc=0x00000000000ffff0\n");
    g_assert_true(fake.running);
    g_assert_cmpuint(fake.pauses, >=, 1);
    says("x 0", "0000000000000000: 0x00000000\n");
    g_assert_true(fake.running);
    says("nmi", "");
    g_assert_cmpuint(fake.nmis, ==, 2);
    says("s", "");
    g_assert_cmpint(fake.vm->state, ==, VM_PAUSED);
    g_assert_false(fake.running);
    says("system_reset", "");
    g_assert_cmpint(fake.vm->state, ==, VM_PRELAUNCH);
    fake_vm_close();
}

/* ---- page tables (SDM vol. 3, 4.5) ---- */

static void put_entry(gpa table, unsigned index, u64 entry)
{
    g_assert_true(mem_write(fake.machine->mem, table + 8 * index, &entry, 8));
}

static void test_pages(void)
{
    enum { PRESENT = 1, WRITE = 2, USER = 4, LARGE = 0x80 };
    g_autofree char *text = NULL;

    fake_vm_open();
    fake.state.control.cr0 = CR0_PE | CR0_PG;
    fake.state.control.cr4 = CR4_PAE;
    fake.state.control.efer = EFER_LME | EFER_LMA;
    fake.state.control.cr3 = 0x1000;
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
    fake_vm_close();
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
    return g_test_run();
}
