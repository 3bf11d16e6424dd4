/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For test programs that use virglrenderer: version 0.10.4 forgets what a context made
 * for a blob and did not fetch, which LeakSanitizer would lay at our door.
 */

#ifndef TESTS_LIB_VIRGL_LEAKS_H
#define TESTS_LIB_VIRGL_LEAKS_H

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libvirglrenderer.so";
}

#endif
