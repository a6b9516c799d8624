/* control: one more start of every subject, with every registry down, must not work. */
#include "harness/checks/checks.h"
#include "harness/checks/common.h"

/* Whether the drill has starts of subject INDEX at all. */
static bool in_play(const struct check *c, size_t index)
{
    const struct scenario *s = c->plan->scenario;
    for (size_t i = 0; i < s->phase_count; i++) {
        if (s->phases[i].by != BY_STARTS || s->phases[i].starts[index] > 0) {
            return true;
        }
    }
    return false;
}

static const struct pull_start *control_of(const struct check *c, size_t subject)
{
    for (size_t i = pulls_count(c->pulls); i > 0; i--) {
        const struct pull_start *start = pulls_at(c->pulls, i - 1);
        if (start->control && start->subject == (int)subject) {
            return start;
        }
    }
    return NULL;
}

/* A registry that START got an ear of although all were down; -1: none. */
static int heard(const struct check *c, const struct pull_start *start)
{
    for (size_t i = 0; i < c->plan->scenario->registry_count; i++) {
        if (start->registries[i].requests > 0) {
            return (int)i;
        }
    }
    return -1;
}

/* An exit of 0 is enough to have worked here: a subject that calls it a success to have got
 * nothing is not testing these registries either. */
static bool worked(const struct pull_start *start)
{
    return start->outcome == OUTCOME_WORKED ||
           (start->exit == 0 && start->signal == 0 && !start->timed_out);
}

static bool judge_one(struct check *c, size_t subject)
{
    const char *name = c->plan->scenario->subjects[subject].name;
    const struct pull_start *start = control_of(c, subject);
    if (!start) {
        check_reason(c, NULL, "%s: no control start was made", name);
        return false;
    }
    unsigned long long number = start->number;
    uint64_t events[] = {start->begin_event, start->end_event, 0};
    int registry = heard(c, start);
    if (!start->ended || start->stopped) {
        check_reason(c, events, "%s: its control start %llu was cut short", name, number);
        return false;
    }
    if (registry >= 0) {
        events[0] = start->registries[registry].first_event;
        check_reason(c, events, "%s: its control start %llu reached %s, which was to be down", name,
                     number, checks_registry_name(c, registry));
        return false;
    }
    if (worked(start)) {
        check_reason(c, events,
                     "the subject does not test these registries: start %llu of %s worked with "
                     "every registry down",
                     number, name);
        return false;
    }
    return true;
}

static void finish(struct check *c)
{
    const struct scenario *s = c->plan->scenario;
    size_t asked = 0;
    size_t good = 0;
    check_expected(c, "no start works with every registry down");
    for (size_t i = 0; i < s->subject_count; i++) {
        if (!s->subjects[i].baked_in && in_play(c, i)) {
            asked++;
            good += judge_one(c, i) ? 1 : 0;
        }
    }
    if (asked == 0) {
        check_result(c, VERDICT_PASS, "not asked: every subject is baked in");
    } else if (good == asked) {
        check_result(c, VERDICT_PASS, "%zu of %zu control start%s did not work", good, asked,
                     asked == 1 ? "" : "s");
    } else {
        check_result(c, VERDICT_INCONCLUSIVE, "shown for %zu of %zu subject%s", good, asked,
                     asked == 1 ? "" : "s");
    }
}

const struct check_info check_control = {
    .name = "control",
    .always = true,
    .meaning = "one more start of every subject, with every registry down, does not work",
    .finish = finish,
};
