/* Bytes of a connection: parsed, routed and answered over a store with images. The same bytes cut
 * at other places must come to the same answers. */
#include <stdlib.h>
#include <string.h>

#include "fake-registry/auth.h"
#include "fake-registry/http.h"
#include "fake-registry/proxy_request.h"
#include "fake-registry/redirect.h"
#include "tests/fuzz/lib/answer.h"
#include "tests/fuzz/lib/client.h"
#include "tests/fuzz/lib/fuzz.h"

#define MAX_TOLD ((size_t)64 << 20)

/* One connection, and what it came to. */
struct side {
    struct http_parser *parser;
    struct store *store;
    struct oci_route route;
    struct oci_write write; /* of a request that changes the store, from its head to its end */
    bool writing;
    uint64_t body; /* bytes of the request's body so far */
    bool ended;
    struct buf told;
};

static const struct auth *auth(enum auth_mode mode)
{
    static struct auth *made[2];
    struct err e = {0};
    if (made[mode] == NULL) {
        const struct auth_config config = {
            .registry = "primary", .mark = "0123456789abcde", .mode = mode, .anonymous = true};
        made[mode] = auth_new(&config, &e);
        MUST(made[mode] != NULL, "%s", e.text);
    }
    return made[mode];
}

static void read_ranges(const char *header, uint64_t size)
{
    struct http_span span[HTTP_MAX_RANGES];
    size_t count = 0;
    uint64_t total = 0;
    enum http_range said = http_range_parse(header, size, span, &count);
    MUST((said == HTTP_RANGE_OK) == (count > 0) && count <= HTTP_MAX_RANGES, "%zu ranges", count);
    for (size_t i = 0; i < count; i++) {
        MUST(span[i].len > 0 && span[i].from < size && span[i].len <= size - span[i].from,
             "a range beyond %llu bytes", (unsigned long long)size);
        total += span[i].len;
    }
    MUST(total <= size, "ranges of more bytes than there are");
}

/* Readers of parts of a request: what they make of it is of no account here, but it is all of its
 * own. */
static void read_parts(const struct http_request *r)
{
    static const char *const names[] = {"n",    "last", "digest", "mount",
                                        "from", "ns",   "tag",    "artifactType"};
    char value[256];
    struct proxy_request proxied;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (http_query(r->query, names[i], value, sizeof value)) {
            MUST(memchr(value, '\0', sizeof value) != NULL, "a value without an end");
        }
    }
    proxy_request_read(r, &proxied);
    MUST(proxied.form != PROXY_WRONG || proxied.why != NULL, "wrong without a reason");
    for (uint64_t size = 0; size < 8; size++) {
        read_ranges(http_request_header(r, "range"), size);
    }
    /* To take a tag without quotes changes nothing but that. */
    enum http_condition strict = http_condition(r, "sha256:1", false);
    enum http_condition bare = http_condition(r, "sha256:1", true);
    MUST(bare == strict || (strict == HTTP_HOLDS && bare == HTTP_NOT_MODIFIED),
         "a tag without quotes undoes a condition");
    (void)http_if_range(r, "sha256:1");
}

static void ask_auth(enum auth_mode mode, const struct http_request *r,
                     const struct oci_route *route, struct buf *told)
{
    static const unsigned char key[REDIRECT_KEY] = {1};
    const struct auth_ask ask = {.request = r,
                                 .route = route,
                                 .realm = "http://127.0.0.1/token",
                                 .service = "primary",
                                 .now_ns = 1,
                                 .wall = "2026-01-01T00:00:00Z"};
    struct response out;
    response_init(&out);
    buf_printf(told, "carried %d\n", auth_carried(auth(mode), r, NULL));
    int rc = auth_check(auth(mode), &ask, &out);
    MUST(rc >= 0, "no memory");
    if (rc == 1) {
        answer_check(&out);
        answer_tell(&out, told);
    }
    response_close(&out);
    response_init(&out);
    MUST(auth_give_token(auth(mode), &ask, &out) == 0, "no memory");
    answer_check(&out);
    response_close(&out);
    buf_printf(told, "redirect %d\n", redirect_check(key, r, 1));
}

static void check_route(const struct oci_route *route)
{
    MUST(memchr(route->repository, '\0', OCI_MAX_NAME) != NULL, "a repository without an end");
    MUST(memchr(route->reference, '\0', OCI_MAX_REFERENCE) != NULL, "a reference without an end");
    MUST(strstr(route->repository, "..") == NULL || route->bad != NULL ||
             strstr(route->repository, "/../") == NULL,
         "a repository that climbs: %s", route->repository);
}

