/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's map of our pages: see host_pages.h. */

#include "vm/host_pages.h"

#include <fcntl.h>
#include <unistd.h>

#define PRESENT   (1ull << 63)
#define SWAPPED   (1ull << 62)
#define FILE_PAGE (1ull << 61)

int host_pages_open(void)
{
    return open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

void host_pages_look(int fd, const u8 *host, unsigned n, u64 *words)
{
    ssize_t bytes = n * sizeof *words;
    off_t at = (uintptr_t)host / PAGE_BYTES * sizeof *words;

    if (fd < 0 || pread(fd, words, bytes, at) != bytes) {
        for (unsigned i = 0; i < n; i++) {
            words[i] = PRESENT;
        }
    }
}

bool host_page_is_there(u64 word)
{
    return (word & (PRESENT | SWAPPED)) != 0;
}

bool host_page_is_written(u64 word)
{
    return host_page_is_there(word) && !(word & FILE_PAGE);
}
