/* What an image is called and made of: its ref, its layers, the files in them. */
#include "harness/scenario_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/units.h"

#define REPOSITORY_MAX 255
#define TAG_MAX 128
#define ALNUM "abcdefghijklmnopqrstuvwxyz0123456789"

/* ---- ref ---- */

/* The length of a separator within a path component: ".", "_", "__" or dashes. */
static size_t separator(const char *s)
{
    if (*s == '.')
        return 1;
    if (*s == '_')
        return s[1] == '_' ? 2 : 1;
    return strspn(s, "-");
}

/* OCI distribution-spec's <name>: components of lower-case letters, digits and separators. */
static bool is_repository(const char *s)
{
    if (strlen(s) > REPOSITORY_MAX)
        return false;
    for (;;) {
        size_t n = strspn(s, ALNUM);
        if (n == 0)
            return false;
        s += n;
        if (*s == '\0')
            return true;
        if (*s == '/') {
            s++;
            continue;
        }
        n = separator(s);
        if (n == 0)
            return false;
        s += n;
    }
}

static bool is_tag(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n <= TAG_MAX && s[0] != '.' && s[0] != '-' &&
           strspn(s, ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-") == n;
}

int scenario_ref(struct scenario_reader *r, struct doc_at at, const char *ref,
                 const char **repository, const char **tag)
{
    struct arena *a = &r->s->arena;
    if (strchr(ref, '@'))
        return doc_complain(r->err, at,
                            "\"%.300s\" names a digest, which follows from the layers; write "
                            "repository:tag, such as \"ci/agent:stable\"",
                            ref);
    const char *slash = strrchr(ref, '/');
    const char *colon = strchr(slash ? slash : ref, ':');
    *repository = arena_strndup(a, ref, colon ? (size_t)(colon - ref) : strlen(ref));
    *tag = arena_strdup(a, colon ? colon + 1 : "latest");
    if (!*repository || !*tag)
        return err_set(r->err, ERR_NOMEM, "%s: no memory for the scenario", r->s->path);
    if (strchr(*repository, ':'))
        return doc_complain(r->err, at,
                            "\"%.300s\" names a host; write only repository:tag, such as "
                            "\"ci/agent:stable\"",
                            ref);
    if (!is_repository(*repository))
        return doc_complain(r->err, at,
                            "\"%.300s\" is no repository; use lower-case letters, digits, and "
                            "single . _ - or / between them, such as \"ci/agent:stable\"",
                            *repository);
    if (!is_tag(*tag))
        return doc_complain(r->err, at,
                            "\"%.200s\" is no tag; use up to %d letters, digits and . _ - (not "
                            ". or - first), such as \"ci/agent:stable\"",
                            *tag, TAG_MAX);
    return 0;
}

/* ---- layers ---- */

static int read_size(struct scenario_reader *r, struct doc_at at, uint64_t *out)
{
    if (!json_is_string(at.value))
        return doc_complain(r->err, at,
                            "a layer's size is a string with a unit; write for example \"64KiB\"");
    const char *text = scenario_text(r, at, "a layer's size", TEXT_PLAIN);
    if (!text)
        return -1;
    if (units_size(text, out) != 0)
        return doc_complain(r->err, at,
                            "\"%.100s\" is no size; write a number and a unit, such as \"64KiB\" "
                            "or \"1MiB\"",
                            text);
    if (*out == 0)
        return doc_complain(r->err, at, "a layer of no bytes; write for example \"64KiB\"");
    if (*out > key_find(&scenario_level_layer, "size")->value.max)
        return doc_complain(r->err, at, "a layer of %.80s; at most \"4GiB\" are allowed", text);
    return 0;
}

/* A path within the image: relative, without empty, "." or ".." parts. */
static bool is_inside(const char *path)
{
    if (*path == '\0' || strlen(path) > 1024)
        return false;
    for (;;) {
        size_t n = strcspn(path, "/");
        if (n == 0 || (n == 1 && path[0] == '.') || (n == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        if (path[n] == '\0')
            return true;
        path += n + 1;
    }
}

/* A source is there when the scenario is read, so that no drill begins without it. */
static int check_source(struct scenario_reader *r, const struct scenario_file *file)
{
    struct stat st;
    if (r->options->frozen)
        return 0;
    if (stat(file->source, &st) != 0)
        return doc_complain(r->err, file->at,
                            "\"%.300s\" cannot be read: %s; name a file that exists", file->source,
                            strerror(errno));
    if (!S_ISREG(st.st_mode))
        return doc_complain(r->err, file->at, "\"%.300s\" is no regular file; name one",
                            file->source);
    if (st.st_size > (off_t)SCENARIO_MAX_FILE_BYTES)
        return doc_complain(r->err, file->at,
                            "\"%.300s\" is larger than 256 MiB; name a smaller file", file->source);
    if (access(file->source, R_OK) != 0)
        return doc_complain(r->err, file->at, "\"%.300s\" cannot be read: %s; make it readable",
                            file->source, strerror(errno));
    return 0;
}

/* What begins with a folder's variable is placed by it; all else lies beside the scenario. */
bool scenario_names_folder(const char *written)
{
    return strncmp(written, "${subjects.dir}", 15) == 0 ||
           strncmp(written, "${scenario.dir}", 15) == 0;
}

static int read_file(struct scenario_reader *r, const char *path, struct doc_at key,
                     struct doc_at at, struct scenario_file *out)
{
    if (!is_inside(path))
        return doc_complain(r->err, key,
                            "\"%.200s\" is no path within an image; write it relative and without "
                            "\"..\", such as \"bin/agent\"",
                            path);
    const char *source = scenario_text(r, at, "the source of a file", TEXT_SOURCE);
    if (!source)
        return -1;
    if (!*source)
        return doc_complain(
            r->err, at,
            "the source of a file is empty; write for example \"${subjects.dir}/agent\"");
    bool placed = source[0] == '/' || scenario_names_folder(json_string_value(at.value));
    *out = (struct scenario_file){.path = path, .at = at, .source = source};
    if (!placed)
        out->source = arena_printf(&r->s->arena, "%s/%s", r->s->folder, source);
    if (!out->source)
        return err_set(r->err, ERR_NOMEM, "%s: no memory for the scenario", r->s->path);
    return check_source(r, out);
}

/* Every key is a path here, one that begins with `x-` as well. */
static int read_files(struct scenario_reader *r, struct doc_at at, struct scenario_layer *out)
{
    static const char example[] = "{\"bin/agent\": \"${subjects.dir}/agent\"}";
    struct doc_at key, value;
    const char *path;
    if (scenario_is_object(r, at, "\"files\" of a layer", 0, SCENARIO_MAX_FILES, example) != 0)
        return -1;
    if (doc_size(at) == 0 || doc_size(at) > SCENARIO_MAX_FILES)
        return doc_complain(r->err, at, "a layer takes 1 to %d files; write for example %s",
                            SCENARIO_MAX_FILES, example);
    out->files = scenario_alloc(r, doc_size(at), sizeof *out->files);
    if (!out->files)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (doc_next(&it, &path, &key, &value)) {
        if (read_file(r, path, key, value, &out->files[out->file_count]) != 0)
            return -1;
        out->file_count++;
    }
    return 0;
}

static int read_layer(struct scenario_reader *r, struct doc_at at, struct scenario_layer *out)
{
    struct doc_at size, files;
    if (json_is_string(at.value))
        return read_size(r, at, &out->size);
    if (!json_is_object(at.value))
        return doc_complain(r->err, at,
                            "a layer is a size or an object; write for example \"64KiB\" or "
                            "{\"files\": {\"bin/agent\": \"${subjects.dir}/agent\"}}");
    if (scenario_keys(r, at, &scenario_level_layer) != 0)
        return -1;
    bool has_size = doc_member(at, "size", &size);
    bool has_files = doc_member(at, "files", &files);
    if (!has_size && !has_files)
        return doc_complain(r->err, at,
                            "a layer with nothing in it; give it a \"size\" or \"files\"");
    if (has_size && read_size(r, size, &out->size) != 0)
        return -1;
    return has_files ? read_files(r, files, out) : 0;
}

int scenario_layers(struct scenario_reader *r, struct doc_at at, struct scenario_image *out)
{
    struct doc_at layers, value;
    if (!doc_member(at, "layers", &layers)) {
        out->layers = scenario_alloc(r, 1, sizeof *out->layers);
        if (!out->layers)
            return -1;
        out->layers[0].size = 64u << 10;
        out->layer_count = 1;
        return 0;
    }
    if (scenario_is_key(r, layers, NULL, &scenario_level_image, "layers") != 0)
        return -1;
    out->layers = scenario_alloc(r, doc_size(layers), sizeof *out->layers);
    if (!out->layers)
        return -1;
    struct doc_iter it = doc_iterate(layers);
    while (doc_next(&it, NULL, NULL, &value)) {
        if (read_layer(r, value, &out->layers[out->layer_count]) != 0)
            return -1;
        out->layer_count++;
    }
    return 0;
}
