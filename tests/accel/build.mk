test += tests/accel/cpu_model.c
test += tests/accel/x86_state.c
