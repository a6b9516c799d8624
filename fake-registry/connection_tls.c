/* TLS between a connection and its socket.
 *
 * Happy path: what recv brought is fed to the session and its plaintext taken like that of plain
 * HTTP; an answer's bytes become a record each, never beyond the next delay, stall or cut, which
 * leaves before the next one is made. An orderly end says close_notify, a cut never does. A peer's
 * close_notify is no end yet: its FIN or RST tells how it went. Only a peer that waits for ours
 * first is given it.
 *
 * Failure modes: a handshake that fails, and records that are broken, get an alert and the end, and
 * connection-close says why in words; a peer's alert is its end of the connection; a request of
 * plain HTTP is answered in plain, as other servers do.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/exchange_internal.h"
#include "fake-registry/tls.h"

/* Whoever closes after its close_notify has done so long before. */
#define NOTIFIED_MS 100
/* So has whoever closes once it has its answer, unless the machine is busy; one that waits for the
 * end is not to wait for long. */
#define LEAVE_MS 250

bool connection_tls_open(struct connection *c)
{
    c->tls = tls_session_new(c->listener->tls);
    c->state = CONNECTION_SHAKING;
    return c->tls != NULL;
}

const char *connection_tls_trouble(const struct connection *c)
{
    if (c->tls == NULL) {
        return NULL;
    }
    const char *error = tls_session_error(c->tls);
    if (error != NULL || tls_session_open(c->tls)) {
        return error;
    }
    return c->shook ? "the handshake was not finished" : "the handshake was not begun";
}

/* ---- writing ------------------------------------------------------------------------------- */

bool connection_tls_pending(const struct connection *c)
{
    size_t len = 0;
    (void)tls_session_output(c->tls, &len);
    return len > 0;
}

bool connection_tls_flush(struct connection *c)
{
    for (;;) {
        size_t len = 0;
        const char *data = tls_session_output(c->tls, &len);
        if (len == 0) {
            return c->state != CONNECTION_CLOSED;
        }
        if (c->exchange != NULL) {
            c->early = c->early || connection_asks_ahead(c);
        }
        ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n >= 0) {
            tls_session_sent(c->tls, (size_t)n);
        } else if (errno != EINTR) {
            if (errno != EAGAIN) {
                connection_lost(c, true);
            }
            return false;
        }
    }
}

bool connection_tls_writable(struct connection *c)
{
    if (!connection_tls_flush(c)) {
        return false;
    }
    if (c->state == CONNECTION_LINGERING && !c->fin_sent && !c->unsaid) {
        connection_fin(c);
    }
    return true;
}

/* Copies what the answer has next, of memory segments that follow each other or of one file. -1
 * with EIO: the file is shorter than its content says. */
static ssize_t copy_next(const struct connection *c, const struct segment *s, char *to,
                         uint64_t limit)
{
    struct iovec vector[CONNECTION_VECTORS];
    const struct exchange *x = c->exchange;
    if (s->kind == SEGMENT_FILE) {
        uint64_t left = s->len - x->done;
        ssize_t n =
            pread(s->fd, to, (size_t)(left < limit ? left : limit), (off_t)(s->offset + x->done));
        errno = n == 0 ? EIO : errno;
        return n == 0 ? -1 : n;
    }
    size_t count = connection_gather(c, vector, limit);
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(to + len, vector[i].iov_base, vector[i].iov_len);
        len += vector[i].iov_len;
    }
    return (ssize_t)len;
}

ssize_t connection_tls_send(struct connection *c, const struct segment *s, uint64_t limit)
{
    char *record = c->server->record;
    ssize_t n = copy_next(c, s, record, limit < TLS_RECORD ? limit : TLS_RECORD);
    if (n > 0 && tls_session_write(c->tls, record, (size_t)n) != 0) {
        errno = EPIPE;
        return -1;
    }
    return n;
}

void connection_tls_leave(struct connection *c)
{
    c->state = CONNECTION_LINGERING;
    c->unsaid = true;
    (void)uv_timer_start(&c->timer, connection_timer, LEAVE_MS, 0);
}

void connection_tls_shut(struct connection *c)
{
    c->unsaid = false;
    tls_session_shut(c->tls);
    (void)connection_tls_flush(c);
}

/* ---- reading ------------------------------------------------------------------------------- */

void connection_tls_notified(struct connection *c)
{
    if (c->notified && !c->peer_fin && c->state == CONNECTION_READING && c->exchange == NULL &&
        c->input.len == 0 && !uv_is_active((uv_handle_t *)&c->timer)) {
        (void)uv_timer_start(&c->timer, connection_timer, NOTIFIED_MS, 0);
    }
}

static void answer_plain(const struct connection *c)
{
    static const char text[] = "HTTP/1.0 400 Bad Request\r\n\r\n"
                               "Client sent an HTTP request to an HTTPS server.\n";
    (void)send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
}

static void failed(struct connection *c)
{
    if (tls_session_plain_http(c->tls)) {
        tls_session_drop(c->tls); /* no alert: it would not be understood */
        answer_plain(c);
    }
    bool sent = connection_tls_flush(c);
    if (tls_session_refused(c->tls)) {
        connection_close(c, "peer-fin", "abandoned", NULL);
    } else if (!sent || c->exchange != NULL) {
        connection_close(c, "ours-fin", "abandoned", NULL);
    } else {
        connection_linger(c);
    }
}

/* One step of the session. False where nothing is left to be done now. */
static bool step(struct connection *c)
{
    char *plain = c->server->read; /* what was fed from there is no longer needed */
    size_t len = 0;
    enum tls_event event = tls_session_read(c->tls, plain, SERVER_READ, &len);
    if (event == TLS_FAILED) {
        failed(c);
        return false;
    }
    if (c->state == CONNECTION_SHAKING && tls_session_open(c->tls)) {
        c->state = CONNECTION_READING;
    }
    (void)connection_tls_flush(c);
    if (event == TLS_CLOSED) {
        c->notified = true;
        connection_tls_notified(c);
    } else if (event == TLS_DATA && c->state != CONNECTION_CLOSED) {
        connection_take(c, plain, len);
    }
    return event == TLS_DATA;
}

/* As far as what has come allows; a handshake that a fault holds stays as it is. */
static void go_on(struct connection *c)
{
    if (c->state == CONNECTION_STALLED && c->exchange == NULL) {
        return;
    }
    while (c->state != CONNECTION_CLOSED && c->state != CONNECTION_LINGERING && step(c)) {
    }
}

void connection_tls_take(struct connection *c, size_t len)
{
    c->progress_ms = uv_now(c->server->loop);
    if (c->state == CONNECTION_LINGERING || (!c->shook && !connection_tls_decide(c))) {
        return;
    }
    c->shook = true;
    if (tls_session_feed(c->tls, c->server->read, len) != 0) {
        connection_close(c, "limit", "harness", NULL);
        return;
    }
    go_on(c);
}

void connection_tls_healed(struct connection *c, const struct fault_rule *rule)
{
    if (c->tls_rule == rule) {
        c->state = CONNECTION_SHAKING;
        go_on(c);
        connection_update(c);
    }
}
