/* What phases do, and whom a canary is given to: as the scenario says it, and as the plan deals it;
 * and that a tag which has moved means what it stood for when it was asked for. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/plan.h"
#include "tests/lib/history_builder.h"
#include "tests/lib/scenario_text.h"

static struct scenario *parse(const char *text)
{
    struct err e = {0};
    struct scenario *s = scenario_quoted(text, NULL, &e);
    cr_assert_not_null(s, "%s", e.text);
    return s;
}

#define HEAD "{'version': 1, 'title': 't', 'registries': {'primary': {}, 'failover': {}},"
#define SUBJECTS "'subjects': {'one': {'command': ['true']}, 'two': {'command': ['true']}},"

/* Absent places are those where it can be done; what an action does holds for those after it. */
Test(actions, where_they_act)
{
    struct scenario *s =
        parse(HEAD "'images': {'agent': {'ref': 'ci/agent:stable', 'on': ['primary']},"
                   "'next': {'ref': 'ci/agent:next', 'on': []}}," SUBJECTS
                   "'configuration': {'tag': 'ci/agent:stable'}, 'phases': ["
                   "{'name': 'a', 'starts': 1, 'do': [{'publish': 'agent'}, {'publish': 'next',"
                   "  'on': ['failover']}, {'move-tag': 'next', 'as': '${tag}'}]},"
                   "{'name': 'b', 'starts': 1, 'do': [{'publish': 'next'}, {'move-tag': 'next',"
                   "  'as': 'ci/agent'}, {'run': ['true', '${image.next}'], 'timeout': '3s'},"
                   "  {'run': ['true']}]}]}");
    const struct scenario_action *a = s->phases[0].actions, *b = s->phases[1].actions;
    cr_assert_eq(s->phases[0].action_count, 3);
    cr_assert_eq(s->phases[1].action_count, 4);
    cr_expect_eq(a[0].kind, ACTION_PUBLISH);
    cr_expect_eq(a[0].on, 2, "where it does not lie yet");
    cr_expect_str_eq(a[0].tag, "stable");
    cr_expect_eq(a[1].on, 2);
    cr_expect_eq(a[2].kind, ACTION_MOVE_TAG);
    cr_expect_eq(a[2].image, 1);
    cr_expect_eq(a[2].on, 2, "where it lies by now");
    cr_expect_str_eq(a[2].tag, "stable");
    cr_expect_eq(b[0].on, 1);
    cr_expect_eq(b[1].on, 3);
    cr_expect_str_eq(b[1].tag, "latest");
    cr_expect_eq(b[2].timeout_ns, 3000000000u);
    cr_expect_str_eq(b[2].command.word[1], "${image.next}");
    cr_expect_eq(b[3].timeout_ns, 60000000000u);
    scenario_free(s);
}

/* ---- canaries ------------------------------------------------------------------------------ */

static struct hb *with_canary(const char *share)
{
    char text[2048];
    snprintf(text, sizeof text,
             HEAD "'images': {'agent': {'ref': 'ci/agent:stable'}, 'next': {'ref': 'ci/agent:next',"
                  "'on': [], 'canary-of': 'agent', 'canary': '%s'}}," SUBJECTS
                  "'phases': [{'name': 'before', 'starts': 9}, {'name': 'canary', 'starts': 9,"
                  "'do': [{'publish': 'next'}]}, {'name': 'after', 'starts': 9}]}",
             share);
    return hb_new(text);
}

/* How many of the first COUNT starts of SUBJECT in PHASE are given image 1. */
static uint64_t dealt(const struct plan *p, size_t phase, size_t subject, uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t k = 0; k < count; k++) {
        uint64_t given = plan_canaries(p, phase, subject, k);
        cr_expect((given & ~UINT64_C(2)) == 0);
        sum += given >> 1;
    }
    return sum;
}

/* A share of starts that comes to a whole number is dealt to exactly so many; none where the canary
 * does not lie anywhere yet. */
