/* Answers of several ranges, and answers that say nothing is new: what a start has of them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/history_builder.h"

#define SCENARIO(cache)                                                                            \
    "{'version': 1, 'title': 't', 'registries': {'primary': {}, 'failover': {}},"                  \
    "'images': {'agent': {'ref': 'ci/agent:stable', 'on': ['primary', 'failover'],"                \
    "'layers': ['64KiB', '1MiB']}},"                                                               \
    "'subjects': {'build-start': {'command': ['true'], 'cache': '" cache "'}},"                    \
    "'faults': {'broken': {'on': 'primary', 'kind': 'status', 'code': 304}},"                      \
    "'phases': [{'name': 'steady', 'starts': 9}, "                                                 \
    "{'name': 'outage', 'starts': 9, 'faults': ['broken']}]}"

static struct hb *begin_with(const char *scenario)
{
    struct hb *b = hb_new(scenario);
    hb_pulls(b);
    hb_phase_begin(b, "steady");
    return b;
}

static const struct pull_start *start_of(const struct hb *b, uint64_t number)
{
    const struct pull_start *start = pulls_start(b->pulls, number);
    cr_assert_not_null(start);
    return start;
}

static const char *last_blob(const struct hb *b)
{
    return b->plan->images[0].blobs[2].digest;
}

/* The manifest and every blob but the last, whole, from the primary. */
static void pull_but_last(struct hb *b)
{
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    hb_get(b, 1, "primary", OP_BLOB_GET, b->plan->images[0].blobs[0].digest, 200);
    hb_get(b, 1, "primary", OP_BLOB_GET, b->plan->images[0].blobs[1].digest, 200);
}

/* One answer of parts of the last blob: PIECES arrived. */
static void deliver(struct hb *b, const char *registry, const char *pieces, uint64_t altered,
                    const char *end)
{
    uint64_t r = hb_ask_range(b, 1, registry, OP_BLOB_GET, last_blob(b), "bytes=0-9,20-29");
    struct event_response a = hb_response(b, r, 206);
    a.object_bytes = 0;
    a.pieces = pieces;
    a.altered_from = altered > 0 ? 7 : 0;
    a.altered_bytes = altered;
    a.end = end;
    hb_respond(b, a);
}

/* Pieces of several answers, in any order and overlapping, make an object whole; a byte that is
 * missing does not. */
Test(pulls_pieces, make_an_object)
{
    struct hb *b = begin_with(SCENARIO("cold"));
    for (int whole = 0; whole < 2; whole++) {
        uint64_t n = hb_begin(b, "build-start", 1);
        pull_but_last(b);
        deliver(b, "primary", "1000-1048575 0-9", 0, "whole");
        deliver(b, "primary", whole ? "5-600 500-999" : "5-600 602-999", 0, "whole");
        hb_end(b, 1, 0);
        const struct pull_start *s = start_of(b, n);
        cr_assert_eq(s->outcome, whole ? OUTCOME_WORKED : OUTCOME_WRONG);
        cr_assert_eq(s->objects[3].complete, whole);
        cr_assert_not(s->objects[3].damaged);
        cr_assert_eq(s->registries[0].failed, 0);
        cr_assert_neq(s->registries[0].useful_ns, 0);
        cr_assert(whole || strstr(s->reason, "1,048,575 of 1,048,576") != NULL, "%s", s->reason);
    }
    hb_free(b);
}

/* Of an answer that was altered or cut, what it brought as it is counts, and the attempt failed. */
Test(pulls_pieces, altered_or_cut)
{
    for (int cut = 0; cut < 2; cut++) {
        struct hb *b = begin_with(SCENARIO("cold"));
        uint64_t n = hb_begin(b, "build-start", 1);
        pull_but_last(b);
        deliver(b, "primary", "0-9 20-1048575", cut ? 0 : 1, cut ? "cut" : "whole");
        deliver(b, "failover", "10-14 15-19", 0, "whole");
        hb_end(b, 1, 0);
        const struct pull_start *s = start_of(b, n);
        cr_assert_eq(s->outcome, OUTCOME_WORKED, "%s", s->reason);
        cr_assert(s->objects[3].damaged);
        cr_assert_eq(s->registries[0].failed, 1);
        cr_assert_eq(s->registries[1].failed, 0);
        cr_assert_eq(s->objects[3].served_by, 1);
        hb_free(b);
    }
}

