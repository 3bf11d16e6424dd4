# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/ui/keys.c
test += tests/ui/sdl/place.c
check_script += tests/ui/gl-blob.sh
check_script += tests/ui/gl.sh
check_script += tests/ui/input.sh
check_script += tests/ui/screen.sh
check_script += tests/ui/window.sh
