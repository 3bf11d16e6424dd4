/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 9P server's messages: see p9.h.
 */

#include "fsdev/p9_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

enum {
    RLERROR = 7, TVERSION = 100,
    MESSAGE_LEAST = 4096,           /* bytes */
    MANY_DESCRIPTORS = 1 << 18,
};

/* ---- sessions ---- */

/* 9P's version(5): ends what was before. */
static int serve_version(P9 *p9, P9Args *a, WireOut *out)
{
    bool known = strcmp(a->text[0], "9P2000.L") == 0;

    p9_reset(p9);
    if (known && a->n[0] < MESSAGE_LEAST) {
        return EMSGSIZE;
    }
    p9->message_most = known ? MIN(a->n[0], P9_MESSAGE_MOST) : 0;
    wire_put(out, MIN(a->n[0], P9_MESSAGE_MOST), 4);
    wire_put_string(out, known ? "9P2000.L" : "unknown");
    return 0;
}

static int serve_auth(P9 *p9, P9Args *a, WireOut *out)
{
    (void)p9, (void)a, (void)out;
    return EOPNOTSUPP;
}

static int serve_attach(P9 *p9, P9Args *a, WireOut *out)
{
    int place, why;
    Fid *fid;

    if (a->n[1] != P9_NOFID) {
        return EINVAL;
    }
    place = fcntl(p9->share->root, F_DUPFD_CLOEXEC, 0);
    if (place < 0) {
        return errno;
    }
    why = fid_new(p9, a->n[0], a->n[2], place, &fid);
    return why ? why : p9_put_qid_of(p9, place, out);
}

/* Whatever it means has been served: there is one message at a time. */
static int serve_flush(P9 *p9, P9Args *a, WireOut *out)
{
    (void)p9, (void)a, (void)out;
    return 0;
}

static int serve_clunk(P9 *p9, P9Args *a, WireOut *out)
{
    (void)out;
    return fid_drop(p9, a->fid[0]);
}

/* ---- the table ---- */

/*
 * Arguments: 1 2 4 8 a number of so many bytes; F a fid that there is; f the same, if
 * what it names may be gone (ESTALE otherwise); s a string; c a single name; * the rest
 * is the function's.
 */
typedef struct {
    u8 type;
    bool writes;                    /* not where the folder is read-only */
    const char *arguments;
    P9Fn *serve;
} P9Message;

static const P9Message messages[] = {
    {   8, false, "F",           p9_statfs },
    {  12, false, "F4",          p9_lopen },
    {  14, true,  "Fc444",       p9_lcreate },
    {  16, true,  "Fcs4",        p9_symlink },
    {  18, true,  "Fc4444",      p9_mknod },
    {  20, true,  "FFc",         p9_rename },
    {  22, false, "F",           p9_readlink },
    {  24, false, "F8",          p9_getattr },
    {  26, true,  "F444488888",  p9_setattr },
    {  30, false, "F4s",         p9_xattrwalk },
    {  32, true,  "Fs84",        p9_xattrcreate },
    {  40, false, "F84",         p9_readdir },
    {  50, false, "F4",          p9_fsync },
    {  52, false, "F14884s",     p9_lock },
    {  54, false, "F1884s",      p9_getlock },
    {  70, true,  "FFc",         p9_link },
    {  72, true,  "Fc44",        p9_mkdir },
    {  74, true,  "FcFc",        p9_renameat },
    {  76, true,  "Fc4",         p9_unlinkat },
    { TVERSION, false, "4s",     serve_version },
    { 102, false, "4ss4",        serve_auth },
    { 104, false, "44ss4",       serve_attach },
    { 108, false, "2",           serve_flush },
    { 110, false, "F4*",         p9_walk },
    { 116, false, "F84",         p9_read },
    { 118, false, "F84*",        p9_write },
    { 120, false, "f",           serve_clunk },
    { 122, false, "f",           p9_remove },
};

static const P9Message *find_message(u8 type)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(messages); i++) {
        if (messages[i].type == type) {
            return &messages[i];
        }
    }
    return NULL;
}

