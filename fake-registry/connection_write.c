/* Carrying out the segments of an answer on a socket.
 *
 * Happy path: head and body leave in one sendmsg; the plan is done and the connection reads again.
 * Memory segments that follow each other share a call; files go by sendfile. The kernel is never
 * given a byte beyond the next delay, stall or cut.
 *
 * Failure modes: a full send queue leaves the segment under way until the loop says it drains; a
 * peer that is gone ends the connection; what one connection, and all, may write in a turn of the
 * loop is bounded. A step whose rule was healed is passed by, altered memory gives way to the true
 * bytes, so that what follows a heal is always the untouched rest.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#include "fake-registry/exchange_internal.h"
#include "harness/base/clock.h"

/* A paced answer is sent in steps of this length. */
#define PACE_MS 20

static bool healed(const struct connection *c, const struct segment *s)
{
    return s->rule != NULL && !fault_engine_armed(c->server->faults, s->rule);
}

static bool alters(const struct connection *c, const struct segment *s)
{
    return s->original != NULL && !healed(c, s);
}

/* The answer's faults act once its first byte goes. */
static void head_begun(struct exchange *x)
{
    for (size_t i = 0; i < x->answer_count; i++) {
        exchange_acted(x, x->answer[i]);
    }
    x->answer_count = 0;
}

static void note_altered(struct exchange *x, const struct segment *s, uint64_t from, uint64_t len)
{
    exchange_acted(x, s->rule);
    if (x->altered_to == 0 || from < x->altered_from) {
        x->altered_from = from;
    }
    if (from + len > x->altered_to) {
        x->altered_to = from + len;
    }
}

/* Books N bytes that the kernel took, segment by segment. */
static void advance(struct connection *c, uint64_t n)
{
    struct exchange *x = c->exchange;
    c->written += n;
    c->progress_ms = uv_now(c->server->loop);
    if (x->written == 0) {
        head_begun(x);
    }
    while (n > 0) {
        const struct segment *s = &x->plan.segment[x->at];
        uint64_t left = s->len - x->done;
        uint64_t part = n < left ? n : left;
        if (s->body) {
            if (x->first_byte_ns == 0) {
                x->first_byte_ns = history_now_ns(c->server->history);
            }
            if (alters(c, s)) {
                note_altered(x, s, x->plan.object_from + x->written - x->plan.head_len, part);
            }
        }
        x->written += part;
        x->done += part;
        n -= part;
        if (x->done == s->len) {
            x->at++;
            x->done = 0;
        }
    }
}

size_t connection_gather(const struct connection *c, struct iovec vector[CONNECTION_VECTORS],
                         uint64_t limit)
{
    const struct exchange *x = c->exchange;
    size_t count = 0;
    uint64_t done = x->done;
    for (size_t i = x->at; i < x->plan.count && count < CONNECTION_VECTORS && limit > 0;
         i++, done = 0) {
        const struct segment *s = &x->plan.segment[i];
        if (s->kind != SEGMENT_MEMORY) {
            break;
        }
        uint64_t len = s->len - done < limit ? s->len - done : limit;
        const uint8_t *data = s->original != NULL && healed(c, s) ? s->original : s->data;
        union {
            const uint8_t *in;
            void *out;
        } base = {data + done}; /* sendmsg only reads, but iovec cannot say so */
        vector[count++] = (struct iovec){.iov_base = base.out, .iov_len = (size_t)len};
        limit -= len;
    }
    return count;
}

static ssize_t send_memory(const struct connection *c, uint64_t limit)
{
    struct iovec vector[CONNECTION_VECTORS];
    struct msghdr message = {.msg_iov = vector};
    message.msg_iovlen = connection_gather(c, vector, limit);
    return sendmsg(c->fd, &message, MSG_NOSIGNAL);
}

