/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files and host devices: the nodes on which everything else lies.  Reads beyond the
 * end give zeroes.  With O_DIRECT the kernel wants offsets, lengths and memory aligned;
 * what is not goes through a buffer here (a request that is written in part is then
 * read, changed and written, one at a time).
 *
 * Left out: persistent reservations, host CD-ROM and floppy commands.
 */

#include "block/file.h"

#include "block/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECT_ALIGN = 4096, SECTOR = 512, RANGES = 64, BOUNCE_BYTES = 1 << 20 };

typedef enum { AIO_AUTO, AIO_THREADS, AIO_NATIVE, AIO_IO_URING } Aio;
static const char *const aio_names[] = { "auto", "threads", "native", "io_uring",
                                         NULL };
static const char *const locking_names[] = { "auto", "on", "off", NULL };

PROPS(FileConfig,
    (str, filename, "path", .required = true),
    (u8,  aio,     "how requests reach the kernel", .names = aio_names),
    (u8,  locking, "image locking", .names = locking_names));

typedef struct {
    int fd;
    bool locked, is_device, queued;
    pthread_mutex_t change;         /* held while a part of a block is changed */
} File;

/* ---- system calls ---- */

/* Moves all of `data`, in as many calls as it takes; a read that ends gives zeroes. */
static int move_all(int fd, BlockAccess access, u64 offset, BlockVec data)
{
    struct iovec iov[RANGES];

    while (data.bytes) {
        unsigned n = vec_flatten(data, iov, RANGES, NULL);
        ssize_t moved = access == BLOCK_READ ? preadv(fd, iov, n, offset)
                                             : pwritev(fd, iov, n, offset);

        if (moved < 0 && errno == EINTR) {
            continue;
        }
        if (moved < 0 || (!moved && access == BLOCK_WRITE)) {
            return moved ? -errno : -ENOSPC;
        }
        if (!moved) {
            vec_fill(data, 0);
            return 0;
        }
        offset += moved;
        data = vec_slice(data, moved, data.bytes - moved);
    }
    return 0;
}

/* One piece through a buffer that is whole blocks around it. */
static int move_bounced(BlockNode *node, BlockAccess access, u64 offset, BlockVec data)
{
    File *file = node->own;
    u64 from = offset & ~(u64)(node->align - 1);
    u64 to = (offset + data.bytes + node->align - 1) & ~(u64)(node->align - 1);
    bool whole = from == offset && to == offset + data.bytes;
    struct iovec iov;
    u8 *buffer;
    int error = 0;

    if (posix_memalign((void **)&buffer, DIRECT_ALIGN, to - from)) {
        return -ENOMEM;
    }
    pthread_mutex_lock(&file->change);
    if (access == BLOCK_READ || !whole) {
        error = move_all(file->fd, BLOCK_READ, from, vec_of(&iov, buffer, to - from));
    }
    if (!error && access == BLOCK_READ) {
        vec_from(data, buffer + (offset - from));
    } else if (!error) {
        vec_to(data, buffer + (offset - from));
        error = move_all(file->fd, access, from, vec_of(&iov, buffer, to - from));
    }
    pthread_mutex_unlock(&file->change);
    free(buffer);
    return error;
}

static int move(BlockNode *node, BlockAccess access, u64 offset, BlockVec data)
{
    const File *file = node->own;
    int error = 0;

    if (((offset | data.bytes) & (node->align - 1)) == 0 &&
        vec_is_aligned(data, node->align)) {
        return move_all(file->fd, access, offset, data);
    }
    while (data.bytes && !error) {
        size_t n = MIN(data.bytes, BOUNCE_BYTES);

        error = move_bounced(node, access, offset, vec_slice(data, 0, n));
        offset += n;
        data = vec_slice(data, n, data.bytes - n);
    }
    return error;
}

/* ---- the driver's calls ---- */

static int file_read(BlockNode *node, u64 offset, BlockVec to)
{
    return move(node, BLOCK_READ, offset, to);
}

static int file_write(BlockNode *node, u64 offset, BlockVec from)
{
    int error = move(node, BLOCK_WRITE, offset, from);

    if (!error) {
        node_extend(node, offset + from.bytes);
    }
    return error;
}

static int file_flush(BlockNode *node)
{
    const File *file = node->own;

    return (node->flags & BLOCK_NO_FLUSH) || fdatasync(file->fd) == 0 ? 0 : -errno;
}

static int device_ioctl(int fd, unsigned long what, u64 offset, u64 bytes)
{
    u64 range[2] = { offset, bytes };

    return ioctl(fd, what, range) == 0 ? 0
           : errno == ENOTTY || errno == EOPNOTSUPP ? -ENOTSUP : -errno;
}

static int allocate(int fd, int mode, u64 offset, u64 bytes)
{
    return fallocate(fd, mode, offset, bytes) == 0 ? 0
           : errno == ENOSYS || errno == EOPNOTSUPP || errno == EINVAL ? -ENOTSUP
           : -errno;
}

