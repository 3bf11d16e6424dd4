test += tests/hw/core/dispatch.c
test += tests/hw/core/memory.c
test += tests/hw/core/space.c
