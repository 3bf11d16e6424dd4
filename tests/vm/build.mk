test += tests/vm/object.c
