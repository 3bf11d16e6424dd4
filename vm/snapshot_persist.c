/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks on snapshots, and saving at the end: see snapshot_persist.h. */

#include "vm/snapshot_persist.h"

#include "base/log.h"
#include "vm/snapshot.h"
#include "vm/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    char *path;                 /* NULL: nothing is locked */
    int fd;
    bool alone;
} held;

/* ---- locks ---- */

/* The folder of an open file may have been replaced before it was locked. */
static bool is_still(int fd, const char *path)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static bool refuse_lock(const char *name, bool alone, GError **err)
{
    return snapshot_refuse(err, alone ? "snapshot '%s' is in use: -persist needs it alone"
                           : "snapshot '%s' is in use: a run with -persist continues it",
                           name);
}

bool snapshot_lock(const char *name, bool alone, GError **err)
{
    g_autofree char *path = snapshot_path(name);
    int fd;

    for (;;) {
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
            return true;        /* whoever opens what is in it tells */
        }
        if (flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) && errno == EWOULDBLOCK) {
            close(fd);
            return refuse_lock(name, alone, err);
        }
        if (is_still(fd, path)) {
            break;
        }
        close(fd);
    }
    held.path = g_steal_pointer(&path);
    held.fd = fd;
    held.alone = alone;
    return true;
}

bool snapshot_lock_follow(const char *path, int fd, GError **err)
{
    int copy;

    if (!held.alone || strcmp(held.path, path) != 0) {
        return true;
    }
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0 || flock(copy, LOCK_EX | LOCK_NB)) {
        if (copy >= 0) {
            close(copy);
        }
        return snapshot_refuse(err, "%s: cannot be locked: %s", path, g_strerror(errno));
    }
    /* The old folder stays locked, too: it is this one until the rename, or for good. */
    held.fd = copy;
    return true;
}

/* ---- the end ---- */

/* A machine that is off is saved as one that is about to start. */
static void switch_on(Vm *vm)
{
    if (vm->reset) {
        vm->reset(vm);
    }
}

static void save_at_end(Vm *vm, const VmConfig *config)
{
    g_autoptr(GError) error = NULL;

    if (!snapshot_save(vm, config, config->loadvm.name, true, &error)) {
        info_user("-persist: %s; it stays as it was", error->message);
        vm_fail(vm);
    }
}

static void heard(void *opaque, Vm *vm, const VmEvent *event)
{
    const VmConfig *config = opaque;
    bool guest = vm_cause_is_guest(event->cause);

    if (event->kind != VM_EVENT_SHUTDOWN ||
        (guest && vm->actions.shutdown == SHUTDOWN_PAUSE)) {
        return;
    }
    if (event->cause == CAUSE_HOST_ERROR || event->cause == CAUSE_GUEST_PANIC ||
        vm->state == VM_PANICKED || vm->state == VM_CRASHED) {
        info_user("-persist: the machine failed; snapshot '%s' stays as it was",
                  config->loadvm.name);
        return;
    }
    guest |= vm->state == VM_SHUTDOWN;
    vm_stop(vm, VM_PAUSED);
    if (guest) {
        switch_on(vm);
    }
    save_at_end(vm, config);
}

void persist_attach(Vm *vm, const VmConfig *config)
{
    if (config->persist) {
        vm_listen(vm, heard, (void *)config);
    }
}
