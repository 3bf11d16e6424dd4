/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine's options in a snapshot: see snapshot_words.h. */

#include "vm/snapshot_words.h"

#include "base/file.h"
#include "base/keyval.h"
#include "vm/snapshot_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 4096 };
#define COPY_MAX (4 * GiB)
#define OURS "snapshot:"

/* What an option in a snapshot may be; options that are not here are as they are. */
typedef struct {
    const char *option;
    const char *file;           /* the key of a file that is kept; "": all of it */
    const char *const *kinds;   /* first words that reach nothing of the host */
    const char *const *never;   /* keys that do */
    const char *instead;        /* saved for other kinds; %s: the id; NULL: nothing */
    bool as_it_is;              /* saved even so: the user gives it anew */
} WordRule;

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const WordRule rules[] = {
    { "bios",    .file = "" },
    { "kernel",  .file = "" },
    { "initrd",  .file = "" },
    { "fw_cfg",  .file = "file" },
    { "smbios",  .file = "file" },
    { "accel",   .never = NAMES("perfmap") },
    { "serial",  .kinds = NAMES("stdio", "mon:stdio", "null", "none", "pty"),
      .never = NAMES("logfile", "path"), .instead = "null" },
    { "monitor", .kinds = NAMES("stdio", "null", "none"),
      .never = NAMES("logfile", "path") },
    { "chardev", .kinds = NAMES("stdio", "null", "pty", "ringbuf"),
      .never = NAMES("logfile", "path"), .instead = "null,id=%s" },
    { "object",  .kinds = NAMES("rng-builtin", "rng-random", "iothread"),
      .never = NAMES("filename") },
    { "netdev",  .kinds = NAMES("user"), .as_it_is = true,
      .never = NAMES("guestfwd", "smb", "tftp", "bootfile") },
    { "nic",     .kinds = NAMES("user", "none"), .as_it_is = true,
      .never = NAMES("guestfwd", "smb", "tftp", "bootfile") },
    { "net",     .kinds = NAMES("user", "nic", "none"), .as_it_is = true,
      .never = NAMES("guestfwd", "smb", "tftp", "bootfile") },
};

static const WordRule *rule_of(const char *option)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (strcmp(rules[i].option, option) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}

/* Devices that give bytes to anybody. */
static bool is_public(const char *path)
{
    return strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0;
}

/* Keys of an option's kind, which is also the first word without '='. */
static const char *const kind_keys[] = { "first", "qom-type", "backend", "type", NULL };

static bool is_kind(const WordRule *rule, const char *kind)
{
    return g_strv_contains(rule->kinds, kind) || g_str_has_prefix(kind, "chardev:");
}

/* Is this value one that anybody's snapshot may have?  Every pair counts. */
static bool is_harmless(const WordRule *rule, const KeyVals *kv)
{
    unsigned kinds = 0;

    for (unsigned i = 0; i < kv->n; i++) {
        const KeyVal *pair = &kv->pair[i];
        bool names_kind = rule->kinds && g_strv_contains(kind_keys, pair->key);

        kinds += names_kind;
        if ((names_kind && !is_kind(rule, pair->value)) ||
            (rule->never && g_strv_contains(rule->never, pair->key) &&
             !is_public(pair->value))) {
            return false;
        }
    }
    return !rule->kinds || kinds > 0;
}

static char *join(const KeyVals *kv)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < kv->n; i++) {
        g_auto(GStrv) parts = g_strsplit(kv->pair[i].value, ",", -1);
        g_autofree char *value = g_strjoinv(",,", parts);

        g_string_append_printf(text, "%s%s%s%s", i ? "," : "", kv->pair[i].key,
                               *kv->pair[i].key ? "=" : "", value);
    }
    return g_string_free(text, FALSE);
}

/* ---- saving ---- */

static bool copy_bytes(File *file, int fd)
{
    g_autofree u8 *bytes = g_malloc(MiB);

    for (u64 at = 0; at < file->size;) {
        size_t n = MIN(MiB, file->size - at);

        if (!file_read(file, at, bytes, n) || write(fd, bytes, n) != (ssize_t)n) {
            return false;
        }
        at += n;
    }
    return fsync(fd) == 0;
}

/* One that comes from a snapshot keeps its name: the new one may take its place. */
static char *name_of_copy(const WordRule *rule, const char *from, unsigned n)
{
    const SnapshotOrigin *origin = snapshot_origin();
    g_autofree char *dir = g_path_get_dirname(from);

    return origin && layers_have(origin->layers, dir) ? g_path_get_basename(from)
           : g_strdup_printf("%s%u", rule->option, n);
}

/* A snapshot's files do not change: two of them may share one. */
static bool share_file(const char *from, int dir_fd, const char *name)
{
    const SnapshotOrigin *origin = snapshot_origin();
    g_autofree char *dir = g_path_get_dirname(from);

    return origin && layers_have(origin->layers, dir) &&
           linkat(AT_FDCWD, from, dir_fd, name, 0) == 0;
}

