# SPDX-License-Identifier: GPL-2.0-or-later
#
# The whole build: one make, no recursion into folders.  "make help" lists the targets.
#
# Each folder's build.mk adds its files, one sorted line per file, named from the top:
#
#   src += hw/char/uart.c               part of Mayfly: everything but main.c
#   src-$(CONFIG_KVM) += accel/kvm/kvm.c            the same, only where that part is built
#   test += tests/hw/uart.c             a GLib test program, linked with all but main.c
#   testlib += tests/lib/driver.c       what the test programs share
#   check_script += tests/boot/linux.sh             a test that prints TAP
#   rig_script += tests/rig/kvm.sh                  the same, for make check-rig
#   disk_script += tests/disk/kill-raw.sh           the same, for make check-disk
#   snapshot_script += tests/snapshot/work.sh       the same, for make check-snapshot
#   cflags/accel/soft/x.c := -mno-red-zone          flags for one file
#   module-$(CONFIG_SDL) += ui-sdl      $(build)/modules/ui-sdl.so, loaded when needed, of
#   src/ui-sdl += ui/sdl/window.c       these files,
#   cflags/ui-sdl := ...                compiled with these flags
#   libs/ui-sdl := ...                  and linked with these
#   program-$(CONFIG_VIRGL) += $(build)/modules/x   a program beside them, with its rule
#
# Sources are .c or .S.  tests/hw/uart.c becomes $(build)/tests/hw/uart.t.

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:

all:

# These first install what is missing, so they must work before there is a configuration.
outer := demo check check-unit check-cpu check-smp check-net check-disk \
	check-display check-snapshot check-debian13 check-rig check-asan check-tsan check-fuzz \
	bench
plain := help clean distclean setup guest $(outer)

CONFIG ?= config.mk
goals := $(or $(MAKECMDGOALS),all)

setup-check := build test
setup-check-unit := build test
setup-check-cpu := build test
setup-check-smp := build test
setup-check-net := build test
setup-check-disk := build test disk
setup-check-display := build test rig
setup-check-snapshot := build test disk rig
setup-check-debian13 := disk
setup-check-asan := build test
setup-check-tsan := build test
setup-check-fuzz := build test
setup-check-rig := build test rig
setup-bench := build bench
setup-demo := build

.PHONY: all install help clean distclean setup guest $(outer) $(outer:%=run-%) for-tests fuzz FORCE

# Their own make builds in parallel unless it was said how many.
$(outer):
	@scripts/setup $(setup-$@)
	@$(MAKE) $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) run-$@

setup:
	@scripts/setup

guest:
	@scripts/guest

help:
	@echo 'make            build ./mayfly (V=1 shows the commands)'
	@echo 'make demo       install what is missing, build, boot a small guest'
	@echo 'make check      unit, conformance and boot tests (T=PATTERN runs only those that match)'
	@echo 'make check-unit the unit and conformance tests alone'
	@echo 'make check-cpu  the long test of the software CPU against this CPU'
	@echo 'make check-smp  four processors under load, 50 times'
	@echo 'make check-net  networks: 1 GiB each way, every byte compared; iperf3 between namespaces'
	@echo 'make check-disk Debian from its disk with every firmware; kill -9 while it writes'
	@echo 'make check-display a Wayland desktop and glmark2, saved and restored while they draw'
	@echo 'make check-snapshot Debian at work saved and restored 200 times, 100 clones, kill -9, speed'
	@echo 'make check-debian13 the first command, and Vulkan for guests, on Debian 13 (as root)'
	@echo 'make check-rig  the tests under real KVM and VFIO in an emulated machine'
	@echo 'make check-asan unit and conformance tests with ASan and UBSan'
	@echo 'make check-tsan unit tests with ThreadSanitizer'
	@echo 'make check-fuzz 10 million random accesses to the board, and hostile rings, under the same'
	@echo 'make bench      figures beside those of qemu-system-x86_64'
	@echo 'make guest      make the guests that demo and tests boot'
	@echo 'make install    install under --prefix (DESTDIR is respected)'
	@echo 'make clean      remove what was built; make distclean: the configuration too'

