# SPDX-License-Identifier: GPL-2.0-or-later
check_script-$(CONFIG_KVM) += tests/accel/kvm/errors.sh
test-$(CONFIG_KVM) += tests/accel/kvm/exits.c
test-$(CONFIG_KVM) += tests/accel/kvm/interrupts.c
test-$(CONFIG_KVM) += tests/accel/kvm/portable.c
test-$(CONFIG_KVM) += tests/accel/kvm/running.c
test-$(CONFIG_KVM) += tests/accel/kvm/state.c
test-$(CONFIG_KVM) += tests/accel/kvm/vectors.c
snapshot_script += $(if $(filter y,$(CONFIG_KVM)),$(build)/tests/accel/kvm/portable.t)
testlib += tests/accel/kvm/programs.S
testlib += tests/lib/cpu_bed.c
