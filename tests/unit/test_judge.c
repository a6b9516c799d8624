/* The judge: what it makes of the results of checks, of drills that end badly, and the summary.
 * The catalogue here is one of doubles that answer as each test tells them: a program that defines
 * the catalogue's symbols itself does not take them from the library. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/check.h"
#include "tests/lib/history_builder.h"

/* ---- doubles ------------------------------------------------------------------------------- */

/* What each double answers, and the event type that makes it lose for good. */
static struct script {
    enum verdict_kind verdict;
    enum event_type loses_on; /* EVENT_COUNT: never */
} script[6];

enum { EXPOSURE, BASELINE, HEALED, NOTHING_LEFT, ALPHA, BETA };

static void double_event(struct check *c, const struct event *ev);
static void double_finish(struct check *c);

static const struct check_param beta_params[] = {{.name = "max", .type = CHECK_DURATION}};
#define DOUBLE(NAME, ALWAYS)                                                                       \
    {                                                                                              \
        .name = NAME, .always = ALWAYS, .scope = SCOPE_DURING, .meaning = "the meaning of " NAME,  \
        .event = double_event, .finish = double_finish                                             \
    }
static const struct check_info doubles[] = {
    DOUBLE("exposure", true),
    DOUBLE("baseline", true),
    DOUBLE("healed", true),
    DOUBLE("nothing-left", true),
    DOUBLE("alpha", false),
    {.name = "beta",
     .params = beta_params,
     .param_count = 1,
     .meaning = "beta",
     .event = double_event,
     .finish = double_finish},
};
const struct check_info *const check_catalogue[] = {&doubles[0], &doubles[1], &doubles[2],
                                                    &doubles[3], &doubles[4], &doubles[5]};
const size_t check_catalogue_count = 6;

const struct check_info *check_find(const char *name)
{
    for (size_t i = 0; i < check_catalogue_count; i++) {
        if (strcmp(check_catalogue[i]->name, name) == 0) {
            return check_catalogue[i];
        }
    }
    return NULL;
}

static const struct script *script_of(const struct check *c)
{
    return &script[c->info - doubles];
}

static void double_event(struct check *c, const struct event *ev)
{
    if (ev->type == script_of(c)->loses_on) {
        c->lost = true;
        c->out->actual = "lost early";
    }
}

static void double_finish(struct check *c)
{
    check_result(c, script_of(c)->verdict, "%s said so", c->name);
    check_reason(c, (uint64_t[]){1, 0}, "a reason");
}

/* ---- building ------------------------------------------------------------------------------ */

#define SCENARIO                                                                                   \
    "{'version':1,'title':'t',"                                                                    \
    "'registries':{'primary':{},'failover':{}},"                                                   \
    "'images':{'agent':{'ref':'ci/agent:stable','on':['primary','failover'],'layers':['64KiB']}}," \
    "'subjects':{'build-start':{'command':['x'],'concurrency':4}},"                                \
    "'faults':{'errors':{'on':'primary','kind':'status','code':500},"                              \
    "'closed':{'on':'primary','kind':'refuse'}},"                                                  \
    "'phases':[{'name':'steady','starts':1},"                                                      \
    "{'name':'outage','starts':2,'faults':['errors']},"                                            \
    "{'name':'refused','starts':1,'faults':['closed']}],"                                          \
    "'expect':[{'check':'alpha'},{'check':'beta','max':'1s'},{'check':'alpha','name':'named'}]}"

static void all_pass(void)
{
    for (size_t i = 0; i < check_catalogue_count; i++) {
        script[i] = (struct script){.verdict = VERDICT_PASS, .loses_on = EVENT_COUNT};
    }
}

static struct hb *begin_drill(void)
{
    struct hb *b = hb_new(SCENARIO);
    all_pass();
    hb_judge(b);
    return b;
}

/* A drill of one start that ends for REASON (NULL: it has no end), judged. */
static struct verdict *judged(struct hb *b, const char *reason, const char *detail)
{
    hb_drill_begin(b);
    hb_phase_begin(b, "steady");
    hb_good_start(b, "build-start", 1, "primary");
    hb_phase_end(b, "starts");
    if (reason) {
        hb_drill_end(b, reason, detail);
    }
    return hb_finish(b);
}

static void close_drill(struct hb *b, struct verdict *v)
{
    verdict_free(v);
    hb_free(b);
}

