/* no-leak: whose credential may go where. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/check_run.h"

#define IS(r, kind)                                                                                \
    cr_expect_eq(check_run_finish(r), kind, "got %s", verdict_name((r)->out.verdict))
#define SAYS(r, words) cr_expect(check_run_says(r, words))

static void ask_of(struct check_run *r, uint64_t start, const char *host, const char *credential)
{
    struct event ev = {.type = EVENT_REQUEST};
    ev.request.registry = strncmp(host, "primary", 7) == 0 ? "primary" : "failover";
    ev.request.host = host;
    ev.request.lane = 1;
    ev.request.start = start;
    ev.request.ordinal = 1;
    ev.request.connection = 1;
    ev.request.op = OP_PING;
    ev.request.credential = credential;
    hb_append(r->b, &ev);
}

static void ask_with(struct check_run *r, const char *host, const char *credential)
{
    ask_of(r, 1, host, credential);
}

/* A credential of another registry fails, and so does a registry's own where its blobs are
 * redirected to, but not where its tokens come from; none at all is told as not tested. */
Test(checks_no_leak, credentials)
{
    static const struct {
        const char *host;
        const char *credential;
        enum verdict_kind verdict;
        const char *says;
    } ways[] = {
        {"failover", "none", VERDICT_PASS, "not tested: no credentials in play"},
        {"failover", "unknown", VERDICT_PASS, "not tested"},
        {"failover", "own", VERDICT_PASS, "1 request carried a credential, each to where it"},
        {"failover", "other:primary", VERDICT_FAIL, "sent primary's credential to failover"},
        {"primary/token", "own", VERDICT_PASS, "1 request carried a credential, each to where it"},
        {"primary/blobs", "own", VERDICT_FAIL, "sent primary's credential to primary/blobs"},
        {"primary/blobs", "other:failover", VERDICT_FAIL, "failover's credential to primary/blobs"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct check_run r;
        check_run_open(&r, NULL, "no-leak");
        check_run_phase(&r, "steady");
        hb_begin(r.b, "build-start", 1);
        ask_with(&r, ways[i].host, ways[i].credential);
        IS(&r, ways[i].verdict);
        SAYS(&r, ways[i].says);
        cr_expect_eq(r.c.lost, ways[i].verdict == VERDICT_FAIL);
        check_run_close(&r);
    }
}

/* Of a redirect target below the registry's own name, what a client sends there by the rules of Go
 * is no leak, where it knows names at all; beside it, and by port, it is. */
Test(checks_no_leak, target_below_the_registry)
{
    static const struct {
        const char *reach;
        const char *blobs;
        enum verdict_kind verdict;
    } ways[] = {{"names", "cdn01.quay.io", VERDICT_PASS},
                {"proxy", "cdn01.quay.io", VERDICT_PASS},
                {"ports", "cdn01.quay.io", VERDICT_FAIL},
                {"names", "cdn01quay.io", VERDICT_FAIL},
                {"names", "io", VERDICT_FAIL},
                {"names", "s3.test", VERDICT_FAIL}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char registries[256];
        char subjects[128];
        struct check_run r;
        snprintf(registries, sizeof registries,
                 "{'primary': {'names': ['x.test', 'quay.io'], 'hosts': {'blobs': '%s'}},"
                 " 'failover': {'names': ['f.test']}}",
                 ways[i].blobs);
        snprintf(subjects, sizeof subjects, "{'build-start': {'command': ['a'], 'reach': '%s'}}",
                 ways[i].reach);
        const struct check_scenario scenario = {.registries = registries, .subjects = subjects};
        check_run_open(&r, &scenario, "no-leak");
        check_run_phase(&r, "steady");
        hb_begin(r.b, "build-start", 1);
        ask_with(&r, "primary/blobs", "own");
        IS(&r, ways[i].verdict);
        SAYS(&r, ways[i].verdict == VERDICT_PASS ? "(1 to a redirect target below the registry's"
                                                 : "sent primary's credential to primary/blobs");
        check_run_close(&r);
    }
}

/* What is sent by nobody's start is a leak all the same; where no redirect target was met, none is
 * told of. */
Test(checks_no_leak, of_no_start)
{
    struct check_run r;
    check_run_open(&r, NULL, "no-leak");
    ask_of(&r, 0, "failover", "other:primary");
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "a request of no start sent primary's credential to failover");
    check_run_close(&r);
    check_run_open(&r, NULL, "no-leak");
    ask_of(&r, 0, "failover", "own");
    IS(&r, VERDICT_PASS);
    cr_expect_str_eq(r.out.actual, "1 request carried a credential, each to where it belongs");
    check_run_close(&r);
}