/* Nothing of it arrived as it is, or what is told is no range of the object: nothing counts. */
Test(pulls_pieces, nothing_useful)
{
    static const char *const pieces[] = {NULL,
                                         "",
                                         "x",
                                         "5",
                                         "9-5",
                                         "0-1048576",
                                         "1048576-1048576",
                                         "-5",
                                         " 0-9",
                                         "0-9,",
                                         "0-9x 10-19",
                                         "+0-9",
                                         "0--9",
                                         "99999999999999999999999-99999999999999999999"};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct hb *b = begin_with(SCENARIO("cold"));
        uint64_t n = hb_begin(b, "build-start", 1);
        pull_but_last(b);
        deliver(b, "primary", pieces[i], 5, "whole");
        hb_end(b, 1, 0);
        const struct pull_start *s = start_of(b, n);
        cr_assert_eq(s->outcome, OUTCOME_WRONG);
        cr_assert_not_null(strstr(s->reason, "0 of 1,048,576"), "%s: %s", pieces[i], s->reason);
        hb_free(b);
    }
}

/* A reset by the peer right behind the answer undoes all its pieces. */
Test(pulls_pieces, reset_undoes_them)
{
    struct hb *b = begin_with(SCENARIO("cold"));
    uint64_t n = hb_begin(b, "build-start", 1);
    pull_but_last(b);
    deliver(b, "primary", "0-9 10-19 20-1048575", 0, "whole");
    hb_close(b, b->lane[1].connection[0], "peer-rst", NULL);
    hb_end(b, 1, 0);
    cr_assert_eq(start_of(b, n)->outcome, OUTCOME_WRONG);
    cr_assert_eq(start_of(b, n)->registries[0].failed, 1);
    hb_free(b);
}

/* Every second byte of COUNT pairs from pair FIRST on, the first or (ODD) the second. */
static const char *combs(uint64_t first, uint64_t count, bool odd)
{
    static char text[32768];
    size_t at = 0;
    for (uint64_t i = first; i < first + count; i++) {
        unsigned long long byte = 2 * i + (odd ? 1 : 0);
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu-%llu", i > first ? " " : "",
                               byte, byte);
    }
    return text;
}

/* More gaps than are kept: what is dropped counts as not arrived until it is sent again. */
Test(pulls_pieces, too_many_ranges)
{
    struct hb *b = begin_with(SCENARIO("cold"));
    uint64_t n = hb_begin(b, "build-start", 1);
    char reason[256];
    pull_but_last(b);
    for (uint64_t i = 0; i < 5; i++) {
        deliver(b, "primary", combs(1000 * i, 1000, false), 0, "whole");
    }
    hb_get(b, 1, "primary", OP_PING, NULL, 200);
    struct event_start_end end = {.timed_out = false};
    cr_assert_neq(pulls_outcome(b->pulls, 1, &end, reason, sizeof reason), OUTCOME_WORKED);
    cr_assert_not_null(strstr(reason, "delivered 4,096 of"), "%s", reason);
    for (uint64_t i = 0; i < 4; i++) {
        deliver(b, "primary", combs(1024 * i, 1024, true), 0, "whole");
    }
    deliver(b, "primary", "8192-1048575", 0, "whole");
    hb_end(b, 1, 0);
    cr_assert_eq(start_of(b, n)->outcome, OUTCOME_WORKED, "%s", start_of(b, n)->reason);
    hb_free(b);
}

