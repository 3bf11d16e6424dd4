src += hw/devices.c
