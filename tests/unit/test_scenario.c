/* Scenarios that are right: what is read from them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "tests/lib/scenario_text.h"

static const char *const whole =
    "{'$schema': '../scenario.schema.json', 'version': 1, 'x-note': {'any': ['thing']},"
    "'title': 'The ${what} image is deleted', 'description': 'Long.', 'tags': ['a', 'b-2'],"
    "'source': {'incident': 'x', 'year': 2017}, 'seed': 42, 'limit': '5m',"
    "'configuration': {'what': 'agent', 'ref': 'ci/${what}:stable', 'n': 3},"
    "'registries': {'one': {'auth': 'none'}, 'two': {'role': 'primary'}, 'three': {'role': "
    "'cache'}},"
    "'images': {'agent': {'ref': '${ref}', 'on': ['two', 'three'], 'layers': ['64KiB', {'size': "
    "'1MiB'}]}, 'tool': {'ref': 'ci/tool'}},"
    "'subjects': {'build-start': {'command': ['pull', '${registry.two}', '--n=${n}', "
    "'${image.agent}', '$${x}'], 'setup': ['s'], 'prepare': ['p'], 'teardown': ['t'],"
    "'env': {'A': '${start.dir}/a', 'B': '${n}'}, 'timeout': '20s', 'concurrency': 4,"
    "'cache': 'warm', 'leaves': 'allowed', 'baked-in': true, 'reach': 'ports',"
    "'attribute': 'lane', 'mode': 'command', 'x-why': 'because',"
    "'variants': {'retry-only': {'command': ['retry']}}},"
    "'canary': {'command': ['c']}},"
    "'faults': {'gone': {'on': 'two', 'kind': 'delete-image', 'image': 'agent'},"
    "'slow': {'on': 'one', 'kind': 'latency', 'delay': '1s'}},"
    "'phases': [{'name': 'steady', 'starts': 10},"
    "{'name': 'outage', 'starts': {'canary': 4}, 'end': 'begun', 'faults': ['slow', 'gone']},"
    "{'name': 'late', 'for': '3s'}, {'name': 'last', 'for': '1s', 'end': 'ended'}],"
    "'expect': [{'check': 'starts-succeed'}, {'check': 'starts-succeed', 'during': 'steady'},"
    "{'check': 'starts-succeed', 'name': 'starts-succeed-3'}, {'check': 'starts-succeed'}],"
    "'proof': {'must-fail': [{'variant': 'build-start/retry-only',"
    "'because': ['starts-succeed', 'starts-succeed-3', 'control']}]}}";

static struct scenario *good(const char *text, const struct scenario_options *options)
{
    struct err e = {0};
    struct scenario *s = scenario_quoted(text, options, &e);
    cr_assert_not_null(s, "%s", e.text);
    return s;
}

/* A small scenario whose subject is SUBJECT. */
static struct scenario *small(const char *more, const char *subject,
                              const struct scenario_options *options)
{
    char *text = scenario_small(more, subject);
    cr_assert_not_null(text);
    struct scenario *s = good(text, options);
    free(text);
    return s;
}

/* The top of the file: texts with their variables, seed, limit, tags. */
Test(scenario, top)
{
    struct scenario *s = good(whole, NULL);
    cr_expect_str_eq(s->title, "The agent image is deleted");
    cr_expect_str_eq(s->description, "Long.");
    cr_expect_str_eq(s->path, "drills/test.json");
    cr_expect_str_eq(s->folder, "drills");
    cr_expect_eq(s->tag_count, 2);
    cr_expect_str_eq(s->tags[1], "b-2");
    cr_expect(s->has_seed && s->seed == 42);
    cr_expect_eq(s->limit_ns, 300 * CLOCK_NS_PER_S);
    cr_expect_not(s->baseline_none);
    scenario_free(s);
}

