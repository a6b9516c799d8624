/* One command of a subject, run under a keeper: spawned, captured, limited in time, reaped. */
#ifndef PULLDRILL_SUBJECT_H
#define PULLDRILL_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "harness/base/err.h"
#include "harness/history/secrets.h"

/* The most output kept of one start: the first part and the last part, with the number of bytes
 * dropped between them said in words. */
#define SUBJECT_OUTPUT_HEAD (64u << 10)
#define SUBJECT_OUTPUT_TAIL (64u << 10)

#define SUBJECT_MAX_SPACES 4

struct subject_spec {
    char *const *argv;       /* NULL-terminated, expanded */
    char *const *env;        /* NULL-terminated, the whole environment */
    const char *cwd;         /* NULL: the caller's */
    uint64_t timeout_ns;     /* 0: none */
    const char *output_path; /* the captured output is written there at the end; NULL: nowhere */
    const struct secrets *secrets; /* never in the output; borrowed for the run; NULL: none */
    bool hold;          /* what the command leaves running lives on, see subject_release */
    const int *spaces;  /* descriptors of namespaces that it enters, in this order; borrowed */
    size_t space_count; /* at most SUBJECT_MAX_SPACES; 0: it runs where the harness does */
};

struct subject_exit {
    bool started; /* false: the command could not be started; see reason */
    int64_t exit; /* -1 where a signal ended it */
    int64_t signal;
    bool timed_out; /* killed at its timeout */
    bool cancelled; /* killed by subject_kill */
    uint64_t leftovers;
    uint64_t survivors;   /* could not be killed: the harness must say so */
    uint64_t duration_ns; /* from spawn to the end of the command itself */
    uint64_t ended_ns;    /* CLOCK_MONOTONIC then; 0 where it is not known */
    bool lost;            /* what it wrote could not be kept: the harness failed; see reason */
    bool no_room;         /* not started for want of processes, memory or descriptors, or of a way
                             into its lane: the subject is not to blame */
    const char *output;   /* captured, NUL-terminated; valid during the callback */
    size_t output_len;
    char reason[256];
};

/* How long a keeper may take to report once it was asked to kill (its own limit is shorter). */
#define SUBJECT_GRACE_MS 10000

struct subject_run;
typedef void subject_done(void *data, const struct subject_exit *exit);

/* Starts SPEC (borrowed during the call) under a keeper of its own. DONE is called once, from the
 * loop, when the command and all its descendants are dead and every handle is closed; the run is
 * freed after it (a run with SPEC.hold: see subject_release). NULL: nothing was started. */
struct subject_run *subject_spawn(uv_loop_t *loop, const struct subject_spec *spec,
                                  subject_done *done, void *data, struct err *e);
/* Kills the command and its descendants now; DONE still comes. */
void subject_kill(struct subject_run *run);

/* With SPEC.hold, DONE is called when the command itself has ended, whatever it left: none of that
 * is a leftover, the timeout is over, and what it writes from then on is read and dropped. If the
 * command is killed (timeout, subject_kill), all dies with it, as without hold. The run lives until
 * it is released, which is due once after (or in) DONE, whatever DONE said: everything left is
 * killed, then RELEASED is called from the loop with the number of those that could not be killed
 * (beyond what DONE told), and the run is freed. */
typedef void subject_released(void *data, uint64_t survivors);
void subject_release(struct subject_run *run, subject_released *released, void *data);

/* The path of this executable, for the keeper: absolute, or "/proc/self/exe". Set once by main. */
void subject_set_program(const char *path);
/* The path so set; empty where none was. */
const char *subject_program(void);
/* The keeper's own executable at PATH is taken from now on, whatever becomes of the file; without
 * one the program is executed again, which loads all its libraries. -1: it cannot be opened. */
int subject_set_keeper(const char *path);

/* PID is a child of this process that is no subject's: it is no orphan. One at a time; 0: none. */
void subject_spare(pid_t pid);

/* Kills and reaps what came to this process as the orphan of a keeper that was itself killed: every
 * descendant of this process that is below no living keeper. Returns how many were alive: 0 unless
 * a keeper was killed. Blocks for at most SUBJECT_ORPHANS_MS. Only for a process whose children
 * are all subjects. */
#define SUBJECT_ORPHANS_MS 2000
size_t subject_orphans_kill(void);

#endif
