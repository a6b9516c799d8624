/* Faults on real sockets: stalls, delays, cuts exact to the byte, refusals, and their heals. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "tests/lib/server_bed.h"

#define MANIFEST "/v2/ci/agent/manifests/stable"

/* How one blob-get ended under one armed rule: the reply to the end, then the response event. */
struct outcome_of {
    struct bed *bed;
    struct bed_reply reply;
    const struct event_response *response;
    const struct event_connection_close *close;
};

static struct outcome_of get_layer(const char *rules, const char *rule)
{
    struct outcome_of o = {.bed = bed_open(rules, NULL)};
    bed_arm(o.bed, rule);
    int fd = bed_connect(o.bed);
    bed_get_blob(o.bed, fd, o.bed->layer, "");
    bed_reply_to_end(o.bed, fd, &o.reply);
    (void)close(fd);
    o.close = &bed_wait(o.bed, EVENT_CONNECTION_CLOSE, 1)->close;
    o.response = &bed_find(o.bed, EVENT_RESPONSE, 1)->response;
    return o;
}

static void done(struct outcome_of *o)
{
    bed_reply_close(&o->reply);
    bed_close(o->bed);
}

/* truncate: the whole length is promised, exactly N bytes come, then FIN; the event agrees. */
Test(server_faults, truncates_at_the_byte)
{
    struct outcome_of o =
        get_layer("{'t': {'on': 'primary', 'kind': 'truncate', 'after-bytes': 4097}}", "t");
    cr_assert(o.reply.eof);
    cr_assert_not_null(strstr(o.reply.bytes.data, "Content-Length: 65536\r\n"));
    cr_assert_eq(o.reply.body_len, 4097);
    cr_assert_arr_eq(bed_body(&o.reply), o.bed->layer->data, 4097);
    cr_assert_str_eq(o.response->end, "cut");
    cr_assert_str_eq(o.response->faults, "t");
    cr_assert_eq(o.response->written, o.reply.bytes.len);
    cr_assert_eq(o.response->delivered, o.reply.bytes.len);
    cr_assert_eq(o.response->object_bytes, 4097);
    cr_assert_str_eq(o.close->how, "ours-fin");
    cr_assert_str_eq(o.close->fault, "t");
    done(&o);
}

/* reset: exactly N body bytes come, then a real RST. */
Test(server_faults, resets_at_the_byte)
{
    struct outcome_of o =
        get_layer("{'r': {'on': 'primary', 'kind': 'reset', 'after-bytes': 1}}", "r");
    cr_assert_eq(o.reply.error, ECONNRESET);
    cr_assert_eq(o.reply.body_len, 1);
    cr_assert_eq(o.response->object_bytes, 1);
    cr_assert_str_eq(o.response->end, "cut");
    cr_assert_str_eq(o.close->how, "ours-rst");
    done(&o);
}

/* A reset far into a body waits until all before it is delivered: a client that reads gets it all.
 */
Test(server_faults, resets_after_all_before_it_is_delivered)
{
    struct bed *b =
        bed_open("{'r': {'on': 'primary', 'kind': 'reset', 'after-bytes': '20MiB'}}", NULL);
    struct bed_reply r;
    bed_arm(b, "r");
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->big, "");
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.error, ECONNRESET);
    cr_assert_eq(r.body_len, 20 * 1024 * 1024);
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_eq(a->response.delivered, r.bytes.len);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* reset before the head: RST without a byte, and no status is told. */
Test(server_faults, resets_before_the_head)
{
    struct outcome_of o = get_layer("{'r': {'on': 'primary', 'kind': 'reset'}}", "r");
    cr_assert_eq(o.reply.error, ECONNRESET);
    cr_assert_eq(o.reply.bytes.len, 0);
    cr_assert_eq(o.response->status, 0);
    cr_assert_eq(o.response->written, 0);
    cr_assert_str_eq(o.response->faults, "r");
    done(&o);
}

/* close before the head: FIN without a byte. */
Test(server_faults, closes_before_the_head)
{
    struct outcome_of o = get_layer("{'c': {'on': 'primary', 'kind': 'close'}}", "c");
    cr_assert(o.reply.eof);
    cr_assert_eq(o.reply.bytes.len, 0);
    cr_assert_str_eq(o.response->end, "cut");
    cr_assert_str_eq(o.close->how, "ours-fin");
    done(&o);
}

