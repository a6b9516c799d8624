/* The raw lines of a request's head: what loose parsers let pass and a strict one must not. */
#ifndef PULLDRILL_FAKE_REGISTRY_HTTP_LINES_H
#define PULLDRILL_FAKE_REGISTRY_HTTP_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* How far a head has been looked at. */
struct http_lines {
    enum { HTTP_LINE_REQUEST, HTTP_LINE_NAME, HTTP_LINE_VALUE } line;
    bool empty; /* nothing of the line has come */
    char last;  /* the byte before */
};

void http_lines_init(struct http_lines *l);
/* The next LEN bytes of the head. False: a CR or LF alone, a folded line, a blank before a colon, a
 * name that is empty. */
bool http_lines_take(struct http_lines *l, const char *data, size_t len);

#endif
