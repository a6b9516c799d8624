/* A machine's place in the drill: addresses, folders, and the facts a subject is told. */
#ifndef PULLDRILL_LANE_H
#define PULLDRILL_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/server.h"
#include "harness/base/err.h"
#include "harness/plan.h"

struct lane;

/* How subjects on a lane reach the fakes. `ports` is here; names, proxy and listen are further
 * tables of the same shape. */
struct lane_reach {
    const char *name; /* first: the word in the scenario */
    /* Makes the lane's listeners in SERVER for every registry of the plan. */
    int (*open)(struct lane *lane, struct server *server, struct err *e);
    void (*close)(struct lane *lane);
    const char *cannot_show; /* for the report: what a drill of this reach leaves unproven */
};
extern const struct lane_reach lane_reach_ports;

struct lane {
    const struct plan *plan;
    const struct lane_reach *reach;
    uint64_t number; /* from 1; 0 is the harness's own */
    int subject;     /* index in the plan; -1 for the harness's lane */
    char address[48];
    char *dir;          /* ${lane.dir}, made and removed by the lane */
    char *scenario_dir; /* ${scenario.dir}, absolute */
    int listener[SCENARIO_MAX_REGISTRIES];
    char endpoint[SCENARIO_MAX_REGISTRIES][64]; /* host:port as the subject is told */
    char *start_dir;                            /* ${start.dir} of the running start; NULL */
    uint64_t start;                             /* running; 0: none */
    void *reach_data;
};

/* A lane of SUBJECT with scratch under WORK (an absolute folder that exists). */
struct lane *lane_new(const struct plan *plan, const struct lane_reach *reach, uint64_t number,
                      int subject, const char *work, struct server *server, struct err *e);
/* Removes its folder, whatever is in it. */
void lane_free(struct lane *lane);

/* Makes ${start.dir} for START; removes that of the start before. */
int lane_begin(struct lane *lane, uint64_t start, struct err *e);

/* The words of COMMAND with every run-time variable replaced, NULL-terminated, and the environment:
 * the caller's without proxy variables, then the facts (PULLDRILL_…), then the subject's `env`.
 * Free both with lane_free_words. -1: an unknown variable. */
int lane_command(const struct lane *lane, const struct scenario_words *command, char ***argv,
                 struct err *e);
int lane_environment(const struct lane *lane, char ***env, struct err *e);
void lane_free_words(char **words);

/* Whether NAME is a run-time variable of scenario S (for the parser, before any lane exists). */
bool lane_variable_known(const struct scenario *s, const char *name, size_t len);

/* The result.json (PULLDRILL_RESULT) of the running start, compact JSON; NULL where none was
 * written; E says why where it is no JSON object or too large (64 KiB). Free it. */
char *lane_result(const struct lane *lane, struct err *e);
/* Hashes the OCI image layout (or blobs/ folder) that RESULT names against the plan: NULL where
 * none is named, "whole", or "broken: why". Free it. */
char *lane_layout(const struct lane *lane, const char *result, struct err *e);

#endif
