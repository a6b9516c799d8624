/* same-digest: every start that worked got the same image, by what the registries told it.
 *
 * What a subject claims never decides: it must agree with what it was told. Where a delivery was
 * cut or altered, only the hash of what landed shows that the pieces were put together rightly. */
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/checks/common.h"

enum { BY, PARAMS };
enum { BY_MANIFEST, BY_CONFIG };

static const char *const kinds[] = {"manifest", "config", NULL};

static const struct check_param params[PARAMS] = {
    [BY] = {.name = "by",
            .type = CHECK_CHOICE,
            .choices = kinds,
            .meaning = "whose digest is compared; the manifest's where absent"},
};

/* What a start that still runs asked and was told of the image that the check is narrowed to. */
struct running {
    struct running *next;
    uint64_t start;
    bool asked, told;
};

struct state {
    unsigned by;
    struct running *running, *spare;
    const char *first[SCENARIO_MAX_SUBJECTS]; /* what the subject's first start got; NULL: none yet
                                               */
    uint64_t judged, bad;
    struct checks_list damaged; /* starts that nothing shows to be right after a bad delivery */
    struct checks_list untold;  /* starts that worked without being told a digest */
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    if (!state) {
        return err_set(e, ERR_NOMEM, "same-digest: no memory");
    }
    state->by = c->value[BY].set ? (unsigned)c->value[BY].number : BY_MANIFEST;
    c->state = state;
    return 0;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* ---- while a start runs -------------------------------------------------------------------- */

static struct running *running_of(struct check *c, struct state *state, uint64_t start)
{
    for (struct running *r = state->running; r; r = r->next) {
        if (r->start == start) {
            return r;
        }
    }
    struct running *r = state->spare;
    if (r) {
        state->spare = r->next;
    } else {
        r = arena_alloc(c->arena, 1, sizeof *r);
    }
    if (r) {
        *r = (struct running){.next = state->running, .start = start};
        state->running = r;
    }
    return r;
}

static void on_request(struct check *c, struct state *state, const struct event_request *ask)
{
    const struct plan_image *image = &c->plan->images[c->image];
    bool asked = op_is_manifest(ask->op) && same(ask->repository, image->repository) &&
                 (same(ask->reference, image->tag) || plan_image_has(image, ask->reference));
    if (asked && ask->start != 0 && !ask->late) {
        struct running *r = running_of(c, state, ask->start);
        if (r) {
            r->asked = true;
        }
    }
}

static void on_response(struct check *c, struct state *state, const struct event_response *answer)
{
    bool good = (answer->status >= 200 && answer->status < 300) || answer->status == 304;
    bool told = good && plan_image_has(&c->plan->images[c->image], answer->digest);
    if (told && answer->start != 0 && !answer->late) {
        struct running *r = running_of(c, state, answer->start);
        if (r) {
            r->told = true;
        }
    }
}

static struct running take(struct state *state, uint64_t start)
{
    struct running found = {0};
    for (struct running **at = &state->running; *at; at = &(*at)->next) {
        struct running *r = *at;
        if (r->start == start) {
            found = *r;
            *at = r->next;
            r->next = state->spare;
            state->spare = r;
            break;
        }
    }
    return found;
}

/* ---- one start ----------------------------------------------------------------------------- */

/* The manifest that START has of IMAGE; where it is not the image that it was told of last (it has
 * several, or one baked in), the one that it says. */
static const struct plan_manifest *manifest_of(const struct check *c,
                                               const struct pull_start *start, int image)
{
    const struct plan_image *i = &c->plan->images[image];
    bool own = start->image == image && start->manifest >= 0;
    int m = own ? start->manifest : plan_image_manifest(i, start->result_digest);
    return &i->manifests[m >= 0 ? m : 0];
}

/* What is compared of the IMAGE that START got. Whichever manifest of an index its machine runs,
 * the index is what it got; the config is that of its platform. */
static const char *digest_of(const struct check *c, const struct pull_start *start, int image)
{
    const struct state *state = c->state;
    const struct plan_manifest *m = manifest_of(c, start, image);
    return state->by == BY_CONFIG && m->blob_count > 0 ? m->blobs[0].digest
                                                       : c->plan->images[image].digest;
}

/* A start that asked for the image counts even where it was told another in its place. */
static bool counts(const struct check *c, const struct pull_start *start, bool asked)
{
    struct check any = *c;
    any.image = -1;
    return checks_outcome_counts(c, start) || (asked && checks_outcome_counts(&any, start));
}

/* Whether CLAIM is the digest of IMAGE, its own or that of a manifest it lists which START took. */
static bool claims(const struct check *c, const struct pull_start *start, int image,
                   const char *claim)
{
    if (same(claim, c->plan->images[image].digest) ||
        same(claim, manifest_of(c, start, image)->digest)) {
        return true;
    }
    for (size_t i = 0; start->image == image && i < start->object_count; i++) {
        if (start->objects[i].kind == PULL_MANIFEST && same(claim, start->objects[i].digest)) {
            return true;
        }
    }
    return false;
}

/* Whether what START claims, which got the image GOT, is what it was told. */
static bool claim_holds(const struct check *c, const struct pull_start *start, int got)
{
    const char *claim = start->result_digest;
    return !claim || same(claim, digest_of(c, start, got)) || claims(c, start, got, claim) ||
           (start->image >= 0 && claims(c, start, start->image, claim));
}

/* The digest that START, which got GOT, must have got. Of the image that the check is narrowed to,
 * the config of any platform is right. */
static const char *wanted(const struct check *c, const struct pull_start *start, int got)
{
    struct state *state = c->state;
    if (c->image >= 0) {
        return digest_of(c, start, c->image);
    }
    if (!state->first[start->subject]) {
        state->first[start->subject] = digest_of(c, start, got);
    }
    return state->first[start->subject];
}

/* Why START, which worked and got the image GOT, is wrong all the same; NULL: it is not. */
static const char *wrong_because(struct check *c, const struct pull_start *start, int got)
{
    const char *right = wanted(c, start, got);
    const char *is = digest_of(c, start, got);
    if (!same(is, right)) {
        bool baked_in = checks_baked_in(c, start) >= 0;
        return arena_printf(c->arena, "%s %s, not %s", baked_in ? "runs, baked in," : "was told",
                            is, right);
    }
    if (!claim_holds(c, start, got)) {
        return arena_printf(c->arena, "claims %s, was told %s", start->result_digest, is);
    }
    if (start->layout && strcmp(start->layout, "whole") != 0) {
        return arena_printf(c->arena, "what landed is not what it was told: %s", start->layout);
    }
    return NULL;
}

static bool is_damaged(const struct pull_start *start)
{
    for (size_t i = 0; i < start->object_count; i++) {
        if (start->objects[i].damaged) {
            return true;
        }
    }
    return false;
}

static void fail(struct check *c, const struct pull_start *start, const char *why)
{
    struct state *state = c->state;
    char name[CHECKS_NAME];
    uint64_t events[] = {start->end_event, start->told_event, 0};
    checks_start_name(c, start, name);
    check_reason(c, events, "%s: %s", name, why ? why : "wrong");
    state->bad++;
    c->lost = true;
}

/* The image that START, which worked, got; -1: it was told none. Being told the one that the check
 * is narrowed to is not enough where another is what it has whole. */
static int image_got(const struct check *c, const struct pull_start *start, bool told)
{
    int baked_in = checks_baked_in(c, start);
    if (baked_in >= 0) {
        return baked_in;
    }
    bool other = start->image >= 0 && (start->whole >> start->image & 1) != 0;
    if (told && !(other && (start->whole >> c->image & 1) == 0)) {
        return c->image;
    }
    return start->image;
}

static void on_end(struct check *c, struct state *state, const struct pull_start *start)
{
    struct running seen = take(state, start->number);
    if (!counts(c, start, seen.asked)) {
        return;
    }
    if (start->outcome == OUTCOME_WRONG) {
        state->judged++;
        fail(c, start, start->reason);
        return;
    }
    if (start->outcome != OUTCOME_WORKED) {
        return;
    }
    int got = image_got(c, start, seen.told);
    state->judged++;
    if (got < 0 && start->layout && strcmp(start->layout, "whole") != 0) {
        fail(c, start, arena_printf(c->arena, "its result is not true: %s", start->layout));
        return;
    }
    if (got < 0) {
        checks_list_add(c, &state->untold, start->number);
        return;
    }
    const char *why = wrong_because(c, start, got);
    if (why) {
        fail(c, start, why);
    } else if (!start->layout && is_damaged(start)) {
        checks_list_add(c, &state->damaged, start->number);
    }
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    if (start) {
        on_end(c, state, start);
    } else if (c->image >= 0 && ev->type == EVENT_REQUEST) {
        on_request(c, state, &ev->request);
    } else if (c->image >= 0 && ev->type == EVENT_RESPONSE) {
        on_response(c, state, &ev->response);
    }
}

/* ---- the result ---------------------------------------------------------------------------- */

static void name_doubts(struct check *c, const struct checks_list *list, const char *why)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct pull_start *start = pulls_start(c->pulls, list->value[i]);
        if (start) {
            char name[CHECKS_NAME];
            uint64_t events[] = {start->end_event, 0};
            checks_start_name(c, start, name);
            check_reason(c, events, "%s: %s", name, why);
        }
    }
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    struct check any = *c;
    char share[CHECKS_SHARE], where[CHECKS_WHERE];
    any.image = -1;
    checks_where(&any, where);
    check_expected(c, "every start%s that worked got %s %s%s%s", where,
                   c->image >= 0 ? "the" : "the same", kinds[state->by],
                   c->image >= 0 ? " of " : "",
                   c->image >= 0 ? c->plan->scenario->images[c->image].name : "");
    if (state->judged == 0) {
        checks_nothing_to_judge(c, "worked");
        return;
    }
    uint64_t doubts = state->damaged.count + state->untold.count;
    name_doubts(c, &state->damaged,
                "a delivery was cut or altered, and no layout in its result shows what landed");
    name_doubts(c, &state->untold, "worked, but no registry told it a digest");
    checks_share_text(state->judged - state->bad - doubts, state->judged, share);
    check_result(c,
                 state->bad > 0 ? VERDICT_FAIL
                 : doubts > 0   ? VERDICT_INCONCLUSIVE
                                : VERDICT_PASS,
                 "%s", share);
}

const struct check_info check_same_digest = {
    .name = "same-digest",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = params,
    .param_count = PARAMS,
    .meaning = "every start that worked got the same image, as the registries told it",
    .init = init,
    .event = event,
    .finish = finish,
};
