/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expressions in monitor commands: 64-bit, unsigned.  Nesting is limited, as the text
 * comes from anywhere.
 */

#include "vm/monitor_inside.h"

#include <string.h>

enum { DEEPEST = 64 };

/* Once `wrong` is set nothing more is read. */
typedef struct {
    MonitorCall *call;
    const char *p;
    const char *wrong;
    unsigned depth;
} Reader;

static const struct {
    const char *name, *alias;
    u32 at;
} registers[] = {
#define GPR(name, alias, n) { name, alias, offsetof(X86State, regs.gpr[n]) }
    GPR("rax", "eax", RAX), GPR("rcx", "ecx", RCX), GPR("rdx", "edx", RDX),
    GPR("rbx", "ebx", RBX), GPR("rsp", "esp", RSP), GPR("rbp", "ebp", RBP),
    GPR("rsi", "esi", RSI), GPR("rdi", "edi", RDI), GPR("r8", NULL, R8),
    GPR("r9", NULL, R9), GPR("r10", NULL, R10), GPR("r11", NULL, R11),
    GPR("r12", NULL, R12), GPR("r13", NULL, R13), GPR("r14", NULL, R14),
    GPR("r15", NULL, R15),
#undef GPR
    { "rip",    "eip",    offsetof(X86State, regs.rip) },
    { "rflags", "eflags", offsetof(X86State, regs.rflags) },
    { "cr0",    NULL,     offsetof(X86State, control.cr0) },
    { "cr2",    NULL,     offsetof(X86State, control.cr2) },
    { "cr3",    NULL,     offsetof(X86State, control.cr3) },
    { "cr4",    NULL,     offsetof(X86State, control.cr4) },
    { "efer",   NULL,     offsetof(X86State, control.efer) },
#define BASE(name, n) { name, NULL, offsetof(X86State, segs.base[n]) }
    BASE("cs.base", SEG_CS), BASE("ds.base", SEG_DS), BASE("es.base", SEG_ES),
    BASE("ss.base", SEG_SS), BASE("fs.base", SEG_FS), BASE("gs.base", SEG_GS),
#undef BASE
};

static u64 wrong(Reader *r, const char *what)
{
    if (!r->wrong) {
        r->wrong = what;
    }
    return 0;
}

static char next(Reader *r)
{
    while (g_ascii_isspace(*r->p)) {
        r->p++;
    }
    return r->wrong ? 0 : *r->p;
}

/* Where execution goes on, as a linear address. */
static u64 pc(const X86State *state)
{
    return state->segs.base[SEG_CS] + state->regs.rip;
}

static u64 read_register(Reader *r)
{
    g_autofree X86State *state = NULL;
    g_autofree char *name = NULL;
    size_t n = 0;

    while (g_ascii_isalnum(r->p[n]) || r->p[n] == '.') {
        n++;
    }
    name = g_strndup(r->p, n);
    r->p += n;
    for (unsigned i = 0; i < G_N_ELEMENTS(registers); i++) {
        if (strcmp(name, registers[i].name) == 0 ||
            g_strcmp0(name, registers[i].alias) == 0) {
            state = monitor_cpu_state(r->call, *r->call->cpu);
            return state ? *(u64 *)((char *)state + registers[i].at)
                         : wrong(r, "no registers");
        }
    }
    if (strcmp(name, "pc") == 0) {
        state = monitor_cpu_state(r->call, *r->call->cpu);
        return state ? pc(state) : wrong(r, "no registers");
    }
    return wrong(r, "unknown register");
}

static u64 read_number(Reader *r)
{
    char *end;
    u64 value = g_ascii_strtoull(r->p, &end, 0);

    if (!g_ascii_isdigit(*r->p) || g_ascii_isalnum(*end)) {
        return wrong(r, *r->p ? "invalid char in expression"
                              : "unexpected end of expression");
    }
    r->p = end;
    return value;
}

/* Operators by how tightly they bind, the tightest first: QEMU's order, not C's. */
static const char *const levels[] = { "*/%", "&|^", "+-" };
enum { LOOSEST = G_N_ELEMENTS(levels) - 1 };

static u64 read_level(Reader *r, int level);

static u64 read_unary(Reader *r)
{
    u64 value;

    if (r->depth == DEEPEST) {
        return wrong(r, "expression is nested too deeply");
    }
    r->depth++;
    switch (next(r)) {
    case '+':
        r->p++;
        value = read_unary(r);
        break;
    case '-':
        r->p++;
        value = -read_unary(r);
        break;
    case '~':
        r->p++;
        value = ~read_unary(r);
        break;
    case '(':
        r->p++;
        value = read_level(r, LOOSEST);
        if (next(r) == ')') {
            r->p++;
        } else {
            wrong(r, "')' expected");
        }
        break;
    case '$':
        r->p++;
        value = read_register(r);
        break;
    default:
        value = read_number(r);
    }
    r->depth--;
    return value;
}

static u64 apply(Reader *r, char op, u64 a, u64 b)
{
    if ((op == '/' || op == '%') && b == 0) {
        return wrong(r, "division by zero");
    }
    switch (op) {
    case '*':
        return a * b;
    case '/':
        return a / b;
    case '%':
        return a % b;
    case '&':
        return a & b;
    case '|':
        return a | b;
    case '^':
        return a ^ b;
    case '+':
        return a + b;
    default:
        return a - b;
    }
}

static u64 read_level(Reader *r, int level)
{
    u64 value = level < 0 ? read_unary(r) : read_level(r, level - 1);

    while (level >= 0 && next(r) && strchr(levels[level], next(r))) {
        char op = *r->p++;

        value = apply(r, op, value, read_level(r, level - 1));
    }
    return value;
}

const char *expression_parse(MonitorCall *call, const char **text, u64 *value)
{
    Reader r = { .call = call, .p = *text };

    *value = read_level(&r, LOOSEST);
    *text = r.p;
    return r.wrong;
}
