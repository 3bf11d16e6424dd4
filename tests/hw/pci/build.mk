test += tests/hw/pci/bus.c
test += tests/hw/pci/config.c
test += tests/hw/pci/msix.c