/* sendfile knows no MSG_NOSIGNAL: a SIGPIPE of its own is kept off and taken away again. */
static ssize_t send_file(const struct connection *c, const struct segment *s, uint64_t limit)
{
    uint64_t left = s->len - c->exchange->done;
    off_t offset = (off_t)(s->offset + c->exchange->done);
    const struct timespec now = {0};
    sigset_t broken_pipe;
    sigset_t before;
    (void)sigemptyset(&broken_pipe);
    (void)sigaddset(&broken_pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    ssize_t n = sendfile(c->fd, s->fd, &offset, (size_t)(left < limit ? left : limit));
    int error = errno;
    if (n < 0 && error == EPIPE && sigismember(&before, SIGPIPE) == 0) {
        (void)sigtimedwait(&broken_pipe, NULL, &now);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = n == 0 ? EIO : error; /* the file is shorter than its content says */
    return n == 0 ? -1 : n;
}

static void wait_until(struct connection *c, uint64_t deadline_ns, enum connection_state state)
{
    uint64_t now = history_now_ns(c->server->history);
    uint64_t ms =
        deadline_ns > now ? (deadline_ns - now + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS : 0;
    c->deadline_ns = deadline_ns;
    c->state = state;
    (void)uv_timer_start(&c->timer, connection_timer, ms, 0);
}

bool connection_asks_ahead(const struct connection *c)
{
    int waiting = 0;
    return c->ahead > 0 || (c->tls != NULL && tls_session_partial(c->tls)) ||
           (ioctl(c->fd, SIOCINQ, &waiting) == 0 && waiting > 0);
}

/* Sends or, under TLS, encrypts what is next, at most LIMIT bytes. */
static ssize_t send_next(struct connection *c, const struct segment *s, uint64_t limit)
{
    if (c->tls != NULL) {
        return connection_tls_send(c, s, limit);
    }
    return s->kind == SEGMENT_FILE ? send_file(c, s, limit) : send_memory(c, limit);
}

/* Sends once from the segment under way. False where it is time to do something else. */
static bool send_some(struct connection *c, const struct segment *s, uint64_t *budget)
{
    struct exchange *x = c->exchange;
    uint64_t limit = *budget;
    if (x->rate > 0) {
        uint64_t step = x->rate * PACE_MS / 1000 + 1;
        limit = step < limit ? step : limit;
    }
    c->early = c->early || connection_asks_ahead(c);
    ssize_t n = send_next(c, s, limit);
    if (n < 0) {
        if (errno == EIO) {
            connection_close(c, "ours-rst", "harness", NULL);
        } else if (errno != EAGAIN && errno != EINTR) {
            connection_lost(c, true);
        }
        return false;
    }
    advance(c, (uint64_t)n);
    uint64_t *left = &c->server->turn_left;
    *left -= (uint64_t)n < *left ? (uint64_t)n : *left;
    if (c->tls != NULL) {
        (void)connection_tls_flush(c);
        if (c->state == CONNECTION_CLOSED) {
            return false;
        }
    }
    *budget -= (uint64_t)n;
    if (x->rate > 0 && x->at < x->plan.count) {
        wait_until(c, history_now_ns(c->server->history) + (uint64_t)n * CLOCK_NS_PER_S / x->rate,
                   CONNECTION_WAITING);
        return false;
    }
    return *budget > 0;
}

/* One step that is no bytes. */
static void carry_out(struct connection *c, const struct segment *s)
{
    struct exchange *x = c->exchange;
    if (healed(c, s)) {
        x->at++;
        return;
    }
    switch (s->kind) {
    case SEGMENT_DELAY:
        exchange_acted(x, s->rule);
        wait_until(c, history_now_ns(c->server->history) + s->delay_ns, CONNECTION_WAITING);
        break;
    case SEGMENT_RATE:
        exchange_acted(x, s->rule);
        x->rate = s->rate;
        x->at++;
        break;
    case SEGMENT_STALL:
        exchange_acted(x, s->rule);
        c->state = CONNECTION_STALLED;
        break;
    case SEGMENT_FIN:
    case SEGMENT_RST:
        connection_cut(c, s->kind, s->rule);
        break;
    case SEGMENT_MEMORY:
    case SEGMENT_FILE:
        break;
    }
}

/* Every segment is carried out. */
static void finish(struct connection *c)
{
    struct exchange *x = c->exchange;
    x->complete = true;
    x->end_ns = history_now_ns(c->server->history);
    if (x->plan.close_after) {
        c->state = CONNECTION_READING;
        if (!connection_settle(c, false)) {
            c->settles_late = true;
        }
        if (c->tls != NULL) {
            connection_tls_leave(c);
        } else {
            connection_linger(c);
        }
        return;
    }
    c->state = CONNECTION_READING;
    if (c->settles_late) {
        connection_watch(c);
    } else if (!connection_settle(c, false)) {
        c->settles_late = true;
    }
}

/* What one more connection may write in this turn, so that hundreds that take all they are given
 * do not keep their neighbours waiting. */
static uint64_t turn_budget(struct server *s)
{
    uint64_t now = uv_now(s->loop); /* it stands still in a turn */
    if (now != s->turn_ms) {
        s->turn_ms = now;
        s->turn_left = SERVER_TURN_ALL;
    }
    uint64_t share = s->turn_left < SERVER_TURN ? s->turn_left : SERVER_TURN;
    return share > SERVER_TURN_LEAST ? share : SERVER_TURN_LEAST;
}

void connection_run(struct connection *c)
{
    struct exchange *x = c->exchange;
    uint64_t budget = turn_budget(c->server);
    c->state = CONNECTION_WRITING;
    while (c->state == CONNECTION_WRITING) {
        if (c->tls != NULL && !connection_tls_flush(c)) {
            return; /* what comes next is begun when all before it is with the kernel */
        }
        if (x->at == x->plan.count) {
            finish(c);
            return;
        }
        const struct segment *s = &x->plan.segment[x->at];
        if (s->kind != SEGMENT_MEMORY && s->kind != SEGMENT_FILE) {
            carry_out(c, s);
        } else if (!send_some(c, s, &budget)) {
            return;
        }
    }
}

void connection_timer(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    if (c->state == CONNECTION_LINGERING && c->unsaid) {
        connection_linger(c);
        connection_update(c);
        return;
    }
    if (c->state == CONNECTION_LINGERING) {
        connection_lost(c, false);
        return;
    }
    if (c->state == CONNECTION_READING && c->notified && c->exchange == NULL) {
        connection_linger(c);
        connection_update(c);
        return;
    }
    if (c->state != CONNECTION_WAITING || connection_held(c)) {
        return;
    }
    if (history_now_ns(c->server->history) < c->deadline_ns) {
        wait_until(c, c->deadline_ns, CONNECTION_WAITING);
        return;
    }
    if (c->exchange->plan.segment[c->exchange->at].kind == SEGMENT_DELAY) {
        c->exchange->at++;
    }
    connection_run(c);
    connection_pump(c);
    connection_update(c);
}

void connection_resume(struct connection *c)
{
    const struct exchange *x = c->exchange;
    if (healed(c, &x->plan.segment[x->at])) {
        connection_run(c);
    }
}

void connection_healed(struct connection *c, const struct fault_rule *rule)
{
    struct exchange *x = c->exchange;
    if (connection_held(c)) {
        return;
    }
    if (c->state == CONNECTION_STALLED && x == NULL) {
        connection_tls_healed(c, rule);
        return;
    }
    bool waits = c->state == CONNECTION_WAITING || c->state == CONNECTION_STALLED;
    if (waits && x->plan.segment[x->at].rule == rule) {
        (void)uv_timer_stop(&c->timer);
        connection_run(c);
    } else if (c->state == CONNECTION_DRAINING && c->cut_rule == rule) {
        /* The cut has not been made: it is called off. */
        connection_unwatch(c);
        c->cut_rule = NULL;
        if (x != NULL && x->planned && !x->complete) {
            connection_run(c);
        } else {
            bool shaking = c->tls != NULL && !tls_session_open(c->tls);
            bool storing = x != NULL && !x->planned && !c->in_body && x->write != NULL;
            c->state = shaking   ? CONNECTION_SHAKING
                       : storing ? CONNECTION_STORING
                                 : CONNECTION_READING;
            if (x != NULL && x->complete) {
                (void)connection_settle(c, false);
            }
        }
    }
    connection_pump(c);
    connection_update(c);
}
