/* explain: what registries are called and ask for, and how subjects find them. */
#include "harness/explain_internal.h"

static void tell_names(struct explain *x, const struct scenario_registry *r)
{
    struct buf text;
    if (r->name_count == 0 && !r->tls) {
        return;
    }
    buf_init(&text, EXPLAIN_MAX_TEXT);
    for (size_t i = 0; i < r->name_count; i++) {
        explain_list(&text, i, r->name_count, r->names[i]);
    }
    explain_row(x, r->name_count > 0 ? "  plays" : "  speaks", "%s%s%s", text.data ? text.data : "",
                r->name_count > 0 ? ", by " : "", r->tls ? "TLS" : "plain HTTP");
    buf_close(&text);
}

static void tell_auth(struct explain *x, const struct scenario_registry *r)
{
    static const char *const certificates[] = {
        [CLIENT_CERTIFICATE_NONE] = NULL,
        [CLIENT_CERTIFICATE_ASKED] = "a certificate of the client, if it has one",
        [CLIENT_CERTIFICATE_NEEDED] = "a certificate of the client",
    };
    if (certificates[r->client]) {
        explain_row(x, "  asks for", "%s", certificates[r->client]);
    }
    if (r->auth == REGISTRY_AUTH_TOKEN) {
        explain_row(x, "  asks for", "a token, which %s gets",
                    r->anonymous ? "anybody" : "the credential of this drill");
    } else if (r->auth == REGISTRY_AUTH_BASIC) {
        explain_row(x, "  asks for", "the credential of this drill%s",
                    r->anonymous ? ", but lets anybody pull" : "");
    }
}

static void tell_hosts(struct explain *x, const struct scenario_registry *r)
{
    const char *port = "a port of its own";
    if (r->token.own) {
        explain_row(x, "  gives tokens", "at %s", r->token.name ? r->token.name : port);
    }
    if (r->blobs.own) {
        explain_row(x, "  redirects blobs", "to %s", r->blobs.name ? r->blobs.name : port);
    }
    if (r->upstream) {
        explain_row(x, "  holds", "what %s holds, fetched before the drill begins", r->upstream);
    }
}

void explain_registry(struct explain *x, const struct scenario_registry *r)
{
    tell_names(x, r);
    tell_auth(x, r);
    tell_hosts(x, r);
}

void explain_reach(struct explain *x, const struct scenario_subject *subject)
{
    static const char *const ways[] = {
        [REACH_NAMES] = "by their own names, in a network where nothing else is",
        [REACH_PROXY] = "by their own names, through a proxy that leads nowhere else",
        [REACH_LISTEN] = "at ports of this machine, where --listen says",
        [REACH_PORTS] = NULL,
    };
    if (ways[subject->reach]) {
        explain_row(x, "  finds registries", "%s", ways[subject->reach]);
    }
    if (subject->machine.overlay) {
        explain_row(x, "  may", "write anywhere: its root is thrown away");
    }
    if (subject->machine.keep_sockets) {
        explain_row(x, "  sees", "the container engines of this machine");
    }
}
