src-$(CONFIG_KVM) += $(sort $(wildcard accel/kvm/*.c))
