# SPDX-License-Identifier: GPL-2.0-or-later
module-$(CONFIG_VIRGL) += gpu-virgl
src/gpu-virgl += hw/virtio/virgl/command.c
src/gpu-virgl += hw/virtio/virgl/egl.c
src/gpu-virgl += hw/virtio/virgl/show.c
src/gpu-virgl += hw/virtio/virgl/thread.c
cflags/gpu-virgl := $(virgl_cflags)
libs/gpu-virgl := $(virgl_libs)
