#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# configure: its options, what it says when something is missing, and what it writes.

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# A copy, so that this folder's own configuration stays as it is.
cp configure "$dir"
configure()
{
    status=0
    "$dir/configure" "$@" > "$dir/out" 2> "$dir/errors" || status=$?
}

says()
{
    grep -q -e "$1" "$dir/out" "$dir/errors"
}

one_line()
{
    [ "$status" = 1 ] && [ "$(cat "$dir/out" "$dir/errors" | wc -l)" = 1 ]
}

configure --help
check "--help: status 0" [ $status = 0 ]
for option in prefix cc enable-debug enable-asan enable-ubsan enable-tsan enable-kvm; do
    check "--help: names --$option" says "--$option"
done

configure --enabel-kvm
check "unknown option: one line, status 1" one_line
check "unknown option: the nearest is named" says "'--enable-kvm'"
configure --enable-kvn
check "unknown part: the nearest is named" says "'--enable-kvm'"
configure --prefix
check "no value: one line, status 1" one_line
configure --enable-tsan --enable-asan
check "sanitizers that exclude each other: one line, status 1" one_line

PKG_CONFIG_LIBDIR=$dir PKG_CONFIG_PATH='' configure --cc=no-such-compiler --enable-zydis
check "missing: status 1" [ $status = 1 ]
check "missing: the compiler's package" says 'Debian package gcc'
check "missing: GLib's package" says 'Debian package libglib2.0-dev'
check "missing: a part that was insisted on" says 'Debian package libzydis-dev'
check "missing: all in one command" \
    says 'apt-get install.* gcc .*libglib2.0-dev.* libzydis-dev'
check "missing: nothing is written" [ ! -e "$dir/config.mk" ]

configure --disable-kvm --prefix=/opt/mayfly
check "plain: status 0" [ $status = 0 ]
check "plain: config.mk has the prefix" grep -q '^prefix := /opt/mayfly$' "$dir/config.mk"
check "plain: config.h leaves KVM out" sh -c "! grep -q CONFIG_KVM '$dir/build/config.h'"
configure --enable-asan --enable-debug
check "asan: objects in a folder of their own" [ -f "$dir/build-asan-debug/config.h" ]
finish
