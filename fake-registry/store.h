/* What a registry holds: blobs by digest, manifests and tags by repository; in memory or on disk.
 */
#ifndef PULLDRILL_FAKE_REGISTRY_STORE_H
#define PULLDRILL_FAKE_REGISTRY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/digest.h"
#include "harness/base/err.h"

/* What the referrers listing says of a manifest with a subject (distribution-spec, end-12). Owned
 * by its content. */
struct referrer {
    char subject[DIGEST_TEXT];
    char *artifact_type; /* artifactType, else the media type of an image's config; NULL: none */
    char *annotations;   /* a JSON object; NULL: none */
};

struct content_file;

/* Immutable content, shared by reference count between stores and responses under way. Where it is
 * in memory FD is -1; where it is a file DATA is NULL, and FD stays open or, with FILE, is open
 * only while it is read. */
struct content {
    unsigned refs;
    char digest[DIGEST_TEXT];
    char media_type[128];
    uint64_t size;
    uint8_t *data;
    int fd;
    struct content_file *file; /* of a store on disk, which is to outlive the reading */
    struct referrer *referrer; /* of a manifest with a subject, once a store has it; else NULL */
    bool referred;             /* that is known, there being one or not */
};

/* Takes over DATA (freed with the content) on success only. */
struct content *content_new_take(uint8_t *data, uint64_t size, const char *media_type,
                                 struct err *e);
/* Content that was verified as DIGEST: SIZE bytes at DATA, or of the file FD where DATA is NULL.
 * Takes both over on success only. */
struct content *content_verified_take(uint8_t *data, int fd, uint64_t size, const char *digest,
                                      const char *media_type, struct err *e);
/* R, which may be NULL, is what C, a manifest, says of its subject. Takes R over. */
void content_refer_take(struct content *c, struct referrer *r);
void referrer_free(struct referrer *r);
/* One reference more, one less; the last one frees it. content_unref takes NULL. */
struct content *content_ref(struct content *c);
void content_unref(struct content *c);
/* Has FD open where C is a file, until as many content_close as this has returned 0. ERR_IO: it
 * cannot be opened, or is another file than the one that was verified. */
int content_open(struct content *c, struct err *e);
void content_close(struct content *c);

/* What one registry holds; owned by the caller. Used by one thread, but for store_job_work. */
struct store;
/* In memory. */
struct store *store_new(struct err *e);
/* On disk, in FOLDER, which is made where it is not there. A folder that holds anything else than a
 * store is refused, and so is one that another process has open. Every blob is read and held
 * against its digest; what has another one, or is named but not there, is told through NOTE (may be
 * NULL) and not served. What an interrupted push left is thrown away. NOTE is told later, too, of
 * what is no fault of a client's: a disk that is full or gone, a blob that cannot be read any more;
 * a few times in ten seconds at most. */
struct store *store_open(const char *folder, void (*note)(void *data, const char *text), void *data,
                         struct err *e);
/* Uploads that are open are forgotten; what is on disk stays. */
void store_free(struct store *s);

/* Each adds a reference of its own to C. A repository comes into being with its first content. In
 * memory only, also where the store is on disk: what the harness puts there is not the client's. */
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

/* A blob by its digest in whatever repository has it (anonymous mounts); NULL. */
struct content *store_blob_anywhere(const struct store *s, const char *digest);
/* The manifests whose subject is DIGEST, in the order of their digests: the INDEX-th, or NULL. */
struct content *store_referrer(const struct store *s, const char *repository, const char *digest,
                               size_t index);

/* ---- blobs on their way in ------------------------------------------------------------------ */

/* Open uploads of a store: past this the one that has been left alone the longest is forgotten. */
#define STORE_MAX_UPLOADS 1024
/* Bytes of one upload; in memory, of one and of all together. */
#define STORE_MAX_BLOB (UINT64_C(16) << 30)
#define STORE_MAX_BLOB_MEMORY (UINT64_C(2) << 30)

/* One upload; owned by its store. In memory it grows there, on disk it is a file without any name
 * that could be asked for. */
struct upload;
/* ALGORITHM ("sha256", "sha512"; NULL: not said) is what its digest will be of: known beforehand it
 * need not be hashed again. The repository comes into being once the upload is kept. */
struct upload *store_upload_begin(struct store *s, const char *repository, const char *algorithm,
                                  struct err *e);
/* The upload ID of REPOSITORY; NULL where there is none. */
struct upload *store_upload(const struct store *s, const char *repository, const char *id);
/* 32 random hex digits. */
const char *upload_id(const struct upload *u);
uint64_t upload_size(const struct upload *u);
/* A request that writes holds the upload; false while another one does. */
bool upload_hold(struct upload *u);
/* Adds to it. ERR_LIMIT: too large; ERR_IO, ERR_NOMEM: no room. What was added since upload_hold is
 * forgotten then, and nothing is taken until upload_release. */
int upload_add(struct upload *u, const void *data, size_t len, struct err *e);
/* The request is over: KEEP what it added, or forget that. */
void upload_release(struct upload *u, bool keep);
void store_upload_cancel(struct store *s, struct upload *u);

/* ---- keeping what came ---------------------------------------------------------------------- */

/* A change that is safe once it is done: written, fsynced, renamed. Made and finished by the thread
 * of the store; the work between may be done by another one, for it may take long. */
struct store_job;
/* The upload U, which is held, becomes the blob DIGEST of its repository. U is the job's from now
 * on, and gone at its end, whatever that is. NULL: E. */
struct store_job *store_job_blob(struct store *s, struct upload *u, const char *digest,
                                 struct err *e);
/* C becomes a manifest of REPOSITORY, and what the COUNT TAGS stand for. Both are copied. */
struct store_job *store_job_manifest(struct store *s, const char *repository, struct content *c,
                                     const char *const *tags, size_t count, struct err *e);
/* C, a blob of the store, becomes one of REPOSITORY too. */
struct store_job *store_job_mount(struct store *s, const char *repository, struct content *c,
                                  struct err *e);
/* KEY, of REPOSITORY, goes: a blob or a manifest by its digest, the latter with every tag that
 * stands for it, or a tag. NULL: E, or where that is still empty, there is no such thing. */
enum store_thing { STORE_BLOB, STORE_MANIFEST, STORE_TAG };
struct store_job *store_job_delete(struct store *s, const char *repository, enum store_thing thing,
                                   const char *key, struct err *e);
/* Whether the work would hold a loop up: it writes to disk, or hashes more than 1 MiB. */
bool store_job_slow(const struct store_job *j);
void store_job_work(struct store_job *j);
/* Takes the result into the store and frees J. ERR_INVALID: the digest is another one; ERR_IO,
 * ERR_NOMEM, ERR_LIMIT: it could not be kept. The store is then as before. */
int store_job_finish(struct store_job *j, struct err *e);

#endif
