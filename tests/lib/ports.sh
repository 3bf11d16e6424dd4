# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by tests that talk to servers of this host.
#
#   ports_free            $port is the first of sixteen ports that nothing has here
#   ports_listen PORT ... wait until something listens on each of them; fails after 30 s

# State 0A of these tables is TCP_LISTEN (include/net/tcp_states.h of the kernel).
ports_table()
{
    cat /proc/self/net/tcp /proc/self/net/tcp6 /proc/self/net/udp /proc/self/net/udp6 2> /dev/null
}

ports_taken()
{
    ports_table | grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$1" | sed 's/.$/[0-9A-F]/') "
}

# Scripts that run at the same time have different pids, and so different ports.  All are
# below those that connections get (ip_local_port_range).
ports_free()
{
    port=$((20000 + $$ % 750 * 16))
    while ports_taken $port; do
        port=$((20000 + (port - 20000 + 16) % 12000))
    done
}

ports_listen()
{
    for ports_one; do
        ports_ticks=300
        until ports_table | grep -qE ":$(printf %04X "$ports_one") [0-9A-F]+:0000 0A "; do
            ports_ticks=$((ports_ticks - 1))
            [ $ports_ticks -gt 0 ] || { echo "# nothing listens on $ports_one" && return 1; }
            sleep 0.1
        done
    done
}
