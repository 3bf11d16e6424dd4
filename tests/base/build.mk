test += tests/base/clock.c
test += tests/base/field.c
test += tests/base/keyval.c
test += tests/base/log.c
test += tests/base/rng.c
