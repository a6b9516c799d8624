/* Answers as values: their heads, OCI errors, and what the `status` fault makes of them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake-registry/oci.h"

#define BODY_MAX 16384

void response_init(struct response *r)
{
    /* Not zeroed as a whole: the head is 2 KiB and this is the hot path. */
    r->status = 200;
    r->head[0] = '\0';
    r->head_len = 0;
    r->head_only = false;
    r->content = NULL;
    r->opened = false;
    r->from = 0;
    r->len = 0;
    r->small = NULL;
    r->parts = NULL;
    r->told = NULL;
}

static void drop_content(struct response *r)
{
    if (r->opened) {
        content_close(r->content);
    }
    content_unref(r->content);
    multipart_free(r->parts);
    r->content = NULL;
    r->parts = NULL;
    r->opened = false;
}

void response_close(struct response *r)
{
    drop_content(r);
    free(r->small);
    response_init(r);
}

/* The caller has seen to the room. */
static void append(struct response *r, const char *text, size_t len)
{
    memcpy(r->head + r->head_len, text, len);
    r->head_len += len;
    r->head[r->head_len] = '\0';
}

void response_header_text(struct response *r, const char *name, const char *value)
{
    size_t name_len = strlen(name);
    size_t value_len = strlen(value);
    if (name_len + value_len + 4 >= RESPONSE_HEAD - r->head_len) {
        return;
    }
    append(r, name, name_len);
    append(r, ": ", 2);
    append(r, value, value_len);
    append(r, "\r\n", 2);
}

void response_header_lines(struct response *r, const char *lines, size_t len)
{
    if (len < RESPONSE_HEAD - r->head_len) {
        append(r, lines, len);
    }
}

void response_header_digest(struct response *r, const char *digest)
{
    static const char told[] = "Docker-Content-Digest: ";
    static const char tag[] = "\r\nETag: \"";
    size_t len = strlen(digest);
    if (sizeof(told) + sizeof(tag) + 2 * len + 4 >= RESPONSE_HEAD - r->head_len) {
        return;
    }
    append(r, told, sizeof(told) - 1);
    append(r, digest, len);
    append(r, tag, sizeof(tag) - 1);
    append(r, digest, len);
    append(r, "\"\r\n", 3);
}

void response_header(struct response *r, const char *name, const char *fmt, ...)
{
    char value[RESPONSE_HEAD];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (len >= 0 && (size_t)len < sizeof(value)) {
        response_header_text(r, name, value);
    }
}

void response_take_small(struct response *r, char *text, size_t len)
{
    drop_content(r);
    free(r->small);
    r->told = NULL;
    r->from = 0;
    r->small = text;
    r->len = len;
}

/* Forgets head and body. */
static void clear(struct response *r)
{
    response_take_small(r, NULL, 0);
    r->head_len = 0;
    r->head[0] = '\0';
}

int response_take_buf(struct response *r, struct buf *b)
{
    size_t len = b->len;
    char *text = buf_take(b);
    buf_close(b);
    if (text == NULL) {
        return -1;
    }
    response_take_small(r, text, len);
    return 0;
}

static const char *code_for(const struct response *r, unsigned status)
{
    switch (status) {
    case 401:
        return "UNAUTHORIZED";
    case 403:
        return "DENIED";
    case 404:
        if (r->content == NULL) {
            return "NAME_UNKNOWN";
        }
        return r->told != NULL ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN";
    case 405:
        return "UNSUPPORTED";
    case 413:
        return "SIZE_INVALID";
    case 416:
        return "RANGE_INVALID";
    case 429:
        return "TOOMANYREQUESTS";
    case 503:
        return "UNAVAILABLE";
    default: /* to a client that is at fault, only what the specification has a code for */
        return status < 500 ? "UNSUPPORTED" : "UNKNOWN";
    }
}

/* The body of an OCI error, without touching the head. */
static int error_body(struct response *r, const char *code, const char *message)
{
    struct buf b;
    buf_init(&b, BODY_MAX);
    buf_str(&b, "{\"errors\":[{\"code\":");
    buf_json_string(&b, code, strlen(code));
    buf_str(&b, ",\"message\":");
    buf_json_string(&b, message, strlen(message));
    buf_str(&b, ",\"detail\":null}]}\n");
    return response_take_buf(r, &b);
}

