/* Pulls: which bytes count as arrived, and what a start came to. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/pulls_map.h"
#include "tests/lib/history_builder.h"
#include "tests/lib/pulls_scenario.h"

#define COLD PULLS_SCENARIO("cold", "")
#define WARM PULLS_SCENARIO("warm", "")

/* The manifest and every blob but the last, whole, from the primary. */
static void pull_but_last(struct hb *b, uint64_t lane)
{
    hb_get(b, lane, "primary", OP_MANIFEST_GET, "stable", 200);
    hb_get(b, lane, "primary", OP_BLOB_GET, hb_blob(b, 0), 200);
    hb_get(b, lane, "primary", OP_BLOB_GET, hb_blob(b, 1), 200);
}

/* One answer of the last blob: FROM, BYTES of the true object, how it ended. */
static uint64_t deliver_last(struct hb *b, uint64_t lane, const char *registry, uint64_t from,
                             uint64_t bytes, const char *end)
{
    uint64_t r =
        hb_ask_range(b, lane, registry, OP_BLOB_GET, hb_blob(b, 2), from > 0 ? "bytes=x-" : NULL);
    struct event_response a = hb_response(b, r, from > 0 ? 206 : 200);
    a.object_from = from;
    a.object_bytes = bytes;
    a.end = end;
    return hb_respond(b, a);
}

#define LAST_SIZE (UINT64_C(1) << 20)

/* A whole pull from the primary works, is one attempt an object (HEAD and GET are one), and every
 * object is served by the primary. */
Test(pulls, whole_pull_works)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_good_start(b, "build-start", 1, "primary");
    const struct pull_start *s = hb_start_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WORKED);
    cr_assert_null(s->reason);
    cr_assert_eq(s->label, PULL_PRIMARY);
    cr_assert_eq(s->image, 0);
    cr_assert_eq(s->asked, 1);
    cr_assert_eq(s->told_by, 0);
    cr_assert_eq(s->object_count, 4);
    for (size_t i = 0; i < s->object_count; i++) {
        cr_assert(s->objects[i].complete);
        cr_assert_not(s->objects[i].damaged);
        cr_assert_eq(s->objects[i].served_by, 0);
        cr_assert_neq(s->objects[i].served_event, 0);
    }
    cr_assert_eq(s->registries[0].connections, 1);
    cr_assert_eq(s->registries[0].requests, 5);
    cr_assert_eq(s->registries[0].attempts, 4);
    cr_assert_eq(s->registries[0].failed, 0);
    cr_assert_eq(s->registries[0].trouble_event, 0);
    cr_assert_eq(s->registries[0].ops[OP_BLOB_GET], 3);
    cr_assert_neq(s->registries[0].useful_ns, 0);
    cr_assert_lt(s->registries[0].first_ns, s->registries[0].useful_ns);
    cr_assert_eq(s->registries[1].requests, 0);
    cr_assert_eq(s->registries[1].first_ns, 0);
    cr_assert_not(s->crosses);
    cr_assert_eq(pulls_stray(b->pulls), 0);
    hb_free(b);
}

/* Exit 0 without a single request is wrong, whatever the result claims. */
Test(pulls, nothing_pulled_is_wrong)
{
    struct hb *b = hb_new_pulls(COLD);
    char result[256];
    uint64_t n = hb_begin(b, "build-start", 1);
    snprintf(result, sizeof result, "{\"digest\":\"%s\"}", b->plan->images[0].digest);
    hb_end_with(b, 1, (struct event_start_end){.result = result, .layout = "whole"});
    const struct pull_start *s = hb_start_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WRONG);
    cr_assert_eq(s->image, -1);
    cr_assert_eq(s->label, PULL_FAILED);
    cr_assert_str_eq(s->result_digest, b->plan->images[0].digest);
    cr_assert_str_eq(s->layout, "whole");
    cr_assert_str_eq(s->reason,
                     "exit 0, but no registry told it a digest of the scenario's images");
    cr_assert_str_eq(s->last, "made no request");
    hb_free(b);
}

