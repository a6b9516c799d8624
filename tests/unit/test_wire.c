/* Answers and their faults as segments: order, places, exact lengths, what a heal would restore. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake-registry/wire.h"

#define BODY 1000

struct bench {
    struct content *content;
    struct response response;
    struct fault_rule rule[FAULT_MAX_DECISIONS];
    struct fault_decision decision[FAULT_MAX_DECISIONS];
    size_t count;
    struct wire_plan plan;
};

/* A 200 that carries bytes FROM.. of an object whose byte i is i % 251. */
static struct bench *bench_new(uint64_t from, bool in_file)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct err e = {0};
    uint8_t *data = malloc(BODY);
    cr_assert(b != NULL && data != NULL);
    for (size_t i = 0; i < BODY; i++) {
        data[i] = (uint8_t)(i % 251);
    }
    b->content = content_new_take(data, BODY, "text/plain", &e);
    cr_assert_not_null(b->content);
    if (in_file) {
        b->content->fd = memfd_create("wire", MFD_CLOEXEC);
        cr_assert_eq(write(b->content->fd, data, BODY), BODY);
        free(b->content->data);
        b->content->data = NULL;
    }
    response_init(&b->response);
    b->response.status = 200;
    b->response.content = content_ref(b->content);
    b->response.from = from;
    b->response.len = BODY - from;
    return b;
}

static void add(struct bench *b, enum fault_kind kind, struct fault_action action)
{
    struct fault_rule *rule = &b->rule[b->count];
    struct fault_decision *d = &b->decision[b->count++];
    rule->kind = &fault_catalogue[kind];
    rule->name = rule->kind->name;
    action.rule = rule;
    *d = (struct fault_decision){.rule = rule, .fired = true, .action = action};
}

static void make(struct bench *b)
{
    struct err e = {0};
    cr_assert_eq(wire_plan(&b->response, b->decision, b->count, true, &b->plan, &e), 0, "%s",
                 e.text);
}

static void bench_free(struct bench *b)
{
    wire_plan_close(&b->plan);
    response_close(&b->response);
    cr_assert_eq(b->content->refs, 1);
    content_unref(b->content);
    free(b);
}

/* The plan in words, a letter a step: H head, B body, A altered, F file, d s f r for the rest, with
 * lengths behind those that have one. */
static const char *shape(const struct wire_plan *p)
{
    static char text[2048];
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < p->count; i++) {
        const struct segment *s = &p->segment[i];
        char letter = "BFdRsfr"[s->kind];
        if (s->kind == SEGMENT_MEMORY && !s->body) {
            letter = 'H';
        } else if (s->kind == SEGMENT_MEMORY && s->original != NULL) {
            letter = 'A';
        }
        int n = s->body ? snprintf(text + at, sizeof(text) - at, "%c%d", letter, (int)s->len)
                        : snprintf(text + at, sizeof(text) - at, "%c", letter);
        at += (size_t)n;
    }
    return text;
}

/* Head and body: the head is HTTP, with our headers, the response's own, and one blank line. */
Test(wire, plans_an_answer)
{
    struct bench *b = bench_new(0, false);
    response_header(&b->response, "Content-Type", "text/plain");
    make(b);
    cr_assert_str_eq(shape(&b->plan), "HB1000");
    char head[RESPONSE_HEAD + 257];
    memcpy(head, b->plan.head, b->plan.head_len);
    head[b->plan.head_len] = '\0';
    cr_assert_eq(strncmp(head, "HTTP/1.1 200 OK\r\nDate: ", 23), 0, "%s", head);
    cr_assert_not_null(strstr(head, " GMT\r\nServer: pulldrill\r\nContent-Type: text/plain\r\n"));
    cr_assert_not_null(strstr(head, "\r\nContent-Length: 1000\r\nConnection: keep-alive\r\n\r\n"));
    cr_assert_eq(strstr(head, "\r\n\r\n") + 4, head + b->plan.head_len);
    cr_assert_eq(b->plan.segment[0].len, b->plan.head_len);
    cr_assert_not(b->plan.close_after);
    cr_assert(b->plan.carries_object);
    bench_free(b);
}

