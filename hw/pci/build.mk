src += hw/pci/assign.c
src += hw/pci/bus.c
src += hw/pci/function.c
src += hw/pci/msix.c
src += hw/pci/rom.c
