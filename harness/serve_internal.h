/* What the files of `serve` share. Nothing outside includes this. */
#ifndef PULLDRILL_SERVE_INTERNAL_H
#define PULLDRILL_SERVE_INTERNAL_H

#include "harness/base/buf.h"
#include "harness/history/history.h"
#include "harness/lag.h"
#include "harness/lane.h"
#include "harness/plan.h"
#include "harness/registries.h"
#include "harness/scratch.h"
#include "harness/serve.h"

struct serve {
    const struct serve_options *options;
    uv_loop_t loop;
    bool loop_open;
    uv_work_t pool;
    struct plan *plan;
    struct history *history;
    struct fault_engine *engine;
    struct registries registries;
    struct lane_shared shared;
    struct lane lane;           /* whatever comes is on this one, and belongs to no start */
    char scratch[SCRATCH_PATH]; /* empty: none was needed */
    int scratch_hold;
    struct buf places; /* "NAME ADDRESS:PORT\n" of each listener */
    bool ready;        /* the ready file is there */
    ino_t ready_inode; /* of the ready file that is ours, and when it was written */
    struct timespec ready_time;

    struct lag lag;
    uv_prepare_t flush;
    uv_signal_t sigint, sigterm;
    uv_timer_t drain;
    bool handles_open;
    bool stopping, closing;
    uint64_t give_up_ms; /* by the loop's clock */
    struct server_totals totals;
    char detail[128]; /* of drill-end */
    struct err trouble;
};

/* serve_open.c: from scenario to listeners; -1: E, and what was made is left to serve_close. */
int serve_open(struct serve *s, struct scenario **scenario, struct err *e);
void serve_close(struct serve *s);

/* serve_files.c: the lane's certificates and credentials, where any are wanted. */
int serve_files(struct serve *s, struct err *e);
/* The folder that goes at the end; made where it is not there. NULL: E. */
const char *serve_scratch(struct serve *s, struct err *e);
/* Takes away what is to go. */
void serve_files_close(struct serve *s);
/* Takes away a ready file that somebody left, so that none is there before this one is; makes it,
 * whole at once; takes it away. */
int serve_ready_none(struct serve *s, struct err *e);
int serve_ready(struct serve *s, struct err *e);
void serve_unready(struct serve *s);

/* serve_phase.c: the phase begins: what the phases up to it did to images and tags is done, then
 * its faults are armed. It ends, its faults healed. */
int serve_phase_begin(struct serve *s, struct err *e);
void serve_phase_end(struct serve *s);

#endif
