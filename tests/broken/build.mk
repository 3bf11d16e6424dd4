testlib += tests/broken/devices.c
testlib += tests/broken/gizmo.c
