/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A folder that is shared, for tests: see p9_folder.h.
 */

#include "tests/lib/p9_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

P9Folder *folder_new(void)
{
    P9Folder *f = g_new0(P9Folder, 1);
    g_autofree char *secret = NULL;

    f->top = g_dir_make_tmp("mayfly-9p-XXXXXX", NULL);
    g_assert_nonnull(f->top);
    f->share = g_build_filename(f->top, "share", NULL);
    secret = g_build_filename(f->top, "secret", NULL);
    g_assert_cmpint(mkdir(f->share, 0755), ==, 0);
    g_assert_true(g_file_set_contents(secret, SECRET_TEXT, -1, NULL));
    return f;
}

static void remove_all(const char *path)
{
    GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL
                : g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inside = g_build_filename(path, name, NULL);

        remove_all(inside);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_remove(path);
}

void folder_free(P9Folder *f)
{
    shares_close_all();
    remove_all(f->top);
    g_free(f->top);
    g_free(f->share);
    g_free(f);
}

Share *folder_share(const P9Folder *f, const char *options)
{
    static unsigned n;
    g_autofree char *id = g_strdup_printf("share%u", n++);
    g_autofree char *text = g_strdup_printf("local,id=%s,path=%s,%s", id, f->share,
                                            options);
    g_autoptr(GError) error = NULL;
    bool added = share_add(text, &error);
    Share *share;

    g_assert_no_error(error);
    g_assert_true(added);
    share = share_find(id, NULL);
    g_assert_nonnull(share);
    return share;
}

const char *folder_path(const P9Folder *f, const char *name)
{
    static char *path;

    g_free(path);
    path = g_build_filename(f->share, name, NULL);
    return path;
}

void folder_write(const P9Folder *f, const char *name, const char *text)
{
    g_assert_true(g_file_set_contents(folder_path(f, name), text, -1, NULL));
}

bool folder_has_attributes(const P9Folder *f)
{
    return setxattr(f->share, "user.trial", "1", 1, 0) == 0 &&
           removexattr(f->share, "user.trial") == 0;
}

void folder_assert_untouched(const P9Folder *f)
{
    g_autofree char *secret = g_build_filename(f->top, "secret", NULL), *text = NULL;
    DIR *top = opendir(f->top);
    unsigned n = 0;

    g_assert_true(g_file_get_contents(secret, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, SECRET_TEXT);
    while (readdir(top)) {
        n++;
    }
    closedir(top);
    g_assert_cmpuint(n, ==, 4);         /* ".", "..", "share", "secret" */
}
