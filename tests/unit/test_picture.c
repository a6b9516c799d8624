/* The picture: that it says what the trace says, is one harmless <svg>, and stays small. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "reports/web/picture.h"

#define MS UINT64_C(1000000)
#define MAX_BYTES ((size_t)150000)

static struct buf out;

static void begin(void)
{
    buf_init(&out, 8u << 20);
}

static void end(void)
{
    buf_close(&out);
}

TestSuite(picture, .init = begin, .fini = end);

static size_t count_of(const char *what)
{
    size_t count = 0;
    for (const char *at = strstr(out.data, what); at; at = strstr(at + 1, what)) {
        count++;
    }
    return count;
}

static bool has(const char *what)
{
    return strstr(out.data, what) != NULL;
}

/* Whether every element is closed in its turn, and every quote within a tag. */
static bool well_formed(const char *s)
{
    const char *open[16];
    size_t depth = 0;
    for (s = strchr(s, '<'); s; s = strchr(s, '<')) {
        const char *name = ++s;
        bool quoted = false;
        for (; *s && (quoted || *s != '>'); s++) {
            quoted = *s == '"' ? !quoted : quoted;
            if (*s == '<') {
                return false;
            }
        }
        if (!*s) {
            return false;
        }
        if (*name == '/') {
            size_t len = (size_t)(s - name) - 1;
            if (depth == 0 || strncmp(open[--depth], name + 1, len) != 0) {
                return false;
            }
        } else if (s[-1] != '/') {
            if (depth == 16) {
                return false;
            }
            open[depth++] = name;
        }
    }
    return depth == 0;
}

static void draw(const struct trace *t, const struct verdict *v)
{
    buf_reset(&out);
    picture_svg(t, v, &out);
    cr_assert_not(out.failed);
    cr_assert_leq(out.len, MAX_BYTES, "%zu bytes", out.len);
    cr_assert(well_formed(out.data));
    cr_assert_eq(count_of("<svg "), 1);
    cr_assert_eq(count_of("id="), 0, "ids could clash");
    cr_assert_eq(count_of("style="), 0, "colours are the page's");
    cr_assert_eq(count_of("nan"), 0);
    cr_assert_eq(count_of("inf\""), 0);
}

static const char *registries[] = {"failover", "primary"};

static struct trace_band phases[] = {
    {"steady", 0, 100 * MS, 1, 2},
    {"outage", 100 * MS, 300 * MS, 3, 4},
    {"recovery", 300 * MS, 400 * MS, 5, 6},
};
static struct trace_band faults[] = {{"agent-deleted", 100 * MS, 300 * MS, 3, 4}};

/* The drill of the account: the primary, then both, then the primary. */
static struct trace_attempt attempts[] = {
    {.t_ns = 50 * MS, .start = 1, .registry = 1},
    {.t_ns = 150 * MS, .start = 2, .registry = 1, .failed = true},
    {.t_ns = 151 * MS, .start = 2, .registry = 0},
    {.t_ns = 152 * MS, .start = 2, .registry = 0},
    {.t_ns = 350 * MS, .start = 3, .registry = 1},
    {.t_ns = 410 * MS, .start = 4, .registry = 1, .failed = true, .control = true},
};
static struct trace_start starts[] = {
    {.number = 1, .phase = "steady", .end_ns = 60 * MS, .outcome = OUTCOME_WORKED},
    {.number = 2, .phase = "outage", .end_ns = 160 * MS, .outcome = OUTCOME_WORKED},
    {.number = 3, .phase = "recovery", .end_ns = 360 * MS, .outcome = OUTCOME_HUNG},
    {.number = 4, .begin_ns = 405 * MS, .end_ns = 420 * MS, .outcome = OUTCOME_FAILED},
};

static struct trace account(void)
{
    return (struct trace){
        .registries = registries,
        .registry_count = 2,
        .primary = 1,
        .phases = phases,
        .phase_count = 3,
        .faults = faults,
        .fault_count = 1,
        .attempts = attempts,
        .attempt_count = 6,
        .starts = starts,
        .start_count = 4,
        .end_ns = 420 * MS,
    };
}

/* Whoever does not see it reads the same: phases, attempts, outcomes, faults. */
Test(picture, words)
{
    struct trace t = account();
    draw(&t, NULL);
    cr_assert(has("role=\"img\""));
    cr_assert(has("<title>Attempted pulls per registry over time</title><desc>"));
    cr_assert(has("steady, 100ms: 1 start (1 worked); primary 1 attempt."));
    cr_assert(has("outage, 200ms: 1 start (1 worked); primary 1 attempt, 1 failed; failover 2 "
                  "attempts."));
    cr_assert(has("recovery, 100ms: 1 start (1 hung); primary 1 attempt."));
    cr_assert(has("Faults: agent-deleted.</desc>"));
    cr_assert(has("its 1 attempt not drawn"), "the control's");
}

