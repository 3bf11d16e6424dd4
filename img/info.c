/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img info and snapshot.
 */

#include "block/qcow2.h"
#include "img/img.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* ---- snapshots ---- */

static void print_snapshot(const Qcow2Snapshot *sn)
{
    g_autofree char *size = img_human(sn->vm_state_size);
    u64 ms = sn->vm_clock_ns / 1000000, s = ms / 1000;
    g_autofree char *clock = g_strdup_printf(
        "%02d:%02d:%02d.%03d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60),
        (int)(ms % 1000));
    char date[64], icount[24] = "";
    time_t when = sn->date_sec;
    struct tm local;

    localtime_r(&when, &local);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &local);
    if (sn->icount != UINT64_MAX) {
        g_snprintf(icount, sizeof icount, "%" G_GUINT64_FORMAT, sn->icount);
    }
    printf("%-9s %-16s %8s%20s%13s%11s\n", sn->id, sn->name, size, date, clock, icount);
}

static void print_snapshots(BlockNode *node)
{
    unsigned n;
    const Qcow2Snapshot *sn = qcow2_snapshots(node, &n);

    if (n) {
        puts("Snapshot list:");
        printf("%-9s %-16s %8s%20s%13s%11s\n", "ID", "TAG", "VM SIZE", "DATE",
               "VM CLOCK", "ICOUNT");
    }
    for (unsigned i = 0; i < n; i++) {
        print_snapshot(&sn[i]);
    }
}

static bool snapshot_do(BlockNode *node, int what, const char *name, GError **err)
{
    switch (what) {
    case 'c':
        return qcow2_snapshot_create(node, name, err);
    case 'a':
        return qcow2_snapshot_apply(node, name, err);
    default:
        return qcow2_snapshot_delete(node, name, err);
    }
}

static int snapshot_run(const ImgArgs *args)
{
    static const struct {
        int letter;
        const char *verb;
    } verbs[] = { { 'c', "create" }, { 'a', "apply" }, { 'd', "delete" } };
    g_autoptr(BlockNode) node = NULL;
    GError *err = NULL;
    int what = 'l', n = img_has(args, 'l');
    const char *verb = "list";

    for (unsigned i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (img_has(args, verbs[i].letter)) {
            n++;
            what = verbs[i].letter;
            verb = verbs[i].verb;
        }
    }
    if (n > 1) {
        return img_fail("Cannot mix '-l', '-a', '-c', '-d'");
    }
    node = img_open(args, args->word[0], args->value['f'],
                    what == 'l' ? 0 : BLOCK_RDWR | BLOCK_RESIZE, NULL);
    if (!node) {
        return 1;
    }
    if (!img_is_qcow2(node)) {
        return what == 'l' ? 0 : img_fail("Could not %s snapshot '%s': the format has "
                                          "none", verb, args->value[what]);
    }
    if (what == 'l') {
        print_snapshots(node);
        return 0;
    }
    if (!snapshot_do(node, what, args->value[what], &err)) {
        img_fail("Could not %s snapshot '%s': %s", verb, args->value[what],
                 err->message);
        g_error_free(err);
        return 1;
    }
    return 0;
}

static const ImgOption snapshot_options[] = {
    { 'l', NULL, NULL, "lists snapshots (so does no option at all)" },
    { 'a', NULL, "snapshot", "the disk becomes what it was" },
    { 'c', NULL, "snapshot", "creates one" },
    { 'd', NULL, "snapshot", "deletes one" },
    { 'f', NULL, "fmt", "format of the image" },
    { 'q', NULL, NULL, "says nothing" },
    { 'U', "force-share", NULL, "though others may write to the image" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "filename has options of a node" },
    { 0 }
};

const ImgCommand img_snapshot = {
    "snapshot", "filename", "snapshots inside an image", snapshot_run, snapshot_options,
    1, 1
};

/* ---- info: for people ---- */

static u64 space_of(const BlockNode *node)
{
    struct stat st;

    return node->filename && stat(node->filename, &st) == 0 ? st.st_blocks * 512ull : 0;
}

static const char *on_off(bool on)
{
    return on ? "true" : "false";
}

/* By bit. */
static const char *const bitmap_flags[] = { "in-use", "auto" };