/* ---- verdicts ------------------------------------------------------------------------------ */

/* All checks pass: so does the drill; always-on checks come first, entries keep their names. */
Test(judge, pass)
{
    struct hb *b = begin_drill();
    struct verdict *v = judged(b, "completed", NULL);
    cr_assert_eq(v->verdict, VERDICT_PASS);
    cr_assert_str_eq(v->blame, "nobody");
    cr_assert_null(v->why);
    cr_assert_eq(v->check_count, 7);
    cr_assert_str_eq(v->checks[0].name, "exposure");
    cr_assert(v->checks[3].always);
    cr_assert_str_eq(v->checks[4].name, "alpha");
    cr_assert_not(v->checks[4].always);
    cr_assert_str_eq(v->checks[6].name, "named");
    cr_assert_str_eq(v->checks[6].check, "alpha");
    cr_assert_str_eq(v->checks[6].actual, "named said so");
    cr_assert_str_eq(v->checks[4].expected, "the meaning of alpha");
    cr_assert_eq(v->checks[4].reasons[0].events[0], 1);
    cr_assert(v->checks[4].judged);
    close_drill(b, v);
}

/* A failed expectation is a failure and the subject's, whatever the always-on checks say of the
 * drill; those never fail by themselves. */
Test(judge, inconclusive_never_hides_a_failure)
{
    struct hb *b = begin_drill();
    script[EXPOSURE].verdict = VERDICT_FAIL;
    script[ALPHA].verdict = VERDICT_FAIL;
    struct verdict *v = judged(b, "completed", NULL);
    cr_assert_eq(v->verdict, VERDICT_FAIL);
    cr_assert_str_eq(v->blame, "subject");
    cr_assert_eq(hb_check(v, "exposure")->verdict, VERDICT_INCONCLUSIVE);
    close_drill(b, v);
}

/* A fault that was not met is the scenario's; a heal that did not work is ours. */
Test(judge, inconclusive_and_whose)
{
    struct hb *b = begin_drill();
    script[EXPOSURE].verdict = VERDICT_INCONCLUSIVE;
    struct verdict *v = judged(b, "completed", NULL);
    cr_assert_eq(v->verdict, VERDICT_INCONCLUSIVE);
    cr_assert_str_eq(v->blame, "scenario");
    cr_assert_str_eq(v->why, "exposure: exposure said so");
    close_drill(b, v);
    b = begin_drill();
    script[HEALED].verdict = VERDICT_FAIL;
    v = judged(b, "completed", NULL);
    cr_assert_eq(v->verdict, VERDICT_INCONCLUSIVE);
    cr_assert_str_eq(v->blame, "harness");
    close_drill(b, v);
    b = begin_drill();
    script[NOTHING_LEFT].verdict = VERDICT_FAIL;
    v = judged(b, "completed", NULL);
    cr_assert_eq(v->verdict, VERDICT_FAIL);
    cr_assert_str_eq(v->blame, "subject");
    close_drill(b, v);
}

/* A loop slower than a tenth of a threshold: the machine is to blame, not the subject. */
Test(judge, lag_is_the_environment)
{
    for (int slow = 0; slow < 2; slow++) {
        struct hb *b = begin_drill();
        script[BETA].verdict = VERDICT_INCONCLUSIVE;
        hb_lag(b, slow ? 100000001 : 100000000);
        hb_lag(b, 5);
        struct verdict *v = judged(b, "completed", NULL);
        cr_assert_str_eq(v->blame, slow ? "environment" : "scenario");
        close_drill(b, v);
    }
}

/* A sick baseline leaves expectations unjudged, even lost ones; what a start left behind is still
 * told. */
