/* One object. Happy path: the first registry in the order delivers. Failure modes: each failing
 * attempt is said on stderr with what follows from it (retry, fallback, a new round, giving up);
 * at the end the error names what every registry answered last. A wait that would pass the deadline
 * is not begun.
 *
 * A half-fetched blob is resumed only from the registry it began on. Another registry starts from
 * zero, so that wrong bytes always belong to exactly one registry. */
#include "scenarios/subjects/lib/pull_object.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/units.h"

/* One object being pulled: exactly one of manifest and blob is set. */
struct object {
    struct pull_manifest_target *manifest;
    struct pull_blob *blob;
    size_t blob_from; /* the registry whose bytes BLOB holds */
    char name[512];   /* "manifest ci/agent:stable" */
    struct pull_turn turn;
    char answers[PULL_MAX_REGISTRIES][240]; /* the last failure of each; empty: not asked */
};

static int attempt(struct pull_start *s, struct object *o, size_t registry, struct pull_failure *f)
{
    const struct pull_source source = {
        .scheme = s->options->scheme,
        .registry = s->options->registries[registry],
        .repository = s->options->image.repository,
    };
    struct err e = {0};

    memset(f, 0, sizeof(*f));
    if (o->manifest != NULL)
        return pull_attempt_manifest(&s->client, &source, o->manifest, f);
    if (o->blob_from != registry && pull_blob_restart(o->blob, &e) != 0)
        return pull_fail(f, PULL_FATAL, "%.200s", e.text);
    o->blob_from = registry;
    return pull_attempt_blob(&s->client, &source, o->blob, f);
}

static void say(const struct object *o, size_t registry, const char *what, const char *next)
{
    char name[24];

    pull_registry_name(registry, name);
    fprintf(stderr, "%s %s: %s%s\n", name, o->name, what, next);
}

static void say_received(const struct object *o, size_t registry)
{
    const unsigned long long size =
        o->manifest != NULL ? o->manifest->got.size : o->blob->want->size;
    char text[64];

    snprintf(text, sizeof(text), "received, %llu B", size);
    say(o, registry, text, "");
}

/* How long to wait before STEP. Falling back never waits: the next registry did nothing wrong. */
static uint64_t wait_for(struct pull_start *s, const struct object *o, enum pull_step step,
                         const struct pull_failure *f)
{
    uint64_t wait;

    if (step == PULL_FALL_BACK || step == PULL_GIVE_UP)
        return 0;
    wait = pull_backoff_wait(&s->options->backoff, pull_turn_exponent(&s->order, &o->turn),
                             rng_unit(rng_next(&s->rng)));
    return step == PULL_AGAIN && f->retry_after_ns > wait ? f->retry_after_ns : wait;
}

static void say_next(const struct object *o, size_t registry, const struct pull_failure *f,
                     enum pull_step step, uint64_t wait)
{
    static const char *const words[] = {
        [PULL_AGAIN] = ", again in ",
        [PULL_FALL_BACK] = ", falling back",
        [PULL_NEW_ROUND] = ", all failed, from the front in ",
        [PULL_GIVE_UP] = ", giving up",
    };
    char text[96], duration[32] = "";

    if (step == PULL_AGAIN || step == PULL_NEW_ROUND)
        units_duration_text(wait, duration);
    snprintf(text, sizeof(text), "%s%s", words[step], duration);
    say(o, registry, f->text, text);
}

/* "manifest ci/agent:stable: primary: 404 MANIFEST_UNKNOWN; failover: connection refused" */
static int name_all_answers(const struct pull_start *s, const struct object *o, struct err *e)
{
    char text[PULL_MAX_REGISTRIES * 272] = "";
    size_t len = 0;

    for (size_t i = 0; i < s->order.count; i++) {
        char name[24];

        pull_registry_name(i, name);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s: %s", i > 0 ? "; " : "", name,
                                o->answers[i][0] != '\0' ? o->answers[i] : "not asked");
    }
    return err_set(e, ERR_IO, "%s: %s", o->name, text);
}

/* After a failed attempt: decides, says so, waits. -1: given up, and E says why. */
static int go_on(struct pull_start *s, struct object *o, size_t registry, struct pull_failure *f,
                 struct err *e)
{
    enum pull_step step = pull_turn_failed(&s->order, &o->turn, f->kind);
    const uint64_t wait = wait_for(s, o, step, f);
    const bool late =
        wait >= s->client.deadline_ns || clock_now_ns() >= s->client.deadline_ns - wait;

    if (f->kind != PULL_FATAL || o->answers[registry][0] == '\0')
        memcpy(o->answers[registry], f->text, sizeof(o->answers[registry]));
    if (late)
        step = PULL_GIVE_UP;
    say_next(o, registry, f, step, wait);
    if (step != PULL_GIVE_UP) {
        pull_backoff_sleep(wait);
        return 0;
    }
    if (f->kind == PULL_FATAL && !late)
        return err_set(e, ERR_IO, "%s: %s", o->name, f->text); /* no registry's fault */
    name_all_answers(s, o, e);
    return late ? err_prefix(e, "no time left") : -1;
}

static int get(struct pull_start *s, struct object *o, size_t *served_by, struct err *e)
{
    pull_turn_init(&o->turn);
    for (;;) { /* bounded by the policy's attempts and rounds, and by the deadline */
        struct pull_failure f;
        const size_t registry = pull_turn_registry(&s->order, &o->turn);

        if (attempt(s, o, registry, &f) == 0) {
            say_received(o, registry);
            *served_by = registry;
            return 0;
        }
        if (go_on(s, o, registry, &f, e) != 0)
            return -1;
    }
}

int pull_object_manifest(struct pull_start *s, struct pull_manifest_target *t, size_t *served_by,
                         struct err *e)
{
    struct object o = {.manifest = t};

    snprintf(o.name, sizeof(o.name), "manifest %s%c%s", s->options->image.repository,
             strchr(t->reference, ':') != NULL ? '@' : ':', t->reference);
    return get(s, &o, served_by, e);
}

int pull_object_blob(struct pull_start *s, const struct pull_descriptor *want, struct err *e)
{
    struct pull_blob blob;
    struct object o = {.blob = &blob};
    size_t served_by;
    int result;

    snprintf(o.name, sizeof(o.name), "blob %.19s", want->digest);
    if (pull_layout_has(&s->layout, want->digest, want->size))
        return 0;
    if (pull_blob_init(&blob, &s->layout, want, e) != 0)
        return -1;
    result = get(s, &o, &served_by, e);
    pull_blob_close(&blob);
    return result;
}
