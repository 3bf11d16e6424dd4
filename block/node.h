/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes: what images are made of.
 *
 *     Block (block/block.h: what a device holds)
 *       |
 *     qcow2 --- backing ---> raw ---> file "base.img"
 *       | file
 *     file "disk.qcow2"
 *
 * A driver is written without a callback and without a thread of its own.  It has two
 * faces:
 *
 *   map     where do these bytes lie?  In a child (node and offset), nowhere (they read
 *           as zeroes), or "not at once": something has to be read, allocated or
 *           unpacked first.  Answers from memory and does not wait.
 *   read, write, discard, ...   do the work and return when it is done.
 *
 * A request goes down through the maps as far as they lead, usually to a file, where it
 * is queued with the kernel: any number at once, no copy, no thread.  What a map does
 * not know at once is given to a worker thread, which calls read or write; that takes
 * the driver's lock, does what is to be done through the functions below, and the next
 * map of that place succeeds.  (block/request.c)
 *
 * What a map said stays true while the request is under way: a driver whose discard,
 * write_zeroes, truncate or other calls take away what map gave out says .remaps, and
 * these calls then wait until no request is inside the node, and keep others out
 * meanwhile (the gate, block/gate.c).  An image's own snapshot operations and the like
 * do the same between node_stop and node_go.
 *
 * Errors: 0 or -errno from read, write and their kind; bool and a GError that says
 * "FILE: what is wrong" from what a user asks for directly (open, create, truncate).
 *
 * Threads: the graph is built and taken down by the main thread.  map, and everything
 * that returns -errno, may be called by any number of threads at once: the driver has
 * its own lock.  Nothing here needs the machine lock.
 */

#ifndef BLOCK_NODE_H
#define BLOCK_NODE_H

#include "base/field.h"
#include "base/keyval.h"
#include "block/vec.h"

typedef struct BlockNode BlockNode;

typedef enum {
    BLOCK_RDWR        = 1 << 0,     /* may be written */
    BLOCK_AUTO_RDONLY = 1 << 1,     /* becomes read-only where it can't be written */
    BLOCK_RESIZE      = 1 << 2,     /* may grow and shrink */
    BLOCK_DIRECT      = 1 << 3,     /* cache.direct: O_DIRECT */
    BLOCK_NO_FLUSH    = 1 << 4,     /* cache.no-flush: flush does nothing */
    BLOCK_UNMAP       = 1 << 5,     /* discard=unmap: discards reach the host */
    BLOCK_FORCE_SHARE = 1 << 6,     /* read only, whatever others do (-U) */
    BLOCK_NO_BACKING  = 1 << 7,     /* the backing file is not opened */
    BLOCK_CHECK       = 1 << 8,     /* for check -r: take what is damaged */
    BLOCK_SHARE_WRITE = 1 << 9,     /* other processes may write meanwhile */
    BLOCK_PROBED      = 1 << 10,    /* raw was guessed: sector 0 is protected */
    BLOCK_FIXED_SIZE  = 1 << 11,    /* no other process may change its size */
} BlockFlags;

typedef enum { BLOCK_READ, BLOCK_WRITE } BlockAccess;

/* Where the first `bytes` bytes (at least 1, at most what was asked) lie. */
typedef enum { MAP_NODE, MAP_ZERO, MAP_SLOW } BlockMapKind;
typedef struct {
    BlockMapKind kind;
    BlockNode *node;                /* MAP_NODE: a child of the node, and the offset */
    u64 offset;                     /* there */
    u64 bytes;
} BlockMap;

/* What is known of the first `bytes` bytes without reading them. */
typedef struct {
    bool data;          /* there is something to read: false with zero: a hole */
    bool zero;          /* reads as zeroes */
    bool allocated;     /* decided by this node, not by its backing file */
    bool compressed;
    BlockNode *node; /* where the bytes lie as they are, or NULL; and `offset` there */
    u64 offset;
    u64 bytes;
} BlockStatus;

/* For create: what the option -o of mayfly-img takes. */
typedef struct {
    const char *filename;
    u64 size;
    KeyVals *options; /* the driver takes its own; leftovers are refused */
} BlockCreate;

