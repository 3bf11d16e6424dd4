/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: what each option does to the configuration, in any order, and what
 * is said of mistakes. The CPU topologies and the wording of their errors are those of
 * qemu-system-x86_64 7.2 for the same -smp values (query-hotpluggable-cpus).
 */

#include "vm/options.h"

#include <string.h>

static char **split(const char *line)
{
    char **argv = NULL;
    g_autofree char *whole = g_strconcat("mayfly ", line, NULL);

    g_assert_true(g_shell_parse_argv(whole, NULL, &argv, NULL));
    return argv;
}

static VmConfig *parse(const char *line, GError **err)
{
    VmConfig *config = config_new();
    g_auto(GStrv) argv = split(line);

    if (options_parse(config, g_strv_length(argv), argv, err)) {
        return config;
    }
    config_free(config);
    return NULL;
}

static void append_list(GString *out, const char *name, GPtrArray *list)
{
    g_string_append_printf(out, "%s=", name);
    for (unsigned i = 0; i < list->len; i++) {
        if (list->pdata[i]) {
            g_string_append_printf(out, "%s[%s]", i ? " " : "", (char *)list->pdata[i]);
        }
    }
    g_string_append_c(out, ';');
}

static void append_board(GString *out, const BoardConfig *board)
{
    g_string_append_printf(
        out,
        "type=%s;hpet=%d;acpi=%d;i8042=%d;order=%s;menu=%d;strict=%d;splash=%d;retry=%"
        "d;"
        "rtc=%s;max=%u;topo=%ux%ux%u;uuid=%d %02x%02x;",
        board->machine_name, !board->no_hpet, !board->no_acpi, !board->no_i8042,
        board->boot_order, board->boot_menu, board->boot_strict, board->splash_time,
        board->reboot_timeout, board->rtc, board->max_cpus, board->sockets,
        board->cores, board->threads, board->uuid_set, board->uuid[0], board->uuid[15]);
    g_string_append_printf(out, "kernel=%s;initrd=%s;append=%s;bios=%s;", board->kernel,
                           board->initrd, board->append, board->bios);
}

/* Everything that a command line can change, as one text. */
static char *describe(const VmConfig *config)
{
    GString *out = g_string_new(";");
    g_autofree char *accels = g_strjoinv(" ", config->accels);

    append_board(out, &config->board);
    g_string_append_printf(
        out,
        "ram=%" G_GUINT64_FORMAT
        ";cpus=%u;accels=%s;chosen=%d;cpu=%s;name=%s;process=%s;"
        "debug=%d;actions=%u%u%u%u;paused=%d;daemonize=%d;pidfile=%s;log=%s;key=%u;",
        config->ram_bytes, config->topology.cpus, accels, config->accel_chosen,
        config->cpu, config->name.guest, config->name.process,
        config->name.debug_threads, config->actions.reboot, config->actions.shutdown,
        config->actions.panic, config->actions.watchdog, config->paused,
        config->daemonize, config->pidfile, config->log_file, config->escape_key);
    append_list(out, "serial", config->serial);
    append_list(out, "monitor", config->monitor);
    append_list(out, "mon", config->mon);
    append_list(out, "chardev", config->chardev);
    append_list(out, "device", config->device);
    append_list(out, "global", config->global);
    append_list(out, "object", config->object);
    append_list(out, "smbios", config->smbios);
    append_list(out, "fw_cfg", config->fw_cfg);
    return g_string_free(out, FALSE);
}

/* `expect` is a list of parts of the description, each found between semicolons. */
static void assert_holds(const char *line, const char *text, const char *expect)
{
    g_auto(GStrv) parts = g_strsplit(expect, ";", -1);

    for (char **part = parts; *part; part++) {
        g_autofree char *whole = g_strdup_printf(";%s;", *part);

        if (!strstr(text, whole)) {
            g_test_message("'%s' should give '%s' but gave '%s'", line, *part, text);
            g_test_fail();
        }
    }
}

