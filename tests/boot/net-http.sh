#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# HTTP through the user network, from a server of the host and from the guest's through a
# forwarded port, compared by checksum.  MAYFLY_LONG=N transfers N times 64 MiB each way.
#
# limit: 900 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh
# shellcheck source=tests/lib/ports.sh
. tests/lib/ports.sh

need_guest cloud
busybox=$guests/busybox
[ -x "$busybox" ] || skip_all "no busybox (made by: scripts/guest cloud)"
times=${MAYFLY_LONG:-1}
mib=$((64 * times))
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill $server; vm_stop; rm -rf "$dir" "$vm_dir"' EXIT

# Both sides serve the same file N times in a row, as a program's output.
mkdir -p "$dir/cgi-bin"
head -c $((64 << 20)) /dev/urandom > "$dir/blob"
repeat()
{
    n=$times
    while [ "$n" -gt 0 ]; do
        cat "$1"
        n=$((n - 1))
    done
}

program()
{
    echo "#!$1 sh"
    printf '%s\n' 'printf "Content-Type: application/octet-stream\r\n\r\n"'
    echo "n=$times; while [ \$n -gt 0 ]; do $1 cat $2; n=\$((n - 1)); done"
}

program "$busybox" "$dir/blob" > "$dir/cgi-bin/all"
program /bin/busybox /tmp/blob > "$dir/guest-all"
chmod 755 "$dir/cgi-bin/all"
sum=$(repeat "$dir/blob" | md5sum | cut -d " " -f 1)
ports_free
"$busybox" httpd -f -p "127.0.0.1:$port" -h "$dir" &
server=$!
ports_listen "$port"

cat > "$dir/script" << END
cd /tmp
echo "sum: \$(wget -q -O - http://10.0.2.2:$port/cgi-bin/all | md5sum)"
wget -q http://10.0.2.2:$port/blob
mkdir cgi-bin
wget -q -O cgi-bin/all http://10.0.2.2:$port/guest-all
chmod 755 cgi-bin/all
httpd -p 80 -h /tmp
echo serving
sleep 10000
END
boot cloud "quiet mayfly.net=dhcp mayfly.run=\"wget -q -O /tmp/script http://10.0.2.2:$port/script; . /tmp/script\"" \
    -nic "user,hostfwd=tcp:127.0.0.1:$((port + 1))-:80"
vm_patience=600
check "$mib MiB from a server on the host" says "^sum: $sum"
check "the guest serves" says '^serving'

fetched()
{
    [ "$("$busybox" timeout 600 wget -q -O - "http://127.0.0.1:$((port + 1))/cgi-bin/all" |
        md5sum | cut -d " " -f 1)" = "$sum" ]
}

check "$mib MiB from the guest through a forwarded port" fetched
vm_signal TERM
check "SIGTERM ends it with status 0" ends_with 0
check "the kernel log is clean" never_says "$trouble"
finish
