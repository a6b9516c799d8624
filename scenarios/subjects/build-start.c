/* build-start: gets a build agent's image onto a machine, whatever its primary registry does. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "harness/base/clock.h"
#include "scenarios/subjects/lib/pull_image.h"

/* Jitter must differ between machines that start in the same instant. */
static void set_seed(struct pull_options *o)
{
    if (!o->seeded && getrandom(&o->seed, sizeof(o->seed), 0) != (ssize_t)sizeof(o->seed))
        o->seed = clock_now_ns();
}

static int set_out(struct pull_options *o, char path[PATH_MAX], struct err *e)
{
    const char *dir = getenv("PULLDRILL_START_DIR");
    int len;

    if (o->out != NULL)
        return 0;
    len = snprintf(path, PATH_MAX, "%s/layout", dir != NULL && *dir != '\0' ? dir : ".");
    if (len < 0 || len >= PATH_MAX)
        return err_set(e, ERR_USAGE, "$PULLDRILL_START_DIR is too long");
    o->out = path;
    return 0;
}

int main(int argc, char **argv)
{
    struct pull_options o;
    struct err e = {0};
    char out[PATH_MAX];

    signal(SIGPIPE, SIG_IGN);
    if (pull_options_parse(argc, argv, &o, &e) != 0 || set_out(&o, out, &e) != 0) {
        fprintf(stderr, "build-start: %s (--help says more)\n", e.text);
        return 2;
    }
    if (o.help) {
        pull_options_help(stdout);
        return 0;
    }
    set_seed(&o);
    if (pull_image(&o, &e) == 0)
        return 0;
    fprintf(stderr, "build-start: %s\n", e.text);
    return 1;
}
