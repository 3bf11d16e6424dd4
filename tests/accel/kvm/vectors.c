/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVX under KVM: a guest that finds XCR0 and the YMM registers as they were set,
 * computes with them, and leaves them to be got (SDM vol. 1, 13.4: where they lie in
 * the area).
 */

#include "tests/lib/cpu_bed.h"

#include <string.h>

enum { AT = 0x1000, RESULT = 0x600, XMM = 160, STATES = 512, YMM_HIGH = 576 };
enum { X87_SSE_AVX = 7 };

PROGRAM(avx);

static void set_ymm(X86State *state, unsigned n, const double *value)
{
    memcpy(state->xsave.area + XMM + 16 * n, value, 16);
    memcpy(state->xsave.area + YMM_HIGH + 16 * n, value + 2, 16);
}

static void check_ymm(const X86State *state, unsigned n, const double *value)
{
    g_assert_cmpmem(state->xsave.area + XMM + 16 * n, 16, value, 16);
    g_assert_cmpmem(state->xsave.area + YMM_HIGH + 16 * n, 16, value + 2, 16);
}

static void test_avx(void)
{
    static const double one[] = { 1, 2, 3, 4 }, ten[] = { 10, 20, 30, 40 };
    static const double sum[] = { 11, 22, 33, 44 }, high[] = { 33, 44, 0, 0 };
    g_autoptr(CpuBed) bed = cpu_bed_new("kvm,force=on", 1, "host");
    g_autofree X86State *state = g_new(X86State, 1);
    g_autofree char *why = NULL;

    if (!bed) {
        return;
    }
    if (!accel_find("kvm")->probe(&why)) {
        g_test_skip(why);
        return;
    }
    if (!cpuid_has(cpu_bed_accel(bed)->cpuid(bed->machine->accel), "avx")) {
        g_test_skip("the host has no AVX");
        return;
    }
    LOAD(bed, AT, avx);
    cpu_bed_start_state(bed, START_LONG, AT, state);
    state->control.cr4 |= CR4_OSFXSR | CR4_OSXSAVE;
    state->control.xcr0 = X87_SSE_AVX;
    state->xsave.area[STATES] = X87_SSE_AVX;
    set_ymm(state, 0, one);
    set_ymm(state, 1, ten);
    cpu_bed_set(bed, 0, state);
    cpu_bed_runs_to(bed, 20);
    for (unsigned i = 0; i < 4; i++) {
        u64 bits;

        memcpy(&bits, &sum[i], sizeof bits);
        g_assert_cmphex(cpu_bed_peek(bed, RESULT + 8 * i, 8), ==, bits);
    }
    cpu_bed_get(bed, 0, state);
    g_assert_cmphex(state->control.xcr0, ==, X87_SSE_AVX);
    check_ymm(state, 0, one);
    check_ymm(state, 2, sum);
    check_ymm(state, 3, high);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/avx", test_avx);
    return g_test_run();
}
