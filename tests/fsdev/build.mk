# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/fsdev/escape.c
test += tests/fsdev/p9.c
test += tests/fsdev/p9_attributes.c
test += tests/fsdev/p9_session.c
testlib += tests/lib/p9_client.c
testlib += tests/lib/p9_folder.c
