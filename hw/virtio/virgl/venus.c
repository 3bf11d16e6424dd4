/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vulkan for guests: virglrenderer passes the contexts' commands on to a process of its
 * own for each (gpu_venus.c starts the first), and what is left to do here is to show
 * the guest the memory that they make.  See inside.h.
 *
 * A descriptor comes for each.  Most are files that can be mapped.  A driver that has
 * only opaque ones (llvmpipe's) must map them itself, so such memory is imported here.
 */

#define VIRGL_RENDERER_UNSTABLE_APIS

#include "hw/virtio/virgl/inside.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <virgl/virglrenderer.h>
#include <vulkan/vulkan.h>

enum { DEVICES_MAX = 4 };

struct Venus {
    VkInstance instance;
    VkPhysicalDevice physical[DEVICES_MAX];
    VkDevice device[DEVICES_MAX];   /* NULL: not made yet, or it can't import */
    u32 n;
    char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
    GHashTable *blobs;              /* id -> bytes of it */
};

/* ---- this process's own Vulkan ---- */

const char *venus_open(Renderer *r)
{
    static const VkApplicationInfo app = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_1 };
    static const VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app };
    Venus *v = r->venus = g_new0(Venus, 1);
    VkPhysicalDeviceProperties properties;
    VkResult result;

    v->blobs = g_hash_table_new(NULL, NULL);
    v->n = DEVICES_MAX;
    if (vkCreateInstance(&info, NULL, &v->instance) != VK_SUCCESS) {
        return "venus=on: this host's Vulkan can't begin (package mesa-vulkan-drivers)";
    }
    result = vkEnumeratePhysicalDevices(v->instance, &v->n, v->physical);
    if ((result != VK_SUCCESS && result != VK_INCOMPLETE) || !v->n) {
        return "venus=on: this host has no Vulkan driver (package mesa-vulkan-drivers)";
    }
    vkGetPhysicalDeviceProperties(v->physical[0], &properties);
    memcpy(v->name, properties.deviceName, sizeof v->name);
    return NULL;
}

void venus_close(Renderer *r)
{
    Venus *v = r->venus;

    for (u32 i = 0; v && i < DEVICES_MAX; i++) {
        if (v->device[i]) {
            vkDestroyDevice(v->device[i], NULL);
        }
    }
    if (v && v->instance) {
        vkDestroyInstance(v->instance, NULL);
    }
    if (v) {
        g_hash_table_unref(v->blobs);
    }
    g_clear_pointer(&r->venus, g_free);
}

const char *venus_name(const Renderer *r)
{
    return r->venus ? r->venus->name : NULL;
}

static VkDevice device_of(Venus *v, u32 i)
{
    static const float priority = 1;
    static const char *const extensions[] = {
        VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME };
    static const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1,
        .pQueuePriorities = &priority };
    static const VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue, .enabledExtensionCount = 1,
        .ppEnabledExtensionNames = extensions };

    if (!v->device[i] &&
        vkCreateDevice(v->physical[i], &info, NULL, &v->device[i]) != VK_SUCCESS) {
        v->device[i] = NULL;
    }
    return v->device[i];
}

/* ---- memory ---- */

/* One kind of memory of one device.  The descriptor is Vulkan's if that succeeds. */
static bool import_as(VkDevice device, u32 type, int fd, RenderMap *map)
{
    VkImportMemoryFdInfoKHR import = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR, .fd = fd,
        .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT };
    VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &import,
        .allocationSize = map->bytes, .memoryTypeIndex = type };
    VkDeviceMemory memory;

    if (vkAllocateMemory(device, &info, NULL, &memory) != VK_SUCCESS) {
        return false;
    }
    map->device = device;
    map->memory = memory;
    if (vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, &map->at) != VK_SUCCESS) {
        map->at = NULL;                 /* and the descriptor is gone with it */
        vkFreeMemory(device, memory, NULL);
    }
    return true;
}

