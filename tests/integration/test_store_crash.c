/* Pushes and deletes that are cut off at each of their changes to the disk, by a kill or by a
 * failure of the call: whatever the place, the store is whole, and what was answered stays. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/store_folder.h"

/* The calls that change a disk, in the place of libc's for this whole program: each is counted once
 * COUNTING is set, and at the STOP-th the process is killed, or the call fails. */
enum stop { STOP_NEVER, STOP_KILL, STOP_FAIL };
static enum stop stop;
static bool counting;
static unsigned calls;
static unsigned stop_at;
static int stop_errno;
/* What was called, in order, where not NULL. */
static char *journal;
#define JOURNAL_SIZE 65536

static bool refused(void)
{
    if (!counting || ++calls != stop_at || stop == STOP_NEVER) {
        return false;
    }
    if (stop == STOP_KILL) {
        (void)raise(SIGKILL);
    }
    errno = stop_errno;
    return true;
}

/* The file's path behind the store's folder. */
static const char *below(const char *path)
{
    static const char *const tops[] = {"uploads/", "repositories", "blobs", "uploads"};
    for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
        const char *at = strstr(path, tops[i]);
        if (at != NULL) {
            return at;
        }
    }
    return path;
}

static void note(const char *call, const char *a, const char *b)
{
    if (counting && journal != NULL) {
        size_t len = strlen(journal);
        (void)snprintf(journal + len, JOURNAL_SIZE - len, "%s %s%s%s\n", call, below(a),
                       b[0] != '\0' ? " " : "", b);
    }
}

static void note_fd(const char *call, int fd)
{
    char link[64];
    char path[FIXTURE_PATH + 300] = "";
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (counting && journal != NULL && readlink(link, path, sizeof(path) - 1) > 0) {
        note(call, path, "");
    }
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    note_fd("pwrite", fd);
    if (counting && calls + 1 == stop_at && stop != STOP_NEVER) {
        len = (len + 1) / 2; /* half of it is written */
        (void)syscall(SYS_pwrite64, fd, data, len, offset);
    }
    return refused() ? -1 : syscall(SYS_pwrite64, fd, data, len, offset);
}

/* Not carried out: only the kernel's memory outlives a kill, and it does. */
int fsync(int fd)
{
    note_fd("fsync", fd);
    return refused() ? -1 : 0;
}

int ftruncate(int fd, off_t size)
{
    return refused() ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    note("rename", from, to);
    return refused() ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
    return refused() ? -1 : (int)syscall(SYS_mkdirat, fd, path, mode);
}

int unlinkat(int fd, const char *path, int flags)
{
    note("unlink", path, "");
    return refused() ? -1 : (int)syscall(SYS_unlinkat, fd, path, flags);
}

int openat(int fd, const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list ap;
        va_start(ap, flags);
        mode = (mode_t)va_arg(ap, int);
        va_end(ap);
        if (refused()) {
            return -1;
        }
    }
    return (int)syscall(SYS_openat, fd, path, flags, mode);
}

/* ---- what is pushed ------------------------------------------------------------------------- */

#define LAYER_SIZE 300000
static char layer[LAYER_SIZE + 1];
static char folder[FIXTURE_PATH];

enum { CONFIG, LAYER, MOUNT, MANIFEST, NO_BLOB, NO_TAG, NO_MANIFEST, STEPS };

/* Before any cut: repository "old" with a blob and two manifests, three tags of one and one of the
 * other, and a tag that is to move. */
static void prepare(void)
{
    fixture_folder(folder);
    memset(layer, 'l', LAYER_SIZE);
    struct store *s = store_folder_open(folder);
    cr_assert_eq(store_push_text(s, "old", "old blob"), 0);
    cr_assert_eq(store_push_manifest(s, "new/app", "{\"old\":1}", "moved"), 0);
    cr_assert_eq(store_push_manifest(s, "old", "{\"gone\":1}", "one"), 0);
    cr_assert_eq(store_push_manifest(s, "old", "{\"gone\":1}", "two"), 0);
    cr_assert_eq(store_push_manifest(s, "old", "{\"gone\":1}", "untagged"), 0);
    cr_assert_eq(store_push_manifest(s, "old", "{\"stays\":1}", "other"), 0);
    store_free(s);
}

