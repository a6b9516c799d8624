/* The faults and phases of a scenario. */
#include "harness/scenario_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- faults ---- */

static const char *expand(void *data, struct doc_at at, struct err *e)
{
    (void)e; /* the rule is read with the reader's own */
    return scenario_text(data, at, "this", TEXT_PLAIN);
}

/* The image that RULE names: its index, or that of nothing where it names none; -1 having
 * complained. */
static int image_of(struct scenario_reader *r, const struct fault_rule *rule)
{
    const struct scenario *s = r->s;
    const struct fault_value *image = &rule->param[PARAM_IMAGE];
    if (!image->set)
        return (int)s->image_count;
    return scenario_lookup(r, rule->param_at[PARAM_IMAGE], "image", image->text, s->images,
                           s->image_count, sizeof *s->images);
}

/* The image of a fault lies there in each phase that lists it, from the beginning or published. */
static int check_image(struct scenario_reader *r, const struct fault_rule *rule)
{
    const struct scenario *s = r->s;
    int image = image_of(r, rule);
    size_t len = strcspn(rule->on, "/");
    if (image < 0 || (size_t)image == s->image_count)
        return image < 0 ? -1 : 0;
    for (size_t i = 0; i < s->registry_count; i++) {
        const char *name = s->registries[i].name;
        bool here = strlen(name) == len && memcmp(name, rule->on, len) == 0;
        if (here && !(r->lies[image] & (1u << i)))
            return doc_complain(r->err, rule->param_at[PARAM_IMAGE],
                                "image \"%s\" does not lie on \"%s\", so the fault could do "
                                "nothing; add the registry to the image's \"on\", or publish it "
                                "there",
                                s->images[image].name, name);
    }
    return 0;
}

static int read_fault(struct scenario_reader *r, const char *name, struct doc_at key,
                      struct doc_at at, struct fault_rule *out)
{
    if (scenario_name(r, key, "a fault", name) != 0 ||
        fault_rule_parse(name, at, expand, r, &r->s->arena, out, r->err) != 0 ||
        scenario_fault_on(r, out) != 0)
        return -1;
    out->at = key;
    return image_of(r, out) < 0 ? -1 : 0;
}

int scenario_faults(struct scenario_reader *r, struct doc_at root)
{
    struct scenario *s = r->s;
    struct doc_at at, key, value;
    const char *name;
    if (!doc_member(root, "faults", &at))
        return 0;
    if (scenario_is_key(r, at, NULL, &scenario_level_top, "faults") != 0)
        return -1;
    s->faults = scenario_alloc(r, scenario_count(at), sizeof *s->faults);
    if (!s->faults)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (scenario_next(&it, &name, &key, &value)) {
        if (read_fault(r, name, key, value, &s->faults[s->fault_count]) != 0)
            return -1;
        s->fault_count++;
    }
    return 0;
}

/* ---- phases ---- */

static int read_phase_name(struct scenario_reader *r, struct doc_at at, struct scenario_phase *out)
{
    struct doc_at name;
    if (scenario_need_key(r, at, "the phase", &scenario_level_phase, "name", &name) != 0 ||
        scenario_name_value(r, name, "a phase", &out->name) != 0)
        return -1;
    if (strcmp(out->name, "control") == 0)
        return doc_complain(r->err, name,
                            "\"control\" is the harness's own last start; choose another name");
    for (const struct scenario_phase *p = r->s->phases; p < out; p++) {
        if (strcmp(p->name, out->name) == 0)
            return doc_complain(r->err, name, "a second phase \"%s\"; give each its own name",
                                out->name);
    }
    return 0;
}

static int read_starts_of(struct scenario_reader *r, struct doc_at at, struct scenario_phase *out)
{
    struct scenario *s = r->s;
    struct doc_at key, value;
    const char *name;
    char example[128];
    snprintf(example, sizeof example, "{\"%s\": 10}", s->subjects[0].name);
    if (scenario_is_object(r, at, "\"starts\"", 1, SCENARIO_MAX_SUBJECTS, example) != 0)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (scenario_next(&it, &name, &key, &value)) {
        int i = scenario_lookup(r, key, "subject", name, s->subjects, s->subject_count,
                                sizeof *s->subjects);
        if (i < 0 || scenario_integer(r, value, "the number of starts", 1, SCENARIO_MAX_STARTS,
                                      &out->starts[i]) != 0)
            return -1;
    }
    return 0;
}

