# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by the demo and by shell tests: run a machine in the background, read what it
# prints, type into it, see how it ends.
#
#   vm_start OPTION ...      run $MAYFLY with these options; its console is stdin/stdout
#   vm_expect ERE [SECONDS]  wait until a line of the output matches; fails when the machine
#                            ends or the time does, and is short of patience from then on
#   vm_send TEXT             type a line
#   vm_type FORMAT           type what printf makes of this
#   vm_signal NAME           send it a signal; fails if it has ended
#   vm_close                 no more input (the machine's standard input ends)
#   vm_wait [SECONDS]        wait until it has ended; its exit status is in $vm_status
#   vm_stop                  end it if it still runs
#   vm_tail                  the end of its output, indented
#
# Output without carriage returns is in $vm_log, messages in $vm_errors.

: "${MAYFLY:=./mayfly}"
vm_limit=${MAYFLY_BOOT_LIMIT:-180}
vm_dir=$(mktemp -d)
vm_log=$vm_dir/log
vm_errors=$vm_dir/errors
vm_pid=
vm_status=
vm_patience=$vm_limit
trap 'vm_stop; rm -rf "$vm_dir"' EXIT
trap 'exit 1' HUP INT TERM

vm_start()
{
    rm -f "$vm_dir"/*
    mkfifo "$vm_dir/in"
    : > "$vm_dir/raw"
    # shellcheck disable=SC2086  # $MAYFLY may hold options
    $MAYFLY "$@" < "$vm_dir/in" > "$vm_dir/raw" 2> "$vm_errors" &
    vm_pid=$!
    exec 7> "$vm_dir/in"
    vm_status=
    vm_patience=$vm_limit
}

# Sets vm_status once it has ended.
vm_ended()
{
    if [ -n "$vm_pid" ] && ! kill -0 "$vm_pid" 2> /dev/null; then
        vm_status=0
        wait "$vm_pid" || vm_status=$?
        vm_pid=
    fi
    [ -z "$vm_pid" ]
}

vm_read_log()
{
    tr -d '\r' < "$vm_dir/raw" > "$vm_log"
}

vm_expect()
{
    vm_ticks=$((${2:-$vm_patience} * 10))
    while [ $vm_ticks -gt 0 ]; do
        ended=no
        ! vm_ended || ended=yes
        vm_read_log
        ! grep -aEq "$1" "$vm_log" || return 0
        [ $ended = no ] || return 1
        sleep 0.1
        vm_ticks=$((vm_ticks - 1))
    done
    vm_patience=2
    return 1
}

vm_send()
{
    vm_type "%s\n" "$1"
}

# A machine that has gone is found out by what is expected of it, not by SIGPIPE.
vm_type()
{
    # shellcheck disable=SC2059
    (trap '' PIPE && printf "$@" >&7 2> /dev/null) || :
}

vm_signal()
{
    [ -n "$vm_pid" ] && kill -s "$1" "$vm_pid" 2> /dev/null
}

vm_close()
{
    exec 7>&-
}

vm_wait()
{
    vm_ticks=$((${1:-$vm_patience} * 10))
    while ! vm_ended && [ $vm_ticks -gt 0 ]; do
        sleep 0.1
        vm_ticks=$((vm_ticks - 1))
    done
    vm_read_log
    [ -n "$vm_status" ]
}

vm_stop()
{
    if [ -n "$vm_pid" ]; then
        kill "$vm_pid" 2> /dev/null || :
        vm_wait 5 || kill -9 "$vm_pid" 2> /dev/null || :
        vm_pid=
    fi
}

vm_tail()
{
    vm_read_log
    tail -n 25 "$vm_log" | sed 's/^/  | /'
    tail -n 5 "$vm_errors" | sed 's/^/  ! /'
}
