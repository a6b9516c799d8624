/* A request that changes what a registry holds: from its head to its answer.
 *
 * Happy path: once the head is complete and its credentials are good, the write begins, and the
 * body is given to it piece by piece, as fast as it can be kept. With the last byte the faults
 * before an answer are decided; then the store is changed, by a job of the thread pool where that
 * takes long, and the answer goes through the faults that act on one.
 *
 * Failure modes: a `status` of 400 or more takes the place of an answer before anything is changed.
 * What is refused by its head or by its credentials is answered like a read. A connection that ends
 * within the body leaves nothing behind, but for what a PATCH has added to its upload; one that
 * ends while a job is under way leaves the job to finish: the store then has what nobody was told.
 */
#include <stdlib.h>
#include <string.h>

#include "fake-registry/exchange_internal.h"

#define DIGEST_HEADER "Docker-Content-Digest: "

struct exchange_write {
    struct store *store;
    const struct oci_rules *rules;
    bool unseen; /* it mounts from where it may not look */
    struct oci_write oci;
    struct storing *storing; /* a job is under way; else NULL, and what is below is not used */
    bool keep_alive;
    struct passage passage;
};

static void write_free(struct exchange_write *w, bool keep)
{
    oci_write_close(w->store, &w->oci, keep);
    free(w);
}

/* ---- the head and the body ------------------------------------------------------------------ */

/* Whether REQUEST wants to mount what lies where it may not look. */
static bool mounts_unseen(const struct connection *c, const struct http_request *request)
{
    char from[OCI_MAX_NAME];
    char digest[DIGEST_TEXT];
    if (c->exchange->route.op != OP_UPLOAD_START ||
        !http_query(request->query, "mount", digest, sizeof(digest))) {
        return false;
    }
    if (!http_query(request->query, "from", from, sizeof(from))) {
        from[0] = '\0';
    }
    return !exchange_may_mount(c, request, from);
}

/* What is asked of the store: a mount that may not be is an upload like any other, as if it had
 * not been asked for. *COPY is room for that. */
static const struct http_request *
asked(const struct exchange_write *w, const struct http_request *request, struct http_request *copy)
{
    if (!w->unseen) {
        return request;
    }
    *copy = *request;
    copy->query = NULL;
    return copy;
}

int exchange_write_begin(struct connection *c, const struct http_request *request)
{
    struct exchange *x = c->exchange;
    const struct listener *l = c->listener;
    struct response refusal;
    struct http_request copy;
    if (!oci_is_write(x->route.op) || x->route.bad != NULL || l->role != SERVER_REGISTRY) {
        return 0;
    }
    response_init(&refusal);
    int refused = exchange_authorize(c, request, &refusal);
    response_close(&refusal);
    if (refused != 0) {
        return refused < 0 ? -1 : 0;
    }
    struct exchange_write *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return -1;
    }
    w->store = l->registry->is.store;
    w->rules = &l->registry->is.rules;
    w->unseen = mounts_unseen(c, request);
    request = asked(w, request, &copy);
    if (oci_write_begin(w->store, w->rules, request, &x->route, &w->oci) != 0) {
        write_free(w, false);
        return -1;
    }
    x->write = w;
    return 0;
}

bool exchange_write_takes(const struct exchange *x)
{
    return x->write != NULL && !x->write->oci.refused;
}

void exchange_write_body(struct exchange *x, const char *data, size_t len)
{
    oci_write_body(&x->write->oci, data, len);
}

/* ---- the answer ----------------------------------------------------------------------------- */

/* What a write that succeeds is answered with, as far as that is known beforehand. */
static unsigned expected_status(enum op op)
{
    switch (op) {
    case OP_MANIFEST_PUT:
    case OP_UPLOAD_FINISH:
        return 201;
    case OP_UPLOAD_CANCEL:
        return 204;
    default:
        return 202;
    }
}

/* Whether a fault puts an error in the place of the answer. */
static bool fails(struct connection *c, struct passage *p)
{
    struct response r;
    response_init(&r);
    r.status = expected_status(c->exchange->route.op);
    const struct fault_action *status = p->any ? exchange_meet(c, p, &r) : NULL;
    return status != NULL && status->rule->param[PARAM_CODE].number >= 400;
}