static int push_manifest(struct store *s)
{
    static const char *const tags[] = {"moved", "made"};
    struct err e = {0};
    struct content *c = store_text_typed("{\"new\":1}", STORE_MANIFEST_TYPE);
    struct store_job *j = store_job_manifest(s, "new/app", c, tags, 2, &e);
    content_unref(c);
    return j != NULL ? store_do(j) : (int)e.code;
}

/* Deletes what is there, or has been deleted before. */
static int delete_it(struct store *s, int which)
{
    char digest[DIGEST_TEXT];
    struct err e = {0};
    int rc = -1;
    store_digest(which == NO_BLOB ? "old blob" : "{\"gone\":1}", digest);
    if (which == NO_BLOB) {
        rc = store_delete_blob(s, "old", digest, &e);
    } else if (which == NO_TAG) {
        rc = store_delete_tag(s, "old", "untagged", &e);
    } else {
        rc = store_delete_manifest(s, "old", digest, &e);
    }
    return rc >= 0 ? 0 : (int)e.code;
}

static int step(struct store *s, int which)
{
    char digest[DIGEST_TEXT];
    struct err e = {0};
    switch (which) {
    case CONFIG:
        return store_push_text(s, "new/app", "config");
    case LAYER:
        return store_push_text(s, "new/app", layer);
    case MOUNT:
        store_digest("old blob", digest);
        struct store_job *j = store_job_mount(s, "new/app", store_blob_anywhere(s, digest), &e);
        return j != NULL ? store_do(j) : (int)e.code;
    case MANIFEST:
        return push_manifest(s);
    default:
        return delete_it(s, which);
    }
}

static bool has_blob(struct store *s, const char *repository, const char *text)
{
    char digest[DIGEST_TEXT];
    store_digest(text, digest);
    struct content *c = store_blob(s, repository, digest);
    cr_assert(c == NULL || store_is(c, text), "half a blob is served");
    return c != NULL;
}

static bool has_manifest(struct store *s, const char *repository, const char *reference,
                         const char *text)
{
    struct content *c = store_manifest(s, repository, reference);
    return c != NULL && store_is(c, text);
}

/* How many of the tags of what goes are there. */
static int tags_left(struct store *s)
{
    return has_manifest(s, "old", "one", "{\"gone\":1}") +
           has_manifest(s, "old", "two", "{\"gone\":1}");
}

/* Whether the STEP has been carried out, whole; the test fails where it has been by half. */
static bool is_done(struct store *s, int which)
{
    char digest[DIGEST_TEXT];
    switch (which) {
    case CONFIG:
        return has_blob(s, "new/app", "config");
    case LAYER:
        return has_blob(s, "new/app", layer);
    case MOUNT:
        return has_blob(s, "new/app", "old blob");
    case MANIFEST:
        store_digest("{\"new\":1}", digest);
        return has_manifest(s, "new/app", digest, "{\"new\":1}") &&
               has_manifest(s, "new/app", "moved", "{\"new\":1}") &&
               has_manifest(s, "new/app", "made", "{\"new\":1}");
    case NO_BLOB:
        return !has_blob(s, "old", "old blob");
    case NO_TAG:
        return store_manifest(s, "old", "untagged") == NULL;
    default:
        store_digest("{\"gone\":1}", digest);
        bool gone = store_manifest(s, "old", digest) == NULL;
        cr_assert(!gone || tags_left(s) == 0, "a tag is without its manifest");
        return gone;
    }
}

/* The store is whole: nothing altered, nothing missing, nothing left over; the first DONE steps are
 * in it, and those from FREE on are not. */
static void look(struct store *s, int done, int free_from)
{
    for (int i = 0; i < STEPS; i++) {
        bool is = is_done(s, i);
        cr_assert(i >= done || is, "step %d was answered, and is not there", i);
        cr_assert(i < free_from || !is, "step %d was never begun", i);
    }
    cr_assert(has_manifest(s, "new/app", "moved", "{\"old\":1}") ||
                  has_manifest(s, "new/app", "moved", "{\"new\":1}"),
              "the tag stands for neither");
    cr_assert(has_manifest(s, "old", "other", "{\"stays\":1}"));
    cr_assert(free_from > NO_MANIFEST || tags_left(s) == 2, "a tag went");
    char digest[DIGEST_TEXT];
    store_digest("{\"new\":1}", digest);
    size_t blobs = 2 + (store_manifest(s, "new/app", digest) != NULL);
    blobs += !is_done(s, NO_MANIFEST);
    blobs += has_blob(s, "new/app", "config") + has_blob(s, "new/app", layer);
    blobs += has_blob(s, "new/app", "old blob") || has_blob(s, "old", "old blob");
    cr_assert_eq(store_folder_files(folder, "blobs"), blobs, "content that nobody names is left");
    cr_assert_eq(store_folder_files(folder, "uploads"), 0);
}

