src += $(sort $(wildcard accel/soft/*.c))
