/* What the history is told of an exchange: its request, each fault that was decided, its response.
 */
#include <stdio.h>
#include <string.h>

#include "fake-registry/exchange_internal.h"

/* Response events name the faults that acted, up to this many bytes. */
#define FAULTS_TEXT 4096
#define NAMESPACE_TEXT 512

void exchange_tell_request(struct connection *c, const struct http_request *request,
                           const char *digest)
{
    const struct exchange *x = c->exchange;
    char path[HTTP_MAX_TARGET * 2];
    char ns[NAMESPACE_TEXT];
    char credential[SERVER_HOST + 8];
    struct event ev = {.type = EVENT_REQUEST, .actor = c->listener->registry->actor};
    struct event_request *r = &ev.request;
    *r = (struct event_request){.registry = c->listener->registry->name,
                                .host = c->listener->host,
                                .lane = c->lane->number,
                                .start = x->start,
                                .connection = c->id,
                                .ordinal = x->ordinal,
                                .op = x->route.op,
                                .digest = digest,
                                .credential = "none",
                                .pipelined = c->early,
                                .late = x->late};
    if (request != NULL) {
        r->method = request->method;
        r->path = exchange_redact(request->target, path, sizeof(path));
        r->repository = x->route.repository[0] != '\0' ? x->route.repository : NULL;
        r->reference = x->route.reference[0] != '\0' ? x->route.reference : NULL;
        r->range = http_request_header(request, "Range");
        r->user_agent = http_request_header(request, "User-Agent");
        r->ns = http_query(request->query, "ns", ns, sizeof(ns)) ? ns : NULL;
        r->credential = exchange_credential(c, request, credential, sizeof(credential));
    }
    (void)history_append(c->server->history, &ev);
    c->early = false;
}

void exchange_tell_decided(const struct connection *c, const struct fault_facts *facts,
                           const struct fault_decision *d)
{
    const struct exchange *x = c->exchange;
    char actions[256] = "";
    char key[OCI_MAX_REFERENCE + 96];
    struct event ev = {.type = EVENT_FAULT_DECIDED, .actor = c->listener->registry->actor};
    if (d->fired) {
        fault_action_text(&d->action, actions, sizeof(actions));
    }
    (void)snprintf(key, sizeof(key), "%llu %s %s %llu", (unsigned long long)x->start,
                   op_name(x->route.op), facts->reference != NULL ? facts->reference : "-",
                   (unsigned long long)d->nth);
    ev.decided = (struct event_fault_decided){.fault = d->rule->name,
                                              .key = key,
                                              .registry = c->listener->registry->name,
                                              .start = x->start,
                                              .op = op_name(x->route.op),
                                              .ref = facts->reference,
                                              .nth = d->nth,
                                              .fired = d->fired,
                                              .actions = d->fired ? actions : NULL,
                                              .request = x->ordinal,
                                              .lane = c->lane->number,
                                              .connection = c->id};
    (void)history_append(c->server->history, &ev);
}

static const char *acted_text(const struct exchange *x, char text[FAULTS_TEXT])
{
    size_t len = 0;
    for (size_t i = 0; i < x->acted_count; i++) {
        const char *name = x->acted[i]->name;
        size_t n = strlen(name);
        if (len + n + 2 > FAULTS_TEXT) {
            break;
        }
        if (len > 0) {
            text[len++] = ' ';
        }
        memcpy(text + len, name, n);
        len += n;
    }
    text[len] = '\0';
    return len > 0 ? text : NULL;
}

static void fill_response(const struct exchange *x, uint64_t delivered, struct event_response *r)
{
    const struct wire_plan *p = &x->plan;
    struct http_span altered = {x->altered_from, x->altered_to - x->altered_from};
    if (x->written == 0) {
        return;
    }
    r->status = p->status;
    r->head_bytes = p->head_len;
    r->digest = p->told;
    if (p->carries_object && delivered > p->head_len) {
        r->object = p->content->digest;
        if (p->parts != NULL) {
            r->pieces = multipart_told(p->parts, delivered - p->head_len, altered);
        } else {
            r->object_from = p->object_from;
            r->object_bytes = delivered - p->head_len;
        }
    }
    if (altered.len > 0) {
        r->altered_from = altered.from;
        r->altered_bytes = altered.len;
    }
}

void exchange_tell_response(const struct connection *c, const char *end, uint64_t unacknowledged)
{
    const struct exchange *x = c->exchange;
    char faults[FAULTS_TEXT];
    uint64_t delivered = x->written - (unacknowledged < x->written ? unacknowledged : x->written);
    bool whole = x->planned && delivered == x->plan.head_len + x->plan.body_len;
    uint64_t end_ns = x->end_ns != 0 ? x->end_ns : history_now_ns(c->server->history);
    struct event ev = {.type = EVENT_RESPONSE, .actor = c->listener->registry->actor};
    struct event_response *r = &ev.response;
    *r = (struct event_response){
        .registry = c->listener->registry->name,
        .lane = c->lane->number,
        .start = x->start,
        .connection = c->id,
        .request = x->ordinal,
        .faults = acted_text(x, faults),
        .written = x->written,
        .delivered = delivered,
        .first_byte_ns = x->first_byte_ns > x->begun_ns ? x->first_byte_ns - x->begun_ns : 0,
        .duration_ns = end_ns - x->begun_ns,
        .end = whole ? "whole" : end,
        .late = x->late,
        .received = x->request_body,
        .stored = x->stored[0] != '\0' ? x->stored : NULL};
    if (x->planned) {
        fill_response(x, delivered, r);
    }
    (void)history_append(c->server->history, &ev);
}
