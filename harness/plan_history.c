/* The plan that a saved history begins with. */
#include "harness/history/history.h"
#include "harness/plan.h"

struct plan *plan_of_history(const char *path, struct history_reader *reader, struct event *first,
                             struct err *e)
{
    int rc = history_reader_next(reader, first, e);
    if (rc < 0) {
        return NULL;
    }
    if (rc == 0 || first->type != EVENT_DRILL_BEGIN || !first->drill_begin.plan) {
        err_set(e, ERR_INVALID, "%s: this is no history; its first line must be drill-begin", path);
        return NULL;
    }
    struct plan *plan = plan_read(first->drill_begin.plan, e);
    if (!plan) {
        err_prefix(e, "%s: the plan of its first line", path);
    }
    return plan;
}
