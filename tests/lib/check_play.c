/* Words into events: one function a word, one table. */
#include "tests/lib/check_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/units.h"

#define MAX_ARGS 4
#define MAX_WORD 256

struct play {
    struct check_run *r;
    struct hb *b;
    const char *arg[MAX_ARGS]; /* "" where absent */
};

static const char *arg_or(const struct play *p, size_t i, const char *otherwise)
{
    return p->arg[i][0] ? p->arg[i] : otherwise;
}

static uint64_t number(const struct play *p, size_t i, uint64_t otherwise)
{
    return p->arg[i][0] ? strtoull(p->arg[i], NULL, 10) : otherwise;
}

static const char *subject(const struct play *p, size_t i)
{
    return arg_or(p, i, p->b->plan->scenario->subjects[0].name);
}

static uint64_t duration_of(const char *text)
{
    uint64_t ns;
    if (units_duration(text, &ns) != 0) {
        hb_give_up("%s is no duration", text);
    }
    return ns;
}

static uint64_t duration(const struct play *p)
{
    return duration_of(p->arg[0]);
}

/* ---- phases and time ----------------------------------------------------------------------- */

static void on_phase(const struct play *p)
{
    int index = plan_phase(p->b->plan, p->arg[0]);
    if (index < 0) {
        hb_give_up("%s is no phase", p->arg[0]);
    }
    /* The builder keeps the name: the plan's own outlives the word. */
    check_run_phase(p->r, p->b->plan->scenario->phases[index].name);
}

static void on_phases_end(const struct play *p)
{
    check_run_phases_end(p->r);
}

static void on_stop(const struct play *p)
{
    hb_phase_end(p->b, "lost");
    p->b->phase = NULL;
}

static void on_wait(const struct play *p)
{
    p->b->t_ns += duration(p);
}

static void on_lag(const struct play *p)
{
    hb_lag(p->b, duration(p));
}

static void on_gap(const struct play *p)
{
    p->b->n += number(p, 0, 1);
}

/* From now on events take no time. */
static void on_freeze(const struct play *p)
{
    p->b->step_ns = 0;
}

static void on_at_most(const struct play *p)
{
    hb_phase_end(p->b, "at-most");
    p->b->phase = NULL;
}

/* Starts to come begin so late, so long of it for want of a lane. */
static void on_late_by(const struct play *p)
{
    p->b->late_ns = duration(p);
    p->b->waited_ns = duration_of(p->arg[1]);
}

static void on_full(const struct play *p)
{
    struct event ev = {.type = EVENT_ACTION, .actor = "harness"};
    ev.action.action = "max-in-flight";
    ev.action.subject = subject(p, 0);
    hb_append(p->b, &ev);
}

/* IMAGE is put onto REGISTRY, or TAG of its repository moved to it there. */
static void act(const struct play *p, const char *action, const char *tag, const char *registry)
{
    struct event ev = {.type = EVENT_ACTION, .actor = "drill"};
    char reference[256] = "";
    for (size_t i = 0; i < p->b->plan->scenario->image_count; i++) {
        const struct plan_image *image = &p->b->plan->images[i];
        if (strcmp(image->name, p->arg[0]) == 0) {
            snprintf(reference, sizeof reference, "%s:%s", image->repository,
                     tag ? tag : image->tag);
            ev.action.digest = image->digest;
        }
    }
    if (!ev.action.digest) {
        hb_give_up("%s is no image", p->arg[0]);
    }
    ev.action.action = action;
    ev.action.phase = p->b->phase;
    ev.action.registry = registry;
    ev.action.image = p->arg[0];
    ev.action.reference = reference;
    ev.action.ok = true;
    hb_append(p->b, &ev);
}

static void on_publish(const struct play *p)
{
    act(p, "publish", NULL, arg_or(p, 1, "primary"));
}

static void on_move(const struct play *p)
{
    act(p, "move-tag", arg_or(p, 1, "stable"), arg_or(p, 2, "primary"));
}

static void on_done(const struct play *p)
{
    hb_drill_end(p->b, arg_or(p, 0, "completed"), p->arg[1][0] ? p->arg[1] : NULL);
}

/* What the tag of a write may also be: a digest of the first image. */
static const char *written(const struct play *p)
{
    const struct plan_image *image = &p->b->plan->images[0];
    if (strcmp(p->arg[1], "manifest") == 0) {
        return image->digest;
    }
    return strcmp(p->arg[1], "layer") == 0 ? image->blobs[1].digest : p->arg[1];
}

/* The start on lane 1 pushes image N (other content) as a tag of the first image's repository. */
static void on_put(const struct play *p)
{
    uint64_t ask = hb_ask(p->b, 1, p->arg[0], OP_MANIFEST_PUT, written(p));
    struct event_response answer = hb_response(p->b, ask, 201);
    answer.stored = p->arg[2][0] ? p->b->plan->images[number(p, 2, 0)].digest : "sha256:0f";
    hb_respond(p->b, answer);
}

static void on_delete(const struct play *p)
{
    uint64_t ask = hb_ask(p->b, 1, p->arg[0], OP_DELETE, written(p));
    hb_answer(p->b, ask, (unsigned)number(p, 2, 202));
}

