/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The neutral CPU state: the values after RESET that SDM vol. 3, table 10-1 gives, MSR
 * pairs, and "info registers" as QEMU prints it.
 */

#include "accel/x86_state.h"
#include <string.h>

static u64 area(const X86State *s, unsigned at, unsigned bytes)
{
    u64 value = 0;

    memcpy(&value, s->xsave.area + at, bytes);
    return value;
}

static void test_reset(void)
{
    g_autofree X86State *s = g_new(X86State, 1);

    memset(s, 0x5a, sizeof *s);
    x86_state_reset(s, 0, true);
    g_assert_cmphex(s->regs.rflags, ==, 2);
    g_assert_cmphex(s->regs.rip, ==, 0xfff0);
    g_assert_cmphex(s->control.cr0, ==, 0x60000010);
    g_assert_cmphex(s->control.cr2 | s->control.cr3 | s->control.cr4, ==, 0);
    g_assert_cmphex(s->segs.selector[SEG_CS], ==, 0xf000);
    g_assert_cmphex(s->segs.base[SEG_CS], ==, 0xffff0000);
    for (unsigned i = SEG_ES; i < SEG_COUNT; i++) {
        g_assert_cmphex(s->segs.limit[i], ==, 0xffff);
        g_assert_true(s->segs.attr[i] & SEG_P);
        g_assert_true(i == SEG_CS || (!s->segs.selector[i] && !s->segs.base[i]));
    }
    g_assert_cmphex(s->regs.gpr[RDX] & 0xf00, ==, 0x600);
    g_assert_cmphex(s->regs.gpr[RAX] | s->regs.gpr[RSP] | s->regs.gpr[R15], ==, 0);
    g_assert_cmphex(s->segs.gdt_base | s->segs.idt_base, ==, 0);
    g_assert_cmphex(s->segs.gdt_limit & s->segs.idt_limit, ==, 0xffff);
    g_assert_cmphex(s->control.dr[6], ==, 0xffff0ff0);
    g_assert_cmphex(s->control.dr[7], ==, 0x400);
    g_assert_cmphex(s->control.efer, ==, 0);
    g_assert_cmphex(s->control.xcr0, ==, 1);
    g_assert_cmphex(area(s, 0, 2), ==, 0x40);           /* FCW */
    g_assert_cmphex(area(s, 2, 2), ==, 0);              /* FSW */
    g_assert_cmphex(area(s, 4, 1), ==, 0xff); /* tags 5555H: no register is empty */
    g_assert_cmphex(area(s, 24, 4), ==, 0x1f80);        /* MXCSR */
}

static void test_processors(void)
{
    g_autofree X86State *s = g_new(X86State, 1);
    u64 pat;

    x86_state_reset(s, 0, true);
    g_assert_cmphex(s->control.apic_base, ==, 0xfee00900);
    g_assert_cmpint(s->events.run_state, ==, RUN_RUNNING);
    g_assert_true(x86_msr_get(s, MSR_PAT, &pat));
    g_assert_cmphex(pat, ==, 0x0007040600070406);
    x86_state_reset(s, 3, false);
    g_assert_cmphex(s->control.apic_base, ==, 0xfee00800);
    g_assert_cmpint(s->events.run_state, ==, RUN_WAIT_SIPI);
    g_assert_cmphex(s->lapic.reg[2], ==, 3u << 24);
    g_assert_cmphex(s->lapic.reg[0xf], ==, 0xff);       /* SVR */
    g_assert_cmphex(s->lapic.reg[0x32], ==, 0x10000);   /* the timer's LVT: masked */
}

static void test_msrs(void)
{
    g_autofree X86State *s = g_new0(X86State, 1);
    u64 value;

    g_assert_false(x86_msr_get(s, 5, &value));
    for (unsigned i = 0; i < X86_MSR_MAX; i++) {
        g_assert_true(x86_msr_put(s, i, i * 3));
    }
    g_assert_false(x86_msr_put(s, X86_MSR_MAX, 1));
    g_assert_true(x86_msr_put(s, 7, 99));
    g_assert_true(x86_msr_get(s, 7, &value) && value == 99);
    g_assert_true(x86_msr_get(s, 8, &value) && value == 24);
}

/* Every record is inside the state, and the rows make up all of it. */
static void test_records(void)
{
    size_t bytes = 0;

    for (const X86Record *r = x86_records; r->name; r++) {
        g_assert_cmpuint(fields_size(r->fields), ==, r->size);
        g_assert_cmpuint(r->at + r->size, <=, sizeof(X86State));
        bytes += r->size;
    }
    g_assert_cmpuint(bytes, ==, sizeof(X86State));
}

