/* One drill in a process of its own: runs it and writes its folder. */
#ifndef PULLDRILL_COMMANDS_DRILL_ONE_H
#define PULLDRILL_COMMANDS_DRILL_ONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/commands/options.h"

struct drill_one {
    const struct options *options; /* what the command line would be that drills it alone */
    const char *path;
    const char *folder; /* under --out; it exists */
    uint64_t seed;
    const char *const *because; /* checks that are to fail, as drill_options.stop_when_lost */
    size_t because_count;
};

/* Runs SCENARIO (taken over) and writes its results; returns the exit status of the process. What
 * could not even begin leaves a verdict that says why, or, where the input is at fault, none: it is
 * complained of, and the status is EXIT_USAGE. */
int drill_one(const struct drill_one *one, struct scenario *scenario);

#endif