/* The primary has the first colour and stands first in the legend, whatever its place in the plan;
 * what failed has stripes, and only that. */
Test(picture, colours)
{
    struct trace t = account();
    draw(&t, NULL);
    const char *first = strstr(out.data, ">primary</tspan> 3 attempts, 1 failed</text>");
    const char *second = strstr(out.data, ">failover</tspan> 2 attempts</text>");
    cr_assert_not_null(first);
    cr_assert_not_null(second);
    cr_assert_lt(first, second);
    cr_assert_eq(count_of("pic-stripe"), 2, "in the legend and in the bars of the primary");
    cr_assert(has("striped: attempts that failed"));
    const char *bars = strstr(second, "<g class=\"pic-r0\"");
    cr_assert_not_null(bars);
    cr_assert_not_null(strstr(bars, "<g class=\"pic-r1\""));
    attempts[1].failed = false;
    draw(&t, NULL);
    cr_assert_eq(count_of("pic-stripe"), 0);
    cr_assert_not(has("striped: attempts"));
}

/* Stacks stand on each other: what worked, what failed above it, then the next registry. */
Test(picture, stacks)
{
    struct trace t = account();
    attempts[0].t_ns = attempts[1].t_ns;
    attempts[2].t_ns = attempts[3].t_ns = attempts[1].t_ns;
    draw(&t, NULL);
    const char *stripe = strstr(strstr(out.data, "pic-axis"), "pic-failed");
    const char *bar = strstr(strstr(stripe, "pic-r1"), "pic-bar");
    const char *lowest = strstr(strstr(out.data, "pic-axis"), "pic-bar");
    double x[3], y[3], tall[3];
    cr_assert_eq(sscanf(strstr(stripe, "d=\""), "d=\"M%lf %lfv-%lf", &x[0], &y[0], &tall[0]), 3);
    cr_assert_eq(sscanf(strstr(bar, "d=\""), "d=\"M%lf %lfv-%lf", &x[1], &y[1], &tall[1]), 3);
    cr_assert_eq(sscanf(strstr(lowest, "d=\""), "d=\"M%lf %lfv-%lf", &x[2], &y[2], &tall[2]), 3);
    cr_assert_float_eq(x[0], x[1], 0.01);
    cr_assert_float_eq(x[0], x[2], 0.01);
    cr_assert_float_eq(y[2] - tall[2], y[0], 0.2);
    cr_assert_float_eq(y[0] - tall[0], y[1], 0.2);
    cr_assert_float_eq(tall[1], 2 * tall[0], 0.2, "two attempts are twice one");
}

/* Each phase says how many of its starts worked, and loudly where not all did. Marks tell the
 * outcomes apart; a control start that fails is no alarm, one that works is. */
Test(picture, starts)
{
    struct trace t = account();
    draw(&t, NULL);
    cr_assert(has(">1 start, 1 worked</text>"));
    cr_assert_eq(count_of("class=\"pic-bad\""), 1);
    cr_assert(has(">1 start, 0 worked</text>"));
    cr_assert_eq(count_of("class=\"pic-hung\""), 2, "the mark and the legend");
    cr_assert_eq(count_of("class=\"pic-wrong\""), 0);
    cr_assert_eq(count_of("class=\"pic-fail\""), 0);
    cr_assert_eq(count_of("class=\"pic-control-mark\""), 2);
    starts[3].outcome = OUTCOME_WORKED;
    draw(&t, NULL);
    cr_assert_eq(count_of("class=\"pic-wrong\""), 1);
}

/* Where more starts end than there are rows of marks, the worst is always among them. */
Test(picture, worst_wins)
{
    static struct trace_start many[1000];
    struct trace t = account();
    for (size_t i = 0; i < 1000; i++) {
        many[i] =
            (struct trace_start){.phase = "outage", .end_ns = 200 * MS, .outcome = OUTCOME_WORKED};
    }
    many[500].outcome = OUTCOME_FAILED;
    t.starts = many;
    t.start_count = 1000;
    draw(&t, NULL);
    cr_assert_eq(count_of("class=\"pic-fail\""), 2, "the mark and the legend");
    cr_assert(has(">999 worked</text>"));
    cr_assert(has("starts that ended: 999 worked, 1 failed"));
}

/* A fault says what it does; one that leaves no request behind says so. */
Test(picture, fault_words)
{
    struct verdict_fault rule = {
        .name = "agent-deleted", .text = "delete-image agent on primary", .evidence = "wire"};
    struct verdict v = {.faults = &rule, .fault_count = 1};
    struct trace t = account();
    draw(&t, &v);
    cr_assert(has(">agent-deleted</tspan> delete-image agent on primary</text>"));
    cr_assert_eq(count_of("pic-fault-armed"), 0);
    rule.text = "refuse on primary";
    rule.evidence = "armed";
    draw(&t, &v);
    cr_assert(has("refuse on primary; leaves no request behind</text>"));
    cr_assert_eq(count_of("pic-fault-armed"), 1);
}

