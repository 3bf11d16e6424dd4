test += tests/hw/machine/acpi.c