/* One blob that came in part makes the start wrong, and the reason says which and how much. */
Test(pulls, partial_blob_is_wrong)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    pull_but_last(b, 1);
    deliver_last(b, 1, "primary", 0, 65536, "cut");
    hb_end(b, 1, 0);
    const struct pull_start *s = hb_start_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WRONG);
    cr_assert_str_eq(s->reason, "exit 0, but 1 of 3 blobs never arrived whole: "
                                "sha256:00b200000000… (delivered 65,536 of 1,048,576 bytes)");
    cr_assert(s->objects[3].damaged);
    cr_assert_eq(s->registries[0].failed, 1);
    cr_assert_neq(s->registries[0].trouble_event, 0);
    hb_free(b);
}

/* A blob glued from ranges of two registries is whole; the last piece names who served it, and the
 * resume is an attempt of its own. */
Test(pulls, union_of_ranges_over_registries)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    pull_but_last(b, 1);
    deliver_last(b, 1, "primary", 0, 1000, "cut");
    deliver_last(b, 1, "primary", 900, 100, "cut");
    uint64_t last = deliver_last(b, 1, "failover", 1000, LAST_SIZE - 1000, "whole");
    hb_end(b, 1, 0);
    const struct pull_start *s = hb_start_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WORKED);
    cr_assert_eq(s->objects[3].served_by, 1);
    cr_assert_eq(s->objects[3].served_event, last);
    cr_assert_eq(s->label, PULL_MIXED);
    cr_assert_eq(s->registries[0].attempts, 5);
    cr_assert_eq(s->registries[0].failed, 2);
    cr_assert_eq(s->registries[1].attempts, 1);
    hb_free(b);
}

/* A gap of one byte between two ranges is a gap. */
Test(pulls, gap_of_one_byte)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    pull_but_last(b, 1);
    deliver_last(b, 1, "primary", 1001, LAST_SIZE - 1001, "whole");
    deliver_last(b, 1, "primary", 0, 1000, "cut");
    hb_end(b, 1, 0);
    cr_assert_eq(hb_start_of(b, n)->outcome, OUTCOME_WRONG);
    cr_assert_not_null(strstr(hb_start_of(b, n)->reason, "1,048,575 of 1,048,576"));
    hb_free(b);
}

/* Bytes that the wire altered did not arrive, even where all were delivered; fetching just those
 * again makes the blob whole. */
Test(pulls, altered_bytes_do_not_count)
{
    struct hb *b = hb_new_pulls(COLD);
    for (int again = 0; again < 2; again++) {
        uint64_t n = hb_begin(b, "build-start", 1);
        pull_but_last(b, 1);
        uint64_t r = hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 2));
        struct event_response a = hb_response(b, r, 200);
        a.altered_from = 500;
        a.altered_bytes = 1;
        hb_respond(b, a);
        if (again) {
            deliver_last(b, 1, "failover", 500, 1, "whole");
        }
        hb_end(b, 1, 0);
        const struct pull_start *s = hb_start_of(b, n);
        cr_assert_eq(s->outcome, again ? OUTCOME_WORKED : OUTCOME_WRONG);
        cr_assert(s->objects[3].damaged);
        cr_assert_eq(s->registries[0].failed, 1);
    }
    hb_free(b);
}

/* A reset by the peer right behind an answer undoes its delivery: the bytes were acknowledged, but
 * not read. An orderly close does not, nor a reset after a further request. */
Test(pulls, reset_undoes_the_last_delivery)
{
    struct hb *b = hb_new_pulls(COLD);
    for (int how = 0; how < 3; how++) {
        uint64_t n = hb_begin(b, "build-start", 1);
        pull_but_last(b, 1);
        deliver_last(b, 1, "primary", 0, LAST_SIZE, "whole");
        if (how == 2) {
            hb_get(b, 1, "primary", OP_PING, NULL, 200);
        }
        hb_close(b, b->lane[1].connection[0], how == 1 ? "peer-fin" : "peer-rst", NULL);
        hb_end(b, 1, 0);
        const struct pull_start *s = hb_start_of(b, n);
        cr_assert_eq(s->outcome, how == 0 ? OUTCOME_WRONG : OUTCOME_WORKED, "%d", how);
        cr_assert_eq(s->registries[0].failed, how == 0 ? 1 : 0);
    }
    hb_free(b);
}

static enum outcome outcome_of(struct hb *b, uint64_t lane, struct event_start_end end,
                               char *reason, size_t size)
{
    return pulls_outcome(b->pulls, lane, &end, reason, size);
}

