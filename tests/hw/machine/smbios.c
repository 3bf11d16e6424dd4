/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS tables, walked as DSP0134 says and read by dmidecode.
 */

#include "base/bytes.h"
#include "hw/machine/e820.h"
#include "hw/machine/smbios.h"
#include <unistd.h>

static const char *const texts[] = {
    "type=0,vendor=Acme,version=1.0,date=01/02/2020,release=4.2",
    "type=1,manufacturer=Acme,product=Rocket,serial=S-1",
    "type=1,version=9,uuid=00112233-4455-6677-8899-aabbccddeeff",
    "type=2,manufacturer=Acme,product=Board",
    "type=3,asset=A-1", "type=4,manufacturer=Chips,max-speed=3000",
    "type=17,bank=Bank,speed=1600", "type=11,value=one,value=two", NULL,
};

static Smbios *build(const char *const *options, u64 ram, const BoardConfig *config)
{
    GError *err = NULL;
    Machine machine = { .ram_bytes = ram, .ram_below_4g = ram_below_4g(ram) };
    g_autoptr(SmbiosOptions) parsed = smbios_options(options, &err);
    Smbios *smbios;

    g_assert_no_error(err);
    smbios = smbios_build(&machine, config, parsed, true, &err);
    g_assert_no_error(err);
    return smbios;
}

/* Structure number `n` of a type; checks the chain up to the end on the way. */
static const u8 *find(const Smbios *smbios, u8 type, unsigned n)
{
    const u8 *at = smbios->tables->data, *end = at + smbios->tables->len, *found = NULL;
    unsigned count = 0;

    for (;; count++) {
        const u8 *p = at + at[1];

        g_assert_true(end - at >= 4 && at[1] >= 4 && end - at > at[1] + 1);
        if (at[0] == type && n-- == 0) {
            found = at;
        }
        while (p[0] || p[1]) {
            g_assert_true(++p + 1 < end);
        }
        if (at[0] == 127) {
            g_assert_true(p + 2 == end);
            g_assert_cmpuint(smbios->count, ==, count + 1);
            return found;
        }
        at = p + 2;
    }
}

/* The string that a field names. */
static const char *string(const u8 *structure, unsigned field)
{
    const char *p = (const char *)structure + structure[1];

    for (unsigned n = structure[field]; n > 1; n--) {
        p += strlen(p) + 1;
    }
    return structure[field] ? p : NULL;
}

static void test_structures(void)
{
    BoardConfig config = { .sockets = 2, .cores = 4, .threads = 2 };
    g_autoptr(Smbios) smbios = build(texts, 40 * GiB, &config);
    const u8 *system = find(smbios, 1, 0), *cpu = find(smbios, 4, 1);
    static const u8 uuid[16] = { 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
                                 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };

    g_assert_cmpstr(string(find(smbios, 0, 0), 4), ==, "Acme");
    g_assert_cmpuint(find(smbios, 0, 0)[0x14], ==, 4);
    g_assert_cmpuint(find(smbios, 0, 0)[0x15], ==, 2);
    g_assert_cmpstr(string(system, 4), ==, "Acme");
    g_assert_cmpstr(string(system, 5), ==, "Rocket");
    g_assert_cmpstr(string(system, 6), ==, "9");            /* both options count */
    g_assert_cmpmem(system + 8, 16, uuid, 16);              /* 7.2.1: mixed endian */
    g_assert_cmpstr(string(find(smbios, 2, 0), 5), ==, "Board");
    g_assert_cmpstr(string(find(smbios, 3, 0), 8), ==, "A-1");
    g_assert_null(find(smbios, 4, 2));
    g_assert_cmpstr(string(cpu, 4), ==, "CPU 1");
    g_assert_cmpuint(get16(cpu + 0x14), ==, 3000);
    g_assert_cmpuint(cpu[0x23], ==, 4);
    g_assert_cmpuint(cpu[0x25], ==, 8);
    g_assert_cmpuint(find(smbios, 11, 0)[4], ==, 2);
    g_assert_cmpstr((const char *)find(smbios, 11, 0) + 5, ==, "one");
    g_assert_nonnull(find(smbios, 32, 0));
}

