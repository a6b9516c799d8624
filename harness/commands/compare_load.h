/* Results of earlier invocations read back for `compare`: a journal, a results.json, a folder. */
#ifndef PULLDRILL_COMMANDS_COMPARE_LOAD_H
#define PULLDRILL_COMMANDS_COMPARE_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/verdict/verdict_compare.h"

#define COMPARE_MAX_ITEMS 10000

/* Zero it, fill it once, close it whether or not that worked. */
struct compare_result {
    struct arena arena; /* of the items' texts */
    struct verdict **verdicts;
    struct compare_item *items; /* as many as there are verdicts */
    size_t count, cap;
    bool single; /* one journal, not an invocation */
};

/* PATH: a journal.json, a results.json, or a folder that holds one of them: what `run` or `prove`
 * wrote to --out. Journals of the scenarios are read from the folders beside results.json. -1: E
 * says which file is wrong. */
int compare_load(struct compare_result *r, const char *path, struct err *e);
void compare_result_close(struct compare_result *r);

#endif
