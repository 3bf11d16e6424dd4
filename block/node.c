/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graph: nodes by name, with their children.  Main thread; node_ref and node_unref
 * too.  How nodes are opened from options: node_open.c.
 */

#include "block/gate.h"
#include "block/node.h"

#include <string.h>

static GPtrArray *nodes;            /* all, in order of creation */

BlockNode *node_new(const BlockDriver *driver, BlockFlags flags, const char *name)
{
    static unsigned next;
    BlockNode *node = g_new0(BlockNode, 1);

    node->driver = driver;
    node->flags = flags;
    node->name = name ? g_strdup(name) : g_strdup_printf("#block%03u", next++);
    node->align = 1;
    node->refs = 1;
    node->gate = driver->remaps ? gate_new() : NULL;
    if (!nodes) {
        nodes = g_ptr_array_new();
    }
    g_ptr_array_add(nodes, node);
    return node;
}

BlockNode *node_ref(BlockNode *node)
{
    node->refs++;
    return node;
}

static void node_free(BlockNode *node)
{
    if (node->driver->close) {
        node->driver->close(node);
    }
    node_unref(node->backing);
    node_unref(node->data);
    node_unref(node->file);
    gate_free(node->gate);
    g_ptr_array_remove(nodes, node);
    g_free(node->filename);
    g_free(node->name);
    g_free(node);
}

void node_unref(BlockNode *node)
{
    if (node && --node->refs == 0) {
        node_free(node);
    }
}

BlockNode *node_find(const char *name)
{
    for (unsigned i = 0; nodes && i < nodes->len; i++) {
        BlockNode *node = nodes->pdata[i];

        if (strcmp(node->name, name) == 0) {
            return node;
        }
    }
    return NULL;
}

void nodes_each(void (*fn)(BlockNode *node, void *opaque), void *opaque)
{
    for (unsigned i = 0; nodes && i < nodes->len; i++) {
        fn(nodes->pdata[i], opaque);
    }
}

/* Last first: a node comes after its children. */
void nodes_close_all(void)
{
    for (unsigned i = nodes ? nodes->len : 0; i-- > 0;) {
        BlockNode *node = i < nodes->len ? nodes->pdata[i] : NULL;

        if (node && node->kept) {
            node->kept = false;
            node_unref(node);
        }
    }
}

static bool change_locks(BlockNode *node, BlockFlags clear, BlockFlags set,
                         GError **err)
{
    const BlockDriver *driver = node->driver;
    BlockFlags flags = (node->flags & ~clear) | set;

    if (flags == node->flags || !(driver->is_plain || driver->is_protocol)) {
        return true;
    }
    if (driver->is_plain ? !change_locks(node->file, clear, set, err)
                         : driver->reopen && !driver->reopen(node, flags, err)) {
        return false;
    }
    node->flags = flags;
    return true;
}

bool node_share_write(BlockNode *node, bool share, GError **err)
{
    return change_locks(node, BLOCK_SHARE_WRITE, share ? BLOCK_SHARE_WRITE : 0, err);
}

bool node_own_file(BlockNode *node, GError **err)
{
    return change_locks(node, BLOCK_SHARE_WRITE, BLOCK_RESIZE | BLOCK_FIXED_SIZE, err);
}

bool node_reopen(BlockNode *node, bool writable, GError **err)
{
    BlockFlags flags = writable ? node->flags | BLOCK_RDWR : node->flags & ~BLOCK_RDWR;

    if (flags == node->flags) {
        return true;
    }
    /* Files are writable before what lies on them, and read-only after it. */
    if (writable && node->file && !node_reopen(node->file, true, err)) {
        return false;
    }
    if (node->driver->reopen ? !node->driver->reopen(node, flags, err)
                             : node->driver->is_protocol) {
        return err && *err ? false : node_error(node, -1, "it can't be reopened", err);
    }
    node->flags = flags;
    return writable || !node->file || node_reopen(node->file, false, err);
}