/* corrupt: the length is right, one range differs, and the event says where in the object. */
Test(server_faults, corrupts_where_it_says)
{
    struct bed *b =
        bed_open("{'c': {'on': 'primary', 'kind': 'corrupt', 'offset': 100, 'bytes': 3}}", NULL);
    struct bed_reply r;
    bed_arm(b, "c");
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->file, "Range: bytes=1000-1999\r\n");
    bed_reply(b, fd, false, &r);
    uint8_t want[1000];
    cr_assert_eq(pread(b->file->fd, want, sizeof(want), 1000), (ssize_t)sizeof(want));
    for (size_t i = 0; i < sizeof(want); i++) {
        bool differs = (uint8_t)bed_body(&r)[i] != want[i];
        cr_assert_eq(differs, i >= 100 && i < 103, "byte %zu", i);
    }
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.end, "whole");
    cr_assert_eq(a->response.object_from, 1000);
    cr_assert_eq(a->response.altered_from, 1100);
    cr_assert_eq(a->response.altered_bytes, 3);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* status takes the answer's place, told before its body is; the decision is on record. */
Test(server_faults, answers_another_status)
{
    struct bed *b = bed_open(
        "{'s': {'on': 'primary', 'kind': 'status', 'code': 503, 'retry-after': '7'}}", NULL);
    struct bed_reply r;
    bed_arm(b, "s");
    int fd = bed_connect(b);
    for (uint64_t i = 1; i <= 2; i++) {
        bed_get(b, fd, MANIFEST);
        bed_reply(b, fd, false, &r);
        cr_assert_eq(r.status, 503);
        cr_assert_not_null(strstr(r.bytes.data, "Retry-After: 7\r\n"));
        bed_reply_close(&r);
        const struct event *d = bed_find(b, EVENT_FAULT_DECIDED, i);
        cr_assert_eq(d->decided.nth, i);
        cr_assert_eq(d->decided.request, i);
        cr_assert(d->decided.fired);
    }
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 2);
    cr_assert_str_eq(a->response.faults, "s");
    cr_assert_eq(a->response.object_bytes, 0);
    cr_assert_null(a->response.digest);
    bed_heal(b, "s");
    bed_is_served(b, fd);
    (void)close(fd);
    bed_close(b);
}

/* A stall in the body holds there, is described, and its heal lets the untouched rest go. */
Test(server_faults, stalls_until_healed)
{
    struct bed *b =
        bed_open("{'st': {'on': 'primary', 'kind': 'stall', 'after-bytes': '4KiB'}}", NULL);
    struct bed_reply r;
    char text[512];
    bed_arm(b, "st");
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->layer, "");
    bed_reply_some(b, fd, 4096, &r);
    for (int i = 0; i < 20; i++) {
        bed_turn(b);
    }
    cr_assert_eq(recv(fd, text, 1, 0), -1);
    cr_assert_eq(server_totals(b->server).stalled, 1);
    server_describe(b->server, text, sizeof(text));
    cr_assert_str_eq(
        text, "connection 1 lane 1 primary: stalled by 'st' after 4096 of 65536 body bytes\n");
    cr_assert_arr_eq(bed_body(&r), b->layer->data, 4096);
    bed_reply_close(&r);
    bed_heal(b, "st");
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.end, "whole");
    cr_assert_str_eq(a->response.faults, "st");
    cr_assert_eq(a->response.object_bytes, BED_LAYER);
    (void)close(fd);
    bed_close(b);
}

/* What is healed while a stall holds the answer does not act behind it: the rest is untouched, not
 * cut, and only the stall is named. */
Test(server_faults, what_follows_a_heal_is_untouched)
{
    struct bed *b = bed_open("{'st': {'on': 'primary', 'kind': 'stall', 'after-bytes': 10},"
                             " 'co': {'on': 'primary', 'kind': 'corrupt', 'offset': 100},"
                             " 'tr': {'on': 'primary', 'kind': 'truncate', 'after-bytes': 200}}",
                             NULL);
    struct bed_reply some;
    struct bed_reply rest;
    bed_arm(b, "st");
    bed_arm(b, "co");
    bed_arm(b, "tr");
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->layer, "Connection: close\r\n");
    bed_reply_some(b, fd, 10, &some);
    bed_heal(b, "co");
    bed_heal(b, "tr");
    cr_assert_null(bed_find(b, EVENT_RESPONSE, 1));
    bed_heal(b, "st");
    bed_reply_to_end(b, fd, &rest);
    cr_assert_eq(rest.bytes.len, BED_LAYER - 10);
    cr_assert_eq(memcmp(rest.bytes.data, b->layer->data + 10, BED_LAYER - 10), 0);
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.faults, "st");
    cr_assert_eq(a->response.altered_bytes, 0);
    cr_assert_str_eq(a->response.end, "whole");
    bed_reply_close(&some);
    bed_reply_close(&rest);
    (void)close(fd);
    bed_close(b);
}

