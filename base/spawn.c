/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes of their own: see base/spawn.h.
 */

#include "base/spawn.h"

#include <fcntl.h>
#include <signal.h>

extern char **environ;

int spawn_apart(const char *program, char *const *argv,
                posix_spawn_file_actions_t *files, pid_t *pid)
{
    posix_spawnattr_t attr;
    sigset_t none;
    int error;

    sigemptyset(&none);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    error = posix_spawn(pid, program, files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(files);
    posix_spawnattr_destroy(&attr);
    return error;
}

int spawn_with_socket(char *const *argv, int socket, pid_t *pid)
{
    posix_spawn_file_actions_t files;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&files, 0, 1);
    posix_spawn_file_actions_adddup2(&files, socket, SPAWN_SOCKET);
    return spawn_apart(argv[0], argv, &files, pid);
}
