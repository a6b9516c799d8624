/* One drill in a place of its own, with a point failed: what it came to, and what it left. */
#ifndef PULLDRILL_TESTS_TORTURE_DRILL_RUN_H
#define PULLDRILL_TESTS_TORTURE_DRILL_RUN_H

#include "tests/torture/torture.h"

#define DRILL_OUTPUT 8000
#define DRILL_FILES 32

/* A place: the folder of one drill at a time. */
struct place {
    const struct bench *bench;
    char folder[TORTURE_PATH];
    struct points_record *record;
};
int place_open(struct place *p, const struct bench *b, unsigned number);
void place_close(struct place *p);

/* What a drill came to. */
struct drilled {
    int status;                /* of waitpid; -1: it hung */
    size_t left;               /* processes that did not end by themselves */
    size_t litter;             /* entries in its TMPDIR */
    char output[DRILL_OUTPUT]; /* stdout and stderr */
    char last[200];            /* the last line of stdout */
    char sanitizer[DRILL_OUTPUT];
    struct drilled_file {
        char name[64];
        uint64_t size;
    } file[DRILL_FILES];
    size_t file_count;
};
/* Runs the small drill with the points as P->record says. This process must be a subreaper without
 * other children. */
void drill_try(struct place *p, struct drilled *d);

#endif
