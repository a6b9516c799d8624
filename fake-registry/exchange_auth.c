/* What a request shows of credentials, what it is let do with them, and the realm of tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/auth.h"
#include "fake-registry/exchange_internal.h"
#include "harness/base/clock.h"

#define TOKEN_PATH "/token"

/* ---- the realm ------------------------------------------------------------------------------ */

const struct listener *exchange_host(const struct listener *l, enum server_role role)
{
    for (const struct listener *at = l->lane->listeners; at != NULL; at = at->next_in_lane) {
        if (at->registry == l->registry && at->role == role) {
            return at;
        }
    }
    return NULL;
}

static bool asks_tokens(const struct listener *l)
{
    return l->registry->is.auth != NULL && auth_mode(l->registry->is.auth) == AUTH_TOKEN;
}

/* Its own host where there is one, else the registry itself. */
static const struct listener *realm_of(const struct listener *l)
{
    const struct listener *own = exchange_host(l, SERVER_TOKEN);
    return own != NULL ? own : l;
}

void exchange_route(const struct listener *l, const struct http_request *request,
                    struct oci_route *out)
{
    if (l->role == SERVER_BLOBS) {
        redirect_route(request, out);
    } else if (l->role == SERVER_TOKEN ||
               (l->role == SERVER_REGISTRY && asks_tokens(l) && realm_of(l) == l &&
                strcmp(request->path, TOKEN_PATH) == 0)) {
        *out = (struct oci_route){
            .op = strcmp(request->path, TOKEN_PATH) == 0 ? OP_TOKEN : OP_OTHER, .allow = ""};
    } else {
        oci_route(request, out);
        if (l->registry->is.rules.read_only) {
            out->allow = oci_allowed_reads(out->allow);
        }
    }
}

/* ---- what a request shows ------------------------------------------------------------------- */

/* Also of a registry that has no tokens to give: who falls back to it may ask it for one. */
bool exchange_has_form(const struct connection *c, const struct http_request *request)
{
    enum op op = c->exchange->route.op;
    return request->has_body && (op == OP_TOKEN || (op == OP_OTHER && c->server->asks));
}

void exchange_body(struct exchange *x, const char *data, size_t len)
{
    if (!x->untold || x->form_len + len > AUTH_MAX_FORM) {
        return;
    }
    if (x->form == NULL) {
        x->form = malloc(AUTH_MAX_FORM + 1);
    }
    if (x->form != NULL) {
        memcpy(x->form + x->form_len, data, len);
        x->form_len += len;
        x->form[x->form_len] = '\0';
    }
}

const char *exchange_credential(const struct connection *c, const struct http_request *request,
                                char *text, size_t size)
{
    const struct server *s = c->server;
    const char *form = c->exchange->form;
    const char *found = http_request_header(request, "Authorization") != NULL ? "unknown" : "none";
    for (int i = 0; i < s->registry_count && s->asks; i++) {
        const struct registry *r = s->registries[i];
        if (r->is.auth == NULL || auth_carried(r->is.auth, request, form) != AUTH_CARRIED_KNOWN) {
            continue;
        }
        if (r != c->listener->registry) {
            (void)snprintf(text, size, "other:%s", r->name);
            return text;
        }
        found = "own";
    }
    return found;
}

/* ---- what it is let do ---------------------------------------------------------------------- */

#define REALM_MAX (SERVER_AUTHORITY + 32)

/* REALM_URL holds the text that the ask points to. */
static struct auth_ask ask_of(const struct connection *c, const struct http_request *request,
                              char realm_url[REALM_MAX])
{
    const struct listener *realm = realm_of(c->listener);
    (void)snprintf(realm_url, REALM_MAX, "%s://%s" TOKEN_PATH,
                   realm->tls != NULL ? "https" : "http", realm->authority);
    return (struct auth_ask){.request = request,
                             .route = &c->exchange->route,
                             .form = c->exchange->form,
                             .realm = realm_url,
                             .service = c->listener->authority,
                             .now_ns = history_now_ns(c->server->history)};
}

bool exchange_may_mount(const struct connection *c, const struct http_request *request,
                        const char *repository)
{
    const struct listener *l = c->listener;
    char realm[REALM_MAX];
    if (l->registry->is.auth == NULL || l->trusted) {
        return true;
    }
    const struct auth_ask ask = ask_of(c, request, realm);
    return auth_may_pull(l->registry->is.auth, &ask, repository);
}

int exchange_authorize(const struct connection *c, const struct http_request *request,
                       struct response *out)
{
    const struct listener *l = c->listener;
    char realm[REALM_MAX];
    if (l->registry->is.auth == NULL || l->trusted || l->role != SERVER_REGISTRY ||
        c->exchange->route.op == OP_TOKEN || c->exchange->route.astray) {
        return 0;
    }
    const struct auth_ask ask = ask_of(c, request, realm);
    return auth_check(l->registry->is.auth, &ask, out);
}

int exchange_token(const struct connection *c, const struct http_request *request,
                   struct response *out)
{
    char realm[REALM_MAX];
    char wall[32];
    if (!asks_tokens(c->listener) || c->exchange->route.op != OP_TOKEN) {
        return response_error(out, 404, NULL, "no such endpoint");
    }
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "POST") != 0) {
        int rc = response_error(out, 405, NULL, "the operation is unsupported");
        response_header_text(out, "Allow", "GET, POST");
        return rc;
    }
    struct auth_ask ask = ask_of(c, request, realm);
    clock_wall_text(wall);
    ask.wall = wall;
    return auth_give_token(c->listener->registry->is.auth, &ask, out);
}
