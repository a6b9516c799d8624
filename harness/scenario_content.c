/* Where the content of an image comes from: made of layers, or real, from a folder, an archive or a
 * registry elsewhere. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-registry/content_name.h"
#include "harness/scenario_internal.h"

static struct content_name *new_name(struct scenario_reader *r)
{
    return scenario_alloc(r, 1, sizeof(struct content_name));
}

/* What is there when the scenario is read; whether it is whole, the drill's beginning will show. */
static int check_there(struct scenario_reader *r, struct doc_at at, const struct content_name *name)
{
    struct stat st;
    bool folder = name->kind == CONTENT_OCI;
    if (r->options->frozen)
        return 0;
    if (stat(name->path, &st) != 0)
        return doc_complain(r->err, at, "\"%.300s\" cannot be read: %s; name a %s that exists",
                            name->path, strerror(errno), folder ? "folder" : "file");
    if (folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
        return doc_complain(r->err, at, "\"%.300s\" is no %s; name one", name->path,
                            folder ? "folder" : "regular file");
    if (access(name->path, R_OK) != 0)
        return doc_complain(r->err, at, "\"%.300s\" cannot be read: %s; make it readable",
                            name->path, strerror(errno));
    return 0;
}

/* A path that begins with no folder's variable lies beside the scenario. */
static int place(struct scenario_reader *r, struct doc_at at, struct content_name *name)
{
    const char *written = strchr(json_string_value(at.value), ':');
    if (name->path[0] == '/' || (written && scenario_names_folder(written + 1)))
        return 0;
    const char *whole = arena_printf(&r->s->arena, "%s/%s", r->s->folder, name->path);
    if (!whole)
        return err_set(r->err, ERR_NOMEM, "%s: no memory for the scenario", r->s->path);
    if (strlen(whole) >= sizeof name->path)
        return doc_complain(r->err, at, "the path is too long; use a shorter one");
    memcpy(name->path, whole, strlen(whole) + 1);
    return 0;
}

/* A password in a scenario would go on into histories and reports; it is not even told again. */
static int check_no_user(struct scenario_reader *r, struct doc_at at, const char *text)
{
    const char *host = strstr(text, "://");
    if (!host || host[3 + strcspn(host + 3, "@/")] != '@')
        return 0;
    return doc_complain(r->err, at,
                        "a user in front of the host; leave it out and log in, so that docker, "
                        "podman or skopeo keep the credential in a file");
}

static int read_from(struct scenario_reader *r, struct doc_at at, struct scenario_image *out)
{
    struct err why = {0};
    struct content_name *name = new_name(r);
    const char *text = name ? scenario_text(r, at, "\"from\" of an image", TEXT_SOURCE) : NULL;
    if (!text || check_no_user(r, at, text) != 0)
        return -1;
    if (content_name_parse(text, name, &why) != 0)
        return doc_complain(r->err, at, "\"%.200s\" %s", text, why.text);
    out->from = name;
    out->from_at = at;
    if (name->kind == CONTENT_UPSTREAM)
        return 0;
    return place(r, at, name) != 0 || check_there(r, at, name) != 0 ? -1 : 0;
}

/* "from" stands alone. */
static int check_alone(struct scenario_reader *r, struct doc_at at)
{
    static const char *const others[] = {"layers", "labels", "platforms"};
    struct doc_at member;
    for (size_t i = 0; i < SCENARIO_COUNT(others); i++) {
        if (doc_member(at, others[i], &member))
            return doc_complain(r->err, member,
                                "\"%s\" beside \"from\": what comes from elsewhere stays as it is; "
                                "give one of the two",
                                others[i]);
    }
    return 0;
}

/* Whether the image is described here, so that no upstream is asked for it. */
static bool is_made(struct doc_at at)
{
    struct doc_at member;
    return doc_member(at, "layers", &member) || doc_member(at, "labels", &member) ||
           doc_member(at, "platforms", &member);
}

/* The upstream of the registries on which the image lies; one image has one content. */
static int find_upstream(struct scenario_reader *r, const struct scenario_image *image,
                         const struct scenario_registry **out)
{
    const struct scenario *s = r->s;
    *out = NULL;
    for (size_t i = 0; i < s->registry_count; i++) {
        const struct scenario_registry *registry = &s->registries[i];
        if (!((image->on >> i) & 1u) || !registry->upstream)
            continue;
        if (*out && strcmp((*out)->upstream, registry->upstream) != 0)
            return doc_complain(r->err, image->at,
                                "image \"%s\" lies on \"%s\" and \"%s\", whose upstreams differ; "
                                "say with \"from\" which content it has",
                                image->name, (*out)->name, registry->name);
        if (!*out)
            *out = registry;
    }
    return 0;
}

static int take_upstream(struct scenario_reader *r, const struct scenario_registry *registry,
                         struct scenario_image *out)
{
    struct err why = {0};
    struct content_name *name = new_name(r);
    if (!name)
        return -1;
    if (content_name_upstream(registry->upstream, name, &why) != 0 ||
        content_name_image(name, out->repository, out->tag, &why) != 0)
        return doc_complain(r->err, out->at, "%s", why.text);
    out->from = name;
    out->from_at = out->at;
    return 0;
}

int scenario_content(struct scenario_reader *r, struct doc_at at, struct scenario_image *out)
{
    struct doc_at from;
    const struct scenario_registry *registry = NULL;
    if (doc_member(at, "from", &from))
        return check_alone(r, at) != 0 ? -1 : read_from(r, from, out);
    if (!is_made(at) && find_upstream(r, out, &registry) != 0)
        return -1;
    return registry ? take_upstream(r, registry, out) : scenario_layers(r, at, out);
}

int scenario_upstream(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out)
{
    struct doc_at member;
    struct content_name name;
    struct err why = {0};
    if (!doc_member(at, "upstream", &member))
        return 0;
    out->upstream = scenario_text(r, member, "\"upstream\"", TEXT_PLAIN);
    if (!out->upstream || check_no_user(r, member, out->upstream) != 0)
        return -1;
    if (content_name_upstream(out->upstream, &name, &why) != 0)
        return doc_complain(r->err, member, "\"%.200s\" %s", out->upstream, why.text);
    return 0;
}
