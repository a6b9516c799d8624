/* What a request asks a proxy for. A name has the characters of host names alone, so that it may
 * stand in an event and in an answer as it is. */
#include "fake-registry/proxy_request.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "fake-registry/http_head.h"

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

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
    unsigned port = 0;
    if (!http_authority(text, len, &name, &port)) {
        return false;
    }
    out->port = (uint16_t)port;
    if (text[0] == '[') {
        return read_v6(text + 1, name - 2, out->name);
    }
    for (size_t i = 0; i < name; i++) {
        if (strchr(NAME_BYTES, text[i]) == NULL) {
            return false;
        }
    }
    return copy_name(text, name, out->name);
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
