/* What a phase does to the world before its faults and its first start.
 *
 * Happy path: drill_do carries out one action after the other and tells each as an event, one for
 * each registry it touched; a command runs under a keeper of its own, on the harness's own lane,
 * and the drill is pumped again once it has ended. Failure modes: an action that fails is told and
 * aborts the drill, because what follows would be a drill of something else; a drill that ends
 * while a command runs kills it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/drill_internal.h"

/* Of a command, in its event. */
#define COMMAND_TEXT_MAX 1024

static const struct scenario_phase *phase_of(const struct drill *d)
{
    return &d->plan->scenario->phases[d->phase];
}

static void failed(struct drill *d, const struct scenario_action *action, const char *why)
{
    drill_abort(d, "failure", "%s in phase %s failed: %s", action_kind_name(action->kind),
                phase_of(d)->name, why);
}

static struct event event_of(const struct drill *d, const struct scenario_action *action)
{
    struct event ev = {.type = EVENT_ACTION, .actor = "drill"};
    ev.action.action = action_kind_name(action->kind);
    ev.action.phase = phase_of(d)->name;
    return ev;
}

/* ---- content and tags --------------------------------------------------------------------- */

static void tell_put(struct drill *d, const struct scenario_action *action, size_t registry,
                     const char *why)
{
    const struct plan_image *image = &d->plan->images[action->image];
    char reference[SCENARIO_MAX_REF + 1];
    struct event ev = event_of(d, action);
    snprintf(reference, sizeof reference, "%s:%s", image->repository, action->tag);
    ev.action.registry = d->plan->scenario->registries[registry].name;
    ev.action.image = image->name;
    ev.action.digest = image->digest;
    ev.action.reference = reference;
    ev.action.ok = why == NULL;
    ev.action.detail = why;
    history_append(d->history, &ev);
}

/* To move a tag is to put what lies there already once more, under that tag. */
static void put(struct drill *d, const struct scenario_action *action)
{
    const struct plan_image *image = &d->plan->images[action->image];
    for (size_t r = 0; r < d->plan->scenario->registry_count && !d->aborted; r++) {
        struct err e = {0};
        if (((action->on >> r) & 1u) == 0) {
            continue;
        }
        bool ok = image_put(&d->registries.images[action->image], d->registries.stores[r],
                            image->repository, action->tag, &e) == 0;
        tell_put(d, action, r, ok ? NULL : e.text);
        if (ok) {
            d->lies[action->image] |= 1u << r;
        } else {
            failed(d, action, e.text);
        }
    }
}

/* ---- commands ----------------------------------------------------------------------------- */

static void tell_ran(struct drill *d, const struct scenario_action *action, const char *why)
{
    struct buf text;
    struct event ev = event_of(d, action);
    buf_init(&text, COMMAND_TEXT_MAX);
    for (size_t i = 0; i < action->command.count; i++) {
        buf_printf(&text, "%s%s", i > 0 ? " " : "", action->command.word[i]);
    }
    ev.action.ok = why == NULL;
    ev.action.detail = why != NULL ? why : text.failed ? NULL : text.data;
    history_append(d->history, &ev);
    buf_close(&text);
}

static void on_ran(void *data, const struct subject_exit *exit)
{
    struct drill *d = data;
    char why[512];
    bool ok = drill_command_ok(exit, why, sizeof why);
    d->doing.run = NULL;
    d->survivors += exit->survivors;
    /* Where the phase is over, the drill was cut short, and has said why. */
    if (d->phase_open) {
        const struct scenario_action *action = &phase_of(d)->actions[d->doing.next++];
        tell_ran(d, action, ok ? NULL : why);
        if (!ok) {
            failed(d, action, why);
        }
    }
    drill_pump(d);
}

static int run(struct drill *d, const struct scenario_action *action, struct err *e)
{
    char **argv = NULL;
    char **env = NULL;
    int rc = lane_begin(d->own_lane, 0, e);
    if (rc == 0 && lane_command(d->own_lane, &action->command, &argv, e) == 0 &&
        lane_environment(d->own_lane, &env, e) == 0) {
        const struct subject_spec spec = {.argv = argv,
                                          .env = env,
                                          .timeout_ns = action->timeout_ns,
                                          .secrets = history_secrets(d->history)};
        d->doing.since_ns = history_now_ns(d->history);
        d->doing.run = subject_spawn(&d->loop, &spec, on_ran, d, e);
    }
    lane_free_words(argv);
    lane_free_words(env);
    return d->doing.run != NULL ? 0 : -1;
}

/* ---- one after the other ------------------------------------------------------------------ */

bool drill_do(struct drill *d)
{
    const struct scenario_phase *phase = phase_of(d);
    while (!d->aborted && d->doing.run == NULL && d->doing.next < phase->action_count) {
        struct err e = {0};
        const struct scenario_action *action = &phase->actions[d->doing.next];
        if (action->kind != ACTION_RUN) {
            put(d, action);
            d->doing.next++;
        } else if (run(d, action, &e) != 0) {
            tell_ran(d, action, e.text);
            failed(d, action, e.text);
        }
    }
    return !d->aborted && d->doing.run == NULL;
}

/* ---- as things stand ---------------------------------------------------------------------- */

static bool stands_for(const struct drill *d, size_t registry, size_t image, const char *tag)
{
    const struct plan_image *i = &d->plan->images[image];
    const struct content *c = store_manifest(d->registries.stores[registry], i->repository, tag);
    return c != NULL && strcmp(c->digest, i->digest) == 0;
}

static void want(struct probe_want *wants, size_t *count, size_t image, const char *reference)
{
    for (size_t i = 0; i < *count; i++) {
        if (wants[i].image == image && strcmp(wants[i].reference, reference) == 0) {
            return;
        }
    }
    wants[(*count)++] = (struct probe_want){.image = image, .reference = reference};
}

/* The images that ACTION's tag stands for on REGISTRY now, whoever moved it last. */
static void want_moved(const struct drill *d, size_t registry, const struct scenario_action *action,
                       struct probe_want *wants, size_t *count)
{
    const char *repository = d->plan->images[action->image].repository;
    for (size_t i = 0; i < d->plan->scenario->image_count; i++) {
        if (strcmp(d->plan->images[i].repository, repository) == 0 &&
            ((d->lies[i] >> registry) & 1u) != 0 && stands_for(d, registry, i, action->tag)) {
            want(wants, count, i, action->tag);
            return;
        }
    }
}

struct probe_want *drill_wants(const struct drill *d, size_t registry, size_t *count)
{
    const struct scenario *s = d->plan->scenario;
    size_t most = s->image_count + 1;
    for (size_t p = 0; p < s->phase_count; p++) {
        most += s->phases[p].action_count;
    }
    struct probe_want *wants = calloc(most, sizeof *wants);
    *count = 0;
    for (size_t i = 0; wants != NULL && i < s->image_count; i++) {
        if (((d->lies[i] >> registry) & 1u) != 0) {
            const struct plan_image *image = &d->plan->images[i];
            bool own = stands_for(d, registry, i, image->tag);
            want(wants, count, i, own ? image->tag : image->digest);
        }
    }
    for (size_t p = 0; wants != NULL && p < s->phase_count; p++) {
        for (size_t a = 0; a < s->phases[p].action_count; a++) {
            const struct scenario_action *action = &s->phases[p].actions[a];
            if (action->kind == ACTION_MOVE_TAG) {
                want_moved(d, registry, action, wants, count);
            }
        }
    }
    return wants;
}
