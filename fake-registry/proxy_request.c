/* What a request asks a proxy for. A name has the characters of host names alone, so that it may
 * stand in an event and in an answer as it is. */
#include "fake-registry/proxy_request.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

/* Digits alone, 1 to 65535; LEN 0 leaves 0. */
static bool read_port(const char *text, size_t len, uint16_t *port)
{
    unsigned long n = 0;
    if (len == 0 || len > 5) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        n = n * 10 + (unsigned long)(text[i] - '0');
    }
    *port = (uint16_t)n;
    return n > 0 && n <= UINT16_MAX;
}

static bool copy_name(const char *text, size_t len, char *out)
{
    if (len > 0 && text[len - 1] == '.') {
        len--;
    }
    if (len == 0 || len > PROXY_MAX_NAME) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)tolower((unsigned char)text[i]);
    }
    out[len] = '\0';
    return true;
}

/* The text between brackets; as its shortest form, so that one address has one name. */
static bool read_v6(const char *text, size_t len, char *out)
{
    struct in6_addr address;
    return copy_name(text, len, out) && inet_pton(AF_INET6, out, &address) == 1 &&
           inet_ntop(AF_INET6, &address, out, PROXY_MAX_NAME) != NULL;
}

bool proxy_request_authority(const char *text, size_t len, struct proxy_request *out)
{
    size_t name = 0;
    bool valid = false;
    out->port = 0;
    if (len > 0 && text[0] == '[') {
        const char *end = memchr(text, ']', len);
        name = end != NULL ? (size_t)(end - text) + 1 : 0;
        valid = name > 2 && read_v6(text + 1, name - 2, out->name);
    } else {
        while (name < len && text[name] != '\0' && strchr(NAME_BYTES, text[name]) != NULL) {
            name++;
        }
        valid = copy_name(text, name, out->name);
    }
    if (!valid || name == len) {
        return valid;
    }
    return text[name] == ':' && read_port(text + name + 1, len - name - 1, &out->port);
}

static void wrong(struct proxy_request *out, const char *why)
{
    out->form = PROXY_WRONG;
    out->why = why;
}

static void read_connect(const struct http_request *r, struct proxy_request *out)
{
    out->form = PROXY_CONNECT;
    if (r->has_body) {
        wrong(out, "a CONNECT with a body");
    } else if (!proxy_request_authority(r->target, strlen(r->target), out) || out->port == 0) {
        wrong(out, "CONNECT wants NAME:PORT");
    }
}

void proxy_request_read(const struct http_request *r, struct proxy_request *out)
{
    *out = (struct proxy_request){.form = PROXY_PLAIN};
    if (strcmp(r->method, "CONNECT") == 0) {
        read_connect(r, out);
    } else if (strncasecmp(r->target, "https://", 8) == 0) {
        wrong(out, "https:// is not spoken to a proxy; ask for a tunnel by CONNECT");
    } else if (strncasecmp(r->target, "http://", 7) != 0) {
        wrong(out, "this is a proxy: CONNECT NAME:PORT, or a target in absolute form");
    } else if (!proxy_request_authority(r->target + 7, strcspn(r->target + 7, "/?"), out)) {
        wrong(out, "a malformed host in the target");
    } else if (out->port == 0) {
        out->port = 80;
    }
}
