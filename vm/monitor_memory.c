/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x, xp, print: values, memory and code as text.  The main thread.
 *
 * Physical addresses are what a CPU finds there, devices included; reading a device
 * register has the effect that it has for the guest.
 */

#include "base/disassemble.h"
#include "base/lock.h"
#include "vm/monitor_inside.h"

#include <inttypes.h>
#include <string.h>

/* What is dumped: memory as the CPU with `state` sees it, or as the bus does. */
typedef struct {
    MonitorCall *call;
    const X86State *state;      /* NULL: physical */
    unsigned cpu;
} View;

static void print_char(GString *out, u8 c)
{
    static const char named[][3] = { "\nn", "\rr", "\tt", "''", "\\\\" };

    for (unsigned i = 0; i < G_N_ELEMENTS(named); i++) {
        if (c == (u8)named[i][0]) {
            g_string_append_printf(out, "'\\%c'", named[i][1]);
            return;
        }
    }
    g_string_append_printf(out, g_ascii_isprint(c) ? "'%c'" : "'\\x%02x'", c);
}

/* `width`: pad to what the widest value of this size needs. */
static void print_value(GString *out, char format, u8 size, u64 value, bool width)
{
    unsigned bits = 8 * size;
    int octal = (bits + 2) / 3, decimal = (bits * 10 + 32) / 33;

    switch (format) {
    case 'o':
        g_string_append_printf(out, "%#*" PRIo64, width ? octal : 0, value);
        break;
    case 'd':                   /* as QEMU: only the widest values have a sign */
        g_string_append_printf(out, "%*" PRId64, width ? decimal : 0, (s64)value);
        break;
    case 'u':
        g_string_append_printf(out, "%*" PRIu64, width ? decimal : 0, value);
        break;
    case 'c':
        print_char(out, value);
        break;
    default:
        g_string_append_printf(out, "0x%0*" PRIx64, width ? (int)bits / 4 : 0, value);
    }
}

void monitor_print(MonitorCall *call)
{
    print_value(call->out, call->format.format, 8, call->number, false);
    say(call, "\n");
}

/* ---- memory ---- */

static bool to_physical(const View *view, u64 at, gpa *out)
{
    Accel *accel = view->call->vm->machine->accel;

    if (!view->state) {
        *out = at;
        return true;
    }
    return accel->type->translate(accel, view->cpu, at, out);
}

/* Reads `size` bytes that do not cross a page. */
static bool read_value(const View *view, u64 at, u8 size, u64 *value)
{
    gpa where;

    if (!to_physical(view, at, &where)) {
        return false;
    }
    machine_lock();
    *value = space_read(view->call->vm->machine->mmio, where, size);
    machine_unlock();
    return true;
}

/* The same for any address. */
static bool read_item(const View *view, u64 at, u8 size, u64 *value)
{
    u64 byte;

    if (at % PAGE_BYTES <= PAGE_BYTES - size) {
        return read_value(view, at, size, value);
    }
    *value = 0;
    for (unsigned i = 0; i < size; i++) {
        if (!read_value(view, at + i, 1, &byte)) {
            return false;
        }
        *value |= byte << (8 * i);
    }
    return true;
}

static void dump(const View *view, char format, u8 size, unsigned count, u64 at)
{
    MonitorCall *call = view->call;
    unsigned per_line = size == 1 ? 8 : 16 / size;

    for (unsigned i = 0; i < count; i++, at += size) {
        u64 value;

        if (i % per_line == 0) {
            say(call, "%s%016" PRIx64 ":", i ? "\n" : "", at);
        }
        if (!read_item(view, at, size, &value)) {
            say(call, " Cannot access memory");
            break;
        }
        say(call, " ");
        print_value(call->out, format, size, value, true);
    }
    say(call, "\n");
}

/* ---- code ---- */

static unsigned code_bits(const X86State *state)
{
    u32 attr = state->segs.attr[SEG_CS];

    if (!(state->control.cr0 & CR0_PE)) {
        return 16;
    }
    if ((state->control.efer & EFER_LMA) && (attr & SEG_L)) {
        return 64;
    }
    return attr & SEG_DB ? 32 : 16;
}

/* The bytes of an instruction: RAM and ROM only, reading a device would act on it. */
static size_t fetch(const View *view, u64 at, u8 *bytes)
{
    Space *space = view->call->vm->machine->mmio;
    size_t n = 0;

    machine_lock();
    for (; n < INSN_LONGEST; n++) {
        gpa where;
        const FlatRange *range = to_physical(view, at + n, &where)
                                 ? space_find(space, where) : NULL;
        if (!range || !range->host) {
            break;
        }
        bytes[n] = range->host[where - range->base];
    }
    machine_unlock();
    return n;
}

static void print_code(const View *view, const X86State *state, unsigned count, u64 at)
{
    MonitorCall *call = view->call;

    for (unsigned i = 0; i < count; i++) {
        u8 bytes[INSN_LONGEST];
        size_t n = fetch(view, at, bytes), length;
        char text[128];

        say(call, "0x%08" PRIx64 ": ", at);
        if (!n) {
            say(call, "unable to read memory\n");
            return;
        }
        length = disassemble(code_bits(state), at, bytes, n, text, sizeof text);
        if (!length) {
            say(call, "this program was built without a disassembler (libzydis-dev)\n");
            return;
        }
        for (size_t b = 0; b < length; b++) {
            say(call, " %02x", bytes[b]);
        }
        say(call, "%*s  %s\n", length < 8 ? 3 * (int)(8 - length) : 0, "", text);
        at += length;
    }
}

static void dump_as(View view, const X86State *state)
{
    MonitorCall *call = view.call;
    char format = call->format.format ? call->format.format : 'x';
    u8 size = format == 'c' ? 1 : call->format.size ? call->format.size : 4;

    if (format != 'i') {
        dump(&view, format, size, call->format.count, call->number);
    } else if (state) {
        print_code(&view, state, call->format.count, call->number);
    }
}

void monitor_x(MonitorCall *call)
{
    g_autofree X86State *state = monitor_cpu_state(call, *call->cpu);

    if (state) {
        monitor_hold(call->vm);
        dump_as((View){ call, state, *call->cpu }, state);
        monitor_unhold(call->vm);
    }
}

void monitor_xp(MonitorCall *call)
{
    bool code = call->format.format == 'i';
    g_autofree X86State *state = code ? monitor_cpu_state(call, *call->cpu) : NULL;

    dump_as((View){ .call = call }, state);
}
