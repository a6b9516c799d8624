/* Shared by the store's files: shelves, what clients pushed, uploads, the store on disk.
 */
#ifndef PULLDRILL_FAKE_REGISTRY_STORE_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_STORE_INTERNAL_H

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "fake-registry/store.h"

#define STORE_BLOB_TYPE "application/octet-stream"

struct item {
    char *key; /* owned */
    struct content *content;
    bool kept; /* pushed by a client: counted, and on disk where the store is */
};

/* Sorted by key. */
struct shelf {
    struct item *items;
    size_t count;
    size_t cap;
};

struct repository {
    char *name;
    struct shelf blobs;
    struct shelf manifests;
    struct shelf tags;
    struct shelf referrers; /* by "SUBJECT DIGEST" */
};

/* Content that clients pushed: how often repositories name it, and jobs are about to. It goes when
 * neither does any more. */
struct kept {
    char *digest;  /* owned */
    uint64_t size; /* where it has links */
    size_t links;
    size_t holds;
};

struct store {
    struct repository *repositories; /* sorted by name */
    size_t count;
    size_t cap;
    struct kept *kept; /* sorted by digest */
    size_t kept_count;
    size_t kept_cap;
    struct upload *uploads; /* the one that was touched last comes first */
    size_t upload_count;
    uint64_t memory;         /* bytes of uploads and of pushed content; in memory only */
    struct store_disk *disk; /* NULL: in memory */
};

/* ---- store_shelf.c -------------------------------------------------------------------------- */

/* Where KEY is, or would go, in COUNT structs of STRIDE bytes sorted by their first member, a name;
 * *FOUND says which. */
size_t sorted_find(const void *items, size_t count, size_t stride, const char *key, bool *found);
/* Makes room for one more of SIZE bytes in an array of *CAP. NULL: no memory. */
void *sorted_room(void *items, size_t count, size_t *cap, size_t size);
struct item *shelf_item(const struct shelf *shelf, const char *key);
struct content *shelf_get(const struct shelf *shelf, const char *key);
int shelf_put(struct shelf *shelf, const char *key, struct content *c, struct err *e);
void shelf_remove(struct shelf *shelf, const struct item *item);
void shelf_close(struct shelf *shelf);

/* ---- store.c -------------------------------------------------------------------------------- */

/* NULL: there is none. */
struct repository *repository_find(const struct store *s, const char *name);
/* Finds or makes it. */
struct repository *repository_make(struct store *s, const char *name, struct err *e);
/* Takes it away where it holds nothing. */
void repository_drop_empty(struct store *s, const char *name);
/* A manifest by its digest, and among the referrers of its subject. */
int repository_put_manifest(struct repository *r, struct content *c, struct err *e);
/* "SUBJECT DIGEST": so the referrers of one subject stand together, in the order of digests. */
#define REFERRER_KEY ((size_t)2 * DIGEST_TEXT)
void referrer_key(char out[REFERRER_KEY], const char *subject, const char *digest);

/* ---- store_kept.c --------------------------------------------------------------------------- */

/* One repository or job more that names DIGEST: what is pushed and has nobody left goes. */
int kept_hold(struct store *s, const char *digest, struct err *e);
void kept_release(struct store *s, const char *digest);
/* ITEM, of a digest that is held, is a client's from now on. */
void kept_link(struct store *s, struct item *item, const char *digest);
void kept_unlink(struct store *s, const char *digest);
/* How often repositories name it. */
size_t kept_links(const struct store *s, const char *digest);
void kept_close(struct store *s);

/* ---- store_content.c ------------------------------------------------------------------------ */

/* Reads who C, a manifest, refers to, unless that is known. */
int content_refer(struct content *c, struct err *e);

/* ---- store_upload.c ------------------------------------------------------------------------- */

#define UPLOAD_ID 37 /* a UUID */

struct upload {
    struct store *store; /* NULL once it is a job's */
    struct upload *next;
    char id[UPLOAD_ID];
    char algorithm[8];
    char *repository;
    bool held;
    bool broken;               /* a piece was lost: what was added since the hold is forgotten */
    uint64_t size;             /* bytes so far */
    uint64_t size_held;        /* when it was held */
    uint64_t flushed;          /* on disk: bytes whose way to it has begun */
    struct digest_stream *sum; /* of all bytes so far */
    struct digest_stream *sum_held; /* NULL: of none */
    uint8_t *data;                  /* in memory */
    size_t cap;
    int fd; /* on disk: uploads/ID; else -1 */
};