Test(judge, sick_baseline)
{
    struct hb *b = begin_drill();
    const char *why;
    script[BASELINE] = (struct script){VERDICT_INCONCLUSIVE, EVENT_START_END};
    script[EXPOSURE].verdict = VERDICT_INCONCLUSIVE;
    script[ALPHA] = (struct script){VERDICT_FAIL, EVENT_START_END};
    cr_assert_not(judge_baseline_sick(b->judge, &why));
    hb_phase_begin(b, "steady");
    hb_fallen_start(b, "build-start", 1, "primary", 500, NULL, NULL);
    cr_assert(judge_baseline_sick(b->judge, &why));
    cr_assert_str_eq(why, "lost early");
    hb_drill_end(b, "sick-baseline", "lost early");
    struct verdict *v = hb_finish(b);
    cr_assert_eq(v->verdict, VERDICT_INCONCLUSIVE);
    cr_assert_str_eq(v->blame, "subject");
    cr_assert_str_eq(v->why, "the baseline was sick: a reason");
    cr_assert(hb_check(v, "baseline")->judged);
    cr_assert_not(hb_check(v, "exposure")->judged);
    cr_assert_not(hb_check(v, "alpha")->judged);
    cr_assert_eq(hb_check(v, "alpha")->reason_count, 0);
    cr_assert_str_eq(hb_check(v, "alpha")->actual, "not judged: the baseline was sick");
    cr_assert(hb_check(v, "nothing-left")->judged);
    close_drill(b, v);
}

/* The limit: what was lost stays failed, what only looked well is not judged. */
Test(judge, limit)
{
    struct hb *b = begin_drill();
    struct verdict *v =
        judged(b, "limit", "the limit of 5m struck\nlane 1 waits for its command\n");
    cr_assert_eq(v->verdict, VERDICT_INCONCLUSIVE);
    cr_assert_str_eq(v->why, "the limit of 5m struck; lane 1 waits for its command");
    cr_assert_not(hb_check(v, "alpha")->judged);
    close_drill(b, v);
    b = begin_drill();
    script[ALPHA] = (struct script){VERDICT_FAIL, EVENT_START_END};
    script[BETA].verdict = VERDICT_FAIL;
    v = judged(b, "limit", NULL);
    cr_assert_eq(v->verdict, VERDICT_FAIL);
    cr_assert(hb_check(v, "alpha")->judged);
    cr_assert_not(hb_check(v, "beta")->judged, "it might have come out otherwise");
    close_drill(b, v);
}

/* An interrupt judges nothing. */
Test(judge, interrupted)
{
    struct hb *b = begin_drill();
    script[ALPHA] = (struct script){VERDICT_FAIL, EVENT_START_END};
    struct verdict *v = judged(b, "interrupted", "SIGINT");
    cr_assert_eq(v->verdict, VERDICT_INCONCLUSIVE);
    cr_assert_str_eq(v->blame, "environment");
    cr_assert_str_eq(v->why, "interrupted: SIGINT");
    for (size_t i = 0; i < v->check_count; i++) {
        cr_assert_not(v->checks[i].judged);
    }
    close_drill(b, v);
}

/* A failure of the harness is an error and its own, also beside failed checks; so is a reason that
 * nobody knows. */
Test(judge, harness_failure)
{
    const char *reasons[] = {"failure", "never-heard-of"};
    for (size_t i = 0; i < 2; i++) {
        struct hb *b = begin_drill();
        script[ALPHA] = (struct script){VERDICT_FAIL, EVENT_START_END};
        struct verdict *v = judged(b, reasons[i], "no more descriptors");
        cr_assert_eq(v->verdict, VERDICT_ERROR);
        cr_assert_str_eq(v->blame, "harness");
        cr_assert_str_eq(v->why, "the harness failed: no more descriptors");
        cr_assert_eq(hb_check(v, "alpha")->verdict, VERDICT_FAIL);
        close_drill(b, v);
    }
}

/* A history without its last event passes nothing. */
Test(judge, no_end)
{
    struct hb *b = begin_drill();
    struct verdict *v = judged(b, NULL, NULL);
    cr_assert_eq(v->verdict, VERDICT_INCONCLUSIVE);
    cr_assert_str_eq(v->blame, "environment");
    cr_assert_not(hb_check(v, "alpha")->judged);
    cr_assert_not_null(strstr(v->why, "was killed"));
    close_drill(b, v);
}

/* A check that was lost for good cannot come out as passed; `prove` asks for them by name or word.
 */