/* In a child: all the steps, each answered by a byte. */
static void push_all(int answers)
{
    counting = true;
    struct err e = {0};
    struct store *s = store_open(folder, NULL, NULL, &e);
    for (int i = 0; s != NULL && i < STEPS && step(s, i) == 0; i++) {
        (void)syscall(SYS_write, answers, "x", 1);
    }
    counting = false;
    store_free(s);
    _exit(0);
}

/* Pushes in a child that is killed at its N-th change. How many steps were answered; *WHOLE: it
 * came to its end. */
static int push_and_kill(unsigned n, bool *whole)
{
    int pipes[2];
    int status = 0;
    int answered = 0;
    char byte = 0;
    cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        stop = STOP_KILL;
        stop_at = n;
        push_all(pipes[1]);
    }
    (void)close(pipes[1]);
    while (read(pipes[0], &byte, 1) == 1) {
        answered++;
    }
    (void)close(pipes[0]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    *whole = WIFEXITED(status);
    cr_assert(*whole || WTERMSIG(status) == SIGKILL);
    return answered;
}

/* Killed before each change to the disk, and in the midst of each write: the store opens, all of it
 * is whole, each push that was answered is there, and the next one works. */
Test(store_crash, killed)
{
    bool whole = false;
    unsigned n = 0;
    while (!whole) {
        prepare();
        int answered = push_and_kill(++n, &whole);
        cr_assert_lt(n, 1000);
        struct store *s = store_folder_open(folder);
        cr_assert_str_eq(store_notes, "", "cut at %u: %s", n, store_notes);
        look(s, answered, answered + 1);
        for (int i = answered; i < STEPS; i++) {
            cr_assert_eq(step(s, i), 0, "cut at %u: step %d", n, i);
        }
        look(s, STEPS, STEPS);
        store_free(s);
        fixture_remove(folder);
    }
    cr_assert_gt(n, 60, "only %u changes were cut off", n);
}

/* The N-th change fails: the step says so and has done nothing, neither now nor at the next open,
 * and the steps after it work. False: there is no N-th. */
static bool fail_at(unsigned n, int cause)
{
    prepare();
    struct store *s = store_folder_open(folder);
    int failed = -1;
    stop = STOP_FAIL;
    stop_at = n;
    stop_errno = cause;
    calls = 0;
    counting = true;
    for (int i = 0; i < STEPS && failed < 0; i++) {
        if (step(s, i) != 0) {
            failed = i;
        }
    }
    counting = false;
    bool reached = calls >= n;
    if (failed >= 0) {
        cr_assert(reached);
        look(s, failed, failed);
        store_free(s);
        s = store_folder_open(folder);
        cr_assert_str_eq(store_notes, "", "failed at %u: %s", n, store_notes);
        look(s, failed, failed);
        for (int i = failed; i < STEPS; i++) {
            cr_assert_eq(step(s, i), 0, "failed at %u: step %d", n, i);
        }
    }
    store_free(s); /* which throws away what could not be unlinked */
    s = store_folder_open(folder);
    look(s, STEPS, STEPS);
    store_free(s);
    fixture_remove(folder);
    return reached;
}

/* A full disk, and one that fails: at each change what was asked is refused, and the store as
 * before. */
Test(store_crash, refused)
{
    unsigned n = 1;
    while (fail_at(n, n % 2 == 0 ? ENOSPC : EIO)) {
        cr_assert_lt(++n, 1000);
    }
    cr_assert_gt(n, 50, "only %u changes failed", n);
}

static const char *line_of(const char *text)
{
    const char *at = strstr(journal, text);
    cr_assert_not_null(at, "there is no %sin\n%s", text, journal);
    return at;
}

/* The store of prepare, with every change from now on in the journal. */
static struct store *begin_journal(void)
{
    static char text[JOURNAL_SIZE];
    prepare();
    struct store *s = store_folder_open(folder);
    journal = text;
    counting = true;
    return s;
}

