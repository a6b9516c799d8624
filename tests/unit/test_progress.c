/* Progress: what the lines say of a drill, from its events alone. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/columns.h"
#include "harness/progress.h"
#include "tests/lib/history_builder.h"

#define SCENARIO                                                                                   \
    "{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"                          \
    "'images':{'agent':{'ref':'ci/agent:stable','layers':['4KiB']}},"                              \
    "'subjects':{'puller':{'command':['x'],'concurrency':2}},"                                     \
    "'faults':{'gone':{'on':'primary','kind':'status','code':404}},"                               \
    "'phases':[{'name':'steady','starts':2},{'name':'outage','starts':3,'faults':['gone']},"       \
    "{'name':'after','for':'10s'}]}"

static void feed(void *progress, const struct event *ev)
{
    progress_event(progress, ev);
}

static struct progress *progress_of(struct hb *b, const char *name, const char *added)
{
    struct err e = {0};
    struct progress *p = progress_new(name, added, &e);
    cr_assert_not_null(p);
    hb_add_sink(b, feed, p);
    return p;
}

/* The builder leaves the first event to whoever wants it. */
static void tell_plan(struct hb *b)
{
    struct err e = {0};
    struct event ev = {.type = EVENT_DRILL_BEGIN, .actor = "drill"};
    char *text = plan_text(b->plan, &e);
    cr_assert_not_null(text, "%s", e.text);
    ev.drill_begin.plan = text;
    hb_append(b, &ev);
    free(text);
}

static struct hb *drill_of(struct progress **p)
{
    struct hb *b = hb_new(SCENARIO);
    *p = progress_of(b, "small", "");
    tell_plan(b);
    return b;
}

static void end_drill(struct hb *b, struct progress *p)
{
    progress_free(p);
    hb_free(b);
}

static const char *line_of(const struct progress *p, size_t columns, size_t name_columns,
                           bool colour)
{
    static char text[4096];
    const struct progress_style style = {
        .columns = columns, .name_columns = name_columns, .colour = colour};
    struct buf b;
    buf_init(&b, sizeof text - 1);
    size_t used = progress_line(p, &style, &b);
    cr_assert(!b.failed);
    memcpy(text, b.data, b.len + 1);
    buf_close(&b);
    cr_expect_leq(used, columns);
    if (!colour) {
        cr_expect_eq(columns_of(text), used, "%zu columns: %s", used, text);
    }
    return text;
}

static const char *phase_of(const struct progress *p)
{
    static char text[1024];
    struct buf b;
    buf_init(&b, sizeof text - 1);
    progress_phase(p, &b);
    memcpy(text, b.data, b.len + 1);
    buf_close(&b);
    return text;
}

static void good_start(struct hb *b, uint64_t lane, const char *registry)
{
    hb_begin(b, "puller", lane);
    hb_pull(b, lane, registry, 0);
    hb_end_with(b, lane, (struct event_start_end){.outcome = OUTCOME_WORKED});
}

/* Two good starts, then two in an outage: one falls back, one still runs. */
static struct hb *outage_of(struct progress **p)
{
    struct hb *b = drill_of(p);
    hb_phase_begin(b, "steady");
    good_start(b, 1, "primary");
    good_start(b, 2, "primary");
    hb_phase_end(b, "starts");
    hb_phase_begin(b, "outage");
    hb_begin(b, "puller", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 404);
    hb_pull(b, 1, "failover", 0);
    hb_end_with(b, 1, (struct event_start_end){.outcome = OUTCOME_WORKED});
    hb_begin(b, "puller", 2);
    hb_get(b, 2, "primary", OP_MANIFEST_GET, "stable", 404);
    return b;
}

