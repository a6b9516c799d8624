/* Digests: "sha256:…" and "sha512:…" by OpenSSL's EVP (image-spec descriptor.md). */
#ifndef PULLDRILL_FAKE_REGISTRY_DIGEST_H
#define PULLDRILL_FAKE_REGISTRY_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

/* "sha512:" and 128 hex digits, and the NUL. */
#define DIGEST_TEXT 136

/* A well-formed digest of an algorithm that is known here. */
bool digest_valid(const char *text);
/* The sha256 of LEN bytes. -1 only where OpenSSL fails. */
int digest_sha256(const void *data, size_t len, char out[DIGEST_TEXT]);

/* Streaming; the algorithm is that of EXPECTED ("sha256:…"). */
struct digest_stream;
struct digest_stream *digest_stream_new(const char *expected);
void digest_stream_update(struct digest_stream *s, const void *data, size_t len);
/* Whether what was fed has the expected digest. Frees S. */
bool digest_stream_finish(struct digest_stream *s);
/* Streaming without an expectation: the sha256 of what was fed, as text. Frees S. */
struct digest_stream *digest_stream_sha256(void);
/* The same for ALGORITHM, "sha256" or "sha512". */
struct digest_stream *digest_stream_of(const char *algorithm);
/* One that has been fed the same. NULL: no memory. */
struct digest_stream *digest_stream_copy(const struct digest_stream *s);
int digest_stream_text(struct digest_stream *s, char out[DIGEST_TEXT]);
void digest_stream_free(struct digest_stream *s);

#endif