/* Registries keep their order and roles; images their registries, refs and layers. */
Test(scenario, registries_and_images)
{
    struct scenario *s = good(whole, NULL);
    cr_assert_eq(s->registry_count, 3);
    cr_expect_str_eq(s->registries[0].name, "one");
    cr_expect_eq(s->registries[0].role, ROLE_FAILOVER);
    cr_expect_eq(s->primary, 1);
    cr_expect_eq(s->registries[2].role, ROLE_CACHE);
    cr_assert_eq(s->image_count, 2);
    cr_expect_str_eq(s->images[0].repository, "ci/agent");
    cr_expect_str_eq(s->images[0].tag, "stable");
    cr_expect_eq(s->images[0].on, 6);
    cr_assert_eq(s->images[0].layer_count, 2);
    cr_expect_eq(s->images[0].layers[1].size, 1u << 20);
    cr_expect_str_eq(s->images[1].tag, "latest");
    cr_expect_eq(s->images[1].on, 7, "it lies on all where nothing else is said");
    cr_assert_eq(s->images[1].layer_count, 1);
    cr_expect_eq(s->images[1].layers[0].size, 64u << 10);
    scenario_free(s);
}

/* Labels are kept as pairs, variables in them replaced, and platforms in their order; a label may
 * begin with x-. */
Test(scenario, labels_and_platforms)
{
    struct scenario *s = good(
        "{'version': 1, 'title': 't', 'registries': {'r': {}}, 'configuration': {'v': '$${2}',"
        "'p': 'linux'}, 'images': {'i': {'ref': 'a', 'labels': {'org.x': 'is ${v}', 'x-y': ''},"
        "'platforms': ['${p}/amd64', 'linux/arm64/v8']}, 'j': {'ref': 'b'}},"
        "'subjects': {'s': {'command': ['c']}}, 'phases': [{'name': 'p', 'starts': 1}]}",
        NULL);
    const struct scenario_image *image = &s->images[0];
    cr_assert_eq(image->labels.count, 2);
    cr_expect_str_eq(image->labels.word[0], "org.x=is ${2}");
    cr_expect_str_eq(image->labels.word[1], "x-y=");
    cr_assert_eq(image->platform_count, 2);
    cr_expect_str_eq(image->platforms[0], "linux/amd64");
    cr_expect_str_eq(image->platforms[1], "linux/arm64/v8");
    cr_expect_eq(s->images[1].labels.count, 0);
    cr_expect_eq(s->images[1].platform_count, 0);
    scenario_free(s);
}

/* A subject: run-time variables stay in its words, those of the configuration do not, and what was
 * escaped is still escaped for the second time round. */
Test(scenario, subjects)
{
    struct scenario *s = good(whole, NULL);
    const struct scenario_subject *b = &s->subjects[0], *c = &s->subjects[1];
    cr_assert_eq(b->command.count, 5);
    cr_expect_str_eq(b->command.word[1], "${registry.two}");
    cr_expect_str_eq(b->command.word[2], "--n=3");
    cr_expect_str_eq(b->command.word[4], "$${x}");
    cr_assert_eq(b->env.count, 2);
    cr_expect_str_eq(b->env.word[0], "A=${start.dir}/a");
    cr_expect_str_eq(b->env.word[1], "B=3");
    cr_expect_eq(b->setup.count + b->prepare.count + b->teardown.count, 3);
    cr_expect_eq(b->timeout_ns, 20 * CLOCK_NS_PER_S);
    cr_expect_eq(b->concurrency, 4);
    cr_expect(b->cache == CACHE_WARM && b->leaves_allowed && b->baked_in);
    cr_expect_eq(b->variant_count, 1);
    cr_expect_eq(c->timeout_ns, 60 * CLOCK_NS_PER_S);
    cr_expect_eq(c->concurrency, 1);
    cr_expect(c->cache == CACHE_COLD && !c->leaves_allowed && !c->baked_in);
    cr_expect_eq(c->setup.count + c->env.count, 0);
    scenario_free(s);
}

