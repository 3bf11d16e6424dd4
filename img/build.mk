# SPDX-License-Identifier: GPL-2.0-or-later
src += img/chain.c
src += img/check.c
src += img/convert.c
src += img/copy.c
src += img/create.c
src += img/dd.c
src += img/info.c
src += img/map.c
src += img/measure.c
src += img/open.c
src += img/pack_stream.c
src += img/rate.c
src += img/resize.c
src += img/snapshot_info.c
src += img/snapshot_pack.c
src += img/snapshot_seal.c

all: $(build)/mayfly-img $(if $(filter config.mk,$(CONFIG)),mayfly-img)

mayfly-img: $(build)/mayfly-img
	@ln -sf $< $@

$(build)/mayfly-img: $(build)/img/main.o $(build)/libmayfly.a
	$(call say,LD,$@)$(link) -o $@ $^ $(libs)

-include $(build)/img/main.d
