/* What the files of a drill share: its parts and its states. Nothing outside includes this. */
#ifndef PULLDRILL_DRILL_INTERNAL_H
#define PULLDRILL_DRILL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "faults/engine.h"
#include "harness/drill.h"
#include "harness/history/history.h"
#include "harness/judge.h"
#include "harness/lag.h"
#include "harness/lane.h"
#include "harness/plan.h"
#include "harness/probe.h"
#include "harness/registries.h"
#include "harness/scratch.h"
#include "harness/scratch_broom.h"
#include "harness/subject.h"

/* A drill moves down this list and never back; an abort jumps to WINDING_DOWN. */
enum drill_state {
    DRILL_SETUP,        /* `setup` of each lane */
    DRILL_PHASES,       /* the scenario's phases, one after another */
    DRILL_SETTLING,     /* starts that crossed the last edge end; then every fault is healed */
    DRILL_PROBING,      /* a fresh pull from each registry */
    DRILL_CONTROL,      /* one last start a subject, with every registry down */
    DRILL_WINDING_DOWN, /* what still runs is dead or dying; then `teardown` of each lane */
    DRILL_TEARDOWN,
    DRILL_CLOSING, /* drill-end is written; handles close */
};

enum worker_state {
    WORKER_IDLE,
    WORKER_SETUP,
    WORKER_PREPARING,
    WORKER_RUNNING,
    WORKER_HASHING, /* what landed is hashed off the loop */
    WORKER_TEARDOWN,
};

struct drill;

struct drill_probe {
    struct drill *drill;
    size_t registry;
};

/* A lane with what runs on it. */
struct worker {
    struct drill *drill;
    struct lane *lane;
    size_t subject;
    enum worker_state state;
    struct subject_run *run;
    struct subject_run *held; /* that of setup, for what it left running; NULL once that is dead */
    bool torn_down;
    bool control;
    uint64_t start;
    uint64_t late_ns, waited_ns; /* of the start that is about to begin, in an open loop */
    size_t phase;                /* of the running start */
    uint64_t since_ns;
    uint64_t ended_ns; /* when the command itself ended, in the history's time; 0: unknown */
    /* Of the command that has just ended, until start-end is written. */
    struct subject_exit exit;
    char tail[2048];
    char *result;
    char *layout;
    struct err layout_err;
    uv_work_t hash;
};

/* Below what the server takes: it has the harness's own lane besides. */
#define DRILL_MAX_WORKERS 4000

/* An open loop's starts that are due and wait. */
struct drill_loop {
    bool stuck;       /* one found no lane: told once, until none waits any more */
    bool lane_free;   /* there is a lane again for those that still wait … */
    uint64_t free_ns; /* … since then */
};

/* The actions of the open phase. */
struct drill_doing {
    size_t next;
    struct subject_run *run; /* the command that runs; NULL: none */
    uint64_t since_ns;       /* … since then */
};

struct drill {
    uv_loop_t loop;
    bool loop_open;
    uv_work_t pool;
    const struct drill_options *options;
    struct plan *plan;
    struct history *history;
    struct fault_engine *engine;
    struct judge *judge;
    struct registries registries;
    unsigned lies[SCENARIO_MAX_IMAGES]; /* bit N: on registry N, as things stand now */
    struct lane_shared shared;
    struct lane *own_lane;
    struct worker *workers;
    size_t worker_count;
    char work[SCRATCH_PATH]; /* scratch folder of all lanes */
    int work_hold;
    struct lag lag;
    uv_prepare_t flush;
    uv_idle_t feed; /* active while starts wait for the next turn of the loop */
    uv_timer_t phase_timer;
    uv_timer_t every_timer; /* the next start of an open loop that will be due */
    uv_timer_t limit_timer;
    uv_signal_t sigint, sigterm;
    bool handles_open;

