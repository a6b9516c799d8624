/* Conditions of a request: what each makes of an answer, alone and together (RFC 9110 section 13).
 */
#include <criterion/criterion.h>
#include <string.h>

#include "fake-registry/http.h"

#define TAG "sha256:1234"
#define OTHER "sha256:1235"

static struct http_request with(const char *const lines[][2], size_t count)
{
    struct http_request r = {.method = "GET"};
    r.headers[r.header_count++] = (struct http_header){"Host", "primary"};
    for (size_t i = 0; i < count; i++) {
        r.headers[r.header_count++] = (struct http_header){lines[i][0], lines[i][1]};
    }
    return r;
}

static enum http_condition one(const char *name, const char *value, bool bare)
{
    const char *const line[1][2] = {{name, value}};
    struct http_request r = with(line, 1);
    return http_condition(&r, TAG, bare);
}

/* If-None-Match compares weakly: W/ makes no difference; the first that is no tag ends the list. */
Test(http_condition, if_none_match)
{
    static const struct {
        const char *value;
        bool same;
    } cases[] = {
        {"\"" TAG "\"", true},
        {"  \"" TAG "\"  ", true},
        {"W/\"" TAG "\"", true},
        {"*", true},
        {" * ", true},
        {"\"" OTHER "\", \"" TAG "\"", true},
        {"\"" OTHER "\" ,W/\"" TAG "\"", true},
        {"\"\",,\"a,b\",\"" TAG "\"", true},
        {"\"" OTHER "\"", false},
        {"\"" TAG, false},
        {"\"" TAG "\"\"", true},
        {"\"" TAG "4\"", false},
        {"\"sha256:123\"", false},
        {"w/\"" TAG "\"", false},
        {"W/ \"" TAG "\"", false},
        {"x, \"" TAG "\"", false},
        {"\"" OTHER "\" \"" TAG "\"", false},
        {"*, \"" OTHER "\"", false},
        {"**", false},
        {"", false},
        {TAG, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(one("If-None-Match", cases[i].value, false),
                     cases[i].same ? HTTP_NOT_MODIFIED : HTTP_HOLDS, "%s", cases[i].value);
    }
    cr_expect_eq(one("if-NONE-match", "*", false), HTTP_NOT_MODIFIED);
    cr_expect_eq(one("If-None-Matches", "*", false), HTTP_HOLDS);
}

/* Where that is allowed, a tag alone may be without its quotes; one of a list may not. */
Test(http_condition, bare)
{
    cr_expect_eq(one("If-None-Match", TAG, true), HTTP_NOT_MODIFIED);
    cr_expect_eq(one("If-None-Match", TAG " \t", true), HTTP_NOT_MODIFIED);
    cr_expect_eq(one("If-None-Match", OTHER, true), HTTP_HOLDS);
    cr_expect_eq(one("If-None-Match", OTHER ", " TAG, true), HTTP_HOLDS);
    cr_expect_eq(one("If-None-Match", "W/" TAG, true), HTTP_HOLDS);
    cr_expect_eq(one("If-Match", TAG, true), HTTP_FAILED);
}

/* If-Match compares strongly: a weak tag is never the same. Where nothing matches it has failed. */
Test(http_condition, if_match)
{
    static const struct {
        const char *value;
        bool same;
    } cases[] = {
        {"\"" TAG "\"", true},
        {"*", true},
        {"W/\"" TAG "\"", false},
        {"W/\"" TAG "\", \"" TAG "\"", true},
        {"\"" OTHER "\"", false},
        {"\"" OTHER "\",\"" TAG "\"", true},
        {TAG, false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(one("If-Match", cases[i].value, false),
                     cases[i].same ? HTTP_HOLDS : HTTP_FAILED, "%s", cases[i].value);
    }
}

/* If-Match goes first; lines of one name are one list; dates are ignored, for there are none. */
Test(http_condition, together)
{
    static const char *const failed[][2] = {{"If-None-Match", "\"" TAG "\""},
                                            {"If-Match", "\"" OTHER "\""}};
    static const char *const both[][2] = {{"If-Match", "\"" TAG "\""}, {"If-None-Match", "*"}};
    static const char *const lines[][2] = {{"If-Match", "\"" OTHER "\""},
                                           {"If-Match", "\"" TAG "\""}};
    static const char *const dates[][2] = {
        {"If-Modified-Since", "Sun, 06 Nov 2094 08:49:37 GMT"},
        {"If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}};
    struct http_request r = with(failed, 2);
    cr_expect_eq(http_condition(&r, TAG, false), HTTP_FAILED);
    r = with(both, 2);
    cr_expect_eq(http_condition(&r, TAG, false), HTTP_NOT_MODIFIED);
    r = with(lines, 2);
    cr_expect_eq(http_condition(&r, TAG, false), HTTP_HOLDS);
    r = with(dates, 2);
    cr_expect_eq(http_condition(&r, TAG, false), HTTP_HOLDS);
    r = with(NULL, 0);
    cr_expect_eq(http_condition(&r, TAG, false), HTTP_HOLDS);
}

/* A range holds without If-Range, or where that names the very tag, strongly; a date never does. */
Test(http_condition, if_range)
{
    static const struct {
        const char *value;
        bool holds;
    } cases[] = {
        {"\"" TAG "\"", true},
        {"W/\"" TAG "\"", false},
        {"\"" OTHER "\"", false},
        {TAG, false},
        {"*", false},
        {"", false},
        {"\"" TAG, false},
        {"\"" TAG "\" ", true},
        {"\"" TAG "\"x", false},
        {"\"" OTHER "\", \"" TAG "\"", false},
        {"Sun, 06 Nov 1994 08:49:37 GMT", false},
    };
    struct http_request r = with(NULL, 0);
    cr_expect(http_if_range(&r, TAG));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const line[1][2] = {{"If-Range", cases[i].value}};
        r = with(line, 1);
        cr_expect_eq(http_if_range(&r, TAG), cases[i].holds, "%s", cases[i].value);
    }
}
