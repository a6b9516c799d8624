/* The tester: stages with their points, what a run of one came to, what was found. */
#ifndef PULLDRILL_TESTS_TORTURE_TORTURE_H
#define PULLDRILL_TESTS_TORTURE_TORTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "tests/torture/points.h"

#define TORTURE_PATH 300

/* What a stage needs: folders of the tester's own, and what a clean drill left. */
struct bench {
    char scratch[TORTURE_PATH]; /* everything below is in it */
    char work[TORTURE_PATH];    /* a stage's files; must be empty after each run */
    char history[TORTURE_PATH + 20];
    char journal[TORTURE_PATH + 20];
    char self[TORTURE_PATH];
    const char *subjects;
    uint64_t seed; /* which points are taken where not all are */
    bool quick;
    bool show; /* also the points that made no difference */
};

/* One run of a stage: 0 and a digest of all it made, or -1 and why. */
struct result {
    int status;
    struct err e;
    uint64_t digest;
};
void result_add(struct result *o, const void *data, size_t len);
void result_text(struct result *o, const char *text);

struct stage {
    const char *name;
    void (*run)(const struct bench *b, struct result *o);
    bool planted; /* it must be found wanting */
};
extern const struct stage stages[];
extern const size_t stage_count;

void stage_parse(const struct bench *b, struct result *o);
void stage_plan(const struct bench *b, struct result *o);
void stage_store(const struct bench *b, struct result *o);
void stage_disk(const struct bench *b, struct result *o);
void stage_cache(const struct bench *b, struct result *o);
void stage_wire(const struct bench *b, struct result *o);
void stage_judge(const struct bench *b, struct result *o);
void stage_reports(const struct bench *b, struct result *o);
void stage_leak(const struct bench *b, struct result *o);
void stage_swallow(const struct bench *b, struct result *o);
void stage_crash(const struct bench *b, struct result *o);

/* Which points of a run are made to fail. */
struct sample {
    uint64_t *at;
    size_t count;
};
/* Every one of 1 to N, or MOST of them: the first of each place in PATH (NULL: no places), then
 * others strided, from a place that SEED gives. */
int sample_take(struct sample *s, uint64_t n, size_t most, const uint64_t *path, uint64_t seed);
void sample_free(struct sample *s);

/* Prints one, with the line that makes it happen again; the same at the same place, and what is
 * past FINDINGS_MAX_SHOWN, is counted only. */
#define FINDINGS_MAX_SHOWN 100
void finding(const char *stage, uint64_t n, bool onward, const char *what, const char *place,
             const char *detail);
size_t findings(void);
/* A point that made no difference, where they are asked for. */
void no_difference(const struct bench *b, const char *stage, uint64_t n,
                   const struct points_record *r);

/* All points of a stage within this process and its children, or only AT. Returns the findings. */
size_t stage_torture(const struct bench *b, const struct stage *stage, uint64_t at, bool onward);
/* The drill: the roles in turn, or only AT of ROLE. Returns the findings. */
size_t drill_torture(const struct bench *b, enum role role, uint64_t at, bool onward);
/* A clean drill, whose history and journal stages take. */
int drill_clean(struct bench *b);

#endif
