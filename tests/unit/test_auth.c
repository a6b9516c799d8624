/* Credentials, challenges and tokens, by a clock of the test's own. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/auth.h"

#define SECOND UINT64_C(1000000000)
#define TTL (60 * SECOND)

static char mark[AUTH_MARK + 1];
static char header[2048]; /* the Authorization of the request under way */

static struct auth *make(const char *registry, enum auth_mode mode, bool anonymous)
{
    struct err e = {0};
    const struct auth_config config = {
        .registry = registry, .mark = mark, .mode = mode, .anonymous = anonymous, .ttl_ns = TTL};
    if (mark[0] == '\0')
        cr_assert_eq(auth_mark(mark, &e), 0);
    struct auth *a = auth_new(&config, &e);
    cr_assert_not_null(a, "%s", e.text);
    return a;
}

static const char *basic(const char *user, const char *password)
{
    char plain[512];
    int len = snprintf(plain, sizeof plain, "%s:%s", user, password);
    memcpy(header, "Basic ", 6);
    EVP_EncodeBlock((unsigned char *)header + 6, (const unsigned char *)plain, len);
    return header;
}

static const char *bearer(const char *token)
{
    (void)snprintf(header, sizeof header, "Bearer %s", token);
    return header;
}

static struct http_request request_of(const char *method, const char *path, const char *query,
                                      const char *authorization)
{
    struct http_request r = {.method = method, .target = path, .path = path, .query = query};
    if (authorization != NULL) {
        r.headers[0] = (struct http_header){"Authorization", authorization};
        r.header_count = 1;
    }
    return r;
}

/* Where the next answer's body goes, of BODY_SIZE bytes; NULL: nowhere. */
#define BODY_SIZE 1024
static char *told;

/* The status of METHOD PATH[?QUERY] at A, NOW; 0: it is let through. HEAD gets the answer's head.
 */
static unsigned ask(const struct auth *a, const char *method, const char *path,
                    const char *authorization, uint64_t now_ns, char head[RESPONSE_HEAD])
{
    char plain[256];
    size_t len = strcspn(path, "?");
    (void)snprintf(plain, sizeof plain, "%.*s", (int)len, path);
    struct http_request request =
        request_of(method, plain, path[len] == '?' ? path + len + 1 : NULL, authorization);
    struct oci_route route;
    struct response r;
    oci_route(&request, &route);
    const struct auth_ask asked = {.request = &request,
                                   .route = &route,
                                   .realm = "https://auth.test/token",
                                   .service = "reg.test",
                                   .now_ns = now_ns,
                                   .wall = "2026-01-01T00:00:00.000Z"};
    response_init(&r);
    int refused = auth_check(a, &asked, &r);
    cr_assert_geq(refused, 0);
    if (head != NULL)
        memcpy(head, r.head, r.head_len + 1);
    unsigned status = refused ? r.status : 0;
    if (told != NULL) {
        cr_assert(r.small != NULL && r.len < BODY_SIZE);
        memcpy(told, r.small, r.len);
        told[r.len] = '\0';
    }
    response_close(&r);
    return status;
}

/* What the realm answers: NULL where its status is not 200. */
static json_t *token_of(const struct auth *a, const char *query, const char *form,
                        const char *authorization, unsigned *status)
{
    struct http_request request = request_of(form ? "POST" : "GET", "/token", query, authorization);
    const struct oci_route route = {.op = OP_TOKEN};
    struct response r;
    const struct auth_ask asked = {.request = &request,
                                   .route = &route,
                                   .form = form,
                                   .now_ns = SECOND,
                                   .wall = "2026-01-01T00:00:00.000Z"};
    response_init(&r);
    cr_assert_eq(auth_give_token(a, &asked, &r), 0);
    *status = r.status;
    json_t *answer = json_loadb(r.small, r.len, 0, NULL);
    cr_assert_not_null(answer);
    response_close(&r);
    return answer;
}

