/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates that a disk is held to: -drive throttling.* (bytes and requests a second, each
 * in all, of reads and of writes), as in QEMU.
 *
 * Each rate is a leaky bucket: a request pours in what it moves, and waits while what
 * was poured in before is more than the bucket holds.  That is a tenth of a second's
 * worth, or with "-max" that rate for "-max-length" seconds.  Drives that name the same
 * group fill the same buckets; the last one's rates hold for all.
 *
 * throttle_open: main thread.  The rest: any thread.
 */

#ifndef BLOCK_THROTTLE_H
#define BLOCK_THROTTLE_H

#include "base/keyval.h"

typedef struct Throttle Throttle;

/*
 * Takes its words out of a drive's; `id` names the group unless they do.  *out is NULL
 * if they set no rate.
 */
bool throttle_open(KeyVals *options, const char *id, Throttle **out,
                   GError **err) must_check;
bool throttle_has_word(const char *key);        /* one of these */
void throttle_unref(Throttle *throttle);        /* NULL is allowed */

/* Microseconds until a request may begin (`now`: g_get_monotonic_time); 0: now. */
u64 throttle_wait(Throttle *throttle, bool write, s64 now);
/* One begins. */
void throttle_count(Throttle *throttle, bool write, u64 bytes, s64 now);

/* "bps=0 bps_rd=0 ... group=x", as "info block" has it. */
void throttle_describe(Throttle *throttle, GString *out);

#endif