static const struct {
    const char *line, *expect;
} good[] = {
    { "",
      "type=q35;ram=134217728;cpus=1;topo=1x1x1;max=1;chosen=0;hpet=1;acpi=1;i8042=1;"
      "serial=[mon:stdio];monitor=;actions=0010;paused=0;key=1;rtc=(null);splash=-1;"
      "retry=-1" },
    { "-m 512", "ram=536870912" },
    { "-m 1G", "ram=1073741824" },
    { "-m 1.5G", "ram=1610612736" },
    { "-m 300k -m 2g", "ram=2147483648" },
    { "-m size=64M,slots=2,maxmem=1G", "ram=67108864" },
    { "-m 1T", "ram=1099511627776" },
    { "-m 1M", "ram=1048576" },
    { "-m 1025K", "ram=1052672" },

    { "-smp 1", "cpus=1;max=1;topo=1x1x1" },
    { "-smp 4", "cpus=4;max=4;topo=1x4x1" },
    { "-smp 64", "cpus=64;max=64;topo=1x64x1" },
    { "-smp 4,sockets=2", "cpus=4;topo=2x2x1" },
    { "-smp 6,cores=3", "cpus=6;topo=2x3x1" },
    { "-smp 8,threads=2", "cpus=8;topo=1x4x2" },
    { "-smp 8,sockets=2,threads=2", "cpus=8;topo=2x2x2" },
    { "-smp 8,sockets=2,cores=2", "cpus=8;topo=2x2x2" },
    { "-smp 2,maxcpus=8", "cpus=2;max=8;topo=1x8x1" },
    { "-smp maxcpus=6", "cpus=6;max=6;topo=1x6x1" },
    { "-smp sockets=2,cores=3", "cpus=6;max=6;topo=2x3x1" },
    { "-smp cores=4", "cpus=4;topo=1x4x1" },
    { "-smp threads=2", "cpus=2;topo=1x1x2" },
    { "-smp 3,maxcpus=4,threads=2", "cpus=3;max=4;topo=1x2x2" },
    { "-smp cpus=2,cores=2,sockets=1", "cpus=2;topo=1x2x1" },
    { "-smp dies=1,clusters=1,cpus=2", "cpus=2;topo=1x2x1" },
    { "-smp sockets=3,maxcpus=6", "cpus=6;topo=3x2x1" },
    { "-smp 2 -smp cpus=4", "cpus=4" },

    { "-machine pc", "type=pc" },
    { "-M pc-q35-8.2", "type=pc-q35-8.2" },
    { "-machine type=pc-i440fx-2.11,usb=off,dump-guest-core=off,graphics=off",
      "type=pc-i440fx-2.11" },
    { "-machine q35,vmport=off,smm=off,hpet=off,acpi=off,i8042=off,mem-merge=off,"
      "kernel_irqchip=split",
      "type=q35;hpet=0;acpi=0;i8042=0" },
    { "-machine type=q35 -machine accel=soft", "type=q35;accels=soft;chosen=1" },
    { "-machine accel=soft -machine hpet=off -machine hpet=on", "accels=soft;hpet=1" },
    { "-no-hpet -no-acpi", "hpet=0;acpi=0" },
    { "-accel soft", "accels=soft;chosen=1" },
    { "-accel tcg", "accels=tcg;chosen=1" },
    { "-accel hvf -accel soft", "accels=soft;chosen=0" },
    { "-machine accel=hvf:tcg", "accels=tcg;chosen=0" },
    { "-accel nothing:hvf:soft", "accels=soft;chosen=0" },
    { "-cpu host -cpu qemu64,+aes", "cpu=qemu64,+aes" },

    { "-kernel /k -initrd /proc/self/fd/3 -append 'a=b,c d'",
      "kernel=/k;initrd=/proc/self/fd/3;append=a=b,c d" },
    { "-append x -kernel k1 -kernel k2", "kernel=k2;append=x" },
    { "-bios qboot.rom", "bios=qboot.rom;kernel=(null)" },
    { "-boot c", "order=c" },
    { "-boot order=dc,menu=on,strict=on,splash-time=5,reboot-timeout=100",
      "order=dc;menu=1;strict=1;splash=5;retry=100" },
    { "-boot order=c,once=d", "order=d" },
    { "-boot menu=on -boot strict=on", "menu=1;strict=1" },
    { "-rtc base=localtime", "rtc=base=localtime,clock=host,driftfix=none" },
    { "-rtc base=2006-06-17T16:01:21,clock=vm",
      "rtc=base=2006-06-17T16:01:21,clock=vm,driftfix=none" },
    { "-rtc base=2006-06-17 -rtc driftfix=slew",
      "rtc=base=2006-06-17,clock=host,driftfix=slew" },
    { "-uuid 550e8400-e29b-41d4-a716-4466554400ff", "uuid=1 55ff" },
    { "-name 'two words'", "name=two words;process=(null);debug=0" },
    { "-name guest=a,,b,debug-threads=on,process=vmx", "name=a,b;process=vmx;debug=1" },
    { "-smbios type=1,serial=x -smbios type=11,value=y",
      "smbios=[type=1,serial=x] [type=11,value=y]" },
    { "-fw_cfg name=opt/x,string=y", "fw_cfg=[name=opt/x,string=y]" },

    { "-device a -device b,c=d", "device=[a] [b,c=d]" },
    { "-device '{\"b\":true,\"driver\":\"a\"}' -device '{\"driver\":\"c\","
      "\"d\":7}' -device '{\"driver\":\"e\",\"f\":\"x,y\"}'",
      "device=[a,b=on] [c,d=7] [e,f=x,,y]" },
    { "-global a.b=c", "global=[a.b=c]" },
    { "-object rng-random,id=r", "object=[rng-random,id=r]" },
    { "-vga none -net none -nic none -parallel none", "serial=[mon:stdio]" },

    { "-nographic", "serial=[mon:stdio];monitor=" },
    { "-display none", "serial=[null];monitor=" },
    { "-nodefaults", "serial=;monitor=" },
    { "-nodefaults -nographic", "serial=;monitor=" },
    { "-nographic -serial none", "serial=[none];monitor=[stdio]" },
    { "-nographic -monitor none", "serial=[stdio];monitor=[none]" },
    { "-nographic -serial stdio", "serial=[stdio];monitor=" },
    { "-nographic -monitor stdio", "serial=[null];monitor=[stdio]" },
    { "-nographic -chardev stdio,id=s", "serial=[null];monitor=" },
    { "-display none -serial file:x", "serial=[file:x];monitor=" },
    { "-serial file:x", "serial=[file:x];monitor=[stdio]" },
    { "-serial a -serial b -serial c -serial d -nodefaults", "serial=[a] [b] [c] [d]" },
    { "-chardev null,id=n -mon n -display none", "mon=[n];serial=[null];monitor=" },
    { "-mon chardev=n,mode=readline", "mon=[chardev=n,mode=readline];serial=[stdio]" },
    { "-daemonize", "daemonize=1;serial=[null];monitor=" },
    { "-echr 0x14", "key=20" },
    { "-echr 0", "key=0" },

    { "-no-reboot", "actions=1010" },
    { "-no-shutdown", "actions=0110" },
    { "-action panic=none -action reboot=shutdown,watchdog=pause", "actions=1033" },
    { "-action shutdown=pause,panic=exit-failure", "actions=0120" },
    { "-S -pidfile p -D l -d int,io", "paused=1;pidfile=p;log=l" },
    { "--m 64 --smp 2 --no-reboot", "ram=67108864;cpus=2;actions=1010" },
    { "-msg timestamp=on -overcommit mem-lock=off,cpu-pm=on -no-user-config -sandbox "
      "off",
      "cpus=1" },
};

