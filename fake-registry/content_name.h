/* Where an image's real content lies: "oci:DIR:NAME", "docker://HOST/REPO:TAG" and so on. Pure. */
#ifndef PULLDRILL_FAKE_REGISTRY_CONTENT_NAME_H
#define PULLDRILL_FAKE_REGISTRY_CONTENT_NAME_H

#include <stddef.h>

#include "fake-registry/digest.h"
#include "harness/base/err.h"

#define CONTENT_MAX_PATH 4096
#define CONTENT_MAX_WORD 512
#define CONTENT_MAX_HOST 264 /* a name of 255 characters, a colon, a port, the NUL */

enum content_kind {
    CONTENT_OCI,            /* an image layout folder */
    CONTENT_OCI_ARCHIVE,    /* the same in a tar */
    CONTENT_DOCKER_ARCHIVE, /* what `docker save` writes */
    CONTENT_UPSTREAM,       /* a registry elsewhere */
};

/* How an upstream is spoken to. */
enum content_scheme {
    SCHEME_HTTPS,
    SCHEME_HTTP,
    SCHEME_EITHER, /* on this machine: https, and http where the other side speaks no TLS */
};

struct content_name {
    enum content_kind kind;
    char path[CONTENT_MAX_PATH]; /* of the folder or file */
    char name[CONTENT_MAX_WORD]; /* which image in it; empty: the only one */
    enum content_scheme scheme;  /* of an upstream, with all below */
    char host[CONTENT_MAX_HOST]; /* with its port; as one would write it in front of the image */
    char repository[256];
    char reference[DIGEST_TEXT]; /* a tag or a digest */
};

/* Splits TEXT. -1: E says what would be right, without TEXT in front. */
int content_name_parse(const char *text, struct content_name *out, struct err *e);
/* Splits the URL of a registry, "https://HOST[:PORT]", into SCHEME and HOST. */
int content_name_upstream(const char *url, struct content_name *out, struct err *e);
/* REPOSITORY:REFERENCE of the registry that content_name_upstream read. */
int content_name_image(struct content_name *name, const char *repository, const char *reference,
                       struct err *e);
/* "the image layout DIR, stable", "the registry quay.io, ci/agent:stable": for people. Cut at SIZE.
 */
void content_name_text(const struct content_name *name, char *text, size_t size);

#endif