/* What is asked for after the command itself has ended does not count, whatever arrives. */
Test(pulls, asked_after_the_end)
{
    for (int late = 0; late < 2; late++) {
        struct hb *b = hb_new_pulls(COLD);
        hb_begin(b, "build-start", 1);
        uint64_t ended_ns = late ? b->t_ns : 0;
        hb_pull(b, 1, "primary", 0);
        ended_ns = late ? ended_ns : b->t_ns;
        hb_end_with(b, 1, (struct event_start_end){.ended_ns = ended_ns});
        cr_expect_eq(pulls_at(b->pulls, 0)->outcome, late ? OUTCOME_WRONG : OUTCOME_WORKED);
        hb_free(b);
    }
}

/* That it went on is said behind what it lacks, and alone where it lacks nothing. */
Test(pulls, says_what_was_asked_after_the_end)
{
    struct hb *b = hb_new_pulls(COLD);
    char reason[256];
    hb_begin(b, "build-start", 1);
    struct event_start_end end = {.ended_ns = b->t_ns};
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), 200);
    cr_expect_eq(outcome_of(b, 1, end, reason, sizeof reason), OUTCOME_WRONG);
    cr_expect_str_eq(reason, "exit 0, but no registry told it a digest of the scenario's images, "
                             "and it went on asking after its command had ended");
    hb_pull(b, 1, "primary", 0);
    cr_expect_eq(outcome_of(b, 1, end, reason, sizeof reason), OUTCOME_WRONG);
    cr_expect_str_eq(reason, "exit 0, but it went on asking after its command had ended");
    hb_free(b);
}

/* Asked before start-end, while a kept-alive connection is still open, the outcome is the same as
 * afterwards: a pending delivery counts. */
Test(pulls, outcome_before_the_end)
{
    struct hb *b = hb_new_pulls(COLD);
    char reason[256];
    hb_begin(b, "build-start", 1);
    cr_assert_eq(outcome_of(b, 1, (struct event_start_end){0}, reason, sizeof reason),
                 OUTCOME_WRONG);
    hb_pull(b, 1, "primary", 0);
    cr_assert_eq(outcome_of(b, 1, (struct event_start_end){0}, reason, sizeof reason),
                 OUTCOME_WORKED);
    cr_assert_str_eq(reason, "");
    cr_assert_eq(outcome_of(b, 1, (struct event_start_end){.exit = 7}, reason, sizeof reason),
                 OUTCOME_FAILED);
    cr_assert_str_eq(reason, "exit 7");
    cr_assert_eq(outcome_of(b, 1,
                            (struct event_start_end){.exit = -1, .signal = 9, .timed_out = true},
                            reason, sizeof reason),
                 OUTCOME_HUNG);
    cr_assert_str_eq(reason, "killed at its timeout of 20s");
    cr_assert_eq(outcome_of(b, 1, (struct event_start_end){.signal = 15}, reason, sizeof reason),
                 OUTCOME_FAILED);
    cr_assert_str_eq(reason, "ended by signal 15");
    cr_assert_eq(outcome_of(b, 2, (struct event_start_end){0}, reason, sizeof reason),
                 OUTCOME_FAILED);
    hb_end_with(b, 1, (struct event_start_end){0});
    cr_assert_eq(pulls_at(b->pulls, 0)->outcome, OUTCOME_WORKED);
    hb_free(b);
}

/* The manifest itself must have come whole: its digest by HEAD is not enough. */
Test(pulls, manifest_must_arrive)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_HEAD, "stable", 200);
    for (size_t k = 0; k < 3; k++) {
        hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, k), 200);
    }
    hb_end(b, 1, 0);
    cr_assert_eq(hb_start_of(b, n)->outcome, OUTCOME_WRONG);
    cr_assert_not_null(strstr(hb_start_of(b, n)->reason, "the manifest never arrived whole"));
    hb_free(b);
}

/* A warm lane keeps what it has: a later start that is told the digest again works, its label is
 * that of who told it; a cold lane starts from nothing. */
