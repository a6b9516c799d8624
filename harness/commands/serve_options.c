/* The options that `serve` alone takes. */
#include <stdio.h>
#include <string.h>

#include "harness/commands/listen.h"
#include "harness/commands/options_internal.h"

/* "ADDR:0" is ADDR with a free port. */
static int read_listen(struct options *o, const char *text, struct err *e)
{
    char plain[sizeof o->listen + 8];
    size_t len = strlen(text);
    if (len > 2 && len < sizeof plain && strcmp(text + len - 2, ":0") == 0 &&
        (text[len - 3] == ']' || strchr(text, ':') == text + len - 2)) {
        snprintf(plain, sizeof plain, "%.*s", (int)(len - 2), text);
        return listen_read(o, plain, e);
    }
    return listen_read(o, text, e);
}

static int read_auth(struct options *o, const char *value, struct err *e)
{
    if (strcmp(value, "none") != 0 && strcmp(value, "basic") != 0 && strcmp(value, "token") != 0) {
        return err_set(e, ERR_USAGE, "--auth %s: none, basic or token", value);
    }
    o->auth = value;
    return 0;
}

static int add(const char **list, size_t *count, size_t max, const char *name, const char *value,
               struct err *e)
{
    if (*count == max) {
        return err_set(e, ERR_USAGE, "--%s is given more than %zu times", name, max);
    }
    list[(*count)++] = value;
    return 0;
}

static void set_flag(struct options_serve *s, const char *name)
{
    s->read_only = s->read_only || strcmp(name, "read-only") == 0;
    s->no_sparse = s->no_sparse || strcmp(name, "no-sparse") == 0;
    s->tls = s->tls || strcmp(name, "tls") == 0;
}

/* A file or a folder. */
static int read_path(const char **out, const char *name, const char *value, struct err *e)
{
    *out = value;
    return value[0] != '\0' ? 0 : err_set(e, ERR_USAGE, "--%s: which? it is empty", name);
}

int serve_option(struct options *o, const char *name, const char *value, struct err *e)
{
    struct options_serve *s = &o->serve;
    if (value == NULL) {
        set_flag(s, name);
        return 0;
    }
    if (strcmp(name, "registry") == 0) {
        return add(s->registries, &s->registry_count, SCENARIO_MAX_REGISTRIES, name, value, e);
    }
    if (strcmp(name, "image") == 0) {
        return add(s->images, &s->image_count, OPTIONS_MAX_IMAGES, name, value, e);
    }
    if (strcmp(name, "listen") == 0) {
        return read_listen(o, value, e);
    }
    if (strcmp(name, "advertise") == 0) {
        return listen_read_name(o, value, e);
    }
    if (strcmp(name, "auth") == 0) {
        return read_auth(o, value, e);
    }
    const char **path = strcmp(name, "store") == 0        ? &s->store
                        : strcmp(name, "files") == 0      ? &s->files
                        : strcmp(name, "phase") == 0      ? &s->phase
                        : strcmp(name, "ready-file") == 0 ? &s->ready_file
                                                          : &s->record;
    return read_path(path, name, value, e);
}