Test(judge, lost_is_lost)
{
    struct hb *b = begin_drill();
    script[ALPHA].loses_on = EVENT_START_END;
    const char *names[] = {"alpha", "named"};
    const char *more[] = {"alpha", "beta"};
    const char *unknown[] = {"gamma"};
    cr_assert_not(judge_lost(b->judge, names, 2));
    hb_phase_begin(b, "steady");
    hb_good_start(b, "build-start", 1, "primary");
    cr_assert(judge_lost(b->judge, names, 2));
    cr_assert_not(judge_lost(b->judge, more, 2));
    cr_assert_not(judge_lost(b->judge, unknown, 1));
    cr_assert_not(judge_lost(b->judge, names, 0));
    hb_drill_end(b, "completed", NULL);
    struct verdict *v = hb_finish(b);
    cr_assert_eq(hb_check(v, "alpha")->verdict, VERDICT_FAIL);
    struct err e = {0};
    cr_assert_null(judge_finish(b->judge, &e));
    close_drill(b, v);
}

/* A history that contradicts itself is an error: judging on would be guessing. */
Test(judge, contradiction)
{
    struct hb *b = begin_drill();
    struct event ev = {.type = EVENT_START_END, .start_end = {.lane = 1, .start = 9}};
    hb_append(b, &ev);
    struct verdict *v = judged(b, "completed", NULL);
    cr_assert_eq(v->verdict, VERDICT_ERROR);
    cr_assert_str_eq(v->blame, "harness");
    cr_assert_str_eq(v->why, "event 1: start 9 ended, but does not run");
    cr_assert_not(hb_check(v, "alpha")->judged);
    close_drill(b, v);
}

/* ---- the summary --------------------------------------------------------------------------- */

static void whole_drill(struct hb *b)
{
    hb_drill_begin(b);
    hb_phase_begin(b, "steady");
    hb_good_start(b, "build-start", 1, "primary");
    hb_phase_end(b, "starts");
    hb_phase_begin(b, "outage");
    hb_armed(b, "errors");
    hb_fallen_start(b, "build-start", 1, "primary", 500, "errors", "failover");
    hb_fallen_start(b, "build-start", 2, "primary", 500, "errors", NULL);
    hb_phase_end(b, "starts");
    hb_healed(b, "errors");
    hb_phase_begin(b, "refused");
    hb_armed(b, "closed");
    hb_begin(b, "build-start", 1);
    hb_end_hung(b, 1);
    hb_phase_end(b, "starts");
    hb_healed(b, "closed");
    hb_begin_control(b, "build-start", 1);
    hb_end(b, 1, 1);
    hb_drill_end(b, "completed", NULL);
}

/* Phases, outcomes, and the starts that did not work, with what they did last. */
Test(judge, summary_of_starts)
{
    struct hb *b = begin_drill();
    whole_drill(b);
    struct verdict *v = hb_finish(b);
    cr_assert_eq(v->starts.worked, 2);
    cr_assert_eq(v->starts.failed, 1);
    cr_assert_eq(v->starts.hung, 1);
    cr_assert_eq(v->phase_count, 3);
    cr_assert_str_eq(v->phases[1].name, "outage");
    cr_assert_eq(v->phases[1].starts.worked, 1);
    cr_assert_eq(v->phases[1].starts.failed, 1);
    cr_assert_str_eq(v->phases[1].reason, "starts");
    cr_assert_eq(v->bad_count, 2);
    cr_assert_eq(v->bad[0].start, 3);
    cr_assert_str_eq(v->bad[0].phase, "outage");
    cr_assert_str_eq(v->bad[0].outcome, "failed");
    cr_assert_str_eq(v->bad[0].last,
                     "asked primary for manifest stable, got 500 (fault errors); exit 1");
    cr_assert_str_eq(v->bad[0].output, "starts/3.txt");
    cr_assert_str_eq(v->bad[1].outcome, "hung");
    cr_assert_str_eq(v->subject_noun, "builds");
    cr_assert_str_eq(v->scenario, "test.json");
    cr_assert_str_eq(v->folder, "test");
    cr_assert_str_eq(v->began, "2026-01-02T03:04:05.678Z");
    cr_assert_str_eq(v->replay, "pulldrill run test.json");
    cr_assert_eq(v->duration_ns, b->t_ns);
    close_drill(b, v);
}

