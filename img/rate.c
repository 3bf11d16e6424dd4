/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -r: copying at no more than so many bytes per second.  A piece waits until all before
 * it, and itself, have had their time.  Under the caller's lock, if it has threads.
 */

#include "base/keyval.h"
#include "img/img.h"

bool img_rate_open(const ImgArgs *args, ImgRate *rate)
{
    const char *text = args->value['r'];

    *rate = (ImgRate){ 0 };
    if (!text || (size_parse(text, 1, &rate->bytes) && rate->bytes <= INT64_MAX)) {
        return true;
    }
    img_fail("Invalid rate limit specified. You may use k, M, G, T, P or E suffixes "
             "for");
    img_fail("kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
    return false;
}

void img_rate_wait(ImgRate *rate, u64 n)
{
    s64 now = g_get_monotonic_time();

    if (rate->bytes) {
        rate->due = MAX(rate->due, now) +
                    (s64)((double)n / rate->bytes * G_USEC_PER_SEC);
        if (rate->due > now) {
            g_usleep(rate->due - now);
        }
    }
}