static char *take_token(const struct auth *a, const char *query, const char *authorization)
{
    unsigned status;
    json_t *answer = token_of(a, query, NULL, authorization, &status);
    cr_assert_eq(status, 200);
    const char *token = json_string_value(json_object_get(answer, "token"));
    cr_assert_str_eq(token, json_string_value(json_object_get(answer, "access_token")));
    char *copy = strdup(token);
    json_decref(answer);
    return copy;
}

#define PULL "scope=repository:ci/agent:pull"
#define MANIFEST "/v2/ci/agent/manifests/stable"

/* Without a credential basic answers 401 and says how; the own user and password open everything,
 * any other nothing. */
Test(auth, basic)
{
    struct auth *a = make("primary", AUTH_BASIC, false);
    struct auth *b = make("failover", AUTH_BASIC, false);
    char head[RESPONSE_HEAD];
    cr_expect_str_neq(auth_password(a), auth_password(b));
    cr_expect_eq(ask(a, "GET", "/v2/", NULL, 0, head), 401);
    cr_expect_not_null(strstr(head, "WWW-Authenticate: Basic realm=\"reg.test\"\r\n"));
    cr_expect_eq(ask(a, "GET", MANIFEST, basic(auth_user(a), auth_password(a)), 0, NULL), 0);
    cr_expect_eq(ask(a, "GET", MANIFEST, basic(auth_user(b), auth_password(b)), 0, NULL), 401);
    cr_expect_eq(ask(a, "GET", MANIFEST, basic(auth_user(a), "wrong"), 0, NULL), 401);
    cr_expect_eq(ask(a, "GET", MANIFEST, basic("", ""), 0, NULL), 401);
    cr_expect_eq(ask(a, "GET", MANIFEST, "Basic ????", 0, NULL), 401);
    cr_expect_eq(ask(a, "GET", MANIFEST, "Basic", 0, NULL), 401);
    auth_free(a);
    auth_free(b);
}

/* With anonymous, pulls need none, but pushes do, and a wrong one is still refused. */
Test(auth, basic_anonymous)
{
    struct auth *a = make("primary", AUTH_BASIC, true);
    cr_expect_eq(ask(a, "GET", "/v2/", NULL, 0, NULL), 0);
    cr_expect_eq(ask(a, "GET", MANIFEST, NULL, 0, NULL), 0);
    cr_expect_eq(ask(a, "PUT", MANIFEST, NULL, 0, NULL), 401);
    cr_expect_eq(ask(a, "DELETE", MANIFEST, NULL, 0, NULL), 401);
    cr_expect_eq(ask(a, "GET", MANIFEST, basic("me", "wrong"), 0, NULL), 401);
    auth_free(a);
}

/* The challenge names realm, service and the scope that the request needs; a ping needs none. */
Test(auth, challenge)
{
    struct auth *a = make("primary", AUTH_TOKEN, false);
    char head[RESPONSE_HEAD];
    cr_expect_eq(ask(a, "GET", "/v2/", NULL, 0, head), 401);
    cr_expect_not_null(strstr(head, "WWW-Authenticate: Bearer realm=\"https://auth.test/token\","
                                    "service=\"reg.test\"\r\n"));
    cr_expect_eq(ask(a, "HEAD", MANIFEST, NULL, 0, head), 401);
    cr_expect_not_null(strstr(head, "service=\"reg.test\",scope=\"repository:ci/agent:pull\"\r\n"));
    cr_expect_eq(ask(a, "PUT", MANIFEST, NULL, 0, head), 401);
    cr_expect_not_null(strstr(head, ",scope=\"repository:ci/agent:pull,push\"\r\n"));
    cr_expect_eq(ask(a, "GET", MANIFEST, basic(auth_user(a), auth_password(a)), 0, head), 401);
    cr_expect_null(strstr(head, "error="));
    auth_free(a);
}

#define ACCESS(name, action)                                                                       \
    "{\"Type\":\"repository\",\"Class\":\"\",\"Name\":\"" name "\",\"Action\":\"" action "\"}"
#define UPLOADS "/v2/ci/agent/blobs/uploads/"

/* Its body says what would have to be allowed; where there is no detail, some clients keep the
 * message to themselves. */