/* A client that gives up on a stall abandons it, at once. */
Test(server_faults, notices_who_gives_up_on_a_stall)
{
    struct bed *b = bed_open("{'st': {'on': 'primary', 'kind': 'stall'}}", NULL);
    bed_arm(b, "st");
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->layer, "");
    (void)bed_wait(b, EVENT_FAULT_DECIDED, 1);
    (void)close(fd);
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.end, "abandoned");
    cr_assert_str_eq(a->response.faults, "st");
    cr_assert_eq(a->response.status, 0);
    cr_assert_str_eq(bed_find(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "peer-fin");
    bed_close(b);
}

/* Requests that come while one is stalled wait their turn, and are answered after the heal. */
Test(server_faults, keeps_what_comes_during_a_stall)
{
    struct bed *b =
        bed_open("{'st': {'on': 'primary', 'kind': 'stall', 'when': {'limit': 1}}}", NULL);
    bed_arm(b, "st");
    int fd = bed_connect(b);
    for (int i = 0; i < 50; i++) {
        bed_get(b, fd, MANIFEST);
    }
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 1);
    bed_heal(b, "st");
    for (size_t i = 1; i <= 50; i++) {
        char junk[65536];
        while (bed_find(b, EVENT_RESPONSE, i) == NULL) {
            (void)recv(fd, junk, sizeof(junk), 0);
            (void)uv_run(&b->loop, UV_RUN_ONCE);
        }
        cr_assert_str_eq(bed_find(b, EVENT_RESPONSE, i)->response.end, "whole");
    }
    (void)close(fd);
    bed_close(b);
}

/* latency holds the head back at least its delay; a heal ends an hour's delay at once. */
Test(server_faults, delays)
{
    struct bed *b = bed_open("{'l': {'on': 'primary', 'kind': 'latency', 'delay': '30ms'},"
                             " 'h': {'on': 'primary', 'kind': 'latency', 'delay': '1h'}}",
                             NULL);
    struct bed_reply r;
    bed_arm(b, "l");
    int fd = bed_connect(b);
    bed_get(b, fd, MANIFEST);
    bed_reply(b, fd, false, &r);
    bed_reply_close(&r);
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_geq(a->response.first_byte_ns, 30 * CLOCK_NS_PER_MS);
    cr_assert_str_eq(a->response.faults, "l");
    bed_heal(b, "l");
    bed_arm(b, "h");
    bed_get(b, fd, MANIFEST);
    (void)bed_wait(b, EVENT_FAULT_DECIDED, 2);
    bed_heal(b, "h");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 200);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* An image deleted is a view: 404 while armed, the true digest in the request event all the same.
 */
Test(server_faults, hides_a_deleted_image)
{
    struct bed *b =
        bed_open("{'d': {'on': 'primary', 'kind': 'delete-image', 'image': 'agent'}}", NULL);
    const struct fault_image image = {
        .name = "agent", .repository = "ci/agent", .tag = "stable", .digest = b->manifest->digest};
    struct bed_reply r;
    b->rules.rule[0].image = &image;
    bed_arm(b, "d");
    int fd = bed_connect(b);
    bed_get(b, fd, MANIFEST);
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 404);
    cr_assert_str_eq(bed_find(b, EVENT_REQUEST, 1)->request.digest, b->manifest->digest);
    cr_assert_str_eq(bed_wait(b, EVENT_RESPONSE, 1)->response.faults, "d");
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* Refused and listening again on the same port, over and over, with connections open and gone. */
Test(server_faults, refuses_and_listens_again)
{
    struct bed *b =
        bed_open("{'f': {'on': 'primary', 'kind': 'refuse', 'existing': 'keep'}}", NULL);
    struct bed_reply r;
    struct err e = {0};
    int kept = bed_connect(b);
    uint16_t port = server_port(b->server, b->listener);
    for (int i = 0; i < 30; i++) {
        int fd = bed_connect(b);
        cr_assert_geq(fd, 0);
        bed_send(b, fd, "GET /v2/ HTTP/1.0\r\n\r\n");
        bed_reply_to_end(b, fd, &r);
        cr_assert_eq(r.status, 200);
        bed_reply_close(&r);
        (void)close(fd);
        bed_arm(b, "f");
        cr_assert_eq(server_refuse_all(b->server, true, &e), 0);
        bed_heal(b, "f"); /* one reason is left */
        cr_assert_eq(server_refusing(b->server), 1);
        cr_assert_eq(bed_connect(b), -1);
        cr_assert_eq(errno, ECONNREFUSED);
        cr_assert_eq(server_refuse_all(b->server, false, &e), 0, "%s", e.text);
        cr_assert_eq(server_refusing(b->server), 0);
    }
    cr_assert_eq(server_port(b->server, b->listener), port);
    bed_is_served(b, kept);
    (void)close(kept);
    bed_close(b);
}

