/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel knows of pages of this process (Linux
 * Documentation/admin-guide/mm/pagemap.rst): which were touched at all, and which of
 * those that are mapped privately from a file were written since.  Any thread; no lock
 * and no memory is taken, so a forked process may ask, too, of its own pages.
 */

#ifndef VM_HOST_PAGES_H
#define VM_HOST_PAGES_H

#include "base/types.h"

/* -1: the kernel does not tell.  Closed with close(). */
int host_pages_open(void);
/* One word for each of `n` pages; what is not told, may have been written. */
void host_pages_look(int fd, const u8 *host, unsigned n, u64 *words);

bool host_page_is_there(u64 word);
bool host_page_is_written(u64 word);        /* or is zeroes that no file has */

#endif