/* The registries stood alone: no start was made. */
static void on_served(const struct play *p)
{
    p->b->plan->served = true;
}

static void on_outlived(const struct play *p)
{
    struct event ev = {.type = EVENT_DRILL_END, .actor = "harness"};
    ev.drill_end.reason = "completed";
    ev.drill_end.processes = number(p, 0, 1);
    hb_append(p->b, &ev);
}

/* ---- whole starts -------------------------------------------------------------------------- */

static void on_good(const struct play *p)
{
    hb_good_start(p->b, subject(p, 1), 1, arg_or(p, 0, "primary"));
}

static void on_fallen(const struct play *p)
{
    hb_fallen_start(p->b, subject(p, 1), 1, "primary", 404, arg_or(p, 0, "gone"), "failover");
}

static void on_failed(const struct play *p)
{
    hb_fallen_start(p->b, subject(p, 1), 1, "primary", 404, arg_or(p, 0, "gone"), NULL);
}

/* ---- a start step by step ------------------------------------------------------------------ */

static void on_begin(const struct play *p)
{
    hb_begin(p->b, subject(p, 1), number(p, 0, 1));
}

static void on_control(const struct play *p)
{
    hb_begin_control(p->b, subject(p, 1), number(p, 0, 1));
}

static void on_takes(const struct play *p)
{
    hb_begin(p->b, subject(p, 1), 1);
    p->b->t_ns += duration(p);
    hb_end(p->b, 1, 1);
}

static void on_open(const struct play *p)
{
    hb_open(p->b, number(p, 1, 1), p->arg[0]);
}

static void on_get(const struct play *p)
{
    hb_get(p->b, number(p, 2, 1), p->arg[0], OP_MANIFEST_GET, p->b->plan->images[0].tag,
           (unsigned)number(p, 1, 200));
}

static void on_head(const struct play *p)
{
    hb_get(p->b, number(p, 2, 1), p->arg[0], OP_MANIFEST_HEAD, p->b->plan->images[0].tag,
           (unsigned)number(p, 1, 200));
}

static void on_blob(const struct play *p)
{
    const struct plan_image *image = &p->b->plan->images[0];
    hb_get(p->b, number(p, 2, 1), p->arg[0], OP_BLOB_GET, image->blobs[number(p, 1, 0)].digest,
           200);
}

static void on_ping(const struct play *p)
{
    hb_get(p->b, number(p, 1, 1), p->arg[0], OP_PING, NULL, 200);
}

static void on_pull(const struct play *p)
{
    hb_pull(p->b, number(p, 2, 1), arg_or(p, 0, "primary"), number(p, 1, 0));
}

static void on_cut(const struct play *p)
{
    uint64_t ask = hb_ask(p->b, 1, p->arg[0], OP_BLOB_GET, p->b->plan->images[0].blobs[1].digest);
    hb_answer_cut(p->b, ask, number(p, 1, 1), "gone");
}

static void on_ended(const struct play *p)
{
    hb_end(p->b, number(p, 1, 1), (int)number(p, 0, 0));
}

static void on_hung(const struct play *p)
{
    hb_end_hung(p->b, number(p, 0, 1));
}

static void on_cancel(const struct play *p)
{
    struct event_start_end end = {.exit = -1, .signal = 9, .cancelled = true, .leftovers = 2};
    hb_end_with(p->b, number(p, 0, 1), end);
}

static void on_leave(const struct play *p)
{
    struct event_start_end end = {.leftovers = number(p, 0, 1)};
    hb_end_with(p->b, number(p, 1, 1), end);
}

/* The result claims that image N was pulled, or runs; what it names was hashed: LAYOUT says how. */
static void on_claim(const struct play *p)
{
    char result[256];
    struct event_start_end end = {.result = result, .layout = p->arg[1][0] ? p->arg[1] : NULL};
    snprintf(result, sizeof result, "{\"digest\": \"%s\"}",
             p->b->plan->images[number(p, 0, 0)].digest);
    hb_end_with(p->b, 1, end);
}

/* An answer of STATUS that tells the digest of image 0 all the same. */
static void on_told(const struct play *p)
{
    const struct plan_image *image = &p->b->plan->images[number(p, 2, 0)];
    uint64_t ask = hb_ask(p->b, 1, p->arg[0], OP_MANIFEST_GET, image->tag);
    struct event_response answer = hb_response(p->b, ask, 200);
    answer.status = (unsigned)number(p, 1, 200);
    hb_respond(p->b, answer);
}

static void on_layout(const struct play *p)
{
    struct event_start_end end = {.layout = arg_or(p, 0, "whole")};
    hb_end_with(p->b, 1, end);
}

/* ---- what is no request -------------------------------------------------------------------- */

/* The start on lane 1 looks up a name of REGISTRY ("": of nobody), spoilt by FAULT ("": by none).
 */
