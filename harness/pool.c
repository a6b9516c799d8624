/* The loop's threads, begun before anything needs them. libuv aborts the process where it cannot
 * begin one, and does so in the middle of a drill: that many are tried here first. */
#include "harness/pool.h"

#include <pthread.h>
#include <stddef.h>

/* libuv begins four, or what UV_THREADPOOL_SIZE says. */
#define THREADS 4

static void *wait_for(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* All are alive at once, behind GATE. */
static int try_threads(struct err *e)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread[THREADS];
    size_t count = 0;
    int error = 0;

    pthread_mutex_lock(&gate);
    while (count < THREADS && (error = pthread_create(&thread[count], NULL, wait_for, &gate)) == 0)
        count++;
    pthread_mutex_unlock(&gate);
    for (size_t i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
    pthread_mutex_destroy(&gate);
    return error == 0 ? 0 : err_errno(e, error, "cannot begin %d threads", THREADS);
}

static void nothing(uv_work_t *work)
{
    (void)work;
}

int pool_begin(uv_loop_t *loop, uv_work_t *work, struct err *e)
{
    int rc = try_threads(e);

    if (rc == 0 && (rc = uv_queue_work(loop, work, nothing, NULL)) != 0)
        return err_set(e, ERR_IO, "threads: %s", uv_strerror(rc));
    return rc;
}
