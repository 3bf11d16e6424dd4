/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor does with Blocks: another size, another medium, commit, and the list
 * of them.  Main thread, without the machine lock.
 */

#include "block/block_private.h"
#include "block/overlay.h"

#include <string.h>

static Block *find(const char *id, GError **err)
{
    Block *block = block_by_id(id);

    if (!block) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "Device '%s' not found", id);
    }
    return block;
}

static bool refuse(GError **err, const char *fmt, const char *id)
{
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, fmt, id);
    return false;
}

bool block_resize(const char *id, u64 bytes, GError **err)
{
    Block *block = find(id, err);
    bool took, right;

    if (!block || !block->root) {
        return block ? refuse(err, "Device '%s' has no medium", id) : false;
    }
    took = io_enter(block->io);
    block_drain(block, false);
    right = node_truncate(block->root, (bytes + 511) & ~(u64)511, err);
    if (right && block->host && block->host->resized) {
        block->host->resized(block->opaque);
    }
    io_leave(block->io, took);
    return right;
}

/* ---- media ---- */

static bool is_removable(const Block *block, GError **err)
{
    return block->settings.media == BLOCK_CDROM ||
           refuse(err, "Device '%s' is not removable", block->id);
}

/* Another root, or none; the old one goes. */
static void set_medium(Block *block, BlockNode *root)
{
    bool took = io_enter(block->io);
    BlockNode *old = block->root;

    block_drain(block, true);
    block->root = root;
    block->tray_open = false;
    if (block->host && block->host->changed) {
        block->host->changed(block->opaque);
    }
    io_leave(block->io, took);
    node_unref(old);
}

/* The guest's driver is asked to open the tray, and may do so. */
static bool is_unlocked(Block *block, GError **err)
{
    bool took;

    if (!block->tray_locked || block->tray_open) {
        return true;
    }
    took = io_enter(block->io);
    if (block->host && block->host->eject_wanted) {
        block->host->eject_wanted(block->opaque);
    }
    io_leave(block->io, took);
    return refuse(err, "Device '%s' is locked and force was not specified, wait for "
                  "tray to open and try again", block->id);
}

bool block_eject(const char *id, bool force, GError **err)
{
    Block *block = find(id, err);

    if (!block || !is_removable(block, err) || (!force && !is_unlocked(block, err))) {
        return false;
    }
    set_medium(block, NULL);
    return true;
}

bool block_change(const char *id, const char *filename, const char *format,
                  GError **err)
{
    Block *block = find(id, err);
    BlockFlags flags;
    BlockNode *root;

    if (!block || !is_removable(block, err) || !is_unlocked(block, err)) {
        return false;
    }
    flags = block->settings.flags & ~(block->shares ? 0 : BLOCK_SHARE_WRITE);
    root = node_open_file(filename, format, flags, err);
    if (root) {
        set_medium(block, root);
    }
    return root != NULL;
}

/* ---- commit ---- */

static bool commit(Block *block, GError **err)
{
    bool took, right = true;

    if (!block->root || !node_is_overlay(block->root)) {
        return true;
    }
    took = io_enter(block->io);
    block_drain(block, false);
    right = overlay_commit(block->root, err);
    io_leave(block->io, took);
    return right;
}

bool block_commit(const char *id, GError **err)
{
    Block *block = NULL;
    bool right = true;

    if (strcmp(id, "all") == 0) {
        while (right && (block = block_next(block))) {
            right = commit(block, err);
        }
        return right;
    }
    block = find(id, err);
    if (block && !(block->root && node_is_overlay(block->root))) {
        return refuse(err, "Device '%s' has nothing to commit: it is not on a snapshot",
                      id);
    }
    return block && commit(block, err);
}

/* ---- info block ---- */

static void print_medium(const Block *block, GString *out)
{
    const BlockNode *root = block->root, *below = root;

    while (node_is_overlay(below)) {
        below = below->backing;
    }
    g_string_append_printf(out, ": %s (%s%s%s)\n", below->filename,
                           below->driver->name,
                           block_is_readonly(block) ? ", read-only" : "",
                           below != root ? ", snapshot" : "");
    if (root->driver->print) {
        root->driver->print(block->root, out);
    }
    if (below->backing) {
        g_string_append_printf(out, "    Backing file:     %s\n",
                               below->backing->filename);
    }
}

void blocks_describe(GString *out)
{
    for (Block *block = block_next(NULL); block; block = block_next(block)) {
        BlockFlags flags = block->root ? block->root->flags : block->settings.flags;

        g_string_append(out, block->id);
        if (block->root) {
            print_medium(block, out);
        } else {
            g_string_append(out, ": [not inserted]\n");
        }
        if (block->settings.media == BLOCK_CDROM) {
            g_string_append_printf(out, "    Removable device: %s, tray %s\n",
                                   block->tray_locked ? "locked" : "not locked",
                                   block->tray_open ? "open" : "closed");
        }
        g_string_append_printf(out, "    Cache mode:       %s%s%s\n",
                               block->writeback ? "writeback" : "writethrough",
                               flags & BLOCK_DIRECT ? ", direct" : "",
                               flags & BLOCK_NO_FLUSH ? ", ignore flushes" : "");
        if (block->settings.throttle) {
            g_string_append(out, "    I/O throttling:   ");
            throttle_describe(block->settings.throttle, out);
            g_string_append_c(out, '\n');
        }
        if (block->settings.detect_zeroes != DETECT_OFF) {
            g_string_append_printf(out, "    Detect zeroes:    %s\n",
                                   block->settings.detect_zeroes == DETECT_ON ? "on"
                                   : "unmap");
        }
    }
}