/* Phase and starts, attempts of this phase by registry, and which of them failed. */
Test(progress, the_line)
{
    struct progress *p;
    struct hb *b = outage_of(&p);
    cr_expect(
        strncmp(line_of(p, 200, 8, false),
                "small     outage 2/3  worked 1  running 1  primary 2 (2 failed)  failover 3  ",
                77) == 0,
        "%s", line_of(p, 200, 8, false));
    cr_expect_str_eq(phase_of(p), "outage: 2 starts, 1 worked, 1 running; attempts: "
                                  "primary 2 (2 failed), failover 3\n");
    end_drill(b, p);
}

/* Before the plan is known, before the first phase, and after the last. */
Test(progress, outside_the_phases)
{
    struct hb *b = hb_new(SCENARIO);
    struct progress *p = progress_of(b, "small", "");
    cr_expect_str_eq(line_of(p, 80, 5, false), "small  building images");
    tell_plan(b);
    cr_expect_str_eq(line_of(p, 80, 5, false), "small  setup");
    hb_phase_begin(b, "steady");
    hb_phase_end(b, "starts");
    struct event control = {.type = EVENT_START_BEGIN};
    control.start_begin =
        (struct event_start_begin){.subject = "puller", .lane = 1, .start = 9, .control = true};
    hb_append(b, &control);
    cr_expect(strncmp(line_of(p, 80, 5, false), "small  control  ", 16) == 0);
    end_drill(b, p);
}

/* Every width is kept to the column, with characters whole; narrow lines do without what a reader
 * misses least, and starts that did not work are never left out for that. */
Test(progress, widths)
{
    struct progress *p;
    struct hb *b = outage_of(&p);
    for (size_t columns = 0; columns < 130; columns++) {
        (void)line_of(p, columns, columns * 2 / 5, false);
    }
    cr_expect(strncmp(line_of(p, 60, 5, false), "small  outage 2/3  primary 2 (2 failed)", 39) ==
              0);
    hb_end_with(b, 2, (struct event_start_end){.outcome = OUTCOME_HUNG, .timed_out = true});
    cr_expect_not_null(strstr(line_of(p, 60, 5, false), "outage 2/3  hung 1  primary"));
    end_drill(b, p);
}

/* A name loses its end, but not what tells it from others; foreign characters stay harmless. */
Test(progress, names)
{
    struct hb *b = hb_new(SCENARIO);
    struct progress *p = progress_of(b, "a-long-name", " as twin [2]");
    struct progress *hostile = progress_of(b, "e\x1b[2J\xff日本語", "");
    cr_expect_eq(progress_name_columns(p), 23);
    cr_expect_str_eq(line_of(p, 80, 23, false), "a-long-name as twin [2]  building images");
    cr_expect_str_eq(line_of(p, 80, 18, false), "a-lon… as twin [2]  building images");
    cr_expect_str_eq(line_of(p, 80, 25, false), "a-long-name as twin [2]    building images");
    cr_expect_str_eq(line_of(hostile, 80, 15, false),
                     "e\\x1b[2J\xef\xbf\xbd日本語  building images");
    cr_expect_str_eq(line_of(hostile, 80, 13, false), "e\\x1b[2J\xef\xbf\xbd日…   building images");
    /* Half a wide letter is none, and nothing is put in its place. */
    cr_expect_str_eq(line_of(hostile, 10, 15, false), "e\\x1b[2J\xef\xbf\xbd");
    progress_free(hostile);
    end_drill(b, p);
}

/* Colours come only where they are allowed: each registry has its own, also in the picture, and
 * what failed is red. */
Test(progress, colours)
{
    struct progress *p;
    struct hb *b = outage_of(&p);
    cr_expect_null(strchr(line_of(p, 200, 8, false), '\x1b'));
    const char *line = line_of(p, 200, 8, true);
    cr_expect_not_null(strstr(line, "\x1b[34mprimary\x1b[0m 2\x1b[31m (2 failed)\x1b[0m"), "%s",
                       line);
    cr_expect_not_null(strstr(line, "\x1b[33mfailover\x1b[0m 3"));
    cr_expect_not_null(strstr(line, "\x1b[34m█\x1b[0m"), "the primary had most attempts: %s", line);
    end_drill(b, p);
}

