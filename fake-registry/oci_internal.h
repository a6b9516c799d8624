/* What the files of the OCI front share: the store as a request sees it, and the listings. */
#ifndef PULLDRILL_FAKE_REGISTRY_OCI_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_OCI_INTERNAL_H

#include "fake-registry/oci.h"

/* A store and the decisions that may hide parts of it. */
struct oci_view {
    const struct store *store;
    const struct fault_decision *decisions;
    size_t count;
};

typedef bool oci_hides(const struct fault_rule *rule, const char *repository,
                       const char *reference);
/* Whether a view that fired hides REFERENCE. */
bool oci_view_hides(const struct oci_view *view, oci_hides *hides, const char *repository,
                    const char *reference);

/* Makes what is in B, which is closed, the body of a 200. -1: no memory. */
int oci_say(struct response *out, const char *media_type, struct buf *b);

/* What is served for C, which ROUTE's tag stands for (NULL: nothing): C as it is, but for a Docker
 * list whose client takes no list (oci_accept.c). */
struct content *oci_negotiate(const struct store *store, const struct http_request *request,
                              const struct oci_route *route, struct content *c);

/* The answers that list something (distribution specification v1.1): tags, repositories, referrers,
 * with `n` and `last` where the request has them. -1: no memory. */
int oci_tags(const struct oci_view *view, const struct http_request *request,
             const struct oci_route *route, struct response *out);
int oci_catalog(const struct oci_view *view, const struct http_request *request,
                struct response *out);
int oci_referrers(const struct oci_view *view, const struct http_request *request,
                  const struct oci_route *route, struct response *out);

/* One page of a sorted list: what comes after LAST, at most N of it. */
struct oci_page {
    uint64_t n;
    char last[OCI_MAX_NAME];
    uint64_t taken;
    bool more;
    const char *end; /* the last one taken */
};
/* False where n is no number. */
bool oci_page_init(struct oci_page *page, const char *query);
/* The answer then. */
int oci_bad_number(struct response *out);

/* PATH with single slashes, one behind /v2, and none at its end, but for where uploads begin. False
 * where PATH is like that, or too long. */
#define OCI_MAX_RIGHT_PATH 1024
bool oci_right_path(const char *path, char out[OCI_MAX_RIGHT_PATH]);

bool oci_tag_valid(const char *tag);
/* A manifest or blob that is not there: 404. CODE says no more where its whole repository is not
 * there either, as in Docker's registry: `skopeo inspect` tells a missing image by that code. */
int oci_unknown(const struct oci_route *route, const char *code, const char *message,
                struct response *out);
/* The answer to a path that cannot be served as asked (route->bad). */
int oci_refuse_route(const struct oci_route *route, struct response *out);
/* Like response_error, one error for each of the COUNT VALUES: {KEY: value} is its detail. */
int oci_error(struct response *out, unsigned status, const char *code, const char *message,
              const char *key, const char *const *values, size_t count);
/* What a store would not do, as an answer: no word of E goes out. */
int oci_store_error(struct response *out, const struct err *e);
/* Turns OUT into an empty answer. */
void oci_empty(struct response *out, unsigned status);

/* The status of an upload (end-13). */
int oci_upload_status(const struct store *store, const struct oci_route *route,
                      struct response *out);

/* The parts of oci_write_begin and oci_write for one kind of request each; the same contracts. */
int oci_start_begin(struct store *store, const struct http_request *request,
                    const struct oci_route *route, struct oci_write *w);
int oci_start(struct store *store, const struct http_request *request,
              const struct oci_route *route, struct oci_write *w, struct store_job **job,
              struct response *out);
int oci_chunk_begin(struct store *store, const struct http_request *request,
                    const struct oci_route *route, struct oci_write *w);
int oci_chunk(const struct oci_route *route, struct oci_write *w, struct response *out);
int oci_finish(struct store *store, const struct http_request *request,
               const struct oci_route *route, struct oci_write *w, struct store_job **job,
               struct response *out);
int oci_cancel(struct store *store, const struct oci_route *route, struct response *out);
int oci_manifest_begin(const struct http_request *request, const struct oci_route *route,
                       struct oci_write *w);
int oci_manifest_put(struct store *store, const struct oci_rules *rules,
                     const struct http_request *request, const struct oci_route *route,
                     struct oci_write *w, struct store_job **job, struct response *out);
/* Lets go of what was read; M may be NULL. */
void oci_manifest_free(struct oci_manifest *m);
/* Makes the answer of W a refusal. */
int oci_write_refuse(struct oci_write *w, unsigned status, const char *code, const char *message);

#endif
