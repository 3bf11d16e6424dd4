test += tests/vm/monitor.c
test += tests/vm/monitor_commands.c
test += tests/vm/monitor_tty.c
test += tests/vm/object.c
test += tests/vm/options.c
test += tests/vm/touched.c
test += tests/vm/vm.c
testlib += tests/lib/fake_vm.c
