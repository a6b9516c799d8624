/* The plan: numbers of starts, images bound to faults, and the text a history begins with. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan.h"
#include "tests/lib/scenario_text.h"

static const struct plan_blob blobs[] = {{"sha256:c0", 120}, {"sha256:11", 65536}};
static const struct plan_built built[] = {
    {.digest = "sha256:aa", .manifest_size = 400, .blobs = blobs, .blob_count = 2},
    {.digest = "sha256:bb", .manifest_size = 300, .blobs = NULL, .blob_count = 0},
};

static const char *const text =
    "{'version': 1, 'title': 't', 'registries': {'primary': {}, 'failover': {}},"
    "'configuration': {'v': {'type': 'env', 'key': 'PULLDRILL_TEST_P', 'default': 'd'}},"
    "'images': {'agent': {'ref': 'ci/agent:stable'}, 'tool': {'ref': 'ci/tool', 'on': "
    "['failover']}},"
    "'subjects': {'a': {'command': ['a', '${v}']}, 'b': {'command': ['b']}, 'c': {'command': "
    "['c']}},"
    "'faults': {'gone': {'on': 'primary', 'kind': 'delete-image', 'image': 'agent'},"
    "'flaky': {'on': 'primary', 'kind': 'status', 'code': 500, 'when': {'probability': "
    "0.12345678901234567}},"
    "'no-tool': {'on': 'failover', 'kind': 'delete-image', 'image': 'tool'}},"
    "'phases': [{'name': 'all', 'starts': 2}, {'name': 'some', 'starts': {'a': 3, 'c': 1, 'b': 2},"
    "'faults': ['gone', 'flaky', 'no-tool']}, {'name': 'timed', 'for': '1s'}]}";

static struct plan *make(const char *replay)
{
    struct err e = {0};
    struct scenario *s = scenario_quoted(text, NULL, &e);
    cr_assert_not_null(s, "%s", e.text);
    struct plan *p = plan_new(s, built, 11, replay, &e);
    cr_assert_not_null(p, "%s", e.text);
    return p;
}

static char *text_of(const struct plan *p)
{
    struct err e = {0};
    char *out = plan_text(p, &e);
    cr_assert_not_null(out, "%s", e.text);
    return out;
}

/* Rules that name an image see its digests. */
Test(plan, binds_faults)
{
    struct plan *p = make(NULL);
    const struct fault_rule *f = p->scenario->faults;
    cr_assert_not_null(f[0].image);
    cr_expect_str_eq(f[0].image->name, "agent");
    cr_expect_str_eq(f[0].image->repository, "ci/agent");
    cr_expect_str_eq(f[0].image->tag, "stable");
    cr_expect_str_eq(f[0].image->digest, "sha256:aa");
    cr_assert_eq(f[0].image->blob_count, 2);
    cr_expect_str_eq(f[0].image->blobs[1], "sha256:11");
    cr_expect_null(f[1].image);
    cr_assert_not_null(f[2].image);
    cr_expect_str_eq(f[2].image->digest, "sha256:bb");
    plan_free(p);
}

/* Names become indexes; what is unknown, or NULL, becomes none. */
Test(plan, finds)
{
    struct plan *p = make(NULL);
    cr_expect_eq(plan_registry(p, "failover"), 1);
    cr_expect_eq(plan_registry(p, "fail"), -1);
    cr_expect_eq(plan_registry(p, NULL), -1);
    cr_expect_eq(plan_subject(p, "c"), 2);
    cr_expect_eq(plan_phase(p, "timed"), 2);
    cr_expect_eq(plan_phase(p, "control"), -1);
    cr_expect_eq(plan_image_by_digest(p, "sha256:bb"), &p->images[1]);
    cr_expect_null(plan_image_by_digest(p, "sha256:cc"));
    cr_expect_null(plan_image_by_digest(p, NULL));
    plan_free(p);
}

