#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a run ends, with guests of a few bytes: exit statuses, signals, pid file,
# background, and what is closed or missing around the process.

# shellcheck source=tests/lib/cli.sh
. tests/lib/cli.sh

rom_out "$dir/exit" 005 001 021         # isa-debug-exit: 0x11 to port 0x501
rom_out "$dir/reset" 014 371 006        # reset control: 6 to port 0xcf9
rom_out "$dir/kbd" 000 144 376          # keyboard controller: 0xfe to port 0x64
rom_out "$dir/panic" 005 005 001        # pvpanic: 1 to port 0x505
rom "$dir/triple" '\017\001\036\000\000\314'    # lidt [0], which holds zeroes; int3
rom "$dir/wait" '\364\353\375'          # hlt; jmp -3
# The boot order from CMOS byte 0x3d to the debug console, then a reset.
rom "$dir/order" '\260\075\346\160\344\161\272\002\004\356\260\376\346\144\364\364'
debug_exit='-device isa-debug-exit'

# shellcheck disable=SC2086  # options
{
    guest -bios "$dir/exit" $debug_exit
    check "isa-debug-exit: (value << 1) | 1" ended 35
    guest $debug_exit -no-shutdown -no-reboot -bios "$dir/exit"
    check "isa-debug-exit: -no-shutdown and -no-reboot do not matter" ended 35
}
for way in reset kbd triple; do
    guest -bios "$dir/$way" -no-reboot
    check "$way with -no-reboot: status 0" ended 0
done
guest -bios "$dir/reset" -action reboot=shutdown
check "reset with -action reboot=shutdown: status 0" ended 0
guest -bios "$dir/panic" -device pvpanic
check "a panic: status 0" ended 0
guest -bios "$dir/panic" -device pvpanic -action panic=exit-failure
check "a panic with -action panic=exit-failure: status 1" ended 1

# start OPTION ...: in the background; sets $pid.
start()
{
    "$MAYFLY" -accel "$accel" -m 16 -nodefaults -display none "$@" \
        < /dev/null > "$dir/out" 2> "$dir/errors" &
    pid=$!
}

# wait_for CONDITION ...: up to ten seconds.
wait_for()
{
    tenths=100
    while [ $tenths -gt 0 ]; do
        ! "$@" 2> /dev/null || return 0
        sleep 0.1
        tenths=$((tenths - 1))
    done
    return 1
}

# Waits for $pid; sets $status.
reap()
{
    (sleep 20 && kill -KILL "$pid") 2> /dev/null &
    watchdog=$!
    status=0
    wait "$pid" || status=$?
    kill "$watchdog" 2> /dev/null
}

runs()
{
    kill -0 "$pid"
}

three_starts()
{
    [ "$(wc -c < "$dir/orders")" -ge 3 ]
}

# 3 is the CD, 2 the disk.
first_from_cd()
{
    wait_for three_starts || return 1
    orders=$(head -c 3 "$dir/orders" | od -An -tx1)
    [ "$orders" = " 03 02 02" ] || { echo "# $orders" && return 1; }
}

start -bios "$dir/order" -boot order=c,once=d -chardev "file,id=orders,path=$dir/orders" \
    -device isa-debugcon,iobase=0x402,chardev=orders
check "-boot once= is for the first start" first_from_cd
kill "$pid"
reap

says_signal()
{
    grep -Eqx "${MAYFLY##*/}: terminating on signal $1 from pid $$ \\(.+\\)" \
        "$dir/errors" || show
}

for row in TERM:15 INT:2 HUP:1; do
    # A pid file says when the handlers are there.
    start -bios "$dir/wait" -pidfile "$dir/pid"
    wait_for test -s "$dir/pid"
    check "pid file: has the process id" [ "$(cat "$dir/pid")" = "$pid" ]
    sleep 0.3
    kill "-${row%:*}" "$pid"
    reap
    check "SIG${row%:*}: status 0" ended 0
    check "SIG${row%:*}: says so" says_signal "${row#*:}"
    check "SIG${row%:*}: the pid file is gone" [ ! -e "$dir/pid" ]