static void print_bitmaps(BlockNode *node)
{
    unsigned n;
    const Qcow2Bitmap *bitmap = qcow2_bitmaps(node, &n);

    if (n) {
        puts("    bitmaps:");
    }
    for (unsigned i = 0; i < n; i++) {
        unsigned k = 0;

        printf("        [%u]:\n            flags:\n", i);
        for (unsigned f = 0; f < G_N_ELEMENTS(bitmap_flags); f++) {
            if (bitmap[i].flags >> f & 1) {
                printf("                [%u]: %s\n", k++, bitmap_flags[f]);
            }
        }
        printf("            name: %s\n            granularity: %" G_GUINT64_FORMAT "\n",
               bitmap[i].name, bitmap[i].granularity);
    }
}

static void print_qcow2(BlockNode *node)
{
    Qcow2Info info = qcow2_info(node);

    puts("Format specific information:");
    printf("    compat: %s\n    compression type: %s\n",
           info.version == 2 ? "0.10" : "1.1", info.compression);
    if (info.version == 2) {
        printf("    refcount bits: %u\n", info.refcount_bits);
        return;
    }
    printf("    lazy refcounts: %s\n", on_off(info.lazy_refcounts));
    print_bitmaps(node);
    printf("    refcount bits: %u\n    corrupt: %s\n    extended l2: false\n",
           info.refcount_bits, on_off(info.corrupt));
}

static void print_human(BlockNode *node, const char *name)
{
    g_autofree char *size = img_human(node_length(node));
    g_autofree char *space = img_human(space_of(node));

    printf("image: %s\nfile format: %s\nvirtual size: %s (%" G_GUINT64_FORMAT
           " bytes)\ndisk size: %s\n", name, node->driver->name, size, node_length(node),
           space);
    if (!img_is_qcow2(node)) {
        return;
    }
    if (qcow2_info(node).dirty) {
        puts("cleanly shut down: no");
    }
    printf("cluster_size: %" G_GUINT64_FORMAT "\n", qcow2_cluster_size(node));
    if (qcow2_info(node).backing_name) {
        Qcow2Info info = qcow2_info(node);
        g_autofree char *path = node_relative(node->filename, info.backing_name);

        printf("backing file: %s", info.backing_name);
        if (strcmp(path, info.backing_name) != 0) {
            printf(" (actual path: %s)", path);
        }
        putchar('\n');
        if (info.backing_format) {
            printf("backing file format: %s\n", info.backing_format);
        }
    }
    print_snapshots(node);
    print_qcow2(node);
}

/* ---- info: for programs ---- */

typedef struct {
    GString *out;
    int depth;
    bool first;
} Json;

static void json_key(Json *j, const char *key)
{
    g_string_append_printf(j->out, "%s\n%*s", j->first ? "" : ",", j->depth * 4, "");
    j->first = false;
    if (key) {
        img_json_text(j->out, key);
        g_string_append(j->out, ": ");
    }
}

static void json_text(Json *j, const char *key, const char *text)
{
    if (text) {
        json_key(j, key);
        img_json_text(j->out, text);
    }
}

static void json_number(Json *j, const char *key, u64 n)
{
    json_key(j, key);
    g_string_append_printf(j->out, "%" G_GUINT64_FORMAT, n);
}

static void json_bool(Json *j, const char *key, bool on)
{
    json_key(j, key);
    g_string_append(j->out, on_off(on));
}

static void json_open(Json *j, const char *key, char bracket)
{
    json_key(j, key);
    g_string_append_c(j->out, bracket);
    j->depth++;
    j->first = true;
}

static void json_close(Json *j, char bracket)
{
    j->depth--;
    g_string_append_printf(j->out, "\n%*s%c", j->depth * 4, "", bracket);
    j->first = false;
}

