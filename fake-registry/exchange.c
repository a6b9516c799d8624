/* One request and its answer: fault decisions, the plan of segments, when which event is told.
 *
 * Happy path: a complete head makes an exchange and its request event; the complete request is
 * answered from the store, through the faults that met it, as a plan; once the connection has
 * settled what was delivered, the response event ends it. Exchanges are kept for reuse, so that
 * steady state allocates nothing.
 *
 * Failure modes: a request that cannot be told (not HTTP) is recorded as `other` without a path;
 * no memory for an answer ends the connection, and the response says it was the harness.
 */
#include <stdlib.h>
#include <string.h>

#include "fake-registry/exchange_internal.h"

static struct exchange *exchange_take(struct server *s)
{
    struct exchange *x = s->spare;
    if (x != NULL) {
        s->spare = x->next_spare;
        s->spare_count--;
    } else {
        x = malloc(sizeof(*x));
    }
    return x;
}

static void exchange_give_back(struct server *s, struct exchange *x)
{
    free(x->form);
    if (s->spare_count < SERVER_SPARE_EXCHANGES) {
        x->next_spare = s->spare;
        s->spare = x;
        s->spare_count++;
    } else {
        free(x);
    }
}

/* Only what is read before it is written. */
static void exchange_reset(struct exchange *x)
{
    x->late = false;
    x->first_byte_ns = 0;
    x->end_ns = 0;
    x->request_body = 0;
    x->past = 0;
    x->write = NULL;
    x->stored[0] = '\0';
    x->form = NULL;
    x->form_len = 0;
    x->untold = false;
    x->planned = false;
    x->complete = false;
    x->at = 0;
    x->done = 0;
    x->written = 0;
    x->rate = 0;
    x->acted_count = 0;
    x->answer_count = 0;
    x->altered_from = 0;
    x->altered_to = 0;
    x->plan.count = 0;
}

/* ---- the beginning ------------------------------------------------------------------------- */

/* A request that waited for its body, all of which has come, or all that will. */
static void tell_untold(struct connection *c)
{
    if (c->exchange->untold) {
        c->exchange->untold = false;
        exchange_tell_request(c, http_parser_request(c->parser), NULL);
    }
}

int exchange_begin(struct connection *c, const struct http_request *request)
{
    struct server *s = c->server;
    struct exchange *x = exchange_take(s);
    if (x == NULL) {
        return -1;
    }
    exchange_reset(x);
    c->exchange = x;
    c->requests++;
    x->ordinal = ++s->ordinals;
    x->late = c->lane->ending;
    /* What a dead start left in the accept queue belongs to no start. */
    x->start = c->late && x->late ? 0 : c->lane->start;
    x->begun_ns = history_now_ns(s->history);
    const char *digest = NULL;
    if (request != NULL) {
        exchange_route(c->listener, request, &x->route);
        x->untold = exchange_has_form(c, request);
        digest = oci_resolve(c->listener->registry->is.store, &x->route);
    } else {
        x->route.op = OP_OTHER;
        x->route.repository[0] = '\0';
        x->route.reference[0] = '\0';
    }
    if (!x->untold) {
        exchange_tell_request(c, request, digest);
    }
    return 0;
}

/* ---- decisions and the plan ---------------------------------------------------------------- */

static const char *header_of(const void *data, const char *name)
{
    return http_request_header(data, name);
}

/* Decides the stages FROM..TO, records and adds what was decided; past the maximum of decisions the
 * rest is neither recorded nor done. */
static void decide(struct connection *c, struct passage *p, enum fault_stage from,
                   enum fault_stage to)
{
    struct fault_decision some[FAULT_MAX_DECISIONS];
    size_t count = p->any ? fault_decide(c->server->faults, &p->facts, from, to, some) : 0;
    for (size_t i = 0; i < count && p->count < FAULT_MAX_DECISIONS; i++) {
        exchange_tell_decided(c, &p->facts, &some[i]);
        p->decision[p->count++] = some[i];
    }
}

/* What a tag stands for, else the digest that is asked for, whether that is there or not. */
static const char *digest_asked(const struct store *store, const struct oci_route *route)
{
    const char *digest = oci_resolve(store, route);
    bool named = route->bad == NULL && strchr(route->reference, ':') != NULL;
    return digest == NULL && named ? route->reference : digest;
}

void exchange_facts(const struct connection *c, const struct http_request *request,
                    struct passage *p)
{
    const struct exchange *x = c->exchange;
    p->facts = (struct fault_facts){
        .target = c->listener->host,
        .op = x->route.op,
        .repository = x->route.repository[0] != '\0' ? x->route.repository : NULL,
        .reference = x->route.reference[0] != '\0' ? x->route.reference : NULL,
        .digest = digest_asked(c->listener->registry->is.store, &x->route),
        .path = request->path,
        .header = header_of,
        .header_data = request,
        .lane = c->lane->number,
        .start = x->start,
        .nth = p->nth,
        .connection = c->id,
        .client = c->client,
        .now_ns = history_now_ns(c->server->history)};
}

static void note_answer(struct exchange *x, const struct fault_rule *rule)
{
    x->answer[x->answer_count++] = rule;
}

/* What the status and the length of an answer are from R on. */
static void tell_facts(struct passage *p, const struct response *r)
{
    p->facts.status = r->status;
    p->facts.body_bytes = r->head_only ? 0 : r->len;
}

