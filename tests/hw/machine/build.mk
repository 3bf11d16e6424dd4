test += tests/hw/machine/acpi.c
test += tests/hw/machine/board.c
test += tests/hw/machine/boot.c
test += tests/hw/machine/fw_cfg.c
test += tests/hw/machine/smbios.c
