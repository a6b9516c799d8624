/* Dialogues: what must hold of an answer. */
#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/lib/dialogue.h"

const char *dialogue_header(const struct dialogue *d, const char *name)
{
    for (size_t i = 0; i < d->answer.headers; i++) {
        if (strcasecmp(d->answer.header[i].name, name) == 0) {
            return d->answer.header[i].value;
        }
    }
    return NULL;
}

static size_t header_count(const struct dialogue *d, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < d->answer.headers; i++) {
        n += strcasecmp(d->answer.header[i].name, name) == 0;
    }
    return n;
}

static bool matches(struct dialogue *d, const char *pattern, const char *text)
{
    regex_t r;
    if (regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        dialogue_die(d, "no regular expression: %s", pattern);
    }
    bool match = regexec(&r, text, 0, NULL, 0) == 0;
    regfree(&r);
    return match;
}

static bool is_json(const struct dialogue *d)
{
    const char *type = dialogue_header(d, "Content-Type");
    return type != NULL && strncmp(type, "application/json", 16) == 0;
}

/* `{"errors": [{"code", "message", "detail"}, …]}`, and nothing else where it is JSON. */
static void hold_error(struct dialogue *d)
{
    const struct dialogue_answer *a = &d->answer;
    json_t *body = json_loadb(a->body.data, a->body.len, JSON_REJECT_DUPLICATES, NULL);
    json_t *errors = json_object_get(body, "errors");
    size_t i;
    json_t *e;
    if (json_array_size(errors) == 0 || json_object_size(body) != 1) {
        dialogue_fail(d, "the error's body is no list of errors: %.200s", a->body.data);
    }
    json_array_foreach(errors, i, e)
    {
        const char *code = json_string_value(json_object_get(e, "code"));
        json_t *message = json_object_get(e, "message");
        if (code == NULL || !matches(d, "^[A-Z_]+$", code) ||
            (message != NULL && !json_is_string(message))) {
            dialogue_fail(d, "an error without a code, or with an odd message: %.200s",
                          a->body.data);
        }
    }
    json_decref(body);
}

/* A digest that is told of a whole body is that body's. */
static void hold_digest(struct dialogue *d, const char *told)
{
    struct buf own;
    char algorithm[16];
    (void)snprintf(algorithm, sizeof(algorithm), "%.*s", (int)strcspn(told, ":"), told);
    buf_init(&own, 4096);
    dialogue_digest(d, algorithm, d->answer.body.data, d->answer.body.len, &own);
    if (strcmp(own.data, told) != 0) {
        dialogue_fail(d, "Docker-Content-Digest is %s, the body's %s", told, own.data);
    }
    buf_close(&own);
}

void dialogue_always(struct dialogue *d)
{
    const struct dialogue_answer *a = &d->answer;
    const struct dialogue_request *r = &d->pending[d->pending_answered - 1];
    const char *version = dialogue_header(d, "Docker-Distribution-Api-Version");
    const char *digest = dialogue_header(d, "Docker-Content-Digest");
    static const char *const once[] = {"Content-Length", "Content-Type", "Location",
                                       "Docker-Content-Digest"};
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++) {
        if (header_count(d, once[i]) > 1) {
            dialogue_fail(d, "%s is there twice", once[i]);
        }
    }
    if (version == NULL || strcmp(version, "registry/2.0") != 0) {
        dialogue_fail(d, "no Docker-Distribution-Api-Version: registry/2.0");
    }
    if (a->status >= 400 && strcmp(r->method, "HEAD") != 0 && is_json(d)) {
        hold_error(d);
    }
    if (a->status == 200 && strcmp(r->method, "GET") == 0 && digest != NULL) {
        hold_digest(d, digest);
    }
    if (a->status == 204 && dialogue_header(d, "Content-Length") != NULL &&
        strcmp(dialogue_header(d, "Content-Length"), "0") != 0) {
        dialogue_fail(d, "204 with a Content-Length");
    }
}

/* PATH: keys and indexes, with dots between; "." is the whole. */
static const json_t *find(const json_t *at, const char *path)
{
    while (*path != '\0' && at != NULL) {
        char key[128];
        size_t len = strcspn(path, ".");
        (void)snprintf(key, sizeof(key), "%.*s", (int)len, path);
        path += len + (path[len] == '.' ? 1 : 0);
        if (len > 0) {
            at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10))
                                   : json_object_get(at, key);
        }
    }
    return at;
}