static void test_good(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VmConfig) config = parse(good[i].line, &error);
        g_autofree char *text = NULL;

        if (!config) {
            g_test_message("'%s': %s", good[i].line,
                           error ? error->message : "no error");
            g_test_fail();
            continue;
        }
        text = describe(config);
        assert_holds(good[i].line, text, good[i].expect);
    }
}

/*
 * What is said, after the line itself and ": "; a text that begins with '-' is all of
 * it.
 */
static const struct {
    const char *line, *error;
} bad[] = {
    { "-foo", "invalid option ('-help' lists them)" },
    { "-kernl x", "-kernl: invalid option; did you mean '-kernel'?" },
    { "--nographics", "invalid option; did you mean '-nographic'?" },
    { "---m", "invalid option ('-help' lists them)" },
    { "-", "invalid option ('-help' lists them)" },
    { "-m", "requires an argument: -m [size=]N[K|M|G|T][,slots=N,maxmem=N]" },
    { "-m 1 --kernel", "-kernel: requires an argument: -kernel FILE" },

    { "-m 0", "'0' is not a size from 1M to 1T, such as 512 (MiB), 512M or 4G" },
    { "-m abc", "'abc' is not a size from 1M to 1T, such as 512 (MiB), 512M or 4G" },
    { "-m 100T", "'100T' is not a size from 1M to 1T, such as 512 (MiB), 512M or 4G" },
    { "-m -1", "'-1' is not a size from 1M to 1T, such as 512 (MiB), 512M or 4G" },
    { "-m 99999999999999999999",
      "'99999999999999999999' is not a size from 1M to 1T, such as 512 (MiB), 512M "
      "or 4G" },
    { "-m 1G,maxmem=512M",
      "maxmem: '512M' is not a size that is at least that of the RAM" },
    { "-m 1,foo=2", "no option 'foo'" },

    { "-smp 0", "cpus: '0' is not a number from 1 to 100000" },
    { "-smp 100000",
      "Invalid SMP CPUs 100000. The max CPUs supported by machine 'q35' is 64" },
    { "-smp 65 -M pc",
      "-smp 65: Invalid SMP CPUs 65. The max CPUs supported by machine 'pc' is 64" },
    { "-smp 1000000", "cpus: '1000000' is not a number from 1 to 100000" },
    { "-smp two", "cpus: 'two' is not a number from 1 to 100000" },
    { "-smp 7,sockets=2",
      "Invalid CPU topology: product of the hierarchy must match maxcpus: sockets "
      "(2) * cores (3) * threads (1) != maxcpus (7)" },
    { "-smp 4,cores=3",
      "Invalid CPU topology: product of the hierarchy must match maxcpus: sockets "
      "(1) * cores (3) * threads (1) != maxcpus (4)" },
    { "-smp 8,sockets=3",
      "Invalid CPU topology: product of the hierarchy must match maxcpus: sockets "
      "(3) * cores (2) * threads (1) != maxcpus (8)" },
    { "-smp 2,maxcpus=1",
      "Invalid CPU topology: maxcpus must be equal to or greater than smp: maxcpus "
      "(1) < smp_cpus (2)" },
    { "-smp 2,dies=2", "dies: '2' is not a number from 1 to 1" },
    { "-smp core=2", "no option 'core'; did you mean 'cores'?" },

    { "-machine foo", "unsupported machine type 'foo'; '-machine help' lists them" },
    { "-machine q35,fo=1", "no option 'fo'" },
    { "-machine q35,hpt=off", "no option 'hpt'; did you mean 'hpet'?" },
    { "-machine usb=on", "usb: 'on' is not off" },
    { "-machine smm=on", "smm: 'on' is not one of auto, off" },
    { "-machine hpet=maybe", "hpet: 'maybe' is not on or off" },
    { "-accel foo", "invalid accelerator foo; '-accel help' lists them" },
    { "-machine accel=foo", "invalid accelerator foo; '-accel help' lists them" },
    { "-accel soft -machine accel=soft",
      "-accel soft: can't be given together with -machine accel= or -enable-kvm" },

    { "-append x", "only allowed with -kernel" },
    { "-initrd x -bios y", "-initrd x: only allowed with -kernel" },
    { "-boot order=cz", "Invalid boot device 'z': a floppy, c disk, d CD, n network" },
    { "-device '{\"id\":\"x\"}'",
      "-device {\"id\":\"x\"}: \"driver\" is missing: the device's type" },
    { "-boot cc", "Boot device 'c' was given twice" },
    { "-boot once=x", "Invalid boot device 'x': a floppy, c disk, d CD, n network" },
    { "-boot men=on", "no option 'men'; did you mean 'menu'?" },
    { "-boot splash-time=65536",
      "splash-time: '65536' is not a number from 0 to 65535" },
    { "-rtc base=noon",
      "base: 'noon' is not utc, localtime or a date, such as 2006-06-17T16:01:21 or"
      " 2006-06-17" },
    { "-rtc base=2006-13-01",
      "base: '2006-13-01' is not utc, localtime or a date, such as "
      "2006-06-17T16:01:21 or 2006-06-17" },
    { "-rtc clock=sun", "clock: 'sun' is not one of host, rt, vm" },
    { "-uuid x", "not a UUID, which looks like 550e8400-e29b-41d4-a716-446655440000" },
    { "-name a,proces=b", "no option 'proces'; did you mean 'process'?" },
    { "-name x,process=0123456789abcdef",
      "process: '0123456789abcdef' is not a text of up to 15 bytes" },

    { "-vga cirrus", "there is no such display adapter; '-vga help' lists them" },
    { "-display curses", "type: 'curses' is not one of default, none, sdl, egl-headless" },
    { "-display sdl,gl=es", "gl: 'es' is not one of off, on, core" },
    { "-display none,gl=on", "gl=on is for a window; egl-headless draws without one" },
    { "-display sdl,rendernode=x",
      "rendernode is for egl-headless; a window is drawn by the X server's GPU" },
    { "-net nic", "1 cards and 0 back ends; each card needs one of its own: -nic says "
      "both at once" },
    { "-nic user,model=e1000", "model: there is no network card 'e1000'; there is "
      "'virtio-net-pci'" },
    { "-parallel stdio", "there is no parallel port yet; only 'none' works" },
    { "-serial a -serial b -serial c -serial d -serial e",
      "-serial e: there is room for 4 serial ports" },
    { "-mon x,mode=control", "QMP is not there yet; mode=readline is" },
    { "-mon mode=readline", "option 'chardev' is required: the back end" },
    { "-echr 256",
      "not a number from 0 to 255: 1 is Ctrl-A, 2 Ctrl-B and so on, 0 no key" },
    { "-echr a",
      "not a number from 0 to 255: 1 is Ctrl-A, 2 Ctrl-B and so on, 0 no key" },
    { "-action reboot=explode", "reboot: 'explode' is not one of reset, shutdown" },
    { "-action rebot=reset", "no option 'rebot'; did you mean 'reboot'?" },
    { "-d itn", "no log item 'itn'; did you mean 'int'? ('help' lists them)" },
    { "-daemonize -nographic",
      "-daemonize: -nographic cannot be used with -daemonize" },
    { "-daemonize -serial mon:stdio", "-daemonize: cannot use stdio with -daemonize" },
    { "-m =x", "'=x': a name is missing before '=' or ','" },
};

