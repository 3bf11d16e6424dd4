# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/net/dump.c
test += tests/net/offload.c
test += tests/net/stream.c
