/* A response and the faults that met it, laid out as the segments a connection carries out.
 *
 * Happy path: one memory segment for the head and one for the body. Faults add to that in one pass:
 * steps (delays, stalls, cuts) are sorted by their place, before the head or at a byte of the body,
 * and by decision order within a place; altered ranges replace parts of the body. Where two altered
 * ranges overlap the first keeps the overlap, so that two flips of one bit cannot undo each other.
 *
 * Failure modes: no memory for altered copies, a disk store that cannot be read, more decisions
 * than stated. All leave the response with the caller.
 */
#include "fake-registry/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/wire_internal.h"

/* A delay, stall or cut at its place: AT counts body bytes, BEFORE_HEAD comes before them all. */
struct step {
    bool before_head;
    uint64_t at;
    const struct fault_action *action;
};

/* A part of the body that is sent altered; DATA and ORIGINAL are copies or point into the body. */
struct range {
    uint64_t from;
    uint64_t to;
    const struct fault_action *action;
    const uint8_t *data;
    const uint8_t *original;
};

struct draft {
    struct wire_plan *plan;
    struct step step[FAULT_MAX_DECISIONS];
    size_t steps;
    struct range range[FAULT_MAX_DECISIONS]; /* ascending, disjoint */
    size_t ranges;
};

/* ---- sorting the decisions ----------------------------------------------------------------- */

static bool comes_before(const struct step *a, const struct step *b)
{
    if (a->before_head != b->before_head) {
        return a->before_head;
    }
    return a->at < b->at;
}

/* Keeps the steps sorted; equal places stay in decision order. */
static void add_step(struct draft *d, struct step step)
{
    if (!step.before_head && step.at > d->plan->body_len) {
        return; /* past the end: it could not show */
    }
    size_t i = d->steps++;
    for (; i > 0 && comes_before(&step, &d->step[i - 1]); i--) {
        d->step[i] = d->step[i - 1];
    }
    d->step[i] = step;
}

/* Takes away what the ranges before it already cover. */
static void trim(struct range *r, const struct range *earlier)
{
    if (r->to <= earlier->from || r->from >= earlier->to) {
        return;
    }
    if (r->from < earlier->from) {
        r->to = earlier->from;
    } else {
        r->from = r->to < earlier->to ? r->to : earlier->to;
    }
}

static void add_range(struct draft *d, const struct fault_action *a)
{
    uint64_t len = d->plan->body_len;
    struct range r = {.from = a->offset, .action = a};
    if (a->offset >= len) {
        return;
    }
    r.to = a->bytes < len - a->offset ? a->offset + a->bytes : len;
    for (size_t i = 0; i < d->ranges; i++) {
        trim(&r, &d->range[i]);
    }
    if (r.from >= r.to) {
        return;
    }
    size_t i = d->ranges++;
    for (; i > 0 && r.from < d->range[i - 1].from; i--) {
        d->range[i] = d->range[i - 1];
    }
    d->range[i] = r;
}

static void sort_decision(struct draft *d, const struct fault_action *a)
{
    switch (a->rule->kind->kind) {
    case FAULT_LATENCY:
        if (a->delay_ns > 0) {
            add_step(d, (struct step){.before_head = true, .action = a});
        }
        break;
    case FAULT_STALL:
    case FAULT_TRUNCATE:
    case FAULT_CLOSE:
    case FAULT_RESET:
        add_step(d, (struct step){a->before_head, a->before_head ? 0 : a->after_bytes, a});
        break;
    case FAULT_CORRUPT:
        add_range(d, a);
        break;
    case FAULT_REFUSE:
    case FAULT_BLACK_HOLE:
    case FAULT_DELETE_IMAGE:
    case FAULT_STALE_TAG:
    case FAULT_STATUS:
    case FAULT_DNS_NXDOMAIN:
    case FAULT_DNS_TIMEOUT:
    case FAULT_DNS_SLOW:
    case FAULT_DNS_FLAP:
    case FAULT_NETWORK_LATE:
    case FAULT_TLS_CERTIFICATE:
    case FAULT_TLS_STALL:
    case FAULT_TLS_RESET:
    case FAULT_KINDS:
        break; /* they acted before there was an answer, or are the answer */
    }
}

/* ---- altered copies ------------------------------------------------------------------------ */

/* A stretch of the body: LEN bytes at DATA, or (NULL) of the content's file, from OFFSET. */
struct stretch {
    const uint8_t *data;
    uint64_t offset;
    uint64_t len;
};

/* The stretch that begins at AT of the body, which is not its end. */
static struct stretch stretch_at(const struct wire_plan *p, uint64_t at)
{
    struct stretch s = {NULL, p->object_from + at, p->body_len - at};
    if (p->parts != NULL) {
        struct multipart_piece piece = multipart_at(p->parts, at);
        s.offset = piece.offset;
        s.len = piece.len;
        if (piece.text) {
            s.data = (const uint8_t *)p->parts->text + piece.offset;
            return s;
        }
    }
    if (p->small != NULL) {
        s.data = (const uint8_t *)p->small + at;
    } else if (p->content != NULL && p->content->data != NULL) {
        s.data = p->content->data + s.offset;
    }
    return s;
}

