src += vm/object.c
src += vm/options.c
src += vm/options_guest.c
src += vm/options_host.c
src += vm/options_machine.c
src += vm/options_table.c
src += vm/process.c
src += vm/vm.c