/* HEAD promises the length and sends nothing behind the head. */
Test(wire, head_has_no_body)
{
    struct bench *b = bench_new(0, false);
    b->response.head_only = true;
    make(b);
    cr_assert_str_eq(shape(&b->plan), "H");
    cr_assert_eq(b->plan.body_len, 0);
    cr_assert_not_null(memmem(b->plan.head, b->plan.head_len, "Content-Length: 1000", 20));
    bench_free(b);
}

/* 204 never has a body or a length, whatever a fault put there. */
Test(wire, no_content_has_no_length)
{
    struct bench *b = bench_new(0, false);
    b->response.status = 204;
    make(b);
    cr_assert_str_eq(shape(&b->plan), "H");
    cr_assert_null(memmem(b->plan.head, b->plan.head_len, "Content-Length", 14));
    bench_free(b);
}

/* Steps stand at their places whatever the order of decisions; the rest of the body follows every
 * cut, for it may be healed. */
Test(wire, sorts_steps_by_place)
{
    struct bench *b = bench_new(0, false);
    add(b, FAULT_LATENCY, (struct fault_action){.delay_ns = 5});
    add(b, FAULT_STALL, (struct fault_action){.after_bytes = 700});
    add(b, FAULT_TRUNCATE, (struct fault_action){.after_bytes = 300});
    add(b, FAULT_STALL, (struct fault_action){.before_head = true});
    add(b, FAULT_RESET, (struct fault_action){.after_bytes = 700});
    add(b, FAULT_CLOSE, (struct fault_action){.after_bytes = 0});
    make(b);
    cr_assert_str_eq(shape(&b->plan), "dsHfB300fB400srB300");
    cr_assert_eq(b->plan.segment[0].delay_ns, 5);
    bench_free(b);
}

/* A step past the end of the body cannot show and is left out; at the very end it stands last. */
Test(wire, leaves_out_what_cannot_show)
{
    struct bench *b = bench_new(0, false);
    add(b, FAULT_RESET, (struct fault_action){.after_bytes = 1001});
    add(b, FAULT_CLOSE, (struct fault_action){.after_bytes = 1000});
    add(b, FAULT_CORRUPT, (struct fault_action){.offset = 1000, .bytes = 5, .flip = 1});
    make(b);
    cr_assert_str_eq(shape(&b->plan), "HB1000f");
    bench_free(b);
}

/* What did not fire does nothing. */
Test(wire, ignores_what_did_not_fire)
{
    struct bench *b = bench_new(0, false);
    add(b, FAULT_RESET, (struct fault_action){.after_bytes = 10});
    b->decision[0].fired = false;
    make(b);
    cr_assert_str_eq(shape(&b->plan), "HB1000");
    bench_free(b);
}

/* Altered bytes: flipped, exactly there, the true ones beside them, placed within the object. */
static void check_altered(bool in_file, const char *want)
{
    struct bench *b = bench_new(100, in_file);
    add(b, FAULT_CORRUPT, (struct fault_action){.offset = 10, .bytes = 4, .flip = 0x40});
    make(b);
    cr_assert_str_eq(shape(&b->plan), want);
    const struct segment *s = &b->plan.segment[2];
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(s->original[i], (110 + i) % 251);
        cr_assert_eq(s->data[i], s->original[i] ^ 0x40);
    }
    cr_assert_eq(b->plan.altered_from, 110);
    cr_assert_eq(b->plan.altered_bytes, 4);
    bench_free(b);
}

/* The same for content in memory and in a file. */
Test(wire, alters_a_range)
{
    check_altered(false, "HB10A4B886");
    check_altered(true, "HF10A4F886");
}

