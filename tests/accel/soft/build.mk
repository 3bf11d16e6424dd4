test-$(CONFIG_ZYDIS) += tests/accel/soft/decode.c
test += tests/accel/soft/table.c
testlib += tests/lib/soft_bed.c
