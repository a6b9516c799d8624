/* A scenario file: refused with a place, or else a scenario that says the same once it is resolved
 * and read again, and a plan that does. */
#include <stdlib.h>
#include <string.h>

#include "harness/explain.h"
#include "harness/plan.h"
#include "harness/scenario.h"
#include "tests/fuzz/lib/fuzz.h"
#include "tests/fuzz/lib/tree.h"

#define NAME "scenario.json"
#define MAX_TEXT ((size_t)64 << 20)

/* "scenario.json:LINE:COLUMN: what". */
static void check_complaint(const struct err *e)
{
    char *end = NULL;
    MUST(e->code == ERR_INVALID, "code %d: %s", (int)e->code, e->text);
    MUST(strncmp(e->text, NAME ":", strlen(NAME) + 1) == 0, "no file: %s", e->text);
    unsigned long line = strtoul(e->text + strlen(NAME) + 1, &end, 10);
    MUST(line > 0 && *end == ':', "no line: %s", e->text);
    unsigned long column = strtoul(end + 1, &end, 10);
    MUST(column > 0 && end[0] == ':' && end[1] == ' ' && end[2] != '\0', "no column: %s", e->text);
}

static struct plan *plan_of(struct scenario *s)
{
    static const struct plan_blob blobs[] = {
        {"sha256:c000000000000000000000000000000000000000000000000000000000000000", 120},
        {"sha256:1100000000000000000000000000000000000000000000000000000000000000", 65536}};
    struct plan_built built[SCENARIO_MAX_IMAGES];
    struct err e = {0};
    for (size_t i = 0; i < s->image_count; i++) {
        built[i] = (struct plan_built){
            .digest = "sha256:aa00000000000000000000000000000000000000000000000000000000000000",
            .manifest_size = 400,
            .blobs = blobs,
            .blob_count = 2};
    }
    struct plan *p = plan_new(s, built, 7, "pulldrill run", &e);
    MUST(p != NULL, "no plan: %s", e.text);
    return p;
}

/* What is asked of a plan before and during a drill. */
static void ask(const struct plan *p)
{
    const struct scenario *s = p->scenario;
    uint64_t most;
    for (size_t phase = 0; phase < s->phase_count; phase++) {
        for (size_t subject = 0; subject < s->subject_count; subject++) {
            (void)scenario_most_starts(s, phase, subject, &most);
            (void)plan_canaries(p, phase, subject, 3);
        }
    }
    for (size_t subject = 0; subject < s->subject_count; subject++) {
        (void)plan_late_most_ns(p, subject);
    }
}

static void check_plan(struct scenario *s)
{
    struct err e = {0};
    struct plan *p = plan_of(s);
    ask(p);
    char *text = plan_text(p, &e);
    MUST(text != NULL, "the plan has no text: %s", e.text);
    struct plan *again = plan_read(text, &e);
    MUST(again != NULL, "its own plan is refused: %s\n%s", e.text, text);
    char *text_again = plan_text(again, &e);
    MUST(text_again != NULL, "the plan has no text: %s", e.text);
    MUST(strcmp(text, text_again) == 0, "another plan:\n%s\n%s", text, text_again);
    free(text_again);
    free(text);
    plan_free(again);
    plan_free(p);
}

static void explain(struct scenario *s)
{
    const struct explain_options options = {.utf8 = true, .run = "run", .prove = "prove"};
    struct err e = {0};
    struct buf out;
    buf_init(&out, MAX_TEXT);
    MUST(explain_write(&s, &options, &out, &e) == 0, "it cannot be told: %s", e.text);
    MUST(!out.failed && out.len > 0, "no memory");
    buf_close(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct scenario_options options = {.subjects_dir = "subjects"};
    struct err e = {0};
    struct scenario *s = scenario_parse(NAME, (const char *)data, len, &options, &e);
    if (s == NULL) {
        check_complaint(&e);
        return 0;
    }
    MUST(e.code == ERR_NONE, "taken, with a complaint: %s", e.text);
    check_plan(s);
    s = scenario_parse(NAME, (const char *)data, len, &options, &e);
    MUST(s != NULL, "taken once, refused then: %s", e.text);
    explain(s);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
    return tree_mutate(data, size, max, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t max, unsigned int seed)
{
    return tree_cross(one, one_size, other, other_size, out, max, seed);
}
