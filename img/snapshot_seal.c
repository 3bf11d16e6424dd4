/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mayfly-img snapshot-seal and snapshot-check: see vm/snapshot_sums.h. */

#include "img/img.h"

#include "vm/snapshot_sums.h"
#include "vm/snapshot_view.h"

/* Absolute paths of the images that the user gave. */
static GPtrArray *images_of(const SnapshotView *view)
{
    GPtrArray *images = g_ptr_array_new();

    for (unsigned i = 0; i < view->disks->len; i++) {
        const SavedDisk *disk = view->disks->pdata[i];

        for (unsigned n = 0; n < disk->images->len; n++) {
            const Image *image = disk->images->pdata[n];

            if (image->layer == IMAGE_USERS) {
                g_ptr_array_add(images, image->name);
            }
        }
    }
    return images;
}

static int seal_run(const ImgArgs *args)
{
    GError *err = NULL;
    g_autoptr(SnapshotView) view = snapshot_view(args->word[0], &err);
    g_autoptr(GPtrArray) images = view ? images_of(view) : NULL;

    return view && sums_write(view->dir, images, &err) ? 0 : img_fail_error(err);
}

static int check_run(const ImgArgs *args)
{
    GError *err = NULL;
    g_autoptr(SnapshotView) view = snapshot_view(args->word[0], &err);

    return view && sums_check(view->dir, &err) ? 0 : img_fail_error(err);
}

static const ImgOption no_options[] = { { 0 } };

const ImgCommand img_snapshot_seal = {
    "snapshot-seal", "folder", "notes the checksum of every file of a snapshot",
    seal_run, no_options, 1, 1
};

const ImgCommand img_snapshot_check = {
    "snapshot-check", "folder", "compares a snapshot with what was sealed", check_run,
    no_options, 1, 1
};
