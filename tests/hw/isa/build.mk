test += tests/hw/isa/lpc.c
