src += hw/core/device.c
src += hw/core/device_type.c
src += hw/core/dispatch.c
src += hw/core/machine.c
src += hw/core/memory.c
src += hw/core/region.c
src += hw/core/space.c
src += hw/core/state.c
