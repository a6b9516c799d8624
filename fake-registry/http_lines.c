/* Lines of a head, byte by byte. */
#include "fake-registry/http_lines.h"

#include <string.h>

void http_lines_init(struct http_lines *l)
{
    *l = (struct http_lines){.line = HTTP_LINE_REQUEST, .empty = true};
}

/* How many of LEN bytes come before the first CR or LF. */
static size_t before_end(const char *data, size_t len)
{
    const char *cr = memchr(data, '\r', len);
    size_t n = cr != NULL ? (size_t)(cr - data) : len;
    const char *lf = memchr(data, '\n', n);
    return lf != NULL ? (size_t)(lf - data) : n;
}

bool http_lines_take(struct http_lines *l, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (l->line != HTTP_LINE_NAME && l->last != '\r') {
            /* Of a target and of a value only the end matters. */
            size_t n = before_end(data + i, len - i);
            l->empty = l->empty && n == 0;
            i += n;
            l->last = n > 0 ? data[i - 1] : l->last;
            if (i == len) {
                break;
            }
        }
        char c = data[i];
        if ((c == '\n') != (l->last == '\r')) {
            return false;
        }
        if (c == '\n') {
            l->line = l->line == HTTP_LINE_REQUEST && l->empty ? HTTP_LINE_REQUEST : HTTP_LINE_NAME;
            l->empty = true;
        } else if (c != '\r') {
            bool nameless = c == ':' && l->empty;
            if (l->line == HTTP_LINE_NAME && (c == ' ' || c == '\t' || nameless)) {
                return false;
            }
            l->line = l->line == HTTP_LINE_NAME && c == ':' ? HTTP_LINE_VALUE : l->line;
            l->empty = false;
        }
        l->last = c;
    }
    return true;
}