/* 40 GiB: two slots of 16 and one of 8, 2 GiB of it mapped below the hole. */
static void test_memory(void)
{
    g_autoptr(Smbios) smbios = build(NULL, 40 * GiB, &(BoardConfig){ 0 });
    g_autoptr(Smbios) small = build(NULL, 128 * MiB, &(BoardConfig){ 0 });
    g_autoptr(Smbios) large = build(NULL, TiB * 8, &(BoardConfig){ 0 });

    g_assert_cmpuint(get16(find(smbios, 16, 0) + 0x0d), ==, 3);
    g_assert_cmpuint(get16(find(smbios, 17, 0) + 0x0c), ==, 16384);
    g_assert_cmpuint(get16(find(smbios, 17, 2) + 0x0c), ==, 8192);
    g_assert_null(find(smbios, 17, 3));
    g_assert_cmphex(get32(find(smbios, 19, 0) + 8), ==, 2 * MiB - 1);
    g_assert_cmphex(get32(find(smbios, 19, 1) + 4), ==, 4 * MiB);
    g_assert_cmphex(get32(find(smbios, 19, 1) + 8), ==, 42 * MiB - 1);
    g_assert_cmpuint(get32(find(small, 16, 0) + 7), ==, 128 * 1024);
    g_assert_null(find(small, 19, 1));
    g_assert_cmphex(get32(find(large, 16, 0) + 7), ==, 0x80000000);
    g_assert_cmphex(get64(find(large, 16, 0) + 0x0f), ==, TiB * 8);
    g_assert_cmphex(get32(find(large, 19, 1) + 4), ==, 0xffffffff);
    g_assert_cmphex(get64(find(large, 19, 1) + 0x17), ==, TiB * 8 + 2 * GiB - 1);
}

static void refuse(const char *text, const char *word)
{
    const char *list[] = { text, NULL };
    GError *err = NULL;

    g_assert_null(smbios_options(list, &err));
    if (!strstr(err->message, word)) {
        g_error("'%s' is not in '%s'", word, err->message);
    }
    g_error_free(err);
}

static void test_refused(void)
{
    refuse("manufacturer=x", "type");
    refuse("type=x", "number");
    refuse("type=5,a=b", "type 5");
    refuse("type=1,colour=red", "manufacturer");
    refuse("type=4,max-speed=fast", "fast");
    refuse("type=11,colour=red", "value");
    refuse("type=11,path=/nonexistent", "/nonexistent");
}

/* The layout of its --dump-bin: entry point, then tables at 32. */
static void test_dmidecode(void)
{
    g_autofree char *program = g_find_program_in_path("dmidecode");
    g_autofree char *name = NULL, *option = NULL, *out = NULL, *errors = NULL;
    u8 dump[32] = { 0 };
    char *argv[] = { NULL, NULL, NULL };
    GError *err = NULL;
    int fd, status;

    if (!program) {                         /* few users have /usr/sbin in PATH */
        program = g_find_program_in_path("/usr/sbin/dmidecode");
    }
    if (!program) {
        g_test_skip("dmidecode (Debian package dmidecode) is not there");
        return;
    }
    g_autoptr(Smbios) smbios = build(texts, 40 * GiB, &(BoardConfig){ .cores = 3 });

    fd = g_file_open_tmp(NULL, &name, &err);
    smbios_entry3(smbios, 32, dump);
    g_assert_cmpint(write(fd, dump, 32), ==, 32);
    g_assert_cmpint(write(fd, smbios->tables->data, smbios->tables->len), ==,
                    smbios->tables->len);
    close(fd);
    argv[0] = program;
    argv[1] = option = g_strdup_printf("--from-dump=%s", name);
    g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out,
                               &errors, &status, &err));
    unlink(name);
    g_test_message("%s%s", out, errors);
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpstr(errors, ==, "");
    g_assert_nonnull(strstr(out, "SMBIOS 3.0.0 present"));
    g_assert_nonnull(strstr(out, "UUID: 00112233-4455-6677-8899-aabbccddeeff"));
    g_assert_nonnull(strstr(out, "Core Count: 3"));
    g_assert_nonnull(strstr(out, "Size: 16 GB"));
    g_assert_nonnull(strstr(out, "Range Size: 38 GB"));
    g_assert_nonnull(strstr(out, "String 2: two"));
    g_assert_nonnull(strstr(out, "BIOS Revision: 4.2"));
    g_assert_null(strstr(out, "OUT OF SPEC"));
    g_assert_null(strstr(out, "BAD INDEX"));
    g_assert_null(strstr(out, "TRUNCATED"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/smbios/structures", test_structures);
    g_test_add_func("/smbios/memory", test_memory);
    g_test_add_func("/smbios/refused", test_refused);
    g_test_add_func("/smbios/dmidecode", test_dmidecode);
    return g_test_run();
}
