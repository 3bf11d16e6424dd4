test += tests/vm/monitor.c
test += tests/vm/object.c
