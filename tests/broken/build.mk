testlib += tests/broken/devices.c
testlib += tests/broken/gizmo.c
testlib += tests/broken/virtio.c