/* "PATH VALUE", VALUE being JSON, "absent", or "length N". */
static void hold_json(struct dialogue *d, const char *text)
{
    char path[256];
    size_t len = strcspn(text, " ");
    const char *wanted = text + len + strspn(text + len, " ");
    (void)snprintf(path, sizeof(path), "%.*s", (int)len, text);
    json_t *body = json_loadb(d->answer.body.data, d->answer.body.len, 0, NULL);
    const json_t *found = find(body, path);
    if (body == NULL) {
        dialogue_fail(d, "the body is no JSON: %.200s", d->answer.body.data);
    } else if (strcmp(wanted, "absent") == 0) {
        if (found != NULL) {
            dialogue_fail(d, "%s is there: %.400s", path, d->answer.body.data);
        }
    } else if (strncmp(wanted, "length ", 7) == 0) {
        if (!json_is_array(found) || json_array_size(found) != strtoul(wanted + 7, NULL, 10)) {
            dialogue_fail(d, "%s has %zu entries: %.400s", path, json_array_size(found),
                          d->answer.body.data);
        }
    } else {
        json_t *value = json_loads(wanted, JSON_DECODE_ANY, NULL);
        if (value == NULL) {
            dialogue_die(d, "no JSON: %s", wanted);
        }
        if (!json_equal(value, found)) {
            dialogue_fail(d, "%s is not %s: %.400s", path, wanted, d->answer.body.data);
        }
        json_decref(value);
    }
    json_decref(body);
}

/* "CODE" or "CODE|CODE": that of the first error. */
static void hold_code(struct dialogue *d, const char *wanted)
{
    char pattern[256];
    json_t *body = json_loadb(d->answer.body.data, d->answer.body.len, 0, NULL);
    const char *code = json_string_value(
        json_object_get(json_array_get(json_object_get(body, "errors"), 0), "code"));
    (void)snprintf(pattern, sizeof(pattern), "^(%s)$", wanted);
    if (!is_json(d)) {
        dialogue_fail(d, "the error is not application/json");
    }
    if (code == NULL || !matches(d, pattern, code)) {
        dialogue_fail(d, "code %s, wanted %s", code != NULL ? code : "missing", wanted);
    }
    json_decref(body);
}

/* "NAME" or "NAME FROM-TO" */
static void hold_body(struct dialogue *d, const char *text)
{
    char name[64];
    size_t len = strcspn(text, " ");
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, text);
    const struct dialogue_value *v = dialogue_value(d, name);
    if (v == NULL) {
        dialogue_die(d, "no content '%s'", name);
    }
    size_t from = 0;
    size_t to = v->data.len;
    if (text[len] == ' ') {
        char *end;
        from = strtoul(text + len, &end, 10);
        to = *end == '-' ? strtoul(end + 1, NULL, 10) + 1 : 0;
        if (from >= to || to > v->data.len) {
            dialogue_die(d, "no such part of %s", name);
        }
    }
    const struct buf *body = &d->answer.body;
    if (body->len != to - from ||
        (to > from && memcmp(body->data, v->data.data + from, to - from) != 0)) {
        dialogue_fail(d, "the body (%zu bytes) is not %s: %.200s", body->len, text,
                      body->len > 0 ? body->data : "");
    }
}

/* What is still to be read of a body. */
struct rest {
    const char *at;
    size_t len;
};

/* Takes LEN bytes of TEXT, if they are there. */
static bool take(struct rest *rest, const char *text, size_t len)
{
    if (rest->len < len || memcmp(rest->at, text, len) != 0) {
        return false;
    }
    rest->at += len;
    rest->len -= len;
    return true;
}

/* One part: its boundary, its headers with this range of CONTENT, and the bytes. */
static bool take_part(struct dialogue *d, struct rest *rest, const char *boundary,
                      const struct buf *content, const char *range)
{
    char *end;
    size_t from = strtoul(range, &end, 10);
    size_t to = *end == '-' ? strtoul(end + 1, NULL, 10) + 1 : 0;
    if (from >= to || to > content->len) {
        dialogue_die(d, "no such part: %s", range);
    }
    char line[128];
    (void)snprintf(line, sizeof(line), "\r\nContent-Range: bytes %zu-%zu/%zu\r\n", from, to - 1,
                   content->len);
    const char *headers = rest->at;
    const char *blank = memmem(rest->at, rest->len, "\r\n\r\n", 4);
    if (!take(rest, "--", 2) || !take(rest, boundary, strlen(boundary)) || blank == NULL ||
        memmem(headers, (size_t)(blank + 2 - headers), line, strlen(line)) == NULL) {
        return false;
    }
    rest->len -= (size_t)(blank + 4 - rest->at);
    rest->at = blank + 4;
    return take(rest, content->data + from, to - from) && take(rest, "\r\n", 2);
}

