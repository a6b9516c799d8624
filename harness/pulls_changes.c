/* What starts that write have changed of the plan's images: overwritten tags, deleted content. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/pulls_internal.h"

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

int pulls_changes_init(struct pulls *p)
{
    const struct scenario *s = p->plan->scenario;
    p->changes = calloc(s->registry_count * s->image_count + 1, sizeof p->changes[0]);
    return p->changes ? 0 : -1;
}

static struct pull_change *change_of(const struct pulls *p, size_t registry, size_t image)
{
    return &p->changes[registry * p->plan->scenario->image_count + image];
}

const struct pull_change *pulls_change(const struct pulls *p, size_t registry, size_t image)
{
    const struct pull_change *change = change_of(p, registry, image);
    return change->count > 0 ? change : NULL;
}

/* ---- what stands for an image --------------------------------------------------------------- */

/* Whether TAG of its repository stands for IMAGE on REGISTRY: from the beginning, or by an action.
 */
static bool is_tag(const struct pulls *p, size_t registry, size_t image, const char *tag)
{
    const struct scenario *s = p->plan->scenario;
    const struct plan_image *i = &p->plan->images[image];
    bool tagged = (i->on >> registry & 1) != 0 && same(i->tag, tag);
    for (size_t k = 0; k < s->phase_count; k++) {
        for (size_t a = 0; a < s->phases[k].action_count; a++) {
            const struct scenario_action *action = &s->phases[k].actions[a];
            tagged = tagged || (action->kind != ACTION_RUN && action->image == image &&
                                (action->on >> registry & 1) != 0 && same(action->tag, tag));
        }
    }
    return tagged;
}

/* Whether DIGEST is one of the plan's images of REPOSITORY. */
static bool is_planned(const struct pulls *p, const char *repository, const char *digest)
{
    for (size_t i = 0; i < p->plan->scenario->image_count; i++) {
        const struct plan_image *image = &p->plan->images[i];
        if (same(image->repository, repository) && plan_image_has(image, digest)) {
            return true;
        }
    }
    return false;
}

static bool is_part(const struct plan_image *image, const char *digest)
{
    for (size_t i = 0; i < image->blob_count; i++) {
        if (same(image->blobs[i].digest, digest)) {
            return true;
        }
    }
    return plan_image_has(image, digest);
}

/* ---- one write ------------------------------------------------------------------------------ */

static void note(struct pull_change *change, const struct pulls_request *r, uint64_t event)
{
    if (change->count++ == 0) {
        change->start = r->start->pub.number;
        change->event = event;
        change->deleted = r->op == OP_DELETE;
        snprintf(change->reference, sizeof change->reference, "%s", r->reference);
    }
}

static void note_one(const struct pulls *p, const struct pulls_request *r, const struct event *ev,
                     size_t index)
{
    const struct plan_image *image = &p->plan->images[index];
    struct pull_change *change = change_of(p, (size_t)r->registry, index);
    bool tag = is_tag(p, (size_t)r->registry, index, r->reference);
    if (r->op == OP_MANIFEST_PUT && tag) {
        bool ours = is_planned(p, r->repository, ev->response.stored);
        change->tag_lost = !ours;
        if (!ours) {
            note(change, r, ev->n);
        }
    } else if (r->op == OP_DELETE && (tag || is_part(image, r->reference))) {
        change->tag_lost = change->tag_lost || tag;
        note(change, r, ev->n);
    }
}

void pulls_changed(struct pulls *p, const struct pulls_request *r, const struct event *ev)
{
    const struct event_response *a = &ev->response;
    bool stored = r->op == OP_MANIFEST_PUT && a->stored;
    bool deleted = r->op == OP_DELETE && a->status == 202;
    for (size_t i = 0; (stored || deleted) && i < p->plan->scenario->image_count; i++) {
        if (same(p->plan->images[i].repository, r->repository)) {
            note_one(p, r, ev, i);
        }
    }
}

/* ---- in words ------------------------------------------------------------------------------- */

void pulls_change_text(const struct pulls *p, size_t registry, size_t image,
                       char text[PULLS_CHANGE_TEXT])
{
    const struct pull_change *change = change_of(p, registry, image);
    const struct pull_start *start = pulls_start(p, change->start);
    const struct scenario *s = p->plan->scenario;
    const char *phase = !start || start->phase < 0 ? "control" : s->phases[start->phase].name;
    const char *name = s->registries[registry].name;
    const char *repository = p->plan->images[image].repository;
    bool digest = strchr(change->reference, ':') != NULL;
    char more[64] = "";
    if (change->count > 1) {
        snprintf(more, sizeof more, ", the first of %llu such changes",
                 (unsigned long long)change->count);
    }
    snprintf(text, PULLS_CHANGE_TEXT, "start %llu (%s) %s %s%s%s %s %s%s",
             (unsigned long long)change->start, phase,
             change->deleted ? "deleted" : "pushed other content as", repository,
             digest ? "@" : ":", change->reference, change->deleted ? "from" : "to", name, more);
}
