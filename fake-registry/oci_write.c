/* Requests that change a store, from their head to their answer: what each begins with, where its
 * body goes, and how it ends. */
#include <string.h>

#include "fake-registry/oci_internal.h"

bool oci_is_write(enum op op)
{
    switch (op) {
    case OP_MANIFEST_PUT:
    case OP_UPLOAD_START:
    case OP_UPLOAD_CHUNK:
    case OP_UPLOAD_FINISH:
    case OP_UPLOAD_CANCEL:
    case OP_DELETE:
        return true;
    default:
        return false;
    }
}

int oci_write_refuse(struct oci_write *w, unsigned status, const char *code, const char *message)
{
    w->refused = true;
    return response_error(&w->answer, status, code, message);
}

static int read_only(const struct oci_route *route, struct oci_write *w)
{
    int rc = oci_write_refuse(w, 405, "UNSUPPORTED", "this registry is read-only");
    response_header_text(&w->answer, "Allow", oci_allowed_reads(route->allow));
    return rc;
}

int oci_write_begin(struct store *store, const struct oci_rules *rules,
                    const struct http_request *request, const struct oci_route *route,
                    struct oci_write *w)
{
    w->refused = false;
    w->upload = NULL;
    w->created = false;
    w->takes_manifest = route->op == OP_MANIFEST_PUT;
    w->from = 0;
    w->expected = UINT64_MAX;
    w->read = NULL;
    buf_init(&w->manifest, OCI_MAX_MANIFEST);
    response_init(&w->answer);
    if (route->bad != NULL) {
        w->refused = true;
        return oci_refuse_route(route, &w->answer);
    }
    if (rules->read_only) {
        return read_only(route, w);
    }
    switch (route->op) {
    case OP_UPLOAD_START:
        return oci_start_begin(store, request, route, w);
    case OP_UPLOAD_CHUNK:
    case OP_UPLOAD_FINISH:
        return oci_chunk_begin(store, request, route, w);
    case OP_MANIFEST_PUT:
        return oci_manifest_begin(request, route, w);
    default:
        return 0;
    }
}

static void add_manifest(struct oci_write *w, const char *data, size_t len)
{
    if (len <= OCI_MAX_MANIFEST - w->manifest.len) {
        buf_append(&w->manifest, data, len);
        return;
    }
    buf_close(&w->manifest);
    (void)oci_write_refuse(w, 413, "SIZE_INVALID", "the manifest is larger than 8 MiB");
}

/* An upload that could not take a piece is as it was before, and free for another request; one that
 * was begun by this very request is taken away by oci_write_close. */
static void add_upload(struct oci_write *w, const char *data, size_t len)
{
    struct err e = {.code = ERR_NONE};
    if (upload_add(w->upload, data, len, &e) == 0) {
        return;
    }
    if (!w->created) {
        upload_release(w->upload, false);
        w->upload = NULL;
    }
    w->refused = true;
    (void)oci_store_error(&w->answer, &e);
}

void oci_write_body(struct oci_write *w, const char *data, size_t len)
{
    if (w->refused) {
        return;
    }
    if (w->upload != NULL) {
        add_upload(w, data, len);
    } else if (w->takes_manifest) {
        add_manifest(w, data, len);
    }
}

/* The answer that waits in W becomes OUT. */
static void take_answer(struct oci_write *w, struct response *out)
{
    bool head_only = out->head_only;
    response_close(out);
    *out = w->answer;
    out->head_only = head_only;
    response_init(&w->answer);
}

static int delete_it(struct store *store, const struct oci_route *route, struct oci_write *w,
                     struct store_job **job, struct response *out)
{
    struct err e = {.code = ERR_NONE};
    bool digest = strchr(route->reference, ':') != NULL;
    enum store_thing thing = route->blob ? STORE_BLOB : digest ? STORE_MANIFEST : STORE_TAG;
    *job = store_job_delete(store, route->repository, thing, route->reference, &e);
    if (*job != NULL) {
        oci_empty(&w->answer, 202);
        return 0;
    }
    if (e.code != ERR_NONE) {
        return oci_store_error(out, &e);
    }
    return oci_unknown(route, route->blob ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN",
                       route->blob ? "blob unknown to registry" : "manifest unknown", out);
}

int oci_write(struct store *store, const struct oci_rules *rules,
              const struct http_request *request, const struct oci_route *route,
              struct oci_write *w, struct store_job **job, struct response *out)
{
    *job = NULL;
    if (w->refused) {
        take_answer(w, out);
        return 0;
    }
    switch (route->op) {
    case OP_UPLOAD_START:
        return oci_start(store, request, route, w, job, out);
    case OP_UPLOAD_CHUNK:
        return oci_chunk(route, w, out);
    case OP_UPLOAD_FINISH:
        return oci_finish(store, request, route, w, job, out);
    case OP_UPLOAD_CANCEL:
        return oci_cancel(store, route, out);
    case OP_MANIFEST_PUT:
        return oci_manifest_put(store, rules, request, route, w, job, out);
    case OP_DELETE:
        return delete_it(store, route, w, job, out);
    default:
        return response_error(out, 404, NULL, "no such endpoint");
    }
}

int oci_write_end(struct oci_write *w, struct store_job *job, struct response *out)
{
    struct err e = {.code = ERR_NONE};
    if (store_job_finish(job, &e) != 0) {
        return oci_store_error(out, &e);
    }
    take_answer(w, out);
    return 0;
}

void oci_write_close(struct store *store, struct oci_write *w, bool keep)
{
    if (w->upload != NULL) {
        if (w->created) {
            store_upload_cancel(store, w->upload); /* no client knows its place */
        } else {
            upload_release(w->upload, keep);
        }
        w->upload = NULL;
    }
    oci_manifest_free(w->read);
    w->read = NULL;
    buf_close(&w->manifest);
    response_close(&w->answer);
}
