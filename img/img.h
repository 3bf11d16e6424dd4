/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img: what works on images without a machine.  Commands, options, output and
 * exit statuses are qemu-img's.
 *
 * A command is a row in img/main.c's table; its options are rows, too, from which
 * parsing and --help come.  Main thread, but for convert's workers.
 */

#ifndef IMG_IMG_H
#define IMG_IMG_H

#include "block/node.h"

/* Options that have no letter. */
enum { OPT_OUTPUT = 128, OPT_CHAIN, OPT_SHRINK, OPT_TARGET_ZERO,
       OPT_IMAGE_OPTS, OPT_TARGET_OPTS, OPT_PREALLOCATION, OPT_SALVAGE, OPT_SIZE,
       OPT_END };

typedef struct {
    int letter;                 /* or one of those above */
    const char *name;           /* of the long form; NULL: none */
    const char *arg;            /* NULL: it has none */
    const char *help;
} ImgOption;

typedef struct {
    const char *command;
    const char *value[OPT_END]; /* the last one given; "" for those without argument */
    char *options;              /* all of -o, with commas */
    char **word;                /* what is no option */
    int n;
} ImgArgs;

typedef struct {
    const char *name, *words, *help;
    int (*run)(const ImgArgs *args);
    const ImgOption *options;   /* ends with letter 0 */
    int min, max;               /* words; max 0: any number */
} ImgCommand;

extern const ImgCommand img_check, img_commit, img_compare, img_convert, img_create,
                        img_dd, img_info, img_map, img_measure, img_rebase,
                        img_resize, img_snapshot,
                        img_snapshot_check, img_snapshot_flatten, img_snapshot_info,
                        img_snapshot_pack, img_snapshot_seal,
                        img_snapshot_unpack;

static inline bool img_has(const ImgArgs *args, int letter)
{
    return args->value[letter] != NULL;
}

/* ---- img/open.c ---- */

/* "mayfly-img: text" on stderr; returns 1, the exit status. */
int img_fail(const char *fmt, ...) printf_like(1, 2);
int img_fail_error(GError *err);                /* and frees it */

/*
 * Opens an image: by file name and format (NULL: guessed), or by options with
 * --image-opts.  `cache` is a cache mode's name or NULL.  Says what is wrong.
 */
BlockNode *img_open(const ImgArgs *args, const char *name, const char *format,
                    BlockFlags flags, const char *cache);
/* The same without what the command line says of sources (-U, --image-opts). */
BlockNode *img_open_words(const char *name, const char *format, bool is_options,
                          BlockFlags flags, const char *cache);
bool img_is_qcow2(const BlockNode *node);

bool img_size(const char *text, u64 *bytes);    /* says what is wrong */
char *img_human(u64 bytes);                     /* "1.5 GiB"; caller frees */
/* -o help */
bool img_wants_options(const ImgArgs *args);
int img_print_options(const char *format);      /* an exit status */
/* False: says which of the options the format has not. */
bool img_options_right(const char *format, const KeyVals *options);
/* False: says that it is neither human nor json. */
bool img_wants_json(const ImgArgs *args, bool *json);
void img_json_text(GString *to, const char *text);

/* What the first bytes of a chain of images are, and who says so. */
typedef struct {
    BlockStatus status;
    BlockNode *node;                /* of the chain; depth 0: the first */
    unsigned depth;
} ImgExtent;

/*
 * `base`: where the chain ends; that and what is behind counts as unallocated.
 * `as_written`: what the image's tables say; otherwise holes of its file count, too.
 */
int img_extent(BlockNode *node, const BlockNode *base, bool as_written, u64 offset,
               u64 bytes, ImgExtent *out);

/* The same for who goes from end to end: asks once for each stretch. */
typedef struct {
    BlockNode *node;
    const BlockNode *base;
    bool as_written;
    u64 at;                         /* of `found`; its bytes 0: nothing is known */
    ImgExtent found;
} ImgWalk;

int img_walk(ImgWalk *walk, u64 offset, u64 bytes, ImgExtent *out);

/* -p */
void img_progress(const ImgArgs *args, u64 done, u64 all);

/* ---- img/rate.c ---- */

typedef struct {
    u64 bytes;                      /* per second; 0: any number */
    s64 due;                        /* when all before have had their time, in us */
} ImgRate;

bool img_rate_open(const ImgArgs *args, ImgRate *rate);     /* says what is wrong */
void img_rate_wait(ImgRate *rate, u64 n);       /* before `n` bytes are written */

/* ---- img/open.c again ---- */

/* Zeroes at the beginning (or bytes that are not), in steps of `step`. */
size_t img_zero_run(const u8 *bytes, size_t n, size_t step, bool *zero);

#endif
