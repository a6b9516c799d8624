/* `explain`: a scenario in text before anybody waits for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/commands/command.h"
#include "harness/commands/options.h"
#include "harness/commands/select.h"
#include "harness/explain.h"

#define EXPLAIN_MAX_BYTES (16u << 20)

/* Whether the locale of the environment writes UTF-8. */
static bool writes_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0') {
            const char *dot = strchr(value, '.');
            return dot != NULL &&
                   (strncasecmp(dot, ".UTF-8", 6) == 0 || strncasecmp(dot, ".UTF8", 5) == 0);
        }
    }
    return false;
}

static int explain_one(const struct options *o, const char *path, struct scenario **scenario,
                       struct buf *out, struct err *e)
{
    char *run = options_replay(o, "run", path);
    struct options bare = *o;
    bare.variant = NULL; /* `prove` takes none: it drills them all */
    char *prove = options_replay(&bare, "prove", path);
    int rc = -1;
    if (run != NULL && prove != NULL) {
        struct explain_options how = {.utf8 = writes_utf8(), .run = run, .prove = prove};
        rc = explain_write(scenario, &how, out, e);
    } else {
        err_set(e, ERR_NOMEM, "explain: no memory");
    }
    free(run);
    free(prove);
    return rc;
}

int command_explain(int argc, char **argv)
{
    struct options o;
    struct selection s = {0};
    struct err e = {0};
    if (options_read(&o, argc, argv, &e) != 0) {
        return (int)options_complain(&e);
    }
    int status = (int)select_scenarios(&o, &s);
    bool first = true;
    for (size_t i = 0; i < s.count; i++) {
        struct buf out;
        if (s.scenario[i] == NULL) {
            continue;
        }
        buf_init(&out, EXPLAIN_MAX_BYTES);
        buf_str(&out, first ? "" : "\n\n");
        first = false;
        if (explain_one(&o, s.path[i], &s.scenario[i], &out, &e) != 0) {
            status = (int)options_complain(&e);
        } else {
            fwrite(out.data, 1, out.len, stdout);
        }
        buf_close(&out);
    }
    select_close(&s);
    return status;
}
