/* Which scenario files an invocation means: files as they are, folders searched for them. */
#ifndef PULLDRILL_COMMANDS_SELECT_H
#define PULLDRILL_COMMANDS_SELECT_H

#include <stddef.h>

#include "harness/commands/options.h"

#define SELECT_MAX_FILES 4096

struct selection {
    char **path;
    struct scenario **scenario; /* loaded and checked; each may be taken out (set to NULL) */
    size_t count;
};

/* Finds and loads every scenario that O names, in ascending order of path within a folder: all are
 * read before any complaint ends the call, so that each mistake is told at once (on stderr). A file
 * in a folder counts when it ends in .json and is no *.schema.json. Scenarios without all the tags
 * of O are left out. Returns EXIT_PASS, or what to exit with. */
enum exit_status select_scenarios(const struct options *o, struct selection *out);
void select_close(struct selection *s);

#endif
