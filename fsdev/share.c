/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shared folders there are, by name: see share.h.
 */

#include "fsdev/share.h"

#include "fsdev/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const security_models[] = {
    [SECURITY_NONE] = "none", [SECURITY_PASSTHROUGH] = "passthrough",
    [SECURITY_MAPPED] = "mapped-xattr", [SECURITY_MAPPED_ALIAS] = "mapped", NULL
};
static const char *const multidevs[] = {
    [MULTIDEVS_REMAP] = "remap", [MULTIDEVS_WARN] = "warn",
    [MULTIDEVS_FORBID] = "forbid", NULL
};
static const char *const writeouts[] = { "later", "immediate", NULL };
static const Field ShareConfig_fields[] = STATE_ROWS(ShareConfig, SHARE_CONFIG_ROWS);

static GPtrArray *shares;

static bool share_refuse(GError **err, const char *what, const char *which)
{
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, what, which);
    return false;
}

static void share_free(Share *share)
{
    if (share->root >= 0) {
        close(share->root);
    }
    fields_clear(ShareConfig_fields, &share->config);
    g_free(share);
}

static Share *look_up(const char *id)
{
    for (unsigned i = 0; shares && i < shares->len; i++) {
        Share *share = shares->pdata[i];

        if (strcmp(share->config.id, id) == 0) {
            return share;
        }
    }
    return NULL;
}

Share *share_find(const char *id, GError **err)
{
    Share *share = look_up(id);

    if (!share) {
        share_refuse(err, "there is no shared folder '%s': -fsdev makes one", id);
    }
    return share;
}

static bool id_is_free(const char *id, GError **err)
{
    return !look_up(id) || share_refuse(err, "Duplicate ID '%s' for fsdev", id);
}

/* Each file that a guest knows is a descriptor: as many as this user may have. */
static void allow_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool share_open(Share *share, GError **err)
{
    const char *path = share->config.path;
    int why;

    share->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    why = share->root < 0 ? errno : place_works(share);
    if (why) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(why),
                    "path '%s': %s", path,
                    why == ENOSYS ? "this kernel is older than Linux 5.6: no openat2"
                                  : g_strerror(why));
        return false;
    }
    allow_files();
    return true;
}

/* 0 is what was not given: nobody could use such files. */
static bool choose_modes(Share *share, GError **err)
{
    ShareConfig *c = &share->config;

    share->mapped = c->security_model >= SECURITY_MAPPED;
    if (!share->mapped && (c->fmode || c->dmode)) {
        return share_refuse(err, "%s is for security_model=mapped-xattr: otherwise the "
                            "guest's modes are the host's", c->fmode ? "fmode"
                                                                     : "dmode");
    }
    c->fmode = c->fmode ? c->fmode : 0600;
    c->dmode = c->dmode ? c->dmode : 0700;
    return true;
}

bool share_add(const char *options, GError **err)
{
    size_t n = strcspn(options, ",");
    g_autofree char *name = g_strndup(options, n);
    const char *driver = g_str_has_prefix(name, "fsdriver=") ? name + 9 : name;
    Share *share;

    if (!share_help(driver, NULL, err)) {
        return false;
    }
    share = g_new0(Share, 1);
    share->root = -1;
    if (!fields_parse(ShareConfig_fields, &share->config,
                      options + n + (options[n] == ','), NULL, NULL, err) ||
        !id_is_free(share->config.id, err) || !choose_modes(share, err) ||
        !share_open(share, err)) {
        share_free(share);
        return false;
    }
    if (!shares) {
        shares = g_ptr_array_new_with_free_func((GDestroyNotify)share_free);
    }
    g_ptr_array_add(shares, share);
    return true;
}

void shares_close_all(void)
{
    g_clear_pointer(&shares, g_ptr_array_unref);
}

void shares_help(GString *out)
{
    g_string_append(out, "Available fsdev drivers:\n"
                         "  local    a folder of this host\n");
}

bool share_help(const char *driver, GString *out, GError **err)
{
    if (strcmp(driver, "local") != 0) {
        return share_refuse(err, "'%s' is no kind of shared folder; there is 'local'",
                            driver);
    }
    if (out) {
        g_string_append(out, "local: a folder of this host\n");
        fields_help(ShareConfig_fields, out);
    }
    return true;
}
