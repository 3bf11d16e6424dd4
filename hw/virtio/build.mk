src += $(sort $(wildcard hw/virtio/*.c))
