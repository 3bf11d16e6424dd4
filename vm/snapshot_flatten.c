/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chain of snapshots into one: see snapshot_view.h.  Sections of `state` that do not
 * say where something lies stay as they are, byte for byte.
 */

#include "vm/snapshot_view.h"

#include "block/options.h"
#include "vm/snapshot_folder.h"
#include "vm/snapshot_sums.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    SnapshotView *view;
    Folder folder;
    GByteArray *out;            /* sections of `state` */
} Flat;

enum { PIECE = 1 << 20, PAGE = 4096 };

static bool fail_errno(GError **err, const char *what)
{
    return snapshot_refuse(err, "%s: %s", what, g_strerror(errno));
}

/* ---- memory ---- */

static bool is_zero(const u8 *bytes, size_t n)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

/* Pages of zeroes stay holes. */
static bool write_pages(int fd, const u8 *bytes, size_t n, u64 at)
{
    for (size_t i = 0; i < n; i += PAGE) {
        if (!is_zero(bytes + i, PAGE) && pwrite(fd, bytes + i, PAGE, at + i) != PAGE) {
            return false;
        }
    }
    return true;
}

static bool copy_run(const RamRun *run, int from, int to, u8 *buffer, GError **err)
{
    u64 end = (run->page + run->pages) * PAGE;

    for (u64 at = run->page * PAGE, n; at < end; at += n) {
        off_t data = lseek(from, at, SEEK_DATA);

        if (data < 0 && errno == ENXIO) {
            return true;
        }
        if (data > 0 && (u64)data / PAGE * PAGE > at) {
            n = (u64)data / PAGE * PAGE - at;
            continue;
        }
        n = MIN(PIECE, end - at);
        if (pread(from, buffer, n, at) != (ssize_t)n) {
            return snapshot_refuse(err, "ram: cannot be read at 0x%" PRIx64, at);
        }
        if (!write_pages(to, buffer, n, at)) {
            return fail_errno(err, "ram");
        }
    }
    return true;
}

/* All runs of one layer. */
static bool copy_layer(const Flat *flat, u32 layer, int to, GError **err)
{
    g_autofree char *path = layers_file(flat->view->layers, layer, "ram");
    g_autofree u8 *buffer = g_malloc(PIECE);
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat info;
    bool done = from >= 0 && fstat(from, &info) == 0;

    if (!done) {
        fail_errno(err, path);
    }
    for (unsigned i = 0; done && i < flat->view->ram.runs->len; i++) {
        const RamRun *run = &g_array_index(flat->view->ram.runs, RamRun, i);

        if (run->layer != layer) {
            continue;
        }
        done = (u64)info.st_size / PAGE >= run->page + run->pages
               ? copy_run(run, from, to, buffer, err)
               : snapshot_refuse(err, "%s: the file is shorter than page 0x%" PRIx64,
                                 path, run->page + run->pages);
    }
    if (from >= 0) {
        close(from);
    }
    return done;
}

static bool copy_layers(const Flat *flat, int to, GError **err)
{
    const char *own = "ram";
    struct stat info;
    g_autofree char *path = layers_file(flat->view->layers, 0, own);

    if (stat(path, &info) || ftruncate(to, info.st_size)) {
        return fail_errno(err, path);
    }
    for (u32 i = 0; i < flat->view->layers->n; i++) {
        if (!copy_layer(flat, i, to, err)) {
            return false;
        }
    }
    return fsync(to) == 0 || fail_errno(err, own);
}

/* Runs keep their borders, which may be those of the machine's regions. */
static bool flatten_ram(Flat *flat, GError **err)
{
    GArray *runs = flat->view->ram.runs;
    int fd = openat(flat->folder.fd, "ram", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                    0600);
    bool done;

    if (fd < 0) {
        return fail_errno(err, "ram");
    }
    done = copy_layers(flat, fd, err);
    close(fd);
    for (unsigned i = 0; i < runs->len; i++) {
        g_array_index(runs, RamRun, i).layer = 0;
    }
    ram_section_put(flat->view->ram.regions, runs, flat->out);
    return done;
}

/* ---- disks ---- */