Test(auth, says_what_is_missing)
{
    static const struct {
        const char *method, *path, *detail;
    } cases[] = {
        {"GET", "/v2/", "null}]}\n"},
        {"GET", MANIFEST, "[" ACCESS("ci/agent", "pull") "]}]}\n"},
        {"PUT", MANIFEST, "[" ACCESS("ci/agent", "pull") "," ACCESS("ci/agent", "push") "]}]}\n"},
        {"DELETE", MANIFEST, "[" ACCESS("ci/agent", "delete") "]}]}\n"},
        {"POST", UPLOADS "?mount=x&from=a/b",
         "[" ACCESS("ci/agent", "pull") "," ACCESS("ci/agent", "push") "," ACCESS("a/b",
                                                                                  "pull") "]"},
        {"GET", "/v2/_catalog",
         "[{\"Type\":\"registry\",\"Class\":\"\",\"Name\":\"catalog\",\"Action\":\"*\"}]}]}\n"},
    };
    struct auth *a[] = {make("primary", AUTH_TOKEN, false), make("primary", AUTH_BASIC, false)};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const char *want = cases[i / 2].detail;
        char body[BODY_SIZE];
        told = body;
        cr_expect_eq(ask(a[i % 2], cases[i / 2].method, cases[i / 2].path, NULL, 0, NULL), 401);
        told = NULL;
        const char *got = strstr(body, "\"message\":\"authentication required\",\"detail\":");
        cr_assert_not_null(got, "%s", body);
        cr_expect_eq(strncmp(strstr(got, "detail\":") + 8, want, strlen(want)), 0, "%s", body);
    }
    auth_free(a[0]);
    auth_free(a[1]);
}

/* A token opens what its scopes name, until its time is up, and at its own registry alone. */
Test(auth, token)
{
    struct auth *a = make("primary", AUTH_TOKEN, false);
    struct auth *b = make("failover", AUTH_TOKEN, false);
    char head[RESPONSE_HEAD];
    char *token = take_token(a, "service=x&" PULL, basic(auth_user(a), auth_password(a)));
    cr_expect_eq(strncmp(token, mark, AUTH_MARK), 0);
    cr_expect_eq(ask(a, "GET", MANIFEST, bearer(token), SECOND, NULL), 0);
    cr_expect_eq(ask(a, "GET", "/v2/", bearer(token), SECOND, NULL), 0);
    cr_expect_eq(ask(a, "GET", MANIFEST, bearer(token), TTL, NULL), 0);
    cr_expect_eq(ask(a, "GET", MANIFEST, bearer(token), SECOND + TTL, head), 401);
    cr_expect_not_null(strstr(head, ",error=\"invalid_token\"\r\n"));
    cr_expect_eq(ask(a, "GET", "/v2/ci/other/manifests/stable", bearer(token), SECOND, head), 401);
    cr_expect_not_null(
        strstr(head, ",scope=\"repository:ci/other:pull\",error=\"insufficient_scope\"\r\n"));
    cr_expect_eq(ask(a, "PUT", MANIFEST, bearer(token), SECOND, NULL), 401);
    cr_expect_eq(ask(a, "GET", "/v2/_catalog", bearer(token), SECOND, NULL), 401);
    cr_expect_eq(ask(b, "GET", MANIFEST, bearer(token), SECOND, NULL), 401);
    token[strlen(token) - 1] ^= 1;
    cr_expect_eq(ask(a, "GET", MANIFEST, bearer(token), SECOND, NULL), 401);
    free(token);
    auth_free(a);
    auth_free(b);
}

/* Who mounts from another repository must be let pull from there, too, and is told to ask for both.
 */
