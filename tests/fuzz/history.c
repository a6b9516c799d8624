/* A history file: judged, folded into the rows of a picture, and told in every report. What is
 * refused is refused with its place; a journal is read back as it was written. */
#include <string.h>

#include "harness/base/buf.h"
#include "harness/history/history.h"
#include "harness/judge.h"
#include "harness/trace.h"
#include "tests/fuzz/lib/fuzz.h"
#include "tests/fuzz/lib/lines.h"
#include "tests/fuzz/lib/reports.h"
#include "tests/fuzz/lib/tree.h"

#define MAX_HISTORY ((size_t)64 << 20)

static void check_refusal(const struct err *e, const char *path)
{
    MUST(e->code != ERR_NONE && e->code != ERR_NOMEM && e->code != ERR_IO, "code %d: %s",
         (int)e->code, e->text);
    MUST(strncmp(e->text, path, strlen(path)) == 0, "no place: %s", e->text);
}

/* Whether it could be judged. */
static bool judge(const void *data, size_t len)
{
    const char *path = fuzz_file(data, len);
    struct err e = {0};
    struct trace *t = trace_read(path, &e);
    if (t == NULL) {
        check_refusal(&e, path);
    }
    e = (struct err){0};
    struct verdict *v = judge_file(path, &e);
    if (v == NULL) {
        check_refusal(&e, path);
    } else {
        fuzz_reports(v, t);
    }
    trace_free(t);
    bool judged = v != NULL;
    verdict_free(v);
    return judged;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct buf renumbered;
    if (judge(data, len)) {
        return 0;
    }
    buf_init(&renumbered, MAX_HISTORY);
    lines_renumber((const char *)data, len, &renumbered);
    if (renumbered.len > 0 && (renumbered.len != len || memcmp(renumbered.data, data, len) != 0)) {
        (void)judge(renumbered.data, renumbered.len);
    }
    buf_close(&renumbered);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
    struct fuzz_dice dice = {.state = seed};
    if (fuzz_roll(&dice, 4) == 0) {
        return LLVMFuzzerMutate(data, size, max);
    }
    return lines_mutate((char *)data, size, max, &dice);
}
