/* The finished result of a drill: its words, its exit codes, its memory. */
#include "harness/verdict/verdict.h"

#include <stdlib.h>
#include <string.h>

#define VERDICT_MAX_BYTES (256u << 20)

static const char *const names[] = {
    [VERDICT_SKIPPED] = "skipped",
    [VERDICT_PASS] = "pass",
    [VERDICT_INCONCLUSIVE] = "inconclusive",
    [VERDICT_FAIL] = "fail",
    [VERDICT_ERROR] = "error",
};
#define NAME_COUNT (sizeof names / sizeof names[0])

const struct exit_info exit_table[] = {
    {EXIT_PASS, "pass"},
    {EXIT_FAIL, "a check failed"},
    {EXIT_INCONCLUSIVE, "inconclusive: a fault never met its starts, a sick baseline, too little "
                        "evidence"},
    {EXIT_ERROR, "the harness itself failed"},
    {EXIT_USAGE, "usage, or an invalid scenario"},
    {EXIT_NOTHING, "nothing was selected to run"},
    {EXIT_SKIPPED, "everything was skipped"},
    {EXIT_SIGINT, "interrupted (SIGINT), after every fault was healed"},
    {EXIT_SIGTERM, "interrupted (SIGTERM), after every fault was healed"},
};
const size_t exit_table_len = sizeof exit_table / sizeof exit_table[0];

const char *verdict_name(enum verdict_kind v)
{
    return (size_t)v < NAME_COUNT ? names[v] : "error";
}

bool verdict_parse(const char *name, enum verdict_kind *out)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum verdict_kind)i;
            return true;
        }
    }
    return false;
}

enum exit_status verdict_exit(enum verdict_kind v)
{
    static const enum exit_status exits[] = {
        [VERDICT_SKIPPED] = EXIT_SKIPPED,
        [VERDICT_PASS] = EXIT_PASS,
        [VERDICT_INCONCLUSIVE] = EXIT_INCONCLUSIVE,
        [VERDICT_FAIL] = EXIT_FAIL,
        [VERDICT_ERROR] = EXIT_ERROR,
    };
    return (size_t)v < NAME_COUNT ? exits[v] : EXIT_ERROR;
}

struct verdict *verdict_new(struct err *e)
{
    struct verdict *v = calloc(1, sizeof *v);
    if (v == NULL) {
        err_set(e, ERR_NOMEM, "verdict: no memory");
        return NULL;
    }
    arena_init(&v->arena, VERDICT_MAX_BYTES);
    return v;
}

void verdict_free(struct verdict *v)
{
    if (v != NULL) {
        arena_close(&v->arena);
        free(v);
    }
}

struct verdict_tally verdict_tally(const struct verdict *v)
{
    struct verdict_tally tally = {0};
    for (size_t i = 0; i < v->check_count; i++) {
        switch (v->checks[i].verdict) {
        case VERDICT_PASS:
            tally.passed++;
            break;
        case VERDICT_FAIL:
        case VERDICT_ERROR:
            tally.failed++;
            break;
        case VERDICT_INCONCLUSIVE:
            tally.inconclusive++;
            break;
        case VERDICT_SKIPPED:
            break;
        }
    }
    if (v->check_count == 0 && v->verdict == VERDICT_ERROR) {
        tally.failed = 1;
    }
    return tally;
}
