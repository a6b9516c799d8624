/* What a start left behind: its result.json, and the image layout that it names, hashed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-registry/digest.h"
#include "harness/base/doc.h"
#include "harness/base/fd.h"
#include "harness/base/json_memory.h"
#include "harness/lane.h"

#define RESULT_BYTES (64u << 10)
#define INDEX_BYTES (4u << 20)
#define READ_BYTES (64u << 10)
#define PATH_BYTES 4096

/* ---- files that a subject wrote, so that nothing about them can be trusted ------------------ */

/* Opens a regular file (no link, no FIFO) below FOLDER. -1: errno says why, 0 for "no regular
 * file".
 */
static int open_regular(int folder, const char *path, uint64_t *size)
{
    int fd = openat(folder, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (fd < 0) {
        if (errno == ELOOP || errno == ENXIO)
            errno = 0;
        return -1;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        errno = 0;
        return -1;
    }
    *size = (uint64_t)st.st_size;
    return fd;
}

/* The whole of FD, closed in any case; it may be shorter than SIZE by now. NULL: E says why. */
static char *read_whole(int fd, uint64_t size, uint64_t max, size_t *len, struct err *e)
{
    char *text = NULL;
    ssize_t n = -1;

    if (size > max) {
        err_set(e, ERR_INVALID, "larger than %" PRIu64 " bytes", max);
    } else if ((text = malloc((size_t)size + 1)) == NULL) {
        err_set(e, ERR_NOMEM, "no memory for it");
    } else if ((n = fd_read_up_to(fd, text, (size_t)size)) < 0) {
        err_errno(e, errno, "cannot be read");
    }
    close(fd);
    if (n < 0) {
        free(text);
        return NULL;
    }
    *len = (size_t)n;
    return text;
}

/* ---- result.json -------------------------------------------------------------------------- */

static char *compact_object(const char *text, size_t len, struct err *e)
{
    struct doc doc;
    char *out = NULL;

    if (doc_init(&doc, "result.json", text, len, e) != 0)
        return NULL;
    if (!json_is_object(doc.root)) {
        doc_complain(e, doc_root(&doc), "not a JSON object; write {\"digest\": \"sha256:…\"}");
    } else {
        out = json_dumps(doc.root, JSON_COMPACT | JSON_PRESERVE_ORDER);
        if (out == NULL)
            err_set(e, ERR_NOMEM, "no memory for result.json");
    }
    doc_close(&doc);
    return out;
}

char *lane_result(const struct lane *lane, struct err *e)
{
    char path[PATH_BYTES];
    uint64_t size = 0;
    size_t len = 0;
    int fd = -1;
    char *text = NULL;
    char *out = NULL;

    if (lane->start_dir == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/result.json", lane->start_dir);
    fd = open_regular(AT_FDCWD, path, &size);
    if (fd < 0) {
        if (errno == 0)
            err_set(e, ERR_INVALID, "result.json is not a regular file");
        else if (errno != ENOENT)
            err_input(e, errno, "cannot open result.json");
        return NULL;
    }
    text = read_whole(fd, size, RESULT_BYTES, &len, e);
    if (text == NULL) {
        err_prefix(e, "result.json");
        return NULL;
    }
    out = compact_object(text, len, e);
    free(text);
    return out;
}

/* ---- the layout --------------------------------------------------------------------------- */

/* A layout under inspection. WHY is empty as long as it is whole. */
struct layout {
    const struct plan_image *image;
    int manifest;                           /* of IMAGE: the one to check; -1: what is there */
    const struct scenario_subject *subject; /* NULL: nothing may be absent */
    int folder;                             /* the layout itself */
    int blobs;                              /* its blobs */
    char why[512];
    struct err trouble; /* the harness's own, which says nothing of the layout */
};

static bool may_be_absent(const struct layout *l, const char *digest, bool manifest)
{
    if (l->subject == NULL)
        return false;
    if (l->subject->baked_in && !manifest)
        return true;
    for (size_t i = 0; i < l->subject->preloaded_count; i++) {
        if (strcmp(l->subject->preloaded[i], digest) == 0)
            return true;
    }
    return false;
}

/* Whether the SIZE bytes of FD have DIGEST. */
static bool hash_matches(struct layout *l, int fd, uint64_t size, const char *digest)
{
    struct digest_stream *stream = digest_stream_new(digest);
    char *chunk = malloc(READ_BYTES);
    uint64_t done = 0;

    if (stream == NULL || chunk == NULL) {
        err_set(&l->trouble, ERR_NOMEM, "no memory to hash what a start pulled");
        digest_stream_free(stream);
        free(chunk);
        return false;
    }
    while (done < size) {
        ssize_t n = fd_read_up_to(fd, chunk, READ_BYTES);

        if (n < 0)
            err_errno(&l->trouble, errno, "cannot read what a start pulled");
        if (n <= 0)
            break;
        digest_stream_update(stream, chunk, (size_t)n);
        done += (uint64_t)n;
    }
    free(chunk);
    return digest_stream_finish(stream);
}

static bool is_manifest(const char *what)
{
    return strcmp(what, "manifest") == 0 || strcmp(what, "index") == 0;
}

/* That the machine could not open it says nothing of what a start left there. */
static void note_trouble(struct layout *l, int cause)
{
    struct err e = {0};

    err_input(&e, cause, "cannot open what a start pulled");
    if (e.code == ERR_IO)
        l->trouble = e;
    errno = cause;
}

/* WHAT is "index", "manifest", "config" or "layer". */
static bool check_blob(struct layout *l, const char *what, const char *digest, uint64_t size)
{
    char path[DIGEST_TEXT + 1];
    uint64_t found = 0;
    int fd = -1;

    snprintf(path, sizeof path, "%s", digest);
    *strchrnul(path, ':') = '/';
    fd = open_regular(l->blobs, path, &found);
    if (fd < 0 && errno != 0)
        note_trouble(l, errno);
    if (fd < 0 && errno == ENOENT && may_be_absent(l, digest, is_manifest(what)))
        return true;
    if (fd < 0 && errno == ENOENT)
        snprintf(l->why, sizeof l->why, "%s %s is missing", what, digest);
    else if (fd < 0)
        snprintf(l->why, sizeof l->why, "%s %s %s%s", what, digest,
                 errno == 0 ? "is not a regular file" : "cannot be opened: ",
                 errno == 0 ? "" : strerror(errno));
    else if (found != size)
        snprintf(l->why, sizeof l->why, "%s %s has %" PRIu64 " bytes instead of %" PRIu64, what,
                 digest, found, size);
    else if (!hash_matches(l, fd, size, digest))
        snprintf(l->why, sizeof l->why, "%s %s holds other bytes", what, digest);
    if (fd >= 0)
        close(fd);
    return l->why[0] == '\0';
}

static bool check_manifest(struct layout *l, const struct plan_manifest *m)
{
    bool whole = check_blob(l, "manifest", m->digest, m->size);

    for (size_t i = 0; whole && i < m->blob_count; i++)
        whole = check_blob(l, i == 0 ? "config" : "layer", m->blobs[i].digest, m->blobs[i].size);
    return whole;
}

/* Whether anything is there under DIGEST, or the subject's machine has it already. */
static bool is_there(const struct layout *l, const char *digest)
{
    char path[DIGEST_TEXT + 1];

    snprintf(path, sizeof path, "%s", digest);
    *strchrnul(path, ':') = '/';
    return faccessat(l->blobs, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
           may_be_absent(l, digest, true);
}

/* Of an index, one manifest that a machine can run is enough, and each that is there must be
 * whole. */
static void check_listed(struct layout *l)
{
    const struct plan_image *image = l->image;
    size_t found = 0;

    for (size_t i = 0; i < image->manifest_count; i++) {
        const struct plan_manifest *m = &image->manifests[i];

        if (!is_there(l, m->digest))
            continue;
        if (!check_manifest(l, m))
            return;
        found += plan_manifest_runs(m) ? 1 : 0;
    }
    if (found == 0)
        snprintf(l->why, sizeof l->why, "none of the manifests that index %s lists is there",
                 image->digest);
}

static void check_blobs(struct layout *l)
{
    const struct plan_image *image = l->image;

    if (l->manifest >= 0)
        check_manifest(l, &image->manifests[l->manifest]);
    else if (!is_there(l, image->digest) ||
             check_blob(l, "index", image->digest, image->manifest_size))
        check_listed(l);
}

static bool index_names(const json_t *index, const char *digest)
{
    const json_t *manifests = json_object_get(index, "manifests");

    for (size_t i = 0; i < json_array_size(manifests); i++) {
        const json_t *entry = json_object_get(json_array_get(manifests, i), "digest");

        if (json_is_string(entry) && strcmp(json_string_value(entry), digest) == 0)
            return true;
    }
    return false;
}

/* Whether INDEX, a layout's index.json, leads to what was checked: to the image itself, where that
 * is there, or to a manifest it lists that is. */
static bool index_leads(const struct layout *l, const json_t *index)
{
    const struct plan_image *image = l->image;

    if (is_there(l, image->digest) && index_names(index, image->digest))
        return true;
    if (l->manifest >= 0)
        return index_names(index, image->manifests[l->manifest].digest);
    for (size_t i = 0; i < image->manifest_count; i++) {
        const char *digest = image->manifests[i].digest;

        if (is_there(l, digest) && index_names(index, digest))
            return true;
    }
    return false;
}

/* A layout's index.json must lead to the image; a bare blobs folder has none. */
static void check_index(struct layout *l)
{
    uint64_t size = 0;
    size_t len = 0;
    struct err e = {0};
    char *text = NULL;
    json_t *index = NULL;
    unsigned lost = 0;
    int fd = open_regular(l->folder, "index.json", &size);

    if (fd < 0 && errno == ENOENT)
        return;
    if (fd < 0) {
        note_trouble(l, errno);
        snprintf(l->why, sizeof l->why, "its index.json cannot be opened");
        return;
    }
    text = read_whole(fd, size, INDEX_BYTES, &len, &e);
    if (e.code == ERR_NOMEM || e.code == ERR_IO)
        err_set(&l->trouble, e.code, "index.json of a layout: %s", e.text);
    lost = json_memory_lost();
    index = text == NULL ? NULL : json_loadb(text, len, 0, NULL);
    if (json_memory_lost() != lost)
        err_set(&l->trouble, ERR_NOMEM, "no memory to read index.json of a layout");
    if (text == NULL)
        snprintf(l->why, sizeof l->why, "its index.json: %.400s", e.text);
    else if (!json_is_object(index))
        snprintf(l->why, sizeof l->why, "its index.json is not a JSON object");
    else if (!index_leads(l, index))
        snprintf(l->why, sizeof l->why, "its index.json does not name %s", l->image->digest);
    json_decref(index);
    free(text);
}

/* Opens PATH (below the start's folder where relative) and its blobs, or takes it for the blobs
 * folder itself. */
static bool open_layout(struct layout *l, const struct lane *lane, const char *path)
{
    char full[PATH_BYTES];
    int n = snprintf(full, sizeof full, "%s%s%s", path[0] == '/' ? "" : lane->start_dir,
                     path[0] == '/' ? "" : "/", path);

    if (n < (int)sizeof full)
        l->folder = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    else
        errno = ENAMETOOLONG;
    if (l->folder < 0) {
        note_trouble(l, errno);
        snprintf(l->why, sizeof l->why, "the layout %.200s cannot be opened: %s", path,
                 strerror(errno));
        return false;
    }
    l->blobs = openat(l->folder, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->blobs < 0)
        l->blobs = dup(l->folder);
    if (l->blobs < 0)
        note_trouble(l, errno);
    if (l->blobs < 0)
        snprintf(l->why, sizeof l->why, "its blobs cannot be opened: %s", strerror(errno));
    return l->blobs >= 0;
}

/* The image that the result speaks of: by its digest, or the only one there is. */
static bool find_image(struct layout *l, const struct plan *plan, const json_t *result)
{
    const json_t *digest = json_object_get(result, "digest");

    if (json_is_string(digest)) {
        l->image = plan_image_by_digest(plan, json_string_value(digest));
        if (l->image == NULL)
            snprintf(l->why, sizeof l->why, "digest %.150s is none of this drill's images",
                     json_string_value(digest));
    } else if (digest != NULL) {
        snprintf(l->why, sizeof l->why, "the digest in result.json is not a string");
    } else if (plan->scenario->image_count == 1) {
        l->image = &plan->images[0];
    } else {
        snprintf(l->why, sizeof l->why, "result.json names a layout but no digest");
    }
    if (l->image != NULL && !plan_image_is_index(l->image))
        l->manifest = 0;
    else if (l->image != NULL)
        l->manifest = plan_image_manifest(l->image, json_string_value(digest));
    return l->image != NULL;
}

static void check_layout(struct layout *l, const struct lane *lane, const json_t *result,
                         const json_t *path)
{
    if (!json_is_string(path)) {
        snprintf(l->why, sizeof l->why, "the layout in result.json is not a string");
        return;
    }
    if (!find_image(l, lane->plan, result) || !open_layout(l, lane, json_string_value(path)))
        return;
    check_blobs(l);
    if (l->why[0] == '\0')
        check_index(l);
}

static char *verdict_text(const struct layout *l, struct err *e)
{
    char *text = NULL;

    if (l->why[0] == '\0')
        text = strdup("whole");
    else if (asprintf(&text, "broken: %s", l->why) < 0)
        text = NULL;
    if (text == NULL)
        err_set(e, ERR_NOMEM, "no memory for what a layout holds");
    return text;
}

char *lane_layout(const struct lane *lane, const char *result, struct err *e)
{
    struct layout l = {.folder = -1, .blobs = -1};
    unsigned lost = json_memory_lost();
    json_t *object = result == NULL ? NULL : json_loads(result, 0, NULL);
    const json_t *path = json_object_get(object, "layout");
    char *text = NULL;

    if (json_memory_lost() != lost) {
        err_set(e, ERR_NOMEM, "no memory to read what a start says");
    } else if (path != NULL && lane->start_dir != NULL) {
        if (lane->subject >= 0)
            l.subject = &lane->plan->scenario->subjects[lane->subject];
        check_layout(&l, lane, object, path);
        if (l.trouble.code == ERR_NONE)
            text = verdict_text(&l, e);
        else if (e->code == ERR_NONE)
            *e = l.trouble;
    }
    if (l.folder >= 0)
        close(l.folder);
    if (l.blobs >= 0)
        close(l.blobs);
    json_decref(object);
    return text;
}
