/* Proofs: what a drill's verdict says about a good subject and a bad twin, and drills that stop
 * once what was to fail has failed. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/commands/prove.h"
#include "tests/lib/check_run.h"

/* ---- findings ------------------------------------------------------------------------------ */

#define CHECKS 4

/* A drill by hand: exposure, baseline, starts-succeed (entry "all-start"), requests; one fault of
 * one phase, fired three times of at least two. A twin that is to fail the entry. */
struct made {
    struct verdict v;
    struct verdict_check check[CHECKS];
    struct verdict_fault fault;
    struct verdict_phase phase[2];
    struct scenario s;
    struct fault_rule rule;
    struct fault_kind_info kind;
    struct scenario_phase phases[2];
    const char *because[2];
    struct scenario_twin twin;
    struct prove_finding finding;
};

enum { EXPOSURE, BASELINE, STARTS, REQUESTS };

static void make(struct made *m)
{
    static const char *const names[CHECKS] = {"exposure", "baseline", "starts-succeed", "requests"};
    *m = (struct made){.because = {"all-start"}};
    for (size_t i = 0; i < CHECKS; i++) {
        m->check[i] = (struct verdict_check){.name = i == STARTS ? "all-start" : names[i],
                                             .check = names[i],
                                             .always = i < STARTS,
                                             .judged = true,
                                             .verdict = VERDICT_PASS,
                                             .actual = "so it was"};
    }
    m->check[STARTS].verdict = VERDICT_FAIL;
    m->kind.evidence = EVIDENCE_WIRE;
    m->rule = (struct fault_rule){.name = "broken", .kind = &m->kind, .min_fired = 2};
    m->fault = (struct verdict_fault){.name = "broken", .fired = 3};
    m->phases[1].fault_count = 1;
    m->s = (struct scenario){
        .faults = &m->rule, .fault_count = 1, .phases = m->phases, .phase_count = 2};
    m->v = (struct verdict){.verdict = VERDICT_FAIL,
                            .blame = "subject",
                            .reason = "lost",
                            .checks = m->check,
                            .check_count = CHECKS,
                            .faults = &m->fault,
                            .fault_count = 1,
                            .phases = m->phase,
                            .phase_count = 2};
    m->twin = (struct scenario_twin){.variant = "bad", .because = m->because, .because_count = 1};
}

static enum verdict_kind twin_of(struct made *m)
{
    prove_judge_twin(&m->v, &m->s, &m->twin, &m->finding);
    return m->finding.verdict;
}

/* A twin is caught where all that is named failed, by the entry's name or the check's word. */
Test(prove, caught)
{
    struct made m;
    make(&m);
    cr_expect_eq(twin_of(&m), VERDICT_PASS);
    m.because[0] = "starts-succeed";
    cr_expect_eq(twin_of(&m), VERDICT_PASS);
    m.because[1] = "requests";
    m.twin.because_count = 2;
    cr_expect_eq(twin_of(&m), VERDICT_FAIL);
    cr_expect_not_null(strstr(m.finding.why, "requests was to fail, but passed (so it was)"));
    m.check[REQUESTS].verdict = VERDICT_FAIL;
    cr_expect_eq(twin_of(&m), VERDICT_PASS);
}

/* Inconclusive is not failed, unless the check is an always-on one; not judged never is. */
Test(prove, inconclusive)
{
    struct made m;
    make(&m);
    m.check[STARTS].verdict = VERDICT_INCONCLUSIVE;
    cr_expect_eq(twin_of(&m), VERDICT_FAIL);
    cr_expect_not_null(strstr(m.finding.why, "all-start was to fail, but was inconclusive"));
    m.v.blame = "environment";
    cr_expect_eq(twin_of(&m), VERDICT_INCONCLUSIVE, "a slow machine is not the twin's");
    m.because[0] = "exposure";
    m.check[EXPOSURE].verdict = VERDICT_INCONCLUSIVE;
    cr_expect_eq(twin_of(&m), VERDICT_PASS);
    m.check[EXPOSURE].judged = false;
    cr_expect_neq(twin_of(&m), VERDICT_PASS);
}

/* Other always-on checks must pass. Where a sick baseline is what was to be, the rest is not asked
 * for. */
Test(prove, baseline)
{
    struct made m;
    make(&m);
    m.v.reason = "sick-baseline";
    m.check[BASELINE].verdict = VERDICT_INCONCLUSIVE;
    cr_expect_eq(twin_of(&m), VERDICT_FAIL);
    cr_expect_not_null(strstr(m.finding.why, "baseline was to pass"));
    m.because[1] = "baseline";
    m.twin.because_count = 2;
    m.check[EXPOSURE].judged = m.check[STARTS].judged = false;
    m.check[EXPOSURE].verdict = m.check[STARTS].verdict = VERDICT_INCONCLUSIVE;
    cr_expect_eq(twin_of(&m), VERDICT_PASS);
    m.check[BASELINE].verdict = VERDICT_PASS;
    cr_expect_eq(twin_of(&m), VERDICT_FAIL);
}

/* A fault's share does not count for a twin; that it fired often enough does, unless the drill was
 * stopped before its phase. */
