src += $(sort $(wildcard accel/*.c))
