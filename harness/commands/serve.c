/* `serve`: registries that stand alone, of a scenario or of flags. */
#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/content_name.h"
#include "fake-registry/layout.h"
#include "harness/base/buf.h"
#include "harness/base/log.h"
#include "harness/commands/command.h"
#include "harness/commands/options.h"
#include "harness/serve.h"
#include "harness/serve_scenario.h"

#define FILE_NAME "serve.json"
#define INDEX_BYTES (4u << 20)

/* ---- images of the command line ------------------------------------------------------------ */

/* What the one image of a layout folder is called there; empty where nothing says it. */
static void called_there(const struct content_name *from, char *out, size_t size)
{
    char path[CONTENT_MAX_PATH + 16];
    struct content_list list;
    struct err ignored = {0}; /* the folder is read again, and complained of then */
    bool missing;
    size_t len;
    snprintf(path, sizeof path, "%s/index.json", from->path);
    char *text = disk_read(path, INDEX_BYTES, &len, &missing, &ignored);
    if (text != NULL &&
        content_list_read(text, len, IMAGE_INDEX_TYPE, CONTENT_MAX_LISTED, &list, &ignored) == 0) {
        if (list.count == 1 && list.items[0].name != NULL) {
            snprintf(out, size, "%s", list.items[0].name);
        }
        content_list_close(&list);
    }
    free(text);
}

/* A path is one from here, wherever the scenario's file lies. *WHOLE is FROM with it; free it. */
static int from_here(const char *from, const struct content_name *name, char **whole, struct err *e)
{
    char *path = name->kind != CONTENT_UPSTREAM ? realpath(name->path, NULL) : NULL;
    struct buf b;
    if (name->kind != CONTENT_UPSTREAM && path == NULL) {
        return err_set(e, ERR_USAGE, "--image %s: %s cannot be read: %s", from, name->path,
                       strerror(errno));
    }
    buf_init(&b, 2 * CONTENT_MAX_PATH);
    if (path == NULL) {
        buf_str(&b, from);
    } else {
        buf_printf(&b, "%.*s:%s%s%s", (int)strcspn(from, ":"), from, path,
                   name->name[0] != '\0' ? ":" : "", name->name);
    }
    free(path);
    *whole = buf_take(&b);
    return *whole != NULL ? 0 : err_set(e, ERR_NOMEM, "serve: no memory");
}

/* "[REF=]FROM". OUT->from is to be freed. */
static int read_image(const char *text, struct serve_image *out, struct err *e)
{
    struct content_name name;
    struct err why = {0};
    char called[CONTENT_MAX_WORD] = "";
    size_t ref = strcspn(text, "=");
    /* A path may hold the sign, too: what begins as content does is content. */
    bool given = text[ref] == '=' && content_name_parse(text, &name, &why) != 0;
    const char *from = given ? text + ref + 1 : text;
    why = (struct err){0};
    if (content_name_parse(from, &name, &why) != 0) {
        return err_set(e, ERR_USAGE, "--image %s: \"%s\" %s", text, from, why.text);
    }
    snprintf(called, sizeof called, "%s", name.name);
    if (name.kind == CONTENT_OCI && called[0] == '\0') {
        called_there(&name, called, sizeof called);
    }
    if (given && ref >= sizeof out->ref) {
        return err_set(e, ERR_USAGE, "--image %s: the reference is too long", text);
    }
    snprintf(out->ref, sizeof out->ref, "%.*s", given ? (int)ref : 0, text);
    char *whole = NULL;
    if ((!given && serve_image_ref(&name, called, out->ref, sizeof out->ref, e) != 0) ||
        from_here(from, &name, &whole, e) != 0) {
        return -1;
    }
    out->from = whole;
    return 0;
}

/* ---- the scenario -------------------------------------------------------------------------- */

/* The text was made of the options and what the file at PATH says, in one line, so that its places
 * tell nobody anything. */
static void drop_place(const char *path, struct err *e)
{
    size_t len = strlen(path);
    if (e->code != ERR_INVALID || strncmp(e->text, path, len) != 0 ||
        strncmp(e->text + len, ":1:", 3) != 0) {
        return;
    }
    const char *what = strstr(e->text + len, ": ");
    if (what != NULL) {
        memmove(e->text, what + 2, strlen(what + 2) + 1);
        err_prefix(e, "%s", strcmp(path, FILE_NAME) == 0 ? "serve" : path);
    }
}

/* The scenario of O; BASE is its file, NULL where there is none. */
static struct scenario *make_scenario(const struct options *o, const struct scenario *base,
                                      const struct serve_want *want, uint64_t seed, struct err *e)
{
    const char *path = base != NULL ? base->path : FILE_NAME;
    struct scenario_options so = {.subjects_dir = o->subjects_dir, .frozen = base != NULL};
    char *text = serve_scenario(base, seed, want, e);
    struct scenario *s = text != NULL ? scenario_parse(path, text, strlen(text), &so, e) : NULL;
    free(text);
    return s;
}