Test(pulls, warm_lane_keeps_blobs)
{
    for (int warm = 0; warm < 2; warm++) {
        struct hb *b = hb_new_pulls(warm ? WARM : COLD);
        hb_good_start(b, "build-start", 1, "primary");
        uint64_t n = hb_begin(b, "build-start", 1);
        hb_get(b, 1, "failover", OP_MANIFEST_HEAD, "stable", 200);
        hb_end(b, 1, 0);
        const struct pull_start *s = hb_start_of(b, n);
        cr_assert_eq(s->outcome, warm ? OUTCOME_WORKED : OUTCOME_WRONG);
        cr_assert_eq(s->told_by, 1);
        cr_assert_eq(s->objects[0].served_by, -1);
        cr_assert_eq(s->label, warm ? PULL_FELL_BACK : PULL_FAILED);
        uint64_t other = hb_begin(b, "build-start", 2);
        hb_get(b, 2, "primary", OP_MANIFEST_HEAD, "stable", 200);
        hb_end(b, 2, 0);
        cr_assert_eq(hb_start_of(b, other)->outcome, OUTCOME_WRONG);
        hb_free(b);
    }
}

/* Blobs declared preloaded need not arrive; a baked-in subject needs nothing at all. */
Test(pulls, preloaded_and_baked_in)
{
    struct hb *b = hb_new_pulls(PULLS_SCENARIO(
        "cold", ",'preloaded':"
                "['sha256:00b2000000000000000000000000000000000000000000000000000000000002']"));
    uint64_t n = hb_begin(b, "build-start", 1);
    pull_but_last(b, 1);
    hb_end(b, 1, 0);
    cr_assert_eq(hb_start_of(b, n)->outcome, OUTCOME_WORKED);
    hb_free(b);
    b = hb_new_pulls(PULLS_SCENARIO("cold", ",'baked-in':true"));
    n = hb_begin(b, "build-start", 1);
    hb_end(b, 1, 0);
    cr_assert_eq(hb_start_of(b, n)->outcome, OUTCOME_WORKED);
    cr_assert_eq(hb_start_of(b, n)->label, PULL_NONE);
    hb_free(b);
}

/* Told two digests, the image is the one that is whole, else the one told last. */
Test(pulls, image_is_the_whole_one)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_pull(b, 1, "primary", 0);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "1", 200);
    hb_end(b, 1, 0);
    cr_assert_eq(hb_start_of(b, n)->image, 0);
    cr_assert_eq(hb_start_of(b, n)->asked, 3);
    cr_assert_eq(hb_start_of(b, n)->outcome, OUTCOME_WORKED);
    n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "1", 200);
    hb_end(b, 1, 0);
    cr_assert_eq(hb_start_of(b, n)->image, 1);
    cr_assert_eq(hb_start_of(b, n)->outcome, OUTCOME_WRONG);
    hb_free(b);
}

/* A head that was cut told nothing. */
Test(pulls, told_by_a_whole_head)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    struct event_response a =
        hb_response(b, hb_ask(b, 1, "primary", OP_MANIFEST_HEAD, "stable"), 200);
    a.delivered = a.head_bytes - 1;
    a.end = "cut";
    hb_respond(b, a);
    hb_end(b, 1, 0);
    cr_assert_eq(hb_start_of(b, n)->image, -1);
    hb_free(b);
}

/* The table of numbers loses nothing and invents nothing while keys come and go, clustered or far
 * apart. */
Test(pulls, map)
{
    enum { KEYS = 3000 };
    struct pulls_map m = {0};
    char values[KEYS];
    cr_assert_null(pulls_map_get(&m, 1));
    cr_assert_null(pulls_map_remove(&m, 1));
    for (uint64_t i = 0; i < KEYS; i++) {
        cr_assert_eq(pulls_map_put(&m, i << (i % 3 * 20), &values[i]), 0);
    }
    for (uint64_t i = 0; i < KEYS; i += 2) {
        cr_assert_eq(pulls_map_remove(&m, i << (i % 3 * 20)), &values[i]);
    }
    cr_assert_eq(m.count, KEYS / 2);
    for (uint64_t i = 0; i < KEYS; i++) {
        cr_assert_eq(pulls_map_get(&m, i << (i % 3 * 20)), i % 2 ? &values[i] : NULL);
    }
    size_t cursor = 0;
    size_t seen = 0;
    while (pulls_map_next(&m, &cursor)) {
        seen++;
    }
    cr_assert_eq(seen, KEYS / 2);
    pulls_map_close(&m);
}
