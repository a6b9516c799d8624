/* Starts that overwrite or delete what is drilled: whose doing it is, in every place that tells. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/history_builder.h"

#define SCENARIO                                                                                   \
    "{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"                          \
    "'images':{'agent':{'ref':'ci/agent:stable','layers':['64KiB']}},"                             \
    "'subjects':{'build-start':{'command':['x']}},"                                                \
    "'phases':[{'name':'steady','starts':2},{'name':'outage','starts':2}]}"

#define OTHER "sha256:0f"

static void overwrite(struct hb *b, const char *registry)
{
    uint64_t ask = hb_ask(b, 1, registry, OP_MANIFEST_PUT, "stable");
    struct event_response answer = hb_response(b, ask, 201);
    answer.stored = OTHER;
    hb_respond(b, answer);
}

/* It asks for the tag and is told what somebody else has pushed as it. */
static void pull_other(struct hb *b, const char *registry)
{
    uint64_t ask = hb_ask(b, 1, registry, OP_MANIFEST_GET, "stable");
    struct event_response answer = hb_response(b, ask, 200);
    answer.digest = answer.object = OTHER;
    hb_respond(b, answer);
}

static enum outcome outcome_of(struct hb *b, const char **reason)
{
    static char text[1024];
    *reason = text;
    return pulls_outcome(b->pulls, 1, &(struct event_start_end){.exit = 0}, text, sizeof text);
}

/* A start that was told what an earlier one pushed over the image has not got it, and says whose
 * doing that is; one that asked another registry, or for nothing, does not. */
Test(pulls_changes, why_a_start_was_told_nothing)
{
    static const struct {
        const char *asks;
        const char *says;
    } ways[] = {{"primary", "scenario's images: start 1 (steady) pushed other content as "
                            "ci/agent:stable to primary"},
                {"failover", "scenario's images"},
                {NULL, "scenario's images"}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const char *reason;
        struct hb *b = hb_new(SCENARIO);
        hb_pulls(b);
        hb_phase_begin(b, "steady");
        hb_begin(b, "build-start", 1);
        hb_pull(b, 1, "primary", 0);
        overwrite(b, "primary");
        hb_end(b, 1, 0);
        hb_begin(b, "build-start", 1);
        if (ways[i].asks) {
            pull_other(b, ways[i].asks);
        }
        cr_expect_eq(outcome_of(b, &reason), OUTCOME_WRONG);
        size_t len = strlen(reason);
        size_t tail = strlen(ways[i].says);
        cr_expect(len >= tail && strcmp(reason + len - tail, ways[i].says) == 0, "%s", reason);
        hb_free(b);
    }
}

/* A drill that ends with its image overwritten or deleted is inconclusive, by the subject's doing;
 * where nobody has touched the image, a fresh pull that does not work is the harness's. */
Test(pulls_changes, whose_blame)
{
    static const struct {
        bool overwritten, probe;
        const char *blame;
    } ways[] = {{true, true, "subject"}, {true, false, "subject"}, {false, false, "harness"}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct hb *b = hb_new(SCENARIO);
        hb_judge(b);
        hb_drill_begin(b);
        for (int p = 0; p < 2; p++) {
            hb_phase_begin(b, p == 0 ? "steady" : "outage");
            hb_good_start(b, "build-start", 1, "primary");
            hb_begin(b, "build-start", 1);
            hb_pull(b, 1, "primary", 0);
            if (ways[i].overwritten) {
                overwrite(b, "failover");
            }
            hb_end(b, 1, 0);
            hb_phase_end(b, "starts");
        }
        hb_probe(b, "healed", "primary", true, "whole");
        hb_probe(b, "healed", "failover", ways[i].probe, "as told");
        hb_begin_control(b, "build-start", 1);
        hb_end(b, 1, 1);
        hb_drill_end(b, "completed", NULL);
        struct verdict *v = hb_finish(b);
        cr_expect_eq(v->verdict, VERDICT_INCONCLUSIVE);
        cr_expect_str_eq(v->blame, ways[i].blame);
        cr_expect_eq(v->note_count, ways[i].overwritten ? 1 : 0);
        if (ways[i].overwritten && v->note_count > 0) {
            cr_expect_not_null(strstr(v->notes[0], "start 2 (steady) pushed other content as "
                                                   "ci/agent:stable to failover, the first of 2"),
                               "%s", v->notes[0]);
        }
        verdict_free(v);
        hb_free(b);
    }
}

/* Lane 1 writes REFERENCE on the primary, and is told that STORED lies there now (NULL: it is
 * gone).
 */
static void write_one(struct hb *b, enum op op, const char *reference, const char *stored)
{
    uint64_t ask = hb_ask(b, 1, "primary", op, reference);
    struct event_response answer = hb_response(b, ask, stored ? 201 : 202);
    answer.stored = stored;
    hb_respond(b, answer);
}

/* The image pushed again, other content beside it, and a delete of that: the image is as it was.
 * Any part of it that goes is a change. */
Test(pulls_changes, what_changes_nothing)
{
    struct hb *b = hb_new(SCENARIO);
    hb_pulls(b);
    const struct plan_image *image = &b->plan->images[0];
    hb_phase_begin(b, "steady");
    hb_begin(b, "build-start", 1);
    write_one(b, OP_MANIFEST_PUT, "stable", image->digest);
    write_one(b, OP_MANIFEST_PUT, image->digest, image->digest);
    write_one(b, OP_MANIFEST_PUT, "other", OTHER);
    write_one(b, OP_MANIFEST_PUT, OTHER, OTHER);
    write_one(b, OP_DELETE, "other", NULL);
    write_one(b, OP_DELETE, OTHER, NULL);
    cr_expect_null(pulls_change(b->pulls, 0, 0));
    for (size_t i = 0; i < image->blob_count; i++) {
        write_one(b, OP_DELETE, image->blobs[i].digest, NULL);
        const struct pull_change *change = pulls_change(b->pulls, 0, 0);
        cr_assert_not_null(change);
        cr_expect_eq(change->count, i + 1);
        cr_expect(change->deleted && !change->tag_lost);
    }
    write_one(b, OP_DELETE, "stable", NULL);
    cr_expect(pulls_change(b->pulls, 0, 0)->tag_lost);
    cr_expect_null(pulls_change(b->pulls, 1, 0));
    hb_free(b);
}
