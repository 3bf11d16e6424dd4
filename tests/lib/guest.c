/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest programs that record what happens to them: tests/lib/guest.h.
 */

#include "tests/lib/guest.h"

#include <inttypes.h>
#include <string.h>

extern const u8 runtime64[], runtime64_end[], runtime32[], runtime32_end[];
extern const u8 ap_start[], ap_start_end[];

/* ---- memory (tests/accel/guest/guest.h) ---- */

static void put64(CpuBed *bed, gpa at, u64 value)
{
    cpu_bed_poke(bed, at, value, 8);
}

/* SDM vol. 3, figure 3-8. */
static void fill_gdt(CpuBed *bed, bool is_long)
{
    u64 flat = is_long ? 0x00af000000000000 : 0x00cf000000000000;
    struct { unsigned selector; u64 descriptor; } rows[] = {
        { CODE,    flat | 0x00009b000000ffff },
        { DATA,    0x00cf93000000ffff },
        { UCODE32, 0x00cffb000000ffff },
        { UDATA,   0x00cff3000000ffff },
        { UCODE,   flat | 0x0000fb000000ffff },
        { CODE32,  0x00cf9b000000ffff },
        { CONFORM, flat | 0x00009f000000ffff },
        { TSS_SEL, 0x00008b0000000000 | (u64)TSS << 16 | (TSS_MAP + 0x80) },
        { CODE16,  0x00009b000000ffff },
        { DATA16,  0x000093000000ffff },
        { CODE64,  0x00af9b000000ffff },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        put64(bed, GDT + rows[i].selector, rows[i].descriptor);
    }
}

/* Interrupt gates; INT3, INTO and 0x80 and above may be called by users. */
static void fill_idt(CpuBed *bed, bool is_long, gpa idt, unsigned code, gpa runtime)
{
    for (unsigned v = 0; v < 256; v++) {
        u64 dpl = v == 3 || v == 4 || v >= 0x80 ? 3 : 0, to = runtime + v * 16;

        put64(bed, idt + v * (is_long ? 16 : 8),
              (to & 0xffff) | (u64)code << 16 | 0x8e00ull << 32 | dpl << 45 |
              to >> 16 << 48);
    }
    cpu_bed_load(bed, runtime, is_long ? runtime64 : runtime32,
                 is_long ? runtime64_end : runtime32_end);
}

static void fill_tss(CpuBed *bed, bool is_long)
{
    if (is_long) {
        put64(bed, TSS + 4, RSP0);
        put64(bed, TSS + 0x24, IST1);
        put64(bed, TSS + 0x2c, IST2);
    } else {
        put64(bed, TSS + 4, RSP0 | (u64)DATA << 32);
    }
    cpu_bed_poke(bed, TSS + 0x66, TSS_MAP, 2);
    for (unsigned i = 0; i < 0x88; i += 8) {
        put64(bed, TSS + TSS_MAP + i, UINT64_MAX);
    }
}

static void fill_tables(CpuBed *bed)
{
    put64(bed, PML4, PDPT | 7);
    put64(bed, PDPT, PD | 7);
    put64(bed, PDPT + 8 * 3, PD_APIC | 7);
    put64(bed, PD, PT | 7);
    put64(bed, PD + 8, PT_FREE | 7);
    put64(bed, PD + 16, PT_USER | 7);
    put64(bed, PD_APIC + 8 * (APIC >> 21 & 511), APIC | 0x93);
    for (unsigned i = 0; i < BED_RAM / PAGE_BYTES; i++) {
        put64(bed, PT + 8 * i, i * PAGE_BYTES | 3);
        put64(bed, PT_USER + 8 * i, i * PAGE_BYTES | 7);
    }
}

static void fill_state(X86State *state, bool is_long)
{
    X86Segs *s = &state->segs;

    s->gdt_base = GDT;
    s->gdt_limit = GDT_END;
    s->idt_base = IDT;
    s->idt_limit = is_long ? 0xfff : 0x7ff;
    s->selector[SEG_TR] = TSS_SEL;
    s->base[SEG_TR] = TSS;
    s->limit[SEG_TR] = TSS_MAP + 0x80;
    s->attr[SEG_TR] = 0x8b00;
    state->regs.gpr[RSP] = STACK;
    if (is_long) {
        state->control.cr3 = PML4;
        state->control.efer |= EFER_NXE | EFER_SCE;
    }
}

void guest_load(CpuBed *bed, const GuestProgram *program)
{
    g_autofree X86State *state = g_new(X86State, 1);
    bool is_long = program->mode == START_LONG;

    cpu_bed_start_state(bed, program->mode, AT, state);
    fill_gdt(bed, is_long);
    fill_idt(bed, is_long, IDT, CODE, RUNTIME);
    fill_idt(bed, !is_long, OTHER_IDT, is_long ? CODE32 : CODE64, OTHER_RUNTIME);
    fill_tss(bed, is_long);
    fill_tables(bed);
    cpu_bed_load(bed, AP_START, ap_start, ap_start_end);
    if (program->mode != START_REAL) {
        fill_state(state, is_long);
    }
    cpu_bed_load(bed, AT, program->begin, program->end);
    cpu_bed_set(bed, 0, state);
}

/* ---- the record ---- */