static int file_discard(BlockNode *node, u64 offset, u64 bytes)
{
    const File *file = node->own;
    int error = file->is_device
                ? device_ioctl(file->fd, BLKDISCARD, offset, bytes)
                : allocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                           bytes);

    return error == -ENOTSUP ? 0 : error;       /* it was a hint */
}

static int file_write_zeroes(BlockNode *node, u64 offset, u64 bytes, bool may_unmap)
{
    const File *file = node->own;
    int error = -ENOTSUP;

    if (file->is_device) {
        return device_ioctl(file->fd, BLKZEROOUT, offset, bytes);
    }
    if (may_unmap) {
        error = allocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                         bytes);
        if (!error && offset + bytes > node_length(node)) {
            error = ftruncate(file->fd, offset + bytes) == 0 ? 0 : -errno;
        }
    }
    if (error == -ENOTSUP) {
        error = allocate(file->fd, FALLOC_FL_ZERO_RANGE, offset, bytes);
    }
    if (!error) {
        node_extend(node, offset + bytes);
    }
    return error;
}

static bool lock_again(BlockNode *node, BlockFlags was, BlockFlags flags, GError **err)
{
    const File *file = node->own;

    return !file->locked || file_lock_again(file->fd, was, flags, node->filename, err);
}

/* Who does not hold the lock for resizing takes it for that long. */
static bool file_truncate(BlockNode *node, u64 length, GError **err)
{
    const File *file = node->own;
    BlockFlags flags = node->flags | BLOCK_RESIZE;
    bool right;

    if (file->is_device) {
        return length <= node_length(node) ||
               node_error(node, -EINVAL, "Cannot grow device files", err);
    }
    if (!lock_again(node, node->flags, flags, err)) {
        return false;
    }
    right = ftruncate(file->fd, length) == 0;
    if (right) {
        node_set_length(node, length);
    } else {
        node_error(node, -errno, "Failed to resize the file", err);
    }
    (void)!lock_again(node, flags, node->flags, NULL);
    return right;
}

/* Data and holes, as the file system knows them. */
static int file_status(BlockNode *node, u64 offset, u64 bytes, BlockStatus *out)
{
    const File *file = node->own;
    off_t data = lseek(file->fd, offset, SEEK_DATA), hole;

    out->node = node;
    out->offset = offset;
    if (data < 0 && errno == ENXIO) {           /* a hole to the end */
        data = offset + bytes;
    } else if (data < 0) {
        return 0;                               /* not known: data */
    }
    if ((u64)data > offset) {
        out->zero = true;
        out->data = false;
        out->bytes = MIN(bytes, (u64)data - offset);
        return 0;
    }
    hole = lseek(file->fd, offset, SEEK_HOLE);
    if (hole > (off_t)offset) {
        out->bytes = MIN(bytes, (u64)hole - offset);
    }
    return 0;
}

static u64 file_space(BlockNode *node)
{
    const File *file = node->own;
    struct stat st;

    return fstat(file->fd, &st) == 0 ? st.st_blocks * 512ull : 0;
}

static int file_fd(BlockNode *node)
{
    const File *file = node->own;

    return file->queued ? file->fd : -1;
}

/* ---- opening ---- */

static bool refuse(GError **err, const char *filename, const char *why)
{
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "Could not open '%s': %s",
                filename, why);
    return false;
}

/* O_NONBLOCK until it is known what it is: a pipe that an image names would wait. */
static int open_flags(BlockFlags flags)
{
    return O_CLOEXEC | O_NONBLOCK | (flags & BLOCK_RDWR ? O_RDWR : O_RDONLY) |
           (flags & BLOCK_DIRECT ? O_DIRECT : 0);
}

/* -1 and errno; what can't be written is opened for reading where that will do. */
static int open_file(const char *filename, BlockFlags *flags)
{
    int fd = open(filename, open_flags(*flags));

    if (fd < 0 && (*flags & BLOCK_RDWR) && (*flags & BLOCK_AUTO_RDONLY) &&
        (errno == EACCES || errno == EROFS || errno == EPERM)) {
        *flags &= ~BLOCK_RDWR;
        fd = open(filename, open_flags(*flags));
    }
    return fd;
}

