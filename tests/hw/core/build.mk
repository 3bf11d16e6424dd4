test += tests/hw/core/device.c
test += tests/hw/core/device_type.c
test += tests/hw/core/dispatch.c
test += tests/hw/core/memory.c
test += tests/hw/core/space.c
test += tests/hw/core/state.c
test += tests/hw/core/state_hostile.c
test += tests/hw/core/threads.c
