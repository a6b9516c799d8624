/* `try`: one start of one's own command against two healthy registries, every request printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/units.h"
#include "harness/commands/command.h"
#include "harness/commands/options.h"
#include "harness/drill.h"
#include "harness/history/event.h"

#define TRY_MAX_REQUESTS 4096

/* What is printed of a request waits here for its response. */
struct asked {
    uint64_t ordinal;
    uint64_t t_ns;
    char text[300];
};

struct watch {
    struct asked *asked; /* a ring by ordinal */
    uint64_t requests;
    enum outcome outcome;
    char reason[512];
    char tail[2048];
    uint64_t duration_ns;
    bool ended;
};

static void on_request(struct watch *w, const struct event *ev)
{
    struct asked *a = &w->asked[ev->request.ordinal % TRY_MAX_REQUESTS];
    a->ordinal = ev->request.ordinal;
    a->t_ns = ev->t_ns;
    snprintf(a->text, sizeof a->text, "%-9s %-4s %.200s%s%s", ev->request.registry,
             ev->request.method != NULL ? ev->request.method : "-",
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
    printf("%8.3fs  %s -> %llu, %llu bytes%s%s\n", (double)a->t_ns / 1e9, a->text,
           (unsigned long long)r->status, (unsigned long long)body,
           r->end != NULL && strcmp(r->end, "whole") != 0 ? ", " : "",
           r->end != NULL && strcmp(r->end, "whole") != 0 ? r->end : "");
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
    case EVENT_START_END:
        w->ended = true;
        w->outcome = ev->start_end.outcome;
        w->duration_ns = ev->start_end.duration_ns;
        snprintf(w->reason, sizeof w->reason, "%s",
                 ev->start_end.reason != NULL ? ev->start_end.reason : "");
        snprintf(w->tail, sizeof w->tail, "%s",
                 ev->start_end.tail != NULL ? ev->start_end.tail : "");
        break;
    default:
        break;
    }
}

static char *scenario_text(const struct options *o)
{
    struct buf b;
    const char *image = o->image != NULL ? o->image : "ci/agent:stable";
    const char *timeout = o->timeout != NULL ? o->timeout : "60s";
    buf_init(&b, 1u << 20);
    buf_str(&b, "{\"version\": 1, \"title\": \"try\", \"registries\": {\"primary\": {}, "
                "\"failover\": {}}, \"images\": {\"agent\": {\"ref\": ");
    buf_json_string(&b, image, strlen(image));
    buf_str(&b, ", \"layers\": [{\"size\": \"64KiB\", \"files\": {\"usr/local/bin/agent\": "
                "\"${subjects.dir}/agent\"}}, \"1MiB\"]}}, "
                "\"subjects\": {\"try\": {\"command\": [\"true\"], \"timeout\": ");
    buf_json_string(&b, timeout, strlen(timeout));
    buf_str(&b, "}}, \"phases\": [{\"name\": \"try\", \"starts\": 1}]}");
    return buf_take(&b);
}

static int tell(const struct watch *w, const struct verdict *v)
{
    if (w->tail[0] != '\0') {
        printf("\noutput:\n%s%s", w->tail, w->tail[strlen(w->tail) - 1] == '\n' ? "" : "\n");
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
    struct watch w = {0};
    w.asked = calloc(TRY_MAX_REQUESTS, sizeof *w.asked);
    if (w.asked == NULL) {
        scenario_free(scenario);
        return err_set(e, ERR_NOMEM, "no memory");
    }
    struct drill_options options = {.bare = true,
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

int command_try(int argc, char **argv)
{
    struct options o;
    struct err e = {0};
    if (options_read(&o, argc, argv, &e) != 0) {
        return (int)options_complain(&e);
    }
    if (o.command_count == 0 || o.operand_count > 0) {
        err_set(&e, ERR_USAGE, "try: which command? pulldrill try [options] -- COMMAND…");
        return (int)options_complain(&e);
    }
    char *text = scenario_text(&o);
    struct scenario_options so = options_scenario(&o);
    struct scenario *scenario =
        text != NULL ? scenario_parse("try.json", text, strlen(text), &so, &e) : NULL;
    free(text);
    int status = scenario != NULL ? try_scenario(&o, scenario, &e) : -1;
    return status < 0 ? (int)options_complain(&e) : status;
}