Test(auth, mount)
{
    static const char mount[] = "/v2/ci/agent/blobs/uploads/?mount=sha256:0&from=ci%2Fbase";
    struct auth *a = make("primary", AUTH_TOKEN, false);
    const char *all = basic(auth_user(a), auth_password(a));
    char head[RESPONSE_HEAD];
    char *one = take_token(a, "scope=repository:ci/agent:pull,push", all);
    char *both = take_token(a, "scope=repository:ci/agent:pull,push&scope=repository:ci/base:pull",
                            basic(auth_user(a), auth_password(a)));
    cr_expect_eq(ask(a, "POST", mount, bearer(one), SECOND, head), 401);
    cr_expect_not_null(strstr(head,
                              ",scope=\"repository:ci/base:pull "
                              "repository:ci/agent:pull,push\",error=\"insufficient_scope\""));
    cr_expect_eq(ask(a, "POST", mount, bearer(both), SECOND, NULL), 0);
    cr_expect_eq(ask(a, "POST", "/v2/ci/agent/blobs/uploads/", bearer(one), SECOND, NULL), 0);
    free(one);
    free(both);
    auth_free(a);
}

/* A token made for a time cannot be given another: every part of it is signed. */
Test(auth, token_signed)
{
    struct auth *a = make("primary", AUTH_TOKEN, true);
    char *token = take_token(a, PULL, NULL);
    for (size_t i = 0; token[i] != '\0'; i++) {
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        cr_expect_eq(ask(a, "GET", MANIFEST, bearer(token), SECOND, NULL), 401, "byte %zu", i);
        token[i] = was;
    }
    cr_expect_eq(ask(a, "GET", MANIFEST, bearer(token), SECOND, NULL), 0);
    free(token);
    auth_free(a);
}

/* Scopes that may not be had are left out: anonymous ones may pull, nobody else's more than nothing
 * where that is not allowed; several parameters and several in one are all read. */
Test(auth, scopes)
{
    struct auth *open = make("primary", AUTH_TOKEN, true);
    struct auth *closed = make("failover", AUTH_TOKEN, false);
    const char *query = "scope=repository:ci/agent:pull,push&scope=registry:catalog:*"
                        "%20repository:ci/other:push&scope=repository:a:5000/b:pull";
    char *token = take_token(open, query, NULL);
    cr_expect_eq(ask(open, "GET", MANIFEST, bearer(token), SECOND, NULL), 0);
    cr_expect_eq(ask(open, "PUT", MANIFEST, bearer(token), SECOND, NULL), 401);
    cr_expect_eq(ask(open, "GET", "/v2/_catalog", bearer(token), SECOND, NULL), 401);
    free(token);
    token = take_token(open, query, basic(auth_user(open), auth_password(open)));
    cr_expect_eq(ask(open, "PUT", MANIFEST, bearer(token), SECOND, NULL), 0);
    /* As Docker's registry has it, who pushes has to be let pull, too. */
    cr_expect_eq(ask(open, "PUT", "/v2/ci/other/manifests/x", bearer(token), SECOND, NULL), 401);
    cr_expect_eq(ask(open, "GET", "/v2/ci/other/manifests/x", bearer(token), SECOND, NULL), 401);
    cr_expect_eq(ask(open, "GET", "/v2/_catalog", bearer(token), SECOND, NULL), 0);
    free(token);
    token = take_token(closed, query, NULL);
    cr_expect_eq(ask(closed, "GET", MANIFEST, bearer(token), SECOND, NULL), 401);
    cr_expect_eq(ask(closed, "GET", "/v2/", bearer(token), SECOND, NULL), 0);
    free(token);
    auth_free(open);
    auth_free(closed);
}