static void test_bad(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VmConfig) config = parse(bad[i].line, &error);
        g_autofree char *want = bad[i].error[0] == '-' ? g_strdup(bad[i].error)
            : g_strdup_printf("%s: %s", bad[i].line, bad[i].error);

        if (config || !error) {
            g_test_message("'%s' was taken", bad[i].line);
            g_test_fail();
        } else if (strcmp(error->message, want) != 0) {
            g_test_message("'%s' gave \"%s\"", bad[i].line, error->message);
            g_test_fail();
        }
    }
}

/* Whole options, to be given in any order. */
static const char *const shuffled[] = {
    "-device virtio-rng-pci,rng=r", "-object rng-random,id=r", "-serial chardev:c",
    "-chardev null,id=c", "-mon c", "-append quiet", "-initrd i", "-kernel k", "-m 256",
    "-smp 4,sockets=2", "-machine q35", "-accel soft", "-no-reboot", "-nographic", "-S",
    "-rtc base=utc", "-boot c", "-name n", "-uuid 550e8400-e29b-41d4-a716-446655440000",
};

static void test_order(void)
{
    enum { N = G_N_ELEMENTS(shuffled) };
    g_autofree char *first = NULL;
    const char *words[N + 1] = { NULL };

    memcpy(words, shuffled, sizeof shuffled);
    for (unsigned round = 0; round < 200; round++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VmConfig) config = NULL;
        g_autofree char *line = NULL;
        g_autofree char *text = NULL;

        line = g_strjoinv(" ", (char **)words);
        config = parse(line, &error);
        g_assert_no_error(error);
        text = describe(config);
        if (first) {
            g_assert_cmpstr(text, ==, first);
        } else {
            first = g_steal_pointer(&text);
        }
        for (unsigned i = N - 1; i > 0; i--) {
            unsigned j = g_test_rand_int_range(0, i + 1);
            const char *word = words[i];

            words[i] = words[j];
            words[j] = word;
        }
    }
}