int response_error(struct response *r, unsigned status, const char *code, const char *message)
{
    const char *told = code != NULL ? code : code_for(r, status);
    clear(r);
    r->status = status;
    response_header_text(r, "Docker-Distribution-Api-Version", "registry/2.0");
    response_header_text(r, "Content-Type", "application/json");
    return error_body(r, told, message);
}

int response_open(struct response *r)
{
    struct err e = {0};
    if (r->content == NULL || r->len == 0) {
        return 0;
    }
    if (content_open(r->content, &e) != 0) {
        return response_error(r, 500, NULL, "the registry cannot read it");
    }
    r->opened = true;
    return 0;
}

/* What a proxy says of an error, or what a captive portal says in place of the registry. */
static int html_body(struct response *r)
{
    struct buf b;
    const char *reason = http_reason(r->status);
    buf_init(&b, BODY_MAX);
    if (r->status < 300) {
        buf_str(&b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<title>Sign in to the network</title>\n</head>\n<body>\n"
                    "<h1>Welcome</h1>\n<p>Please accept the terms of use to go online.</p>\n"
                    "<form method=\"post\" action=\"/login\">"
                    "<button type=\"submit\">Accept</button></form>\n</body>\n</html>\n");
    } else {
        buf_printf(&b,
                   "<html>\n<head><title>%u %s</title></head>\n<body>\n"
                   "<center><h1>%u %s</h1></center>\n<hr><center>nginx</center>\n"
                   "</body>\n</html>\n",
                   r->status, reason, r->status, reason);
    }
    return response_take_buf(r, &b);
}

/* Whether LINES ("Name: value\r\n"…) hold a header NAME. */
static bool lines_hold(const char *lines, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = lines; at != NULL && *at != '\0';) {
        if (strncasecmp(at, name, len) == 0 && at[len] == ':') {
            return true;
        }
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return false;
}

/* -1 where the lines do not fit. */
static int add_lines(struct response *r, const char *lines)
{
    size_t len = strlen(lines);
    if (len >= RESPONSE_HEAD - r->head_len) {
        return -1;
    }
    append(r, lines, len);
    return 0;
}

/* In the order of the choices of PARAM_BODY. */
enum body { BODY_OCI, BODY_HTML, BODY_EMPTY };

static int replace_body(struct response *r, enum body body, const char *code, const char *lines)
{
    bool type_told = lines_hold(lines, "Content-Type");
    switch (body) {
    case BODY_OCI:
        response_header_text(r, "Docker-Distribution-Api-Version", "registry/2.0");
        if (!type_told) {
            response_header_text(r, "Content-Type", "application/json");
        }
        return error_body(r, code, http_reason(r->status));
    case BODY_HTML:
        if (!type_told) {
            response_header_text(r, "Content-Type", "text/html");
        }
        return html_body(r);
    case BODY_EMPTY:
        break;
    }
    return 0;
}

int oci_replace(struct response *r, const struct fault_action *action)
{
    const struct fault_value *param = action->rule->param;
    if (action->rule->kind->kind != FAULT_STATUS) {
        return 0;
    }
    unsigned status = (unsigned)param[PARAM_CODE].number;
    const char *lines = param[PARAM_HEADERS].set ? param[PARAM_HEADERS].text : "";
    enum body body = param[PARAM_BODY].set ? (enum body)param[PARAM_BODY].number : BODY_OCI;
    if (status < 200 || status == 204 || status == 304) {
        body = BODY_EMPTY; /* RFC 9110: these carry none */
    }
    const char *code = code_for(r, status);
    clear(r);
    r->status = status;
    if (replace_body(r, body, code, lines) != 0) {
        return -1;
    }
    if (param[PARAM_RETRY_AFTER].set) {
        response_header_text(r, "Retry-After", param[PARAM_RETRY_AFTER].text);
    }
    return add_lines(r, lines);
}