/* Counted phases end when their starts ended and timed ones at once, unless they say so. */
Test(scenario, phases)
{
    struct scenario *s = good(whole, NULL);
    const struct scenario_phase *p = s->phases;
    cr_assert_eq(s->phase_count, 4);
    cr_expect(p[0].starts[0] == 10 && p[0].starts[1] == 10 && p[0].end == END_ENDED);
    cr_expect(p[1].starts[0] == 0 && p[1].starts[1] == 4 && p[1].end == END_BEGUN);
    cr_expect(p[1].fault_count == 2 && p[1].faults[0] == 1 && p[1].faults[1] == 0);
    cr_expect(p[2].by == BY_TIME && p[2].for_ns == 3 * CLOCK_NS_PER_S && p[2].end == END_BEGUN);
    cr_expect(p[3].by == BY_TIME && p[3].end == END_ENDED);
    scenario_free(s);
}

/* Entries without a name are called by their check, with the first number that is free. */
Test(scenario, expectations)
{
    struct scenario *s = good(whole, NULL);
    cr_assert_eq(s->expect_count, 4);
    cr_expect_str_eq(s->expects[0].name, "starts-succeed");
    cr_expect_str_eq(s->expects[1].name, "starts-succeed-2");
    cr_expect_str_eq(s->expects[2].name, "starts-succeed-3");
    cr_expect_str_eq(s->expects[3].name, "starts-succeed-4");
    cr_assert_eq(s->twin_count, 1);
    cr_expect_str_eq(s->twins[0].variant, "retry-only");
    cr_expect_eq(s->twins[0].subject, 0);
    cr_expect_eq(s->twins[0].because_count, 3);
    scenario_free(s);
}

