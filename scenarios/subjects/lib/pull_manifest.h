/* Manifests and indexes, OCI and Docker: what they name, read strictly. */
#ifndef PULLDRILL_SUBJECT_PULL_MANIFEST_H
#define PULLDRILL_SUBJECT_PULL_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/digest.h"
#include "harness/base/err.h"
#include "scenarios/subjects/lib/pull_platform.h"

#define PULL_MAX_MANIFEST (4u << 20)
/* Config and layers together; clients in the field stop at 127 layers. */
#define PULL_MAX_BLOBS 256u
#define PULL_MAX_BLOB_SIZE (UINT64_C(64) << 30)
#define PULL_MEDIA_TYPE 128

/* The types asked for, as an Accept header's value. */
extern const char pull_manifest_accept[];

struct pull_descriptor {
    char media_type[PULL_MEDIA_TYPE];
    char digest[DIGEST_TEXT];
    uint64_t size;
};

struct pull_manifest {
    char media_type[PULL_MEDIA_TYPE];
    char version[64]; /* annotation org.opencontainers.image.version; empty where there is none */
    bool index;
    struct pull_descriptor child;  /* of an index: the manifest for the platform */
    struct pull_descriptor *blobs; /* of a manifest: the config, then the layers */
    size_t count;
};

/* From a descriptor's JSON. */
int pull_descriptor_read(const json_t *value, struct pull_descriptor *out, struct err *e);
/* CONTENT_TYPE is the answer's; it decides only where the document itself is silent. Of an index
 * the manifest that fits PLATFORM best is taken. On failure nothing is left allocated. */
int pull_manifest_parse(const char *text, size_t len, const char *content_type,
                        const struct image_platform *platform, struct pull_manifest *out,
                        struct err *e);
void pull_manifest_close(struct pull_manifest *m);

#endif
