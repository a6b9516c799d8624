/* What all checks share: their parameters read against a table, their results, the catalogue. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check.h"
#include "tests/lib/history_builder.h"

#define SCENARIO                                                                                   \
    "{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"                          \
    "'images':{'agent':{'ref':'ci/agent:stable','on':['primary'],'layers':['4KiB']},"              \
    "'canary':{'ref':'ci/agent:canary','on':['primary'],'layers':['4KiB']}},"                      \
    "'subjects':{'build-start':{'command':['x']},'provision':{'command':['x']}},"                  \
    "'faults':{'errors':{'on':'primary','kind':'status','code':500}},"                             \
    "'phases':[{'name':'steady','starts':2},{'name':'outage','starts':2,'faults':['errors']}]}"

static const char *const objects[] = {"manifest", "blobs", "all", NULL};

static const struct check_param params[] = {
    {.name = "registry", .type = CHECK_REGISTRY, .required = true},
    {.name = "max", .type = CHECK_COUNT},
    {.name = "min", .type = CHECK_SHARE},
    {.name = "p95", .type = CHECK_DURATION},
    {.name = "object", .type = CHECK_CHOICE, .choices = objects},
    {.name = "op", .type = CHECK_OP},
};
enum { REGISTRY, MAX, MIN, P95, OBJECT, OP };

/* Refuses `max` together with `min`, to see that check_read asks. */
static int accept_one(const struct check *c, struct doc_at at, struct err *e)
{
    if (c->value[MAX].set && c->value[MIN].set) {
        return doc_complain(e, at, "give either \"max\" or \"min\"");
    }
    return 0;
}

static const struct check_info info = {
    .name = "sample",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .accept = accept_one,
};

struct fixture {
    struct hb *b;
    struct doc doc;
    struct check check;
    struct err e;
    int rc;
};

