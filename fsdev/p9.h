/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file server that speaks 9P2000.L, on a shared folder (fsdev/share.h).
 *
 * One message in, one reply out, at once; a device carries them.  A guest holds files
 * as numbers of its own, fids.  What it sends is not to be trusted: fsdev/p9.c has one
 * table of messages, from whose rows lengths, strings, names and fids are judged before
 * anything is done; what a file's name can lead to is fsdev/place.h's.
 *
 * Left out: authentication; 9P2000 and 9P2000.u; locks against anybody but the guest's
 * own processes, among which its kernel decides (so does QEMU).
 *
 * Any one thread at a time.
 */

#ifndef FSDEV_P9_H
#define FSDEV_P9_H

#include "fsdev/share.h"

typedef struct P9 P9;

enum { P9_HEADER = 7, P9_MESSAGE_MOST = 1 << 20 };      /* bytes: size, type, tag */

P9 *p9_new(Share *share);
void p9_free(P9 *p9);                           /* NULL is allowed */
void p9_reset(P9 *p9);                          /* forgets all that the guest holds */
/*
 * Serves the message in `in`; the reply is in `out`, its length is returned.  0: it is
 * no message, or there is no room for even an error.
 */
size_t p9_serve(P9 *p9, const u8 *in, size_t n, u8 *out, size_t room);

/* The longest message that was agreed on, bytes; 0 before that. */
u32 p9_message_most(const P9 *p9);
void p9_agree(P9 *p9, u32 message_most);

/*
 * What the guest holds, by path; files that are not there any more when it is loaded
 * stay numbers whose every use fails with ESTALE.
 */
void p9_save(P9 *p9, GByteArray *out);
bool p9_load(P9 *p9, const u8 *data, size_t n, GError **err) must_check;

#endif
