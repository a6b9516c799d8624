/* A run as subject.c (its beginning and its life) and subject_end.c (its end) share it. Private. */
#ifndef PULLDRILL_SUBJECT_INTERNAL_H
#define PULLDRILL_SUBJECT_INTERNAL_H

#include "harness/capture.h"
#include "harness/subject.h"

struct subject_run {
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t timer;
    uv_poll_t reported; /* the first report; only with HOLD */
    unsigned open_handles;
    int control; /* our ends of the keeper's descriptors */
    int report;
    struct capture capture;
    char *output_path;
    uint64_t spawned_ns;
    uint64_t asked_ns; /* when the keeper was asked to kill; 0: it was not */
    bool by_timeout;   /* why it was asked */
    bool gave_up;      /* the keeper did not answer and was killed */
    bool ended;        /* the keeper exited */
    bool announced;    /* DONE is due: false where spawning itself failed */
    bool hold;
    bool told; /* DONE was called */
    subject_done *done;
    void *data;
    subject_released *released; /* NULL: not asked for yet */
    void *released_data;
    uint64_t held_survivors; /* beyond those that DONE told of */
    struct subject_exit exit;
    struct subject_run *next;
};

/* Runs whose keeper has not been reaped, linked by NEXT. */
extern struct subject_run *subject_living;

/* Closes *FD unless it is -1, which it then is. */
void subject_close_fd(int *fd);
/* Closes all handles; the last one closed announces the run (or its release), where that is due,
 * and frees it. */
void subject_close_handles(struct subject_run *run);
void subject_free_run(struct subject_run *run);
/* libuv's callbacks: the first report of a keeper that holds, and a keeper's exit. */
void subject_reported(uv_poll_t *poll, int status, int events);
void subject_keeper_exited(uv_process_t *process, int64_t status, int signal);

#endif