static bool copy_file(const char *from, int dir_fd, const char *name, GError **err)
{
    g_autoptr(File) file = file_open(from, COPY_MAX, err);
    int fd;
    bool done;

    if (!file || share_file(from, dir_fd, name)) {
        return file != NULL;
    }
    fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    done = fd >= 0 && copy_bytes(file, fd);
    if (!done) {
        snapshot_refuse(err, "%s: cannot be copied into the snapshot: %s", from,
                        g_strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

/* Copies the file that the value names and names the copy; NULL: failed. */
static char *keep_file(const WordRule *rule, const char *value, unsigned n, int dir_fd,
                       GError **err)
{
    g_autoptr(KeyVals) kv = *rule->file ? keyvals_parse(value, "name", err) : NULL;
    const char *from = *rule->file ? kv ? keyvals_get(kv, rule->file) : NULL : value;
    g_autofree char *path = NULL, *name = NULL, *ours = NULL;

    if (*rule->file && !kv) {
        return NULL;
    }
    if (!from) {
        return g_strdup(value);
    }
    path = strcmp(rule->option, "bios") == 0 ? firmware_path(from) : g_strdup(from);
    name = name_of_copy(rule, path ? path : from, n);
    ours = g_strconcat(OURS, name, NULL);
    if (!copy_file(path ? path : from, dir_fd, name, err)) {
        return NULL;
    }
    if (!kv) {
        return g_steal_pointer(&ours);
    }
    keyvals_set(kv, rule->file, ours);
    return join(kv);
}

/* The value as it is saved.  False: failed; *saved NULL: it is not saved. */
static bool value_to_save(const char *option, const char *value, unsigned n, int dir_fd,
                          char **saved, GError **err)
{
    const WordRule *rule = rule_of(option);
    g_autoptr(KeyVals) kv = NULL;

    *saved = NULL;
    if (rule && rule->file) {
        *saved = keep_file(rule, value, n, dir_fd, err);
        return *saved != NULL;
    }
    kv = rule ? keyvals_parse(value, *kind_keys, err) : NULL;
    if (rule && !kv) {
        return false;
    }
    if (!rule || rule->as_it_is || is_harmless(rule, kv)) {
        *saved = g_strdup(value);
    } else if (rule->instead) {
        g_auto(GStrv) parts = g_strsplit(rule->instead, "%s", 2);
        const char *id = keyvals_get(kv, "id");

        *saved = g_strjoinv(id ? id : "", parts);
    }
    return true;
}

bool words_save(const GPtrArray *words, int dir_fd, GByteArray *out, GError **err)
{
    size_t begin = state_section_begin(out, "options");
    u32 n = 0;

    put_number(out, 0, 4);
    for (unsigned i = 0; i < words->len; i += 2) {
        const char *option = words->pdata[i], *value = words->pdata[i + 1];
        g_autofree char *saved = NULL;

        if (!value_to_save(option, value, n, dir_fd, &saved, err)) {
            g_prefix_error(err, "-%s %s: ", option, value);
            return false;
        }
        if (saved) {
            put_text(out, option);
            put_text(out, saved);
            n++;
        }
    }
    memcpy(out->data + begin, &n, sizeof n);
    state_section_end(out, begin);
    return true;
}

/* ---- loading ---- */

/* "snapshot:NAME" -> the file in the snapshot; NULL: not such a name. */
static char *our_file(const char *value, const char *dir)
{
    const char *name = value + strlen(OURS);

    if (!g_str_has_prefix(value, OURS) || !*name || *name == '.' || strchr(name, '/')) {
        return NULL;
    }
    return g_build_filename(dir, name, NULL);
}

static char *value_with_file(const WordRule *rule, const char *value, const char *dir)
{
    g_autoptr(KeyVals) kv = *rule->file ? keyvals_parse(value, "name", NULL) : NULL;
    g_autofree char *path = NULL;

    if (!*rule->file) {
        return our_file(value, dir);
    }
    if (!kv || !keyvals_get(kv, rule->file)) {
        return kv ? g_strdup(value) : NULL;
    }
    path = our_file(keyvals_get(kv, rule->file), dir);
    if (!path) {
        return NULL;
    }
    keyvals_set(kv, rule->file, path);
    return join(kv);
}

/* The value as the option takes it; NULL: a snapshot may not have it. */
static char *value_to_use(const char *option, const char *value, const char *dir)
{
    const WordRule *rule = rule_of(option);
    g_autoptr(KeyVals) kv = NULL;

    if (!rule) {
        return g_strdup(value);
    }
    if (rule->file) {
        return value_with_file(rule, value, dir);
    }
    kv = keyvals_parse(value, *kind_keys, NULL);
    return kv && is_harmless(rule, kv) ? g_strdup(value) : NULL;
}

static bool load_one(Reader *in, const char *dir, SnapshotWordFn *take, void *opaque,
                     GError **err)
{
    g_autofree char *option = reader_text(in), *value = reader_text(in), *used = NULL;

    if (!option || !value) {
        return snapshot_refuse(err, "options: damaged");
    }
    used = value_to_use(option, value, dir);
    return take(opaque, option, used, err);
}

bool words_load(StateFile *file, const char *dir, SnapshotWordFn *take, void *opaque,
                GError **err)
{
    Reader in;
    u32 n;

    if (!state_file_section(file, "options", &in, err)) {
        return false;
    }
    n = reader_get(&in, 4);
    if (n > WORDS_MAX) {
        return snapshot_refuse(err, "options: %u; %d are possible", n, WORDS_MAX);
    }
    for (u32 i = 0; i < n; i++) {
        if (!load_one(&in, dir, take, opaque, err)) {
            return false;
        }
    }
    return !in.failed && in.left == 0 ? true : snapshot_refuse(err, "options: damaged");
}
