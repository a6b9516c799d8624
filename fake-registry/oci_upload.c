/* Blobs on their way in (distribution-spec end-4, end-5, end-6, end-11, end-13, end-14).
 *
 * Happy path: a POST begins an upload, PATCHes add to it, a PUT says its digest and closes it. The
 * head of a request with a body takes hold of the upload, so that no second one writes in between;
 * its body is added piece by piece; its end lets go of it, or hands it to a job of the store.
 *
 * Failure modes: an upload that is not known (404), that another request holds (409), a
 * Content-Range that does not begin where the upload ends (416, with the place to go on from), a
 * body that is not as long as was said (400), one that is too large (413). None of them adds a
 * byte.
 */
#include <inttypes.h>
#include <string.h>

#include "fake-registry/oci_internal.h"

#define DIGITS "0123456789"
#define UNSAID UINT64_MAX

/* ---- answers ------------------------------------------------------------------------------- */

/* An upload's place: Location, Range, Docker-Upload-UUID. */
static void tell_upload(struct response *out, const char *repository, const struct upload *u)
{
    uint64_t size = upload_size(u);
    response_header(out, "Location", "/v2/%s/blobs/uploads/%s", repository, upload_id(u));
    /* Of an empty upload too: no range says that there is nothing, and this is what clients know.
     */
    response_header(out, "Range", "0-%" PRIu64, size > 0 ? size - 1 : 0);
    response_header_text(out, "Docker-Upload-UUID", upload_id(u));
}

