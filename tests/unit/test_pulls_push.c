/* Pulls of starts that push: writes are no attempts, and what is asked before them is none. */
#include <criterion/criterion.h>

#include "tests/lib/history_builder.h"

#define SCENARIO                                                                                   \
    "{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"                          \
    "'images':{'agent':{'ref':'ci/agent:stable','on':['primary','failover'],'layers':['64KiB']}}," \
    "'subjects':{'build-start':{'command':['x'],'timeout':'20s','concurrency':4}},"                \
    "'faults':{'errors':{'on':'primary','kind':'status','code':500}},"                             \
    "'phases':[{'name':'steady','starts':2},{'name':'outage','starts':2,'faults':['errors']}]}"

#define NEW "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Pushes an image that no scenario knows: what it comes to at the registry. */
static void push(struct hb *b, uint64_t lane)
{
    hb_get(b, lane, "primary", OP_BLOB_HEAD, NEW, 404);
    hb_get(b, lane, "primary", OP_UPLOAD_START, NULL, 202);
    hb_get(b, lane, "primary", OP_UPLOAD_CHUNK, NULL, 202);
    hb_get(b, lane, "primary", OP_UPLOAD_FINISH, NULL, 201);
    hb_get(b, lane, "primary", OP_MANIFEST_PUT, "new", 201);
    hb_get(b, lane, "primary", OP_DELETE, "new", 202);
}

/* A start that pulls and then pushes has the attempts of its pull alone, and no trouble: that a
 * blob is not there yet is no reason to turn to another registry. Its writes are counted. */
Test(pulls_push, are_no_attempts)
{
    struct hb *b = hb_new_pulls(SCENARIO);
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_pull(b, 1, "primary", 0);
    const struct pull_start *start = pulls_start(b->pulls, n);
    uint64_t attempts = start->registries[0].attempts;
    push(b, 1);
    cr_assert_eq(start->registries[0].attempts, attempts);
    cr_assert_eq(start->registries[0].failed, 0);
    cr_assert_eq(start->registries[0].trouble_event, 0);
    cr_assert_eq(start->registries[0].ops[OP_UPLOAD_FINISH], 1);
    cr_assert_eq(start->registries[0].ops[OP_MANIFEST_PUT], 1);
    hb_end(b, 1, 0);
    cr_assert_eq(start->label, PULL_PRIMARY);
    hb_free(b);
}

/* A blob of the drill's own image that is asked for where the image lies is one, there or not. */
Test(pulls_push, a_missing_blob_of_the_image_is_an_attempt)
{
    struct hb *b = hb_new_pulls(SCENARIO);
    uint64_t n = hb_begin(b, "build-start", 1);
    const struct pull_start *start = pulls_start(b->pulls, n);
    hb_get(b, 1, "primary", OP_BLOB_HEAD, hb_blob(b, 0), 404);
    cr_assert_eq(start->registries[0].attempts, 1);
    cr_assert_eq(start->registries[0].failed, 1);
    cr_assert_neq(start->registries[0].trouble_event, 0);
    hb_free(b);
}

/* A write that fails is trouble: a client that turns to another registry has a reason. */
Test(pulls_push, a_failed_write_is_trouble)
{
    struct hb *b = hb_new_pulls(SCENARIO);
    uint64_t n = hb_begin(b, "build-start", 1);
    const struct pull_start *start = pulls_start(b->pulls, n);
    hb_get(b, 1, "primary", OP_UPLOAD_FINISH, NULL, 500);
    cr_assert_eq(start->registries[0].attempts, 0);
    cr_assert_neq(start->registries[0].trouble_event, 0);
    hb_free(b);
}