static int wait_again(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 ? flags : fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

/* The smallest block that O_DIRECT takes here. */
static unsigned direct_align(int fd, bool is_device)
{
    int sector = 0;
    void *buffer;
    bool small;

    if (is_device && ioctl(fd, BLKSSZGET, &sector) == 0) {
        return sector;
    }
    if (posix_memalign(&buffer, DIRECT_ALIGN, DIRECT_ALIGN)) {
        return DIRECT_ALIGN;
    }
    small = pread(fd, (u8 *)buffer + SECTOR, SECTOR, 0) >= 0;
    free(buffer);
    return small ? SECTOR : DIRECT_ALIGN;
}

static bool look_at(BlockNode *node, GError **err)
{
    File *file = node->own;
    struct stat st;
    off_t end;

    if (fstat(file->fd, &st) < 0) {
        return refuse(err, node->filename, g_strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return refuse(err, node->filename, "it is a folder");
    }
    file->is_device = S_ISBLK(st.st_mode);
    if (!S_ISREG(st.st_mode) && !file->is_device) {
        return refuse(err, node->filename, "neither a regular file nor a block device");
    }
    end = lseek(file->fd, 0, SEEK_END);
    if (end < 0 || wait_again(file->fd) < 0) {
        return refuse(err, node->filename, g_strerror(errno));
    }
    node_set_length(node, end);
    if (node->flags & BLOCK_DIRECT) {
        node->align = direct_align(file->fd, file->is_device);
    }
    return true;
}

static bool choose_aio(BlockNode *node, Aio aio, GError **err)
{
    File *file = node->own;

    if (aio == AIO_NATIVE && !(node->flags & BLOCK_DIRECT)) {
        return refuse(err, node->filename, "aio=native was specified, but it requires "
                      "cache.direct=on, which was not specified.");
    }
    file->queued = aio != AIO_THREADS && queue_works();
    if (aio == AIO_IO_URING && !file->queued) {
        return refuse(err, node->filename, "aio=io_uring was specified, but the kernel "
                      "refuses io_uring here; aio=threads works");
    }
    return true;
}

static bool file_open_node(BlockNode *node, const void *opaque, KeyVals *rest,
                           GError **err)
{
    const FileConfig *config = opaque;
    const char *name = config->filename;
    File *file = g_new0(File, 1);

    (void)rest;
    node->own = file;
    pthread_mutex_init(&file->change, NULL);
    name += g_str_has_prefix(name, "file:") ? strlen("file:") : 0;
    node->filename = g_strdup(name);
    file->locked = config->locking != 2;
    file->fd = open_file(name, &node->flags);
    if (file->fd < 0) {
        return refuse(err, name, errno == EINVAL && (node->flags & BLOCK_DIRECT)
                      ? "the file system has no O_DIRECT (cache=none, cache.direct=on)"
                      : g_strerror(errno));
    }
    return look_at(node, err) && choose_aio(node, config->aio, err) &&
           (!file->locked || file_lock(file->fd, node->flags, name, err));
}

static void file_close_node(BlockNode *node)
{
    File *file = node->own;

    if (file && file->fd >= 0) {
        close(file->fd);
    }
    if (file) {
        pthread_mutex_destroy(&file->change);
        g_clear_pointer(&node->own, g_free);
    }
}

/* The descriptor keeps its number: requests name it. */
static bool file_reopen(BlockNode *node, BlockFlags flags, GError **err)
{
    const File *file = node->own;
    int fd;

    if (((flags ^ node->flags) & BLOCK_RDWR) == 0) {        /* only the locks change */
        return lock_again(node, node->flags, flags, err);
    }
    fd = open(node->filename, open_flags(flags));
    if (fd < 0 || wait_again(fd) < 0) {
        return refuse(err, node->filename, g_strerror(errno));
    }
    if (file->locked) {
        file_unlock(file->fd);
        if (!file_lock(fd, flags, node->filename, err)) {
            close(fd);
            (void)!lock_again(node, 0, node->flags, NULL);
            return false;
        }
    }
    dup3(fd, file->fd, O_CLOEXEC);
    close(fd);
    return true;
}

static bool file_create(const BlockCreate *create, GError **err)
{
    int fd = open(create->filename, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    bool right = fd >= 0 && file_lock(fd, BLOCK_RDWR | BLOCK_RESIZE |
                                      BLOCK_FIXED_SIZE, create->filename, err);

    if (fd < 0 || (right && (ftruncate(fd, 0) < 0 ||
                             ftruncate(fd, create->size) < 0))) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "Could not create '%s': %s", create->filename, g_strerror(errno));
        right = false;
    }
    if (fd >= 0) {
        close(fd);
    }
    return right;
}

#define FILE_CALLS                                                                  \
    .is_protocol = true,                                                            \
    .fields = FileConfig_fields, .config_size = sizeof(FileConfig),                 \
    .open = file_open_node, .close = file_close_node, .create = file_create,        \
    .reopen = file_reopen, .read = file_read, .write = file_write,                  \
    .flush = file_flush, .discard = file_discard,                                   \
    .write_zeroes = file_write_zeroes, .truncate = file_truncate,                   \
    .status = file_status, .fd = file_fd, .space = file_space

const BlockDriver block_file = {
    .name = "file", .help = "a file", FILE_CALLS
};

const BlockDriver block_host_device = {
    .name = "host_device", .help = "a block device of the host", FILE_CALLS
};
