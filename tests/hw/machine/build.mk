test += tests/hw/machine/acpi.c
test += tests/hw/machine/board.c
test += tests/hw/machine/boot_elf.c
test += tests/hw/machine/boot_linux.c
test += tests/hw/machine/boot_random.c
test += tests/hw/machine/fuzz.c
test += tests/hw/machine/fw_cfg.c
test += tests/hw/machine/smbios.c
