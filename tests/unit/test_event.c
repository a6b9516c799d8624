/* Events as lines: the exact form, the way back, and everything that is no event. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/history/event.h"
#include "harness/history/event_table.h"

#define BUF_MAX (1u << 20)

/* Sets every field of EV to something of its own, told from all others by I. */
static void fill(struct event *ev, enum event_type type, char texts[32][48])
{
    const struct event_layout *layout = event_layout(type);

    *ev = (struct event){.n = 7, .t_ns = 123456789, .type = type, .actor = "registry/primary"};
    for (size_t i = 0; i < layout->count; i++) {
        const struct event_field *f = &layout->fields[i];
        void *p = (char *)ev + f->offset;

        (void)snprintf(texts[i], 48, "text %zu \"\\\n\t\x01 \xc3\xbc\xf0\x9f\x9a\x80", i);
        if (f->kind == FIELD_STRING)
            *(const char **)p = texts[i];
        else if (f->kind == FIELD_OBJECT)
            *(const char **)p = "{\"a\":[1,{}],\"b\":\"x y\"}";
        else if (f->kind == FIELD_U64)
            *(uint64_t *)p = INT64_MAX - i; /* as far as jansson reads */
        else if (f->kind == FIELD_I64)
            *(int64_t *)p = INT64_MIN + (int64_t)i;
        else if (f->kind == FIELD_BOOL)
            *(bool *)p = true;
        else if (f->kind == FIELD_OP)
            *(enum op *)p = OP_UPLOAD_CANCEL;
        else if (f->kind == FIELD_OUTCOME)
            *(enum outcome *)p = OUTCOME_WRONG;
        else if (f->kind == FIELD_PIECES)
            *(const char **)p = "0-0 20-29 5-18446744073709551615";
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_same_field(const struct event_field *f, const void *a, const void *b)
{
    bool same = false;

    if (f->kind == FIELD_STRING || f->kind == FIELD_OBJECT || f->kind == FIELD_PIECES)
        same = same_text(*(const char *const *)a, *(const char *const *)b);
    else if (f->kind == FIELD_U64 || f->kind == FIELD_I64)
        same = memcmp(a, b, 8) == 0;
    else if (f->kind == FIELD_BOOL)
        same = *(const bool *)a == *(const bool *)b;
    else if (f->kind == FIELD_OP)
        same = *(const enum op *)a == *(const enum op *)b;
    else if (f->kind == FIELD_OUTCOME)
        same = *(const enum outcome *)a == *(const enum outcome *)b;
    cr_assert(same, "field %.*s", (int)f->name_len, event_field_name(f));
}

static void check_same(const struct event *a, const struct event *b)
{
    const struct event_layout *layout = event_layout(a->type);

    cr_assert_eq(a->n, b->n);
    cr_assert_eq(a->t_ns, b->t_ns);
    cr_assert_eq(a->type, b->type);
    cr_assert(same_text(a->actor, b->actor));
    for (size_t i = 0; i < layout->count; i++)
        check_same_field(&layout->fields[i], (const char *)a + layout->fields[i].offset,
                         (const char *)b + layout->fields[i].offset);
}

/* Encodes EV, has jansson look at the line, and decodes it again. */
static void round_trip(const struct event *ev)
{
    struct buf line, scratch;
    struct err e = {0};
    struct event back;
    json_t *tree;

    buf_init(&line, BUF_MAX);
    buf_init(&scratch, BUF_MAX);
    event_encode(ev, &line);
    cr_assert_not(line.failed);
    cr_assert_eq(line.data[line.len - 1], '\n');
    cr_assert_eq(strchr(line.data, '\n'), line.data + line.len - 1, "one line: %s", line.data);
    tree = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(tree, "%s", line.data);
    cr_assert_str_eq(json_string_value(json_object_get(tree, "event")), event_type_name(ev->type));
    json_decref(tree);
    cr_assert_eq(event_decode(line.data, line.len - 1, &back, &scratch, &e), 0, "%s", e.text);
    check_same(ev, &back);
    buf_close(&line);
    buf_close(&scratch);
}

/* Every event comes back as it was, with every field set and with none. */
Test(event, round_trips)
{
    for (unsigned type = 0; type < EVENT_COUNT; type++) {
        char texts[32][48];
        struct event ev;

        fill(&ev, (enum event_type)type, texts);
        round_trip(&ev);
        ev = (struct event){.n = 1, .type = (enum event_type)type};
        round_trip(&ev);
    }
}

/* Each field of an event has a name and a place of its own. */
Test(event, fields_are_apart)
{
    for (unsigned type = 0; type < EVENT_COUNT; type++) {
        const struct event_layout *layout = event_layout((enum event_type)type);

        cr_assert_not_null(layout->name);
        cr_assert(layout->count > 0 && layout->count <= 32);
        for (size_t i = 0; i < layout->count; i++)
            for (size_t j = i + 1; j < layout->count; j++) {
                cr_assert_neq(layout->fields[i].offset, layout->fields[j].offset);
                cr_assert_str_neq(layout->fields[i].key, layout->fields[j].key);
            }
    }
}

static void check_line(const struct event *ev, const char *expected)
{
    struct buf line;

    buf_init(&line, BUF_MAX);
    event_encode(ev, &line);
    cr_assert_str_eq(line.data, expected);
    buf_close(&line);
}

/* The very bytes of the two lines that every request costs. */
Test(event, request_and_response_lines)
{
    struct event ev = {.n = 12, .t_ns = 3400, .type = EVENT_REQUEST, .actor = "registry/primary"};

    ev.request = (struct event_request){.registry = "primary",
                                        .host = "primary",
                                        .lane = 1,
                                        .start = 2,
                                        .connection = 3,
                                        .ordinal = 4,
                                        .op = OP_PING,
                                        .method = "GET",
                                        .path = "/v2/",
                                        .ns = "docker.io",
                                        .user_agent = "skopeo/1.9",
                                        .credential = "none"};
    check_line(&ev, "{\"n\":12,\"t_ns\":3400,\"actor\":\"registry/primary\",\"event\":\"request\","
                    "\"registry\":\"primary\",\"host\":\"primary\",\"lane\":1,\"start\":2,"
                    "\"connection\":3,\"ordinal\":4,\"op\":\"ping\",\"method\":\"GET\","
                    "\"path\":\"/v2/\",\"namespace\":\"docker.io\",\"user-agent\":\"skopeo/1.9\","
                    "\"credential\":\"none\"}\n");
    ev.type = EVENT_RESPONSE;
    ev.response = (struct event_response){.registry = "primary",
                                          .request = 4,
                                          .head_bytes = 99,
                                          .first_byte_ns = 5,
                                          .duration_ns = 6,
                                          .end = "cut",
                                          .late = true,
                                          .received = 7,
                                          .stored = "sha256:ab"};
    check_line(&ev, "{\"n\":12,\"t_ns\":3400,\"actor\":\"registry/primary\",\"event\":\"response\","
                    "\"registry\":\"primary\",\"request\":4,\"status\":0,\"head-bytes\":99,"
                    "\"written\":0,\"delivered\":0,\"first-byte-ns\":5,\"duration-ns\":6,"
                    "\"end\":\"cut\",\"late\":true,\"received\":7,"
                    "\"stored\":\"sha256:ab\"}\n");
}

/* Zeros that say something are written: an exit code of 0, a rule that did not fire. */
Test(event, zeros_that_speak)
{
    struct event ev = {.n = 1, .type = EVENT_START_END};

    check_line(&ev, "{\"n\":1,\"t_ns\":0,\"event\":\"start-end\",\"exit\":0}\n");
    ev.start_end.exit = -1;
    ev.start_end.outcome = OUTCOME_HUNG;
    check_line(&ev,
               "{\"n\":1,\"t_ns\":0,\"event\":\"start-end\",\"outcome\":\"hung\",\"exit\":-1}\n");
    ev = (struct event){.n = 1, .type = EVENT_FAULT_DECIDED};
    check_line(&ev, "{\"n\":1,\"t_ns\":0,\"event\":\"fault-decided\",\"fired\":false}\n");
}

/* The plan stands in the line as an object, on one line however it was written. */
Test(event, plan_is_embedded)
{
    struct event ev = {.n = 1, .type = EVENT_DRILL_BEGIN, .actor = "drill"};

    ev.drill_begin.plan = " {\n  \"seed\" : 42 ,\t\"title\": \"a \\\" b\" }\n";
    ev.drill_begin.wall = "2026-01-02T03:04:05.678Z";
    check_line(&ev, "{\"n\":1,\"t_ns\":0,\"actor\":\"drill\",\"event\":\"drill-begin\","
                    "\"plan\":{\"seed\":42,\"title\":\"a \\\" b\"},"
                    "\"wall\":\"2026-01-02T03:04:05.678Z\"}\n");
}

/* A plan that would spoil the file is not written; the buffer says so. */
Test(event, plan_that_is_no_object)
{
    static const char *const plans[] = {"", "[]", "{", "{}{}", "{\"a\":}", "text"};

    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        struct event ev = {.n = 1, .type = EVENT_DRILL_BEGIN, .drill_begin = {.plan = plans[i]}};
        struct buf line;

        buf_init(&line, BUF_MAX);
        event_encode(&ev, &line);
        cr_assert(line.failed, "%s", plans[i]);
        buf_close(&line);
    }
}

static int decode(const char *line, size_t len, struct event *ev, struct buf *scratch)
{
    struct err e = {0};
    int result = event_decode(line, len, ev, scratch, &e);

    cr_assert_eq(e.code, result == 0 ? ERR_NONE : ERR_INVALID, "%s", e.text);
    return result;
}

/* Order, blanks, escapes and fields that are not ours change nothing. */
Test(event, any_valid_line_is_read)
{
    static const char line[] =
        " { \"late\" : true , \"x\" : [ { \"op\" : [ ] } , -1.5e+3 , null , { } , \"\\u0000\" ] ,\r"
        "\"path\":\"\\/v2\\/\\u00fc\\ud83d\\ude80\\t\\u0000\\ud800\", \"op\":\"blob-get\","
        "\"event\":\"request\",\"zz\":{\"a\":[[1],[2]],\"b\":false},\"t_ns\":0,\"lane\":1,\"n\":18}"
        " ";
    struct event ev;
    struct buf scratch;

    buf_init(&scratch, BUF_MAX);
    cr_assert_eq(decode(line, sizeof(line) - 1, &ev, &scratch), 0);
    cr_assert_eq(ev.type, EVENT_REQUEST);
    cr_assert_eq(ev.n, 18);
    cr_assert_eq(ev.request.lane, 1);
    cr_assert_eq(ev.request.op, OP_BLOB_GET);
    cr_assert(ev.request.late);
    cr_assert_str_eq(ev.request.path, "/v2/\xc3\xbc\xf0\x9f\x9a\x80\t\xef\xbf\xbd\xef\xbf\xbd");
    buf_close(&scratch);
}

/* What is no JSON, no event, or of the wrong type is refused. */
Test(event, refused_lines)
{
    static const char *const lines[] = {
        "",
        " ",
        "null",
        "[]",
        "{",
        "{}",
        "{\"n\":1}",
        "{\"event\":\"nothing\"}",
        "{\"event\":1}",
        "{\"event\":\"lag\"",
        "{\"event\":\"lag\"}}",
        "{\"event\":\"lag\"} x",
        "{\"event\":\"lag\",}",
        "{,\"event\":\"lag\"}",
        "{\"event\":\"lag\" \"n\":1}",
        "{\"event\":\"lag\",\"event\":\"claim\"}",
        "{\"event\":\"lag\",\"n\":-1}",
        "{\"event\":\"lag\",\"n\":1.0}",
        "{\"event\":\"lag\",\"n\":1e3}",
        "{\"event\":\"lag\",\"n\":01}",
        "{\"event\":\"lag\",\"n\":\"1\"}",
        "{\"event\":\"lag\",\"n\":18446744073709551616}",
        "{\"event\":\"lag\",\"actor\":null}",
        "{\"event\":\"lag\",\"x\":tru}",
        "{\"event\":\"lag\",\"x\":[1,]}",
        "{\"event\":\"lag\",\"x\":[1}",
        "{\"event\":\"lag\",\"x\":{\"a\"}}",
        "{\"event\":\"lag\",\"x\":{\"a\":1,}}",
        "{\"event\":\"lag\",\"x\":1.}",
        "{\"event\":\"lag\",\"x\":-}",
        "{\"event\":\"lag\",\"x\":\"\\q\"}",
        "{\"event\":\"lag\",\"x\":\"\\u12g4\"}",
        "{\"event\":\"lag\",\"x\":\"\xff\"}",
        "{\"event\":\"lag\",\"x\":\"a\nb\"}",
        "{\"event\":\"request\"}",
        "{\"event\":\"request\",\"op\":\"pong\"}",
        "{\"event\":\"request\",\"op\":0}",
        "{\"event\":\"start-end\",\"exit\":- 1}",
        "{\"event\":\"start-end\",\"exit\":true}",
        "{\"event\":\"start-end\",\"exit\":9223372036854775808}",
        "{\"event\":\"start-end\",\"exit\":-9223372036854775809}",
        "{\"event\":\"start-end\",\"outcome\":\"fine\"}",
        "{\"event\":\"start-end\",\"control\":1}",
        "{\"event\":\"response\",\"pieces\":5}",
        "{\"event\":\"response\",\"pieces\":\"\"}",
        "{\"event\":\"response\",\"pieces\":\"0\"}",
        "{\"event\":\"response\",\"pieces\":\"0-\"}",
        "{\"event\":\"response\",\"pieces\":\"-9\"}",
        "{\"event\":\"response\",\"pieces\":\"9-5\"}",
        "{\"event\":\"response\",\"pieces\":\"0-9 \"}",
        "{\"event\":\"response\",\"pieces\":\" 0-9\"}",
        "{\"event\":\"response\",\"pieces\":\"0-9  10-19\"}",
        "{\"event\":\"response\",\"pieces\":\"0-9,10-19\"}",
        "{\"event\":\"response\",\"pieces\":\"0-18446744073709551616\"}",
        "{\"event\":\"drill-begin\",\"plan\":\"{}\"}",
        "{\"event\":\"drill-begin\",\"plan\":[]}",
        "{\"event\":\"drill-begin\",\"plan\":{\"a\":}}",
    };
    struct event ev;
    struct buf scratch;

    buf_init(&scratch, BUF_MAX);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        cr_assert_eq(decode(lines[i], strlen(lines[i]), &ev, &scratch), -1, "%s", lines[i]);
    cr_assert_eq(decode("{\"event\":\"lag\"}\0", 16, &ev, &scratch), -1, "a NUL byte behind it");
    buf_close(&scratch);
}

/* The largest numbers come back too, though few other readers would take them. */
Test(event, largest_numbers)
{
    static const char line[] = "{\"event\":\"start-end\",\"n\":18446744073709551615,"
                               "\"exit\":-9223372036854775808,\"signal\":9223372036854775807}";
    struct event ev;
    struct buf scratch;

    buf_init(&scratch, BUF_MAX);
    cr_assert_eq(decode(line, sizeof(line) - 1, &ev, &scratch), 0);
    cr_assert_eq(ev.n, UINT64_MAX);
    cr_assert_eq(ev.start_end.exit, INT64_MIN);
    cr_assert_eq(ev.start_end.signal, INT64_MAX);
    buf_close(&scratch);
}

/* Deep nesting in a field that is not ours is bounded without recursion. */
Test(event, deep_unknown_fields)
{
    struct event ev;
    struct buf line, scratch;

    buf_init(&line, BUF_MAX);
    buf_init(&scratch, BUF_MAX);
    for (int depth = 256; depth <= 257; depth++) {
        buf_reset(&line);
        buf_str(&line, "{\"event\":\"lag\",\"x\":");
        for (int i = 0; i < depth; i++)
            buf_str(&line, i % 3 == 0 ? "{\"a\":" : "[");
        buf_str(&line, "1");
        for (int i = depth - 1; i >= 0; i--)
            buf_str(&line, i % 3 == 0 ? "}" : "]");
        buf_str(&line, "}");
        cr_assert_eq(decode(line.data, line.len, &ev, &scratch), depth <= 256 ? 0 : -1);
    }
    buf_close(&line);
    buf_close(&scratch);
}

/* Every beginning of a line is refused, never read past: the copy ends where the line does. */
Test(event, cut_lines)
{
    struct buf line, scratch;
    char texts[32][48];
    struct event ev;

    buf_init(&line, BUF_MAX);
    buf_init(&scratch, BUF_MAX);
    fill(&ev, EVENT_START_END, texts);
    event_encode(&ev, &line);
    for (size_t len = 0; len < line.len - 1; len++) {
        char *copy = malloc(len + (len == 0));

        memcpy(copy, line.data, len);
        cr_assert_eq(decode(copy, len, &ev, &scratch), -1, "%.*s", (int)len, copy);
        free(copy);
    }
    buf_close(&line);
    buf_close(&scratch);
}

/* Mangled lines: whatever is accepted must be JSON in an independent parser's eyes too. */
Test(event, mangled_lines)
{
    struct buf line, scratch;
    char texts[32][48];
    struct event ev;
    struct rng r;

    rng_init(&r, 5);
    buf_init(&line, BUF_MAX);
    buf_init(&scratch, BUF_MAX);
    for (int round = 0; round < 30000; round++) {
        json_error_t je;
        json_t *tree;

        buf_reset(&line);
        fill(&ev, (enum event_type)(rng_next(&r) % EVENT_COUNT), texts);
        event_encode(&ev, &line);
        for (uint64_t edits = 1 + rng_next(&r) % 3; edits > 0; edits--)
            line.data[rng_next(&r) % line.len] = "{}[]\",:\\u0e-.1 \n\xff"[rng_next(&r) % 17];
        if (decode(line.data, line.len, &ev, &scratch) != 0)
            continue;
        tree = json_loadb(line.data, line.len, JSON_ALLOW_NUL, &je);
        /* jansson refuses what RFC 8259 leaves open: large integers, lone surrogates. */
        cr_assert(tree != NULL || strstr(je.text, "too big") != NULL ||
                      strstr(je.text, "invalid Unicode") != NULL ||
                      strstr(je.text, "overflow") != NULL,
                  "%s: %s", line.data, je.text);
        json_decref(tree);
    }
    buf_close(&line);
    buf_close(&scratch);
}