Test(actions, canaries_are_dealt_exactly)
{
    static const struct {
        const char *share;
        uint64_t starts, canaries;
    } cases[] = {{"10%", 10, 1},   {"10%", 20, 2},    {"25%", 8, 2},         {"30%", 10, 3},
                 {"29%", 100, 29}, {"50%", 2, 1},     {"75%", 4, 3},         {"100%", 7, 7},
                 {"33%", 100, 33}, {"0.1%", 1000, 1}, {"10%", 100000, 10000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hb *b = with_canary(cases[i].share);
        cr_expect_eq(dealt(b->plan, 0, 0, cases[i].starts), 0);
        for (size_t phase = 1; phase < 3; phase++) {
            cr_expect_eq(dealt(b->plan, phase, 1, cases[i].starts), cases[i].canaries, "%s of %llu",
                         cases[i].share, (unsigned long long)cases[i].starts);
        }
        hb_free(b);
    }
}

/* Which starts it is follows from the seed, and is another matter for each subject and phase. */
Test(actions, canaries_follow_from_the_seed)
{
    struct hb *b = with_canary("10%"), *again = with_canary("10%");
    uint64_t differs[3] = {0, 0, 0};
    for (uint64_t k = 0; k < 200; k++) {
        uint64_t given = plan_canaries(b->plan, 1, 0, k);
        cr_expect_eq(given, plan_canaries(again->plan, 1, 0, k));
        differs[0] += given != plan_canaries(b->plan, 1, 1, k);
        differs[1] += given != plan_canaries(b->plan, 2, 0, k);
    }
    again->plan->seed++;
    for (uint64_t k = 0; k < 200; k++)
        differs[2] += plan_canaries(b->plan, 1, 0, k) != plan_canaries(again->plan, 1, 0, k);
    for (size_t i = 0; i < 3; i++)
        cr_expect_gt(differs[i], 10, "%zu: only %llu", i, (unsigned long long)differs[i]);
    hb_free(b);
    hb_free(again);
}

/* ---- tags that have moved ------------------------------------------------------------------ */

#define BOTH                                                                                       \
    HEAD "'images': {'agent': {'ref': 'ci/agent:stable', 'layers': ['1KiB']}, 'next': {'ref': "    \
         "'ci/agent:stable', 'on': [], 'layers': ['1KiB']}}," SUBJECTS                             \
         "'phases': [{'name': 'all', 'starts': 9, 'do': [{'publish': 'next'}]}]}"

/* Asks for the tag where it stands for image INDEX; answered whole. */
static void ask_tag(struct hb *b, size_t index)
{
    const struct plan_image *image = &b->plan->images[index];
    uint64_t connection = hb_open(b, 1, "primary");
    struct event ev = {.type = EVENT_REQUEST};
    ev.request.registry = ev.request.host = "primary";
    ev.request.lane = 1;
    ev.request.start = b->lane[1].start;
    ev.request.connection = connection;
    ev.request.ordinal = 5000;
    ev.request.op = OP_MANIFEST_GET;
    ev.request.repository = image->repository;
    ev.request.reference = image->tag;
    ev.request.digest = image->digest;
    hb_append(b, &ev);
    struct event answer = {.type = EVENT_RESPONSE};
    answer.response.registry = "primary";
    answer.response.lane = 1;
    answer.response.start = b->lane[1].start;
    answer.response.connection = connection;
    answer.response.request = 5000;
    answer.response.status = 200;
    answer.response.digest = answer.response.object = image->digest;
    answer.response.head_bytes = 100;
    answer.response.object_bytes = image->manifest_size;
    answer.response.written = answer.response.delivered = 100 + image->manifest_size;
    answer.response.end = "whole";
    hb_append(b, &answer);
}

/* Of two images under one tag a start has asked for the one that the tag stood for then, and got
 * that one. */
Test(actions, a_tag_means_what_it_stood_for)
{
    for (size_t index = 0; index < 2; index++) {
        struct hb *b = hb_new(BOTH);
        hb_pulls(b);
        hb_drill_begin(b);
        hb_phase_begin(b, "all");
        hb_begin(b, "one", 1);
        ask_tag(b, index);
        for (size_t i = 0; i < b->plan->images[index].blob_count; i++)
            hb_get(b, 1, "primary", OP_BLOB_GET, b->plan->images[index].blobs[i].digest, 200);
        uint64_t number = hb_end(b, 1, 0);
        const struct pull_start *start = pulls_at(b->pulls, 0);
        cr_assert(number > 0 && start != NULL);
        cr_expect_eq(start->outcome, OUTCOME_WORKED, "%s", start->reason ? start->reason : "");
        cr_expect_eq(start->asked, UINT64_C(1) << index);
        cr_expect_eq(start->whole, UINT64_C(1) << index);
        cr_expect_eq(start->image, (int)index);
        hb_free(b);
    }
}
