# SPDX-License-Identifier: GPL-2.0-or-later
"""The displays group of tests/bench/run: windows on a virtual X server of 1920x1080, with
virtio-gpu in 2D and 3D; both programs draw with Mesa's llvmpipe where there is no GPU."""

import contextlib
import ctypes
import os
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SIZE = "xres=1920,yres=1080"
FRAMES_2D = 300
FRAMES_3D = 300
IDLE_S = 4
PRESSES = 40
LINES = range(90, 1080, 100)
SCENES = "build texture shading"
# weston with a terminal, which stand still.
DESKTOP = ("mkdir -p /dev/pts; mount -t devpts devpts /dev/pts; mount -t tmpfs none /root; "
           "ln -s /bin/busybox /tmp/sh; (export WAYLAND_DISPLAY=wayland-1; "
           "until weston-info; do sleep 1; done; weston-terminal --shell=/tmp/sh & sleep 9; "
           "echo drawn > /dev/ttyS0; sleep 999) > /dev/null 2>&1 & "
           "weston -Bdrm-backend.so --tty=1 --continue-without-input > /dev/null 2>&1")
# Guest, device, window, what it runs, and how many colors its middle line has.
SAVED = {"gl": ("virtio-gpu-pci", "sdl",
                "dmesg > /dev/tty0; sleep 2; echo drawn; sleep 999", 2),
         "desktop": ("virtio-gpu-gl-pci", "sdl,gl=on",
                     "mount -t ext4 -o ro /dev/vda /mnt && chroot /mnt /run-gl '%s'" % DESKTOP,
                     3)}


@contextlib.contextmanager
def x_server():
    """Its screen is a file in the folder that this gives; DISPLAY is set meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        out, told = os.pipe()
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(told), "-screen", "0", "1920x1080x24", "-noreset",
             "-fbdir", folder], pass_fds=[told], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(told)
        try:
            with os.fdopen(out) as number:
                os.environ["DISPLAY"] = ":" + number.readline().strip()
            yield folder
        finally:
            os.environ.pop("DISPLAY", None)
            server.kill()
            server.wait()


def cpu_s(pid):
    """Of the process and of those that it started."""
    total = 0
    for one in [pid] + children(pid):
        with open("/proc/%d/stat" % one) as stat:
            words = stat.read().rsplit(")", 1)[1].split()
        total += int(words[11]) + int(words[12])
    return total / os.sysconf("SC_CLK_TCK")


def children(pid):
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as names:
            found += [int(name) for name in names.read().split()]
    return found


def lines_shown(folder):
    """Lines of the X server's screen, whose file begins with a header and a table of colors
    (X11/XWDFile.h); none of them in the desktop's panel, which has a clock."""
    with open(folder + "/Xvfb_screen0", "rb") as file:
        head = file.read(100)
        start = int.from_bytes(head[0:4], "big") + int.from_bytes(head[76:80], "big") * 12
        lines = []
        for line in LINES:
            file.seek(start + 4 * 1920 * line)
            lines.append(file.read(4 * 1920))
        return lines


def clear(folder):
    """The window that was there is still to be seen when nothing else is drawn."""
    with open(folder + "/Xvfb_screen0", "r+b") as file:
        file.seek(-4 * 1920 * 1080, os.SEEK_END)
        file.write(bytes(4 * 1920 * 1080))


class Pointer:
    """The X server's pointer, in the middle of its screen, by XTest."""

    def __init__(self):
        self.x11 = ctypes.CDLL("libX11.so.6")
        self.xtest = ctypes.CDLL("libXtst.so.6")
        self.x11.XOpenDisplay.restype = ctypes.c_void_p
        self.display = ctypes.c_void_p(self.x11.XOpenDisplay(None))
        self.xtest.XTestFakeMotionEvent(self.display, -1, 960, 540, 0)
        self.x11.XSync(self.display, 0)

    def button(self, down):
        self.xtest.XTestFakeButtonEvent(self.display, 1, down, 0)
        self.x11.XFlush(self.display)