static void begin(struct side *side, const struct http_request *r)
{
    static const struct oci_rules rules = {.read_only = false};
    side->body = 0;
    oci_route(r, &side->route);
    check_route(&side->route);
    read_parts(r);
    side->writing = oci_is_write(side->route.op);
    if (side->writing) {
        MUST(oci_write_begin(side->store, &rules, r, &side->route, &side->write) == 0, "no memory");
    }
}

static void answer(struct side *side, const struct http_request *r)
{
    const struct oci_route route = side->route;
    struct response out;
    MUST(r->content_length == 0 || side->body == r->content_length, "a body of %llu for %llu",
         (unsigned long long)side->body, (unsigned long long)r->content_length);
    buf_printf(&side->told, "%s %s: %s %s %s body %llu keep %d\n", r->method, r->target,
               op_name(route.op), route.repository, route.reference, (unsigned long long)side->body,
               r->keep_alive);
    ask_auth(AUTH_BASIC, r, &route, &side->told);
    ask_auth(AUTH_TOKEN, r, &route, &side->told);
    response_init(&out);
    if (side->writing) {
        side->writing = false;
        client_finish(side->store, r, &route, &side->write, &out);
    } else {
        MUST(oci_respond(side->store, r, &route, NULL, 0, &out) == 0, "no memory");
        answer_check(&out);
    }
    answer_tell(&out, &side->told);
    response_close(&out);
    side->ended = !r->keep_alive;
}

static void broken(struct side *side)
{
    const char *why = NULL;
    const char *body;
    size_t used, body_len;
    unsigned status = http_parser_status(side->parser, &why);
    MUST(why != NULL && status >= 400 && status <= 505, "broken with status %u", status);
    MUST(http_parser_feed(side->parser, "GET", 3, &used, &body, &body_len) == HTTP_BROKEN,
         "broken, and whole again");
    buf_printf(&side->told, "broken %u %s\n", status, why);
    side->ended = true;
}

/* Feeds LEN bytes to their end, or to that of the connection. */
static void feed(struct side *side, const char *data, size_t len)
{
    enum http_event event = HTTP_HEAD;
    while (event != HTTP_MORE && !side->ended) {
        const char *body = NULL;
        size_t body_len = 0;
        size_t used = 0;
        event = http_parser_feed(side->parser, data, len, &used, &body, &body_len);
        MUST(used <= len, "%zu bytes used of %zu", used, len);
        if (event == HTTP_HEAD) {
            begin(side, http_parser_request(side->parser));
        } else if (event == HTTP_BODY) {
            MUST(body >= data && body + body_len <= data + used, "a body beyond the data");
            side->body += body_len;
            if (side->writing) {
                oci_write_body(&side->write, body, body_len);
            }
        } else if (event == HTTP_DONE) {
            answer(side, http_parser_request(side->parser));
            http_parser_next(side->parser);
        } else if (event == HTTP_BROKEN) {
            broken(side);
        }
        data += used;
        len -= used;
    }
    MUST(side->ended || len == 0, "more is asked for with %zu bytes left", len);
}

/* DATA in pieces of at most LIMIT bytes. */
static void converse(struct side *side, const uint8_t *data, size_t len, size_t limit)
{
    struct fuzz_dice dice = fuzz_dice(data, len);
    side->parser = http_parser_new();
    MUST(side->parser != NULL, "no memory");
    side->store = answer_store();
    buf_init(&side->told, MAX_TOLD);
    for (size_t at = 0; at < len && !side->ended;) {
        size_t piece = limit < len ? 1 + fuzz_roll(&dice, limit) : len;
        piece = piece < len - at ? piece : len - at;
        /* A copy of its own: nothing may be kept of it, nor read beyond it. */
        char *copy = malloc(piece);
        MUST(copy != NULL, "no memory");
        memcpy(copy, data + at, piece);
        feed(side, copy, piece);
        free(copy);
        at += piece;
    }
    if (side->writing) {
        oci_write_close(side->store, &side->write, len % 2 == 0);
    }
    http_parser_free(side->parser);
    store_free(side->store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const size_t limits[] = {1, 5, 64};
    struct side whole = {0};
    converse(&whole, data, len, SIZE_MAX);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0] && limits[i] < len; i++) {
        struct side cut = {0};
        converse(&cut, data, len, limits[i]);
        MUST(cut.told.len == whole.told.len &&
                 (cut.told.len == 0 || memcmp(cut.told.data, whole.told.data, cut.told.len) == 0),
             "in pieces of %zu:\n%s\nas a whole:\n%s", limits[i], cut.told.data, whole.told.data);
        buf_close(&cut.told);
    }
    buf_close(&whole.told);
    return 0;
}
