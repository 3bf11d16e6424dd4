test += tests/hw/machine/boot.c