/* Numbers are dealt in turn, and whoever has had all of theirs is passed over. */
Test(plan, numbers_of_counted_starts)
{
    /* 'some' has 3 starts of a, 2 of b, 1 of c: a b c a b a, after 6 of 'all'. */
    static const struct {
        size_t subject;
        uint64_t k, number;
    } cases[] = {{0, 0, 7}, {1, 0, 8}, {2, 0, 9}, {0, 1, 10}, {1, 1, 11}, {0, 2, 12}};
    struct plan *p = make(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(plan_start_number(p, 1, 6, cases[i].subject, cases[i].k), cases[i].number);
    plan_free(p);
}

/* However the starts are shared out, every number of a phase is dealt once and none is left out. */
Test(plan, numbers_are_dealt_once)
{
    struct plan *p = make(NULL);
    struct scenario_phase *phase = &p->scenario->phases[1];
    for (uint64_t shape = 0; shape < 343; shape++) {
        unsigned seen = 0, total = 0;
        phase->starts[0] = shape % 7;
        phase->starts[1] = shape / 7 % 7;
        phase->starts[2] = shape / 49;
        for (size_t subject = 0; subject < 3; subject++) {
            for (uint64_t k = 0; k < phase->starts[subject]; k++, total++) {
                uint64_t n = plan_start_number(p, 1, 100, subject, k) - 101;
                cr_assert_lt(n, 32);
                cr_expect_not(seen & (1u << n), "dealt twice in shape %d", (int)shape);
                seen |= 1u << n;
            }
        }
        cr_expect_eq(seen, (1u << total) - 1, "a hole in shape %d", (int)shape);
    }
    plan_free(p);
}

/* In a timed phase each subject has its own turn for ever. */
Test(plan, numbers_of_timed_starts)
{
    struct plan *p = make(NULL);
    cr_expect_eq(plan_start_number(p, 2, 20, 0, 0), 21);
    cr_expect_eq(plan_start_number(p, 2, 20, 2, 0), 23);
    cr_expect_eq(plan_start_number(p, 2, 20, 0, 1), 24);
    cr_expect_eq(plan_start_number(p, 2, 20, 1, 1000), 3022);
    plan_free(p);
}

/* What is read back is the plan that was written, and writes the same text again, though the
 * environment has changed since. */
Test(plan, reads_its_own_text)
{
    struct err e = {0};
    setenv("PULLDRILL_TEST_P", "then", 1);
    struct plan *p = make("pulldrill run x --seed 11");
    char *first = text_of(p);
    setenv("PULLDRILL_TEST_P", "now", 1);
    struct plan *q = plan_read(first, &e);
    cr_assert_not_null(q, "%s", e.text);
    char *second = text_of(q);
    cr_expect_str_eq(first, second);
    cr_expect_eq(q->seed, 11);
    cr_expect_str_eq(q->replay, "pulldrill run x --seed 11");
    cr_expect_str_eq(q->scenario->path, "drills/test.json");
    cr_expect_str_eq(q->scenario->subjects[0].command.word[1], "then");
    cr_expect(q->scenario->faults[1].when.probability == p->scenario->faults[1].when.probability,
              "the probability changed");
    cr_expect_str_eq(q->scenario->faults[0].image->blobs[0], "sha256:c0");
    cr_expect_eq(q->images[0].blobs[1].size, 65536);
    cr_expect_eq(q->images[1].on, 2);
    free(first);
    free(second);
    plan_free(p);
    plan_free(q);
}

/* The text is one line, says which machine and versions made it, and survives a path that is no
 * UTF-8. */
Test(plan, text_holds_the_facts)
{
    struct plan *p = make("run \xff");
    char *line = text_of(p);
    json_t *root = json_loads(line, 0, NULL);
    cr_expect_null(strchr(line, '\n'));
    cr_assert(json_is_object(root));
    cr_expect(json_is_string(json_object_get(json_object_get(root, "versions"), "pulldrill")));
    cr_expect(json_is_string(json_object_get(json_object_get(root, "host"), "machine")));
    cr_expect_str_eq(json_string_value(json_object_get(root, "replay")), "run \xef\xbf\xbd");
    json_t *on = json_object_get(json_array_get(json_object_get(root, "images"), 1), "on");
    cr_expect_eq(json_array_size(on), 1);
    cr_expect_str_eq(json_string_value(json_array_get(on, 0)), "failover");
    json_decref(root);
    free(line);
    plan_free(p);
}

/* A seed that JSON could not carry is refused before anything runs; the scenario is still the
 * caller's. */
Test(plan, seed_too_large)
{
    struct err e = {0};
    struct scenario *s = scenario_quoted(text, NULL, &e);
    cr_assert_not_null(s, "%s", e.text);
    cr_expect_null(plan_new(s, built, UINT64_MAX, NULL, &e));
    cr_expect_eq(e.code, ERR_USAGE);
    scenario_free(s);
}

/* A plan that lacks any of its parts, or has one of the wrong kind, is refused and nothing leaks.
 */
Test(plan, refuses_what_is_not_ours)
{
    static const char *const parts[] = {"scenario", "file",     "subjects-dir", "seed",
                                        "images",   "versions", "host"};
    struct plan *p = make(NULL);
    char *line = text_of(p);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        for (int wrong = 0; wrong < 2; wrong++) {
            struct err e = {0};
            json_t *root = json_loads(line, 0, NULL);
            if (wrong)
                json_object_set_new(root, parts[i], json_real(-1.5));
            else
                json_object_del(root, parts[i]);
            char *broken = json_dumps(root, JSON_COMPACT);
            struct plan *q = plan_read(broken, &e);
            cr_expect_null(q, "without %s", parts[i]);
            cr_expect_eq(e.code, ERR_INVALID, "%s: %s", parts[i], e.text);
            plan_free(q);
            free(broken);
            json_decref(root);
        }
    }
    free(line);
    plan_free(p);
}

