/* One check over a history built by hand, without a judge between the two. */
#ifndef PULLDRILL_TESTS_CHECK_RUN_H
#define PULLDRILL_TESTS_CHECK_RUN_H

#include "harness/check.h"
#include "tests/lib/history_builder.h"

/* Members of a scenario, single quotes for double ones; NULL: registries primary and failover;
 * image agent with one layer of 1 KiB; subject build-start; fault gone (delete-image of agent on
 * primary); phases steady (10), outage (20, gone), recovery (10). MORE stands before them. */
struct check_scenario {
    const char *more, *registries, *images, *subjects, *faults, *phases;
};

struct check_run {
    struct hb *b;
    struct check c;
    struct verdict_check out;
    struct arena arena;
    uint64_t lag_p99_ns;
    bool finished;
};

/* CHECK is an entry of `expect`, or the bare name of an always-on check. SCENARIO may be NULL. What
 * does not parse fails the test. */
struct hb *check_run_open(struct check_run *r, const struct check_scenario *scenario,
                          const char *check);
/* Whether the scenario is refused, with COMPLAINT in the message. */
bool check_run_refused(const char *check, const char *complaint);
/* Finishes the check (once), and closes everything with the last. */
enum verdict_kind check_run_finish(struct check_run *r);
void check_run_close(struct check_run *r);
/* Whether WORDS are in `expected`, `actual` or a reason; says all of them where they are not. */
bool check_run_says(const struct check_run *r, const char *words);

/* N starts on lane 1: pulled whole from REGISTRY; fallen from primary (404 by gone) to failover;
 * failed there. */
void check_run_good(struct check_run *r, const char *registry, size_t n);
void check_run_fallen(struct check_run *r, size_t n);
void check_run_failed(struct check_run *r, size_t n);
/* A phase is begun, with its faults armed; the one before is ended, with its faults healed. */
void check_run_phase(struct check_run *r, const char *phase);
/* The last phase ends. */
void check_run_phases_end(struct check_run *r);

#endif
