/* Faults that meet a TLS handshake, decided when the client's first bytes have come: whoever only
 * connects has begun none. */
#include <stdio.h>

#include "fake-registry/server_internal.h"

const char *connection_tls_fault(const struct connection *c)
{
    return c->tls_rule != NULL && connection_tls_trouble(c) != NULL ? c->tls_rule->name : NULL;
}

static void emit_decided(const struct connection *c, const struct fault_decision *d)
{
    char actions[256] = "";
    char key[96];
    struct event ev = {.type = EVENT_FAULT_DECIDED, .actor = c->listener->registry->actor};
    if (d->fired) {
        fault_action_text(&d->action, actions, sizeof(actions));
    }
    (void)snprintf(key, sizeof(key), "%llu %s - %llu", (unsigned long long)c->start,
                   op_name(OP_HANDSHAKE), (unsigned long long)d->nth);
    ev.decided = (struct event_fault_decided){.fault = d->rule->name,
                                              .key = key,
                                              .registry = c->listener->registry->name,
                                              .start = c->start,
                                              .op = op_name(OP_HANDSHAKE),
                                              .nth = d->nth,
                                              .fired = d->fired,
                                              .actions = d->fired ? actions : NULL,
                                              .lane = c->lane->number,
                                              .connection = c->id};
    (void)history_append(c->server->history, &ev);
}

/* Takes the place of the session, which nothing was fed to yet. */
static void show_flaw(struct connection *c, const struct fault_rule *rule)
{
    enum tls_flaw flaw = (enum tls_flaw)rule->param[PARAM_FLAW].number;
    struct tls_context *context = tls_context_flawed(c->listener->tls, flaw, NULL);
    struct tls_session *session = context != NULL ? tls_session_new(context) : NULL;
    if (session == NULL) {
        connection_fail(c, "no memory for TLS on a connection");
        return;
    }
    tls_session_free(c->tls);
    c->tls = session;
}

static void act(struct connection *c, const struct fault_rule *rule)
{
    c->tls_rule = rule;
    switch (rule->kind->kind) {
    case FAULT_TLS_CERTIFICATE:
        show_flaw(c, rule);
        break;
    case FAULT_TLS_STALL:
        c->state = CONNECTION_STALLED;
        break;
    case FAULT_TLS_RESET:
        connection_close(c, "ours-rst", "cut", rule);
        break;
    default:
        break;
    }
}

bool connection_tls_decide(struct connection *c)
{
    struct fault_decision decision[FAULT_MAX_DECISIONS];
    struct oci_route route = {.op = OP_HANDSHAKE};
    const struct listener *l = c->listener;
    uint64_t nth = c->start != 0 ? server_lane_asked(c->lane, l->host, &route) : 0;
    if (!fault_engine_any(c->server->faults, l->host)) {
        return true;
    }
    const struct fault_facts facts = {.target = l->host,
                                      .op = OP_HANDSHAKE,
                                      .lane = c->lane->number,
                                      .start = c->start,
                                      .nth = nth,
                                      .connection = c->id,
                                      .client = c->client,
                                      .now_ns = history_now_ns(c->server->history)};
    size_t count = fault_decide(c->server->faults, &facts, STAGE_TLS, STAGE_TLS, decision);
    /* All are told; the first that fired acts. */
    for (size_t i = 0; i < count; i++) {
        emit_decided(c, &decision[i]);
    }
    for (size_t i = 0; i < count && c->tls_rule == NULL; i++) {
        if (decision[i].fired) {
            act(c, decision[i].rule);
        }
    }
    return c->state != CONNECTION_CLOSED;
}
