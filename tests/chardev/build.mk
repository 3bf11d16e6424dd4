test += tests/chardev/backends.c
test += tests/chardev/mux.c
test += tests/chardev/options.c
test += tests/chardev/output.c
test += tests/chardev/socket.c
test += tests/chardev/terminal.c
testlib += tests/lib/chardev.c
