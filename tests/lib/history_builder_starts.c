/* Starts, connections, requests and answers of a history built by hand. */
#include <string.h>

#include "tests/lib/history_builder.h"

/* ---- starts -------------------------------------------------------------------------------- */

static struct hb_lane *lane_of(struct hb *b, uint64_t lane)
{
    if (lane >= HB_MAX_LANES) {
        hb_give_up("lane %llu is too large", (unsigned long long)lane);
    }
    return &b->lane[lane];
}

static int registry_of(const struct hb *b, const char *name)
{
    int index = plan_registry(b->plan, name);
    if (index < 0) {
        hb_give_up("no registry %s", name);
    }
    return index;
}

static uint64_t begin(struct hb *b, const char *subject, uint64_t number, bool control)
{
    struct hb_lane *lane = lane_of(b, number);
    struct event ev = {.type = EVENT_START_BEGIN};
    lane->start = ++b->last_start;
    lane->subject = plan_subject(b->plan, subject);
    lane->control = control;
    ev.start_begin.subject = subject;
    ev.start_begin.phase = control ? NULL : b->phase;
    ev.start_begin.lane = number;
    ev.start_begin.start = lane->start;
    ev.start_begin.control = control;
    ev.start_begin.late_ns = b->late_ns;
    ev.start_begin.waited_ns = b->waited_ns;
    ev.start_begin.command = "subject";
    hb_append(b, &ev);
    lane->begin_ns = b->t_ns;
    return lane->start;
}

uint64_t hb_begin(struct hb *b, const char *subject, uint64_t lane)
{
    return begin(b, subject, lane, false);
}

uint64_t hb_begin_control(struct hb *b, const char *subject, uint64_t lane)
{
    return begin(b, subject, lane, true);
}

uint64_t hb_end_with(struct hb *b, uint64_t number, struct event_start_end end)
{
    struct hb_lane *lane = lane_of(b, number);
    struct event ev = {.type = EVENT_START_END, .start_end = end};
    ev.start_end.lane = number;
    ev.start_end.start = lane->start;
    ev.start_end.subject = b->plan->scenario->subjects[lane->subject].name;
    ev.start_end.phase = lane->control ? NULL : b->phase;
    ev.start_end.control = lane->control;
    ev.start_end.duration_ns = b->t_ns - lane->begin_ns;
    uint64_t n = hb_append(b, &ev);
    lane->start = 0;
    return n;
}

static void hang_up(struct hb *b, uint64_t lane)
{
    for (uint64_t c = 1; c <= b->last_connection; c++) {
        if (b->connection[c].open && b->connection[c].lane == lane) {
            hb_close(b, c, "peer-fin", NULL);
        }
    }
}

uint64_t hb_end(struct hb *b, uint64_t lane, int exit)
{
    hang_up(b, lane);
    return hb_end_with(b, lane, (struct event_start_end){.exit = exit});
}

uint64_t hb_end_hung(struct hb *b, uint64_t lane)
{
    hang_up(b, lane);
    return hb_end_with(b, lane,
                       (struct event_start_end){.exit = -1, .signal = 9, .timed_out = true});
}

/* ---- connections and requests -------------------------------------------------------------- */

uint64_t hb_open(struct hb *b, uint64_t number, const char *registry)
{
    struct hb_lane *lane = lane_of(b, number);
    struct event ev = {.type = EVENT_CONNECTION_OPEN};
    if (b->last_connection + 1 >= HB_MAX_CONNECTIONS) {
        hb_give_up("too many connections");
    }
    uint64_t c = ++b->last_connection;
    int r = registry_of(b, registry);
    b->connection[c] =
        (struct hb_connection){.lane = number, .start = lane->start, .registry = r, .open = true};
    lane->connection[r] = c;
    ev.open.registry = registry;
    ev.open.host = registry;
    ev.open.lane = number;
    ev.open.start = lane->start;
    ev.open.connection = c;
    ev.open.peer = "127.0.0.1:1";
    hb_append(b, &ev);
    return c;
}

