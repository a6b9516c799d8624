/* The scenario that `serve` serves, made of flags alone and of a file and flags. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/serve_scenario.h"

static const char file[] =
    "{\"version\": 1, \"title\": \"t\", \"registries\": {\"a\": {\"tls\": {\"client\": "
    "\"asked\"}}, "
    "\"b\": {}}, \"images\": {\"image-1\": {\"ref\": \"x/y:1\", \"layers\": [\"4KiB\"]}}, "
    "\"subjects\": {\"s\": {\"command\": [\"true\"]}}, \"faults\": {\"f\": {\"on\": \"a\", "
    "\"kind\": \"status\", \"code\": 500}}, \"phases\": [{\"name\": \"steady\", \"starts\": 1}, "
    "{\"name\": \"outage\", \"starts\": 1, \"faults\": [\"f\"]}]}";

static struct scenario *parse(const char *text, bool frozen)
{
    struct err e = {0};
    const struct scenario_options options = {.frozen = frozen};
    struct scenario *s = scenario_parse("f.json", text, strlen(text), &options, &e);
    cr_assert_not_null(s, "%s", e.text);
    return s;
}

/* What is served of BASE (NULL: no file) by WANT. */
static struct scenario *served(const struct scenario *base, const struct serve_want *want)
{
    struct err e = {0};
    char *text = serve_scenario(base, 7, want, &e);
    cr_assert_not_null(text, "%s", e.text);
    struct scenario *s = parse(text, true);
    free(text);
    return s;
}

static void expect_wrong(const struct scenario *base, const struct serve_want *want,
                         const char *part)
{
    struct err e = {0};
    char *text = serve_scenario(base, 7, want, &e);
    cr_expect_null(text);
    cr_expect_eq(e.code, ERR_USAGE);
    cr_expect_not_null(strstr(e.text, part), "%s", e.text);
    free(text);
}

/* Nothing asked for: one registry, in memory, that takes everything, and one phase. */
Test(serve_scenario, of_nothing)
{
    const struct serve_want want = {0};
    struct scenario *s = served(NULL, &want);
    cr_assert_eq(s->registry_count, 1);
    cr_expect_str_eq(s->registries[0].name, "primary");
    cr_expect(s->registries[0].sparse);
    cr_expect_not(s->registries[0].on_disk || s->registries[0].read_only || s->registries[0].tls);
    cr_expect_eq(s->image_count, 0);
    cr_assert_eq(s->phase_count, 1);
    cr_expect_str_eq(s->phases[0].name, SERVE_PHASE);
    cr_expect_eq(s->seed, 7);
    scenario_free(s);
}

/* Every flag is for every registry; an image lies on all of them, and its text is none of ours. */
Test(serve_scenario, of_flags)
{
    const char *const names[] = {"one", "two"};
    const struct serve_image image = {.ref = "ci/agent:1", .from = "oci:/no/$x/{y}/${where}:x"};
    const struct serve_want want = {.registries = names,
                                    .registry_count = 2,
                                    .images = &image,
                                    .image_count = 1,
                                    .auth = "token",
                                    .disk = true,
                                    .read_only = true,
                                    .refuse_sparse = true,
                                    .tls = true};
    struct scenario *s = served(NULL, &want);
    cr_assert_eq(s->registry_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct scenario_registry *r = &s->registries[i];
        cr_expect_str_eq(r->name, names[i]);
        cr_expect(r->on_disk && r->read_only && !r->sparse && r->tls);
        cr_expect_eq(r->auth, REGISTRY_AUTH_TOKEN);
    }
    cr_assert_eq(s->image_count, 1);
    cr_expect_eq(s->images[0].on, 3);
    cr_expect_str_eq(s->images[0].repository, "ci/agent");
    cr_expect_str_eq(s->images[0].from->path, "/no/$x/{y}/${where}");
    scenario_free(s);
}

/* A file keeps what it says; a phase of ours is added where none of its own is served. */
Test(serve_scenario, of_a_file)
{
    const struct serve_image image = {.ref = "ci/agent:1", .from = "oci:/no/where:x"};
    struct serve_want want = {.images = &image, .image_count = 1, .tls = true};
    struct scenario *base = parse(file, false);
    struct scenario *s = served(base, &want);
    cr_expect_eq(s->registries[0].client, CLIENT_CERTIFICATE_ASKED);
    cr_expect(s->registries[1].tls);
    cr_assert_eq(s->image_count, 2);
    cr_expect_str_eq(s->images[1].name, "image-2");
    cr_assert_eq(s->phase_count, 3);
    cr_expect_str_eq(s->phases[2].name, SERVE_PHASE);
    cr_expect_eq(s->phases[2].fault_count, 0);
    scenario_free(s);
    want.phase = "outage";
    s = served(base, &want);
    cr_expect_eq(s->phase_count, 2);
    scenario_free(s);
    scenario_free(base);
}

/* What does not go together is said of the option. */
Test(serve_scenario, complaints)
{
    const char *const twice[] = {"one", "one"};
    struct scenario *base = parse(file, false);
    expect_wrong(NULL, &(struct serve_want){.registries = twice, .registry_count = 2}, "twice");
    expect_wrong(base, &(struct serve_want){.registries = twice, .registry_count = 1}, "beside");
    expect_wrong(base, &(struct serve_want){.phase = "outge"}, "did you mean outage?");
    expect_wrong(NULL, &(struct serve_want){.phase = "outage"}, "of which scenario");
    scenario_free(base);
}

static void expect_ref(const char *from, const char *called, const char *wanted)
{
    struct content_name name;
    struct err e = {0};
    char ref[SCENARIO_MAX_REF];
    cr_assert_eq(content_name_parse(from, &name, &e), 0, "%s", e.text);
    cr_assert_eq(serve_image_ref(&name, called, ref, sizeof ref, &e), 0, "%s", e.text);
    cr_expect_str_eq(ref, wanted);
}

/* An image's name: its own where that is a whole one, else that of its folder or file. */
Test(serve_scenario, names_of_images)
{
    expect_ref("oci:images/agent", "", "agent:latest");
    expect_ref("oci:images/agent/", "stable", "agent:stable");
    expect_ref("oci:images/agent", "ci/agent:stable", "ci/agent:stable");
    expect_ref("oci-archive:images/agent.tar.gz", "", "agent:latest");
    expect_ref("docker-archive:agent.tar", "ci/agent:2", "ci/agent:2");
    expect_ref("docker://quay.io/ci/agent:3", "", "ci/agent:3");
}

/* A name that does not fit is refused. */
Test(serve_scenario, a_name_that_is_too_long)
{
    struct content_name name;
    struct err e = {0};
    char ref[8];
    cr_assert_eq(content_name_parse("oci:images/agent", &name, &e), 0);
    cr_expect_eq(serve_image_ref(&name, "", ref, sizeof ref, &e), -1);
    cr_expect_not_null(strstr(e.text, "REF="), "%s", e.text);
}