/* The bytes FROM..TO of the body, where they lie side by side in memory; else NULL. */
static const uint8_t *body_memory(const struct wire_plan *p, uint64_t from, uint64_t to)
{
    struct stretch s = stretch_at(p, from);
    return s.len >= to - from ? s.data : NULL;
}

static int read_file(int fd, uint8_t *to, uint64_t len, uint64_t from, struct err *e)
{
    while (len > 0) {
        ssize_t n = pread(fd, to, len, (off_t)from);
        if (n <= 0) {
            return n < 0 ? err_errno(e, errno, "reading a blob to alter it")
                         : err_set(e, ERR_IO, "a blob is shorter than its size says");
        }
        to += n;
        from += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return 0;
}

/* Copies LEN bytes of the body, from FROM. */
static int read_body(const struct wire_plan *p, uint8_t *to, uint64_t len, uint64_t from,
                     struct err *e)
{
    while (len > 0) {
        struct stretch s = stretch_at(p, from);
        uint64_t n = s.len < len ? s.len : len;
        if (s.data != NULL) {
            memcpy(to, s.data, n);
        } else if (read_file(p->content->fd, to, n, s.offset, e) != 0) {
            return -1;
        }
        to += n;
        from += n;
        len -= n;
    }
    return 0;
}

/* Copies and alters R, into AT: its altered bytes, and behind them the true ones where those do not
 * lie in memory. How many bytes that took in *TOOK. */
static int alter_range(const struct wire_plan *plan, struct range *r, uint8_t *at, size_t *took,
                       struct err *e)
{
    size_t len = (size_t)(r->to - r->from);
    r->data = at;
    r->original = body_memory(plan, r->from, r->to);
    *took = len;
    if (r->original == NULL) {
        r->original = at + len;
        *took = 2 * len;
        if (read_body(plan, at + len, len, r->from, e) != 0) {
            return -1;
        }
    }
    for (size_t k = 0; k < len; k++) {
        at[k] = r->original[k] ^ r->action->flip;
    }
    return 0;
}

/* Copies and alters every range, into one owned block. */
static int alter(struct draft *d, struct err *e)
{
    struct wire_plan *plan = d->plan;
    size_t total = 0;
    for (size_t i = 0; i < d->ranges; i++) {
        const struct range *r = &d->range[i];
        bool there = body_memory(plan, r->from, r->to) != NULL;
        total += (size_t)(r->to - r->from) * (there ? 1 : 2);
    }
    if (total == 0) {
        return 0;
    }
    uint8_t *at = plan->altered = malloc(total);
    if (at == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for the altered part of an answer");
    }
    for (size_t i = 0; i < d->ranges; i++) {
        size_t took = 0;
        if (alter_range(plan, &d->range[i], at, &took, e) != 0) {
            return -1;
        }
        at += took;
    }
    plan->altered_from = plan->object_from + d->range[0].from;
    plan->altered_bytes = d->range[d->ranges - 1].to - d->range[0].from;
    return 0;
}

/* ---- segments ------------------------------------------------------------------------------ */

static struct segment *add_segment(struct draft *d, enum segment_kind kind)
{
    struct segment *s = &d->plan->segment[d->plan->count++];
    *s = (struct segment){.kind = kind, .fd = -1};
    return s;
}

static void add_plain(struct draft *d, uint64_t from, uint64_t to)
{
    while (from < to) {
        struct stretch at = stretch_at(d->plan, from);
        struct segment *s = add_segment(d, at.data != NULL ? SEGMENT_MEMORY : SEGMENT_FILE);
        s->body = true;
        s->len = at.len < to - from ? at.len : to - from;
        if (at.data != NULL) {
            s->data = at.data;
        } else {
            s->fd = d->plan->content->fd;
            s->offset = at.offset;
        }
        from += s->len;
    }
}

static void add_altered(struct draft *d, const struct range *r, uint64_t from, uint64_t to)
{
    struct segment *s = add_segment(d, SEGMENT_MEMORY);
    s->rule = r->action->rule;
    s->body = true;
    s->data = r->data + (from - r->from);
    s->original = r->original + (from - r->from);
    s->len = to - from;
}

/* The body from FROM to TO, its altered parts apart. */
static void add_body(struct draft *d, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < d->ranges && from < to; i++) {
        const struct range *r = &d->range[i];
        if (r->to <= from || r->from >= to) {
            continue;
        }
        if (from < r->from) {
            add_plain(d, from, r->from);
            from = r->from;
        }
        uint64_t end = to < r->to ? to : r->to;
        add_altered(d, r, from, end);
        from = end;
    }
    if (from < to) {
        add_plain(d, from, to);
    }
}

