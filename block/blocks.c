/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks as the machine and the monitor see them: see block.h.  Main thread, without
 * the machine lock.
 */

#include "block/block_private.h"
#include "block/options.h"
#include "block/queue.h"

#include <errno.h>
#include <string.h>

static Block *blocks;

/* ---- coming and going ---- */

Block *block_new(const char *id, BlockNode *root, const BlockSettings *settings)
{
    Block *block = g_new0(Block, 1), **end = &blocks;

    while (*end) {
        end = &(*end)->next;
    }
    *end = block;
    block->id = g_strdup(id);
    block->root = root;
    block->settings = *settings;
    block->settings.serial = g_strdup(settings->serial);
    block->writeback = !settings->writethrough;
    block->io = io_main();
    queue_open(block->io);
    return block;
}

void block_free(Block *block)
{
    Block **at = &blocks;

    while (*at != block) {
        at = &(*at)->next;
    }
    *at = block->next;
    node_unref(block->root);
    throttle_unref(block->settings.throttle);
    g_free(block->settings.serial);
    g_free(block->id);
    g_free(block);
}

/* A disk has one writer, or readers, or all who use it say that they share it. */
static bool is_free(const BlockNode *node, bool shares, GError **err)
{
    for (const Block *block = blocks; block; block = block->next) {
        if (block->root == node && node_is_writable(node) &&
            !(shares && block->shares) && !node->driver->has_no_contents) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "Conflicts with use by %s as 'root', which does not allow "
                        "'write' on %s", block->id, node->name);
            return false;
        }
    }
    return true;
}

static Block *find_for_device(const char *id, bool shares, GError **err)
{
    Block *block = block_by_id(id);
    BlockNode *node;

    if (block && !block->hidden) {
        return block;
    }
    node = node_find(id);
    if (!node) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "drive: can't find value '%s'", id);
        return NULL;
    }
    if (!is_free(node, shares, err)) {
        return NULL;
    }
    block = block_new(id, node_ref(node), &(BlockSettings){
        .on_write = ON_ERROR_ENOSPC, .detect_zeroes = node->detect_zeroes,
        .flags = node->flags });
    block->hidden = true;
    return block;
}

static void drop_hidden(Block *block)
{
    if (block->hidden) {
        block_free(block);
    }
}

Block *block_take(const char *id, BlockTake how, const BlockHost *host, void *opaque,
                  GError **err)
{
    bool shares = how & BLOCK_TAKE_SHARES;
    Block *block = find_for_device(id, shares, err);

    if (!block) {
        return NULL;
    }
    if (block->host) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "Drive '%s' is already in use by another block device", id);
        return NULL;
    }
    if ((how & BLOCK_TAKE_WRITES) && block->root && block_is_readonly(block)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "Block node is read-only ('%s')", id);
        drop_hidden(block);
        return NULL;
    }
    if (block->root && !node_share_write(block->root, shares, err)) {
        drop_hidden(block);
        return NULL;
    }
    block->shares = shares;
    block->host = host;
    block->opaque = opaque;
    return block;
}

void block_release(Block *block)
{
    bool took;

    if (!block) {
        return;
    }
    took = io_enter(block->io);
    block_drain(block, true);
    block_drop_alarm(block);
    io_leave(block->io, took);
    block->host = NULL;
    block->io = io_main();
    block->shares = false;
    drop_hidden(block);
}

void block_set_context(Block *block, IoContext *io)
{
    bool took = io_enter(io);

    g_assert(!block->in_flight);
    block->io = io;
    queue_open(io);
    io_leave(io, took);
}

void blocks_close_all(void)
{
    while (blocks) {
        block_free(blocks);
    }
    nodes_close_all();
}

void blocks_set_host(const BlocksHost *host)
{
    blocks_host = *host;
}

bool blockdev_add(const char *text, GError **err)
{
    g_autoptr(KeyVals) options = options_from_text(text, "driver", err);
    g_autofree char *name = NULL;
    BlockNode *node;

    if (!options) {
        return false;
    }
    name = g_strdup(keyvals_get(options, "node-name"));
    if (!keyvals_get(options, "driver") || !name) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, name
                    ? "Parameter 'driver' is missing"
                    : "'node-name' must be specified for the root node");
        return false;
    }
    node = node_open(options, BLOCK_RDWR | BLOCK_SHARE_WRITE, err);
    if (node && !options_empty(options, "node", err)) {
        g_clear_pointer(&node, node_unref);
    }
    if (node) {
        node->kept = true;
    }
    return node != NULL;
}

/* ---- what a Block is ---- */

Block *block_next(const Block *block)
{
    return block ? block->next : blocks;
}

Block *block_by_id(const char *id)
{
    Block *block = blocks;

    while (block && strcmp(block->id, id) != 0) {
        block = block->next;
    }
    return block;
}

IoContext *block_context(const Block *block)
{
    return block->io;
}

const char *block_id(const Block *block)
{
    return block->id;
}

BlockNode *block_root(const Block *block)
{
    return block->root;
}

bool block_is_node(const Block *block)
{
    return block->hidden;
}

bool block_has_medium(const Block *block)
{
    return block->root && !block->tray_open;
}

u64 block_length(const Block *block)
{
    return block->root ? node_length(block->root) : 0;
}

bool block_is_readonly(const Block *block)
{
    return !block->root || !node_is_writable(block->root) ||
           block->settings.media == BLOCK_CDROM;
}

BlockMedia block_media(const Block *block)
{
    return block->settings.media;
}

void block_set_removable(Block *block)
{
    block->settings.media = BLOCK_CDROM;
}

const char *block_serial(const Block *block)
{
    return block->settings.serial;
}

bool block_can_discard(const Block *block)
{
    return block->root && (block->root->flags & BLOCK_UNMAP);
}

bool block_writeback(const Block *block)
{
    return block->writeback;
}

void block_set_writeback(Block *block, bool on)
{
    block->writeback = on && !block->settings.writethrough;
}

void block_lock_tray(Block *block, bool locked)
{
    block->tray_locked = locked;
}

void block_move_tray(Block *block, bool open)
{
    block->tray_open = open;
}

/* ---- the machine stands, and goes on ---- */

void blocks_drain_all(void)
{
    for (Block *block = blocks; block; block = block->next) {
        bool took = io_enter(block->io);

        block_drain(block, false);
        io_leave(block->io, took);
        if (block->root) {
            node_flush(block->root);
        }
    }
}

void blocks_retry(void)
{
    for (Block *block = blocks; block; block = block->next) {
        bool took = io_enter(block->io);

        block_retry(block);
        io_leave(block->io, took);
    }
}