# config.h goes, too: the next make configures anew, as before.
clean:
	rm -rf build build-* mayfly
	@[ ! -f $(CONFIG) ] || touch -d @0 $(CONFIG)

distclean: clean
	rm -f config.mk config.log

ifneq ($(filter-out $(plain),$(goals)),)

include $(CONFIG)
include $(wildcard */build.mk */*/build.mk */*/*/build.mk)

$(CONFIG): configure
	@./configure $(or $(configure_args),--config=$(CONFIG))

src += $(src-y)
test += $(test-y)
testlib += $(testlib-y)
check_script += $(check_script-y)

objects = $(patsubst %,$(build)/%.o,$(basename $(1)))
tests := $(patsubst %.c,$(build)/%.t,$(test))

# V=1 shows the command lines, otherwise there is one short line per file.
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2);)

# The warnings are those that the configured compiler knows; "make CC=clang" may differ.
compile := $(CC) $(flags) $(if $(findstring clang,$(CC)),-Wno-unknown-warning-option) \
	$(CPPFLAGS) $(CFLAGS) -I. -I$(build)
link := $(CC) $(flags) $(CFLAGS) $(LDFLAGS) -Wl,--as-needed

# How things are compiled and what is in an archive: files that change only when that does.
record = @mkdir -p $(@D); echo '$(strip $(1))' | cmp -s - $@ || echo '$(strip $(1))' > $@

$(build)/compile.txt: FORCE
	$(call record,$(compile) $(LDFLAGS) $(link_main) $(libs))

$(build)/src.txt: FORCE
	$(call record,$(src))

$(build)/testlib.txt: FORCE
	$(call record,$(testlib))

main := $(wildcard main.c)

# Modules use the program's own functions, so it exports them.
module := $(module-y)
modules := $(module:%=$(build)/modules/%.so)
link_main := $(if $(module),-rdynamic)

define module_rules
$(build)/modules/$(1).so: $(call objects,$(src/$(1))) $(build)/compile.txt
$(foreach f,$(src/$(1)),$(eval cflags/$(f) := -fPIC $(cflags/$(1))))
$(eval -include $(patsubst %.o,%.d,$(call objects,$(src/$(1)))))
endef
$(foreach m,$(module),$(eval $(call module_rules,$(m))))

# Tests are built with the rest where their library is there: what breaks them shows at once.
all: $(if $(main),$(build)/mayfly) $(if $(filter config.mk,$(CONFIG)),$(if $(main),mayfly))
all: $(modules) $(program-y) $(if $(CONFIG_ZYDIS),$(tests))

mayfly: $(build)/mayfly
	@ln -sf $< $@

$(build)/mayfly: $(build)/main.o $(build)/libmayfly.a
	$(call say,LD,$@)$(link) $(link_main) -o $@ $^ $(libs)

$(modules): $(build)/modules/%.so:
	$(call say,LD,$@)mkdir -p $(@D) && $(link) -shared -o $@ $(filter %.o,$^) $(libs/$*)

$(tests): %.t: %.o $(build)/libtest.a $(build)/libmayfly.a
	$(call say,LD,$@)$(link) -o $@ $^ $(libs)

$(build)/libmayfly.a: $(call objects,$(src)) $(build)/src.txt
$(build)/libtest.a: $(call objects,$(testlib)) $(build)/testlib.txt

$(build)/%.a:
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $(filter %.o,$^)

$(build)/%.o: %.c $(build)/compile.txt $(build)/config.h
	$(call say,CC,$<)mkdir -p $(@D) && $(compile) $(cflags/$<) -MMD -MP -c -o $@ $<

$(build)/%.o: %.S $(build)/compile.txt $(build)/config.h
	$(call say,AS,$<)mkdir -p $(@D) && $(compile) $(cflags/$<) -MMD -MP -c -o $@ $<

$(build)/config.h: | $(CONFIG)

-include $(patsubst %.o,%.d,$(call objects,$(main) $(src) $(test) $(testlib)))

install: all
	install -d $(DESTDIR)$(prefix)/bin
	install $(build)/mayfly $(build)/mayfly-img $(DESTDIR)$(prefix)/bin
	$(if $(modules),install -d $(DESTDIR)$(prefix)/lib/mayfly)
	$(if $(modules),install -m 644 $(modules) $(DESTDIR)$(prefix)/lib/mayfly)
	$(if $(program-y),install $(program-y) $(DESTDIR)$(prefix)/lib/mayfly)

# The environment in which every test runs.
check := MAYFLY=$(build)/mayfly MAYFLY_MODULES=$(build)/modules BUILD=$(build) \
	tests/run $(if $(T),-m '$(T)')

# What the tests need beside Mayfly itself.
for-tests: all
	@$(if $(CONFIG_ZYDIS),,echo 'The tests need Zydis: scripts/setup test' >&2; exit 1)

run-check: for-tests
	@scripts/guest cloud latest || :
	@scripts/guest-gl gl || :
	@$(check) $(tests) $(if $(main),$(check_script))

run-check-unit: for-tests
	@$(check) $(tests)

run-check-cpu: for-tests
	@MAYFLY_LONG=1 $(check) -t 3600 $(filter %cpu.t %sequence.t,$(tests))

run-check-smp: for-tests
	@scripts/guest cloud || :
	@MAYFLY_LONG=50 $(check) -t 7200 tests/boot/smp.sh

run-check-net: for-tests
	@scripts/guest cloud generic || :
	@MAYFLY_LONG=16 $(check) -j 1 -t 1800 tests/boot/net-user.sh tests/boot/net-tap.sh \
		tests/boot/net.sh tests/boot/net-http.sh tests/boot/net-iperf.sh

run-check-disk: for-tests
	@scripts/disk
	@scripts/guest generic || :
	@MAYFLY_LONG=$(or $(MAYFLY_LONG),100) $(check) -p -t 1800 $(disk_script) \
		$(build)/tests/block/qcow2_crash.t

run-check-display: for-tests
	@scripts/guest cloud generic || :
	@scripts/guest-gl gl desktop
	@$(check) -j 1 tests/ui/gl.sh tests/ui/desktop.sh tests/ui/managed.sh tests/rig/blob.sh

run-check-snapshot: for-tests
	@scripts/disk
	@scripts/guest cloud
	@MAYFLY_LONG=$(or $(MAYFLY_LONG),200) $(check) -j 1 $(snapshot_script)

run-check-debian13:
	@$(check) -j 1 tests/distro/debian13.sh

run-check-rig: for-tests
	@scripts/guest cloud generic || :
	@$(check) -j 1 -t 900 $(rig_script)

# Not with --enable-werror: gcc's warnings about uninitialized variables err under these.
asan = ./configure --config=build-asan/config.mk --build=build-asan --enable-asan \
	--enable-ubsan > /dev/null && $(MAKE) CONFIG=build-asan/config.mk

run-check-asan:
	@$(asan) run-check-unit

tsan = ./configure --config=build-tsan/config.mk --build=build-tsan --enable-tsan \
	> /dev/null && $(MAKE) CONFIG=build-tsan/config.mk

run-check-tsan:
	@$(tsan) run-check-threads

# Where threads meet without GLib's own locks and thread pools, which ThreadSanitizer can't
# see through.
threads := base chardev hw accel vm
unseen := hw/virtio/blk

run-check-threads: for-tests
	@TSAN_OPTIONS=suppressions=tests/tsan.txt $(check) -t 1200 $(filter-out \
		$(unseen:%=$(build)/tests/%.t),$(filter $(threads:%=$(build)/tests/%/%),$(tests)))

run-check-fuzz:
	@$(asan) fuzz

# Fuzz tests do 200000 accesses, or what they count; this many times that.
fuzz: $(filter $(build)/tests/fuzz/%,$(tests))
	@MAYFLY_FUZZ=$(or $(MAYFLY_FUZZ),50) $(check) -t 7200 $^

run-bench: mayfly
	@scripts/guest cloud
	@tests/bench/run

run-demo: mayfly
	@scripts/guest cloud
	@scripts/demo

endif