static void print_place(const GuestProgram *program, u64 rip, GString *out)
{
    u64 offset = (rip >= USER ? rip - USER : rip) - AT;

    for (const GuestMark *m = program->marks; m < program->marks_end; m++) {
        if (m->offset == offset) {
            g_string_append_printf(out, "@%c", m->letter);
            return;
        }
    }
    g_string_append_printf(out, "@%" PRIx64, rip);
}

static void print_flags(u64 flags, GString *out)
{
    static const struct { u32 flag; const char *name; } names[] = {
        { FLAG_RF, "+RF" }, { FLAG_TF, "+TF" }, { FLAG_NT, "+NT" }, { FLAG_VM, "+VM" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_string_append(out, flags & names[i].flag ? names[i].name : "");
    }
}

static void print_event(const GuestProgram *program, const u64 *e, GString *out)
{
    static const char *const names[32] = {
        "DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM", "DF", "9", "TS", "NP", "SS",
        "GP", "PF", "15", "MF", "AC", "MC", "XM",
    };
    static const u32 with_error = 0x00227d00;

    if (e[0] < 32 && names[e[0]]) {
        g_string_append(out, names[e[0]]);
    } else {
        g_string_append_printf(out, "%02" PRIx64, e[0]);
    }
    if (e[0] < 32 && with_error >> e[0] & 1) {
        g_string_append_printf(out, "(%" PRIx64 ")", e[1]);
    }
    print_place(program, e[4] & FLAG_VM ? (e[3] & 0xffff) * 16 + e[2] : e[2], out);
    print_flags(e[0] == EXC_DF ? e[4] & ~(u64)FLAG_RF : e[4], out);
    if (e[0] == EXC_PF) {
        g_string_append_printf(out, " cr2=%" PRIx64, e[7]);
    }
    if ((e[3] & 0xffff) != CODE) {
        g_string_append_printf(out, " cs=%" PRIx64, e[3] & 0xffff);
    }
    if ((e[8] - 1) / PAGE_BYTES != (STACK - 1) / PAGE_BYTES) {
        g_string_append_printf(out, " on %" PRIx64, e[8]);
    }
}

static void print_log(CpuBed *bed, const GuestProgram *program, GString *out)
{
    u64 n = cpu_bed_peek(bed, COUNT, 4);

    for (u64 i = 0; i < MIN(n, LOG_MAX); i++) {
        u64 e[9];

        for (unsigned j = 0; j < G_N_ELEMENTS(e); j++) {
            e[j] = cpu_bed_peek(bed, LOG + (i << LOG_SHIFT) + 8 * j, 8);
        }
        g_string_append(out, i ? ", " : "");
        if (e[0] == LOG_VALUE) {
            g_string_append_printf(out, "=%" PRIx64, e[1]);
        } else {
            print_event(program, e, out);
        }
    }
}

/* Timers run in the main loop. */
static void run(CpuBed *bed)
{
    gint64 until = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

    cpu_bed_resume(bed);
    while (!cpu_bed_asked(bed) && g_get_monotonic_time() < until) {
        if (!g_main_context_iteration(NULL, FALSE)) {
            g_usleep(100);
        }
    }
    cpu_bed_wait(bed);
    cpu_bed_pause(bed);
}

char *guest_run(CpuBed *bed, const GuestProgram *program)
{
    GString *out = g_string_new(NULL);

    run(bed);
    print_log(bed, program, out);
    if (bed->request != REQUEST_EXIT || bed->value != 1) {
        g_string_append_printf(out, "%s%s", out->len ? ", " : "",
                               bed->request == REQUEST_RESET ? "reset" :
                               bed->cause ? bed->cause : "too much to record");
    }
    return g_string_free(out, FALSE);
}

/* ---- tests ---- */

typedef struct {
    const char *name, *accel;
    unsigned cpus;
} Engine;

static const Engine engines[] = {
    { "soft", "soft", 1 },
    { "soft-2", "soft", 2 },
    { "kvm", "kvm,force=on", 1 },
};

typedef struct {
    const GuestProgram *program;
    const Engine *engine;
} Case;

static void run_case(const void *opaque)
{
    const Case *c = opaque;
    unsigned cpus = MAX(c->engine->cpus, c->program->cpus);
    g_autoptr(CpuBed) bed = cpu_bed_new(c->engine->accel, cpus, NULL);
    g_autofree char *got = NULL;

    if (!bed) {
        return;
    }
    guest_load(bed, c->program);
    if (c->program->before) {
        c->program->before(bed);
    }
    got = guest_run(bed, c->program);
    if (strcmp(got, c->program->expected)) {
        g_test_message("SDM vol. 3, %s", c->program->section);
    }
    g_assert_cmpstr(got, ==, c->program->expected);
    if (c->program->after) {
        c->program->after(bed);
    }
}

void guest_add_tests(const GuestProgram *programs, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j < G_N_ELEMENTS(engines); j++) {
            Case *c = g_new(Case, 1);
            g_autofree char *name = g_strdup_printf("/programs/%s/%s", engines[j].name,
                                                    programs[i].name);

            *c = (Case){ &programs[i], &engines[j] };
            if (strcmp(engines[j].name, "kvm") || programs[i].kvm) {
                g_test_add_data_func_full(name, c, run_case, g_free);
            } else {
                g_free(c);
            }
        }
    }
}
