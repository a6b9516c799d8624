/* `try`: one start of one's own command against healthy registries, every look-up of a name and
 * every request printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/units.h"
#include "harness/commands/command.h"
#include "harness/commands/listen.h"
#include "harness/commands/options.h"
#include "harness/drill.h"
#include "harness/history/event.h"

#define TRY_MAX_REQUESTS 4096
#define FILE_NAME "try.json"

/* What is printed of a request waits here for its response. */
struct asked {
    uint64_t ordinal;
    uint64_t t_ns;
    char text[400];
};

struct watch {
    struct asked *asked; /* a ring by ordinal */
    uint64_t requests;
    enum outcome outcome;
    char reason[512];
    char tail[2048];
    uint64_t duration_ns;
    bool ended;
    const char *primary; /* the real names, printed with each request; NULL: they have none */
    const char *failover;
};

/* What COMMAND calls REGISTRY. */
static const char *name_of(const struct watch *w, const char *registry)
{
    const char *name = strcmp(registry, "primary") == 0 ? w->primary : w->failover;
    return name != NULL ? name : "";
}

static void on_request(struct watch *w, const struct event *ev)
{
    struct asked *a = &w->asked[ev->request.ordinal % TRY_MAX_REQUESTS];
    a->ordinal = ev->request.ordinal;
    a->t_ns = ev->t_ns;
    snprintf(a->text, sizeof a->text, "%-9s %-4s %.100s%.200s%s%s", ev->request.registry,
             ev->request.method != NULL ? ev->request.method : "-",
             name_of(w, ev->request.registry),
             ev->request.path != NULL ? ev->request.path : "(not HTTP)",
             ev->request.range != NULL ? "  Range: " : "",
             ev->request.range != NULL ? ev->request.range : "");
    w->requests++;
}

static void on_response(struct watch *w, const struct event *ev)
{
    const struct asked *a = &w->asked[ev->response.request % TRY_MAX_REQUESTS];
    const struct event_response *r = &ev->response;
    if (a->ordinal != r->request) {
        return;
    }
    uint64_t body = r->delivered > r->head_bytes ? r->delivered - r->head_bytes : 0;
    char sent[48] = "";
    if (r->received > 0) {
        snprintf(sent, sizeof sent, "%llu bytes sent, ", (unsigned long long)r->received);
    }
    printf("%8.3fs  %s -> %s%llu, %llu bytes%s%s\n", (double)a->t_ns / 1e9, a->text, sent,
           (unsigned long long)r->status, (unsigned long long)body,
           r->end != NULL && strcmp(r->end, "whole") != 0 ? ", " : "",
           r->end != NULL && strcmp(r->end, "whole") != 0 ? r->end : "");
}

static void on_lookup(const struct event *ev)
{
    const struct event_lookup *l = &ev->lookup;
    printf("%8.3fs  %-9s look up %s %s -> %s%s\n", (double)ev->t_ns / 1e9,
           l->registry != NULL ? l->registry : "-", l->name, l->type, l->answer,
           l->registry != NULL ? "" : ", for nobody plays it");
}

static void on_end(struct watch *w, const struct event_start_end *end)
{
    bool started = end->exit >= 0 || end->signal != 0; /* else the tail is why not */
    w->ended = true;
    w->outcome = end->outcome;
    w->duration_ns = end->duration_ns;
    snprintf(w->reason, sizeof w->reason, "%s", started && end->reason != NULL ? end->reason : "");
    snprintf(w->tail, sizeof w->tail, "%s", end->tail != NULL ? end->tail : "");
}

static void on_event(void *data, const struct event *ev)
{
    struct watch *w = data;
    switch (ev->type) {
    case EVENT_REQUEST:
        on_request(w, ev);
        break;
    case EVENT_RESPONSE:
        on_response(w, ev);
        break;
    case EVENT_LOOKUP:
        on_lookup(ev);
        break;
    case EVENT_START_END:
        on_end(w, &ev->start_end);
        break;
    default:
        break;
    }
}

static void put_registry(struct buf *b, const char *role, const char *name, const struct options *o)
{
    buf_printf(b, "\"%s\": {", role);
    if (name != NULL) {
        buf_str(b, "\"names\": [");
        buf_json_string(b, name, strlen(name));
        buf_str(b, "]");
    }
    if (o->auth != NULL) {
        buf_printf(b, "%s\"auth\": {\"type\": \"%s\"%s}", name != NULL ? ", " : "", o->auth,
                   strcmp(o->auth, "token") == 0 ? ", \"anonymous\": true" : "");
    }
    buf_str(b, "}");
}

/* Of a command that is told no addresses, whoever is not named does not exist. */
static void put_registries(struct buf *b, const struct options *o)
{
    buf_str(b, "\"registries\": {");
    put_registry(b, "primary", o->primary, o);
    if (o->primary == NULL || o->failover != NULL) {
        buf_str(b, ", ");
        put_registry(b, "failover", o->failover, o);
    }
    buf_str(b, "}");
}

