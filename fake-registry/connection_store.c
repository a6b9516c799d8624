/* What the thread pool stores for a connection, so that no neighbour waits for a disk or a digest.
 *
 * Happy path: the job is done by a thread of the pool, and finished by the loop, which then plans
 * the answer. Failure modes: a connection that ends meanwhile leaves the job to end alone; the
 * server is not closed before it has.
 */
#include <stdlib.h>

#include "fake-registry/server_internal.h"

struct storing {
    uv_work_t work;
    struct server *server;
    struct connection *connection; /* NULL: it has ended */
    struct exchange_write *write;
    struct store_job *job;
};

/* In a thread of the pool. */
static void on_work(uv_work_t *work)
{
    struct storing *s = work->data;
    store_job_work(s->job);
}

static void on_worked(uv_work_t *work, int status)
{
    struct storing *s = work->data;
    struct server *server = s->server;
    (void)status; /* nothing is ever cancelled */
    if (s->connection != NULL) {
        connection_stored(s->connection, exchange_write_stored(s->connection, s->job));
    } else {
        exchange_write_alone(s->write, s->job);
    }
    free(s);
    server_handle_closed(server);
}

struct storing *connection_store(struct connection *c, struct store_job *job,
                                 struct exchange_write *w)
{
    struct storing *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    *s = (struct storing){.server = c->server, .connection = c, .write = w, .job = job};
    s->work.data = s;
    if (uv_queue_work(c->server->loop, &s->work, on_work, on_worked) != 0) {
        free(s);
        return NULL;
    }
    c->server->handles++;
    return s;
}

void connection_store_leave(struct storing *s)
{
    s->connection = NULL;
}
