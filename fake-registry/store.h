/* What a registry holds: blobs by digest, manifests and tags by repository; in memory. */
#ifndef PULLDRILL_FAKE_REGISTRY_STORE_H
#define PULLDRILL_FAKE_REGISTRY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/digest.h"
#include "harness/base/err.h"

/* Immutable content, shared by reference count between stores and responses under way. FD is -1
 * for content in memory; a disk store sets FD and leaves DATA NULL. */
struct content {
    unsigned refs;
    char digest[DIGEST_TEXT];
    char media_type[128];
    uint64_t size;
    uint8_t *data;
    int fd;
};

/* Takes over DATA (freed with the content) on success only. */
struct content *content_new_take(uint8_t *data, uint64_t size, const char *media_type,
                                 struct err *e);
/* Content that was verified as DIGEST: SIZE bytes at DATA, or of the file FD where DATA is NULL.
 * Takes both over on success only. */
struct content *content_verified_take(uint8_t *data, int fd, uint64_t size, const char *digest,
                                      const char *media_type, struct err *e);
/* One reference more, one less; the last one frees it. content_unref takes NULL. */
struct content *content_ref(struct content *c);
void content_unref(struct content *c);

/* What one registry holds; owned by the caller. */
struct store;
struct store *store_new(struct err *e);
void store_free(struct store *s);

/* Each adds a reference of its own to C. A repository comes into being with its first content. */
int store_put_blob(struct store *s, const char *repository, struct content *c, struct err *e);
/* TAG may be NULL: by digest only. */
int store_put_manifest(struct store *s, const char *repository, const char *tag, struct content *c,
                       struct err *e);
/* Borrowed; NULL where there is none. REFERENCE is a tag or a digest. */
struct content *store_manifest(const struct store *s, const char *repository,
                               const char *reference);
struct content *store_blob(const struct store *s, const char *repository, const char *digest);
bool store_has_repository(const struct store *s, const char *repository);
/* The tags in ASCII order: the INDEX-th, or NULL past the last. */
const char *store_tag(const struct store *s, const char *repository, size_t index);
/* The repositories in ASCII order: the INDEX-th, or NULL past the last. */
const char *store_repository(const struct store *s, size_t index);

#endif
