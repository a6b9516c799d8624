/* Brings the real content of an image in, before anything is asked for. */
#include <signal.h>

#include "fake-registry/layout.h"
#include "fake-registry/upstream.h"
#include "harness/registries_internal.h"

/* SIGINT and SIGTERM are held back until a loop can answer them; a long download must not be. */
static bool interrupted(void *data)
{
    sigset_t pending;
    (void)data;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

static int bring(const struct content_name *from, struct image *out, struct err *e)
{
    struct disk_cache cache = {.stop = interrupted};
    if (from->kind == CONTENT_OCI) {
        return layout_image(from, out, e);
    }
    if (disk_cache_open(&cache, e) != 0) {
        return -1;
    }
    return from->kind == CONTENT_UPSTREAM ? upstream_image(from, &cache, out, e)
                                          : archive_image(from, &cache, out, e);
}

int registries_content(const struct scenario_image *in, struct image *out, struct err *e)
{
    struct err why = {0};
    if (bring(in->from, out, &why) == 0) {
        return 0;
    }
    bool ours = in->from->kind != CONTENT_UPSTREAM;
    if (ours && (why.code == ERR_INVALID || why.code == ERR_IO || why.code == ERR_LIMIT)) {
        return doc_complain(e, in->from_at, "%s", why.text);
    }
    return err_set(e, why.code, "image %s: %s", in->name, why.text);
}