static int read_starts(struct scenario_reader *r, struct doc_at at, struct scenario_phase *out)
{
    uint64_t n;
    if (json_is_object(at.value))
        return read_starts_of(r, at, out);
    if (!json_is_integer(at.value))
        return doc_complain(r->err, at,
                            "\"starts\" is neither a whole number nor an object of numbers; write "
                            "10 or {\"%s\": 10}",
                            r->s->subjects[0].name);
    if (scenario_integer(r, at, "\"starts\"", 1, SCENARIO_MAX_STARTS, &n) != 0)
        return -1;
    for (size_t i = 0; i < r->s->subject_count; i++)
        out->starts[i] = n;
    return 0;
}

static int read_time(struct scenario_reader *r, struct doc_at at, struct scenario_phase *out)
{
    if (scenario_duration(r, at, "\"for\"", &out->for_ns) != 0)
        return -1;
    if (out->for_ns >= r->s->limit_ns)
        return doc_complain(r->err, at,
                            "phase \"%s\" is not over before the drill's limit (\"limit\", 10m "
                            "where absent); make it shorter or raise the limit",
                            out->name);
    return 0;
}

/* What ends the phase: exactly one of three. */
static int read_length(struct scenario_reader *r, struct doc_at at, struct scenario_phase *out)
{
    static const char *const keys[] = {
        [BY_STARTS] = "starts", [BY_TIME] = "for", [BY_EVENT] = "until"};
    struct doc_at value = at, more;
    const char *first = NULL;
    for (size_t i = 0; i < SCENARIO_COUNT(keys); i++) {
        if (!doc_member(at, keys[i], &more))
            continue;
        if (first)
            return doc_complain(r->err, more,
                                "phase \"%s\" has both \"%s\" and \"%s\"; keep the one that is "
                                "to end it",
                                out->name, first, keys[i]);
        first = keys[i];
        out->by = (enum phase_ends_by)i;
        value = more;
    }
    if (!first)
        return doc_complain(r->err, at,
                            "phase \"%s\" has nothing that ends it; add \"starts\": 10, \"for\": "
                            "\"10s\" or \"until\"",
                            out->name);
    if (out->by == BY_EVENT)
        return scenario_until(r, value, out);
    return out->by == BY_TIME ? read_time(r, value, out) : read_starts(r, value, out);
}

static int read_phase_faults(struct scenario_reader *r, struct doc_at at,
                             struct scenario_phase *out)
{
    struct scenario *s = r->s;
    struct doc_at faults, value;
    const char *name;
    if (!doc_member(at, "faults", &faults))
        return 0;
    if (scenario_is_key(r, faults, "\"faults\" of a phase", &scenario_level_phase, "faults") != 0)
        return -1;
    struct doc_iter it = doc_iterate(faults);
    while (doc_next(&it, NULL, NULL, &value)) {
        if (scenario_name_value(r, value, "a fault", &name) != 0)
            return -1;
        int found =
            scenario_lookup(r, value, "fault", name, s->faults, s->fault_count, sizeof *s->faults);
        if (found < 0)
            return -1;
        for (size_t i = 0; i < out->fault_count; i++) {
            if (out->faults[i] == (size_t)found)
                return doc_complain(r->err, value, "\"%s\" stands here twice; name a fault once",
                                    name);
        }
        out->faults[out->fault_count++] = (size_t)found;
    }
    return 0;
}

/* The images that lie anywhere once the actions of PHASE are done. */
static void note_there(const struct scenario_reader *r, struct scenario_phase *phase)
{
    for (size_t i = 0; i < r->s->image_count; i++)
        phase->there |= r->lies[i] ? UINT64_C(1) << i : 0;
}

static int read_phase(struct scenario_reader *r, struct doc_at at, struct scenario_phase *out)
{
    struct doc_at actions, end;
    size_t choice;
    out->at = at;
    if (scenario_keys(r, at, &scenario_level_phase) != 0 || read_phase_name(r, at, out) != 0 ||
        read_phase_faults(r, at, out) != 0 || read_length(r, at, out) != 0)
        return -1;
    if (doc_member(at, "do", &actions) && scenario_do(r, actions, out) != 0)
        return -1;
    note_there(r, out);
    for (size_t i = 0; i < out->fault_count; i++) {
        if (check_image(r, &r->s->faults[out->faults[i]]) != 0)
            return -1;
    }
    choice = out->by != BY_STARTS ? 1 : 0;
    if (doc_member(at, "end", &end) &&
        scenario_choice_key(r, end, &scenario_level_phase, "end", &choice) != 0)
        return -1;
    out->end = choice == 1 ? END_BEGUN : END_ENDED;
    return 0;
}

