/* One drill in a process of its own. */
#include "harness/commands/drill_one.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/log.h"
#include "harness/commands/listen.h"
#include "harness/commands/results.h"
#include "harness/drill.h"

static struct verdict *drill(const struct drill_one *one, const char *dir,
                             struct scenario *scenario, struct err *e)
{
    char *replay = options_replay(one->options, "run", one->path);
    char *tail = options_replay_tail(one->options);
    const struct plan_listen listen = listen_of(one->options);
    const struct drill_options options = {.out = dir,
                                          .listen = &listen,
                                          .has_seed = true,
                                          .seed = one->seed,
                                          .replay = replay,
                                          .replay_tail = tail,
                                          .stop_when_lost = one->because,
                                          .stop_when_lost_count = one->because_count};
    struct verdict *v = drill_run(scenario, &options, e);
    free(replay);
    free(tail);
    return v;
}

static int keep(const struct drill_one *one, struct verdict *v, const char *dir, struct err *e)
{
    v->folder = arena_strdup(&v->arena, one->folder);
    v->scenario = arena_strdup(&v->arena, one->path);
    int status = (int)verdict_exit(v->verdict);
    if (results_write_one(v, dir, e) != 0) {
        log_line("%s: %s", one->path, e->text);
        status = EXIT_ERROR;
    }
    verdict_free(v);
    return status;
}

/* The sanitizer's own look for leaks comes with exit, which the process of a drill leaves out. */
static void look_for_leaks(void)
{
#ifdef __SANITIZE_ADDRESS__
    __lsan_do_leak_check();
#endif
}

int drill_one(const struct drill_one *one, struct scenario *scenario)
{
    struct err e = {0};
    struct err late = {0};
    char dir[4096];
    char title[256];
    snprintf(dir, sizeof dir, "%s/%s", one->options->out, one->folder);
    snprintf(title, sizeof title, "%s", scenario->title);
    struct verdict *v = drill(one, dir, scenario, &e);
    if (v == NULL && (e.code == ERR_INVALID || e.code == ERR_USAGE)) {
        return (int)options_complain(&e);
    }
    if (v == NULL) {
        v = results_lost(one->path, title, e.text, &late);
    }
    if (v != NULL && e.code == ERR_ENVIRONMENT) {
        v->blame = "environment";
    }
    int status = v != NULL ? keep(one, v, dir, &late) : EXIT_ERROR;
    look_for_leaks();
    return status;
}