static char *scenario_text(const struct options *o)
{
    struct buf b;
    const char *image = o->image != NULL ? o->image : "ci/agent:stable";
    const char *timeout = o->timeout != NULL ? o->timeout : "60s";
    buf_init(&b, 1u << 20);
    buf_str(&b, "{\"version\": 1, \"title\": \"try\", ");
    put_registries(&b, o);
    buf_str(&b, ", \"images\": {\"agent\": {\"ref\": ");
    buf_json_string(&b, image, strlen(image));
    buf_str(&b, ", \"layers\": [{\"size\": \"64KiB\", \"files\": {\"usr/local/bin/agent\": "
                "\"${subjects.dir}/agent\"}}, \"1MiB\"]}}, "
                "\"subjects\": {\"try\": {\"command\": [\"true\"], \"timeout\": ");
    buf_json_string(&b, timeout, strlen(timeout));
    buf_str(&b, o->listen[0] != '\0' ? ", \"reach\": \"listen\"" : "");
    buf_str(&b, o->primary != NULL ? ", \"reach\": \"names\"" : "");
    buf_str(&b, "}}, \"phases\": [{\"name\": \"try\", \"starts\": 1}]}");
    return buf_take(&b);
}

static int tell(const struct watch *w, const struct verdict *v)
{
    if (w->tail[0] != '\0') {
        printf("\noutput:\n%s%s", w->tail, w->tail[strlen(w->tail) - 1] == '\n' ? "" : "\n");
    }
    if (v->verdict == VERDICT_SKIPPED) {
        printf("skipped: %s\n", v->why != NULL ? v->why : "this machine does not allow it");
        return EXIT_SKIPPED;
    }
    if (!w->ended || v->verdict == VERDICT_ERROR) {
        printf("\nno answer: %s\n", v->why != NULL ? v->why : "the command never ended");
        return EXIT_ERROR;
    }
    char duration[32];
    units_duration_text(w->duration_ns, duration);
    printf("\n%s after %s, %llu request%s%s%s\n", outcome_name(w->outcome), duration,
           (unsigned long long)w->requests, w->requests == 1 ? "" : "s",
           w->reason[0] != '\0' ? ": " : "", w->reason);
    return w->outcome == OUTCOME_WORKED ? EXIT_PASS : EXIT_FAIL;
}

static int try_scenario(const struct options *o, struct scenario *scenario, struct err *e)
{
    struct watch w = {.primary = o->primary, .failover = o->failover};
    w.asked = calloc(TRY_MAX_REQUESTS, sizeof *w.asked);
    if (w.asked == NULL) {
        scenario_free(scenario);
        return err_set(e, ERR_NOMEM, "no memory");
    }
    const struct plan_listen listen = listen_of(o);
    struct drill_options options = {.bare = true,
                                    .listen = &listen,
                                    .has_seed = true,
                                    .seed = o->has_seed ? o->seed : 1,
                                    .watch = on_event,
                                    .watch_data = &w};
    struct verdict *v = drill_run(scenario, &options, e);
    int status = v == NULL ? -1 : v->signal != 0 ? 128 + v->signal : tell(&w, v);
    verdict_free(v);
    free(w.asked);
    return status;
}

/* "quay.io/ci/agent:1" would be a repository of that name. */
static int check_image(const struct options *o, const char *host, struct err *e)
{
    size_t len = host != NULL ? strlen(host) : 0;
    if (len == 0 || o->image == NULL || strncmp(o->image, host, len) != 0 || o->image[len] != '/') {
        return 0;
    }
    return err_set(e, ERR_USAGE, "--image %.300s: the host is given already; write --image %.300s",
                   o->image, o->image + len + 1);
}

static int check_options(const struct options *o, struct err *e)
{
    if (o->command_count == 0 || o->operand_count > 0) {
        return err_set(e, ERR_USAGE, "try: which command? pulldrill try [options] -- COMMAND…");
    }
    if (o->failover != NULL && o->primary == NULL) {
        return err_set(e, ERR_USAGE,
                       "--failover %.253s: and the primary? write --primary HOST beside it",
                       o->failover);
    }
    if (o->primary != NULL && o->listen[0] != '\0') {
        return err_set(e, ERR_USAGE,
                       "--primary %.253s and --listen %s: names are for commands on this machine, "
                       "--listen for those on another; leave one out",
                       o->primary, o->listen);
    }
    return check_image(o, o->primary, e) != 0 ? -1 : check_image(o, o->failover, e);
}

/* The file was made of the options, so a place in it tells nobody anything. */
static void drop_place(struct err *e)
{
    const char *what = strstr(e->text, ": ");
    if (what != NULL && e->code == ERR_INVALID &&
        strncmp(e->text, FILE_NAME ":", sizeof FILE_NAME) == 0) {
        memmove(e->text, what + 2, strlen(what + 2) + 1);
        err_prefix(e, "try");
    }
}

int command_try(int argc, char **argv)
{
    struct options o;
    struct err e = {0};
    if (options_read(&o, argc, argv, &e) != 0 || check_options(&o, &e) != 0) {
        return (int)options_complain(&e);
    }
    char *text = scenario_text(&o);
    struct scenario_options so = options_scenario(&o);
    struct scenario *scenario =
        text != NULL ? scenario_parse(FILE_NAME, text, strlen(text), &so, &e) : NULL;
    free(text);
    drop_place(&e);
    if (scenario != NULL && listen_check(&o, &scenario, 1, &e) != 0) {
        scenario_free(scenario);
        scenario = NULL;
    }
    int status = scenario != NULL ? try_scenario(&o, scenario, &e) : -1;
    return status < 0 ? (int)options_complain(&e) : status;
}