static void add_action(struct draft *d, const struct fault_action *a)
{
    enum segment_kind kind = SEGMENT_FIN;
    if (a->rule->kind->kind == FAULT_LATENCY) {
        kind = SEGMENT_DELAY;
    } else if (a->rule->kind->kind == FAULT_STALL) {
        kind = SEGMENT_STALL;
    } else if (a->rule->kind->kind == FAULT_RESET) {
        kind = SEGMENT_RST;
    }
    struct segment *s = add_segment(d, kind);
    s->rule = a->rule;
    s->delay_ns = a->delay_ns;
}

static void lay_out(struct draft *d)
{
    struct wire_plan *plan = d->plan;
    uint64_t at = 0;
    size_t i = 0;
    for (; i < d->steps && d->step[i].before_head; i++) {
        add_action(d, d->step[i].action);
    }
    struct segment *head = add_segment(d, SEGMENT_MEMORY);
    head->data = (const uint8_t *)plan->head;
    head->len = plan->head_len;
    for (; i < d->steps; i++) {
        add_body(d, at, d->step[i].at);
        at = d->step[i].at;
        add_action(d, d->step[i].action);
    }
    add_body(d, at, plan->body_len);
}

/* Room for all that lay_out may add: head and body, or the parts of it and the texts around them,
 * each step, and the splits that steps and ranges make. */
static int make_room(const struct draft *d)
{
    struct wire_plan *plan = d->plan;
    size_t most = 2 + 2 * (d->steps + d->ranges);
    most += plan->parts != NULL ? 2 * plan->parts->count : 0;
    if (most > WIRE_FEW_SEGMENTS) {
        plan->segment = malloc(most * sizeof(*plan->segment));
    }
    return plan->segment != NULL ? 0 : -1;
}

static int plan_faults(struct wire_plan *plan, const struct fault_decision *decisions, size_t count,
                       struct err *e)
{
    struct draft d;
    d.plan = plan;
    d.steps = 0;
    d.ranges = 0;
    for (size_t i = 0; i < count; i++) {
        if (decisions[i].fired) {
            sort_decision(&d, &decisions[i].action);
        }
    }
    if (alter(&d, e) != 0) {
        return -1;
    }
    if (make_room(&d) != 0) {
        return err_set(e, ERR_NOMEM, "no memory for the plan of an answer");
    }
    lay_out(&d);
    return 0;
}

/* The memory of PLAN, but for the body. */
static void free_memory(struct wire_plan *plan)
{
    if (plan->segment != plan->few) {
        free(plan->segment);
    }
    free(plan->altered);
    free(plan->head);
    plan->segment = plan->few;
    plan->altered = NULL;
    plan->head = NULL;
    plan->count = 0;
}

static void begin(struct wire_plan *plan, const struct response *r, bool keep_alive)
{
    plan->segment = plan->few;
    plan->count = 0;
    plan->status = r->status;
    plan->content = r->content;
    plan->opened = r->opened;
    plan->small = r->small;
    plan->parts = r->parts;
    plan->told = r->told;
    plan->head = NULL;
    plan->body_len = r->head_only || wire_bodiless(r->status) ? 0 : r->len;
    plan->object_from = r->from;
    plan->carries_object = r->content != NULL && r->small == NULL;
    plan->altered_from = 0;
    plan->altered_bytes = 0;
    plan->altered = NULL;
    plan->close_after = !keep_alive;
}

static bool readable(const struct wire_plan *plan)
{
    const struct content *c = plan->content;
    return plan->small != NULL || (c != NULL && (c->data != NULL || c->fd >= 0));
}

int wire_plan(struct response *response, const struct fault_decision *decisions, size_t count,
              bool keep_alive, struct wire_plan *plan, struct err *e)
{
    if (count > FAULT_MAX_DECISIONS) {
        return err_set(e, ERR_LIMIT, "more than %d faults met one answer", FAULT_MAX_DECISIONS);
    }
    begin(plan, response, keep_alive);
    if (plan->body_len > 0 && !readable(plan)) {
        return err_set(e, ERR_IO, "the body of an answer was not opened");
    }
    if (wire_head(plan, response, keep_alive, e) != 0 ||
        plan_faults(plan, decisions, count, e) != 0) {
        free_memory(plan);
        plan->content = NULL; /* the body stays the caller's */
        plan->small = NULL;
        plan->parts = NULL;
        return -1;
    }
    response_init(response);
    return 0;
}

void wire_plan_close(struct wire_plan *plan)
{
    free_memory(plan);
    if (plan->content != NULL && plan->opened) {
        content_close(plan->content);
    }
    content_unref(plan->content);
    free(plan->small);
    multipart_free(plan->parts);
    plan->content = NULL;
    plan->small = NULL;
    plan->parts = NULL;
}
