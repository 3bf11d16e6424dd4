/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img snapshot-info and snapshot-flatten: the folders that Mayfly's savevm
 * makes.  Everything is told from `state`, as a restore sees it, and what that needs
 * from elsewhere (parents, disks' images) is looked for.
 */

#include "img/img.h"
#include "vm/snapshot_view.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- pieces of a JSON object ---- */

static void add_number(JsonBuilder *json, const char *name, s64 value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_int_value(json, value);
}

static void add_string(JsonBuilder *json, const char *name, const char *value)
{
    g_autofree char *text = g_utf8_make_valid(value, -1);

    json_builder_set_member_name(json, name);
    json_builder_add_string_value(json, text);
}

static void begin_array(JsonBuilder *json, const char *name)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
}

/* ---- what is there ---- */

static u64 file_room(const char *path)
{
    struct stat info;

    return stat(path, &info) ? 0 : (u64)info.st_blocks * 512;
}

static u64 folder_room(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    u64 bytes = 0;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        bytes += file_room(file);
    }
    if (dir) {
        g_dir_close(dir);
    }
    return bytes;
}

static void add_options(JsonBuilder *json, const SnapshotView *view)
{
    begin_array(json, "options");
    for (unsigned i = 0; i + 1 < view->words->len; i += 2) {
        g_autofree char *word = g_strconcat("-", view->words->pdata[i], NULL);
        g_autofree char *value = g_utf8_make_valid(view->words->pdata[i + 1], -1);
        g_autofree char *option = g_utf8_make_valid(word, -1);

        json_builder_add_string_value(json, option);
        if (*value) {
            json_builder_add_string_value(json, value);
        }
    }
    json_builder_end_array(json);
}

