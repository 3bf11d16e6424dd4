src += base/clock.c
src += base/field.c
src += base/field_show.c
src += base/file.c
src += base/keyval.c
src += base/lock.c
src += base/log.c
src += base/rng.c