class Displays:
    def __init__(self, machine, failed, folder):
        self.machine = machine          # the class in run
        self.failed = failed
        self.folder = folder
        self.saved = {}

    def options(self, guest, device, window, script):
        place = subprocess.check_output(
            [TOP + "/scripts/guest-gl", "--path", guest], text=True).strip()
        initrd = self.folder + "/gl-initrd"
        with open(initrd, "wb") as both:
            for part in place + "/initrd", self.folder + "/drm.gz":
                with open(part, "rb") as file:
                    shutil.copyfileobj(file, both)
        return ["-machine", "q35", "-m", "512", "-smp", "1", "-nodefaults", "-vga", "none",
                "-no-reboot", "-serial", "stdio", "-display", window, "-device", device,
                "-drive", "file=%s/root.img,format=raw,if=none,id=root,readonly=on" % place,
                "-device", "virtio-blk-pci,drive=root", "-kernel", place + "/vmlinuz",
                "-initrd", initrd,
                "-append", 'console=ttyS0 quiet mayfly.run="%s"' % script]

    def updates(self, command):
        """2D pictures each second, CPU of each, and CPU of a window that stands."""
        # The kernel's text cursor would blink.
        script = ("echo 0 > /sys/class/graphics/fbcon/cursor_blink; /drm-guest %d; "
                  "echo standing; sleep 999" % FRAMES_2D)
        found = {}
        with self.machine(command, self.options("gl", "virtio-gpu-pci," + SIZE, "sdl", script)
                          ) as machine:
            for now, line in machine.lines():
                if line == "bench 2d begin":
                    begin, cpu = now, cpu_s(machine.process.pid)
                elif line.startswith("bench 2d end"):
                    found["updates"] = FRAMES_2D / (now - begin)
                    found["cpu"] = (cpu_s(machine.process.pid) - cpu) / FRAMES_2D * 1000
                elif line == "standing":
                    break
            time.sleep(2)
            cpu = cpu_s(machine.process.pid)
            time.sleep(IDLE_S)
            found["idle"] = (cpu_s(machine.process.pid) - cpu) / IDLE_S * 100
        return found

    def presses(self, command):
        """Milliseconds from the X server's event to the line of the guest's program."""
        options = self.options("gl", "virtio-gpu-pci," + SIZE, "sdl", "/input-guest")
        took = []
        with self.machine(command, options + ["-device", "virtio-tablet-pci"]) as machine:
            lines = machine.lines()
            self.until(lines, "listening")
            pointer = Pointer()
            time.sleep(1)
            for turn in range(PRESSES):
                begin = time.monotonic()
                pointer.button(1)
                took.append(self.until(lines, "pressed") - begin)
                pointer.button(0)
                time.sleep(0.05)
        return {"press": statistics.median(took) * 1000}

    def until(self, lines, text):
        """When that line came."""
        for now, line in lines:
            if line == text:
                return now
        raise self.failed("the guest did not say '%s'" % text)

    def three(self, more=""):
        """kmscube's pictures each second, and glmark2's by scene."""
        def one(command):
            device = "virtio-gpu-gl-pci," + SIZE + more
            inside = "kmscube -c %d | tail -n 1; mkfifo /tmp/in; " % FRAMES_3D
            # It leaves when its input ends, and wants a format with alpha, which no screen has.
            inside += ("for s in %s; do glmark2-es2-drm --visual-config a=0 "
                       "-b $s:duration=4.0 <> /tmp/in; done; echo all done" % SCENES)
            script = "mount -t ext4 -o ro /dev/vda /mnt && chroot /mnt /run-gl '%s'" % inside
            found = {}
            with self.machine(command, self.options("desktop", device, "sdl,gl=on", script)
                              ) as machine:
                for _, line in machine.lines():
                    cube = re.search(r"Rendered \d+ frames.*\(([\d.]+) fps", line)
                    scene = re.search(r"\[(\w+)\].*FPS: *(\d+)", line)
                    if cube:
                        found["kmscube"] = float(cube.group(1))
                    elif scene:
                        found[scene.group(1)] = float(scene.group(2))
                    elif line == "all done":
                        break
            if not found:
                raise self.failed("nothing was drawn in 3D")
            return found
        return one

    def restored(self, guest, place):
        """Milliseconds from the process's start to the restored picture in the window."""
        def one(command):
            if guest not in self.saved:
                self.saved[guest] = self.save(command, guest, place)
            saved, lines = self.saved[guest]
            clear(place)
            with self.machine(command, ["-loadvm", saved]) as machine:
                while lines_shown(place) != lines:
                    if time.monotonic() - machine.begin > 30:
                        raise self.failed("the restored picture is not shown")
                return {"shown": (time.monotonic() - machine.begin) * 1000}
        return one

    def save(self, command, guest, place):
        """A snapshot, and what the window shows when it is saved."""
        device, window, script, colors = SAVED[guest]
        options = self.options(guest, device + "," + SIZE, window, script)
        folder = self.folder + "/saved-" + guest
        with self.machine(command, options + ["-monitor", "unix:%s/monitor,server=on,wait=off"
                                              % self.folder]) as machine:
            for _, line in machine.lines():
                if line == "drawn":
                    break
            lines = lines_shown(place)
            if len(set(lines[5][i:i + 4] for i in range(0, 4 * 1920, 4))) < colors:
                raise self.failed("nothing was drawn to be saved")
            with socket.socket(socket.AF_UNIX) as monitor:
                monitor.connect(self.folder + "/monitor")
                monitor.sendall(b"savevm %s\nquit\n" % folder.encode())
                while monitor.recv(4096):
                    pass
        return folder, lines


def measure(bench, machine, failed):
    """All rows, by the bench's own means."""
    for tool in "Xvfb", "cc":
        if not shutil.which(tool):
            raise failed("%s is not installed" % tool)
    for guest in "drm-guest", "input-guest":
        subprocess.check_call(["cc", "-O2", "-static", "-o", bench.folder + "/" + guest,
                               TOP + "/tests/bench/%s.c" % guest])
    cpio = subprocess.Popen([bench.busybox, "cpio", "-o", "-H", "newc"], cwd=bench.folder,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    with open(bench.folder + "/drm.gz", "wb") as packed:
        data = cpio.communicate(b"drm-guest\ninput-guest\n")[0]
        packed.write(subprocess.run(["gzip", "-1n"], input=data, stdout=subprocess.PIPE,
                                    check=True).stdout)
    displays = Displays(machine, failed, bench.folder)
    with x_server() as place:
        found = bench.repeat(displays.updates)
        bench.show("2D, all of 1920x1080 anew", "1/s", found, "updates")
        bench.show("  CPU for each", "ms", found, "cpu")
        bench.show("  CPU of a window that stands", "%", found, "idle")
        found = bench.repeat(displays.presses)
        bench.show("button in the window to the guest's program", "ms", found, "press")
        found = bench.repeat(displays.three())
        for name in ["kmscube"] + SCENES.split():
            bench.show("3D, %s" % name, "1/s", found, name)
        found = bench.repeat(displays.three(",isolated=on"), ["mayfly"])
        for name in ["kmscube"] + SCENES.split():
            bench.show("3D, isolated, %s" % name, "1/s", found, name)
        for guest, name in ("gl", "text"), ("desktop", "desktop in 3D"):
            found = bench.repeat(displays.restored(guest, place), ["mayfly"])
            bench.show("start to the restored picture, %s" % name, "ms", found,
                       "shown")