/* The primary is the one named so, or the one with the role, else the first without a role. */
Test(scenario, primary)
{
    static const struct {
        const char *registries;
        size_t primary;
    } cases[] = {
        {"{'a': {}, 'b': {}}", 0},
        {"{'a': {}, 'primary': {}}", 1},
        {"{'a': {}, 'b': {}, 'c': {'role': 'primary'}}", 2},
        {"{'a': {'role': 'cache'}, 'b': {}}", 1},
        {"{'primary': {'role': 'primary'}}", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{'version': 1, 'title': 't', 'registries': %s, 'subjects': {'s': {'command': "
                 "['c']}}, 'phases': [{'name': 'p', 'starts': 1}]}",
                 cases[i].registries);
        struct scenario *s = good(text, NULL);
        cr_expect_eq(s->primary, cases[i].primary, "%s", cases[i].registries);
        cr_expect_eq(s->registries[s->primary].role, ROLE_PRIMARY);
        scenario_free(s);
    }
}

/* Values come from --var, else the environment, else the default; what comes from outside is data
 * in which nothing is expanded, now or when a start begins. */
Test(scenario, variables)
{
    static const char *const vars[] = {"b=${a}", "c=old", "c=new"};
    struct scenario_options options = {.vars = vars, .var_count = 3};
    setenv("PULLDRILL_TEST_D", "from ${a}", 1);
    unsetenv("PULLDRILL_TEST_E");
    struct scenario *s =
        small("'configuration': {'a': 'A', 'b': 'x', 'c': {'type': 'env', 'key': 'HOME'},"
              "'d': {'type': 'env', 'key': 'PULLDRILL_TEST_D', 'default': 'no'},"
              "'e': {'type': 'env', 'key': 'PULLDRILL_TEST_E', 'default': '<${a}>'}, 'f': 0.1},",
              "'command': ['${a}', '${b}', '${c}', '${d}', '${e}', '${f}']", &options);
    const char *const expected[] = {"A", "$${a}", "new", "from $${a}", "<A>", "0.1"};
    for (size_t i = 0; i < 6; i++)
        cr_expect_str_eq(s->subjects[0].command.word[i], expected[i]);
    scenario_free(s);
}

/* A variant is laid over its subject member by member, its environment name by name. */
Test(scenario, variant)
{
    static const char *const subject =
        "'command': ['good'], 'timeout': '5s', 'env': {'A': '1', 'B': '2'},"
        "'variants': {'slow': {'timeout': '9s', 'env': {'B': '3', 'C': '4'}}, 'bad': {'command': "
        "['bad']}}";
    struct scenario_options options = {.variant = "slow"};
    struct scenario *s = small("", subject, &options);
    const struct scenario_subject *b = &s->subjects[0];
    cr_expect_str_eq(b->command.word[0], "good");
    cr_expect_eq(b->timeout_ns, 9 * CLOCK_NS_PER_S);
    cr_assert_eq(b->env.count, 3);
    cr_expect_str_eq(b->env.word[0], "A=1");
    cr_expect_str_eq(b->env.word[1], "B=3");
    cr_expect_str_eq(b->env.word[2], "C=4");
    cr_expect_eq(b->variant_count, 2);
    scenario_free(s);
}

/* A command after -- replaces the command alone, and may use the variables. */
Test(scenario, command_after_dashes)
{
    char *words[] = {"mine", "${registry.failover}", "${v}"};
    struct scenario_options options = {.command = words, .command_count = 3};
    struct scenario *s =
        small("'configuration': {'v': 'V'},",
              "'command': ['theirs', 'x'], 'prepare': ['p'], 'timeout': '5s'", &options);
    const struct scenario_subject *b = &s->subjects[0];
    cr_assert_eq(b->command.count, 3);
    cr_expect_str_eq(b->command.word[0], "mine");
    cr_expect_str_eq(b->command.word[1], "${registry.failover}");
    cr_expect_str_eq(b->command.word[2], "V");
    cr_expect_eq(b->prepare.count, 1);
    cr_expect_eq(b->timeout_ns, 5 * CLOCK_NS_PER_S);
    scenario_free(s);
}

/* A mistake on the command line is told as such, and names the option. */
Test(scenario, wrong_options)
{
    static const char *const unknown[] = {"rev=1"}, *const bare[] = {"ref"};
    static char *const command[] = {"c"}, *const strange[] = {"${lane.dri}"};
    static const struct {
        struct scenario_options options;
        const char *says;
    } cases[] = {
        {{.vars = unknown, .var_count = 1}, "--var rev=1: drills/test.json has no variable"},
        {{.vars = bare, .var_count = 1}, "--var ref has no value; write --var KEY=VALUE"},
        {{.subject = "canry"}, "--subject canry: drills/test.json has no such subject"},
        {{.variant = "nope"}, "no subject has the variant \"nope\""},
        {{.subject = "canary", .variant = "retry-only"},
         "subject \"canary\" has no variant \"retry-only\"; it has none"},
        {{.command = command, .command_count = 1}, "several subjects; say with --subject"},
        {{.command = command, .subject = "canary"}, "the command after -- has no program"},
        {{.command = strange, .command_count = 1, .subject = "canary"},
         "the command after --: unknown variable ${lane.dri}; did you mean ${lane.dir}?"},
        {{.command = command, .command_count = 1, .variant = "retry-only"},
         "a variant and a command after -- cannot both"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        struct scenario *s = scenario_quoted(whole, &cases[i].options, &e);
        cr_expect_null(s, "case %zu was accepted", i);
        cr_expect_eq(e.code, ERR_USAGE, "case %zu: %s", i, e.text);
        cr_expect(strstr(e.text, cases[i].says), "case %zu: %s", i, e.text);
        scenario_free(s);
    }
}

/* A file that is not there, and a folder in its place, are complaints about the input. */
Test(scenario, no_file)
{
    struct err e = {0}, other = {0};
    cr_expect_null(scenario_load("tests/no-such-file.json", NULL, &e));
    cr_expect_eq(e.code, ERR_INVALID);
    cr_expect_null(scenario_load("tests", NULL, &other));
    cr_expect_eq(other.code, ERR_INVALID);
}

/* A drill without a baseline says why. */
Test(scenario, no_baseline)
{
    struct scenario *s =
        small("'baseline': {'none': 'the registry is empty'},", "'command': ['c']", NULL);
    cr_expect(s->baseline_none);
    cr_expect_str_eq(s->baseline_reason, "the registry is empty");
    scenario_free(s);
}