/* Room for LEN bytes more in memory, at the cost of uploads that were left alone. ERR_LIMIT: none.
 */
int store_find_room(struct store *s, uint64_t len, struct err *e);
/* U is in no list any more; its memory is counted no more. */
void upload_detach(struct upload *u);
/* Frees U and its file, detached or not. */
void upload_free(struct upload *u, const struct store_disk *disk);

/* ---- store_disk.c --------------------------------------------------------------------------- */

/* A folder that is a store: pulldrill-store, blobs/, repositories/, uploads/. */
struct store_disk {
    char *folder; /* as it was named, for messages */
    int root;
    int lock;                                   /* pulldrill-store */
    atomic_uint_fast64_t parts;                 /* files in uploads/ so far that are no upload */
    pthread_mutex_t naming;                     /* held while a file of blobs/ comes into being */
    pthread_mutex_t tagging;                    /* held while a tag's file changes */
    void (*note)(void *data, const char *text); /* NULL: nobody is told */
    void *note_data;
    uint64_t told_ns; /* since when TOLD is counted */
    unsigned told;
};

/* Paths below the folder are at most this long. */
#define DISK_NAME 1024

/* What a repository has a file for. */
enum disk_kind { DISK_BLOB, DISK_MANIFEST, DISK_TAG };
/* False: no safe path, or too long a one. KEY is a digest or a tag. */
bool disk_link_path(char out[DISK_NAME], const char *repository, enum disk_kind kind,
                    const char *key);
void disk_blob_path(char out[DISK_NAME], const char *digest);
void disk_upload_path(char out[DISK_NAME], const char *id);
/* A name in uploads/ that nothing has had, and its number, which is never 0; the name of one. */
uint64_t disk_part_new(struct store_disk *disk, char out[DISK_NAME]);
void disk_part_path(char out[DISK_NAME], uint64_t number);
/* Tells the note of DISK what is wrong with it. False: nobody could be told, or too much was
 * lately.
 */
bool disk_tell(struct store_disk *disk, const char *text);
/* The same where E is no fault of a client's. */
void store_trouble(const struct store *s, const struct err *e);
/* "cannot WHAT PATH in the store FOLDER: …", by errno. */
int disk_trouble(const struct store_disk *disk, struct err *e, const char *what, const char *path);

int disk_upload_create(const struct store_disk *disk, const char *id, struct err *e);
/* All of it at OFFSET. */
int disk_write(const struct store_disk *disk, int fd, const void *data, size_t len, uint64_t offset,
               const char *path, struct err *e);
/* Begins the way to the disk of what was written, so that the fsync at the end is short. */
void disk_flush(int fd, uint64_t *flushed, uint64_t size);
/* SIZE bytes at DATA, or of the file FD where that is NULL. */
struct disk_bytes {
    const void *data;
    int fd;
    uint64_t size;
};
/* A file in uploads/ with BYTES, fsynced; its path in OUT, which is empty on failure. */
int disk_write_new(struct store_disk *disk, const struct disk_bytes *bytes, char out[DISK_NAME],
                   struct err *e);
int disk_rename(const struct store_disk *disk, const char *from, const char *to, struct err *e);
int disk_fsync_folder(const struct store_disk *disk, const char *path, struct err *e);
/* The folder that PATH is in. */
int disk_fsync_parent(const struct store_disk *disk, const char *path, struct err *e);
/* Makes the folders that lead to PATH, and has their names on the disk. */
int disk_make_parents(const struct store_disk *disk, const char *path, struct err *e);
/* Notes that REPOSITORY is one even when nothing is in it any more. */
void disk_keep_repository(const struct store_disk *disk, const char *repository);
bool disk_keeps_repository(const struct store_disk *disk, const char *repository);
/* Takes a file away; one that is not there is fine. */
int disk_unlink(const struct store_disk *disk, const char *path, struct err *e);
bool disk_is_folder(const struct store_disk *disk, const char *repository);
bool disk_exists(const struct store_disk *disk, const char *path);
/* The whole of a file of less than SIZE bytes, NUL-terminated; -1: errno. */
int disk_read_text(const struct store_disk *disk, const char *path, char *out, size_t size);
void disk_close(struct store_disk *disk);

