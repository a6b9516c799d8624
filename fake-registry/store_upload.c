/* Blobs on their way in: in memory, or in a file of uploads/ where the store is on disk.
 *
 * Happy path: an upload is begun, held by one request after the other, each of which adds to it and
 * lets go; what is added is hashed at once, so that a job has little left to do. In memory it grows
 * by doubling, which the allocator does by moving pages; on disk it needs no memory at all.
 *
 * Failure modes: a request that is given up, or a piece that finds no room, rewinds the upload to
 * where it was held: its size, its sum (kept beside since the hold) and the room it takes. Past
 * STORE_MAX_UPLOADS, or where memory runs out, the one left alone the longest is forgotten.
 */
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/store_internal.h"

#define FIRST_ROOM ((size_t)64 << 10)

static void detach(struct store *s, struct upload *u)
{
    struct upload **at = &s->uploads;
    while (*at != NULL && *at != u) {
        at = &(*at)->next;
    }
    if (*at == u) {
        *at = u->next;
        s->upload_count--;
    }
}

static void attach(struct store *s, struct upload *u)
{
    u->next = s->uploads;
    s->uploads = u;
    s->upload_count++;
}

void upload_detach(struct upload *u)
{
    struct store *s = u->store;
    if (s == NULL) {
        return;
    }
    detach(s, u);
    if (s->disk == NULL) {
        s->memory -= u->size;
    }
    u->store = NULL;
}

void upload_free(struct upload *u, const struct store_disk *disk)
{
    if (u == NULL) {
        return;
    }
    upload_detach(u);
    if (u->fd >= 0) {
        char path[DISK_NAME];
        disk_upload_path(path, u->id);
        (void)disk_unlink(disk, path, NULL);
        (void)close(u->fd);
    }
    digest_stream_free(u->sum);
    digest_stream_free(u->sum_held);
    free(u->data);
    free(u->repository);
    free(u);
}

/* A random UUID (RFC 9562, version 4): the specification asks for one in an upload's place. */
static int make_id(char out[UPLOAD_ID])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[16];
    size_t n = 0;
    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return -1;
    }
    bytes[6] = (unsigned char)(0x40 | (bytes[6] & 0x0f));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            out[n++] = '-';
        }
        out[n++] = hex[bytes[i] >> 4];
        out[n++] = hex[bytes[i] & 15];
    }
    out[n] = '\0';
    return 0;
}

/* Forgets the upload that has been left alone the longest; false where all are held. */
static bool forget_oldest(struct store *s)
{
    struct upload *oldest = NULL;
    for (struct upload *u = s->uploads; u != NULL; u = u->next) {
        oldest = u->held ? oldest : u;
    }
    upload_free(oldest, s->disk);
    return oldest != NULL;
}

int store_find_room(struct store *s, uint64_t len, struct err *e)
{
    while (s->memory > STORE_MAX_BLOB_MEMORY || len > STORE_MAX_BLOB_MEMORY - s->memory) {
        if (len > STORE_MAX_BLOB_MEMORY || !forget_oldest(s)) {
            return err_set(e, ERR_LIMIT,
                           "more than %" PRIu64 " MiB of uploads and content in memory",
                           STORE_MAX_BLOB_MEMORY >> 20);
        }
    }
    return 0;
}

struct upload *store_upload_begin(struct store *s, const char *repository, const char *algorithm,
                                  struct err *e)
{
    if (s->upload_count == STORE_MAX_UPLOADS && !forget_oldest(s)) {
        (void)err_set(e, ERR_LIMIT, "%d uploads are under way", STORE_MAX_UPLOADS);
        return NULL;
    }
    struct upload *u = calloc(1, sizeof(*u));
    if (u == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for an upload");
        return NULL;
    }
    u->fd = -1;
    bool sha512 = algorithm != NULL && strcmp(algorithm, "sha512") == 0;
    memcpy(u->algorithm, sha512 ? "sha512" : "sha256", sizeof("sha256"));
    u->sum = digest_stream_of(u->algorithm);
    u->repository = strdup(repository);
    if (u->sum == NULL || u->repository == NULL || make_id(u->id) != 0) {
        (void)err_set(e, ERR_NOMEM, "no memory for an upload");
    } else if (s->disk == NULL || (u->fd = disk_upload_create(s->disk, u->id, e)) >= 0) {
        u->store = s;
        attach(s, u);
        return u;
    }
    store_trouble(s, e);
    upload_free(u, s->disk);
    return NULL;
}

