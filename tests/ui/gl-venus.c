/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's program for tests/ui/gl-venus.sh: Vulkan by the host (venus).  The CPU
 * writes numbers into memory that it shares with the device, the device copies them,
 * clears a picture and puts that behind them, and the CPU looks at each.  Once per line
 * of its input, each time with other numbers.
 */

#include <vulkan/vulkan.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 1 << 16, SIDE = 64, PICTURE = SIDE * SIDE };

static VkPhysicalDevice physical;
static VkDevice device;
static VkQueue queue;
static VkCommandBuffer commands;
static VkPhysicalDeviceMemoryProperties memories;

typedef struct {
    VkBuffer buffer;
    uint32_t *at;
} Words;

static void need(VkResult result, const char *what)
{
    if (result != VK_SUCCESS) {
        printf("venus: %s: %d\n", what, result);
        exit(1);
    }
}

#define NEED(call) need(call, #call)

static void find_device(VkInstance instance)
{
    VkPhysicalDevice all[8];
    VkPhysicalDeviceProperties properties;
    uint32_t n = 8;

    NEED(vkEnumeratePhysicalDevices(instance, &n, all));
    for (uint32_t i = 0; i < n; i++) {
        vkGetPhysicalDeviceProperties(all[i], &properties);
        if (strstr(properties.deviceName, "Venus")) {
            printf("venus: %s\n", properties.deviceName);
            physical = all[i];
            vkGetPhysicalDeviceMemoryProperties(physical, &memories);
            return;
        }
    }
    printf("venus: no device among %u\n", n);
    exit(1);
}

static void begin(void)
{
    static const float priority = 1;
    VkApplicationInfo app = { .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                              .apiVersion = VK_API_VERSION_1_1 };
    VkInstanceCreateInfo instance_info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app };
    VkDeviceQueueCreateInfo queue_info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1,
        .pQueuePriorities = &priority };
    VkDeviceCreateInfo device_info = { .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                       .queueCreateInfoCount = 1,
                                       .pQueueCreateInfos = &queue_info };
    VkCommandPoolCreateInfo pool_info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT };
    VkCommandBufferAllocateInfo buffer_info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandBufferCount = 1 };
    VkInstance instance;

    NEED(vkCreateInstance(&instance_info, NULL, &instance));
    find_device(instance);
    NEED(vkCreateDevice(physical, &device_info, NULL, &device));
    vkGetDeviceQueue(device, 0, 0, &queue);
    NEED(vkCreateCommandPool(device, &pool_info, NULL, &buffer_info.commandPool));
    NEED(vkAllocateCommandBuffers(device, &buffer_info, &commands));
}

static VkDeviceMemory allocate(const VkMemoryRequirements *wanted, VkFlags flags)
{
    VkMemoryAllocateInfo info = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                  .allocationSize = wanted->size };
    VkDeviceMemory memory;

    while (!(wanted->memoryTypeBits & 1u << info.memoryTypeIndex) ||
           (memories.memoryTypes[info.memoryTypeIndex].propertyFlags & flags) != flags) {
        info.memoryTypeIndex++;
        if (info.memoryTypeIndex >= memories.memoryTypeCount) {
            printf("venus: no such memory\n");
            exit(1);
        }
    }
    NEED(vkAllocateMemory(device, &info, NULL, &memory));
    return memory;
}

static Words words(uint32_t n)
{
    VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = n * 4,
        .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT };
    VkMemoryRequirements wanted;
    VkDeviceMemory memory;
    Words w;

    NEED(vkCreateBuffer(device, &info, NULL, &w.buffer));
    vkGetBufferMemoryRequirements(device, w.buffer, &wanted);
    memory = allocate(&wanted, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                   VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    NEED(vkBindBufferMemory(device, w.buffer, memory, 0));
    NEED(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&w.at));
    return w;
}

static VkImage picture(void)
{
    VkImageCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO, .imageType = VK_IMAGE_TYPE_2D,
        .format = VK_FORMAT_R8G8B8A8_UNORM, .extent = { SIDE, SIDE, 1 },
        .mipLevels = 1, .arrayLayers = 1, .samples = VK_SAMPLE_COUNT_1_BIT,
        .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT };
    VkMemoryRequirements wanted;
    VkImage image;

    NEED(vkCreateImage(device, &info, NULL, &image));
    vkGetImageMemoryRequirements(device, image, &wanted);
    NEED(vkBindImageMemory(device, image, allocate(&wanted, 0), 0));
    return image;
}

/* Copies, clears, and puts the picture behind the copy; waits for the end of it. */
static void draw(const Words *from, const Words *to, VkImage image, uint8_t shade)
{
    VkCommandBufferBeginInfo begin_info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
    VkImageMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .newLayout = VK_IMAGE_LAYOUT_GENERAL, .image = image,
        .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
        .subresourceRange = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1 } };
    VkClearColorValue color = { .float32 = { shade / 255.0f, 0, 1, 1 } };
    VkBufferImageCopy copy = { .bufferOffset = WORDS * 4,
                               .imageSubresource = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1 },
                               .imageExtent = { SIDE, SIDE, 1 } };
    VkFenceCreateInfo fence_info = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
    VkSubmitInfo submit = { .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                            .commandBufferCount = 1, .pCommandBuffers = &commands };
    VkFence fence;

    NEED(vkBeginCommandBuffer(commands, &begin_info));
    vkCmdCopyBuffer(commands, from->buffer, to->buffer, 1,
                    &(VkBufferCopy){ .size = WORDS * 4 });
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
                         VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0, NULL, 1,
                         &barrier);
    vkCmdClearColorImage(commands, image, VK_IMAGE_LAYOUT_GENERAL, &color, 1,
                         &barrier.subresourceRange);
    barrier.oldLayout = VK_IMAGE_LAYOUT_GENERAL;
    barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT;
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                         VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0, NULL, 1,
                         &barrier);
    vkCmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_GENERAL, to->buffer, 1,
                           &copy);
    NEED(vkEndCommandBuffer(commands));
    NEED(vkCreateFence(device, &fence_info, NULL, &fence));
    NEED(vkQueueSubmit(queue, 1, &submit, fence));
    NEED(vkWaitForFences(device, 1, &fence, VK_TRUE, UINT64_MAX));
    vkDestroyFence(device, fence, NULL);
}

static int round_is_good(const Words *from, const Words *to, VkImage image, uint32_t n)
{
    uint32_t color = (n & 0xff) | 0xffff0000;

    for (uint32_t i = 0; i < WORDS; i++) {
        from->at[i] = i * 2654435761u + n;
    }
    draw(from, to, image, n & 0xff);
    if (memcmp(to->at, from->at, WORDS * 4) != 0) {
        return 0;
    }
    for (uint32_t i = 0; i < PICTURE; i++) {
        if (to->at[WORDS + i] != color) {
            return 0;
        }
    }
    return 1;
}

int main(void)
{
    char line[64];
    Words from, to;
    VkImage image;

    setvbuf(stdout, NULL, _IOLBF, 0);
    begin();
    from = words(WORDS);
    to = words(WORDS + PICTURE);
    image = picture();
    for (uint32_t n = 1; fgets(line, sizeof line, stdin); n++) {
        if (!round_is_good(&from, &to, image, n)) {
            printf("venus: round %u wrong\n", n);
            return 1;
        }
        printf("venus: round %u good\n", n);
    }
    return 0;
}