/* Faults with their exposure (by evidence), registries with their totals. */
Test(judge, summary_of_faults_and_registries)
{
    struct hb *b = begin_drill();
    whole_drill(b);
    struct verdict *v = hb_finish(b);
    cr_assert_eq(v->fault_count, 2);
    cr_assert_str_eq(v->faults[0].name, "errors");
    cr_assert_str_eq(v->faults[0].evidence, "wire");
    cr_assert_eq(v->faults[0].planned, 2);
    cr_assert_eq(v->faults[0].matched, 2);
    cr_assert_eq(v->faults[0].fired, 2);
    cr_assert_eq(v->faults[0].met, 2);
    cr_assert_float_eq(v->faults[0].exposure, 1.0, 1e-12);
    cr_assert_lt(v->faults[0].first_event, v->faults[0].last_event);
    cr_assert_str_eq(v->faults[1].evidence, "armed");
    cr_assert_eq(v->faults[1].planned, 1);
    cr_assert_eq(v->faults[1].matched, 0);
    cr_assert_eq(v->faults[1].met, 1);
    cr_assert_eq(v->note_count, 1);
    cr_assert_eq(v->registry_count, 2);
    cr_assert_str_eq(v->registries[0].role, "primary");
    cr_assert_eq(v->registries[0].connections, 3);
    cr_assert_eq(v->registries[0].requests, 4 + 2);
    cr_assert_eq(v->registries[0].attempts, 3 + 2);
    cr_assert_eq(v->registries[0].failed, 2);
    cr_assert_eq(v->registries[0].served, 1);
    cr_assert_eq(v->registries[1].requests, 4);
    cr_assert_eq(v->registries[1].served, 1);
    cr_assert_eq(v->registries[1].bytes, 4 * 200 + 512 + 128 + 65536);
    close_drill(b, v);
}

/* A start that the harness stopped counts nowhere. */
Test(judge, stopped_starts_count_nowhere)
{
    struct hb *b = begin_drill();
    hb_phase_begin(b, "steady");
    hb_begin(b, "build-start", 1);
    hb_phase_end(b, "limit");
    hb_end_with(b, 1, (struct event_start_end){.exit = -1, .signal = 9, .cancelled = true});
    hb_drill_end(b, "limit", "slow");
    struct verdict *v = hb_finish(b);
    cr_assert_eq(v->starts.failed, 0);
    cr_assert_eq(v->bad_count, 0);
    close_drill(b, v);
}

static void write_event(void *data, const struct event *ev)
{
    struct buf line;
    buf_init(&line, 1u << 20);
    event_encode(ev, &line);
    cr_assert_not(line.failed);
    cr_assert_eq(fwrite(line.data, 1, line.len, data), line.len);
    buf_close(&line);
}

static const char *temporary(char path[64])
{
    snprintf(path, 64, "/tmp/pulldrill-judge-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_neq(fd, -1);
    close(fd);
    return path;
}

/* A saved history, its plan taken from its first line, is judged as it was live. */
Test(judge, file_gives_the_same)
{
    char path[64];
    struct err e = {0};
    struct hb *b = begin_drill();
    FILE *file = fopen(temporary(path), "w");
    cr_assert_not_null(file);
    script[ALPHA].verdict = VERDICT_FAIL;
    hb_add_sink(b, write_event, file);
    whole_drill(b);
    fclose(file);
    struct verdict *live = hb_finish(b);
    struct verdict *saved = judge_file(path, &e);
    cr_assert_not_null(saved, "%s", e.text);
    hb_free(b);
    cr_assert_eq(saved->verdict, VERDICT_FAIL);
    cr_assert_eq(saved->starts.worked, live->starts.worked);
    cr_assert_eq(saved->bad_count, 2);
    cr_assert_str_eq(saved->bad[0].last, live->bad[0].last);
    cr_assert_str_eq(saved->faults[0].text, live->faults[0].text);
    cr_assert_str_eq(saved->checks[6].name, "named");
    cr_assert_eq(saved->registries[1].bytes, live->registries[1].bytes);
    verdict_free(live);
    verdict_free(saved);
    remove(path);
}

/* What is no history is refused with the file's name. */
Test(judge, file_that_is_none)
{
    static const char *const texts[] = {
        "", "{\"n\":1,\"t_ns\":0,\"actor\":\"drill\",\"event\":\"lag\"}\n", "hello\n"};
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        struct err e = {0};
        FILE *file = fopen(temporary(path), "w");
        cr_assert_not_null(file);
        fputs(texts[i], file);
        fclose(file);
        cr_assert_null(judge_file(path, &e));
        cr_assert_not_null(strstr(e.text, path), "%s", e.text);
        remove(path);
    }
}