/* Two overlapping alterations do not undo each other, and a range past the end is clipped to it. */
Test(wire, overlapping_alterations_stay_altered)
{
    struct bench *b = bench_new(0, false);
    add(b, FAULT_CORRUPT, (struct fault_action){.offset = 100, .bytes = 10, .flip = 1});
    add(b, FAULT_CORRUPT, (struct fault_action){.offset = 95, .bytes = 10, .flip = 1});
    add(b, FAULT_CORRUPT, (struct fault_action){.offset = 105, .bytes = 10, .flip = 1});
    add(b, FAULT_CORRUPT, (struct fault_action){.offset = 990, .bytes = UINT64_MAX, .flip = 1});
    make(b);
    cr_assert_str_eq(shape(&b->plan), "HB95A5A10A5B875A10");
    uint64_t at = 0;
    for (size_t i = 1; i < b->plan.count; i++) {
        const struct segment *s = &b->plan.segment[i];
        for (size_t k = 0; s->original != NULL && k < s->len; k++) {
            cr_assert_eq(s->data[k], ((at + k) % 251) ^ 1);
        }
        at += s->len;
    }
    cr_assert_eq(b->plan.altered_bytes, 905);
    bench_free(b);
}

/* A cut within an altered range splits it: before and after, the same copy goes on. */
Test(wire, cuts_within_an_altered_range)
{
    struct bench *b = bench_new(0, false);
    add(b, FAULT_CORRUPT, (struct fault_action){.offset = 100, .bytes = 10, .flip = 1});
    add(b, FAULT_RESET, (struct fault_action){.after_bytes = 105});
    make(b);
    cr_assert_str_eq(shape(&b->plan), "HB100A5rA5B890");
    cr_assert_eq(b->plan.segment[4].data, b->plan.segment[2].data + 5);
    bench_free(b);
}

/* A 206 that carries bytes 500-509 and 0-2. */
static struct bench *bench_parts(bool in_file)
{
    static const struct http_span span[] = {{500, 10}, {0, 3}};
    struct bench *b = bench_new(0, in_file);
    b->response.status = 206;
    b->response.parts = multipart_new(span, 2, BODY, b->content->digest, "text/plain");
    cr_assert_not_null(b->response.parts);
    b->response.len = b->response.parts->len;
    return b;
}

/* The body of PLAN as it goes out, or as it would, were every fault healed. */
static uint8_t *body_of(const struct wire_plan *plan, bool healed)
{
    uint8_t *body = calloc(1, plan->body_len + 1);
    uint64_t at = 0;
    cr_assert_not_null(body);
    for (size_t i = 0; i < plan->count; i++) {
        const struct segment *s = &plan->segment[i];
        if (!s->body) {
            continue;
        }
        cr_assert_leq(s->len, plan->body_len - at);
        if (s->kind == SEGMENT_FILE) {
            cr_assert_eq(pread(s->fd, body + at, s->len, (off_t)s->offset), (ssize_t)s->len);
        } else {
            memcpy(body + at, healed && s->original != NULL ? s->original : s->data, s->len);
        }
        at += s->len;
    }
    cr_assert_eq(at, plan->body_len);
    return body;
}

/* The same as the parts themselves say it. */
static uint8_t *body_wanted(const struct multipart *m)
{
    uint8_t *body = calloc(1, m->len + 1);
    cr_assert_not_null(body);
    for (uint64_t at = 0; at < m->len; at++) {
        struct multipart_piece p = multipart_at(m, at);
        body[at] = p.text ? (uint8_t)m->text[p.offset] : (uint8_t)(p.offset % 251);
    }
    return body;
}

static void check_parts(bool in_file, struct fault_action corrupt, const char *want)
{
    struct bench *b = bench_parts(in_file);
    if (corrupt.bytes > 0) {
        corrupt.flip = 0x20;
        add(b, FAULT_CORRUPT, corrupt);
    }
    make(b);
    cr_assert_str_eq(shape(&b->plan), want);
    uint8_t *true_body = body_wanted(b->plan.parts);
    uint8_t *healed = body_of(&b->plan, true);
    uint8_t *sent = body_of(&b->plan, false);
    cr_assert_eq(memcmp(healed, true_body, b->plan.body_len), 0);
    for (uint64_t i = 0; i < b->plan.body_len; i++) {
        bool bad = i >= corrupt.offset && i - corrupt.offset < corrupt.bytes;
        cr_assert_eq(sent[i], true_body[i] ^ (bad ? 0x20 : 0), "byte %d", (int)i);
    }
    cr_assert_eq(b->plan.altered_bytes, corrupt.bytes);
    cr_assert(corrupt.bytes == 0 || b->plan.altered_from == corrupt.offset);
    free(true_body);
    free(healed);
    free(sent);
    bench_free(b);
}