/* ---- store_disk_content.c ------------------------------------------------------------------- */

/* C is DISK's file of its digest, which is as ST says it was when it was verified, and is opened
 * when it is read. */
int content_lay_down(struct content *c, struct store_disk *disk, const struct stat *st,
                     struct err *e);
/* Whether C, of DISK, lies there as it was verified: to a look at its file, not at every byte. */
bool content_stands(const struct content *c, const struct store_disk *disk);
/* C's file was made again: it is served from then on. */
void content_stand_again(struct content *c);
/* What lies at C's place in blobs/. -1: errno. */
int disk_blob_stat(const struct store_disk *disk, const char *digest, struct stat *st);

/* ---- store_open.c, store_load.c ------------------------------------------------------------- */

/* The names in the folder PATH: NULL past the last, or where they cannot be read further, which
 * disk_list_end tells when it is asked next. That closes LIST; RC is what came of it so far. */
DIR *disk_list(const struct store_disk *disk, const char *path, struct err *e);
const char *disk_next(DIR *list);
int disk_list_end(const struct store_disk *disk, const char *path, DIR *list, int rc,
                  struct err *e);
/* Puts what the disk holds onto S's shelves. */
int store_load(struct store *s, void (*note)(void *data, const char *text), void *data,
               struct err *e);

/* ---- store_job.c ---------------------------------------------------------------------------- */

enum job_kind { JOB_BLOB, JOB_MANIFEST, JOB_MOUNT, JOB_DELETE };

/* A small file that the work makes. */
struct job_file {
    enum disk_kind kind;
    char path[DISK_NAME];
    char part[DISK_NAME];     /* its name until it is renamed; empty: not written */
    char before[DIGEST_TEXT]; /* what it said; empty: it was not there, or said nothing */
    bool done;
};

/* A small file that the work of a delete takes away. */
struct removal {
    char *path; /* owned */
    enum disk_kind kind;
    uint64_t part; /* of the name that it has in uploads/ meanwhile; 0: it was not moved */
};

struct store_job {
    enum job_kind kind;
    struct store *store; /* not touched by the work, but for its disk */
    struct store_disk *disk;
    char *repository;
    char digest[DIGEST_TEXT];
    uint64_t size;   /* of what comes in */
    uint64_t memory; /* of that, counted until the job is done */
    bool sum_known;  /* the upload's own sum is of the digest's algorithm */
    bool there;      /* the content is on the disk already */
    bool mends;      /* … or was: the store has it, but its file is not what it was */
    bool worked;
    struct upload *upload;
    struct content *content; /* what is put into the store */
    char **tags;
    bool *fresh; /* of each tag: it was not there, and has been put */
    size_t tag_count;
    struct job_file *files;   /* on disk: of the link, then of each tag */
    enum disk_kind what;      /* JOB_DELETE: what goes; a tag is the only one of TAGS */
    struct removal *removals; /* tags first */
    size_t removal_count;
    size_t removal_cap;
    struct err err;
};

/* KIND of DIGEST, in no way begun; NULL: E. */
struct store_job *job_new(struct store *s, enum job_kind kind, const char *repository,
                          const char *digest, struct err *e);
int job_copy_tags(struct store_job *j, const char *const *tags, size_t count, struct err *e);
void job_free(struct store_job *j);

/* ---- store_delete.c ------------------------------------------------------------------------- */

/* The work of J, a delete, on disk. -1: J's err, and all is as it was. */
int disk_delete_work(struct store_job *j);
/* Takes off the shelves what is gone. */
int store_delete_finish(struct store_job *j, struct err *e);
/* Whether the tag at PATH stands for another digest, to its file. One that cannot be read does not.
 */
bool disk_stands_for_other(const struct store_disk *disk, const char *path, const char *digest);
/* The tag at PATH goes, if it stands for DIGEST. */
void disk_forget_tag(struct store_disk *disk, const char *path, const char *digest);

/* ---- store_disk_job.c ----------------------------------------------------------------------- */

/* The work of J on disk: its content, then its link, then its tags, each written, fsynced, renamed,
 * and its name fsynced. -1: J's err, and nothing is left but content that no repository names. */
int disk_job_work(struct store_job *j);
/* What the work made is taken back. */
void disk_job_undo(struct store_job *j);

#endif
