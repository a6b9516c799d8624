/* A fault's gate in libfiu: opened when the fault is armed, closed when it is healed. libfiu keeps
 * one table for the process; a name that ends in `*` would open a whole family there, so names with
 * one are refused. Its random mode is not used: one stream is shared by all points, which would
 * make one fault's decisions depend on another's. */
#define FIU_ENABLE
#include "faults/point.h"

#include <fiu-control.h>
#include <fiu.h>
#include <string.h>

static int begin(struct err *e)
{
    static bool begun;

    if (!begun && fiu_init(0) != 0) {
        return err_set(e, ERR_INTERNAL, "libfiu could not be initialised");
    }
    begun = true;
    return 0;
}

int point_arm(const char *name, struct err *e)
{
    if (!*name || strchr(name, '*')) {
        return err_set(e, ERR_INTERNAL, "\"%s\" cannot name a point of failure", name);
    }
    if (begin(e) != 0) {
        return -1;
    }
    if (point_armed(name)) {
        return 0; /* libfiu 1.1 leaks the name of a point that is enabled twice */
    }
    if (fiu_enable(name, 1, NULL, 0) != 0) {
        return err_set(e, ERR_NOMEM, "libfiu could not enable the point \"%s\"", name);
    }
    return 0;
}

void point_disarm(const char *name)
{
    /* Fails only where the point is not enabled, which is what is asked for. */
    (void)fiu_disable(name);
}

bool point_armed(const char *name)
{
    return fiu_fail(name) != 0;
}
