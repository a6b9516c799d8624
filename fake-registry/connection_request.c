/* What a connection does with each part of a request: its head, pieces of its body, its end.
 *
 * Happy path: a head begins an exchange, the body is kept where the request writes and read past
 * where it does not, and the end has it answered. A client that asks whether to send its body is
 * told to go on only where the body is wanted.
 *
 * Failure modes: a body that is not kept is read past up to SERVER_BODY; a longer one, or one that
 * was asked about, is answered at once, and the connection ends once the client has had time to
 * read that. What is not HTTP is answered and the connection ends.
 */
#include <sys/socket.h>

#include "fake-registry/exchange_internal.h"

static void send_continue(struct connection *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    ssize_t n = sizeof(text) - 1;
    if (c->tls == NULL) {
        n = send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
    } else if (tls_session_write(c->tls, text, sizeof(text) - 1) != 0) {
        n = -1;
    } else {
        (void)connection_tls_flush(c);
    }
    if (n == (ssize_t)sizeof(text) - 1) {
        c->written += sizeof(text) - 1;
    } else {
        connection_lost(c, true);
    }
}

static void refuse(struct connection *c, unsigned status, const char *why)
{
    if (exchange_refuse(c, status, why) != 0) {
        connection_fail(c, "no memory to answer a request");
        return;
    }
    connection_run(c);
}

/* Answers a request whose body is not to be kept, and has not come yet. */
static void answer_early(struct connection *c)
{
    if (exchange_answer(c, http_parser_request(c->parser), false) != 0) {
        connection_fail(c, "no memory to answer a request");
        return;
    }
    connection_run(c);
}

/* Whether the answer is known without the body, which is not to be kept: that of a write that is
 * refused, or of what is asked where there is no such thing. */
static bool is_known(const struct connection *c)
{
    return oci_is_write(c->exchange->route.op) || c->exchange->route.bad != NULL;
}

/* More of a body is to come than is read past. */
static void too_much(struct connection *c)
{
    if (is_known(c)) {
        answer_early(c);
    } else {
        refuse(c, 413, "the body of the request is too large");
    }
}

static void on_head(struct connection *c)
{
    const struct http_request *request = http_parser_request(c->parser);
    if (c->proxy != NULL && !connection_proxied(c, request)) {
        c->in_body = c->tunnel != NULL; /* a CONNECT is to be read to its end, and no further */
        return;
    }
    if (exchange_begin(c, request) != 0 || exchange_write_begin(c, request) != 0) {
        connection_fail(c, "no memory to answer a request");
        return;
    }
    c->in_body = true;
    bool kept = exchange_write_takes(c->exchange);
    bool asks = request->has_body && request->expect_continue;
    if (kept && request->content_length > STORE_MAX_BLOB) {
        refuse(c, 413, "the body of the request is too large");
    } else if (!kept && request->content_length > SERVER_BODY) {
        too_much(c);
    } else if (asks && !kept && is_known(c)) {
        answer_early(c); /* instead of the 100 that it waits for */
    } else if (asks) {
        send_continue(c);
    }
}

static void on_body(struct connection *c, const char *data, size_t len)
{
    struct exchange *x = c->exchange;
    x->request_body += len;
    if (exchange_write_takes(x)) {
        exchange_write_body(x, data, len);
        return;
    }
    exchange_body(x, data, len);
    x->past += len;
    if (x->past > SERVER_BODY) {
        too_much(c);
    }
}

static void on_done(struct connection *c)
{
    c->in_body = false;
    if (c->tunnel != NULL) {
        http_parser_next(c->parser);
        connection_tunnel(c);
        return;
    }
    const struct http_request *request = http_parser_request(c->parser);
    int answered = exchange_answer(c, request, request->keep_alive);
    if (answered > 0) {
        c->state = CONNECTION_STORING;
        return;
    }
    http_parser_next(c->parser);
    if (answered != 0) {
        connection_fail(c, "no memory to answer a request");
        return;
    }
    connection_run(c);
}

static void on_broken(struct connection *c)
{
    const char *why = NULL;
    unsigned status = http_parser_status(c->parser, &why);
    if (status == 500) {
        connection_fail(c, "no memory to read a request");
        return;
    }
    if (c->exchange == NULL && c->proxy != NULL) {
        connection_proxy_broken(c, status, why);
        return;
    }
    if (c->exchange == NULL && exchange_begin(c, NULL) != 0) {
        connection_fail(c, "no memory to answer a request");
        return;
    }
    refuse(c, status, why);
}

void connection_request(struct connection *c, enum http_event event, const char *body,
                        size_t body_len)
{
    switch (event) {
    case HTTP_MORE:
        break;
    case HTTP_HEAD:
        on_head(c);
        break;
    case HTTP_BODY:
        on_body(c, body, body_len);
        break;
    case HTTP_DONE:
        on_done(c);
        break;
    case HTTP_BROKEN:
        on_broken(c);
        break;
    }
}