/* refuse takes what is queued (on record), and its default resets connections that are open. */
Test(server_faults, refuse_resets_what_is_open)
{
    struct bed *b = bed_open("{'f': {'on': 'primary', 'kind': 'refuse'}}", NULL);
    struct bed_reply r;
    struct err e = {0};
    int idle = bed_connect(b);
    (void)bed_wait(b, EVENT_CONNECTION_OPEN, 1);
    int queued = bed_connect(b);
    bed_arm(b, "f");
    cr_assert_eq(bed_count(b, EVENT_CONNECTION_OPEN), 2);
    bed_reply_to_end(b, idle, &r);
    cr_assert_eq(r.error, ECONNRESET);
    bed_reply_close(&r);
    bed_reply_to_end(b, queued, &r);
    cr_assert_eq(r.error, ECONNRESET);
    bed_reply_close(&r);
    cr_assert_str_eq(bed_find(b, EVENT_CONNECTION_CLOSE, 2)->close.fault, "f");
    /* A listener opened while the fault holds refuses from the outset. */
    int late = server_listen(b->server, &(struct server_listen){.registry = b->registry, .lane = 2},
                             "127.3.2.1", 0, &e);
    cr_assert_geq(late, 0, "%s", e.text);
    cr_assert_eq(bed_connect_to(b, late), -1);
    bed_heal(b, "f");
    int fd = bed_connect_to(b, late);
    cr_assert_geq(fd, 0);
    (void)close(fd);
    (void)close(idle);
    (void)close(queued);
    bed_close(b);
}

/* existing: close ends idle connections by FIN, and an answer under way after what was written. */
Test(server_faults, existing_close_reaches_active_ones)
{
    struct bed *b = bed_open("{'st': {'on': 'primary', 'kind': 'stall', 'after-bytes': 10},"
                             " 'c': {'on': 'primary', 'kind': 'status', 'code': 500,"
                             " 'existing': 'close'}}",
                             NULL);
    struct bed_reply some;
    struct bed_reply r;
    int idle = bed_connect(b);
    int active = bed_connect(b);
    bed_arm(b, "st");
    bed_get_blob(b, active, b->layer, "");
    bed_reply_some(b, active, 10, &some);
    bed_arm(b, "c");
    bed_reply_to_end(b, idle, &r);
    cr_assert(r.eof);
    bed_reply_close(&r);
    bed_reply_to_end(b, active, &r);
    cr_assert(r.eof);
    cr_assert_eq(r.bytes.len, 0);
    const struct event *a = bed_find(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.end, "cut");
    cr_assert_str_eq(a->response.faults, "st c");
    cr_assert_eq(a->response.object_bytes, 10);
    bed_reply_close(&some);
    bed_reply_close(&r);
    (void)close(idle);
    (void)close(active);
    bed_close(b);
}

/* A cut waits for a client that does not read, no longer than the limit, and says what is missing.
 */
Test(server_faults, cuts_a_slow_reader_in_the_end)
{
    const struct server_limits limits = {.drain_ms = 50};
    struct bed *b =
        bed_open("{'r': {'on': 'primary', 'kind': 'reset', 'after-bytes': '3MiB'}}", &limits);
    const int little = 4096;
    bed_arm(b, "r");
    int fd = bed_connect(b);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)), 0);
    bed_get_blob(b, fd, b->big, "");
    const struct event *sent = bed_find(b, EVENT_RESPONSE, 1);
    if (sent == NULL && server_totals(b->server).open == 1) {
        char some[65536];
        /* Read until all of it is written: then the queue is full and the cut waits. */
        char text[512] = "";
        while (bed_find(b, EVENT_RESPONSE, 1) == NULL && strstr(text, "to be cut") == NULL) {
            bed_turn(b);
            server_describe(b->server, text, sizeof(text));
            if (strstr(text, "to read") != NULL) {
                (void)recv(fd, some, sizeof(some), 0);
            }
        }
    }
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.end, "cut");
    cr_assert_eq(a->response.written, a->response.head_bytes + 3 * 1024 * 1024);
    cr_assert_gt(a->response.written, a->response.delivered);
    (void)close(fd);
    bed_close(b);
}
