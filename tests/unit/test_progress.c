/* Progress: what the lines say of starts that outlive their phase. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "harness/progress.h"
#include "tests/lib/history_builder.h"

/* A start that ends in a later phase is running there, and counts in that phase as no start. */
Test(progress, starts_that_cross, .init = cr_redirect_stderr)
{
    struct err e = {0};
    struct hb *b = hb_new("{'version':1,'title':'t','registries':{'primary':{}},"
                          "'images':{'agent':{'ref':'ci/agent:stable','layers':['4KiB']}},"
                          "'subjects':{'puller':{'command':['x'],'concurrency':2}},"
                          "'phases':[{'name':'steady','starts':2,'end':'begun'},"
                          "{'name':'after','starts':1}]}");
    struct progress *p = progress_new(b->plan, false, &e);
    cr_assert_not_null(p);
    hb_add_sink(b, progress_event, p);
    hb_phase_begin(b, "steady");
    hb_begin(b, "puller", 1);
    hb_begin(b, "puller", 2);
    hb_phase_end(b, "starts");
    hb_phase_begin(b, "after");
    for (uint64_t lane = 1; lane <= 2; lane++) {
        struct event ev = {.type = EVENT_START_END};
        ev.start_end.start = ev.start_end.lane = lane;
        ev.start_end.phase = "steady";
        ev.start_end.outcome = OUTCOME_WORKED;
        hb_append(b, &ev);
    }
    hb_begin(b, "puller", 3);
    hb_pull(b, 3, "primary", 0);
    hb_end_with(b, 3, (struct event_start_end){.outcome = OUTCOME_WORKED});
    hb_phase_end(b, "starts");
    fflush(stderr);
    cr_assert_stderr_eq_str("  steady: 2 starts, 0 worked, 2 running; requests: primary 0\n"
                            "  after: 1 starts, 1 worked, 0 running; requests: primary 4\n");
    progress_free(p);
    hb_free(b);
}
