/* A run as subject.c (its beginning and its life) and subject_end.c (its end) share it. Private. */
#ifndef PULLDRILL_SUBJECT_INTERNAL_H
#define PULLDRILL_SUBJECT_INTERNAL_H

#include "harness/capture.h"
#include "harness/subject.h"

struct subject_run {
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t timer;
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
    subject_done *done;
    void *data;
    struct subject_exit exit;
    struct subject_run *next;
};

/* Runs whose keeper has not been reaped, linked by NEXT. */
extern struct subject_run *subject_living;

/* Closes *FD unless it is -1, which it then is. */
void subject_close_fd(int *fd);
/* Closes the three handles; the last one closed announces the run, where that is due, and frees it.
 */
void subject_close_handles(struct subject_run *run);
void subject_free_run(struct subject_run *run);
/* libuv's exit callback. */
void subject_keeper_exited(uv_process_t *process, int64_t status, int signal);

#endif