/* "NAME FROM-TO FROM-TO…": multipart/byteranges of these, in this order. */
static void hold_parts(struct dialogue *d, const char *text)
{
    char name[64];
    size_t len = strcspn(text, " ");
    const char *type = dialogue_header(d, "Content-Type");
    static const char wanted[] = "multipart/byteranges; boundary=";
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, text);
    const struct dialogue_value *v = dialogue_value(d, name);
    if (v == NULL) {
        dialogue_die(d, "no content '%s'", name);
    }
    if (type == NULL || strncmp(type, wanted, sizeof(wanted) - 1) != 0) {
        dialogue_fail(d, "Content-Type: %s, wanted %s", type != NULL ? type : "none", wanted);
        return;
    }
    const char *boundary = type + sizeof(wanted) - 1;
    struct rest rest = {d->answer.body.data, d->answer.body.len};
    bool good = true;
    for (const char *at = strchr(text, ' '); at != NULL && good; at = strchr(at + 1, ' ')) {
        good = take_part(d, &rest, boundary, &v->data, at + 1);
    }
    if (!good || !take(&rest, "--", 2) || !take(&rest, boundary, strlen(boundary)) ||
        !take(&rest, "--", 2)) {
        dialogue_fail(d, "the body (%zu bytes) is not the parts %s: %.200s", d->answer.body.len,
                      text, d->answer.body.len > 0 ? d->answer.body.data : "");
    }
}

/* A Location, or a Link, is kept as what can be asked for on this connection. */
static void keep(struct dialogue *d, const char *name, const char *value)
{
    struct buf *to = dialogue_set(d, name);
    if (value[0] == '<') {
        buf_append(to, value + 1, strcspn(value + 1, ">"));
        return;
    }
    const char *scheme = strstr(value, "://");
    if (scheme != NULL && scheme - value <= 5) {
        const char *path = strchr(scheme + 3, '/');
        value = path != NULL ? path : "/";
    }
    buf_str(to, value);
}

/* "Name: VALUE", "Name ~ PATTERN", "Name > KEPT", "Name absent" */
static void hold_header(struct dialogue *d, const char *text)
{
    char name[64];
    size_t len = strcspn(text, ": ");
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, text);
    const char *value = dialogue_header(d, name);
    const char *rest = text + len;
    if (strcmp(rest, " absent") == 0) {
        if (value != NULL) {
            dialogue_fail(d, "%s: %s is there", name, value);
        }
        return;
    }
    if (value == NULL) {
        dialogue_fail(d, "no %s", name);
        if (strncmp(rest, " > ", 3) == 0) {
            buf_str(dialogue_set(d, rest + 3), "/nowhere");
        }
    } else if (strncmp(rest, ": ", 2) == 0) {
        if (strcmp(value, rest + 2) != 0) {
            dialogue_fail(d, "%s: %s, wanted %s", name, value, rest + 2);
        }
    } else if (strncmp(rest, " ~ ", 3) == 0) {
        if (!matches(d, rest + 3, value)) {
            dialogue_fail(d, "%s: %s, wanted /%s/", name, value, rest + 3);
        }
    } else if (strncmp(rest, " > ", 3) == 0) {
        keep(d, rest + 3, value);
    } else {
        dialogue_die(d, "not understood: < %s", text);
    }
}

void dialogue_expect(struct dialogue *d, const char *text)
{
    if (!d->answered) { /* that was told; what would have been kept is nowhere */
        const char *kept = strstr(text, " > ");
        if (kept != NULL) {
            buf_str(dialogue_set(d, kept + 3), "/nowhere");
        }
        return;
    }
    if (strcmp(text, "empty") == 0) {
        if (d->answer.body.len > 0) {
            dialogue_fail(d, "a body: %.200s", d->answer.body.data);
        }
    } else if (strncmp(text, "body ", 5) == 0) {
        hold_body(d, text + 5);
    } else if (strncmp(text, "parts ", 6) == 0) {
        hold_parts(d, text + 6);
    } else if (strncmp(text, "json ", 5) == 0) {
        hold_json(d, text + 5);
    } else if (strncmp(text, "code ", 5) == 0) {
        hold_code(d, text + 5);
    } else {
        hold_header(d, text);
    }
}
