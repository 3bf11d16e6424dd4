test += tests/chardev/backends.c
testlib += tests/lib/chardev.c
