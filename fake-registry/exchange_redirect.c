/* Requests that are sent elsewhere: blobs to the host that has them, plain HTTP to TLS. */
#include <string.h>

#include "fake-registry/exchange_internal.h"

/* Makes R an answer of STATUS without a body that leads to SCHEME://AUTHORITY TARGET. */
static void lead(struct response *r, unsigned status, const char *scheme, const char *authority,
                 const char *target)
{
    bool head_only = r->head_only;
    response_close(r);
    r->head_only = head_only;
    r->status = status;
    response_header(r, "Location", "%s://%s%s", scheme, authority, target);
}

int exchange_redirect(const struct connection *c, struct response *r)
{
    const struct listener *l = c->listener;
    const struct oci_route *route = &c->exchange->route;
    char target[REDIRECT_MAX];
    /* Conditions and ranges are for whoever sends it to answer. */
    bool there = r->status == 200 || r->status == 206 || r->status == 304 || r->status == 412 ||
                 r->status == 416;
    if (!l->registry->is.redirect_blobs || l->trusted || route->op != OP_BLOB_GET || !there) {
        return 0;
    }
    const struct listener *blobs = exchange_host(l, SERVER_BLOBS);
    if (blobs == NULL) {
        return 0;
    }
    if (!redirect_target(c->server->redirect_key, route, history_now_ns(c->server->history),
                         target)) {
        return -1;
    }
    lead(r, 307, blobs->tls != NULL ? "https" : "http", blobs->authority, target);
    response_header_text(r, "Docker-Distribution-Api-Version", "registry/2.0");
    return 0;
}

int exchange_blob(const struct connection *c, const struct http_request *request,
                  const struct fault_decision *decisions, size_t count, struct response *out)
{
    const struct exchange *x = c->exchange;
    enum redirect_state state =
        x->route.op == OP_OTHER
            ? REDIRECT_BAD
            : redirect_check(c->server->redirect_key, request, history_now_ns(c->server->history));
    if (state != REDIRECT_GOOD) {
        return redirect_refuse(state, out);
    }
    return oci_respond(c->listener->registry->is.store, request, &x->route, decisions, count, out);
}

int exchange_to_https(const struct connection *c, const struct http_request *request,
                      struct response *out)
{
    /* A proxy is asked for whole URLs. */
    const char *target = strstr(request->target, "://");
    target = request->target[0] == '/' || target == NULL ? request->target
                                                         : target + 3 + strcspn(target + 3, "/?");
    lead(out, 301, "https", c->listener->authority, *target == '/' ? target : "/");
    return 0;
}
