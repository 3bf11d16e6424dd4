# SPDX-License-Identifier: GPL-2.0-or-later
module-$(CONFIG_VIRGL) += gpu-virgl
src/gpu-virgl += hw/virtio/gpu_render_jobs.c
src/gpu-virgl += hw/virtio/virgl/blob.c
src/gpu-virgl += hw/virtio/virgl/command.c
src/gpu-virgl += hw/virtio/virgl/content.c
src/gpu-virgl += hw/virtio/virgl/egl.c
src/gpu-virgl += hw/virtio/virgl/show.c
src/gpu-virgl += hw/virtio/virgl/thread.c
src/gpu-virgl += hw/virtio/virgl/venus.c
cflags/gpu-virgl := $(virgl_cflags)
libs/gpu-virgl := $(virgl_libs)

# The same in a process of its own, for isolated=on.
process := hw/virtio/virgl/confine.c hw/virtio/virgl/process.c
program-$(CONFIG_VIRGL) += $(build)/modules/mayfly-gpu

$(build)/modules/mayfly-gpu: $(patsubst %.c,$(build)/%.o,$(src/gpu-virgl) $(process))
	$(call say,LD,$@)mkdir -p $(@D) && $(link) -o $@ $^ $(virgl_libs) $(libs)

cflags/hw/virtio/virgl/confine.c := $(virgl_cflags)
-include $(patsubst %.c,$(build)/%.d,$(process))