/* A line that is an option's name, a value that fits, or neither. */
static char *random_word(void)
{
    static const char *const values[] = {
        "",
        ",",
        "=",
        ",,",
        "a=b",
        "none",
        "stdio",
        "on",
        "off",
        "-1",
        "0",
        "64",
        "q35,",
        "size=1G",
        "cpus=4,cores",
        "order=c",
        "base=utc",
        "x,y,z",
        "id=a,id=b",
        "1e9",
        "0x10",
        "\xff\xfe",
        "kvm:soft:tcg",
        "%s%n",
        "99999999999999999999999",
        "guest=",
        "chardev=,mode=control",
    };
    unsigned options = 0;

    while (option_rows[options].help) {
        options++;
    }
    if (g_test_rand_bit()) {
        const char *name = option_rows[g_test_rand_int_range(0, options)].name;

        return g_strconcat(g_test_rand_bit() ? "-" : "--", name, NULL);
    }
    if (g_test_rand_bit()) {
        return g_strdup(values[g_test_rand_int_range(0, G_N_ELEMENTS(values))]);
    }
    return g_strjoin(g_test_rand_bit() ? "," : "=",
                     values[g_test_rand_int_range(0, G_N_ELEMENTS(values))],
                     values[g_test_rand_int_range(0, G_N_ELEMENTS(values))], NULL);
}