Test(prove, exposure)
{
    struct made m;
    make(&m);
    m.check[EXPOSURE].verdict = VERDICT_INCONCLUSIVE;
    m.fault.fired = 2;
    cr_expect_eq(twin_of(&m), VERDICT_PASS);
    m.fault.fired = 1;
    cr_expect_eq(twin_of(&m), VERDICT_FAIL);
    cr_expect_not_null(strstr(m.finding.why, "fault broken fired 1 times, at least 2 needed"));
    m.v.phase_count = 1;
    cr_expect_eq(twin_of(&m), VERDICT_PASS);
    m.v.reason = "completed";
    cr_expect_eq(twin_of(&m), VERDICT_FAIL);
}

/* A drill that failed or was interrupted shows nothing about a twin, whatever its checks say. */
Test(prove, says_nothing)
{
    struct made m;
    make(&m);
    m.v.verdict = VERDICT_ERROR;
    m.v.why = "setup failed";
    cr_expect_eq(twin_of(&m), VERDICT_ERROR);
    cr_expect_str_eq(m.finding.why, "setup failed");
    m.v.verdict = VERDICT_FAIL;
    m.v.signal = 15;
    cr_expect_eq(twin_of(&m), VERDICT_INCONCLUSIVE);
}

/* The good subject has to pass; what it did not pass is named. */
Test(prove, good)
{
    struct made m;
    make(&m);
    prove_judge_good(&m.v, &m.finding);
    cr_expect_eq(m.finding.verdict, VERDICT_FAIL);
    cr_expect_str_eq(m.finding.why, "all-start failed (so it was)");
    m.v.verdict = VERDICT_PASS;
    prove_judge_good(&m.v, &m.finding);
    cr_expect_eq(m.finding.verdict, VERDICT_PASS);
}

/* Of several rounds the worst counts, and two that differ are a failure, even if both caught it. */
Test(prove, rounds)
{
    struct made m;
    struct options o = {.times = 2};
    struct prove p = {.options = &o};
    struct prove_cell cell = {.twin = &m.twin, .name = "bad"};
    make(&m);
    arena_init(&p.arena, 1 << 16);
    twin_of(&m);
    prove_add_round(&p, &cell, &m.v, &m.finding);
    cr_expect_eq(prove_cell_verdict(&p, &cell), VERDICT_INCONCLUSIVE, "a round is lacking");
    prove_add_round(&p, &cell, &m.v, &m.finding);
    cr_expect_eq(prove_cell_verdict(&p, &cell), VERDICT_PASS);
    cell = (struct prove_cell){.twin = &m.twin, .name = "bad"};
    prove_add_round(&p, &cell, &m.v, &m.finding);
    m.v.verdict = VERDICT_INCONCLUSIVE;
    prove_add_round(&p, &cell, &m.v, &m.finding);
    cr_expect(cell.differs);
    cr_expect_eq(prove_cell_verdict(&p, &cell), VERDICT_FAIL);
    arena_close(&p.arena);
}

/* ---- drills that were stopped -------------------------------------------------------------- */

/* Evidence is judged up to the stop: the phases before it saw their starts, or did not. */
Test(prove, evidence_up_to_the_stop)
{
    for (size_t steady = 9; steady <= 10; steady++) {
        struct check_run r;
        check_run_open(&r, NULL, "evidence");
        check_run_phase(&r, "steady");
        check_run_good(&r, "primary", steady);
        check_run_phase(&r, "outage");
        check_run_failed(&r, 1);
        hb_phase_end(r.b, "lost");
        hb_drill_end(r.b, "lost", "lost for good: starts-succeed");
        cr_expect_eq(check_run_finish(&r), steady == 10 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        cr_expect(check_run_says(&r, "up to the stop"));
        check_run_close(&r);
    }
}

/* The judge keeps what was lost, does not judge the rest, and blames the subject. */
Test(prove, judge_of_a_stopped_drill)
{
    struct hb *b = hb_new("{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"
                          "'images':{'agent':{'ref':'ci/agent:stable','layers':['64KiB']}},"
                          "'subjects':{'build-start':{'command':['x']}},"
                          "'faults':{'errors':{'on':'primary','kind':'status','code':500}},"
                          "'phases':[{'name':'steady','starts':1},"
                          "{'name':'outage','starts':9,'faults':['errors']}],"
                          "'expect':[{'check':'starts-succeed'},"
                          "{'check':'same-digest','image':'agent'}]}");
    const char *names[] = {"starts-succeed"};
    hb_judge(b);
    hb_drill_begin(b);
    hb_phase_begin(b, "steady");
    hb_good_start(b, "build-start", 1, "primary");
    hb_phase_end(b, "starts");
    hb_phase_begin(b, "outage");
    hb_armed(b, "errors");
    cr_expect_not(judge_exposed(b->judge), "the fault has yet to fire");
    hb_fallen_start(b, "build-start", 1, "primary", 500, "errors", NULL);
    cr_expect(judge_exposed(b->judge));
    cr_expect(judge_lost(b->judge, names, 1));
    hb_phase_end(b, "lost");
    hb_healed(b, "errors");
    hb_drill_end(b, "lost", "lost for good: starts-succeed");
    struct verdict *v = hb_finish(b);
    cr_expect_eq(v->verdict, VERDICT_FAIL);
    cr_expect_str_eq(v->blame, "subject");
    cr_expect_str_eq(v->reason, "lost");
    cr_expect_eq(hb_check(v, "starts-succeed")->verdict, VERDICT_FAIL);
    cr_expect_not(hb_check(v, "same-digest")->judged);
    cr_expect(hb_check(v, "evidence")->judged);
    cr_expect_eq(hb_check(v, "evidence")->verdict, VERDICT_PASS);
    verdict_free(v);
    hb_free(b);
}
