/* Unit tests of answers as values: header room, errors, and the status fault. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/oci.h"

static struct content *some_content(void)
{
    struct err e = {0};
    struct content *c = content_new_take((uint8_t *)strdup("body"), 4, "text/plain", &e);
    cr_assert_not_null(c);
    return c;
}

/* A header that does not fit is left out whole, and what was there stays intact. */
Test(response, header_room)
{
    struct response r;
    char value[RESPONSE_HEAD];
    memset(value, 'v', sizeof(value));
    value[RESPONSE_HEAD - 20] = '\0';
    response_init(&r);
    response_header(&r, "A", "%d", 1);
    response_header_text(&r, "Long", value);
    cr_assert_eq(r.head_len, 6 + RESPONSE_HEAD - 20 + 8);
    response_header_text(&r, "More", "than fits");
    response_header(&r, "More", "%s", value);
    cr_assert_eq(r.head_len, 6 + RESPONSE_HEAD - 20 + 8);
    cr_assert_eq(strlen(r.head), r.head_len);
    cr_assert_eq(strncmp(r.head, "A: 1\r\nLong: vvv", 15), 0);
    response_close(&r);
}

/* Each status has a code that fits; what was carried and told before is gone. */
Test(response, errors)
{
    static const struct {
        unsigned status;
        const char *code;
    } cases[] = {{401, "UNAUTHORIZED"},  {403, "DENIED"},           {405, "UNSUPPORTED"},
                 {416, "RANGE_INVALID"}, {429, "TOOMANYREQUESTS"},  {500, "UNKNOWN"},
                 {503, "UNAVAILABLE"},   {404, "MANIFEST_UNKNOWN"}, {400, "UNSUPPORTED"},
                 {412, "UNSUPPORTED"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct response r;
        struct content *c = some_content();
        response_init(&r);
        r.content = content_ref(c);
        r.told = c->digest;
        r.head_only = true;
        response_header_text(&r, "Content-Type", "text/plain");
        cr_assert_eq(response_error(&r, cases[i].status, NULL, "say \"why\"\n"), 0);
        json_t *body = json_loadb(r.small, r.len, 0, NULL);
        json_t *first = json_array_get(json_object_get(body, "errors"), 0);
        cr_assert_str_eq(json_string_value(json_object_get(first, "code")), cases[i].code);
        cr_assert_str_eq(json_string_value(json_object_get(first, "message")), "say \"why\"\n");
        json_decref(body);
        cr_assert_null(strstr(r.head, "text/plain"));
        cr_assert(r.content == NULL && r.told == NULL && r.head_only);
        cr_assert_eq(c->refs, 1);
        content_unref(c);
        response_close(&r);
    }
}

/* Replaces a 200 that carries content by a status fault with these parameters. */
static struct response replaced(uint64_t code, int body, const char *retry, const char *headers)
{
    struct response r;
    struct content *c = some_content();
    struct fault_rule rule = {.name = "s", .kind = &fault_catalogue[FAULT_STATUS]};
    struct fault_action action = {.rule = &rule};
    rule.param[PARAM_CODE] = (struct fault_value){true, code, NULL};
    rule.param[PARAM_BODY] = (struct fault_value){body >= 0, body > 0 ? (uint64_t)body : 0, NULL};
    rule.param[PARAM_RETRY_AFTER] = (struct fault_value){retry != NULL, 0, retry};
    rule.param[PARAM_HEADERS] = (struct fault_value){headers != NULL, 0, headers};
    response_init(&r);
    response_header_text(&r, "Docker-Content-Digest", c->digest);
    r.told = c->digest;
    r.content = c;
    r.len = 4;
    cr_assert_eq(oci_replace(&r, &action), 0);
    cr_assert_null(r.content);
    cr_assert_null(r.told);
    cr_assert_null(strstr(r.head, "Docker-Content-Digest"));
    cr_assert_eq(strlen(r.head), r.head_len);
    return r;
}

/* The choices of `body` in the order of the catalogue. */
static int choice(const char *name)
{
    const struct fault_kind_info *kind = &fault_catalogue[FAULT_STATUS];
    for (size_t i = 0; i < kind->param_count; i++) {
        for (int k = 0; kind->params[i].param == PARAM_BODY && kind->params[i].choices[k]; k++) {
            if (strcmp(kind->params[i].choices[k], name) == 0) {
                return k;
            }
        }
    }
    cr_assert(false, "no choice %s", name);
    return -1;
}

/* An answer gives way to the status with the body that was chosen, OCI where none was. */
Test(response, status_bodies)
{
    struct response r = replaced(500, -1, NULL, NULL);
    cr_assert_eq(r.status, 500);
    cr_assert_not_null(strstr(r.small, "\"code\":\"UNKNOWN\""));
    cr_assert_not_null(strstr(r.head, "Content-Type: application/json\r\n"));
    response_close(&r);
    r = replaced(404, choice("oci"), NULL, NULL);
    cr_assert_not_null(strstr(r.small, "\"code\":\"MANIFEST_UNKNOWN\""));
    response_close(&r);
    r = replaced(502, choice("html"), NULL, NULL);
    cr_assert_not_null(strstr(r.small, "<h1>502 Bad Gateway</h1>"));
    cr_assert_not_null(strstr(r.head, "Content-Type: text/html\r\n"));
    cr_assert_null(strstr(r.head, "Docker-Distribution"), "a proxy is no registry");
    cr_assert_eq(r.len, strlen(r.small));
    response_close(&r);
    r = replaced(200, choice("html"), NULL, NULL);
    cr_assert_not_null(strstr(r.small, "Sign in"));
    response_close(&r);
    r = replaced(503, choice("empty"), NULL, NULL);
    cr_assert(r.status == 503 && r.len == 0 && r.small == NULL);
    response_close(&r);
    r = replaced(204, choice("html"), NULL, NULL);
    cr_assert(r.len == 0 && r.small == NULL && r.head_len == 0, "204 carries nothing");
    response_close(&r);
}

/* Extra headers and Retry-After come as written, and a Content-Type of one's own is the only one.
 */
Test(response, status_headers)
{
    struct response r = replaced(429, -1, "985.86\xc2\xb5s", "X-A: b\r\ncontent-type: text/x\r\n");
    cr_assert_not_null(strstr(r.head, "Retry-After: 985.86\xc2\xb5s\r\n"));
    cr_assert_not_null(strstr(r.head, "X-A: b\r\ncontent-type: text/x\r\n"));
    cr_assert_null(strstr(r.head, "application/json"));
    cr_assert_not_null(strstr(r.small, "TOOMANYREQUESTS"));
    response_close(&r);
}
