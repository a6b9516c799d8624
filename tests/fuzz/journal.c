/* A journal: refused with its place, or else told in every form, and held against itself. */
#include <string.h>

#include "harness/base/buf.h"
#include "harness/verdict/verdict_compare.h"
#include "reports/compare_text.h"
#include "tests/fuzz/lib/fuzz.h"
#include "tests/fuzz/lib/reports.h"
#include "tests/fuzz/lib/tree.h"

#define MAX_REPORT ((size_t)64 << 20)

/* Nothing is worse than itself. */
static void compare(const struct verdict *v)
{
    const struct compare_item item = {
        .scenario = "s", .variant = "", .role = COMPARE_DRILL, .round = 1, .verdict = v};
    const struct compare_side side = {.items = &item, .count = 1};
    const struct report_style plain = {.colour = false};
    struct err e = {0};
    struct buf out;
    struct comparison *c = verdict_compare(&side, &side, &e);
    MUST(c != NULL, "%s", e.text);
    MUST(c->kinds[COMPARE_WORSE] == 0 && c->kinds[COMPARE_BETTER] == 0, "%s: %s, %s",
         c->findings[0].what, c->findings[0].was, c->findings[0].is);
    buf_init(&out, MAX_REPORT);
    report_compare_text(c, "OLD", "NEW", &plain, &out);
    report_compare_json(c, "OLD", "NEW", &out);
    MUST(!out.failed, "no memory");
    buf_close(&out);
    comparison_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *path = fuzz_file(data, len);
    struct err e = {0};
    struct verdict *v = verdict_load(path, &e);
    if (v == NULL) {
        MUST(e.code == ERR_INVALID && strncmp(e.text, path, strlen(path)) == 0, "code %d: %s",
             (int)e.code, e.text);
        return 0;
    }
    fuzz_reports(v, NULL);
    compare(v);
    verdict_free(v);
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