static bool import(Venus *v, int fd, RenderMap *map)
{
    for (u32 i = 0; i < v->n; i++) {
        VkPhysicalDeviceMemoryProperties p;
        VkDevice device = device_of(v, i);

        vkGetPhysicalDeviceMemoryProperties(v->physical[i], &p);
        for (u32 type = 0; device && type < p.memoryTypeCount; type++) {
            if (p.memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT &&
                import_as(device, type, fd, map)) {
                return true;
            }
        }
    }
    return false;
}

/* A file that got shorter later would end this process when it is read. */
static bool holds(int fd, u64 bytes)
{
    struct stat st;
    int seals;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return true;                    /* a device's: its driver knows */
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && seals & F_SEAL_SHRINK && (u64)st.st_size >= bytes;
}

static bool map_file(int fd, RenderMap *map)
{
    void *at = mmap(NULL, map->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    map->at = at == MAP_FAILED ? NULL : at;
    return false;
}

void venus_note(Renderer *r, u32 id, u64 bytes)
{
    g_hash_table_insert(r->venus->blobs, GUINT_TO_POINTER(id), GSIZE_TO_POINTER(bytes));
}

void venus_forget(Renderer *r, u32 id)
{
    if (r->venus) {
        g_hash_table_remove(r->venus->blobs, GUINT_TO_POINTER(id));
    }
}

bool venus_has(const Renderer *r, u32 id)
{
    return r->venus && g_hash_table_contains(r->venus->blobs, GUINT_TO_POINTER(id));
}

bool venus_map(Renderer *r, u32 id, RenderMap *map)
{
    Venus *v = r->venus;
    bool taken = false;
    u32 type;
    int fd;

    if (virgl_renderer_resource_export_blob(id, &type, &fd)) {
        return false;
    }
    map->bytes = GPOINTER_TO_SIZE(g_hash_table_lookup(v->blobs, GUINT_TO_POINTER(id)));
    if (type == VIRGL_RENDERER_BLOB_FD_TYPE_DMABUF) {
        taken = map_file(fd, map);
    } else if (holds(fd, map->bytes)) {
        taken = type == VIRGL_RENDERER_BLOB_FD_TYPE_SHM ? map_file(fd, map)
                                                        : import(v, fd, map);
    }
    if (!taken) {
        close(fd);
    }
    return map->at;
}

void venus_unmap(const RenderMap *map)
{
    if (map->device) {
        vkUnmapMemory(map->device, map->memory);
        vkFreeMemory(map->device, map->memory, NULL);
    } else {
        munmap(map->at, map->bytes);
    }
}

/* ---- contexts ---- */

void venus_give_up(const Renderer *r, bool all)
{
    int server = r->host.venus_pid;
    g_autofree char *place = g_strdup_printf("/proc/%d/task/%d/children", server, server);
    g_autofree char *children = NULL;
    g_auto(GStrv) pids = NULL;

    r->host.log("Vulkan did not answer in time: its contexts are ended");
    if (all || !g_file_get_contents(place, &children, NULL, NULL)) {
        kill(-server, SIGKILL);
        return;
    }
    pids = g_strsplit(children, " ", -1);
    for (char **pid = pids; *pid; pid++) {
        if (atoi(*pid) > 0) {
            kill(atoi(*pid), SIGKILL);
        }
    }
}

unsigned venus_poll(const Renderer *r, struct pollfd *fds)
{
    GHashTableIter each;
    gpointer id, capset;
    unsigned n = 0;

    if (!r->venus) {
        return 0;
    }
    g_hash_table_iter_init(&each, r->contexts);
    while (g_hash_table_iter_next(&each, &id, &capset)) {
        if (GPOINTER_TO_UINT(capset) == GPU_CAPSET_VENUS) {
            fds[n++] = (struct pollfd){
                .fd = virgl_renderer_context_get_poll_fd(GPOINTER_TO_UINT(id)),
                .events = POLLIN };
        }
    }
    return n;
}