    enum drill_state state;
    size_t phase;
    bool phase_open;
    bool phase_ready; /* its actions are done, its faults armed: its starts may begin */
    bool phase_time_up;
    struct drill_doing doing;
    uint64_t phase_base;     /* planned number before the phase's first start */
    uint64_t phase_begin_ns; /* the schedule of open loops counts from here */
    uint64_t until_seen;     /* events that `until` of the open phase has counted */
    uint64_t begun[SCENARIO_MAX_SUBJECTS];
    struct drill_loop loops[SCENARIO_MAX_SUBJECTS];
    uint64_t running; /* starts of the open phase that have not ended */
    uint64_t start_total;
    uint64_t control_base;
    struct err disk_trouble; /* of a store on disk, and no fault of a client's */
    struct drill_probe probes[SCENARIO_MAX_REGISTRIES];
    size_t probes_pending;
    bool pumping;

    bool aborted;
    int signal;
    const char *reason; /* of drill-end */
    char detail[4096];
    uint64_t survivors;
};

/* drill_open.c: images, plan (which takes *SCENARIO over and clears it), history, registries; then
 * the lanes, and `setup` on each. */
int drill_open(struct drill *d, struct scenario **scenario, uint64_t seed, struct err *e);
int drill_open_lanes(struct drill *d, struct err *e);
/* The drill's folder goes, once nothing is used of it any more. */
void drill_close_work(struct drill *d);
/* One more lane of SUBJECT; NULL: E says why. */
struct worker *drill_add_lane(struct drill *d, size_t subject, struct err *e);
void drill_begin_setups(struct drill *d);

/* drill_do.c: carries out the actions of the open phase, as far as they go without waiting. True
 * once all are done. */
bool drill_do(struct drill *d);
/* What REGISTRY holds as things stand, for its probe: each image by its own tag, or by its digest
 * where the tag stands for another one now, and by the tags that were moved to it. Free it; NULL:
 * no memory. */
struct probe_want *drill_wants(const struct drill *d, size_t registry, size_t *count);

/* drill_phases.c: a phase begins with its actions; once they are done its faults are armed. */
void drill_begin_phase(struct drill *d);
void drill_ready_phase(struct drill *d);
bool drill_phase_over(const struct drill *d);
void drill_end_phase(struct drill *d, const char *reason);
void drill_heal_all(struct drill *d, const char *phase);
/* The next planned start of WORKER's subject in the open phase; false where there is none now. */
bool drill_next_start(struct drill *d, const struct worker *w, uint64_t *number);
/* Counts what the open phase waits for; an observer of the history. */
void drill_until_event(void *drill, const struct event *ev);
/* Whether what the open phase waits for has happened. */
bool drill_until_met(const struct drill *d);

/* drill_every.c: open loops, whose starts are due by the clock. A lane for the start that has been
 * due the longest and its number; NULL where none is due, or none can begin. */
struct worker *drill_every_next(struct drill *d, uint64_t *number);
/* Whether each start that was due before the phase's time was up has begun, or finds no lane. */
bool drill_every_done(const struct drill *d);
/* Wakes the drill when the next start is due. */
void drill_every_watch(struct drill *d);
/* The open phase ends: says what was due and will never begin. */
void drill_every_end(struct drill *d);
/* The same in words, a line a subject, for a drill cut short. */
void drill_every_describe(const struct drill *d, struct buf *out);

/* drill_starts.c */
int worker_setup(struct worker *w, struct err *e);
int worker_teardown(struct worker *w, struct err *e);
int worker_start(struct worker *w, uint64_t number, bool control, struct err *e);
size_t drill_busy(const struct drill *d);
/* Whether a command of the harness's own did what it was to do; if not, WHY says it in words. */
bool drill_command_ok(const struct subject_exit *exit, char *why, size_t size);

/* drill_end.c */
void drill_probe_all(struct drill *d);
void drill_control_begin(struct drill *d);
void drill_control_end(struct drill *d);
/* Ends everything now: heals, kills, says what each part waited for. The first reason wins. */
void drill_abort(struct drill *d, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What was to fail has failed: ends the phase and its starts; heals, probes and the control start
 * follow as ever. */
void drill_lose(struct drill *d);
bool drill_lost(const struct drill *d);
void drill_finish(struct drill *d);

/* drill.c: moves the drill on as far as it will go; called after anything has happened. */
void drill_pump(struct drill *d);

/* Shorthands for events. */
void drill_action(struct drill *d, const char *action, uint64_t lane, bool ok, const char *detail);

#endif
