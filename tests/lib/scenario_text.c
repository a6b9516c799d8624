/* Scenarios for tests. */
#include "tests/lib/scenario_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct scenario *scenario_quoted(const char *text, const struct scenario_options *options,
                                 struct err *e)
{
    size_t len = strlen(text);
    char *copy = strdup(text);

    if (!copy)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (copy[i] == '\'')
            copy[i] = '"';
    }
    struct scenario *s = scenario_parse("drills/test.json", copy, len, options, e);
    free(copy);
    return s;
}

char *scenario_small(const char *more, const char *subject)
{
    struct buf out;

    buf_init(&out, 1u << 20);
    buf_printf(&out,
               "{'version': 1, 'title': 'Small', %s 'registries': {'primary': {}, 'failover': {}},"
               "'images': {'agent': {'ref': 'ci/agent:stable'}},"
               "'subjects': {'build-start': {%s}},"
               "'faults': {'gone': {'on': 'primary', 'kind': 'delete-image', 'image': 'agent'}},"
               "'phases': [{'name': 'steady', 'starts': 10},"
               "{'name': 'outage', 'starts': 20, 'faults': ['gone']}],"
               "'expect': [{'check': 'starts-succeed'}]}",
               more, subject);
    return buf_take(&out);
}

static void show_words(const char *what, const struct scenario_words *words, struct buf *out)
{
    buf_printf(out, "  %s:", what);
    for (size_t i = 0; i < words->count; i++)
        buf_printf(out, " [%s]", words->word[i]);
    buf_char(out, '\n');
}

static void show_subject(const struct scenario_subject *s, struct buf *out)
{
    buf_printf(out, "subject %s timeout %" PRIu64 " concurrency %" PRIu64 " cache %d leaves %d\n",
               s->name, s->timeout_ns, s->concurrency, s->cache, s->leaves_allowed);
    buf_printf(out, "  every %" PRIu64 " max-in-flight %" PRIu64 "\n", s->every_ns,
               s->max_in_flight);
    show_words("command", &s->command, out);
    show_words("setup", &s->setup, out);
    show_words("prepare", &s->prepare, out);
    show_words("teardown", &s->teardown, out);
    show_words("env", &s->env, out);
    buf_printf(out, "  baked-in %d preloaded", s->baked_in);
    for (size_t i = 0; i < s->preloaded_count; i++)
        buf_printf(out, " %s", s->preloaded[i]);
    buf_str(out, " variants");
    for (size_t i = 0; i < s->variant_count; i++)
        buf_printf(out, " %s", s->variants[i]);
    buf_char(out, '\n');
}

static void show_image(const struct scenario_image *image, struct buf *out)
{
    buf_printf(out, "image %s %s:%s on %x\n", image->name, image->repository, image->tag,
               image->on);
    for (size_t i = 0; i < image->layer_count; i++) {
        const struct scenario_layer *layer = &image->layers[i];

        buf_printf(out, "  layer %" PRIu64, layer->size);
        for (size_t k = 0; k < layer->file_count; k++)
            buf_printf(out, " %s=%s", layer->files[k].path, layer->files[k].source);
        buf_char(out, '\n');
    }
    for (size_t i = 0; i < image->labels.count; i++)
        buf_printf(out, "  label %s\n", image->labels.word[i]);
    for (size_t i = 0; i < image->platform_count; i++)
        buf_printf(out, "  platform %s\n", image->platforms[i]);
}

static void show_fault(const struct fault_rule *fault, struct buf *out)
{
    char text[512];

    fault_rule_text(fault, text, sizeof(text));
    buf_printf(out, "fault %s: %s, probability %.17g\n", fault->name, text,
               fault->when.probability);
}

static void show_phase(const struct scenario *s, const struct scenario_phase *phase,
                       struct buf *out)
{
    const struct scenario_until *until = &phase->until;

    buf_printf(out, "phase %s by %d for %" PRIu64 " end %d", phase->name, phase->by, phase->for_ns,
               phase->end);
    buf_printf(out, " until %d count %" PRIu64 " at most %" PRIu64 " of %d %d %d %d starts",
               until->event, until->count, until->at_most_ns, until->registry, until->subject,
               until->fault, until->outcome);
    for (size_t i = 0; i < s->subject_count; i++)
        buf_printf(out, " %" PRIu64, phase->starts[i]);
    buf_str(out, " faults");
    for (size_t i = 0; i < phase->fault_count; i++)
        buf_printf(out, " %s", s->faults[phase->faults[i]].name);
    buf_char(out, '\n');
}

static void show_expectations(const struct scenario *s, struct buf *out)
{
    for (size_t i = 0; i < s->expect_count; i++) {
        char *entry = json_dumps(s->expects[i].at.value, JSON_COMPACT | JSON_SORT_KEYS);

        buf_printf(out, "expect %s %s %s\n", s->expects[i].name, s->expects[i].check,
                   entry ? entry : "?");
        free(entry);
    }
    for (size_t i = 0; i < s->twin_count; i++) {
        buf_printf(out, "twin %zu/%s", s->twins[i].subject, s->twins[i].variant);
        for (size_t k = 0; k < s->twins[i].because_count; k++)
            buf_printf(out, " %s", s->twins[i].because[k]);
        buf_char(out, '\n');
    }
}

void scenario_show(const struct scenario *s, struct buf *out)
{
    buf_printf(out, "%s|%s|limit %" PRIu64 "|baseline %d %s|primary %zu\n", s->title,
               s->description ? s->description : "", s->limit_ns, s->baseline_none,
               s->baseline_reason ? s->baseline_reason : "", s->primary);
    for (size_t i = 0; i < s->tag_count; i++)
        buf_printf(out, "tag %s\n", s->tags[i]);
    for (size_t i = 0; i < s->registry_count; i++)
        buf_printf(out, "registry %s %s\n", s->registries[i].name,
                   registry_role_name(s->registries[i].role));
    for (size_t i = 0; i < s->image_count; i++)
        show_image(&s->images[i], out);
    for (size_t i = 0; i < s->subject_count; i++)
        show_subject(&s->subjects[i], out);
    for (size_t i = 0; i < s->fault_count; i++)
        show_fault(&s->faults[i], out);
    for (size_t i = 0; i < s->phase_count; i++)
        show_phase(s, &s->phases[i], out);
    show_expectations(s, out);
}