static void add_parents(JsonBuilder *json, const SnapshotView *view)
{
    begin_array(json, "parents");
    for (unsigned i = 1; i < view->layers->n; i++) {
        g_autoptr(GError) error = NULL;
        bool there = layer_check(&view->layers->layer[i], &error);

        json_builder_begin_object(json);
        add_string(json, "path", view->layers->layer[i].dir);
        add_string(json, "state", there ? "there" : error->message);
        add_number(json, "ram-used", snapshot_view_stored(view, i, i));
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void add_image(JsonBuilder *json, const SnapshotView *view, Image *image)
{
    g_autoptr(GError) error = NULL;
    bool users = image->layer == IMAGE_USERS;
    bool found = image_find(image, view->layers, &error);
    const char *path = image->path ? image->path : image->name;

    json_builder_begin_object(json);
    add_string(json, "file", path);
    add_string(json, "format", image->format);
    add_string(json, "of", users ? "user" : image->layer ? "parent" : "snapshot");
    add_number(json, "bytes", users ? image->bytes : file_room(path));
    if (found && !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        add_string(json, "state", "missing");
    } else {
        add_string(json, "state", !found ? error->message
                                  : users ? "unchanged" : "there");
    }
    json_builder_end_object(json);
}

static void add_disks(JsonBuilder *json, const SnapshotView *view)
{
    begin_array(json, "disks");
    for (unsigned i = 0; i < view->disks->len; i++) {
        const SavedDisk *disk = view->disks->pdata[i];

        json_builder_begin_object(json);
        add_string(json, "drive", disk->words);
        begin_array(json, "images");
        for (unsigned n = 0; n < disk->images->len; n++) {
            add_image(json, view, disk->images->pdata[n]);
        }
        json_builder_end_array(json);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void add_date(JsonBuilder *json, const SnapshotView *view)
{
    s64 seconds = view->clock.real_ns / NS_PER_SEC;
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(seconds);
    g_autofree char *date = when ? g_date_time_format_iso8601(when) : NULL;

    add_string(json, "date", date ? date : "unknown");
}

static JsonNode *describe(const SnapshotView *view)
{
    g_autoptr(JsonBuilder) json = json_builder_new();

    json_builder_begin_object(json);
    add_string(json, "snapshot", view->dir);
    add_date(json, view);
    add_number(json, "guest-time-ns", view->clock.virtual_ns);
    add_number(json, "cpus", view->cpus);
    add_number(json, "devices", view->devices);
    add_number(json, "ram-bytes", snapshot_view_ram(view));
    add_number(json, "ram-stored", snapshot_view_stored(view, 0, 0));
    add_number(json, "ram-in-parents", snapshot_view_stored(view, 1, LAYERS_MAX));
    add_number(json, "folder-bytes", folder_room(view->dir));
    add_options(json, view);
    add_disks(json, view);
    add_parents(json, view);
    json_builder_end_object(json);
    return json_builder_get_root(json);
}

/* ---- for people ---- */

/* One line whatever a foreign snapshot has in it: no control characters. */
static void print_text(const char *text)
{
    for (const char *c = text; *c; c++) {
        putchar(g_ascii_iscntrl(*c) ? '?' : *c);
    }
}

static void print_bytes(const char *name, JsonObject *from, const char *member)
{
    g_autofree char *size = img_human(json_object_get_int_member(from, member));

    printf("%s%s", name, size);
}

static void print_image(JsonArray *array, guint i, JsonNode *node, gpointer unused)
{
    JsonObject *image = json_node_get_object(node);

    (void)array, (void)i, (void)unused;
    printf("    ");
    print_text(json_object_get_string_member(image, "file"));
    printf(" (");
    print_text(json_object_get_string_member(image, "format"));
    printf(", of the %s", json_object_get_string_member(image, "of"));
    print_bytes(", ", image, "bytes");
    printf("): ");
    print_text(json_object_get_string_member(image, "state"));
    putchar('\n');
}

static void print_disk(JsonArray *array, guint i, JsonNode *node, gpointer unused)
{
    JsonObject *disk = json_node_get_object(node);

    (void)array, (void)unused;
    printf("disk %u: ", i);
    print_text(json_object_get_string_member(disk, "drive"));
    putchar('\n');
    json_array_foreach_element(json_object_get_array_member(disk, "images"),
                               print_image, NULL);
}

static void print_parent(JsonArray *array, guint i, JsonNode *node, gpointer unused)
{
    JsonObject *parent = json_node_get_object(node);

    (void)array, (void)unused;
    printf("parent %u: ", i + 1);
    print_text(json_object_get_string_member(parent, "path"));
    print_bytes(" (", parent, "ram-used");
    printf(" of RAM): ");
    print_text(json_object_get_string_member(parent, "state"));
    putchar('\n');
}

static void print_word(JsonArray *array, guint i, JsonNode *node, gpointer unused)
{
    (void)array, (void)i, (void)unused;
    putchar(' ');
    print_text(json_node_get_string(node));
}

static void print_human(JsonObject *all)
{
    printf("snapshot: ");
    print_text(json_object_get_string_member(all, "snapshot"));
    printf("\nsaved: %s, %.3f s after the guest's start\nmachine:",
           json_object_get_string_member(all, "date"),
           json_object_get_int_member(all, "guest-time-ns") / 1e9);
    json_array_foreach_element(json_object_get_array_member(all, "options"), print_word,
                               NULL);
    printf("\nvCPUs: %d\ndevices: %d\n", (int)json_object_get_int_member(all, "cpus"),
           (int)json_object_get_int_member(all, "devices"));
    print_bytes("RAM: ", all, "ram-bytes");
    print_bytes(", stored here: ", all, "ram-stored");
    print_bytes(", in parents: ", all, "ram-in-parents");
    print_bytes("\nfolder: ", all, "folder-bytes");
    putchar('\n');
    json_array_foreach_element(json_object_get_array_member(all, "disks"), print_disk,
                               NULL);
    json_array_foreach_element(json_object_get_array_member(all, "parents"),
                               print_parent, NULL);
}

static int info_run(const ImgArgs *args)
{
    g_autoptr(SnapshotView) view = NULL;
    GError *err = NULL;
    JsonNode *root;
    bool json;

    if (!img_wants_json(args, &json)) {
        return 1;
    }
    view = snapshot_view(args->word[0], &err);
    if (!view) {
        return img_fail_error(err);
    }
    root = describe(view);
    if (json) {
        g_autofree char *text = json_to_string(root, TRUE);

        puts(text);
    } else {
        print_human(json_node_get_object(root));
    }
    json_node_unref(root);
    return 0;
}

static const ImgOption info_options[] = {
    { OPT_OUTPUT, "output", "human|json", "form of the output" },
    { 0 }
};

const ImgCommand img_snapshot_info = {
    "snapshot-info", "folder", "tells what a machine's snapshot holds", info_run,
    info_options, 1, 1
};

static int flatten_run(const ImgArgs *args)
{
    GError *err = NULL;
    g_autoptr(SnapshotView) view = snapshot_view(args->word[0], &err);

    return view && snapshot_flatten(view, &err) ? 0 : img_fail_error(err);
}

static const ImgOption no_options[] = { { 0 } };

const ImgCommand img_snapshot_flatten = {
    "snapshot-flatten", "folder", "makes one snapshot of it and its parents",
    flatten_run, no_options, 1, 1
};
