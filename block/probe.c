/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which format an image has, by its beginning.  A format that others have and Mayfly
 * has not is refused by name, where a guess would take the image for raw bytes.
 */

#include "block/probe.h"

#include "block/node.h"

#include <string.h>

enum { PROBE_BYTES = 2048 };

static const struct {
    const char *name;
    size_t offset;
    const char *magic;
    size_t n;
} formats[] = {
#define MAGIC(name, offset, text) { name, offset, text, sizeof text - 1 }
    MAGIC("Bochs", 0, "Bochs Virtual HD Image"),
    MAGIC("LUKS", 0, "LUKS\xba\xbe"),
    MAGIC("Parallels", 0, "WithoutFreeSpace"),
    MAGIC("Parallels", 0, "WithouFreSpacExt"),
    MAGIC("qcow (version 1)", 0, "QFI\xfb\0\0\0\1"),
    MAGIC("QED", 0, "QED\0"),
    MAGIC("VDI", 64, "\x7f\x10\xda\xbe"),
    MAGIC("VHD", 0, "conectix"),
    MAGIC("VHDX", 0, "vhdxfile"),
    MAGIC("VMDK", 0, "# Disk DescriptorFile"),
    MAGIC("VMDK", 0, "COWD"),
    MAGIC("VMDK", 0, "KDMV"),
#undef MAGIC
};

const char *foreign_format(const u8 *head, size_t n)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (formats[i].offset + formats[i].n <= n &&
            memcmp(head + formats[i].offset, formats[i].magic, formats[i].n) == 0) {
            return formats[i].name;
        }
    }
    return NULL;
}

/* Nothing but raw bytes, as far as the beginning tells. */
static bool is_known(const BlockNode *file, const u8 *head, size_t n, GError **err)
{
    const char *name = foreign_format(head, n);

    if (name) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "'%s': the image format %s is not supported (format raw would take "
                    "its bytes as they are)", file->filename, name);
    }
    return !name;
}

const BlockDriver *node_probe(BlockNode *file, GError **err)
{
    u8 head[PROBE_BYTES] = { 0 };
    size_t n = MIN(node_length(file), sizeof head);
    const BlockDriver *best = NULL;
    int score = 0, error = node_read(file, 0, head, n);

    if (error) {
        node_error(file, error, "Could not read image for determining its format", err);
        return NULL;
    }
    for (unsigned i = 0; block_drivers[i]; i++) {
        const BlockDriver *driver = block_drivers[i];
        int sure = driver->probe ? driver->probe(head, n, file->filename) : 0;

        if (sure > score) {
            score = sure;
            best = driver;
        }
    }
    return score > 1 || is_known(file, head, n, err) ? best : NULL;
}