typedef struct BlockDriver {
    const char *name, *help;
    bool is_protocol;               /* reaches something outside: file, null-co */
    bool is_plain;                  /* all there is are bytes of node->file */
    bool remaps;                    /* see above */
    bool has_no_contents;           /* several devices may write to it: null-co */
    const Field *fields;            /* options besides those of every node; or NULL */
    size_t config_size;
    /* Formats: 0 to 100, how sure this is that the image is one of its kind. */
    int (*probe)(const u8 *head, size_t n, const char *filename);

    /*
     * `config` has the driver's options and is gone afterwards; `rest` are those of
     * children (node_open_child takes them).  Sets node->length.  After a failure close
     * is called too.
     */
    bool (*open)(BlockNode *node, const void *config, KeyVals *rest, GError **err);
    void (*close)(BlockNode *node);
    bool (*create)(const BlockCreate *create, GError **err);
    const Field *(*create_fields)(void);        /* the options that it takes */
    /* Becomes writable, read-only or shared, as `flags` say.  NULL: can't. */
    bool (*reopen)(BlockNode *node, BlockFlags flags, GError **err);

    /* NULL: MAP_SLOW.  MAP_ZERO is no answer for a write. */
    void (*map)(BlockNode *node, BlockAccess access, u64 offset, u64 bytes,
                BlockMap *to);

    /* What is asked lies inside the node (a protocol's write may extend it). */
    int (*read)(BlockNode *node, u64 offset, BlockVec to);
    int (*write)(BlockNode *node, u64 offset, BlockVec from);
    /* After it, all that was written is safe in the children; they are flushed next. */
    int (*flush)(BlockNode *node);
    /*
     * True if flush has nothing to do: the children's flush is enough.  Does not wait.
     */
    bool (*is_clean)(BlockNode *node);
    /* Need not do anything; a NULL does nothing. */
    int (*discard)(BlockNode *node, u64 offset, u64 bytes);
    /* -ENOTSUP (and NULL): zeroes are written instead. */
    int (*write_zeroes)(BlockNode *node, u64 offset, u64 bytes, bool may_unmap);
    bool (*truncate)(BlockNode *node, u64 length, GError **err);
    /* NULL: all of it is data. */
    int (*status)(BlockNode *node, u64 offset, u64 bytes, BlockStatus *out);
    /* Protocols that the kernel can reach: what to queue requests on; -1: call read. */
    int (*fd)(BlockNode *node);
    /* Bytes that it takes on its disk; NULL: not known. */
    u64 (*space)(BlockNode *node);
    /* A line for "info block" and the like: "encrypted"; or NULL. */
    void (*print)(BlockNode *node, GString *out);
} BlockDriver;

/* block/drivers.c: every driver, NULL-terminated. */
extern const BlockDriver *const block_drivers[];
const BlockDriver *block_driver_find(const char *name);

struct BlockNode {
    const BlockDriver *driver;
    char *name;                     /* node-name: the user's, or "#block123" */
    bool kept;                      /* -blockdev: it has a reference until the end */
    char *filename;                 /* for messages: the file it all comes from */
    BlockFlags flags;               /* as they became */
    u8 detect_zeroes;               /* a BlockDetect, for the device that has it */
    u64 length; /* bytes; changed by open, write, truncate; atomic */
    unsigned align;                 /* of requests and memory with O_DIRECT; else 1 */
    BlockNode *file, *backing, *data;       /* children, or NULL */
    unsigned refs;
    struct Gate *gate;              /* NULL where nothing is remapped */
    void *own;                      /* the driver's */
};

/* ---- building the graph ---- */

/*
 * Opens what the options say: "driver" (absent: probed), "node-name", "read-only",
 * "auto-read-only", "cache.direct", "cache.no-flush", "discard", "force-share", the
 * driver's own, and its children's as "file.driver" and so on, or "file" with the name
 * of a node that there is.  "filename" alone makes a file node below.  `flags` are the
 * defaults.  Takes all options out; what is left over is an error.
 */
BlockNode *node_open(KeyVals *options, BlockFlags flags, GError **err) must_check;