/* A start on LANE 1 that asks for the manifest and is told that it has it; FAULT may be NULL. */
static uint64_t revalidate(struct hb *b, const char *registry, enum op op, const char *fault,
                           const char *end)
{
    uint64_t n = hb_begin(b, "build-start", 1);
    uint64_t r = hb_ask(b, 1, registry, op, "stable");
    struct event_response a = hb_response(b, r, 304);
    /* A fault that puts a 304 in the answer's place tells nothing. */
    a.digest = fault != NULL ? NULL : b->plan->images[0].digest;
    a.faults = fault;
    a.end = end;
    hb_respond(b, a);
    hb_end(b, 1, 0);
    return n;
}

/* A warm client asks whether its manifest is still the one: 304 tells it so, nothing has failed,
 * nothing was delivered, and the start has the image it had. */
Test(pulls_pieces, not_modified)
{
    static const enum op ops[] = {OP_MANIFEST_GET, OP_MANIFEST_HEAD};
    struct hb *b = begin_with(SCENARIO("warm"));
    hb_good_start(b, "build-start", 1, "primary");
    for (size_t i = 0; i < 2; i++) {
        const struct pull_start *s = start_of(b, revalidate(b, "failover", ops[i], NULL, "whole"));
        cr_assert_eq(s->outcome, OUTCOME_WORKED, "%s", s->reason);
        cr_assert_eq(s->image, 0);
        cr_assert_eq(s->told_by, 1);
        cr_assert_eq(s->registries[1].attempts, 1);
        cr_assert_eq(s->registries[1].failed, 0);
        cr_assert_eq(s->registries[1].trouble_event, 0);
        cr_assert_neq(s->registries[1].useful_ns, 0);
        cr_assert_eq(s->label, PULL_FELL_BACK);
    }
    hb_free(b);
}

/* Who has nothing has nothing of a 304, either. */
Test(pulls_pieces, not_modified_brings_nothing)
{
    struct hb *b = begin_with(SCENARIO("cold"));
    const struct pull_start *s =
        start_of(b, revalidate(b, "primary", OP_MANIFEST_GET, NULL, "whole"));
    cr_assert_eq(s->outcome, OUTCOME_WRONG);
    cr_assert_eq(s->image, 0);
    cr_assert_eq(s->registries[0].failed, 0);
    cr_assert_eq(s->registries[0].useful_ns, 0);
    hb_free(b);
}

/* One that a fault made, or that was cut, tells nothing and has failed. */
Test(pulls_pieces, false_not_modified)
{
    struct hb *b = begin_with(SCENARIO("warm"));
    hb_good_start(b, "build-start", 1, "primary");
    const struct pull_start *s =
        start_of(b, revalidate(b, "primary", OP_MANIFEST_GET, "broken", "whole"));
    cr_assert_eq(s->outcome, OUTCOME_WRONG);
    cr_assert_eq(s->image, -1);
    cr_assert_eq(s->registries[0].failed, 1);
    cr_assert_neq(s->registries[0].trouble_event, 0);
    s = start_of(b, revalidate(b, "primary", OP_MANIFEST_GET, NULL, "cut"));
    cr_assert_eq(s->registries[0].failed, 1);
    cr_assert_neq(s->registries[0].trouble_event, 0);
    hb_free(b);
}

/* A blob that the client has already: tried, not failed, not delivered. */
Test(pulls_pieces, blob_not_modified)
{
    struct hb *b = begin_with(SCENARIO("cold"));
    uint64_t n = hb_begin(b, "build-start", 1);
    pull_but_last(b);
    hb_get(b, 1, "primary", OP_BLOB_GET, last_blob(b), 304);
    hb_end(b, 1, 0);
    const struct pull_start *s = start_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WRONG);
    cr_assert_eq(s->registries[0].attempts, 4);
    cr_assert_eq(s->registries[0].failed, 0);
    cr_assert_not(s->objects[3].complete);
    hb_free(b);
}