struct upload *store_upload(const struct store *s, const char *repository, const char *id)
{
    for (struct upload *u = s->uploads; u != NULL; u = u->next) {
        if (strcmp(u->id, id) == 0) {
            return strcmp(u->repository, repository) == 0 ? u : NULL;
        }
    }
    return NULL;
}

const char *upload_id(const struct upload *u)
{
    return u->id;
}

uint64_t upload_size(const struct upload *u)
{
    return u->size;
}

bool upload_hold(struct upload *u)
{
    if (u->held) {
        return false;
    }
    u->held = true;
    u->broken = false;
    u->size_held = u->size;
    detach(u->store, u);
    attach(u->store, u);
    if (u->size > 0) {
        u->sum_held = digest_stream_copy(u->sum);
        u->broken = u->sum_held == NULL; /* it could not be rewound: nothing is taken */
    }
    return true;
}

/* What takes room behind where it was held goes, on disk also what was written of a piece before
 * there was no more room. Where that cannot be it is only not looked at. */
static void give_room_back(struct upload *u)
{
    if (u->fd >= 0) {
        int cut = ftruncate(u->fd, (off_t)u->size_held);
        (void)cut;
    } else if (u->cap > FIRST_ROOM) {
        size_t cap = u->size_held > FIRST_ROOM ? (size_t)u->size_held : FIRST_ROOM;
        uint8_t *smaller = realloc(u->data, cap);
        u->data = smaller != NULL ? smaller : u->data;
        u->cap = smaller != NULL ? cap : u->cap;
    }
}

/* Back to where it was held. */
static void rewind_upload(struct upload *u)
{
    give_room_back(u);
    if (u->size == u->size_held) {
        return;
    }
    digest_stream_free(u->sum);
    u->sum = u->size_held == 0 ? digest_stream_of(u->algorithm) : u->sum_held;
    u->sum_held = NULL;
    if (u->store->disk == NULL) {
        u->store->memory -= u->size - u->size_held;
    }
    u->size = u->size_held;
}

/* In memory: room for LEN bytes more. */
static int make_room(struct upload *u, size_t len, struct err *e)
{
    size_t need = (size_t)u->size + len;
    if (need <= u->cap) {
        return 0;
    }
    size_t cap = u->cap == 0 ? FIRST_ROOM : u->cap * 2;
    cap = cap < need ? need : cap;
    uint8_t *bigger = realloc(u->data, cap);
    if (bigger == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for an upload of %zu bytes", need);
    }
    u->data = bigger;
    u->cap = cap;
    return 0;
}

static int add_to_memory(struct upload *u, const void *data, size_t len, struct err *e)
{
    if (store_find_room(u->store, len, e) != 0 || make_room(u, len, e) != 0) {
        return -1;
    }
    memcpy(u->data + u->size, data, len);
    u->store->memory += len;
    return 0;
}

static int add_to_disk(struct upload *u, const void *data, size_t len, struct err *e)
{
    char path[DISK_NAME];
    disk_upload_path(path, u->id);
    if (disk_write(u->store->disk, u->fd, data, len, u->size, path, e) != 0) {
        return -1;
    }
    disk_flush(u->fd, &u->flushed, u->size + len);
    return 0;
}

static int add(struct upload *u, const void *data, size_t len, struct err *e)
{
    if (u->broken || u->sum == NULL) {
        return err_set(e, ERR_NOMEM, "no memory to hash an upload");
    }
    if (len > STORE_MAX_BLOB - u->size) {
        return err_set(e, ERR_LIMIT, "an upload of more than %" PRIu64 " GiB",
                       STORE_MAX_BLOB >> 30);
    }
    return u->fd < 0 ? add_to_memory(u, data, len, e) : add_to_disk(u, data, len, e);
}

int upload_add(struct upload *u, const void *data, size_t len, struct err *e)
{
    if (len == 0) {
        return 0;
    }
    if (add(u, data, len, e) != 0) {
        store_trouble(u->store, e);
        rewind_upload(u);
        u->broken = true;
        return -1;
    }
    digest_stream_update(u->sum, data, len);
    u->size += len;
    return 0;
}

void upload_release(struct upload *u, bool keep)
{
    if (!keep) {
        rewind_upload(u);
    }
    digest_stream_free(u->sum_held);
    u->sum_held = NULL;
    u->held = false;
}

void store_upload_cancel(struct store *s, struct upload *u)
{
    upload_free(u, s->disk);
}
