/* Two results of the same drills held against each other: which belong together, their verdicts,
 * and those of their checks. */
#include "harness/verdict/verdict_compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verdict/verdict_compare_internal.h"

#define COMPARE_MAX_BYTES ((size_t)512 << 20)
#define TEXT_MAX 1024

const char *compare_kind_name(enum compare_kind kind)
{
    static const char *const names[COMPARE_KINDS] = {
        [COMPARE_WORSE] = "worse",
        [COMPARE_STILL] = "still bad",
        [COMPARE_NOT] = "not comparable",
        [COMPARE_BETTER] = "better",
        [COMPARE_NEW] = "new",
        [COMPARE_NOISE] = "within noise",
        [COMPARE_SAME] = "same",
    };
    return kind < COMPARE_KINDS ? names[kind] : "not comparable";
}

/* ---- findings ------------------------------------------------------------------------------ */

static const char *keep(struct compare_pair *p, const char *text)
{
    const char *kept = text && text[0] ? arena_strdup(&p->out->arena, text) : "";
    return kept ? kept : "";
}

static bool make_room(struct compare_pair *p)
{
    struct comparison *c = p->out;
    if (c->count < p->cap) {
        return true;
    }
    size_t cap = p->cap ? p->cap * 2 : 64;
    struct compare_finding *grown = arena_alloc(&c->arena, cap, sizeof *grown);
    if (!grown) {
        return false;
    }
    if (c->count > 0) {
        memcpy(grown, c->findings, c->count * sizeof *grown);
    }
    c->findings = grown;
    p->cap = cap;
    return true;
}

void compare_add(struct compare_pair *p, enum compare_kind kind, const char *what, const char *was,
                 const char *is, const char *why)
{
    if (!make_room(p)) {
        return;
    }
    p->out->kinds[kind]++;
    p->out->findings[p->out->count++] = (struct compare_finding){
        .kind = kind,
        .scenario = p->scenario,
        .variant = p->variant,
        .round = p->round,
        .what = keep(p, what),
        .was = keep(p, was),
        .is = keep(p, is),
        .why = keep(p, why),
    };
}

const char *compare_text(struct compare_pair *p, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return keep(p, text);
}

/* Worst first; those of one kind stay in their order. */
static void sort(struct comparison *c)
{
    struct compare_finding *sorted = arena_alloc(&c->arena, c->count + 1, sizeof *sorted);
    size_t n = 0;
    for (int kind = 0; sorted && kind < COMPARE_KINDS; kind++) {
        for (size_t i = 0; i < c->count; i++) {
            if ((int)c->findings[i].kind == kind) {
                sorted[n++] = c->findings[i];
            }
        }
    }
    c->findings = sorted;
}

/* ---- verdicts ------------------------------------------------------------------------------ */

/* Inconclusive after fail says neither that it got better nor that it did not. */
static enum compare_kind kind_of(enum verdict_kind was, enum verdict_kind is)
{
    if (was == is) {
        return was == VERDICT_PASS || was == VERDICT_SKIPPED ? COMPARE_SAME : COMPARE_STILL;
    }
    if (is == VERDICT_SKIPPED || is > was) {
        return was == VERDICT_SKIPPED && is == VERDICT_PASS ? COMPARE_BETTER : COMPARE_WORSE;
    }
    return is == VERDICT_PASS ? COMPARE_BETTER : COMPARE_NOT;
}

static void compare_verdicts(struct compare_pair *p, const char *what, const struct verdict *was,
                             const struct verdict *is)
{
    enum compare_kind kind = kind_of(was->verdict, is->verdict);
    const char *why = kind == COMPARE_SAME             ? NULL
                      : is->verdict == VERDICT_SKIPPED ? "no longer tested"
                      : kind == COMPARE_NOT            ? "NEW does not show that it got better"
                                                       : is->why;
    compare_add(p, kind, what, verdict_name(was->verdict), verdict_name(is->verdict), why);
}

static const struct verdict_check *find_check(const struct verdict *v, const char *name)
{
    for (size_t i = 0; i < v->check_count; i++) {
        if (name && v->checks[i].name && strcmp(v->checks[i].name, name) == 0) {
            return &v->checks[i];
        }
    }
    return NULL;
}

static const char *check_word(const struct verdict_check *c)
{
    return !c ? "missing" : c->judged ? verdict_name(c->verdict) : "not judged";
}

static void compare_check(struct compare_pair *p, const struct verdict_check *was,
                          const struct verdict_check *is)
{
    const char *what = compare_text(p, "check %s", was->name ? was->name : "(none)");
    enum compare_kind kind;
    const char *why = is ? is->actual : NULL;
    if (was->judged && (!is || !is->judged)) {
        kind = COMPARE_WORSE;
        why = "no longer tested";
    } else if (!is || !is->judged) {
        kind = COMPARE_STILL;
        why = "judged in neither";
    } else {
        kind = kind_of(was->judged ? was->verdict : VERDICT_INCONCLUSIVE, is->verdict);
    }
    compare_add(p, kind, what, check_word(was), check_word(is), kind == COMPARE_SAME ? NULL : why);
}