/* What each write asks for, and that nothing less opens it. */
Test(auth, writes)
{
    static const char upload[] = "/v2/ci/agent/blobs/uploads/";
    static const char one[] = "/v2/ci/agent/blobs/uploads/0123456789abcdef0123456789abcdef";
    static const char blob[] = "/v2/ci/agent/blobs/sha256:"
                               "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    static const struct {
        const char *method;
        const char *path;
        const char *scope;
    } writes[] = {{"POST", upload, "pull,push"},  {"PATCH", one, "pull,push"},
                  {"PUT", one, "pull,push"},      {"GET", one, "pull,push"},
                  {"DELETE", one, "pull,push"},   {"PUT", MANIFEST, "pull,push"},
                  {"DELETE", MANIFEST, "delete"}, {"DELETE", blob, "delete"}};
    struct auth *a = make("primary", AUTH_TOKEN, true);
    char *pulls = take_token(a, PULL, basic(auth_user(a), auth_password(a)));
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        char head[RESPONSE_HEAD];
        char wanted[128];
        char query[128];
        (void)snprintf(wanted, sizeof wanted,
                       ",scope=\"repository:ci/agent:%s\",error=", writes[i].scope);
        (void)snprintf(query, sizeof query, "scope=repository:ci/agent:%s", writes[i].scope);
        cr_expect_eq(ask(a, writes[i].method, writes[i].path, NULL, SECOND, NULL), 401);
        cr_expect_eq(ask(a, writes[i].method, writes[i].path, bearer(pulls), SECOND, head), 401);
        cr_expect_not_null(strstr(head, wanted), "%s %s: %s", writes[i].method, writes[i].path,
                           head);
        char *good = take_token(a, query, basic(auth_user(a), auth_password(a)));
        cr_expect_eq(ask(a, writes[i].method, writes[i].path, bearer(good), SECOND, NULL), 0);
        free(good);
    }
    free(pulls);
    auth_free(a);
}

/* A wrong password is told, not taken for nobody, however it comes. */
Test(auth, wrong_password)
{
    struct auth *a = make("primary", AUTH_TOKEN, true);
    unsigned status;
    json_decref(token_of(a, PULL, NULL, basic(auth_user(a), "wrong"), &status));
    cr_expect_eq(status, 401);
    json_decref(
        token_of(a, NULL, "grant_type=password&username=me&password=wrong&" PULL, NULL, &status));
    cr_expect_eq(status, 401);
    json_decref(token_of(a, NULL, "grant_type=refresh_token&refresh_token=x", NULL, &status));
    cr_expect_eq(status, 401);
    json_decref(token_of(a, NULL, "grant_type=mind_reading", NULL, &status));
    cr_expect_eq(status, 400);
    auth_free(a);
}

/* The form of OAuth: a password brings a token and, asked for, one to come again with, which opens
 * nothing by itself. */
Test(auth, form)
{
    struct auth *a = make("primary", AUTH_TOKEN, false);
    char form[2048];
    char again[1024];
    unsigned status;
    (void)snprintf(form, sizeof form,
                   "grant_type=password&service=x&client_id=c&access_type=offline&username=%s&"
                   "password=%s&scope=repository%%3Aci%%2Fagent%%3Apull",
                   auth_user(a), auth_password(a));
    json_t *answer = token_of(a, NULL, form, NULL, &status);
    cr_assert_eq(status, 200);
    cr_expect_eq(json_integer_value(json_object_get(answer, "expires_in")), 60);
    cr_expect_str_eq(json_string_value(json_object_get(answer, "scope")),
                     "repository:ci/agent:pull");
    (void)snprintf(again, sizeof again, "%s",
                   json_string_value(json_object_get(answer, "refresh_token")));
    cr_expect_eq(ask(a, "GET", MANIFEST, bearer(again), SECOND, NULL), 401);
    json_decref(answer);
    (void)snprintf(form, sizeof form, "grant_type=refresh_token&refresh_token=%s&" PULL, again);
    answer = token_of(a, NULL, form, NULL, &status);
    cr_assert_eq(status, 200);
    cr_expect_null(json_object_get(answer, "refresh_token"));
    const char *token = json_string_value(json_object_get(answer, "access_token"));
    cr_expect_eq(ask(a, "GET", MANIFEST, bearer(token), SECOND, NULL), 0);
    json_decref(answer);
    auth_free(a);
}

static enum auth_carried carried(const struct auth *a, const char *name, const char *value,
                                 const char *target, const char *form)
{
    struct http_request r = {.method = "GET", .target = target, .path = target};
    r.headers[0] = (struct http_header){name, value};
    r.header_count = name != NULL ? 1 : 0;
    return auth_carried(a, &r, form);
}

/* A registry's credential is found wherever a request has it, current or not, and never taken for
 * another's. */