/* The images of snapshots become one; the user's, the last one, stays. */
static bool merge_images(const Flat *flat, SavedDisk *disk, unsigned i, GError **err)
{
    unsigned above = images_of_snapshots(disk->images);
    g_autofree char *text = saved_disk_images(disk, flat->view->layers, err);
    g_autofree char *name = g_strdup_printf("disk%u.qcow2", i);
    g_autoptr(KeyVals) options = text ? options_from_text(text, NULL, err) : NULL;
    BlockNode *root = options ? node_open(options, 0, err) : NULL;
    bool done = root && image_write(root, above, flat->folder.temporary, name,
                                    disk->images->pdata[above], err);

    node_unref(root);
    if (done) {
        g_ptr_array_remove_range(disk->images, 0, above);
        g_ptr_array_insert(disk->images, 0, image_new(0, name, "qcow2"));
    }
    return done;
}

static bool flatten_disks(Flat *flat, GError **err)
{
    GPtrArray *disks = flat->view->disks;
    size_t begin = state_section_begin(flat->out, "disks");

    put_number(flat->out, disks->len, 4);
    for (unsigned i = 0; i < disks->len; i++) {
        SavedDisk *disk = disks->pdata[i];

        if (images_of_snapshots(disk->images) > 0 &&
            !merge_images(flat, disk, i, err)) {
            g_prefix_error(err, "disks: number %u: ", i);
            return false;
        }
        saved_disk_put(disk, flat->out);
    }
    state_section_end(flat->out, begin);
    return true;
}

/* ---- the other files ---- */

/* Copies for a reset (kernel, ...) do not change: the new folder has the same files. */
static bool link_rest(const Flat *flat, GError **err)
{
    g_autoptr(GDir) dir = g_dir_open(flat->view->dir, 0, err);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(flat->view->dir, name, NULL);

        if (strcmp(name, "state") == 0 || strcmp(name, "ram") == 0 ||
            strcmp(name, "snapshot.json") == 0 || strcmp(name, SNAPSHOT_SUMS) == 0 ||
            g_str_has_suffix(name, ".qcow2")) {
            continue;
        }
        if (linkat(AT_FDCWD, path, flat->folder.fd, name, 0)) {
            return fail_errno(err, path);
        }
    }
    return dir != NULL;
}

/* For people only: one that can't be read is left out. */
static bool write_json(const Flat *flat, GError **err)
{
    g_autofree char *path = g_build_filename(flat->view->dir, "snapshot.json", NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autofree char *text = NULL, *line = NULL;
    JsonNode *root;

    if (!json_parser_load_from_file(parser, path, NULL)) {
        return true;
    }
    root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        return true;
    }
    json_object_remove_member(json_node_get_object(root), "parent");
    json_object_set_int_member(json_node_get_object(root), "format",
                               state_file_format(flat->out));
    json_object_set_int_member(json_node_get_object(root), "ram-stored",
                               snapshot_view_stored(flat->view, 0, LAYERS_MAX));
    text = json_to_string(root, TRUE);
    line = g_strconcat(text, "\n", NULL);
    return folder_write(&flat->folder, "snapshot.json", line, strlen(line), err);
}

static bool write_state(const Flat *flat, GError **err)
{
    static const char *const ours[] = { "layers", "ram", "disks", NULL };
    const GArray *sections = flat->view->file->sections;
    g_autoptr(GByteArray) file = g_byte_array_new();

    layers_save(NULL, flat->view->dir, flat->out);
    for (unsigned i = 0; i < sections->len; i++) {
        const StateSection *section = &g_array_index(sections, StateSection, i);
        size_t begin;

        if (!g_strv_contains(ours, section->name)) {
            begin = state_section_begin(flat->out, section->name);
            g_byte_array_append(flat->out, section->bytes, section->n);
            state_section_end(flat->out, begin);
        }
    }
    return state_file_make(flat->out, state_file_format(flat->out), file, err) &&
           folder_write(&flat->folder, "state", file->data, file->len, err);
}

static bool parents_are_there(const Layers *layers, GError **err)
{
    for (unsigned i = 1; i < layers->n; i++) {
        if (!layer_check(&layers->layer[i], err)) {
            return false;
        }
    }
    return true;
}

bool snapshot_flatten(SnapshotView *view, GError **err)
{
    Flat flat = { .view = view };
    bool done;

    if (!parents_are_there(view->layers, err) ||
        !folder_begin(&flat.folder, view->dir, err)) {
        return false;
    }
    flat.out = g_byte_array_new();
    done = flatten_ram(&flat, err) && flatten_disks(&flat, err) &&
           link_rest(&flat, err) && write_state(&flat, err) && write_json(&flat, err) &&
           folder_end(&flat.folder, err);
    folder_clear(&flat.folder);
    g_byte_array_unref(flat.out);
    return done;
}