uint64_t hb_close(struct hb *b, uint64_t number, const char *how, const char *fault)
{
    struct hb_connection *c = &b->connection[number];
    struct hb_lane *lane = lane_of(b, c->lane);
    struct event ev = {.type = EVENT_CONNECTION_CLOSE};
    c->open = false;
    if (lane->connection[c->registry] == number) {
        lane->connection[c->registry] = 0;
    }
    ev.close.registry = b->plan->scenario->registries[c->registry].name;
    ev.close.lane = c->lane;
    ev.close.start = lane->start;
    ev.close.connection = number;
    ev.close.how = how;
    ev.close.requests = c->requests;
    ev.close.fault = fault;
    return hb_append(b, &ev);
}

static bool is_manifest(enum op op)
{
    return op == OP_MANIFEST_HEAD || op == OP_MANIFEST_GET;
}

static bool is_blob(enum op op)
{
    return op == OP_BLOB_HEAD || op == OP_BLOB_GET;
}

static void resolve_blob(const struct hb *b, struct hb_request *r, const char *reference)
{
    for (size_t i = 0; i < b->plan->scenario->image_count; i++) {
        const struct plan_image *image = &b->plan->images[i];
        for (size_t k = 0; k < image->blob_count; k++) {
            if (strcmp(image->blobs[k].digest, reference) == 0) {
                r->digest = image->blobs[k].digest;
                r->size = image->blobs[k].size;
                r->repository = image->repository;
                return;
            }
        }
    }
}

static void resolve_manifest(const struct hb *b, struct hb_request *r, const char *reference)
{
    for (size_t i = 0; i < b->plan->scenario->image_count; i++) {
        const struct plan_image *image = &b->plan->images[i];
        if (strcmp(image->tag, reference) == 0 || strcmp(image->digest, reference) == 0) {
            r->digest = image->digest;
            r->size = image->manifest_size;
            r->repository = image->repository;
            return;
        }
        int m = plan_image_manifest(image, reference);
        if (m >= 0) {
            r->digest = image->manifests[m].digest;
            r->size = image->manifests[m].size;
            r->repository = image->repository;
            return;
        }
    }
}

uint64_t hb_ask_range(struct hb *b, uint64_t number, const char *registry, enum op op,
                      const char *reference, const char *range)
{
    struct hb_lane *lane = lane_of(b, number);
    int index = registry_of(b, registry);
    if (lane->connection[index] == 0) {
        hb_open(b, number, registry);
    }
    if (b->last_request + 1 >= HB_MAX_REQUESTS) {
        hb_give_up("too many requests");
    }
    uint64_t ordinal = ++b->last_request;
    struct hb_request *r = &b->request[ordinal];
    *r = (struct hb_request){
        .lane = number,
        .start = lane->start,
        .connection = lane->connection[index],
        .registry = index,
        .op = op,
        .repository = b->plan->scenario->image_count > 0 ? b->plan->images[0].repository : NULL};
    if (is_blob(op)) {
        resolve_blob(b, r, reference);
    } else if (is_manifest(op)) {
        resolve_manifest(b, r, reference);
    }
    b->connection[r->connection].requests++;
    struct event ev = {.type = EVENT_REQUEST};
    ev.request = (struct event_request){.registry = registry,
                                        .host = b->host != NULL ? b->host : registry,
                                        .lane = number,
                                        .start = r->start,
                                        .connection = r->connection,
                                        .ordinal = ordinal,
                                        .op = op,
                                        .method = "GET",
                                        .path = "/v2/",
                                        .repository = r->repository,
                                        .reference = reference,
                                        .digest = r->digest,
                                        .range = range,
                                        .credential = "none",
                                        .pipelined = b->pipelined};
    hb_append(b, &ev);
    return ordinal;
}

uint64_t hb_ask(struct hb *b, uint64_t lane, const char *registry, enum op op,
                const char *reference)
{
    return hb_ask_range(b, lane, registry, op, reference, NULL);
}