/* The picture: attempts by time, the newest on the right; it moves on without events. */
Test(progress, sparkline)
{
    struct progress *p;
    struct hb *b = drill_of(&p);
    hb_phase_begin(b, "steady");
    b->t_ns = 1000000000;
    hb_begin(b, "puller", 1);
    for (int i = 0; i < 8; i++) {
        hb_get(b, 1, "failover", OP_MANIFEST_GET, "stable", 404);
    }
    b->t_ns = 1400000000;
    for (int i = 0; i < 2; i++) {
        hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 404);
    }
    progress_now(p, 1700000000);
    cr_expect_not_null(strstr(line_of(p, 200, 5, false), "  █ ▂ "), "%s",
                       line_of(p, 200, 5, false));
    cr_expect_not_null(strstr(line_of(p, 200, 5, true), "\x1b[33m█\x1b[0m"));
    cr_expect_not_null(strstr(line_of(p, 200, 5, true), "\x1b[34m▂\x1b[0m"));
    progress_now(p, 60000000000);
    cr_expect_null(strstr(line_of(p, 200, 5, false), "█"), "what is long gone is not shown");
    end_drill(b, p);
}

/* A timed phase says how long it lasts still. */
Test(progress, timed_phase)
{
    struct progress *p;
    struct hb *b = drill_of(&p);
    b->t_ns = 1000000000;
    hb_phase_begin(b, "after");
    progress_now(p, b->t_ns + 2500000000);
    cr_expect_not_null(strstr(line_of(p, 200, 5, false), "after 0 starts, 8s left  worked 0"));
    progress_now(p, b->t_ns + 25000000000);
    cr_expect_not_null(strstr(line_of(p, 200, 5, false), "after 0 starts, 0s left"));
    end_drill(b, p);
}

/* A start that ends in a later phase is running there, and counts in that phase as no start. */
Test(progress, starts_that_cross)
{
    struct progress *p;
    struct hb *b = drill_of(&p);
    hb_phase_begin(b, "steady");
    hb_begin(b, "puller", 1);
    hb_begin(b, "puller", 2);
    cr_expect_str_eq(phase_of(p), "steady: 2 starts, 0 worked, 2 running; attempts: primary 0, "
                                  "failover 0\n");
    hb_phase_begin(b, "outage");
    for (uint64_t lane = 1; lane <= 2; lane++) {
        struct event ev = {.type = EVENT_START_END};
        ev.start_end.start = ev.start_end.lane = lane;
        ev.start_end.phase = "steady";
        ev.start_end.outcome = OUTCOME_WORKED;
        hb_append(b, &ev);
    }
    hb_begin(b, "puller", 3);
    hb_pull(b, 3, "failover", 0);
    hb_end_with(b, 3, (struct event_start_end){.outcome = OUTCOME_WORKED});
    cr_expect_str_eq(phase_of(p),
                     "outage: 1 start, 1 worked, 0 running; attempts: primary 0, failover 3\n");
    end_drill(b, p);
}

/* Without a plan that can be read the lines do without what it holds. */
Test(progress, no_plan)
{
    struct hb *b = hb_new(SCENARIO);
    struct progress *p = progress_of(b, "small", "");
    struct event ev = {.type = EVENT_DRILL_BEGIN};
    ev.drill_begin.plan = "{\"plan\": \"of another kind\"}";
    hb_append(b, &ev);
    hb_phase_begin(b, "steady");
    good_start(b, 1, "primary");
    cr_expect_str_eq(phase_of(p), "steady: 1 start, 1 worked, 0 running\n");
    cr_expect(
        strncmp(line_of(p, 200, 5, false), "small  steady 1 start  worked 1  running 0", 42) == 0);
    end_drill(b, p);
}
