/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The -d log and messages to the user.  Any thread: a line is written whole, under the
 * stream's own lock.
 */

#include "base/log.h"

#include "base/keyval.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

u32 log_mask;

/* NULL: stderr.  Replaced streams stay open: another thread may be writing to one. */
static FILE *log_file;

static const struct {
    const char *name;
    u32 bit;
    const char *help;
} items[] = {
    { "cpu_reset",    LOG_CPU_RESET,   "CPU state before a reset" },
    { "exec",         LOG_EXEC,        "each block of guest code as it runs" },
    { "guest_errors", LOG_GUEST_ERROR, "guest mistakes that hardware would ignore" },
    { "in_asm",       LOG_IN_ASM,      "guest code as it is decoded" },
    { "int",          LOG_INT,         "interrupts and exceptions" },
    { "io",           LOG_IO,          "port and MMIO accesses that no device claims" },
    { "mmu",          LOG_MMU,         "page table walks and TLB flushes" },
    { "op",           LOG_OP,          "guest code as the software CPU keeps it" },
    { "out_asm",      LOG_OUT_ASM,     "host code made from guest code" },
    { "unimp",        LOG_UNIMP,       "what the guest asked for and is not there" },
    { "all",          UINT32_MAX,      "all of these" },
    { "none",         0,               "nothing" },
};

static void print_items(void)
{
    printf("Log items (comma separated):\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(items); i++) {
        printf("%-15s %s\n", items[i].name, items[i].help);
    }
}

static bool add_item(const char *word, u32 *mask, GError **err)
{
    const char *names[G_N_ELEMENTS(items) + 1] = { NULL };
    const char *near;

    for (unsigned i = 0; i < G_N_ELEMENTS(items); i++) {
        if (strcmp(word, items[i].name) == 0) {
            *mask |= items[i].bit;
            return true;
        }
        names[i] = items[i].name;
    }
    near = nearest_name(word, names);
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "no log item '%s'%s%s%s ('help' lists them)", word,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

bool log_set(const char *text, GError **err)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    u32 mask = 0;

    for (char **word = words; *word; word++) {
        if (strcmp(*word, "help") == 0 || strcmp(*word, "?") == 0) {
            print_items();
            return false;
        }
        if (**word && !add_item(*word, &mask, err)) {
            return false;
        }
    }
    __atomic_store_n(&log_mask, mask, __ATOMIC_RELAXED);
    return true;
}

bool log_set_file(const char *path, GError **err)
{
    FILE *file = fopen(path, "we");

    if (!file) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot write log file '%s': %s", path, g_strerror(errno));
        return false;
    }
    setvbuf(file, NULL, _IOLBF, 0);
    __atomic_store_n(&log_file, file, __ATOMIC_RELEASE);
    return true;
}

/*
 * `kind` is NULL in the log, else what stands between the program's name and the text.
 */
static void write_line(FILE *file, const char *kind, const char *fmt, va_list args)
{
    const char *name = g_get_prgname();

    flockfile(file);
    if (kind) {
        fprintf(file, "%s: %s", name ? name : "mayfly", kind);
    }
    vfprintf(file, fmt, args);
    fputc('\n', file);
    funlockfile(file);
}

void log_write(const char *fmt, ...)
{
    FILE *file = __atomic_load_n(&log_file, __ATOMIC_ACQUIRE);
    va_list args;

    va_start(args, fmt);
    write_line(file ? file : stderr, NULL, fmt, args);
    va_end(args);
}

void warn_user(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    write_line(stderr, "warning: ", fmt, args);
    va_end(args);
}

void info_user(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    write_line(stderr, "", fmt, args);
    va_end(args);
}
