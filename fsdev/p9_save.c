/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a 9P client holds, in a snapshot.
 *
 *     version, number of fids, then for each, by number:
 *     number, uid, kind, flags, bytes wanted, where, name, bytes of the value, value
 *
 * Files are found again by path: names that lead elsewhere by now lead there, within
 * the folder.  What comes from a snapshot is judged as if a guest had said it.
 */

#include "fsdev/p9_inside.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { VERSION = 1, FID_BYTES_LEAST = 4 * 4 + 1 + 3 * 2 + 4 };

/* No path in a folder: its file is gone. */
static const char gone[] = "/";

/* ---- saving ---- */

static void add(GByteArray *out, u64 value, unsigned bytes)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(out, (const u8 *)&value, bytes);
}

static void add_text(GByteArray *out, const char *text)
{
    size_t n = MIN(text ? strlen(text) : 0, UINT16_MAX);

    add(out, n, 2);
    g_byte_array_append(out, (const u8 *)(text ? text : ""), n);
}

/* A file that has been removed keeps its number only. */
static void add_place(const P9 *p9, const Fid *fid, GByteArray *out)
{
    g_autofree char *where = fid->place < 0 ? NULL : place_where(p9->share, fid->place);
    int found = -1;
    bool good = where && !place_find(p9->share, where, &found) &&
                place_same(found, fid->place);

    if (found >= 0) {
        close(found);
    }
    add_text(out, good ? where : gone);
}

static void add_fid(const P9 *p9, const Fid *fid, GByteArray *out)
{
    add(out, fid->number, 4);
    add(out, fid->uid, 4);
    add(out, fid->kind, 1);
    add(out, fid->flags, 4);
    add(out, fid->want, 4);
    add_place(p9, fid, out);
    add_text(out, fid->name);
    add(out, fid->value ? fid->value->len : 0, 4);
    if (fid->value) {
        g_byte_array_append(out, fid->value->data, fid->value->len);
    }
}

static gint by_number(gconstpointer one, gconstpointer other)
{
    u32 a = ((const Fid *)one)->number, b = ((const Fid *)other)->number;

    return (a > b) - (a < b);
}

void p9_save(P9 *p9, GByteArray *out)
{
    GList *fids = g_list_sort(g_hash_table_get_values(p9->fids), by_number);

    add(out, VERSION, 4);
    add(out, g_list_length(fids), 4);
    for (GList *at = fids; at; at = at->next) {
        add_fid(p9, at->data, out);
    }
    g_list_free(fids);
}

/* ---- loading ---- */

static bool load_refuse(GError **err, const char *what)
{
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "9p: %s", what);
    return false;
}

/* It was open: opened again it must be, but not emptied. */
static void open_again(P9 *p9, Fid *fid, FidKind kind)
{
    int flags = p9_open_flags(p9, fid->flags), fd;
    struct stat st;

    if (flags >= 0 && fid_room(p9, 1) && !fstat(fid->place, &st) &&
        S_ISDIR(st.st_mode) == (kind == FID_FOLDER) &&
        !place_open(fid->place, flags & ~(O_TRUNC | O_EXCL), &fd)) {
        fid_opened(p9, fid, fd, fid->flags);
    } else {
        fid_move(p9, fid, -1);
    }
    fid->kind = kind;
}

static bool load_value(P9 *p9, Fid *fid, FidKind kind, const char *name, WireIn *in,
                       GError **err)
{
    u32 n = wire_get(in, 4);
    const u8 *bytes = wire_get_bytes(in, n);
    GByteArray *value;

    if (kind < FID_VALUE) {
        return (!in->bad && !n && !*name && !fid->want) ||
               load_refuse(err, "a file with an attribute's value");
    }
    if (in->bad || n > P9_VALUE_MOST || fid->want > P9_VALUE_MOST ||
        (kind == FID_NEW_VALUE && (n > fid->want || !*name || fid->flags & ~3u)) ||
        p9->values >= P9_VALUES_MOST) {
        return load_refuse(err, "an attribute's value that can't be");
    }
    fid->name = *name ? g_strdup(name) : NULL;
    value = g_byte_array_new();
    g_byte_array_append(value, bytes, n);
    p9_give_value(p9, fid, kind, value);
    return true;
}

static bool load_fid(P9 *p9, WireIn *in, GError **err)
{
    u32 number = wire_get(in, 4), uid = wire_get(in, 4);
    u8 kind = wire_get(in, 1);
    u32 flags = wire_get(in, 4), want = wire_get(in, 4);
    g_autofree char *where = wire_get_string(in), *name = wire_get_string(in);
    int place = -1;
    Fid *fid;

    if (in->bad || kind >= FID_KINDS) {
        return load_refuse(err, "a fid that can't be");
    }
    if (strcmp(where, gone) != 0 && place_find(p9->share, where, &place)) {
        place = -1;
    }
    if (fid_new(p9, number, uid, place, &fid)) {
        return load_refuse(err, "a fid that is there twice, or too many");
    }
    fid->flags = flags;
    fid->want = want;
    if (kind == FID_FILE || kind == FID_FOLDER) {
        open_again(p9, fid, kind);
    }
    return load_value(p9, fid, kind, name, in, err);
}

bool p9_load(P9 *p9, const u8 *data, size_t n, GError **err)
{
    WireIn in = { data, n, false };
    u32 fids;

    fids_forget(p9);
    if (!n) {
        return true;
    }
    if (wire_get(&in, 4) != VERSION) {
        return load_refuse(err, "a version that is not known");
    }
    fids = wire_get(&in, 4);
    if (fids > in.left / FID_BYTES_LEAST) {
        return load_refuse(err, "more than there can be");
    }
    for (; fids; fids--) {
        if (!load_fid(p9, &in, err)) {
            fids_forget(p9);
            return false;
        }
    }
    return (!in.bad && !in.left) || load_refuse(err, "more or less than was said");
}
