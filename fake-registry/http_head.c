/* Host and Transfer-Encoding are judged here by their text alone: where two programs read them
 * differently, a request hides within another (RFC 9112 sections 3.2, 6.1 and 11.2). */
#include "fake-registry/http_head.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX DIGITS "abcdefABCDEF"
#define OF_NAMES "-._~!$&'()*+;=" /* beside digits and letters */
#define OF_TOKENS DIGITS LETTERS "-._~!$&'*+#%^`|"
#define BLANKS " \t"
#define PORT_DIGITS 5

/* How many of LEN bytes are all in SET. */
static size_t span(const char *text, size_t len, const char *set)
{
    size_t n = 0;
    while (n < len && text[n] != '\0' && strchr(set, text[n]) != NULL) {
        n++;
    }
    return n;
}

/* ---- Host ------------------------------------------------------------------------------------ */

/* A comma is left out of what RFC 3986 allows: it joins two values. Every request has a Host: this
 * is the hot path. */
static bool is_of_name(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr(OF_NAMES, c) != NULL);
}

/* How many bytes a name takes. */
static size_t name_length(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len) {
        bool escape = len - n >= 3 && text[n] == '%' && span(text + n + 1, 2, HEX) == 2;
        if (!escape && !is_of_name(text[n])) {
            break;
        }
        n += escape ? 3 : 1;
    }
    return n;
}

/* How many bytes an IPv6 address in brackets takes; 0: it is none. */
static size_t v6_length(const char *text, size_t len)
{
    struct in6_addr address;
    char inner[INET6_ADDRSTRLEN];
    size_t n = span(text + 1, len - 1, HEX ":.");
    if (n >= sizeof(inner) || n + 2 > len || text[n + 1] != ']') {
        return 0;
    }
    memcpy(inner, text + 1, n);
    inner[n] = '\0';
    return inet_pton(AF_INET6, inner, &address) == 1 ? n + 2 : 0;
}

/* What stands behind the colon; nothing is the port of the scheme (RFC 3986 section 3.2.3). */
static bool read_port(const char *text, size_t len, unsigned *port)
{
    if (len > PORT_DIGITS || span(text, len, DIGITS) != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        *port = *port * 10 + (unsigned)(text[i] - '0');
    }
    return len == 0 || (*port > 0 && *port <= UINT16_MAX);
}

bool http_authority(const char *text, size_t len, size_t *host, unsigned *port)
{
    *port = 0;
    *host = len > 0 && text[0] == '[' ? v6_length(text, len) : name_length(text, len);
    if (*host == 0) {
        return false;
    }
    return *host == len ||
           (text[*host] == ':' && read_port(text + *host + 1, len - *host - 1, port));
}

/* An empty one is that of a client whose target has no authority. */
static bool is_host(const char *value)
{
    size_t host = 0;
    unsigned port = 0;
    return value[0] == '\0' || http_authority(value, strlen(value), &host, &port);
}

/* The absolute form names a host of its own; other forms do not. */
static bool is_target_host(const char *target)
{
    size_t host = 0;
    unsigned port = 0;
    const char *colon = strncasecmp(target, "http", 4) == 0 ? strstr(target, "://") : NULL;
    bool absolute = colon == target + 4 || (colon == target + 5 && (target[4] | 0x20) == 's');
    return !absolute || http_authority(colon + 3, strcspn(colon + 3, "/?"), &host, &port);
}

/* ---- Transfer-Encoding ------------------------------------------------------------------------
 */

struct codings {
    size_t headers;
    size_t count;
    size_t chunked; /* of those */
    bool last;      /* the last one is chunked */
    bool malformed;
};

/* One header's list. Empty elements, and parameters, are malformed: what others make of them is not
 * known. A tab behind chunked is fine here, but not to llhttp, and so refused. */
static void read_codings(const char *value, struct codings *c)
{
    c->headers++;
    for (;;) {
        value += strspn(value, BLANKS);
        size_t len = strspn(value, OF_TOKENS);
        c->last = len == strlen("chunked") && strncasecmp(value, "chunked", len) == 0;
        c->chunked += c->last ? 1 : 0;
        c->count++;
        value += len;
        value += strspn(value, BLANKS);
        c->malformed = c->malformed || len == 0 || (*value != ',' && *value != '\0');
        if (c->malformed || *value == '\0') {
            return;
        }
        value++;
    }
}

static unsigned check_codings(const struct codings *c, const struct http_request *r, bool length,
                              bool chunked, const char **why)
{
    if (c->headers == 0) {
        return 0;
    }
    if (length) {
        *why = "Content-Length beside Transfer-Encoding";
        return 400;
    }
    if (c->malformed || !c->last || c->chunked > 1 || r->minor == 0 || !chunked) {
        *why = "a Transfer-Encoding that does not end in chunked, once";
        return 400;
    }
    *why = c->count > 1 ? "a Transfer-Encoding beside chunked is not known here" : NULL;
    return c->count > 1 ? 501 : 0;
}

unsigned http_head_check(const struct http_request *r, bool length, bool chunked, const char **why)
{
    const char *host = NULL;
    size_t hosts = 0;
    struct codings codings = {0};
    for (size_t i = 0; i < r->header_count; i++) {
        const struct http_header *h = &r->headers[i];
        if (strcasecmp(h->name, "Host") == 0) {
            host = h->value;
            hosts++;
        } else if (strcasecmp(h->name, "Transfer-Encoding") == 0) {
            read_codings(h->value, &codings);
        }
    }
    unsigned status = check_codings(&codings, r, length, chunked, why);
    if (status != 0) {
        return status;
    }
    *why = hosts > 1                      ? "the request has two Host headers"
           : hosts == 0 && r->minor > 0   ? "the request has no Host header"
           : hosts == 1 && !is_host(host) ? "the Host header is malformed"
           : !is_target_host(r->target)   ? "the target's host is malformed"
                                          : NULL;
    return *why != NULL ? 400 : 0;
}