Test(auth, carried)
{
    struct auth *a = make("primary", AUTH_TOKEN, true);
    struct auth *b = make("failover", AUTH_TOKEN, true);
    char text[2048];
    char *token = take_token(a, PULL, NULL);
    cr_expect_eq(carried(a, NULL, NULL, "/v2/", NULL), AUTH_CARRIED_NONE);
    cr_expect_eq(carried(a, "Authorization", "Bearer x", "/v2/", NULL), AUTH_CARRIED_UNKNOWN);
    cr_expect_eq(carried(a, "authorization", bearer(token), "/v2/", NULL), AUTH_CARRIED_KNOWN);
    cr_expect_eq(carried(b, "authorization", bearer(token), "/v2/", NULL), AUTH_CARRIED_UNKNOWN);
    cr_expect_eq(carried(a, "X-Anything", token, "/v2/", NULL), AUTH_CARRIED_KNOWN);
    basic("somebody", auth_password(a));
    cr_expect_eq(carried(a, "Authorization", header, "/v2/", NULL), AUTH_CARRIED_KNOWN);
    cr_expect_eq(carried(b, "Authorization", header, "/v2/", NULL), AUTH_CARRIED_UNKNOWN);
    (void)snprintf(text, sizeof text, "/token?refresh_token=%s&x=1", token);
    cr_expect_eq(carried(a, NULL, NULL, text, NULL), AUTH_CARRIED_KNOWN);
    (void)snprintf(text, sizeof text, "grant_type=password&password=%s", auth_password(b));
    cr_expect_eq(carried(a, NULL, NULL, "/token", text), AUTH_CARRIED_NONE);
    cr_expect_eq(carried(b, NULL, NULL, "/token", text), AUTH_CARRIED_KNOWN);
    free(token);
    auth_free(a);
    auth_free(b);
}

/* Whether A and B see their own in CODE, as the value of any header. */
static void expect_coded(const struct auth *a, const struct auth *b, const char *value)
{
    cr_expect_eq(carried(a, "X-Registry-Auth", value, "/v2/", NULL), AUTH_CARRIED_KNOWN, "%s",
                 value);
    cr_expect_eq(carried(b, "X-Registry-Auth", value, "/v2/", NULL), AUTH_CARRIED_NONE, "%s",
                 value);
}

/* Base64 hides nobody's: passwords and tokens are found in any header, at any place, in both kinds
 * of base64, with padding and without, and behind a tab. */
Test(auth, carried_within_base64)
{
    struct auth *a = make("primary", AUTH_TOKEN, true);
    struct auth *b = make("failover", AUTH_TOKEN, true);
    char *token = take_token(a, PULL, NULL);
    const char *secrets[] = {auth_password(a), token};
    for (int i = 0; i < 8; i++) {
        char plain[1024];
        char code[2048] = "\t";
        int len = snprintf(plain, sizeof plain, "%.*s%s%s", i / 2, "?>?", secrets[i % 2], "\"?>?");
        int n = EVP_EncodeBlock((unsigned char *)code + 1, (const unsigned char *)plain, len);
        expect_coded(a, b, code);
        for (char *c = code; *c != '\0'; c++)
            *c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c;
        expect_coded(a, b, code + 1);
        code[n / 3] = '\0'; /* not all of it is none of it */
        cr_expect_eq(carried(a, "X-Registry-Auth", code, "/v2/", NULL), AUTH_CARRIED_NONE);
    }
    free(token);
    auth_free(a);
    auth_free(b);
}

/* A secret is found within base64 too, whatever stands before it. */
Test(auth, secrets_within_base64)
{
    struct auth *a = make("primary", AUTH_BASIC, false);
    char secret[AUTH_SECRET];
    cr_expect_not(auth_secret(mark, 4, secret));
    for (int before = 0; before < 7; before++) {
        char plain[128];
        unsigned char code[256];
        bool found = false;
        int len = snprintf(plain, sizeof plain, "%.*s%s", before, "abc:xyz", auth_password(a));
        EVP_EncodeBlock(code, (const unsigned char *)plain, len);
        for (size_t i = 0; auth_secret(mark, i, secret); i++)
            found = found || strstr((const char *)code, secret) != NULL;
        cr_expect(found, "%d bytes before it", before);
    }
    auth_free(a);
}
