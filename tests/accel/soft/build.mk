test += tests/accel/soft/block.c
test += tests/accel/soft/cpu.c
test += tests/accel/soft/jit.c
test-$(CONFIG_ZYDIS) += tests/accel/soft/decode.c
test += tests/accel/soft/table.c

testlib += tests/lib/host_cpu.c
testlib += tests/lib/soft_bed.c
test += tests/accel/soft/walk.c
test += tests/accel/soft/mmu.c
test += tests/accel/soft/segment.c
test += tests/accel/soft/deliver.c
test += tests/accel/soft/far.c
test += tests/accel/soft/system.c
test += tests/accel/soft/sequence.c
testlib += tests/lib/host_run.c
testlib += tests/lib/sequence.c
testlib += tests/lib/sequence_insn.c
