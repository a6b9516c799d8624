/* Tokens: made on request, recognised when shown. A token is signed text: the mark of the drill,
 * its kind, when it ends and for what it is good, and a keyed hash of all that; what it says needs
 * no table. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/auth_internal.h"
#include "harness/base/buf.h"
#include "harness/base/clock.h"

/* MARK . KIND ENDS-NS . SCOPES in base64url . SIGNATURE in base64url */
#define HASH 32
#define HASH_TEXT 43
#define SCOPES_TEXT (AUTH_MAX_SCOPES / 3 * 4 + 8)
#define ANSWER_BYTES 16384

/* ---- text ---------------------------------------------------------------------------------- */

/* Without padding, as in tokens and URLs (RFC 4648 section 5). OUT has room for LEN / 3 * 4 + 5. */
static size_t encode(const void *data, size_t len, char *out)
{
    size_t n = (size_t)EVP_EncodeBlock((unsigned char *)out, data, (int)len);
    while (n > 0 && out[n - 1] == '=') {
        out[--n] = '\0';
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
    }
    return n;
}

bool auth_decode(const char *text, size_t len, char *out, size_t size)
{
    char padded[AUTH_MAX_CODE + 4];
    size_t whole = (len + 3) / 4 * 4;
    if (len % 4 == 1 || whole >= sizeof(padded) || whole / 4 * 3 >= size) {
        return false;
    }
    for (size_t i = 0; i < whole; i++) {
        char c = i < len ? text[i] : '=';
        padded[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    int n = EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)padded, (int)whole);
    if (n < 0) {
        return false;
    }
    out[(size_t)n - (whole - len)] = '\0';
    return true;
}

static bool sign(const struct auth *a, const char *text, size_t len, char out[HASH_TEXT + 5])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (HMAC(EVP_sha256(), a->key, sizeof(a->key), (const unsigned char *)text, len, hash, &size) ==
        NULL) {
        return false;
    }
    return encode(hash, HASH, out) == HASH_TEXT;
}

/* False: it does not fit, or no memory. */
static bool make_token(const struct auth *a, const struct auth_token *token,
                       char text[AUTH_MAX_TOKEN])
{
    char scopes[SCOPES_TEXT];
    char hash[HASH_TEXT + 5];
    (void)encode(token->scopes, strlen(token->scopes), scopes);
    int len = snprintf(text, AUTH_MAX_TOKEN, "%s.%c%" PRIu64 ".%s", a->mark, (char)token->kind,
                       token->ends_ns, scopes);
    if (len < 0 || len + HASH_TEXT + 2 > AUTH_MAX_TOKEN || !sign(a, text, (size_t)len, hash)) {
        return false;
    }
    (void)snprintf(text + len, AUTH_MAX_TOKEN - (size_t)len, ".%s", hash);
    return true;
}

/* TEXT, known to be ours, taken apart. */
static bool read_parts(const char *text, const char *end, struct auth_token *out)
{
    out->kind = *text == (char)AUTH_TOKEN_REFRESH ? AUTH_TOKEN_REFRESH : AUTH_TOKEN_ACCESS;
    out->ends_ns = strtoull(text + 1, NULL, 10);
    const char *dot = memchr(text, '.', (size_t)(end - text));
    return dot != NULL &&
           auth_decode(dot + 1, (size_t)(end - dot - 1), out->scopes, sizeof(out->scopes));
}

bool auth_token_read(const struct auth *a, const char *text, size_t len, struct auth_token *out)
{
    char hash[HASH_TEXT + 5];
    if (len < AUTH_MARK + HASH_TEXT + 4 || len >= AUTH_MAX_TOKEN ||
        memcmp(text, a->mark, AUTH_MARK) != 0 || text[AUTH_MARK] != '.') {
        return false;
    }
    size_t body = len - HASH_TEXT - 1;
    return text[body] == '.' && sign(a, text, body, hash) &&
           CRYPTO_memcmp(text + body + 1, hash, HASH_TEXT) == 0 &&
           read_parts(text + AUTH_MARK + 1, text + body, out);
}

/* ---- the realm ----------------------------------------------------------------------------- */

struct grant {
    bool known;   /* the asker showed a credential */
    bool offline; /* and wants to come again without it */
    char scopes[AUTH_MAX_SCOPES];
};

/* Every `scope` of QUERY: the parameter may stand there several times, and hold several. */
static void read_scopes(const char *query, struct grant *g)
{
    char value[AUTH_MAX_SCOPES];
    enum http_param said = HTTP_PARAM_ABSENT;
    while ((said = http_query_next(&query, "scope", value, sizeof(value))) != HTTP_PARAM_ABSENT) {
        if (said == HTTP_PARAM_GOOD) {
            auth_scopes_grant(value, g->known, g->scopes);
        }
    }
}