done
for way in reset triple; do
    start -bios "$dir/$way"
    sleep 0.7
    check "$way without -no-reboot: runs on" runs
    kill -TERM "$pid"
    reap
    check "$way without -no-reboot: SIGTERM, status 0" ended 0
done
start -bios "$dir/exit" -device isa-debug-exit -S
sleep 0.5
check "-S: the guest does not run" runs
kill -TERM "$pid"
reap
check "-S: SIGTERM, status 0" ended 0
start -bios "$dir/panic" -device pvpanic -no-shutdown
sleep 0.5
check "a panic with -no-shutdown: stays" runs
kill -TERM "$pid"
reap
check "a panic with -no-shutdown: SIGTERM, status 0" ended 0

# A second process does not take the pid file of the first.
start -bios "$dir/wait" -pidfile "$dir/pid"
wait_for test -s "$dir/pid"
first=$pid
guest -bios "$dir/wait" -pidfile "$dir/pid"
check "pid file in use: status 1" ended 1
check "pid file in use: it stays" [ "$(cat "$dir/pid")" = "$first" ]
kill -TERM "$first"
pid=$first
reap

# The background.
guest -daemonize -bios "$dir/wait" -pidfile "$dir/pid"
check "-daemonize: status 0" ended 0
pid=$(cat "$dir/pid")
check "-daemonize: the pid file is complete" runs
check "-daemonize: another process" [ "$pid" != $$ ]
check "-daemonize: no terminal, no files of ours" \
    [ "$(readlink "/proc/$pid/fd/1")" = /dev/null ]
kill -TERM "$pid"
gone()
{
    ! kill -0 "$pid"
}
check "-daemonize: SIGTERM ends it" wait_for gone
check "-daemonize: the pid file is gone" [ ! -e "$dir/pid" ]
guest -daemonize -bios "$dir/none" -pidfile "$dir/pid"
check "-daemonize: a mistake is status 1" ended 1
check "-daemonize: and one line" [ "$(wc -l < "$dir/errors")" = 1 ]
check "-daemonize: no pid file then" [ ! -e "$dir/pid" ]

# Names of threads and of the process.
start -bios "$dir/wait" -name guest=x,process=moth,debug-threads=on -smp 2
named()
{
    cat "/proc/$pid/task"/*/comm | grep -q "^$1"
}
check "debug-threads=on: 'CPU 0'" wait_for named 'CPU 0'
check "debug-threads=on: 'CPU 1'" wait_for named 'CPU 1'
check "process=: the main thread's name" [ "$(cat "/proc/$pid/comm")" = moth ]
kill -TERM "$pid"
reap

# Closed descriptors.
for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
    eval "timeout -k 1 20 \"\$MAYFLY\" -accel $accel -m 16 -nographic -bios $dir/exit \
        -device isa-debug-exit $closed" < /dev/null > "$dir/out" 2> "$dir/errors"
    status=$?
    check "-nographic with $closed" [ $status = 35 ]
done
{
    sleep 0.2
    timeout -k 1 20 "$MAYFLY" -accel "$accel" -m 16 -nographic -bios "$dir/exit" \
        -device isa-debug-exit < /dev/null 2> "$dir/errors"
    echo $? > "$dir/status"
} | true
status=$(cat "$dir/status")
check "-nographic with a reader that has gone" ended 35

# The monitor: starts and ends it.
echo cont | timeout -k 1 20 "$MAYFLY" -accel "$accel" -m 16 -nodefaults -display none \
    -bios "$dir/exit" -device isa-debug-exit -S -monitor stdio > "$dir/out" 2>&1
status=$?
check "-S and the monitor's cont: status of the guest" ended 35
printf 'info status\nquit\n' | timeout -k 1 20 "$MAYFLY" -accel "$accel" -m 16 \
    -nodefaults -display none -bios "$dir/wait" -S -monitor stdio > "$dir/out" 2>&1
status=$?
check "the monitor's quit: status 0" ended 0
check "info status: paused (prelaunch)" \
    grep -q 'VM status: paused (prelaunch)' "$dir/out"
finish