static void json_snapshots(Json *j, BlockNode *node)
{
    unsigned n;
    const Qcow2Snapshot *sn = qcow2_snapshots(node, &n);

    if (!n) {
        return;
    }
    json_open(j, "snapshots", '[');
    for (unsigned i = 0; i < n; i++) {
        json_open(j, NULL, '{');
        if (sn[i].icount != UINT64_MAX) {
            json_number(j, "icount", sn[i].icount);
        }
        json_number(j, "vm-clock-nsec", sn[i].vm_clock_ns % NS_PER_SEC);
        json_text(j, "name", sn[i].name);
        json_number(j, "date-sec", sn[i].date_sec);
        json_number(j, "date-nsec", sn[i].date_nsec);
        json_number(j, "vm-clock-sec", sn[i].vm_clock_ns / NS_PER_SEC);
        json_text(j, "id", sn[i].id);
        json_number(j, "vm-state-size", sn[i].vm_state_size);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void json_bitmaps(Json *j, BlockNode *node)
{
    unsigned n;
    const Qcow2Bitmap *bitmap = qcow2_bitmaps(node, &n);

    if (!n) {
        return;
    }
    json_open(j, "bitmaps", '[');
    for (unsigned i = 0; i < n; i++) {
        json_open(j, NULL, '{');
        json_open(j, "flags", '[');
        for (unsigned f = 0; f < G_N_ELEMENTS(bitmap_flags); f++) {
            if (bitmap[i].flags >> f & 1) {
                json_key(j, NULL);
                img_json_text(j->out, bitmap_flags[f]);
            }
        }
        json_close(j, ']');
        json_text(j, "name", bitmap[i].name);
        json_number(j, "granularity", bitmap[i].granularity);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void json_specific(Json *j, BlockNode *node)
{
    Qcow2Info info = qcow2_info(node);

    json_open(j, "format-specific", '{');
    json_text(j, "type", "qcow2");
    json_open(j, "data", '{');
    json_text(j, "compat", info.version == 2 ? "0.10" : "1.1");
    json_text(j, "compression-type", info.compression);
    if (info.version > 2) {
        json_bool(j, "lazy-refcounts", info.lazy_refcounts);
        json_bitmaps(j, node);
    }
    json_number(j, "refcount-bits", info.refcount_bits);
    if (info.version > 2) {
        json_bool(j, "corrupt", info.corrupt);
        json_bool(j, "extended-l2", false);
    }
    json_close(j, '}');
    json_close(j, '}');
}

static void json_image(Json *j, BlockNode *node, const char *name)
{
    bool is_qcow2 = img_is_qcow2(node);
    Qcow2Info info = is_qcow2 ? qcow2_info(node) : (Qcow2Info){ 0 };

    if (is_qcow2) {
        json_snapshots(j, node);
    }
    json_text(j, "backing-filename-format", info.backing_format);
    json_number(j, "virtual-size", node_length(node));
    json_text(j, "filename", name);
    if (is_qcow2) {
        json_number(j, "cluster-size", qcow2_cluster_size(node));
    }
    json_text(j, "format", node->driver->name);
    json_number(j, "actual-size", space_of(node));
    if (is_qcow2) {
        json_specific(j, node);
    }
    if (info.backing_name) {
        g_autofree char *path = node_relative(node->filename, info.backing_name);

        json_text(j, "full-backing-filename", path);
        json_text(j, "backing-filename", info.backing_name);
    }
    json_bool(j, "dirty-flag", info.dirty);
}

/* ---- info ---- */

static int print_chain(BlockNode *node, bool json, bool all)
{
    Json j = { .out = g_string_new(NULL), .first = true };

    if (json) {
        g_string_append_c(j.out, all ? '[' : '{');
        j.depth = 1;
    }
    for (BlockNode *at = node; at; at = all ? at->backing : NULL) {
        if (!json) {
            printf("%s", at == node ? "" : "\n");
            print_human(at, at->filename);
            continue;
        }
        if (all) {
            json_open(&j, NULL, '{');
        }
        json_image(&j, at, at->filename);
        if (all) {
            json_close(&j, '}');
        }
    }
    if (json) {
        g_string_append_printf(j.out, "\n%c\n", all ? ']' : '}');
        fputs(j.out->str, stdout);
    }
    g_string_free(j.out, TRUE);
    return 0;
}

static int info_run(const ImgArgs *args)
{
    bool all = img_has(args, OPT_CHAIN), json;
    g_autoptr(BlockNode) node = NULL;

    if (!img_wants_json(args, &json)) {
        return 1;
    }
    node = img_open(args, args->word[0], args->value['f'], all ? 0 : BLOCK_NO_BACKING,
                    NULL);
    return node ? print_chain(node, json, all) : 1;
}

static const ImgOption info_options[] = {
    { 'f', NULL, "fmt", "format of the image" },
    { 'U', "force-share", NULL, "though others may write to the image" },
    { OPT_OUTPUT, "output", "human|json", "form of the output" },
    { OPT_CHAIN, "backing-chain", NULL, "all images of the chain" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "filename has options of a node" },
    { 0 }
};

const ImgCommand img_info = {
    "info", "filename", "tells what an image is", info_run, info_options, 1, 1
};