/* What QEMU 7.2 prints for the same state (EDX and CR0 alone differ by model). */
static const char reset_text[] =
    "\n"
    "CPU#0\n"
    "EAX=00000000 EBX=00000000 ECX=00000000 EDX=00000600\n"
    "ESI=00000000 EDI=00000000 EBP=00000000 ESP=00000000\n"
    "EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0\n"
    "ES =0000 00000000 0000ffff 00009300\n"
    "CS =f000 ffff0000 0000ffff 00009b00\n"
    "SS =0000 00000000 0000ffff 00009300\n"
    "DS =0000 00000000 0000ffff 00009300\n"
    "FS =0000 00000000 0000ffff 00009300\n"
    "GS =0000 00000000 0000ffff 00009300\n"
    "LDT=0000 00000000 0000ffff 00008200\n"
    "TR =0000 00000000 0000ffff 00008b00\n"
    "GDT=     00000000 0000ffff\n"
    "IDT=     00000000 0000ffff\n"
    "CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000\n"
    "DR0=0000000000000000 DR1=0000000000000000 DR2=0000000000000000 "
    "DR3=0000000000000000 \n"
    "DR6=00000000ffff0ff0 DR7=0000000000000400\n"
    "EFER=0000000000000000\n";

static void test_print(void)
{
    g_autofree X86State *s = g_new(X86State, 1);
    g_autoptr(GString) out = g_string_new(NULL);

    x86_state_reset(s, 0, true);
    x86_state_print(s, 0, out);
    out->str[sizeof reset_text - 1] = 0;
    g_assert_cmpstr(out->str, ==, reset_text);
}

static void test_print_long(void)
{
    static const char *const lines[] = {
        "RIP=ffffffff81000000 RFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1\n",
        "ES =0000 0000000000000000 00000000 00000000\n",
        "CS =0010 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]\n",
        "SS =0018 0000000000000000 ffffffff 00cf9300 DPL=0 DS   [-WA]\n",
        "LDT=0000 0000000000000000 0000ffff 00008200 DPL=0 LDT\n",
        "TR =0040 0000000000000000 0000ffff 00008b00 DPL=0 TSS64-busy\n",
        "FPR1=8000000000000000 3fff\n",
        "XMM15=fedcba9876543210 0123456789abcdef\n",
    };
    static const u64 low = 0x0123456789abcdef, high = 0xfedcba9876543210;
    static const u64 mantissa = 1ull << 63;
    static const u16 exponent = 0x3fff;
    g_autofree X86State *s = g_new(X86State, 1);
    g_autoptr(GString) out = g_string_new(NULL);

    x86_state_reset(s, 0, true);
    s->regs.rip = 0xffffffff81000000;
    s->regs.rflags = 0x46;
    s->events.run_state = RUN_HALTED;
    s->control.cr0 = CR0_PE | CR0_PG;
    s->control.efer = EFER_LMA | EFER_LME;
    s->segs.attr[SEG_CS] = 0xa09b00;
    s->segs.base[SEG_CS] = 0;
    s->segs.selector[SEG_CS] = 0x10;
    s->segs.attr[SEG_SS] = 0xc09300;
    s->segs.selector[SEG_SS] = 0x18;
    s->segs.limit[SEG_CS] = s->segs.limit[SEG_SS] = UINT32_MAX;
    s->segs.selector[SEG_TR] = 0x40;
    s->segs.attr[SEG_ES] = SEG_UNUSABLE;
    s->segs.limit[SEG_ES] = 0;
    memcpy(s->xsave.area + 48, &mantissa, 8);
    memcpy(s->xsave.area + 56, &exponent, 2);
    memcpy(s->xsave.area + 160 + 15 * 16, &low, 8);
    memcpy(s->xsave.area + 168 + 15 * 16, &high, 8);
    x86_state_print(s, 0, out);
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        if (!strstr(out->str, lines[i])) {
            g_test_message("not there: %s in %s", lines[i], out->str);
        }
        g_assert_nonnull(strstr(out->str, lines[i]));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/x86-state/reset", test_reset);
    g_test_add_func("/x86-state/processors", test_processors);
    g_test_add_func("/x86-state/msrs", test_msrs);
    g_test_add_func("/x86-state/records", test_records);
    g_test_add_func("/x86-state/print", test_print);
    g_test_add_func("/x86-state/print-long", test_print_long);
    return g_test_run();
}