static void read_entry(struct fixture *f, const struct check_info *of, const char *entry)
{
    char *json = strdup(entry);
    cr_assert_not_null(json);
    memset(f, 0, sizeof *f);
    for (char *p = json; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    f->b = hb_new(SCENARIO);
    cr_assert_eq(doc_init(&f->doc, "entry", json, strlen(json), &f->e), 0, "%s", f->e.text);
    f->rc = check_read(&f->check, of, doc_root(&f->doc), f->b->plan->scenario, &f->e);
    free(json);
}

static void close_entry(struct fixture *f)
{
    doc_close(&f->doc);
    hb_free(f->b);
}

/* Every type of parameter is read, its text kept, and the scope resolved to indexes. */
Test(check, reads_every_type)
{
    struct fixture f;
    read_entry(&f, &info,
               "{'check':'sample','name':'mine','registry':'failover','min':'12.5%','p95':'1.5s',"
               "'object':'blobs','op':'blob-*','subject':'provision','image':'canary',"
               "'during':'outage','x-note':{}}");
    cr_assert_eq(f.rc, 0, "%s", f.e.text);
    const struct check_value *v = f.check.value;
    cr_assert_eq(v[REGISTRY].number, 1);
    cr_assert_str_eq(v[REGISTRY].text, "failover");
    cr_assert_not(v[MAX].set);
    cr_assert(v[MIN].set && v[MIN].is_share);
    cr_assert_float_eq(v[MIN].share, 0.125, 1e-12);
    cr_assert_str_eq(v[MIN].text, "12.5%");
    cr_assert_eq(v[P95].number, UINT64_C(1500000000));
    cr_assert_eq(v[OBJECT].number, 1);
    cr_assert_eq(v[OP].number, op_set("blob-*"));
    cr_assert_eq(f.check.subject, 1);
    cr_assert_eq(f.check.image, 1);
    cr_assert_eq(f.check.during, 1);
    cr_assert_eq(f.check.info, &info);
    close_entry(&f);
}

/* A share may be a count of starts; 0 is a count; without an entry nothing is set and -1 stands for
 * any. */
Test(check, counts_and_nothing)
{
    struct fixture f;
    read_entry(&f, &info, "{'check':'sample','registry':'primary','min':3}");
    cr_assert_eq(f.rc, 0, "%s", f.e.text);
    cr_assert(f.check.value[MIN].set);
    cr_assert_not(f.check.value[MIN].is_share);
    cr_assert_eq(f.check.value[MIN].number, 3);
    close_entry(&f);
    read_entry(&f, &info, "{'check':'sample','registry':'primary','max':0}");
    cr_assert(f.check.value[MAX].set);
    cr_assert_eq(f.check.value[MAX].number, 0);
    struct doc_at nowhere = {0};
    cr_assert_eq(check_read(&f.check, &info, nowhere, f.b->plan->scenario, &f.e), 0);
    cr_assert_not(f.check.value[REGISTRY].set);
    cr_assert_eq(f.check.subject, -1);
    cr_assert_eq(f.check.image, -1);
    cr_assert_eq(f.check.during, -1);
    close_entry(&f);
}

/* What is wrong with an entry, and the complaint. */
struct bad {
    char entry[120];
    char complaint[200];
};

ParameterizedTestParameters(check, complaints)
{
    static struct bad bad[] = {
        {"[]", "entry:1:1: this must be an object such as {\"check\": \"sample\"}"},
        {"{'check':'sample'}",
         "entry:1:1: check \"sample\" needs \"registry\": the name of a registry"},
        {"{'registry':'failovr'}",
         "entry:1:13: there is no registry \"failovr\"; did you mean \"failover\"?"},
        {"{'registry':1}", "entry:1:13: this must be the registry's name, in quotes"},
        {"{'registry':'primary','during':'stedy'}",
         "entry:1:32: there is no phase \"stedy\"; did you mean \"steady\"?"},
        {"{'registry':'primary','subject':'xyzzyq'}",
         "entry:1:33: there is no subject \"xyzzyq\"; it must be one of the scenario's"},
        {"{'registry':'primary','image':7}",
         "entry:1:31: this must be the image's name, in quotes"},
        {"{'registry':'primary','max':-1}",
         "entry:1:29: \"max\" is not right here; it must be a whole number from 0"},
        {"{'registry':'primary','max':1.5}",
         "entry:1:29: \"max\" is not right here; it must be a whole number from 0"},
        {"{'registry':'primary','min':'101%'}",
         "entry:1:29: \"min\" is not right here; it must be a share such as \"100%\", or a whole "
         "number of starts"},
        {"{'registry':'primary','p95':2}",
         "entry:1:29: \"p95\" is not right here; it must be a duration such as \"2s\""},
        {"{'registry':'primary','object':'blob'}",
         "entry:1:32: \"object\" must be one of \"manifest\", \"blobs\", \"all\""},
        {"{'registry':'primary','op':'pull'}",
         "entry:1:28: \"op\" is not right here; it must be an operation such as \"manifest-get\", "
         "or a glob such as \"blob-*\""},
        {"{'registry':'primary','duing':'steady'}",
         "entry:1:23: check \"sample\" takes no \"duing\"; did you mean \"during\"?"},
        {"{'registry':'primary','quite-other':1}",
         "entry:1:23: check \"sample\" takes no \"quite-other\"; it takes check, name, registry, "
         "max, min, p95, object, op, subject, image, during"},
        {"{'registry':'primary','max':1,'min':1}", "entry:1:1: give either \"max\" or \"min\""},
    };
    return cr_make_param_array(struct bad, bad, sizeof bad / sizeof bad[0]);
}

/* Each mistake is a complaint at its place that says what would be right. */
ParameterizedTest(struct bad *bad, check, complaints)
{
    struct fixture f;
    read_entry(&f, &info, bad->entry);
    cr_assert_eq(f.rc, -1, "%s", bad->entry);
    cr_assert_str_eq(f.e.text, bad->complaint);
    close_entry(&f);
}

/* A check whose scope leaves a key out refuses it like any unknown one. */
Test(check, scope_is_held)
{
    struct check_info narrow = {.name = "narrow", .scope = SCOPE_DURING};
    struct fixture f;
    read_entry(&f, &narrow, "{'check':'narrow','during':'steady','image':'agent'}");
    cr_assert_eq(f.rc, -1);
    cr_assert_str_eq(f.e.text, "entry:1:37: check \"narrow\" takes no \"image\"; "
                               "it takes check, name, during");
    close_entry(&f);
}

/* The catalogue has the always-on checks first, every name once, and finds them. */
Test(check, catalogue)
{
    bool asked = false;
    for (size_t i = 0; i < check_catalogue_count; i++) {
        const struct check_info *at = check_catalogue[i];
        cr_assert_eq(check_find(at->name), at);
        cr_assert_not_null(at->finish);
        cr_assert_not_null(at->meaning);
        cr_assert(at->param_count <= CHECK_MAX_PARAMS);
        cr_assert_not(at->always && asked, "%s comes too late", at->name);
        cr_assert_not(at->always && at->param_count > 0);
        asked = asked || !at->always;
    }
    cr_assert_eq(check_catalogue_count, 19);
    cr_assert_null(check_find("starts-succed"));
}

/* ---- results ------------------------------------------------------------------------------ */

/* Reasons past the maximum are counted, not kept; events end with 0. */
Test(check, reasons_are_bounded)
{
    struct arena a;
    struct verdict_check out = {0};
    struct check c = {.arena = &a, .out = &out};
    arena_init(&a, 1u << 20);
    for (unsigned i = 1; i <= CHECK_MAX_REASONS; i++) {
        check_reason(&c, (uint64_t[]){i, i + 1, 0}, "reason %u", i);
    }
    cr_assert_eq(out.reason_count, CHECK_MAX_REASONS);
    cr_assert_str_eq(out.reasons[CHECK_MAX_REASONS - 1].text, "reason 20");
    cr_assert_eq(out.reasons[4].event_count, 2);
    cr_assert_eq(out.reasons[4].events[1], 6);
    check_reason(&c, NULL, "one more");
    check_reason(&c, NULL, "and another");
    cr_assert_eq(out.reason_count, CHECK_MAX_REASONS);
    cr_assert_str_eq(out.reasons[CHECK_MAX_REASONS - 1].text, "and 3 more");
    cr_assert_eq(out.reasons[CHECK_MAX_REASONS - 1].event_count, 0);
    check_expected(&c, "at most %d", 3);
    check_result(&c, VERDICT_FAIL, "%d", 4);
    cr_assert(out.judged);
    cr_assert_eq(out.verdict, VERDICT_FAIL);
    cr_assert_str_eq(out.expected, "at most 3");
    cr_assert_str_eq(out.actual, "4");
    arena_close(&a);
}

/* Which starts a check looks at: never the control, never one that the harness stopped; one that
 * was told no image counts unless all it asked for was of other images. */
Test(check, covers)
{
    struct check c = {.subject = -1, .image = -1, .during = -1};
    struct pull_start s = {.subject = 1, .phase = 0, .image = 0};
    cr_assert(check_covers(&c, &s));
    s.control = true;
    cr_assert_not(check_covers(&c, &s));
    s.control = false;
    s.stopped = true;
    cr_assert_not(check_covers(&c, &s));
    s.stopped = false;
    c.subject = 0;
    cr_assert_not(check_covers(&c, &s));
    c.subject = 1;
    c.during = 1;
    cr_assert_not(check_covers(&c, &s));
    c.during = 0;
    c.image = 1;
    cr_assert_not(check_covers(&c, &s));
    s.image = -1;
    cr_assert(check_covers(&c, &s), "it may have been about any image");
    s.asked = 1;
    cr_assert_not(check_covers(&c, &s), "it asked for image 0 alone");
    s.asked = 3;
    cr_assert(check_covers(&c, &s));
}

/* Nearest rank: a value that was measured, never one in between. */
Test(check, percentiles)
{
    uint64_t v[20];
    for (uint64_t i = 0; i < 20; i++) {
        v[i] = 20 - i;
    }
    cr_assert_eq(check_percentile(v, 20, 0.95), 19);
    cr_assert_eq(check_percentile(v, 20, 0.951), 20);
    cr_assert_eq(check_percentile(v, 20, 0.5), 10);
    cr_assert_eq(check_percentile(v, 20, 1), 20);
    cr_assert_eq(check_percentile(v, 20, 0), 1);
    cr_assert_eq(check_percentile(v, 1, 0.99), 1);
    cr_assert_eq(check_percentile(v, 0, 0.99), 0);
}