static void compare_checks(struct compare_pair *p, const struct verdict *was,
                           const struct verdict *is)
{
    for (size_t i = 0; i < was->check_count; i++) {
        compare_check(p, &was->checks[i], find_check(is, was->checks[i].name));
    }
    for (size_t i = 0; i < is->check_count; i++) {
        const struct verdict_check *c = &is->checks[i];
        if (!find_check(was, c->name)) {
            compare_add(p, COMPARE_NEW, compare_text(p, "check %s", c->name ? c->name : "(none)"),
                        "", check_word(c), c->actual);
        }
    }
}

/* A twin that passes is a scenario that cannot fail. */
static void compare_twins(struct compare_pair *p, const struct verdict *was,
                          const struct verdict *is)
{
    bool caught_was = was->verdict == VERDICT_FAIL || was->verdict == VERDICT_INCONCLUSIVE;
    bool caught_is = is->verdict == VERDICT_FAIL || is->verdict == VERDICT_INCONCLUSIVE;
    enum compare_kind kind = caught_was && caught_is ? COMPARE_SAME
                             : caught_was            ? COMPARE_WORSE
                             : caught_is             ? COMPARE_BETTER
                                                     : COMPARE_STILL;
    compare_add(p, kind, "bad twin", verdict_name(was->verdict), verdict_name(is->verdict),
                caught_is ? NULL : "it is not caught");
}

/* ---- pairs --------------------------------------------------------------------------------- */

static bool same_cell(const struct compare_item *a, const struct compare_item *b)
{
    return a->role == b->role && strcmp(a->scenario, b->scenario) == 0 &&
           strcmp(a->variant, b->variant) == 0;
}

static const struct compare_item *partner(const struct compare_side *side,
                                          const struct compare_item *item, bool any_round)
{
    for (size_t i = 0; i < side->count; i++) {
        if (same_cell(&side->items[i], item) &&
            (any_round || side->items[i].round == item->round)) {
            return &side->items[i];
        }
    }
    return NULL;
}

static const char *role_word(enum compare_role role)
{
    return role == COMPARE_TWIN ? "bad twin" : role == COMPARE_PROOF ? "proof" : "verdict";
}

static void compare_items(struct compare_pair *p, const struct compare_item *was,
                          const struct compare_item *is)
{
    if (was->role == COMPARE_TWIN) {
        compare_twins(p, was->verdict, is->verdict);
        return;
    }
    compare_verdicts(p, role_word(was->role), was->verdict, is->verdict);
    if (was->role == COMPARE_DRILL) {
        compare_checks(p, was->verdict, is->verdict);
        compare_phases(p, was->verdict, is->verdict);
    }
}

static void begin_item(struct compare_pair *p, const struct compare_item *item)
{
    p->scenario = keep(p, item->scenario);
    p->variant = keep(p, item->variant);
    p->round = item->round;
}

/* OLD has it, NEW does not. */
static void missing(struct compare_pair *p, const struct compare_item *was, bool other_round)
{
    const char *word = verdict_name(was->verdict->verdict);
    if (other_round) {
        compare_add(p, COMPARE_NOT, role_word(was->role), word, "missing",
                    "NEW has fewer rounds of it");
    } else if (was->verdict->verdict == VERDICT_SKIPPED) {
        compare_add(p, COMPARE_NOT, role_word(was->role), word, "missing", "tested in neither");
    } else {
        compare_add(p, COMPARE_WORSE, role_word(was->role), word, "missing", "no longer tested");
    }
}

static void compare_all(struct compare_pair *p, const struct compare_side *was,
                        const struct compare_side *is)
{
    for (size_t i = 0; i < was->count; i++) {
        const struct compare_item *item = &was->items[i];
        const struct compare_item *other = partner(is, item, false);
        begin_item(p, item);
        if (other) {
            compare_items(p, item, other);
        } else {
            missing(p, item, partner(is, item, true) != NULL);
        }
    }
    for (size_t i = 0; i < is->count; i++) {
        const struct compare_item *item = &is->items[i];
        if (!partner(was, item, false)) {
            begin_item(p, item);
            compare_add(p, COMPARE_NEW, role_word(item->role), "",
                        verdict_name(item->verdict->verdict), item->verdict->why);
        }
    }
}

struct comparison *verdict_compare(const struct compare_side *was, const struct compare_side *is,
                                   struct err *e)
{
    struct comparison *c = calloc(1, sizeof *c);
    if (!c) {
        err_set(e, ERR_NOMEM, "compare: no memory");
        return NULL;
    }
    arena_init(&c->arena, COMPARE_MAX_BYTES);
    struct compare_pair p = {.out = c};
    compare_all(&p, was, is);
    sort(c);
    if (c->arena.failed) {
        comparison_free(c);
        err_set(e, ERR_NOMEM, "compare: no memory");
        return NULL;
    }
    return c;
}

void comparison_free(struct comparison *c)
{
    if (c) {
        arena_close(&c->arena);
        free(c);
    }
}