static struct serve_want want_of(const struct options *o, const struct serve_image *images)
{
    return (struct serve_want){.registries = o->serve.registries,
                               .registry_count = o->serve.registry_count,
                               .images = images,
                               .image_count = o->serve.image_count,
                               .auth = o->auth,
                               .phase = o->serve.phase,
                               .disk = o->serve.store != NULL,
                               .read_only = o->serve.read_only,
                               .refuse_sparse = o->serve.no_sparse,
                               .tls = o->serve.tls};
}

/* ---- telling ------------------------------------------------------------------------------- */

/* Each line is out before the next is made: scripts wait for them. What is lost is told once. */
static int say(void *data, const char *line, struct err *e)
{
    (void)data;
    if (printf("%s\n", line) < 0 || fflush(stdout) != 0) {
        __fpurge(stdout);
        clearerr(stdout);
        return err_set(e, ERR_IO, "cannot write to stdout");
    }
    return 0;
}

static void note(void *data, const char *text)
{
    const struct options *o = data;
    if (!o->quiet) {
        log_line("%s", text);
    }
}

/* What of the file is not served. */
static void note_left_out(struct options *o, const struct scenario *s)
{
    for (size_t i = 0; i < s->registry_count; i++) {
        if (s->registries[i].name_count > 0) {
            note(o, "names are not played here: registries are reached by the addresses printed");
            return;
        }
    }
}

/* ---- the verb ------------------------------------------------------------------------------ */

static int serve(struct options *o, struct scenario *s, uint64_t seed, struct err *e)
{
    char *words = options_replay(o, "serve", o->operand_count == 1 ? o->operands[0] : NULL);
    char *replay = NULL;
    if (words == NULL || asprintf(&replay, "%s --seed %llu", words, (unsigned long long)seed) < 0) {
        free(words);
        scenario_free(s);
        return err_set(e, ERR_NOMEM, "serve: no memory");
    }
    free(words);
    const struct serve_options so = {.address = o->listen[0] != '\0' ? o->listen : NULL,
                                     .port = o->listen_port,
                                     .advertise = o->advertise,
                                     .store = o->serve.store,
                                     .files = o->serve.files,
                                     .ready_file = o->serve.ready_file,
                                     .record = o->serve.record,
                                     .phase = o->serve.phase != NULL ? o->serve.phase : SERVE_PHASE,
                                     .faults = o->serve.phase != NULL,
                                     .seed = seed,
                                     .replay = replay,
                                     .say = say,
                                     .note = note,
                                     .data = o};
    note_left_out(o, s);
    int rc = serve_run(s, &so, e);
    free(replay);
    return rc;
}

static int read_images(const struct options *o, struct serve_image *images, struct err *e)
{
    for (size_t i = 0; i < o->serve.image_count; i++) {
        if (read_image(o->serve.images[i], &images[i], e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* With the file, if one is named. */
static int with_file(struct options *o, const struct serve_image *images, struct err *e)
{
    const struct serve_want want = want_of(o, images);
    struct scenario_options so = options_scenario(o);
    struct scenario *base = NULL;
    if (o->operand_count == 1 && (base = scenario_load(o->operands[0], &so, e)) == NULL) {
        return -1;
    }
    uint64_t seed = base != NULL ? options_seed(o, base) : o->has_seed ? o->seed : 1;
    struct scenario *s = make_scenario(o, base, &want, seed, e);
    scenario_free(base);
    int rc = s != NULL ? serve(o, s, seed, e) : -1;
    if (rc != 0) {
        drop_place(o->operand_count == 1 ? o->operands[0] : FILE_NAME, e);
    }
    return rc;
}

static int check_options(const struct options *o, struct err *e)
{
    if (o->operand_count > 1 || o->command_count > 0) {
        return err_set(e, ERR_USAGE,
                       "serve takes one scenario file, or none; --help lists the "
                       "rest");
    }
    if (o->var_count > 0 && o->operand_count == 0) {
        return err_set(e, ERR_USAGE, "--var %s: of which scenario? name its file", o->vars[0]);
    }
    if (o->advertise != NULL && o->listen[0] == '\0') {
        return err_set(e, ERR_USAGE, "--advertise %s: where is it? write --listen ADDR beside it",
                       o->advertise);
    }
    if (o->serve.record != NULL && access(o->serve.record, F_OK) == 0) {
        return err_set(e, ERR_USAGE, "--record %s: that is there already; name a new file",
                       o->serve.record);
    }
    return 0;
}

int command_serve(int argc, char **argv)
{
    struct options o;
    struct err e = {0};
    if (options_read(&o, argc, argv, &e) != 0 || check_options(&o, &e) != 0) {
        return (int)options_complain(&e);
    }
    struct serve_image *images = calloc(o.serve.image_count + 1, sizeof *images);
    int rc =
        images == NULL ? err_set(&e, ERR_NOMEM, "serve: no memory") : read_images(&o, images, &e);
    rc = rc != 0 ? rc : with_file(&o, images, &e);
    for (size_t i = 0; images != NULL && i < o.serve.image_count; i++) {
        free((void *)(uintptr_t)images[i].from);
    }
    free(images);
    return rc != 0 ? (int)options_complain(&e) : EXIT_PASS;
}
