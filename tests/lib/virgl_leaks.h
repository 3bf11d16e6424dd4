/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For test programs that use virglrenderer: what LeakSanitizer would lay at our door.
 */

#ifndef TESTS_LIB_VIRGL_LEAKS_H
#define TESTS_LIB_VIRGL_LEAKS_H

/* Version 0.10.4 forgets what a context made for a blob and did not fetch. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libvirglrenderer.so";
}

/*
 * Libraries stay: what Mesa's drivers keep for good, as llvmpipe a list of an AMD CPU's
 * caches, belongs to nobody once they are unloaded.
 */
int dlclose(void *handle);
int dlclose(void *handle)
{
    (void)handle;
    return 0;
}

#endif
