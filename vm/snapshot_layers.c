/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folders that a snapshot is made of: see snapshot_layers.h. */

#include "vm/snapshot_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void layers_free(Layers *layers)
{
    for (unsigned i = 0; layers && i < layers->n; i++) {
        g_free(layers->layer[i].dir);
    }
    g_free(layers);
}

bool layers_have(const Layers *layers, const char *dir)
{
    for (unsigned i = 0; layers && i < layers->n; i++) {
        if (strcmp(layers->layer[i].dir, dir) == 0) {
            return true;
        }
    }
    return false;
}

/* How `to` is written in folder `from`; both are absolute. */
static char *relative(const char *from, const char *to)
{
    g_auto(GStrv) a = g_strsplit(from, "/", -1), b = g_strsplit(to, "/", -1);
    GString *path = g_string_new(NULL);
    unsigned same = 0;

    while (a[same] && b[same] && strcmp(a[same], b[same]) == 0) {
        same++;
    }
    for (unsigned i = same; a[i]; i++) {
        g_string_append(path, "../");
    }
    for (unsigned i = same; b[i]; i++) {
        g_string_append_printf(path, "%s%s", b[i], b[i + 1] ? "/" : "");
    }
    return g_string_free(path, FALSE);
}

void layers_save(const Layers *parents, const char *dir, GByteArray *out)
{
    size_t begin = state_section_begin(out, "layers");
    unsigned n = parents ? parents->n : 0;

    put_number(out, n + 1, 4);
    put_text(out, ".");
    put_number(out, 0, 4);
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *path = relative(dir, parents->layer[i].dir);

        put_text(out, path);
        put_number(out, parents->layer[i].crc, 4);
    }
    state_section_end(out, begin);
}

/* The checksum in the header of a parent's `state`. */
bool layer_check(const Layer *parent, GError **err)
{
    g_autofree char *path = g_build_filename(parent->dir, "state", NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    u32 head[4] = { 0 };
    ssize_t n = fd >= 0 ? pread(fd, head, sizeof head, 0) : -1;
    int error = errno;

    if (fd >= 0) {
        close(fd);
    }
    if (n < 0) {
        return snapshot_refuse(err, "its parent is missing: %s: %s", path,
                               g_strerror(error));
    }
    return head[3] == parent->crc ||
           snapshot_refuse(err, "its parent %s is not the one it was saved from",
                           parent->dir);
}

static bool load_one(Layers *layers, Reader *in, const char *dir, GError **err)
{
    g_autofree char *name = reader_text(in);
    Layer layer = { NULL, reader_get(in, 4) };
    bool itself = layers->n == 0;

    if (in->failed || !*name || itself != (strcmp(name, ".") == 0)) {
        return snapshot_refuse(err, "layers: number %u is damaged", layers->n);
    }
    layer.dir = g_canonicalize_filename(name, dir);
    layers->layer[layers->n++] = layer;
    return true;
}

Layers *layers_parse(StateFile *file, const char *dir, GError **err)
{
    Layers *layers = g_new0(Layers, 1);
    bool done = false;
    Reader in;

    if (state_file_section(file, "layers", &in, err)) {
        u32 n = reader_get(&in, 4);

        done = (n > 0 && n <= LAYERS_MAX) || snapshot_refuse(err, "layers: %u", n);
        for (u32 i = 0; done && i < n; i++) {
            done = load_one(layers, &in, dir, err);
        }
        done = done && (in.left == 0 || snapshot_refuse(err, "layers: damaged"));
    }
    if (!done) {
        g_clear_pointer(&layers, layers_free);
        return NULL;
    }
    layers->layer[0].crc = file->crc;
    return layers;
}

Layers *layers_load(StateFile *file, const char *dir, GError **err)
{
    Layers *layers = layers_parse(file, dir, err);

    for (unsigned i = 1; layers && i < layers->n; i++) {
        if (!layer_check(&layers->layer[i], err)) {
            g_clear_pointer(&layers, layers_free);
        }
    }
    return layers;
}

char *layers_file(const Layers *layers, u32 layer, const char *name)
{
    if (layer >= layers->n || !*name || *name == '.' || strchr(name, '/')) {
        return NULL;
    }
    return g_build_filename(layers->layer[layer].dir, name, NULL);
}
