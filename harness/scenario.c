/* Reading a scenario: the document, its top level, then one section after another.
 *
 * Happy path: every section is read in the order in which later ones need it (variables, then
 * registries, images, subjects, faults, phases, expectations, proof), into memory that the scenario
 * owns; last the resolved copy is made. Failure modes: the first complaint ends the reading, names
 * its place, and frees everything; no environment, file or clock is touched when frozen. */
#include "harness/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/utf8.h"
#include "harness/scenario_internal.h"

#define SCENARIO_MAX_MEMORY ((size_t)64 << 20)
#define DEFAULT_LIMIT_NS UINT64_C(600000000000)

static int read_version(struct scenario_reader *r, struct doc_at root)
{
    struct doc_at at;
    if (scenario_need_key(r, root, "the scenario", &scenario_level_top, "version", &at) != 0)
        return -1;
    if (!json_is_integer(at.value) || json_integer_value(at.value) != 1)
        return doc_complain(r->err, at, "this version is unknown; write \"version\": 1");
    return 0;
}

static int read_tags(struct scenario_reader *r, struct doc_at root)
{
    struct scenario *s = r->s;
    struct doc_at at, value;
    if (!doc_member(root, "tags", &at))
        return 0;
    if (scenario_is_key(r, at, NULL, &scenario_level_top, "tags") != 0)
        return -1;
    s->tags = scenario_alloc(r, doc_size(at), sizeof *s->tags);
    if (!s->tags)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (doc_next(&it, NULL, NULL, &value)) {
        const char *tag;
        if (scenario_name_value(r, value, "a tag", &tag) != 0)
            return -1;
        for (size_t i = 0; i < s->tag_count; i++) {
            if (strcmp(s->tags[i], tag) == 0)
                return doc_complain(r->err, value, "\"%s\" stands here twice; name a tag once",
                                    tag);
        }
        s->tags[s->tag_count++] = tag;
    }
    return 0;
}

static int read_texts(struct scenario_reader *r, struct doc_at root)
{
    struct scenario *s = r->s;
    struct doc_at at;
    if (scenario_need_key(r, root, "the scenario", &scenario_level_top, "title", &at) != 0)
        return -1;
    s->title = scenario_text(r, at, "\"title\"", TEXT_PLAIN);
    if (!s->title)
        return -1;
    if (!*s->title || strpbrk(s->title, "\r\n"))
        return doc_complain(r->err, at, "\"title\" is empty or of several lines; write one line");
    if (doc_member(root, "description", &at)) {
        s->description = scenario_text(r, at, "\"description\"", TEXT_PLAIN);
        if (!s->description)
            return -1;
    }
    if (doc_member(root, "source", &at) && !json_is_object(at.value))
        return doc_complain(r->err, at,
                            "\"source\" is no object; write for example {\"incident\": \"…\"}");
    return read_tags(r, root);
}

static int read_baseline(struct scenario_reader *r, struct doc_at root)
{
    struct doc_at at, none;
    if (!doc_member(root, "baseline", &at))
        return 0;
    if (!json_is_object(at.value))
        return doc_complain(r->err, at, "a drill without a baseline needs a reason; write %s",
                            key_find(&scenario_level_top, "baseline")->example);
    if (scenario_keys(r, at, &scenario_level_baseline) != 0 ||
        scenario_need_key(r, at, "\"baseline\"", &scenario_level_baseline, "none", &none) != 0)
        return -1;
    r->s->baseline_reason = scenario_text(r, none, "\"none\"", TEXT_PLAIN);
    if (!r->s->baseline_reason)
        return -1;
    if (!*r->s->baseline_reason)
        return doc_complain(r->err, none, "the reason is empty; say why there is no baseline");
    r->s->baseline_none = true;
    return 0;
}

static int read_numbers(struct scenario_reader *r, struct doc_at root)
{
    struct scenario *s = r->s;
    struct doc_at at;
    s->has_seed = doc_member(root, "seed", &at);
    if (s->has_seed && scenario_count_key(r, at, &scenario_level_top, "seed", &s->seed) != 0)
        return -1;
    s->limit_ns = DEFAULT_LIMIT_NS;
    if (doc_member(root, "limit", &at) && scenario_duration(r, at, "\"limit\"", &s->limit_ns) != 0)
        return -1;
    if (doc_member(root, "$schema", &at) && !json_is_string(at.value))
        return doc_complain(r->err, at, "\"$schema\" is no string; write the schema's place");
    return read_baseline(r, root);
}

