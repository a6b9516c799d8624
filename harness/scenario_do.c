/* What phases do at their beginning: publish an image, move a tag, run a command. */
#include "harness/scenario_internal.h"

#include <string.h>

#define DEFAULT_TIMEOUT_NS UINT64_C(60000000000)

/* Which of the keys that say what is done stands in AT: exactly one. */
static int read_kind(struct scenario_reader *r, struct doc_at at, struct scenario_action *out,
                     struct doc_at *value)
{
    const char *const *words = scenario_level_action.one_of;
    struct doc_at more;
    const char *first = NULL;
    *value = at;
    for (size_t i = 0; words[i]; i++) {
        if (!doc_member(at, words[i], &more))
            continue;
        if (first)
            return doc_complain(r->err, more,
                                "an action does one thing, not both \"%s\" and \"%s\"; write two "
                                "actions, in the order in which they are to be done",
                                first, words[i]);
        first = words[i];
        out->kind = (enum action_kind)i;
        *value = more;
    }
    if (!first)
        return doc_complain(r->err, at,
                            "an action that does nothing; write for example {\"publish\": \"%s\"}",
                            r->s->image_count > 0 ? r->s->images[0].name : "agent-v2");
    return 0;
}

/* A key that says nothing about what is done. */
static int refuse(struct scenario_reader *r, struct doc_at at, const struct scenario_action *out,
                  const char *key)
{
    struct doc_at member;
    if (!doc_member(at, key, &member))
        return 0;
    return doc_complain(r->err, member, "\"%s\" means nothing to \"%s\"; leave it out", key,
                        action_kind_name(out->kind));
}

static int read_on(struct scenario_reader *r, struct doc_at on, struct scenario_action *out)
{
    struct scenario *s = r->s;
    struct doc_at value;
    if (scenario_is_key(r, on, "\"on\" of an action", &scenario_level_action, "on") != 0)
        return -1;
    struct doc_iter it = doc_iterate(on);
    while (doc_next(&it, NULL, NULL, &value)) {
        int i = scenario_registry_name(r, value, out->on);
        if (i < 0)
            return -1;
        const char *name = s->registries[i].name;
        bool lies = (r->lies[out->image] & (1u << i)) != 0;
        if (lies && out->kind == ACTION_PUBLISH)
            return doc_complain(r->err, value,
                                "image \"%s\" lies on \"%s\" already; leave the registry out, here "
                                "or in the image's \"on\" (or move its tag)",
                                s->images[out->image].name, name);
        if (!lies && out->kind == ACTION_MOVE_TAG)
            return doc_complain(r->err, value,
                                "image \"%s\" does not lie on \"%s\" then; publish it there first",
                                s->images[out->image].name, name);
        out->on |= 1u << i;
    }
    return 0;
}

/* Where it is done: as `on` says, else wherever it can be. */
static int read_places(struct scenario_reader *r, struct doc_at at, struct doc_at image,
                       struct scenario_action *out)
{
    const struct scenario *s = r->s;
    unsigned all = (1u << s->registry_count) - 1;
    unsigned lies = r->lies[out->image];
    struct doc_at on;
    if (doc_member(at, "on", &on))
        return read_on(r, on, out);
    out->on = out->kind == ACTION_PUBLISH ? all & ~lies : lies;
    if (out->on)
        return 0;
    if (out->kind == ACTION_PUBLISH)
        return doc_complain(r->err, image,
                            "image \"%s\" lies on every registry already; give the image \"on\": "
                            "[] if it is to be published first here",
                            s->images[out->image].name);
    return doc_complain(r->err, image, "image \"%s\" lies on no registry then; publish it first",
                        s->images[out->image].name);
}

/* The tag that is moved: one of the image's own repository, as registries have it. */
static int read_as(struct scenario_reader *r, struct doc_at at, struct scenario_action *out)
{
    const struct scenario_image *image = &r->s->images[out->image];
    const char *repository;
    struct doc_at as;
    if (scenario_need_key(r, at, "\"move-tag\"", &scenario_level_action, "as", &as) != 0)
        return -1;
    const char *text = scenario_text(r, as, "\"as\"", TEXT_PLAIN);
    if (!text || scenario_ref(r, as, text, &repository, &out->tag) != 0)
        return -1;
    if (strcmp(repository, image->repository) != 0)
        return doc_complain(r->err, as,
                            "\"%.300s\" is another repository than that of image \"%s\"; a tag "
                            "moves within one: write \"%.255s:…\"",
                            text, image->name, image->repository);
    return 0;
}

static int read_image(struct scenario_reader *r, struct doc_at at, struct doc_at value,
                      struct scenario_action *out)
{
    struct scenario *s = r->s;
    const char *name;
    if (scenario_name_value(r, value, "an image", &name) != 0)
        return -1;
    int i = scenario_lookup(r, value, "image", name, s->images, s->image_count, sizeof *s->images);
    if (i < 0)
        return -1;
    out->image = (size_t)i;
    out->tag = s->images[i].tag;
    if (out->kind == ACTION_MOVE_TAG ? read_as(r, at, out) != 0 : refuse(r, at, out, "as") != 0)
        return -1;
    if (refuse(r, at, out, "timeout") != 0 || read_places(r, at, value, out) != 0)
        return -1;
    r->lies[i] |= out->on;
    return 0;
}

static int read_run(struct scenario_reader *r, struct doc_at at, struct doc_at value,
                    struct scenario_action *out)
{
    struct doc_at timeout;
    out->timeout_ns = DEFAULT_TIMEOUT_NS;
    if (scenario_command(r, value, "\"run\"", &out->command) != 0 ||
        refuse(r, at, out, "as") != 0 || refuse(r, at, out, "on") != 0)
        return -1;
    if (doc_member(at, "timeout", &timeout))
        return scenario_duration(r, timeout, "\"timeout\"", &out->timeout_ns);
    return 0;
}

int scenario_do(struct scenario_reader *r, struct doc_at at, struct scenario_phase *phase)
{
    struct doc_at member, value;
    if (scenario_is_key(r, at, NULL, &scenario_level_phase, "do") != 0)
        return -1;
    phase->actions = scenario_alloc(r, doc_size(at), sizeof *phase->actions);
    if (!phase->actions)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (doc_next(&it, NULL, NULL, &member)) {
        struct scenario_action *out = &phase->actions[phase->action_count];
        *out = (struct scenario_action){.at = member};
        if (scenario_keys(r, member, &scenario_level_action) != 0 ||
            read_kind(r, member, out, &value) != 0 ||
            (out->kind == ACTION_RUN ? read_run(r, member, value, out)
                                     : read_image(r, member, value, out)) != 0)
            return -1;
        phase->action_count++;
    }
    return 0;
}
