/* Attempts as rows: their order, what they name, and how later events turn them. */
#include <criterion/criterion.h>

#include "tests/lib/history_builder.h"

#define COLD                                                                                       \
    "{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"                          \
    "'images':{'agent':{'ref':'ci/agent:stable','layers':['64KiB','1MiB']}},"                      \
    "'subjects':{'build-start':{'command':['x'],'concurrency':4}},"                                \
    "'faults':{'errors':{'on':'primary','kind':'status','code':500}},"                             \
    "'phases':[{'name':'steady','starts':2},{'name':'outage','starts':2,'faults':['errors']}]}"

/* The drill's attempts, or one of them; fails the test where there are fewer. */
static const struct pull_attempt *attempt_of(const struct hb *b, size_t index)
{
    size_t count;
    const struct pull_attempt *attempts = pulls_attempts(b->pulls, &count);
    cr_assert_lt(index, count);
    return &attempts[index];
}

static size_t attempts_made(const struct hb *b)
{
    size_t count;
    pulls_attempts(b->pulls, &count);
    return count;
}

/* Attempts of all starts stand in the order they began, each with its registry, start, operation
 * and first request; those of a control start say so; pings and stray requests are none. */
Test(pulls_rows, in_order)
{
    struct hb *b = hb_new_pulls(COLD);
    cr_assert_eq(attempts_made(b), 0);
    uint64_t one = hb_begin(b, "build-start", 1);
    uint64_t two = hb_begin(b, "build-start", 2);
    hb_get(b, 2, "primary", OP_PING, NULL, 200);
    uint64_t slow = hb_ask(b, 2, "primary", OP_MANIFEST_GET, "stable");
    uint64_t asked_ns = b->t_ns;
    uint64_t asked_event = b->n;
    hb_get(b, 1, "failover", OP_BLOB_GET, hb_blob(b, 1), 200);
    hb_answer(b, slow, 200);
    hb_end(b, 1, 1);
    hb_end(b, 2, 1);
    uint64_t control = hb_begin_control(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 503);
    hb_end(b, 1, 1);
    cr_assert_eq(attempts_made(b), 3);
    cr_assert_eq(attempt_of(b, 0)->start, two);
    cr_assert_eq(attempt_of(b, 0)->registry, 0);
    cr_assert_eq(attempt_of(b, 0)->op, OP_MANIFEST_GET);
    cr_assert_eq(attempt_of(b, 0)->t_ns, asked_ns);
    cr_assert_eq(attempt_of(b, 0)->event, asked_event);
    cr_assert_eq(attempt_of(b, 1)->start, one);
    cr_assert_eq(attempt_of(b, 1)->registry, 1);
    cr_assert_not(attempt_of(b, 1)->control);
    cr_assert_eq(attempt_of(b, 2)->start, control);
    cr_assert(attempt_of(b, 2)->control);
    cr_assert(attempt_of(b, 2)->failed);
    hb_free(b);
}

/* A HEAD and its GET are one row, of the HEAD's time; what failed at the HEAD and then came is no
 * failure any more, and what came and was undone by a reset is one. */
Test(pulls_rows, turned)
{
    struct hb *b = hb_new_pulls(COLD);
    hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_HEAD, "stable", 500);
    cr_assert(attempt_of(b, 0)->failed);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    cr_assert_eq(attempts_made(b), 1);
    cr_assert_eq(attempt_of(b, 0)->op, OP_MANIFEST_HEAD);
    cr_assert_not(attempt_of(b, 0)->failed);
    hb_close(b, b->lane[1].connection[0], "peer-rst", NULL);
    cr_assert(attempt_of(b, 0)->failed);
    hb_end(b, 1, 1);
    hb_free(b);
}

/* An older try that fails late is marked in its own row; the newer one that worked stays. What is
 * never answered has failed when its start ends. */
Test(pulls_rows, older_fails_late)
{
    struct hb *b = hb_new_pulls(COLD);
    hb_begin(b, "build-start", 1);
    uint64_t older = hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1));
    hb_open(b, 1, "primary");
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), 200);
    cr_assert_eq(attempts_made(b), 2);
    hb_answer_cut(b, older, 10, "errors");
    cr_assert(attempt_of(b, 0)->failed);
    cr_assert_not(attempt_of(b, 1)->failed);
    hb_ask(b, 1, "failover", OP_BLOB_GET, hb_blob(b, 2));
    cr_assert_not(attempt_of(b, 2)->failed);
    hb_end(b, 1, 1);
    cr_assert(attempt_of(b, 2)->failed);
    cr_assert_not(attempt_of(b, 1)->failed);
    cr_assert_eq(pulls_at(b->pulls, 0)->registries[0].failed, 1);
    hb_free(b);
}

/* A HEAD answered late, when its object is already tried anew, does not make good the GET that
 * failed behind it. */
Test(pulls_rows, late_head)
{
    struct hb *b = hb_new_pulls(COLD);
    hb_begin(b, "build-start", 1);
    uint64_t head = hb_ask(b, 1, "primary", OP_BLOB_HEAD, hb_blob(b, 1));
    hb_open(b, 1, "primary");
    uint64_t get = hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1));
    hb_open(b, 1, "primary");
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), 200);
    cr_assert_eq(attempts_made(b), 2);
    hb_answer_cut(b, get, 10, "errors");
    cr_assert(attempt_of(b, 0)->failed);
    hb_answer(b, head, 200);
    cr_assert(attempt_of(b, 0)->failed);
    cr_assert_not(attempt_of(b, 1)->failed);
    hb_end(b, 1, 1);
    hb_free(b);
}
