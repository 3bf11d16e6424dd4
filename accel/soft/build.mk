src += $(sort $(wildcard accel/soft/*.c accel/soft/jit/*.c))
