/* What the thread pool does for a connection that writes, so that no neighbour waits for a disk, a
 * digest or a large manifest.
 *
 * Happy path: a manifest is read, or a job done, by a thread of the pool; the loop goes on from
 * there, with a job next, or with the answer. Failure modes: a connection that ends meanwhile
 * leaves a job to end alone, and has nothing done once its manifest is read; the server is not
 * closed before either has ended.
 */
#include <stdlib.h>

#include "fake-registry/exchange_internal.h"

struct storing {
    uv_work_t work;
    struct server *server;
    struct connection *connection; /* NULL: it has ended */
    struct exchange_write *write;
    struct store_job *job; /* NULL: the write's manifest is read */
};

/* In a thread of the pool. */
static void on_work(uv_work_t *work)
{
    struct storing *s = work->data;
    if (s->job != NULL) {
        store_job_work(s->job);
    } else {
        exchange_write_read(s->write);
    }
}

static void on_worked(uv_work_t *work, int status)
{
    struct storing *s = work->data;
    struct server *server = s->server;
    (void)status; /* nothing is ever cancelled */
    if (s->connection != NULL) {
        int result = s->job != NULL ? exchange_write_stored(s->connection, s->job)
                                    : exchange_write_go_on(s->connection);
        if (result <= 0) {
            connection_stored(s->connection, result);
        }
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