static int unknown(struct response *out)
{
    return response_error(out, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
}

static int busy(struct response *out)
{
    return response_error(out, 409, "BLOB_UPLOAD_INVALID", "another request writes to this upload");
}

/* What the client is told of a blob that was kept, or mounted. */
static void say_blob(struct response *out, const char *repository, const char *digest)
{
    oci_empty(out, 201);
    response_header(out, "Location", "/v2/%s/blobs/%s", repository, digest);
    response_header_text(out, "Docker-Content-Digest", digest);
}

int oci_upload_status(const struct store *store, const struct oci_route *route,
                      struct response *out)
{
    const struct upload *u = store_upload(store, route->repository, route->reference);
    if (u == NULL) {
        return unknown(out);
    }
    oci_empty(out, 204);
    tell_upload(out, route->repository, u);
    return 0;
}

/* ---- the head of a request ----------------------------------------------------------------- */

/* "FIRST-LAST", inclusive, each a number of 64 bits; false where it is anything else. */
static bool parse_range(const char *text, uint64_t *first, uint64_t *last)
{
    uint64_t number[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        size_t digits = strspn(text, DIGITS);
        for (size_t k = 0; k < digits; k++) {
            uint64_t digit = (uint64_t)(text[k] - '0');
            if (number[i] > (UINT64_MAX - digit) / 10) {
                return false;
            }
            number[i] = number[i] * 10 + digit;
        }
        text += digits;
        if (digits == 0 || *text != (i == 0 ? '-' : '\0')) {
            return false;
        }
        text += i == 0 ? 1 : 0;
    }
    *first = number[0];
    *last = number[1];
    return number[0] <= number[1] && number[1] - number[0] < UNSAID - 1;
}

static void let_go(struct oci_write *w)
{
    upload_release(w->upload, false);
    w->upload = NULL;
}

static int out_of_order(const struct oci_route *route, struct oci_write *w)
{
    const struct upload *u = w->upload;
    int rc = oci_write_refuse(w, 416, "BLOB_UPLOAD_INVALID",
                              "the chunk does not begin where the upload ends");
    tell_upload(&w->answer, route->repository, u);
    let_go(w);
    return rc;
}

/* Whether the body is as its head says: W's upload goes on where Content-Range begins. */
static int check_range(const struct http_request *request, const struct oci_route *route,
                       struct oci_write *w)
{
    uint64_t first = 0;
    uint64_t last = 0;
    const char *range = http_request_header(request, "Content-Range");
    if (range == NULL) {
        return 0;
    }
    if (!parse_range(range, &first, &last) || first != w->from) {
        return out_of_order(route, w);
    }
    w->expected = last - first + 1;
    if (request->content_length > 0 && request->content_length != w->expected) {
        let_go(w);
        return oci_write_refuse(w, 400, "SIZE_INVALID",
                                "Content-Length is another one than Content-Range says");
    }
    return 0;
}

/* The digest that a closing request says, into DIGEST; false where it is none. */
static bool said_digest(const struct http_request *request, char digest[DIGEST_TEXT])
{
    return http_query(request->query, "digest", digest, DIGEST_TEXT) && digest_valid(digest);
}

static int bad_digest(struct oci_write *w)
{
    return oci_write_refuse(w, 400, "DIGEST_INVALID",
                            "provided digest is malformed or of an unknown algorithm");
}

int oci_chunk_begin(struct store *store, const struct http_request *request,
                    const struct oci_route *route, struct oci_write *w)
{
    char digest[DIGEST_TEXT];
    struct upload *u = store_upload(store, route->repository, route->reference);
    if (u == NULL) {
        w->refused = true;
        return unknown(&w->answer);
    }
    if (route->op == OP_UPLOAD_FINISH && !said_digest(request, digest)) {
        return bad_digest(w);
    }
    if (!upload_hold(u)) {
        w->refused = true;
        return busy(&w->answer);
    }
    w->upload = u;
    w->from = upload_size(u);
    return check_range(request, route, w);
}

/* The blob that a POST asks to be mounted; NULL where there is none. */
static struct content *mount_source(const struct store *store, const char *query,
                                    const char *digest)
{
    char from[OCI_MAX_NAME];
    switch (http_query_param(query, "from", from, sizeof(from))) {
    case HTTP_PARAM_ABSENT:
        return store_blob_anywhere(store, digest);
    case HTTP_PARAM_GOOD:
        return store_blob(store, from, digest);
    case HTTP_PARAM_BAD:
        break;
    }
    return NULL;
}

/* A POST that brings the whole blob. */
static int begin_whole(struct store *store, const struct oci_route *route, const char *digest,
                       struct oci_write *w)
{
    struct err e = {.code = ERR_NONE};
    char algorithm[] = "sha512";
    memcpy(algorithm, digest, sizeof(algorithm) - 1);
    struct upload *u = store_upload_begin(store, route->repository, algorithm, &e);
    if (u == NULL || !upload_hold(u)) {
        w->refused = true;
        return oci_store_error(&w->answer, &e);
    }
    w->upload = u;
    w->created = true;
    return 0;
}

int oci_start_begin(struct store *store, const struct http_request *request,
                    const struct oci_route *route, struct oci_write *w)
{
    char text[DIGEST_TEXT];
    const char *query = request->query;
    enum http_param said = http_query_param(query, "digest-algorithm", text, sizeof(text));
    if (said == HTTP_PARAM_BAD ||
        (said == HTTP_PARAM_GOOD && strcmp(text, "sha256") != 0 && strcmp(text, "sha512") != 0)) {
        return bad_digest(w);
    }
    said = http_query_param(query, "mount", text, sizeof(text));
    if (said == HTTP_PARAM_BAD || (said == HTTP_PARAM_GOOD && !digest_valid(text))) {
        return bad_digest(w);
    }
    if (said == HTTP_PARAM_GOOD && mount_source(store, query, text) != NULL) {
        return 0; /* what body there may be is not needed */
    }
    said = http_query_param(query, "digest", text, sizeof(text));
    if (said == HTTP_PARAM_BAD || (said == HTTP_PARAM_GOOD && !digest_valid(text))) {
        return bad_digest(w);
    }
    return said == HTTP_PARAM_GOOD ? begin_whole(store, route, text, w) : 0;
}

/* ---- all of it has come -------------------------------------------------------------------- */

/* The upload of W becomes the blob DIGEST; the answer waits in W. */
static int keep(struct store *store, const struct oci_route *route, const char *digest,
                struct oci_write *w, struct store_job **job, struct response *out)
{
    struct err e = {.code = ERR_NONE};
    *job = store_job_blob(store, w->upload, digest, &e);
    if (*job == NULL) {
        return oci_store_error(out, &e);
    }
    w->upload = NULL;
    say_blob(&w->answer, route->repository, digest);
    return 0;
}

static int begin_session(struct store *store, const struct http_request *request,
                         const struct oci_route *route, struct response *out)
{
    struct err e = {.code = ERR_NONE};
    char algorithm[16];
    bool said = http_query(request->query, "digest-algorithm", algorithm, sizeof(algorithm));
    const struct upload *u =
        store_upload_begin(store, route->repository, said ? algorithm : NULL, &e);
    if (u == NULL) {
        return oci_store_error(out, &e);
    }
    oci_empty(out, 202);
    tell_upload(out, route->repository, u);
    return 0;
}

int oci_start(struct store *store, const struct http_request *request,
              const struct oci_route *route, struct oci_write *w, struct store_job **job,
              struct response *out)
{
    struct err e = {.code = ERR_NONE};
    char digest[DIGEST_TEXT];
    if (w->upload != NULL) {
        return said_digest(request, digest) ? keep(store, route, digest, w, job, out) : -1;
    }
    struct content *c = NULL;
    if (http_query(request->query, "mount", digest, sizeof(digest))) {
        c = mount_source(store, request->query, digest);
    }
    if (c == NULL) {
        return begin_session(store, request, route, out);
    }
    *job = store_job_mount(store, route->repository, c, &e);
    if (*job == NULL) {
        return oci_store_error(out, &e);
    }
    say_blob(&w->answer, route->repository, c->digest);
    return 0;
}

/* Whether what came is what Content-Range said. */
static bool is_whole(const struct oci_write *w)
{
    return w->expected == UNSAID || upload_size(w->upload) - w->from == w->expected;
}

static int not_whole(struct oci_write *w, struct response *out)
{
    let_go(w);
    return response_error(out, 400, "SIZE_INVALID", "the body is not as long as was said");
}

int oci_chunk(const struct oci_route *route, struct oci_write *w, struct response *out)
{
    if (!is_whole(w)) {
        return not_whole(w, out);
    }
    upload_release(w->upload, true);
    oci_empty(out, 202);
    tell_upload(out, route->repository, w->upload);
    w->upload = NULL;
    return 0;
}

int oci_finish(struct store *store, const struct http_request *request,
               const struct oci_route *route, struct oci_write *w, struct store_job **job,
               struct response *out)
{
    char digest[DIGEST_TEXT];
    if (!is_whole(w)) {
        return not_whole(w, out);
    }
    return said_digest(request, digest) ? keep(store, route, digest, w, job, out) : -1;
}

int oci_cancel(struct store *store, const struct oci_route *route, struct response *out)
{
    struct upload *u = store_upload(store, route->repository, route->reference);
    if (u == NULL) {
        return unknown(out);
    }
    if (!upload_hold(u)) {
        return busy(out);
    }
    store_upload_cancel(store, u);
    oci_empty(out, 204);
    response_header_text(out, "Docker-Upload-UUID", route->reference);
    return 0;
}
