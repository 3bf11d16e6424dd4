check_script += tests/configure.sh
test += tests/conformance.c
testlib += tests/lib/board_bed.c
testlib += tests/lib/conform.c
testlib += tests/lib/conform_rows.c
testlib += tests/lib/kernels.c
testlib += tests/lib/pci_probe.c
testlib += tests/lib/rig.c
