src += vm/vm.c
