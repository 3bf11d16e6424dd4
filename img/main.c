/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img: the command line.  Words after the command are judged by its table of
 * options; "mayfly-img COMMAND --help" prints that.
 */

#include "config.h"
#include "img/img.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const ImgCommand *const commands[] = {
    &img_check, &img_commit, &img_compare, &img_convert, &img_create, &img_dd,
    &img_info, &img_map, &img_measure, &img_rebase, &img_resize, &img_snapshot,
    &img_snapshot_check, &img_snapshot_flatten, &img_snapshot_info, &img_snapshot_pack,
    &img_snapshot_seal, &img_snapshot_unpack,
};

static void print_usage(const ImgCommand *c)
{
    printf("usage: mayfly-img %s [options] %s\n%s\n\n", c->name, c->words, c->help);
    for (const ImgOption *o = c->options; o->letter; o++) {
        g_autofree char *left =
            o->letter >= 128 ? g_strdup_printf("--%s%s%s", o->name, o->arg ? "=" : "",
                                               o->arg ? o->arg : "")
            : g_strdup_printf("-%c%s%s", o->letter, o->arg ? " " : "",
                              o->arg ? o->arg : "");

        printf("  %-24s %s\n", left, o->help);
    }
}

static void print_help(void)
{
    printf("usage: mayfly-img COMMAND [options] ...\n"
           "Works on disk images.  COMMAND --help says more.\n\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        printf("  %-16s %-34s %s\n", commands[i]->name, commands[i]->words,
               commands[i]->help);
    }
    printf("\nSupported formats:");
    for (unsigned i = 0; block_drivers[i]; i++) {
        printf(" %s", block_drivers[i]->name);
    }
    printf("\n");
}

static int try_help(void)
{
    fprintf(stderr, "Try 'mayfly-img --help' for more information\n");
    return 1;
}

/* ---- options of a command ---- */

enum { MAX_OPTIONS = 32 };

/* getopt's two tables, from ours. */
static void tables_make(const ImgOption *options, GString *letters,
                        struct option long_forms[MAX_OPTIONS])
{
    unsigned n = 0;

    g_string_assign(letters, ":h");
    long_forms[n++] = (struct option){ "help", no_argument, NULL, 'h' };
    for (const ImgOption *o = options; o->letter; o++) {
        g_assert(n < MAX_OPTIONS - 1);
        if (o->letter < 128) {
            g_string_append_printf(letters, "%c%s", o->letter, o->arg ? ":" : "");
        }
        if (o->name) {
            long_forms[n++] = (struct option){
                o->name, o->arg ? required_argument : no_argument, NULL, o->letter };
        }
    }
    long_forms[n] = (struct option){ 0 };
}

static void take(ImgArgs *args, int letter)
{
    args->value[letter] = optarg ? optarg : "";
    if (letter == 'o') {
        char *all = args->options ? g_strconcat(args->options, ",", optarg, NULL)
                                  : g_strdup(optarg);

        g_free(args->options);
        args->options = all;
    }
}

/* False: that was all, with this exit status. */
static bool parse(const ImgCommand *c, int argc, char **argv, ImgArgs *args,
                  int *status)
{
    /* "resize disk -10M": the last word is a size, not an option. */
    bool sized = c == &img_resize && argc > 2 && argv[argc - 1][0] == '-' &&
                 g_ascii_isdigit(argv[argc - 1][1]);
    g_autoptr(GString) letters = g_string_new(NULL);
    struct option long_forms[MAX_OPTIONS];
    int letter;

    tables_make(c->options, letters, long_forms);
    *status = 1;
    opterr = 0;
    argc -= sized;
    while ((letter = getopt_long(argc, argv, letters->str, long_forms, NULL)) != -1) {
        switch (letter) {
        case 'h':
            print_usage(c);
            *status = 0;
            return false;
        case ':':
            img_fail("missing argument for option '%s'", argv[optind - 1]);
            return false;
        case '?':
            img_fail("unrecognized option '%s'", argv[optind - 1]);
            try_help();
            return false;
        default:
            take(args, letter);
        }
    }
    args->word = argv + optind;
    args->n = argc - optind + sized;
    if (args->n < c->min || (c->max && args->n > c->max)) {
        img_fail("%s needs: %s", c->name, c->words);
        try_help();
        return false;
    }
    return true;
}

/* ---- commands ---- */

static const ImgCommand *command_find(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const ImgCommand *c;
    ImgArgs args = { 0 };
    int status;

    g_set_prgname("mayfly-img");
    if (argc < 2) {
        img_fail("Not enough arguments");
        return try_help();
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help();
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("mayfly-img version %s\n", CONFIG_VERSION);
        return 0;
    }
    c = command_find(argv[1]);
    if (!c) {
        img_fail("Command not found: %s", argv[1]);
        return try_help();
    }
    args.command = c->name;
    if (parse(c, argc - 1, argv + 1, &args, &status)) {
        status = c->run(&args);
        nodes_close_all();
    }
    g_free(args.options);
    return fflush(stdout) ? 1 : status;
}