/* Several ranges: texts from memory, content from where it lies; each byte as it should be. */
Test(wire, several_ranges)
{
    check_parts(false, (struct fault_action){.bytes = 0}, "HB99B10B97B3B40");
    check_parts(true, (struct fault_action){.bytes = 0}, "HB99F10B97F3B40");
}

/* Altered bytes count in the body: in the text, in a part, over the edges of several. */
Test(wire, alters_parts)
{
    check_parts(false, (struct fault_action){.offset = 1, .bytes = 2}, "HB1A2B96B10B97B3B40");
    check_parts(true, (struct fault_action){.offset = 1, .bytes = 2}, "HB1A2B96F10B97F3B40");
    check_parts(true, (struct fault_action){.offset = 101, .bytes = 4}, "HB99F2A4F4B97F3B40");
    check_parts(false, (struct fault_action){.offset = 107, .bytes = 100}, "HB99B8A100B2B40");
    check_parts(true, (struct fault_action){.offset = 107, .bytes = 100}, "HB99F8A100F2B40");
    check_parts(true, (struct fault_action){.offset = 0, .bytes = 249}, "HA249");
}

/* A cut counts bytes of the body, too; what it promised is the length of all parts. */
Test(wire, cuts_parts)
{
    struct bench *b = bench_parts(true);
    add(b, FAULT_STALL, (struct fault_action){.after_bytes = 101});
    add(b, FAULT_TRUNCATE, (struct fault_action){.after_bytes = 105});
    make(b);
    cr_assert_str_eq(shape(&b->plan), "HB99F2sF4fF4B97F3B40");
    cr_assert_not_null(memmem(b->plan.head, b->plan.head_len, "Content-Length: 249\r\n", 21));
    cr_assert(b->plan.carries_object && b->plan.object_from == 0);
    bench_free(b);
}

/* What cannot be planned is still the caller's, parts and all. */
Test(wire, parts_of_an_unreadable_file)
{
    struct bench *b = bench_parts(true);
    struct err e = {0};
    cr_assert_eq(ftruncate(b->content->fd, 505), 0);
    add(b, FAULT_CORRUPT, (struct fault_action){.offset = 105, .bytes = 10, .flip = 1});
    cr_assert_eq(wire_plan(&b->response, b->decision, b->count, true, &b->plan, &e), -1);
    cr_assert_eq(e.code, ERR_IO);
    cr_assert_not_null(b->response.parts);
    bench_free(b);
}

/* As many decisions as there can be fit, each with its split. */
Test(wire, holds_the_most_decisions)
{
    struct bench *b = bench_new(0, false);
    for (unsigned i = 0; i < FAULT_MAX_DECISIONS; i++) {
        if (i % 2 == 0) {
            add(b, FAULT_CORRUPT,
                (struct fault_action){.offset = 20 + i * 10, .bytes = 2, .flip = 1});
        } else {
            add(b, FAULT_STALL, (struct fault_action){.after_bytes = 21 + i * 10});
        }
    }
    make(b);
    cr_assert_leq(b->plan.count, WIRE_MAX_SEGMENTS);
    uint64_t body = 0;
    for (size_t i = 0; i < b->plan.count; i++) {
        body += b->plan.segment[i].body ? b->plan.segment[i].len : 0;
    }
    cr_assert_eq(body, BODY);
    bench_free(b);
}

/* A file that is shorter than it should be: an error, and the response is still the caller's. */
Test(wire, tells_an_unreadable_file)
{
    struct bench *b = bench_new(0, true);
    struct err e = {0};
    cr_assert_eq(ftruncate(b->content->fd, 10), 0);
    add(b, FAULT_CORRUPT, (struct fault_action){.offset = 5, .bytes = 10, .flip = 1});
    cr_assert_eq(wire_plan(&b->response, b->decision, b->count, true, &b->plan, &e), -1);
    cr_assert_eq(e.code, ERR_IO);
    cr_assert_eq(b->response.content, b->content);
    bench_free(b);
}