struct event_response hb_response(const struct hb *b, uint64_t ordinal, unsigned status)
{
    const struct hb_request *r = &b->request[ordinal];
    bool ok = status >= 200 && status < 300;
    struct event_response response = {
        .registry = b->plan->scenario->registries[r->registry].name,
        .lane = r->lane,
        .start = r->start,
        .connection = r->connection,
        .request = ordinal,
        .status = status,
        .head_bytes = status == 0 ? 0 : 200,
        .duration_ns = b->step_ns,
        .end = "whole",
    };
    response.delivered = response.head_bytes;
    if (ok && is_manifest(r->op)) {
        response.digest = r->digest;
    }
    if (ok && (r->op == OP_MANIFEST_GET || r->op == OP_BLOB_GET)) {
        response.object = r->digest;
        response.object_bytes = r->size;
        response.first_byte_ns = b->step_ns / 2;
        response.delivered += r->size;
    }
    response.written = response.delivered;
    return response;
}

uint64_t hb_respond(struct hb *b, struct event_response response)
{
    struct event ev = {.type = EVENT_RESPONSE, .response = response};
    return hb_append(b, &ev);
}

uint64_t hb_answer(struct hb *b, uint64_t request, unsigned status)
{
    return hb_respond(b, hb_response(b, request, status));
}

uint64_t hb_answer_fault(struct hb *b, uint64_t request, unsigned status, const char *fault)
{
    struct event_response response = hb_response(b, request, status);
    response.faults = fault;
    response.end = status == 0 ? "cut" : "whole";
    return hb_respond(b, response);
}

uint64_t hb_answer_cut(struct hb *b, uint64_t request, uint64_t bytes, const char *fault)
{
    struct event_response response = hb_response(b, request, 200);
    response.faults = fault;
    response.object_bytes = bytes;
    response.delivered = response.head_bytes + bytes;
    response.written = response.delivered;
    response.end = "cut";
    return hb_respond(b, response);
}

uint64_t hb_get(struct hb *b, uint64_t lane, const char *registry, enum op op,
                const char *reference, unsigned status)
{
    return hb_answer(b, hb_ask(b, lane, registry, op, reference), status);
}

/* ---- whole starts -------------------------------------------------------------------------- */

void hb_pull(struct hb *b, uint64_t lane, const char *registry, size_t index)
{
    const struct plan_image *image = &b->plan->images[index];
    hb_get(b, lane, registry, OP_MANIFEST_HEAD, image->tag, 200);
    hb_get(b, lane, registry, OP_MANIFEST_GET, image->tag, 200);
    if (plan_image_is_index(image)) {
        hb_pull_manifest(b, lane, registry, index, 0);
        return;
    }
    for (size_t k = 0; k < image->blob_count; k++) {
        hb_get(b, lane, registry, OP_BLOB_GET, image->blobs[k].digest, 200);
    }
}

void hb_pull_manifest(struct hb *b, uint64_t lane, const char *registry, size_t index,
                      size_t manifest)
{
    const struct plan_manifest *m = &b->plan->images[index].manifests[manifest];
    hb_get(b, lane, registry, OP_MANIFEST_GET, m->digest, 200);
    for (size_t k = 0; k < m->blob_count; k++) {
        hb_get(b, lane, registry, OP_BLOB_GET, m->blobs[k].digest, 200);
    }
}

uint64_t hb_good_start(struct hb *b, const char *subject, uint64_t lane, const char *registry)
{
    uint64_t start = hb_begin(b, subject, lane);
    hb_pull(b, lane, registry, 0);
    hb_end(b, lane, 0);
    return start;
}

uint64_t hb_fallen_start(struct hb *b, const char *subject, uint64_t lane, const char *registry,
                         unsigned status, const char *fault, const char *other)
{
    uint64_t start = hb_begin(b, subject, lane);
    uint64_t request = hb_ask(b, lane, registry, OP_MANIFEST_GET, b->plan->images[0].tag);
    if (fault) {
        hb_decided(b, fault, registry, start, true);
        hb_answer_fault(b, request, status, fault);
    } else {
        hb_answer(b, request, status);
    }
    if (other) {
        hb_pull(b, lane, other, 0);
    }
    hb_end(b, lane, other ? 0 : 1);
    return start;
}