const struct fault_action *exchange_meet(struct connection *c, struct passage *p,
                                         const struct response *r)
{
    if (!p->met) {
        p->met = true;
        p->of_answer = p->count;
        tell_facts(p, r);
        decide(c, p, STAGE_RESPONSE, STAGE_RESPONSE);
    }
    for (size_t i = p->of_answer; i < p->count; i++) {
        const struct fault_decision *d = &p->decision[i];
        if (d->fired && d->rule->kind->kind == FAULT_STATUS) {
            return &d->action;
        }
    }
    return NULL;
}

/* The first `status` that fired takes the answer's place; what the store's views had made of it is
 * then not seen by anyone. */
static int replace(struct connection *c, struct passage *p, struct response *r)
{
    struct exchange *x = c->exchange;
    const struct fault_action *status = exchange_meet(c, p, r);
    if (status != NULL) {
        note_answer(x, status->rule);
        return oci_replace(r, status);
    }
    for (size_t i = 0; i < p->of_answer; i++) {
        if (p->decision[i].fired && p->decision[i].rule->kind->stage == STAGE_STORE) {
            note_answer(x, p->decision[i].rule);
        }
    }
    return 0;
}

/* The answer of the registry as it is, or as the views among what was decided show it; before any
 * other fault. R is initialised. */
static int answer(const struct connection *c, const struct http_request *request,
                  const struct passage *p, struct response *r)
{
    const struct exchange *x = c->exchange;
    switch (c->listener->role) {
    case SERVER_TO_HTTPS:
        return exchange_to_https(c, request, r);
    case SERVER_BLOBS:
        return exchange_blob(c, request, p->decision, p->count, r);
    case SERVER_TOKEN:
        return exchange_token(c, request, r);
    default:
        break;
    }
    if (x->route.op == OP_TOKEN) {
        return exchange_token(c, request, r);
    }
    int rc =
        oci_respond(c->listener->registry->is.store, request, &x->route, p->decision, p->count, r);
    return rc == 0 ? exchange_redirect(c, r) : rc;
}

static int plan(struct connection *c, struct response *r, const struct passage *p, bool keep_alive)
{
    struct exchange *x = c->exchange;
    if (wire_plan(r, p->decision, p->count, keep_alive, &x->plan, NULL) != 0) {
        return -1;
    }
    x->planned = true;
    return 0;
}

int exchange_plan(struct connection *c, struct passage *p, struct response *r, bool keep_alive)
{
    if (p->any) {
        if (replace(c, p, r) != 0) {
            return -1;
        }
        tell_facts(p, r);
        decide(c, p, STAGE_BODY, STAGE_CLOSE);
    }
    return plan(c, r, p, keep_alive);
}

/* Not zeroed as a whole: the decisions are some kilobytes. */
static void passage_init(const struct connection *c, const struct http_request *request,
                         struct passage *p)
{
    const struct exchange *x = c->exchange;
    p->any = fault_engine_any(c->server->faults, c->listener->host);
    p->through = x->write != NULL;
    p->met = false;
    p->of_answer = 0;
    p->count = 0;
    p->nth = x->start != 0 ? server_lane_asked(c->lane, c->listener->host, &x->route) : 0;
    if (p->any) {
        exchange_facts(c, request, p);
    }
}

/* The stages before there is an answer. 0: the request is let through; 1: R, which is initialised,
 * refuses it; -1: no memory. */
static int let_through(struct connection *c, const struct http_request *request, struct passage *p,
                       struct response *r)
{
    decide(c, p, STAGE_LISTEN, STAGE_AUTH);
    int refused = p->through ? 0 : exchange_authorize(c, request, r);
    if (refused == 0) {
        decide(c, p, STAGE_STORE, STAGE_STORE);
    }
    return refused;
}

int exchange_answer(struct connection *c, const struct http_request *request, bool keep_alive)
{
    struct response r;
    struct passage p;
    passage_init(c, request, &p);
    tell_untold(c);
    response_init(&r);
    r.head_only = strcmp(request->method, "HEAD") == 0;
    int result = let_through(c, request, &p, &r);
    if (result == 0 && c->exchange->write != NULL) {
        return exchange_write_answer(c, request, &p, keep_alive);
    }
    if (result == 0) {
        result = answer(c, request, &p, &r);
        result = result == 0 ? response_open(&r) : result;
    }
    if (result >= 0) {
        result = exchange_plan(c, &p, &r, keep_alive);
    }
    response_close(&r);
    return result;
}

int exchange_refuse(struct connection *c, unsigned status, const char *why)
{
    struct response r;
    struct passage none;
    none.count = 0;
    tell_untold(c);
    response_init(&r);
    int result = response_error(&r, status, NULL, why);
    if (result == 0) {
        result = plan(c, &r, &none, false);
    }
    response_close(&r);
    return result;
}

void exchange_acted(struct exchange *x, const struct fault_rule *rule)
{
    for (size_t i = 0; i < x->acted_count; i++) {
        if (x->acted[i] == rule) {
            return;
        }
    }
    if (rule != NULL && x->acted_count < sizeof(x->acted) / sizeof(x->acted[0])) {
        x->acted[x->acted_count++] = rule;
    }
}

void exchange_end(struct connection *c, const char *end, uint64_t unacknowledged)
{
    struct exchange *x = c->exchange;
    tell_untold(c);
    exchange_tell_response(c, end, unacknowledged);
    c->exchange = NULL;
    exchange_write_end(x);
    if (x->planned) {
        wire_plan_close(&x->plan);
    }
    exchange_give_back(c->server, x);
}