/* How many starts are due within TIME_NS, the first one at once; cut where nobody counts on. */
static uint64_t due_within(uint64_t time_ns, uint64_t every_ns)
{
    uint64_t due = time_ns / every_ns + (time_ns % every_ns > 0 ? 1 : 0);
    return due < UINT32_MAX ? due : UINT32_MAX;
}

bool scenario_most_starts(const struct scenario *s, size_t phase, size_t subject, uint64_t *out)
{
    const struct scenario_phase *p = &s->phases[phase];
    uint64_t every_ns = s->subjects[subject].every_ns;
    *out = p->starts[subject];
    if (p->by == BY_STARTS)
        return true;
    if (every_ns == 0)
        return false;
    *out = due_within(p->by == BY_TIME ? p->for_ns : p->until.at_most_ns, every_ns);
    return true;
}

static int check_total(struct scenario_reader *r)
{
    const struct scenario *s = r->s;
    uint64_t total = 0, most;
    for (size_t p = 0; p < s->phase_count; p++) {
        for (size_t i = 0; i < s->subject_count; i++)
            total += scenario_most_starts(s, p, i, &most) ? most : 0;
        if (total > SCENARIO_MAX_STARTS)
            return doc_complain(r->err, s->phases[p].at,
                                "with this phase the drill has %llu starts; at most %d are allowed",
                                (unsigned long long)total, SCENARIO_MAX_STARTS);
    }
    return 0;
}

static bool used(const struct scenario *s, size_t fault)
{
    for (size_t p = 0; p < s->phase_count; p++) {
        for (size_t i = 0; i < s->phases[p].fault_count; i++) {
            if (s->phases[p].faults[i] == fault)
                return true;
        }
    }
    return false;
}

/* A canary that nobody can pull in any phase is given in no start. */
static int check_canaries(struct scenario_reader *r)
{
    const struct scenario *s = r->s;
    for (size_t i = 0; i < s->image_count; i++) {
        if (s->images[i].canary_of >= 0 && !r->lies[i])
            return doc_complain(r->err, s->images[i].at,
                                "image \"%s\" is a canary, and lies on no registry in any phase; "
                                "name registries in its \"on\", or publish it",
                                s->images[i].name);
    }
    return 0;
}

/* What is wrong only when faults and phases are seen together. */
static int check_together(struct scenario_reader *r)
{
    const struct scenario *s = r->s;
    for (size_t i = 0; i < s->fault_count; i++) {
        if (!used(s, i))
            return doc_complain(r->err, s->faults[i].at,
                                "fault \"%s\" is in no phase; add it to the \"faults\" of one, or "
                                "remove it",
                                s->faults[i].name);
    }
    if (!s->baseline_none && s->phases[0].fault_count > 0)
        return doc_complain(r->err, s->phases[0].at,
                            "the first phase, \"%s\", has faults, so nothing shows that all was "
                            "well before; put a phase without faults in front, or write "
                            "\"baseline\": {\"none\": \"the reason\"}",
                            s->phases[0].name);
    return check_canaries(r) != 0 ? -1 : check_total(r);
}

int scenario_phases(struct scenario_reader *r, struct doc_at root)
{
    struct scenario *s = r->s;
    struct doc_at at, value;
    if (scenario_need_key(r, root, "the scenario", &scenario_level_top, "phases", &at) != 0 ||
        scenario_is_key(r, at, NULL, &scenario_level_top, "phases") != 0)
        return -1;
    s->phases = scenario_alloc(r, doc_size(at), sizeof *s->phases);
    if (!s->phases)
        return -1;
    for (size_t i = 0; i < s->image_count; i++)
        r->lies[i] = s->images[i].on;
    struct doc_iter it = doc_iterate(at);
    while (doc_next(&it, NULL, NULL, &value)) {
        if (read_phase(r, value, &s->phases[s->phase_count]) != 0)
            return -1;
        s->phase_count++;
    }
    return check_together(r);
}