static int read_all(struct scenario_reader *r)
{
    struct doc_at root = doc_root(&r->s->doc);
    if (scenario_keys(r, root, &scenario_level_top) != 0 || read_version(r, root) != 0 ||
        scenario_configuration(r, root) != 0 || read_texts(r, root) != 0 ||
        read_numbers(r, root) != 0 || scenario_registries(r, root) != 0 ||
        scenario_images(r, root) != 0 || scenario_subjects(r, root) != 0 ||
        scenario_faults(r, root) != 0 || scenario_reach(r) != 0 || scenario_phases(r, root) != 0 ||
        scenario_expects(r, root) != 0 || scenario_proof(r, root) != 0)
        return -1;
    return scenario_resolve(r);
}

/* The folder part of PATH: "." where there is none. */
static const char *folder_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return arena_strdup(a, ".");
    return arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path));
}

static struct scenario *new_scenario(const char *path, const struct scenario_options *options,
                                     struct err *e)
{
    struct scenario *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_NOMEM, "%s: no memory for the scenario", path);
        return NULL;
    }
    arena_init(&s->arena, SCENARIO_MAX_MEMORY);
    const char *dir = options->subjects_dir ? options->subjects_dir : ".";
    s->path = arena_strdup(&s->arena, path);
    s->folder = folder_of(&s->arena, path);
    s->subjects_dir = arena_strdup(&s->arena, dir);
    if (s->arena.failed) {
        err_set(e, ERR_NOMEM, "%s: no memory for the scenario", path);
        scenario_free(s);
        return NULL;
    }
    return s;
}

/* A complaint is one line of text, whatever the file had in the names it quotes, and a quote that
 * was cut within a character loses its rest. */
static void clean(char *text)
{
    size_t len = strlen(text), used = 0;
    for (size_t i = 0; i < len;) {
        size_t n = utf8_sequence(text + i, len - i);
        bool control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
        if (control)
            text[i] = '?';
        memmove(text + used, text + i, n);
        used += n;
        i += n ? n : 1;
    }
    text[used] = '\0';
}

/* Reads S, whose document is open or (READ is not 0) could not be read. */
static struct scenario *finish(struct scenario *s, const struct scenario_options *options, int read,
                               struct err *own, struct err *e)
{
    struct scenario_reader r = {.s = s, .options = options, .err = own, .target = -1};
    if (read == 0 && read_all(&r) == 0)
        return s;
    clean(own->text);
    err_set(e, own->code, "%s", own->text);
    scenario_free(s);
    return NULL;
}

struct scenario *scenario_parse(const char *path, const char *text, size_t len,
                                const struct scenario_options *options, struct err *e)
{
    static const struct scenario_options none;
    struct err own = {0};
    const struct scenario_options *o = options ? options : &none;
    struct scenario *s = new_scenario(path, o, e);
    return s ? finish(s, o, doc_init(&s->doc, path, text, len, &own), &own, e) : NULL;
}

struct scenario *scenario_load(const char *path, const struct scenario_options *options,
                               struct err *e)
{
    static const struct scenario_options none;
    struct err own = {0};
    const struct scenario_options *o = options ? options : &none;
    struct scenario *s = new_scenario(path, o, e);
    return s ? finish(s, o, doc_load(&s->doc, path, &own), &own, e) : NULL;
}

void scenario_free(struct scenario *s)
{
    if (!s)
        return;
    json_decref(s->resolved);
    doc_close(&s->doc);
    arena_close(&s->arena);
    free(s);
}

void scenario_folder(const char *path, char *name, size_t size)
{
    size_t n = 0;
    while (strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0 || path[0] == '/') {
        path += path[0] == '/' ? 1 : strcspn(path, "/") + 1;
    }
    size_t len = strlen(path);
    if (len > 5 && strcmp(path + len - 5, ".json") == 0) {
        len -= 5;
    }
    for (size_t i = 0; i < len && n + 1 < size; i++) {
        name[n++] = path[i] == '/' ? '-' : path[i];
    }
    name[n] = '\0';
}
