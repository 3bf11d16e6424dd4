/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a line to a command: the table, the arguments, help.  The main thread.
 */

#include "vm/monitor_inside.h"

#include <string.h>

static const char *skip_blanks(const char *p)
{
    while (g_ascii_isspace(*p)) {
        p++;
    }
    return p;
}

/* The word at *text, up to a blank (or '/', which begins a format). */
static char *take_word(const char **text)
{
    const char *from = skip_blanks(*text);
    size_t n = 0;

    while (from[n] && !g_ascii_isspace(from[n]) && (from[n] != '/' || n == 0)) {
        n++;
    }
    *text = from + n;
    return g_strndup(from, n);
}

static const MonitorCommand *find(const MonitorCommand *table, const char *name)
{
    for (; table->name; table++) {
        if (strcmp(table->name, name) == 0 || g_strcmp0(table->alias, name) == 0) {
            return table;
        }
    }
    return NULL;
}

/* ---- arguments: each takes from *text; NULL or what is wrong ---- */

static const char *take_format(MonitorCall *call, const char **text)
{
    MemFormat *f = &call->format;
    const char *p = *text;
    unsigned count = 0;

    f->count = 1;
    if (*p != '/') {
        return NULL;
    }
    for (p++; g_ascii_isdigit(*p); p++) {
        count = MIN(count * 10 + (*p - '0'), 1u << 16);
        f->count = count;
    }
    for (; *p && !g_ascii_isspace(*p); p++) {
        const char *size = strchr("bhw.g", *p);

        if (strchr("xduoci", *p)) {
            f->format = *p;
        } else if (size && *p != '.') {
            f->size = *p == 'g' ? 8 : 1 << (size - "bhw.g");
        } else {
            say(call, "invalid char in format: '%c'\n", g_ascii_isprint(*p) ? *p : '?');
            return "";
        }
    }
    *text = p;
    return NULL;
}

static const char *take_one(MonitorCall *call, Take take, const char **text)
{
    switch (take) {
    case TAKE_FORMAT:
        return take_format(call, text);
    case TAKE_NUMBER:
        return expression_parse(call, text, &call->number);
    case TAKE_FLAG_A:
        call->flag = strncmp(*text, "-a", 2) == 0;
        *text += call->flag ? 2 : 0;
        return NULL;
    case TAKE_WORD:
        call->word = take_word(text);
        return *call->word ? NULL : "a word is missing";
    case TAKE_REST:
        call->rest = g_strdup(*text);
        *text += strlen(*text);
        return NULL;
    case TAKE_END:
        break;
    }
    return NULL;
}

/* Takes the arguments; says what is wrong with them. */
static bool take_all(MonitorCall *call, const MonitorCommand *command,
                     const char *shown, const char *text)
{
    const char *wrong = NULL;

    for (const u8 *take = command->take; *take && !wrong; take++) {
        text = skip_blanks(text);
        wrong = take_one(call, *take, &text);
    }
    if (!wrong && *skip_blanks(text)) {
        say(call, "%s%s%s: extraneous characters at the end of line\n", command->name,
            command->alias ? "|" : "", command->alias ? command->alias : "");
        wrong = "";
    }
    if (!wrong) {
        return true;
    }
    if (*wrong) {
        say(call, "%s\n", wrong);
    }
    say(call, "Try \"help %s\" for more information\n", shown);
    return false;
}

/* ---- help ---- */

static void show(MonitorCall *call, const char *before, const MonitorCommand *c)
{
    say(call, "%s%s%s%s %s -- %s\n", before, c->name, c->alias ? "|" : "",
        c->alias ? c->alias : "", c->args ? c->args : "", c->help);
}

static void show_all(MonitorCall *call, const char *before, const MonitorCommand *table)
{
    for (; table->name; table++) {
        show(call, before, table);
    }
}

void monitor_help(MonitorCall *call)
{
    const char *text = call->rest;
    g_autofree char *name = take_word(&text), *second = take_word(&text);
    const MonitorCommand *command = find(monitor_commands, name);
    const MonitorCommand *sub = command && command->sub && *second
                                ? find(command->sub, second) : NULL;

    if (!*name) {
        show_all(call, "", monitor_commands);
    } else if (sub) {
        show(call, "info ", sub);
    } else if (command && !*second) {
        if (command->sub) {
            show_all(call, "info ", command->sub);
        } else {
            show(call, "", command);
        }
    } else {
        say(call, "unknown command: '%s%s%s'\n", name, *second ? " " : "", second);
    }
}

static void complete_from(GPtrArray *names, const char *before, const char *text,
                          const MonitorCommand *table)
{
    for (; table->name; table++) {
        if (g_str_has_prefix(table->name, text)) {
            g_ptr_array_add(names, g_strconcat(before, table->name, NULL));
        }
    }
}

GPtrArray *monitor_complete(const char *text)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *rest = text;
    g_autofree char *first = take_word(&rest);
    const MonitorCommand *command = find(monitor_commands, first);

    if (command && command->sub && g_ascii_isspace(*rest)) {
        g_autofree char *before = g_strconcat(first, " ", NULL);

        complete_from(names, before, skip_blanks(rest), command->sub);
    } else {
        complete_from(names, "", text, monitor_commands);
    }
    return names;
}

/* ---- running ---- */

static void run_line(MonitorCall *call, const char *line)
{
    const char *p = line;
    g_autofree char *name = take_word(&p), *second = NULL, *shown = NULL;
    const MonitorCommand *command = find(monitor_commands, name);

    if (!*name) {
        return;
    }
    if (command && command->sub) {
        second = take_word(&p);
        if (!*second || strcmp(second, "help") == 0) {
            show_all(call, "info ", command->sub);
            return;
        }
        command = find(command->sub, second);
    }
    shown = g_strconcat(name, second ? " " : "", second, NULL);
    if (!command) {
        say(call, "unknown command: '%s'\n", shown);
    } else if (take_all(call, command, shown, p)) {
        command->run(call);
    }
}

bool monitor_run(Vm *vm, unsigned *cpu, const char *line, GString *out)
{
    MonitorCall call = { .vm = vm, .cpu = cpu, .out = out };

    run_line(&call, line);
    g_free(call.word);
    g_free(call.rest);
    return !call.over;
}