/* Nothing happened, or next to nothing: still a picture. */
Test(picture, empty)
{
    struct trace t = {0};
    draw(&t, NULL);
    cr_assert(has(">no attempts</text>"));
    t = account();
    t.attempt_count = 0;
    t.start_count = 0;
    t.truncated = true;
    t.left_out = 12;
    draw(&t, NULL);
    cr_assert(has("The history ends in the middle"));
    cr_assert(has("12 events and attempts past the maximum"));
}

/* A phase much shorter than another is said not to be to scale; equal ones are not. */
Test(picture, scale)
{
    struct trace t = account();
    phases[1].to_ns = phases[2].from_ns = 200 * MS;
    phases[2].to_ns = 300 * MS;
    t.start_count = t.attempt_count = 0;
    t.end_ns = 300 * MS;
    draw(&t, NULL);
    cr_assert_not(has("not drawn to one scale"));
    phases[2].to_ns = t.end_ns = 9000 * MS;
    draw(&t, NULL);
    cr_assert(has("not drawn to one scale"));
}

/* A short name is no markup either. */
Test(picture, short_hostile)
{
    const char *short_names[] = {"a&b", "<b>"};
    struct trace t = account();
    t.registries = short_names;
    phases[0].name = "<i>";
    draw(&t, NULL);
    cr_assert(has(">&lt;b&gt;</tspan>"));
    cr_assert(has(">&lt;i&gt;</text>"));
    cr_assert(has("a&amp;b 2 attempts"));
}

/* Names that would be markup are text; no name makes the picture large. */
Test(picture, hostile_and_large)
{
    enum { ATTEMPTS = 100000, PHASES = 64, REGISTRIES = 16, FAULTS = 4096 };
    static struct trace_attempt a[ATTEMPTS];
    static struct trace_start st[ATTEMPTS];
    static struct trace_band p[PHASES];
    static struct trace_band f[FAULTS];
    static const char *r[REGISTRIES];
    static char evil[256];
    static char names[20][300];
    for (size_t i = 0; i + 1 < sizeof evil; i++) {
        evil[i] = "\"><script>&'\xff"[i % 13];
    }
    for (size_t i = 0; i < 20; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s%zu", evil, i);
    }
    for (size_t i = 0; i < REGISTRIES; i++) {
        r[i] = evil;
    }
    for (size_t i = 0; i < PHASES; i++) {
        p[i] = (struct trace_band){evil, i * MS, (i + 1) * MS, i, i};
    }
    for (size_t i = 0; i < FAULTS; i++) {
        uint64_t at = i / 20 * 20 * MS / 70;
        f[i] = (struct trace_band){names[i % 20], at, at + 1000, i, i};
    }
    for (size_t i = 0; i < ATTEMPTS; i++) {
        a[i] = (struct trace_attempt){
            .t_ns = i * 64 * MS / ATTEMPTS, .registry = (unsigned)(i % 16), .failed = i / 16 % 2};
        st[i] = (struct trace_start){
            .phase = evil, .end_ns = a[i].t_ns, .outcome = (enum outcome)(i % 5)};
    }
    struct trace t = {.registries = r,
                      .registry_count = REGISTRIES,
                      .phases = p,
                      .phase_count = PHASES,
                      .faults = f,
                      .fault_count = FAULTS,
                      .attempts = a,
                      .attempt_count = ATTEMPTS,
                      .starts = st,
                      .start_count = ATTEMPTS,
                      .end_ns = 70 * MS};
    draw(&t, NULL);
    cr_assert_eq(count_of("<script"), 0);
    cr_assert(has("&lt;script&gt;"));
    cr_assert(has(">and 12 more faults</text>"));
    t.phase_count = 3;
    draw(&t, NULL);
}

/* What phases do first is flagged, once for what was done in a row, with a line for each; what the
 * harness does to lanes is not. */
Test(picture, actions)
{
    struct trace t = account();
    struct trace_event events[] = {
        {.t_ns = 1, .type = EVENT_ACTION, .name = "setup"},
        {.t_ns = 101 * MS, .type = EVENT_ACTION, .name = "publish", .text = "a<b"},
        {.t_ns = 102 * MS, .type = EVENT_ACTION, .name = "run"},
        {.t_ns = 103 * MS, .type = EVENT_START_BEGIN, .name = "publish"},
        {.t_ns = 301 * MS, .type = EVENT_ACTION, .name = "move-tag", .text = "c"},
    };
    t.events = events;
    t.event_count = sizeof events / sizeof events[0];
    draw(&t, NULL);
    cr_expect_eq(count_of("pic-action-flag"), 2);
    cr_expect(has("<title>publish: a&lt;b\nrun</title>"));
    cr_expect(has("<title>move-tag: c</title>"));
}