/* Whatever is written: a configuration, or one line that says what is wrong. */
static void test_random(void)
{
    for (unsigned round = 0; round < 20000; round++) {
        g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(VmConfig) config = config_new();
        g_autoptr(GError) error = NULL;
        unsigned n = g_test_rand_int_range(0, 8);

        g_ptr_array_add(words, g_strdup("mayfly"));
        while (n--) {
            g_autofree char *word = random_word();
            bool prints = strstr(word, "-help") || strstr(word, "-version") ||
                          strstr(word, "-sandbox") || strstr(word, "accel");

            if (!prints) {
                g_ptr_array_add(words, g_steal_pointer(&word));
            }
        }
        if (!options_parse(config, words->len, (char **)words->pdata, &error)) {
            g_assert_nonnull(error);
            g_assert_cmpstr(error->message, !=, "");
            g_assert_null(strchr(error->message, '\n'));
        }
    }
}

/* Every row is complete, and names and aliases are unique. */
static void test_table(void)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    for (const Option *o = option_rows; o->help; o++) {
        if (o->kind == TAKE_HEADING) {
            continue;
        }
        g_assert_nonnull(o->name);
        g_assert_true(g_hash_table_add(names, (char *)o->name));
        g_assert_true(!o->alias || g_hash_table_add(names, (char *)o->alias));
        g_assert_true(o->kind != TAKE_ROWS || o->rows);
        g_assert_true(o->kind != TAKE_HELP || o->print);
        g_assert_true(o->at || o == option_rows || o->kind == TAKE_NOTHING ||
                      o->kind == TAKE_HELP || strcmp(o->name, "machine") == 0);
        g_assert_false(g_str_has_suffix(o->help, "."));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_unsetenv("DISPLAY");                /* who has none gets no window */
    g_unsetenv("WAYLAND_DISPLAY");
    g_test_add_func("/vm/options/good", test_good);
    g_test_add_func("/vm/options/bad", test_bad);
    g_test_add_func("/vm/options/order", test_order);
    g_test_add_func("/vm/options/random", test_random);
    g_test_add_func("/vm/options/table", test_table);
    return g_test_run();
}
