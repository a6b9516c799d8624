/* Pulls: what counts as read by the client, where it sends requests ahead of the answers. */
#include <criterion/criterion.h>

#include "tests/lib/history_builder.h"

static struct hb *begin(uint64_t *start)
{
    struct hb *b = hb_new_pulls(
        "{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"
        "'images':{'agent':{'ref':'ci/agent:stable','layers':['64KiB','1MiB']}},"
        "'subjects':{'build-start':{'command':['x']}},'phases':[{'name':'steady','starts':1}]}");
    *start = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    return b;
}

/* All blobs, whole, from the failover: the requests behind the first are sent ahead. */
static void pull_ahead(struct hb *b)
{
    for (size_t k = 0; k < 3; k++) {
        b->pipelined = k > 0;
        hb_get(b, 1, "failover", OP_BLOB_GET, hb_blob(b, k), 200);
    }
    b->pipelined = false;
}

static const struct pull_start *end(struct hb *b, uint64_t start, const char *how)
{
    hb_close(b, b->lane[1].connection[1], how, NULL);
    hb_end(b, 1, 0);
    return pulls_start(b->pulls, start);
}

static size_t whole_blobs(const struct pull_start *s)
{
    size_t n = 0;
    for (size_t i = 1; i < s->object_count; i++) {
        n += s->objects[i].complete ? 1 : 0;
    }
    return n;
}

/* A client that sends all its requests at once, reads nothing and closes has nothing: the reset
 * undoes every answer, whole or not. */
Test(pulls_pending, a_reset_undoes_all_that_was_asked_ahead)
{
    uint64_t start;
    struct hb *b = begin(&start);
    pull_ahead(b);
    const struct pull_start *s = end(b, start, "peer-rst");
    cr_expect_eq(whole_blobs(s), 0);
    cr_expect(s->objects[1].damaged);
    cr_expect_eq(s->registries[1].useful_ns, 0);
    cr_expect_neq(s->outcome, OUTCOME_WORKED);
    hb_free(b);
}

/* An orderly close shows that all of it was read. */
Test(pulls_pending, an_orderly_close_keeps_all)
{
    uint64_t start;
    struct hb *b = begin(&start);
    pull_ahead(b);
    const struct pull_start *s = end(b, start, "peer-fin");
    cr_expect_eq(whole_blobs(s), 3);
    cr_expect_eq(s->image, 0);
    hb_free(b);
}

/* A request that was sent after the answers shows that they were read; the reset behind it undoes
 * what came after only. */
Test(pulls_pending, a_request_behind_the_answers_keeps_them)
{
    uint64_t start;
    struct hb *b = begin(&start);
    pull_ahead(b);
    hb_get(b, 1, "failover", OP_PING, NULL, 200);
    const struct pull_start *s = end(b, start, "peer-rst");
    cr_expect_eq(whole_blobs(s), 3);
    hb_free(b);
}

/* What is pending when the start ends counts: its client is alive, or its connection would have
 * been reset. */
Test(pulls_pending, the_end_of_the_start_keeps_all)
{
    uint64_t start;
    struct hb *b = begin(&start);
    pull_ahead(b);
    hb_end_with(b, 1, (struct event_start_end){.exit = 0});
    cr_expect_eq(whole_blobs(pulls_start(b->pulls, start)), 3);
    hb_free(b);
}

/* Answers may be told in another order than asked: the first useful byte is the earliest, and
 * answers to requests that were all there before are all pending. */
Test(pulls_pending, answers_in_another_order)
{
    for (int reset = 0; reset < 2; reset++) {
        uint64_t start, r[3];
        struct hb *b = begin(&start);
        for (size_t k = 0; k < 3; k++) {
            r[k] = hb_ask(b, 1, "failover", OP_BLOB_GET, hb_blob(b, k));
        }
        uint64_t asked_ns = b->t_ns;
        for (size_t k = 0; k < 3; k++) {
            struct event_response a = hb_response(b, r[k], 200);
            a.first_byte_ns = 1000 * (3 - k);
            hb_respond(b, a);
        }
        const struct pull_start *s = end(b, start, reset ? "peer-rst" : "peer-fin");
        cr_expect_eq(whole_blobs(s), reset ? 0 : 3);
        cr_expect_eq(s->registries[1].useful_ns, reset ? 0 : asked_ns - 2 * b->step_ns + 3000);
        hb_free(b);
    }
}