static void note_stored(struct exchange *x, const struct response *r)
{
    const char *at = r->status == 201 ? strstr(r->head, DIGEST_HEADER) : NULL;
    size_t len = 0;
    if (at != NULL) {
        at += strlen(DIGEST_HEADER);
        len = strcspn(at, "\r");
    }
    if (len > 0 && len < sizeof(x->stored)) {
        memcpy(x->stored, at, len);
        x->stored[len] = '\0';
    }
}

/* The write is carried out, or not to be: R is its answer. */
static int finish(struct connection *c, struct passage *p, struct response *r, bool keep_alive)
{
    struct exchange *x = c->exchange;
    note_stored(x, r);
    write_free(x->write, false);
    x->write = NULL;
    return exchange_plan(c, p, r, keep_alive);
}

/* The thread pool is done: P is as it was before, with the facts of now. */
static void take_back(struct connection *c, struct passage *p)
{
    struct exchange_write *w = c->exchange->write;
    *p = w->passage;
    w->storing = NULL;
    if (p->any) {
        exchange_facts(c, http_parser_request(c->parser), p);
    }
}

int exchange_write_stored(struct connection *c, struct store_job *job)
{
    struct exchange_write *w = c->exchange->write;
    struct passage p;
    struct response r;
    response_init(&r);
    take_back(c, &p);
    int result = oci_write_end(&w->oci, job, &r);
    if (result == 0) {
        result = finish(c, &p, &r, w->keep_alive);
    }
    response_close(&r);
    return result;
}

void exchange_write_alone(struct exchange_write *w, struct store_job *job)
{
    struct err e = {.code = ERR_NONE};
    if (job != NULL) {
        (void)store_job_finish(job, &e);
    }
    write_free(w, false);
}

/* Gives JOB, or the reading of the manifest, to the thread pool. False: it has to be done here and
 * now. */
static bool give_away(struct connection *c, struct store_job *job, const struct passage *p,
                      bool keep_alive)
{
    struct exchange_write *w = c->exchange->write;
    w->storing = connection_store(c, job, w);
    if (w->storing == NULL) {
        return false;
    }
    w->keep_alive = keep_alive;
    w->passage = *p;
    return true;
}

int exchange_write_answer(struct connection *c, const struct http_request *request,
                          struct passage *p, bool keep_alive)
{
    struct exchange *x = c->exchange;
    struct exchange_write *w = x->write;
    struct store_job *job = NULL;
    struct response r;
    struct http_request copy;
    int result = 0;
    response_init(&r);
    if (w->oci.refused || !fails(c, p)) {
        if (oci_write_slow(&w->oci, request, &x->route)) {
            if (give_away(c, NULL, p, keep_alive)) {
                return 1;
            }
            oci_write_read(&w->oci);
        }
        result =
            oci_write(w->store, w->rules, asked(w, request, &copy), &x->route, &w->oci, &job, &r);
    }
    if (result == 0 && job != NULL) {
        if (store_job_slow(job) && give_away(c, job, p, keep_alive)) {
            return 1;
        }
        store_job_work(job);
        result = oci_write_end(&w->oci, job, &r);
    }
    if (result == 0) {
        result = finish(c, p, &r, keep_alive);
    }
    response_close(&r);
    return result;
}

void exchange_write_read(struct exchange_write *w)
{
    oci_write_read(&w->oci);
}

int exchange_write_go_on(struct connection *c)
{
    const struct exchange_write *w = c->exchange->write;
    struct passage p;
    take_back(c, &p);
    return exchange_write_answer(c, http_parser_request(c->parser), &p, w->keep_alive);
}

void exchange_write_end(struct exchange *x)
{
    struct exchange_write *w = x->write;
    x->write = NULL;
    if (w != NULL && w->storing != NULL) {
        connection_store_leave(w->storing);
    } else if (w != NULL) {
        write_free(w, x->route.op == OP_UPLOAD_CHUNK);
    }
}
