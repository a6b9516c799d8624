/* Pushes into stores without a registry: blobs and manifests through uploads and jobs. */
#ifndef PULLDRILL_TESTS_LIB_STORE_FIXTURE_H
#define PULLDRILL_TESTS_LIB_STORE_FIXTURE_H

#include "fake-registry/store.h"

#define STORE_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

/* Content in memory; of a type of its own, or "text/plain". */
struct content *store_text(const char *text);
struct content *store_text_typed(const char *text, const char *media_type);
/* The digest of TEXT. */
void store_digest(const char *text, char out[DIGEST_TEXT]);
/* Does J's work and finishes it; 0 or the code of what went wrong. */
int store_do(struct store_job *j);
/* Deletes a thing. 1: it is gone; 0: there is no such thing; -1: E. */
int store_delete_blob(struct store *s, const char *repository, const char *digest, struct err *e);
int store_delete_manifest(struct store *s, const char *repository, const char *digest,
                          struct err *e);
int store_delete_tag(struct store *s, const char *repository, const char *tag, struct err *e);
/* Uploads LEN bytes of DATA in pieces of at most 64 KiB and keeps them as DIGEST: 0 or a code. */
int store_push(struct store *s, const char *repository, const void *data, size_t len,
               const char *digest);
/* TEXT as a blob, under its sha256. */
int store_push_text(struct store *s, const char *repository, const char *text);
/* TEXT as a manifest, under its sha256 and TAG (NULL: none). */
int store_push_manifest(struct store *s, const char *repository, const char *text, const char *tag);
/* Whether C is TEXT, read from wherever it lies. */
bool store_is(struct content *c, const char *text);
/* A manifest with a SUBJECT, and NOTE among its annotations; in OUT. */
void store_referring(const char *subject, const char *note, char out[2048]);

#endif
