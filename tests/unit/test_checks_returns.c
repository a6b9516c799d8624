/* returns-to: passing, failing, inconclusive, and just at its edges. */
#include <criterion/criterion.h>

#include "tests/lib/check_run.h"

#define IS(r, kind)                                                                                \
    cr_expect_eq(check_run_finish(r), kind, "got %s", verdict_name((r)->out.verdict))
#define SAYS(r, words) cr_expect(check_run_says(r, words))
#define MS UINT64_C(1000000)

#define RETURNS "{'check': 'returns-to', 'registry': 'primary', 'during': 'recovery'"

/* The first start already, where nothing else is said; later ones where it is. */
Test(checks_returns_to, within_starts)
{
    static const struct {
        const char *more;
        size_t away; /* starts that are not back yet */
        enum verdict_kind verdict;
    } ways[] = {
        {"}", 0, VERDICT_PASS},
        {"}", 1, VERDICT_FAIL},
        {", 'within-starts': 3}", 2, VERDICT_PASS},
        {", 'within-starts': 3}", 3, VERDICT_FAIL},
        {", 'within-starts': 6}", 0, VERDICT_INCONCLUSIVE},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct check_run r;
        char entry[256];
        snprintf(entry, sizeof entry, RETURNS "%s", ways[i].more);
        check_run_open(&r, NULL, entry);
        check_run_phase(&r, "outage");
        check_run_fallen(&r, 4);
        check_run_phase(&r, "recovery");
        check_run_good(&r, "failover", ways[i].away);
        cr_expect_eq(r.c.lost, ways[i].verdict == VERDICT_FAIL, "way %zu", i);
        check_run_good(&r, "primary", 5 - ways[i].away);
        IS(&r, ways[i].verdict);
        check_run_close(&r);
    }
}

/* One lane that never returns fails it, however many others do; so does asking elsewhere first. */
Test(checks_returns_to, stays_away)
{
    struct check_run r;
    check_run_open(&r, NULL, RETURNS ", 'within-starts': 2}");
    check_run_phase(&r, "recovery");
    check_run_good(&r, "primary", 5);
    hb_good_start(r.b, "build-start", 2, "failover");
    hb_begin(r.b, "build-start", 1);
    hb_get(r.b, 1, "failover", OP_MANIFEST_GET, "stable", 404);
    hb_pull(r.b, 1, "primary", 0);
    hb_end(r.b, 1, 0);
    check_run_failed(&r, 1);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "4 of 7 (57.1%) returned");
    SAYS(&r, "start 6 (recovery): manifest served by failover");
    SAYS(&r, "start 7 (recovery): asked failover before primary");
    SAYS(&r, "start 8 (recovery): no manifest served (failed)");
    check_run_close(&r);
}

/* A start that began before the phase is not held to it, even where it ends in it. */
Test(checks_returns_to, began_before)
{
    struct check_run r;
    check_run_open(&r, NULL, RETURNS "}");
    check_run_phase(&r, "outage");
    hb_begin(r.b, "build-start", 2);
    hb_pull(r.b, 2, "failover", 0);
    check_run_phase(&r, "recovery");
    hb_end(r.b, 2, 0);
    cr_expect_not(r.c.lost);
    check_run_good(&r, "primary", 1);
    IS(&r, VERDICT_PASS);
    check_run_close(&r);
}

/* Within a time: starts that begin later than that must be back, under the lag rule. */
Test(checks_returns_to, within)
{
    for (int way = 0; way < 4; way++) {
        struct check_run r;
        check_run_open(&r, NULL, RETURNS ", 'within': '1s'}");
        check_run_phase(&r, "recovery");
        r.b->t_ns += 1000 * MS - (way == 0 ? 1 : 0) * MS; /* start-begin is one step later */
        check_run_good(&r, way == 1 ? "failover" : "primary", 1);
        if (way == 3) {
            hb_lag(r.b, 100 * MS + 1);
        }
        IS(&r, way == 1 ? VERDICT_FAIL : way == 2 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        check_run_close(&r);
    }
}

/* It needs its phase, and counts from one. */
Test(checks_returns_to, parameters)
{
    cr_expect(
        check_run_refused("{'check': 'returns-to', 'registry': 'primary'}", "needs \"during\""));
    cr_expect(check_run_refused(RETURNS ", 'within-starts': 0}", "counts starts from 1"));
}
