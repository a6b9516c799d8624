/* What is expected of the subjects and of the drill, and what the twins must fail. */
#include <stdio.h>
#include <string.h>

#include "harness/explain_internal.h"

/* Whether an entry before INDEX has the same check: what it means has been said then. */
static bool said_before(const struct explain *x, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (x->checks[i].info == x->checks[index].info) {
            return true;
        }
    }
    return false;
}

static void starts_text(const struct explain *x, const struct check *c, char text[64])
{
    uint64_t starts = explain_check_starts(c, x->scenario, false, 0);
    text[0] = '\0';
    if (starts != EXPLAIN_UNKNOWN) {
        snprintf(text, 64, " (%llu start%s)", (unsigned long long)starts, starts == 1 ? "" : "s");
    }
}

static void tell_entry(struct explain *x, const struct verdict_check *v, size_t index)
{
    const struct check *c = &x->checks[index];
    const char *expected = v->expected ? v->expected : c->info->meaning;
    bool named = strcmp(v->name, v->check) != 0;
    char starts[64];
    starts_text(x, c, starts);
    explain_row(x, v->name, "%s%s", expected, starts);
    if (!said_before(x, index)) {
        explain_text(x, EXPLAIN_COLUMN, "(%s%s%s)", named ? v->check : "", named ? ": " : "",
                     c->info->meaning);
    } else if (named) {
        explain_text(x, EXPLAIN_COLUMN, "(%s, as above)", v->check);
    }
}

static void tell_always(struct explain *x)
{
    explain_heading(x, "Always expected");
    for (size_t i = 0; i < x->verdict->check_count; i++) {
        const struct verdict_check *v = &x->verdict->checks[i];
        if (v->always) {
            const char *why =
                strcmp(v->check, "baseline") == 0 ? x->scenario->baseline_reason : NULL;
            explain_row(x, v->check, "%s%s%s", v->expected ? v->expected : "",
                        why ? "; not asked here: " : "", why ? why : "");
        }
    }
}

void explain_expected(struct explain *x)
{
    size_t n = 0;
    explain_heading(x, "Expected");
    for (size_t i = 0; i < x->verdict->check_count; i++) {
        if (!x->verdict->checks[i].always) {
            tell_entry(x, &x->verdict->checks[i], n++);
        }
    }
    if (n == 0) {
        explain_text(x, 2, "nothing beside what always is");
    }
    tell_always(x);
}

static void tell_twin(struct explain *x, const struct scenario_twin *twin)
{
    struct buf because;
    buf_init(&because, EXPLAIN_MAX_TEXT);
    for (size_t i = 0; i < twin->because_count; i++) {
        explain_list(&because, i, twin->because_count, twin->because[i]);
    }
    explain_row(x, twin->variant, "in place of %s must fail %s",
                x->scenario->subjects[twin->subject].name, because.data ? because.data : "");
    buf_close(&because);
}

void explain_proof(struct explain *x)
{
    const struct scenario *s = x->scenario;
    explain_heading(x, "Proof");
    if (s->twin_count == 0) {
        explain_text(x, 2, "none");
        return;
    }
    explain_row(x, "as it stands", "must pass");
    for (size_t i = 0; i < s->twin_count; i++) {
        tell_twin(x, &s->twins[i]);
    }
}