static void end_journal(struct store *s)
{
    counting = false;
    store_free(s);
    fixture_remove(folder);
}

/* Where CONTENT, whose file in uploads/ begins with PART, was fsynced, named, and the name fsynced,
 * in this order; the last of them. */
static const char *named_content(const char *part, const char *content)
{
    char line[400];
    char digest[DIGEST_TEXT];
    store_digest(content, digest);
    (void)snprintf(line, sizeof(line), "fsync uploads/%s", part);
    const char *whole = line_of(line);
    (void)snprintf(line, sizeof(line), " blobs/sha256/%s\n", digest + 7);
    const char *named = line_of(line);
    const char *kept = line_of("fsync blobs/sha256\n");
    cr_assert(whole < named && named < kept, "%s", journal);
    return kept;
}

/* A name is given to what is fsynced, and is fsynced itself before the next depends on it: content,
 * then link, then tag. */
Test(store_crash, order_of_a_manifest)
{
    char line[400];
    char digest[DIGEST_TEXT];
    struct store *s = begin_journal();
    store_digest("{\"new\":1}", digest);
    cr_assert_eq(push_manifest(s), 0);
    const char *kept = named_content("part-", "{\"new\":1}");
    (void)snprintf(line, sizeof(line), " repositories/new/app/_manifests/sha256/%s\n", digest + 7);
    const char *link = line_of(line);
    const char *linked = strstr(link, "fsync repositories/new/app/_manifests/sha256\n");
    const char *moved = line_of(" repositories/new/app/_tags/moved\n");
    const char *made = line_of(" repositories/new/app/_tags/made\n");
    const char *tagged = strstr(made, "fsync repositories/new/app/_tags\n");
    cr_assert(kept < link && linked != NULL && link < linked, "%s", journal);
    cr_assert(linked < moved && moved < made && tagged != NULL, "%s", journal);
    end_journal(s);
}

/* The same for a blob, whose file is the upload's. */
Test(store_crash, order_of_a_blob)
{
    char line[400];
    char digest[DIGEST_TEXT];
    struct err e = {0};
    struct store *s = begin_journal();
    store_digest(layer, digest);
    struct upload *u = store_upload_begin(s, "new/app", NULL, &e);
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", upload_id(u));
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, layer, LAYER_SIZE, &e), 0);
    cr_assert_eq(store_do(store_job_blob(s, u, digest, &e)), 0);
    const char *kept = named_content(id, layer);
    (void)snprintf(line, sizeof(line), " repositories/new/app/_blobs/sha256/%s\n", digest + 7);
    const char *link = line_of(line);
    cr_assert(kept < link, "%s", journal);
    cr_assert(line_of("fsync repositories\n") < link, "%s", journal);
    cr_assert(line_of("fsync repositories/new/app/_blobs\n") < link, "%s", journal);
    cr_assert_not_null(strstr(link, "fsync repositories/new/app/_blobs/sha256\n"));
    end_journal(s);
}

/* What is deleted has left its folder, on the disk too, before the next depends on it: the tags go
 * before the manifest. Only then is anything unlinked. */
Test(store_crash, order_of_a_delete)
{
    char line[400];
    char digest[DIGEST_TEXT];
    struct store *s = begin_journal();
    store_digest("{\"gone\":1}", digest);
    cr_assert_eq(delete_it(s, NO_MANIFEST), 0);
    const char *one = line_of("rename repositories/old/_tags/one uploads/part-");
    const char *two = line_of("rename repositories/old/_tags/two uploads/part-");
    const char *untagged = line_of("fsync repositories/old/_tags\n");
    (void)snprintf(line, sizeof(line), "rename repositories/old/_manifests/sha256/%s uploads/part-",
                   digest + 7);
    const char *link = line_of(line);
    const char *unlinked = line_of("fsync repositories/old/_manifests/sha256\n");
    const char *freed = line_of("unlink uploads/part-");
    cr_assert(one < untagged && two < untagged && untagged < link, "%s", journal);
    cr_assert(link < unlinked && unlinked < freed, "%s", journal);
    cr_assert_not_null(strstr(freed, "unlink blobs/sha256/"), "%s", journal);
    cr_assert(line_of("fsync repositories/old\n") < one, "that it stays a repository");
    end_journal(s);
}
