/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the network tests and figures run in a guest and on the host, where busybox has
 * nothing: UDP, and TCP at full speed with its contents checked.
 *
 *   udp-echo PORT            sends back what comes
 *   udp-ask HOST PORT TEXT   sends TEXT until an answer comes, and prints that
 *   serve PORT               takes a connection after the other: what "send" and
 *                            "receive" ask for
 *   send HOST PORT MIB       and prints "sent MIB MiB in MS ms" once the other side has
 *                            all of it and found it right
 *   receive HOST PORT MIB    the same, the other way
 *
 * A static program.  The bytes are a 64-bit counter's, so that any that is lost,
 * doubled or out of place is seen.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 256 << 10, MIB = 1 << 20, SECOND = 1000 };

typedef struct { uint32_t sends, mib; } Wish;      /* of the client, network order */

static uint64_t piece[PIECE / 8];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static struct sockaddr_in address(const char *host, const char *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

    at.sin_addr.s_addr = host ? inet_addr(host) : INADDR_ANY;
    return at;
}

/* ---- UDP ---- */

static int udp_echo(const char *port)
{
    struct sockaddr_in at = address(NULL, port), from;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    char bytes[2000];

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at)) {
        die("udp-echo");
    }
    for (;;) {
        socklen_t n_from = sizeof from;
        ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from,
                             &n_from);

        if (n >= 0) {
            (void)!sendto(fd, bytes, n, 0, (struct sockaddr *)&from, n_from);
        }
    }
}

static int udp_ask(const char *host, const char *port, const char *text)
{
    struct sockaddr_in at = address(host, port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct pollfd p = { fd, POLLIN, 0 };
    char bytes[2000];
    ssize_t n;

    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at)) {
        die("udp-ask");
    }
    for (unsigned i = 0; i < 60; i++) {
        (void)!send(fd, text, strlen(text), 0);
        if (poll(&p, 1, SECOND) == 1 && (n = recv(fd, bytes, sizeof bytes, 0)) >= 0) {
            printf("%.*s\n", (int)n, bytes);
            return 0;
        }
    }
    return 1;
}

/* ---- TCP ---- */

static void all(ssize_t (*move)(int, void *, size_t), int fd, void *at, size_t n)
{
    while (n) {
        ssize_t done = move(fd, at, n);

        if (done <= 0) {
            die("TCP");
        }
        at = (char *)at + done;
        n -= done;
    }
}

static ssize_t put(int fd, void *at, size_t n)
{
    return write(fd, at, n);
}

static ssize_t get(int fd, void *at, size_t n)
{
    return read(fd, at, n);
}

/* The answer is whether all was right. */
static void send_all(int fd, uint32_t mib)
{
    uint64_t count = 0;
    char right = 0;

    for (uint32_t i = 0; i < mib * (MIB / PIECE); i++) {
        for (unsigned k = 0; k < PIECE / 8; k++) {
            piece[k] = count++;
        }
        all(put, fd, piece, PIECE);
    }
    all(get, fd, &right, 1);
    if (!right) {
        fprintf(stderr, "what arrived is not what was sent\n");
        exit(1);
    }
}

static void receive_all(int fd, uint32_t mib)
{
    uint64_t count = 0;
    char right = 1;

    for (uint32_t i = 0; i < mib * (MIB / PIECE); i++) {
        all(get, fd, piece, PIECE);
        for (unsigned k = 0; k < PIECE / 8; k++) {
            right &= piece[k] == count++;
        }
    }
    all(put, fd, &right, 1);
    if (!right) {
        fprintf(stderr, "what arrived is not what was sent\n");
        exit(1);
    }
}

static int serve(const char *port)
{
    struct sockaddr_in at = address(NULL, port);
    int fd, listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    Wish wish;

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 5)) {
        die("serve");
    }
    printf("serving\n");
    fflush(stdout);
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        if (fork() == 0) {
            all(get, fd, &wish, sizeof wish);
            (ntohl(wish.sends) ? receive_all : send_all)(fd, ntohl(wish.mib));
            exit(0);
        }
        close(fd);
    }
    die("serve");
    return 1;
}

static int ask(int sends, const char *host, const char *port, uint32_t mib)
{
    struct sockaddr_in at = address(host, port);
    Wish wish = { htonl(sends), htonl(mib) };
    int fd = -1;
    uint64_t begin;

    for (unsigned i = 0; i < 60; i++) {         /* who serves may not be there yet */
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0) {
            break;
        }
        close(fd);
        sleep(1);
    }
    begin = now_ms();
    all(put, fd, &wish, sizeof wish);
    (sends ? send_all : receive_all)(fd, mib);
    printf("%s %u MiB in %llu ms\n", sends ? "sent" : "received", mib,
           (unsigned long long)(now_ms() - begin));
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (argc == 3 && strcmp(what, "udp-echo") == 0) {
        return udp_echo(argv[2]);
    } else if (argc == 5 && strcmp(what, "udp-ask") == 0) {
        return udp_ask(argv[2], argv[3], argv[4]);
    } else if (argc == 3 && strcmp(what, "serve") == 0) {
        return serve(argv[2]);
    } else if (argc == 5 && (!strcmp(what, "send") || !strcmp(what, "receive"))) {
        return ask(!strcmp(what, "send"), argv[2], argv[3], atoi(argv[4]));
    }
    fprintf(stderr, "udp-echo, udp-ask, serve, send or receive\n");
    return 1;
}