/* Takes the arguments; the first thing wrong about them, after all are there. */
static int take_arguments(P9 *p9, const char *kinds, WireIn *in, P9Args *a)
{
    unsigned fids = 0, texts = 0, numbers = 0;
    int why = 0;

    for (; *kinds && *kinds != '*'; kinds++) {
        int wrong = 0;

        if (*kinds == 'F' || *kinds == 'f') {
            Fid *fid = a->fid[fids++] = fid_find(p9, wire_get(in, 4));

            wrong = !fid ? EBADF : *kinds == 'F' && fid->place < 0 ? ESTALE : 0;
        } else if (*kinds == 's' || *kinds == 'c') {
            const char *text = a->text[texts++] = wire_get_string(in);

            wrong = *kinds == 's' || place_name_good(text) ? 0
                    : strlen(text) > PLACE_NAME_MOST ? ENAMETOOLONG : EINVAL;
        } else {
            a->n[numbers++] = wire_get(in, *kinds - '0');
        }
        why = why ? why : wrong;
    }
    a->rest = *in;
    return in->bad ? EBADMSG : why;
}

static int serve(P9 *p9, u8 type, WireIn *in, WireOut *out)
{
    const P9Message *message = find_message(type);
    P9Args a = { { NULL }, { NULL }, { 0 }, { 0 } };
    int why;

    if (!message) {
        return EOPNOTSUPP;
    }
    if (!p9->message_most && type != TVERSION) {
        return EPROTO;
    }
    why = take_arguments(p9, message->arguments, in, &a);
    if (!why && message->writes && p9->share->config.readonly) {
        why = EROFS;
    }
    if (!why) {
        why = message->serve(p9, &a, out);
    }
    g_free(a.text[0]);
    g_free(a.text[1]);
    return why;
}

static void put_header(WireOut *out, u8 type, u16 tag)
{
    out->used = 0;
    out->full = false;
    wire_put(out, 0, 4);
    wire_put(out, type, 1);
    wire_put(out, tag, 2);
}

size_t p9_serve(P9 *p9, const u8 *bytes, size_t n, u8 *reply, size_t room)
{
    WireIn in = { bytes, n, false };
    WireOut out = { reply, room, 0, false };
    u32 size = wire_get(&in, 4);
    u8 type = wire_get(&in, 1);
    u16 tag = wire_get(&in, 2);
    int why = EBADMSG;

    if (in.bad) {
        return 0;
    }
    if (p9->message_most) {
        out.room = MIN(room, p9->message_most);
    }
    put_header(&out, type + 1, tag);
    if (size >= P9_HEADER && size <= n && size <= P9_MESSAGE_MOST) {
        in.left = size - P9_HEADER;
        why = serve(p9, type, &in, &out);
    }
    if (why || out.full) {
        out.room = room;
        put_header(&out, RLERROR, tag);
        wire_put(&out, why ? why : EMSGSIZE, 4);
    }
    wire_patch(&out, 0, out.used, 4);
    return out.full ? 0 : out.used;
}

/* ---- life ---- */

u32 p9_message_most(const P9 *p9)
{
    return p9->message_most;
}

void p9_agree(P9 *p9, u32 message_most)
{
    p9->message_most = message_most;
}

P9 *p9_new(Share *share)
{
    P9 *p9 = g_new0(P9, 1);
    struct rlimit limit = { 1024, 1024 };
    struct stat st = { 0 };

    getrlimit(RLIMIT_NOFILE, &limit);
    p9->share = share;
    p9->descriptors_most = MIN(limit.rlim_cur / 4, MANY_DESCRIPTORS);
    p9->fids = g_hash_table_new(NULL, NULL);
    p9->devices = g_array_new(FALSE, FALSE, sizeof(dev_t));
    if (fstat(share->root, &st) == 0) {
        g_array_append_val(p9->devices, st.st_dev);
    }
    return p9;
}

void p9_reset(P9 *p9)
{
    fids_forget(p9);
    p9->message_most = 0;
}

void p9_free(P9 *p9)
{
    if (p9) {
        p9_reset(p9);
        g_hash_table_unref(p9->fids);
        g_array_unref(p9->devices);
        g_free(p9);
    }
}
