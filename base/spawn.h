/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes of their own.  Any thread.
 */

#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include "base/types.h"

#include <spawn.h>
#include <sys/types.h>

/*
 * Starts `program` with the open files that `files` says, no blocked signals, and a
 * session of its own: a terminal's signals are the machine's.  Not a fork of this
 * process, whose memory is large: posix_spawn takes none of it.  Destroys `files`; the
 * caller waits for *pid.  Returns 0 or an errno.
 */
int spawn_apart(const char *program, char *const *argv,
                posix_spawn_file_actions_t *files, pid_t *pid);

/*
 * The same for a program that gets a socket, as descriptor SPAWN_SOCKET, and the way to
 * this process's error output, and nothing else.  `argv` begins with the program.
 */
#define SPAWN_SOCKET 3
int spawn_with_socket(char *const *argv, int socket, pid_t *pid);

#endif
