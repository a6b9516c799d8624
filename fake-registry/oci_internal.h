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

/* Makes a copy of LEN bytes of TEXT the body of a 200. -1: no memory. */
int oci_say(struct response *out, const char *media_type, const char *text, size_t len);

/* The answers that list something (distribution specification v1.1): tags, repositories, referrers,
 * with `n` and `last` where the request has them. -1: no memory. */
int oci_tags(const struct oci_view *view, const struct http_request *request,
             const struct oci_route *route, struct response *out);
int oci_catalog(const struct oci_view *view, const struct http_request *request,
                struct response *out);
int oci_referrers(const struct http_request *request, struct response *out);

#endif
