/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img check: 0 all is right, 1 it could not be done, 2 corruption, 3 leaks,
 * 63 the format has nothing to check.
 */

#include "block/qcow2.h"
#include "img/img.h"

#include <stdio.h>
#include <string.h>

enum { CORRUPT = 2, LEAKS = 3, NOTHING_TO_CHECK = 63 };

static void say(void *opaque, const char *line)
{
    const ImgArgs *args = opaque;

    if (!img_has(args, 'q')) {
        fprintf(stderr, "%s\n", line);
    }
}

/* ---- output ---- */

static void json_number(GString *to, const char *name, u64 n, bool always)
{
    if (n || always) {
        g_string_append_printf(to, "    \"%s\": %" G_GUINT64_FORMAT ",\n", name, n);
    }
}

static void print_json(const ImgArgs *args, const BlockNode *node, const Qcow2Check *r)
{
    g_autoptr(GString) out = g_string_new("{\n");

    json_number(out, "image-end-offset", r->image_end, false);
    json_number(out, "total-clusters", r->total_clusters, false);
    json_number(out, "check-errors", r->check_errors, true);
    json_number(out, "corruptions", r->corruptions, false);
    json_number(out, "leaks", r->leaks, false);
    json_number(out, "corruptions-fixed", r->corruptions_fixed, false);
    json_number(out, "leaks-fixed", r->leaks_fixed, false);
    json_number(out, "allocated-clusters", r->allocated_clusters, false);
    json_number(out, "fragmented-clusters", r->fragmented_clusters, false);
    json_number(out, "compressed-clusters", r->compressed_clusters, false);
    g_string_append(out, "    \"filename\": ");
    img_json_text(out, args->word[0]);
    g_string_append_printf(out, ",\n    \"format\": \"%s\"\n}\n", node->driver->name);
    fputs(out->str, stdout);
}

static void print_human(const Qcow2Check *r)
{
    if (!r->corruptions && !r->leaks && !r->check_errors) {
        puts("No errors were found on the image.");
    }
    if (r->corruptions) {
        printf("\n%" G_GUINT64_FORMAT " errors were found on the image.\n"
               "Data may be corrupted, or further writes to the image may corrupt it.\n",
               r->corruptions);
    }
    if (r->leaks) {
        printf("\n%" G_GUINT64_FORMAT " leaked clusters were found on the image.\n"
               "This means waste of disk space, but no harm to data.\n", r->leaks);
    }
    if (r->check_errors) {
        printf("\n%" G_GUINT64_FORMAT " internal errors have occurred during the "
               "check.\n", r->check_errors);
    }
    if (r->total_clusters && r->allocated_clusters) {
        printf("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT
               " = %0.2f%% allocated, %0.2f%% "
               "fragmented, %0.2f%% compressed clusters\n",
               r->allocated_clusters, r->total_clusters,
               r->allocated_clusters * 100.0 / r->total_clusters,
               r->fragmented_clusters * 100.0 / r->allocated_clusters,
               r->compressed_clusters * 100.0 / r->allocated_clusters);
    }
    if (r->image_end) {
        printf("Image end offset: %" G_GUINT64_FORMAT "\n", r->image_end);
    }
}

/* ---- check ---- */

/* After a repair all is looked at once more. */
static bool check_twice(const ImgArgs *args, BlockNode *node, unsigned fix,
                        Qcow2Check *r, bool json)
{
    GError *err = NULL;
    u64 leaks, corruptions;

    if (!qcow2_check(node, fix, r, &err)) {
        img_fail_error(err);
        return false;
    }
    leaks = r->leaks_fixed;
    corruptions = r->corruptions_fixed;
    if (!leaks && !corruptions) {
        return true;
    }
    if (!json && !img_has(args, 'q')) {
        printf("The following inconsistencies were found and repaired:\n\n    %"
               G_GUINT64_FORMAT " leaked clusters\n    %" G_GUINT64_FORMAT
               " corruptions\n\nDouble checking the fixed image now...\n", leaks,
               corruptions);
    }
    *r = (Qcow2Check){ .say = say, .opaque = (void *)args };
    if (!qcow2_check(node, 0, r, &err)) {
        img_fail_error(err);
        return false;
    }
    r->leaks_fixed = leaks;
    r->corruptions_fixed = corruptions;
    return true;
}

static bool fix_of(const ImgArgs *args, unsigned *fix)
{
    const char *what = args->value['r'];

    *fix = 0;
    if (!what) {
        return true;
    }
    *fix = strcmp(what, "leaks") == 0 ? QCOW2_FIX_LEAKS
           : strcmp(what, "all") == 0 ? QCOW2_FIX_LEAKS | QCOW2_FIX_ERRORS : 0;
    if (!*fix) {
        img_fail("--repair/-r expects the option argument 'leaks' or 'all'");
    }
    return *fix != 0;
}

static int check_run(const ImgArgs *args)
{
    Qcow2Check r = { .say = say, .opaque = (void *)args };
    g_autoptr(BlockNode) node = NULL;
    unsigned fix;
    bool json;

    if (!img_wants_json(args, &json) || !fix_of(args, &fix)) {
        return 1;
    }
    node = img_open(args, args->word[0], args->value['f'],
                    BLOCK_CHECK | (fix ? BLOCK_RDWR | BLOCK_RESIZE : 0),
                    args->value['T']);
    if (!node) {
        return 1;
    }
    if (!img_is_qcow2(node)) {
        img_fail("This image format does not support checks");
        return NOTHING_TO_CHECK;
    }
    if (!check_twice(args, node, fix, &r, json)) {
        return 1;
    }
    if (json) {
        print_json(args, node, &r);
    } else if (!img_has(args, 'q')) {
        print_human(&r);
    }
    return r.check_errors ? 1 : r.corruptions ? CORRUPT : r.leaks ? LEAKS : 0;
}

static const ImgOption check_options[] = {
    { 'f', NULL, "fmt", "format of the image" },
    { 'r', "repair", "leaks|all", "repairs leaks, or everything" },
    { 'T', NULL, "cache", "cache mode" },
    { 'q', NULL, NULL, "says nothing but errors" },
    { 'U', "force-share", NULL, "though others may write to the image" },
    { OPT_OUTPUT, "output", "human|json", "form of the output" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "filename has options of a node" },
    { 0 }
};

const ImgCommand img_check = {
    "check", "filename", "looks for damage, and repairs it", check_run, check_options, 1, 1
};