static bool is_word(const char *query, const char *name, const char *word)
{
    char value[64];
    return http_query(query, name, value, sizeof(value)) && strcmp(value, word) == 0;
}

static int refuse(struct response *out, unsigned status, const char *message)
{
    return response_error(out, status, status == 400 ? "UNSUPPORTED" : NULL, message);
}

/* 0: G says what may be had; 1: OUT refuses; -1: no memory. */
static int by_get(const struct auth *a, const struct auth_ask *ask, struct grant *g,
                  struct response *out)
{
    const char *header = http_request_header(ask->request, "Authorization");
    const char *query = ask->request->query;
    g->known = auth_basic_fits(a, header);
    if (header != NULL && !g->known) {
        return refuse(out, 401, "incorrect user name or password") != 0 ? -1 : 1;
    }
    g->offline = g->known && is_word(query, "offline_token", "true");
    if (g->known || a->is.anonymous) {
        read_scopes(query, g);
    }
    return 0;
}

static bool password_fits(const struct auth *a, const char *form)
{
    char value[AUTH_USER + AUTH_PASSWORD];
    return http_query(form, "username", value, sizeof(value)) && strcmp(value, a->user) == 0 &&
           http_query(form, "password", value, sizeof(value)) && strcmp(value, a->password) == 0;
}

static bool refresh_fits(const struct auth *a, const char *form)
{
    char value[AUTH_MAX_TOKEN];
    struct auth_token token;
    return http_query(form, "refresh_token", value, sizeof(value)) &&
           auth_token_read(a, value, strlen(value), &token) && token.kind == AUTH_TOKEN_REFRESH;
}

static int by_form(const struct auth *a, const struct auth_ask *ask, struct grant *g,
                   struct response *out)
{
    const char *form = ask->form;
    bool password = form != NULL && is_word(form, "grant_type", "password");
    bool refresh = form != NULL && is_word(form, "grant_type", "refresh_token");
    if (!password && !refresh) {
        return refuse(out, 400, "unsupported grant_type") != 0 ? -1 : 1;
    }
    g->known = password ? password_fits(a, form) : refresh_fits(a, form);
    if (!g->known) {
        return refuse(out, 401, "incorrect user name, password or token") != 0 ? -1 : 1;
    }
    g->offline = is_word(form, "access_type", "offline");
    read_scopes(form, g);
    return 0;
}

static void say(struct buf *b, const char *name, const char *value)
{
    buf_printf(b, "%s\"%s\":", b->len == 1 ? "" : ",", name);
    buf_json_string(b, value, strlen(value));
}

static int answer(const struct auth *a, const struct auth_ask *ask, const struct grant *g,
                  bool form, struct response *out)
{
    struct auth_token token = {.kind = AUTH_TOKEN_ACCESS, .ends_ns = ask->now_ns + a->is.ttl_ns};
    struct auth_token again = {.kind = AUTH_TOKEN_REFRESH};
    char text[AUTH_MAX_TOKEN];
    char refresh[AUTH_MAX_TOKEN] = "";
    struct buf b;
    memcpy(token.scopes, g->scopes, sizeof(token.scopes));
    if (!make_token(a, &token, text) || (g->offline && !make_token(a, &again, refresh))) {
        return -1;
    }
    buf_init(&b, ANSWER_BYTES);
    buf_char(&b, '{');
    if (!form) {
        say(&b, "token", text);
    }
    say(&b, "access_token", text);
    if (form) {
        say(&b, "scope", g->scopes);
    }
    buf_printf(&b, ",\"expires_in\":%" PRIu64, a->is.ttl_ns / CLOCK_NS_PER_S);
    say(&b, "issued_at", ask->wall);
    if (g->offline) {
        say(&b, "refresh_token", refresh);
    }
    buf_char(&b, '}');
    if (response_take_buf(out, &b) != 0) {
        return -1;
    }
    response_header_text(out, "Content-Type", "application/json");
    response_header_text(out, "Cache-Control", "no-store");
    return 0;
}

int auth_give_token(const struct auth *a, const struct auth_ask *ask, struct response *out)
{
    struct grant g = {.known = false};
    bool form = strcmp(ask->request->method, "POST") == 0;
    int refused = form ? by_form(a, ask, &g, out) : by_get(a, ask, &g, out);
    if (refused != 0) {
        return refused < 0 ? -1 : 0;
    }
    return answer(a, ask, &g, form, out);
}