/* Images that are not the scenario's are refused, as is text that is no object at all. */
Test(plan, refuses_other_images)
{
    static const char *const changes[][2] = {
        {"name", "tool"}, {"digest", NULL}, {"blobs", NULL}, {"manifest-size", "4"}};
    struct plan *p = make(NULL);
    char *line = text_of(p);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct err e = {0};
        json_t *root = json_loads(line, 0, NULL);
        json_t *image = json_array_get(json_object_get(root, "images"), 0);
        json_object_set_new(image, changes[i][0],
                            changes[i][1] ? json_string(changes[i][1]) : json_null());
        char *broken = json_dumps(root, JSON_COMPACT);
        cr_expect_null(plan_read(broken, &e), "%s", changes[i][0]);
        cr_expect_eq(e.code, ERR_INVALID);
        free(broken);
        json_decref(root);
    }
    for (size_t i = 0; i < 3; i++) {
        static const char *const texts[] = {"", "[]", "{\"scenario\": "};
        struct err e = {0};
        cr_expect_null(plan_read(texts[i], &e));
        cr_expect_eq(e.code, ERR_INVALID);
    }
    free(line);
    plan_free(p);
}

/* Where lanes listened stands in the plan, and in none that was not asked; it is read back, and
 * what is no such place is complained of. */
Test(plan, tells_where_lanes_listened)
{
    const struct plan_listen listen = {.address = "10.0.0.5", .advertise = "host", .port = 8000};
    struct plan *p = make(NULL);
    struct err e = {0};
    char *out = text_of(p);
    cr_expect_null(strstr(out, "\"listen\""));
    free(out);
    cr_assert_eq(plan_set_listen(p, &listen, &e), 0);
    out = text_of(p);
    struct plan *again = plan_read(out, &e);
    cr_assert_not_null(again, "%s", e.text);
    cr_expect_str_eq(again->listen.address, "10.0.0.5");
    cr_expect_str_eq(again->listen.advertise, "host");
    cr_expect_eq(again->listen.port, 8000);
    memcpy(strstr(out, ":8000"), ":-800", 5);
    cr_expect_null(plan_read(out, &e));
    cr_expect_eq(e.code, ERR_INVALID);
    free(out);
    plan_free(again);
    plan_free(p);
}
