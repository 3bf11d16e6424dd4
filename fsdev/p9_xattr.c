/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 9P messages about extended attributes.
 *
 * With mapped-xattr "user.virtfs." is the server's own and not shown; access lists are
 * kept in there, so that they mean nothing on the host.
 */

#include "fsdev/p9_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#define OWN "user.virtfs."

/* What the host calls an attribute; NULL: the guest can't have it. */
static char *known_name(const P9 *p9, const char *name)
{
    if (!p9->share->mapped) {
        return g_strdup(name);
    }
    if (g_str_has_prefix(name, OWN)) {
        return NULL;
    }
    return g_strconcat(g_str_has_prefix(name, "system.posix_acl_") ? OWN : "", name,
                       NULL);
}

/* Of a list of names, those that the guest may see, as it knows them. */
static void show_names(const P9 *p9, GByteArray *list)
{
    g_autoptr(GByteArray) shown = g_byte_array_new();

    if (!p9->share->mapped) {
        return;
    }
    for (size_t at = 0; at < list->len; at += strlen((char *)list->data + at) + 1) {
        const char *name = (char *)list->data + at;

        if (g_str_has_prefix(name, OWN "system.")) {
            name += strlen(OWN);
        }
        if (!g_str_has_prefix(name, OWN)) {
            g_byte_array_append(shown, (const u8 *)name, strlen(name) + 1);
        }
    }
    g_byte_array_set_size(list, 0);
    g_byte_array_append(list, shown->data, shown->len);
}

void p9_give_value(P9 *p9, Fid *fid, FidKind kind, GByteArray *value)
{
    fid->kind = kind;
    fid->value = value;
    p9->values++;
}

/* The value of `name`, or with "" the names there are. */
static int get_value(const P9 *p9, int place, const char *name, GByteArray *value)
{
    g_autofree char *known = known_name(p9, name);
    PlacePath path = place_path(place);
    ssize_t n;

    if (!known) {
        return ENODATA;
    }
    g_byte_array_set_size(value, P9_VALUE_MOST);
    n = *name ? getxattr(path.text, known, value->data, P9_VALUE_MOST)
        : listxattr(path.text, (char *)value->data, P9_VALUE_MOST);
    if (n < 0) {
        return errno;
    }
    g_byte_array_set_size(value, n);
    if (!*name) {
        show_names(p9, value);
    }
    return 0;
}

int p9_xattrwalk(P9 *p9, P9Args *a, WireOut *out)
{
    g_autoptr(GByteArray) value = g_byte_array_new();
    Fid *fid;
    int place, why;

    if (p9->values >= P9_VALUES_MOST) {
        return ENOMEM;
    }
    why = get_value(p9, a->fid[0]->place, a->text[0], value);
    if (!why) {
        place = fcntl(a->fid[0]->place, F_DUPFD_CLOEXEC, 0);
        why = place < 0 ? errno : fid_new(p9, a->n[0], a->fid[0]->uid, place, &fid);
    }
    if (!why) {
        wire_put(out, value->len, 8);
        p9_give_value(p9, fid, FID_VALUE, g_steal_pointer(&value));
    }
    return why;
}

/* Name, size, flags; size 0 removes it. */
int p9_xattrcreate(P9 *p9, P9Args *a, WireOut *out)
{
    Fid *fid = a->fid[0];
    g_autofree char *known = known_name(p9, a->text[0]);

    (void)out;
    if (fid->kind != FID_PLACE || !*a->text[0] || (a->n[1] & ~(u64)3)) {
        return EINVAL;
    }
    if (!known) {
        return EACCES;
    }
    if (a->n[0] > P9_VALUE_MOST || p9->values >= P9_VALUES_MOST) {
        return a->n[0] > P9_VALUE_MOST ? E2BIG : ENOMEM;
    }
    fid->name = g_strdup(a->text[0]);
    fid->want = a->n[0];
    fid->flags = a->n[1];
    p9_give_value(p9, fid, FID_NEW_VALUE, g_byte_array_new());
    return 0;
}

int p9_set_value(const P9 *p9, const Fid *fid)
{
    g_autofree char *known = known_name(p9, fid->name);
    PlacePath path = place_path(fid->place);
    int wrong;

    if (!known || fid->place < 0) {
        return known ? ESTALE : EACCES;
    }
    if (fid->value->len != fid->want) {
        return EINVAL;
    }
    wrong = fid->want ? setxattr(path.text, known, fid->value->data, fid->want,
                                 fid->flags)
            : removexattr(path.text, known);
    return wrong ? errno : 0;
}
