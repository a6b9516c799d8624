/* What is asked of a parsed request (headers, query), and the reason phrases. */
#include "fake-registry/http.h"

#include <string.h>
#include <strings.h>

/* Few names begin alike: the first letter, whatever its case, tells most of them apart. */
static bool begins_alike(const char *a, const char *b)
{
    return ((*a ^ *b) & ~0x20) == 0;
}

const char *http_request_header(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (begins_alike(r->headers[i].name, name) && strcasecmp(r->headers[i].name, name) == 0) {
            return r->headers[i].value;
        }
    }
    return NULL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool http_decode(const char *text, size_t len, bool plus, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = len - i > 2 ? hex_value(text[i + 1]) : -1;
            int low = len - i > 2 ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (n + 1 >= size) {
            return false;
        }
        out[n++] = c;
    }
    if (size == 0) {
        return false;
    }
    out[n] = '\0';
    return true;
}

enum http_param http_query_next(const char **at, const char *name, char *out, size_t size)
{
    size_t name_len = strlen(name);
    out[0] = '\0';
    while (*at != NULL && **at != '\0') {
        const char *pair = *at;
        size_t len = strcspn(pair, "&");
        *at = pair + len + (pair[len] == '&' ? 1 : 0);
        if (len < name_len || strncmp(pair, name, name_len) != 0 ||
            (len > name_len && pair[name_len] != '=')) {
            continue;
        }
        size_t skip = len == name_len ? name_len : name_len + 1;
        return http_decode(pair + skip, len - skip, true, out, size) ? HTTP_PARAM_GOOD
                                                                     : HTTP_PARAM_BAD;
    }
    return HTTP_PARAM_ABSENT;
}

enum http_param http_query_param(const char *query, const char *name, char *out, size_t size)
{
    return http_query_next(&query, name, out, size);
}

bool http_query(const char *query, const char *name, char *out, size_t size)
{
    return http_query_next(&query, name, out, size) == HTTP_PARAM_GOOD;
}

/* The registered phrases of RFC 9110, 6585, 7538, 7725, 8470 and their kin. */
static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

const char *http_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "Unknown";
}
