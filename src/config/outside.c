/* SPDX-License-Identifier: Apache-2.0 */
#include "config/outside.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *outside_variable(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

/* Reads to the end, whatever the size was said to be: pipes have none. */
static int outside_read_all(int fd, size_t size_max, struct arena *arena, struct slice *ret_text)
{
    size_t size = 0, capacity = 0;
    char  *bytes  = NULL;
    int    result = 0;
    while (result == 0) {
        if (size == capacity) {
            capacity = LL_MAX(capacity * 2, (size_t)4096);
            bytes    = alloc_resize(bytes, capacity, 1);
        }
        ssize_t got = read(fd, bytes + size, capacity - size);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            result = -errno;
        else if (got > 0)
            size += (size_t)got;
        if (size > size_max)
            result = -EFBIG;
    }
    if (result == 0) {
        *ret_text = (struct slice){
            .data = arena_string(arena, (struct slice){.data = bytes, .size = size}),
            .size = size,
        };
    }
    free(bytes);
    return result;
}

static int outside_read(void *context, const char *path, size_t size_max, struct arena *arena,
                        struct outside_file *ret_file)
{
    (void)context;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat status;
    int         result = fstat(fd, &status) == 0 ? 0 : -errno;
    if (result == 0 && S_ISDIR(status.st_mode))
        result = -EISDIR;
    if (result == 0)
        result = outside_read_all(fd, size_max, arena, &ret_file->text);
    if (result == 0)
        ret_file->identity =
            arena_printf(arena, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    close(fd);
    return result;
}

static int outside_compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* A folder that is not there has no files in it; anything else may hide some. */
static int outside_match_error(const char *path, int error)
{
    (void)path;
    return error != ENOENT && error != ENOTDIR;
}

static int outside_match(void *context, const char *pattern, struct arena *arena,
                         const char ***ret_paths, size_t *ret_count)
{
    (void)context;
    glob_t found;
    int    result = glob(pattern, GLOB_NOSORT, outside_match_error, &found);
    if (result == GLOB_NOMATCH) {
        *ret_count = 0;
        return 0;
    }
    if (result != 0)
        return result == GLOB_NOSPACE ? -ENOMEM : -EACCES;
    *ret_count = found.gl_pathc;
    *ret_paths = arena_alloc(arena, found.gl_pathc, sizeof **ret_paths);
    for (size_t i = 0; i < found.gl_pathc; i++)
        (*ret_paths)[i] = arena_string(arena, slice_of(found.gl_pathv[i]));
    globfree(&found);
    /* Not by glob: its order depends on the locale. */
    qsort(*ret_paths, *ret_count, sizeof **ret_paths, outside_compare);
    return 0;
}

static const char *outside_resolve_family(const char *host, int family,
                                          struct endpoint *ret_endpoint)
{
    struct addrinfo  hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int              result = getaddrinfo(host, NULL, &hints, &found);
    if (result != 0)
        return result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result);
    if (family == AF_INET) {
        const struct sockaddr_in *name = (const void *)found->ai_addr;
        ret_endpoint->family           = ADDRESS_IPV4;
        memcpy(ret_endpoint->ip, &name->sin_addr, sizeof name->sin_addr);
    } else {
        const struct sockaddr_in6 *name = (const void *)found->ai_addr;
        ret_endpoint->family            = ADDRESS_IPV6;
        memcpy(ret_endpoint->ip, &name->sin6_addr, sizeof name->sin6_addr);
    }
    freeaddrinfo(found);
    return NULL;
}

/* IPv4 first: a server that listens on 127.0.0.1 alone is what "localhost" mostly means. */
static const char *outside_resolve(void *context, const char *host, struct endpoint *ret_endpoint)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    (void)context;
    /* Always this machine (RFC 6761), also where nobody has written it into /etc/hosts, as in a
     * minimal container. */
    if (strcasecmp(host, "localhost") == 0) {
        ret_endpoint->family = ADDRESS_IPV4;
        memcpy(ret_endpoint->ip, loopback, sizeof loopback);
        return NULL;
    }
    if (outside_resolve_family(host, AF_INET, ret_endpoint) == NULL)
        return NULL;
    return outside_resolve_family(host, AF_INET6, ret_endpoint);
}

const struct config_outside outside_system = {
    .variable = outside_variable,
    .read     = outside_read,
    .match    = outside_match,
    .resolve  = outside_resolve,
};