static void on_lookup(const struct play *p)
{
    struct event ev = {.type = EVENT_LOOKUP, .actor = "dns"};
    ev.lookup = (struct event_lookup){.registry = p->arg[2][0] ? p->arg[2] : NULL,
                                      .lane = 1,
                                      .start = p->b->last_start,
                                      .name = p->arg[0],
                                      .type = "A",
                                      .answer = arg_or(p, 1, "198.18.1.1"),
                                      .faults = p->arg[3][0] ? p->arg[3] : NULL,
                                      .transport = "udp"};
    hb_append(p->b, &ev);
}

/* FAULT takes something from the machine that the start on lane 1 begins on. */
static void on_machine(const struct play *p)
{
    struct event ev = {.type = EVENT_FAULT_DECIDED, .actor = "drill"};
    ev.decided = (struct event_fault_decided){.fault = p->arg[0],
                                              .lane = 1,
                                              .start = p->b->last_start,
                                              .op = op_name(OP_START),
                                              .nth = 1,
                                              .fired = true};
    hb_append(p->b, &ev);
}

/* The kernel has counted N of COUNTER in lane 1 while its start ran. */
static void on_counter(const struct play *p)
{
    struct event ev = {.type = EVENT_COUNTER, .actor = "harness"};
    ev.counter = (struct event_counter){
        .lane = 1, .start = p->b->last_start, .counter = p->arg[0], .value = number(p, 1, 1)};
    hb_append(p->b, &ev);
}

/* ---- what belongs to no start -------------------------------------------------------------- */

static void request(const struct play *p, uint64_t start, bool late)
{
    struct event ev = {.type = EVENT_REQUEST};
    ev.request.registry = ev.request.host = p->arg[0];
    ev.request.lane = 1;
    ev.request.start = start;
    ev.request.late = late;
    ev.request.op = OP_MANIFEST_GET;
    ev.request.ordinal = 7777;
    ev.request.connection = 3333;
    hb_append(p->b, &ev);
}

static void on_stray(const struct play *p)
{
    request(p, 0, false);
}

static void on_late(const struct play *p)
{
    request(p, p->b->last_start, true);
}

static void on_decided(const struct play *p)
{
    hb_decided(p->b, p->arg[0], "primary", 0, true);
}

static void on_armed(const struct play *p)
{
    hb_armed(p->b, p->arg[0]);
}

static void on_healed(const struct play *p)
{
    hb_healed(p->b, p->arg[0]);
}

static void on_probe(const struct play *p)
{
    hb_probe(p->b, "healed", p->arg[0], strcmp(p->arg[1], "bad") != 0, "as told");
}

/* ---- words --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*play)(const struct play *p);
} words_table[] = {
    {"phase", on_phase},     {"phases-end", on_phases_end},
    {"stop", on_stop},       {"wait", on_wait},
    {"lag", on_lag},         {"gap", on_gap},
    {"done", on_done},       {"good", on_good},
    {"fallen", on_fallen},   {"failed", on_failed},
    {"begin", on_begin},     {"control", on_control},
    {"open", on_open},       {"get", on_get},
    {"blob", on_blob},       {"ping", on_ping},
    {"pull", on_pull},       {"cut", on_cut},
    {"exit", on_ended},      {"hung", on_hung},
    {"cancel", on_cancel},   {"leave", on_leave},
    {"layout", on_layout},   {"stray", on_stray},
    {"late", on_late},       {"decided", on_decided},
    {"armed", on_armed},     {"healed", on_healed},
    {"probe", on_probe},     {"outlived", on_outlived},
    {"takes", on_takes},     {"freeze", on_freeze},
    {"at-most", on_at_most}, {"late-by", on_late_by},
    {"full", on_full},       {"claim", on_claim},
    {"told", on_told},       {"head", on_head},
    {"publish", on_publish}, {"move", on_move},
    {"lookup", on_lookup},   {"counter", on_counter},
    {"machine", on_machine}, {"served", on_served},
    {"put", on_put},         {"delete", on_delete},
};

/* Plays WORD, which is cut up: NAME[:ARG…][*TIMES]. */
static void play_word(struct check_run *r, char *word)
{
    struct play p = {.r = r, .b = r->b, .arg = {"", "", "", ""}};
    char *times = strchr(word, '*');
    size_t count = 0;
    if (times) {
        *times++ = '\0';
    }
    char *name = strsep(&word, ":");
    while (word && count < MAX_ARGS) {
        p.arg[count++] = strsep(&word, ":");
    }
    for (size_t i = 0; i < sizeof words_table / sizeof words_table[0]; i++) {
        if (strcmp(words_table[i].name, name) == 0) {
            for (uint64_t n = times ? strtoull(times, NULL, 10) : 1; n > 0; n--) {
                words_table[i].play(&p);
            }
            return;
        }
    }
    hb_give_up("%s is no word of a play", name);
}

void check_play(struct check_run *r, const char *words)
{
    while (*words) {
        char word[MAX_WORD];
        size_t len = strcspn(words, " ");
        if (len >= sizeof word) {
            hb_give_up("a word is too long: %s", words);
        }
        memcpy(word, words, len);
        word[len] = '\0';
        if (len > 0) {
            play_word(r, word);
        }
        words += len + (words[len] == ' ' ? 1 : 0);
    }
}