/* An image by file name: path, "file:PATH" or "json:{...}"; format NULL: probed. */
BlockNode *node_open_file(const char *filename, const char *format, BlockFlags flags,
                          GError **err) must_check;

/*
 * A child, "file", "backing" or "data-file", from the options that begin with "NAME."
 * (or "NAME", a reference); it becomes parent->file, ->backing or ->data, and is let go
 * of when the parent is closed.  NULL without an error: the options say nothing of it.
 * `flags` are the child's defaults.
 */
BlockNode *node_open_child(BlockNode *parent, const char *name, KeyVals *options,
                           BlockFlags flags, GError **err) must_check;

/* A bare node of a driver that is in no table: for tests, and for inserting filters. */
BlockNode *node_new(const BlockDriver *driver, BlockFlags flags, const char *name);
BlockNode *node_ref(BlockNode *node);
void node_unref(BlockNode *node);               /* the last one closes; NULL allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BlockNode, node_unref)
BlockNode *node_find(const char *name);         /* not counted; NULL: none */
void nodes_each(void (*fn)(BlockNode *node, void *opaque), void *opaque);
void nodes_close_all(void);                     /* lets go of those that are kept */

/* Creates an empty image of a format (over a file), or a file. */
bool node_create(const char *format, const BlockCreate *create,
                 GError **err) must_check;

/* Zeroes that take their space: asked of the file system, or (full) written. */
bool node_preallocate(BlockNode *node, u64 from, u64 to, bool full,
                      GError **err) must_check;

/* The node and its children become writable or read-only. */
bool node_reopen(BlockNode *node, bool writable, GError **err) must_check;

/*
 * Whether other processes may write to the file below.  Formats with tables of their own
 * never share; it does nothing there.
 */
bool node_share_write(BlockNode *node, bool share, GError **err) must_check;

/* For a format with tables: the file below is changed and resized by it alone. */
bool node_own_file(BlockNode *node, GError **err) must_check;

/* The format a file's beginning has: a driver; raw if none knows it. */
const BlockDriver *node_probe(BlockNode *file, GError **err);

/*
 * The backing file's name as the image `filename` means it: relative to the folder of
 * the image.  Caller frees.
 */
char *node_relative(const char *filename, const char *backing);

/* ---- work: any thread that may wait ---- */

/*
 * A read beyond a protocol's end gives zeroes (images may end in the middle of a
 * cluster); beyond a format's end both fail with -EIO.
 */
int node_readv(BlockNode *node, u64 offset, BlockVec to);
int node_writev(BlockNode *node, u64 offset, BlockVec from);
int node_read(BlockNode *node, u64 offset, void *to, size_t n);
int node_write(BlockNode *node, u64 offset, const void *from, size_t n);
int node_flush(BlockNode *node);
int node_discard(BlockNode *node, u64 offset, u64 bytes);
int node_write_zeroes(BlockNode *node, u64 offset, u64 bytes, bool may_unmap);
bool node_truncate(BlockNode *node, u64 length, GError **err) must_check;
/* Through filters and maps to what decides; `out->bytes` is at least 1. */
int node_status(BlockNode *node, u64 offset, u64 bytes, BlockStatus *out);

/*
 * Waits until no request is inside a node that remaps, and keeps others out until
 * node_go.  For operations that are no requests; does nothing on other nodes.
 */
void node_stop(BlockNode *node);
void node_go(BlockNode *node);

static inline bool node_is_writable(const BlockNode *node)
{
    return node->flags & BLOCK_RDWR;
}

static inline u64 node_length(const BlockNode *node)
{
    return __atomic_load_n(&node->length, __ATOMIC_ACQUIRE);
}

static inline void node_set_length(BlockNode *node, u64 length)
{
    __atomic_store_n(&node->length, length, __ATOMIC_RELEASE);
}

/* A protocol's write went up to `end`: it is that long at least. */
void node_extend(BlockNode *node, u64 end);

/* Says "FILE: text (why)" for -errno results. */
bool node_error(const BlockNode *node, int error, const char *what, GError **err);

#endif
