/* Blobs that are served from the files of a store on disk, which are open only meanwhile. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/server_bed.h"
#include "tests/lib/store_folder.h"

/* Larger than what is kept in memory. */
#define SIZE 300000

static char folder[FIXTURE_PATH];
static char path[FIXTURE_PATH];
static struct store *s;
static struct err e;

static void setup(void)
{
    fixture_folder(folder);
    s = store_folder_open(folder);
}

static void teardown(void)
{
    store_free(s);
    fixture_remove(folder);
}

TestSuite(store_files, .init = setup, .fini = teardown);

/* The I-th blob's bytes. */
static const char *text_of(unsigned i, size_t size)
{
    static char *text;
    text = realloc(text, size + 1);
    cr_assert_not_null(text);
    memset(text, 'a' + (int)(i % 26), size);
    text[size] = '\0';
    for (size_t at = 0; at < 4; at++, i /= 10) {
        text[at] = (char)('0' + i % 10);
    }
    return text;
}

static struct content *push(unsigned i, size_t size)
{
    char digest[DIGEST_TEXT];
    cr_assert_eq(store_push_text(s, "disk", text_of(i, size)), 0);
    store_digest(text_of(i, size), digest);
    struct content *c = store_blob(s, "disk", digest);
    cr_assert_not_null(c);
    return c;
}

/* Has the bed's registry serve C as well. */
static void show(struct bed *b, struct content *c)
{
    cr_assert_eq(store_put_blob(b->store, "ci/agent", c, &e), 0);
}

/* The status of a GET of C; where that is 200 it is TEXT. */
static unsigned get(struct bed *b, int fd, const struct content *c, const char *text)
{
    struct bed_reply r;
    bed_get_blob(b, fd, c, "");
    bed_reply(b, fd, false, &r);
    unsigned status = r.status;
    cr_assert(status != 200 || (r.body_len == strlen(text) && strcmp(bed_body(&r), text) == 0));
    cr_assert(status == 200 || strstr(bed_body(&r), "\"UNKNOWN\"") != NULL, "%s", bed_body(&r));
    bed_reply_close(&r);
    return status;
}

/* A client whose connection has its descriptors on both sides. */
static int connected(struct bed *b)
{
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_get(b, fd, "/v2/");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 200);
    bed_reply_close(&r);
    (void)bed_wait(b, EVENT_RESPONSE, 1);
    return fd;
}

/* Leaves COUNT descriptors that this process may still open. */
static void leave_descriptors(unsigned count)
{
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct rlimit limit;
    cr_assert_geq(next, 0);
    (void)close(next);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)next + count;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

/* Far more blobs than there may be descriptors: all are pushed, found again and served. */
Test(store_files, more_than_descriptors)
{
    enum { BLOBS = 60 };
    struct bed *b = bed_open(NULL, NULL);
    int fd = connected(b);
    leave_descriptors(12);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < BLOBS; i++) {
            show(b, push(i, SIZE));
        }
        size_t before = open_descriptors();
        size_t answers = bed_count(b, EVENT_RESPONSE);
        for (unsigned i = 0; i < BLOBS; i++) {
            const char *text = text_of(i, SIZE);
            char digest[DIGEST_TEXT];
            store_digest(text, digest);
            cr_assert_eq(get(b, fd, store_blob(s, "disk", digest), text), 200, "blob %u", i);
        }
        (void)bed_wait(b, EVENT_RESPONSE, answers + BLOBS);
        cr_assert_eq(open_descriptors(), before);
        cr_assert_str_eq(store_notes, "");
        if (round == 0) {
            store_free(s);
            s = store_folder_open(folder);
        }
    }
    (void)close(fd);
    bed_close(b);
}

/* A blob that is deleted while it is sent is sent whole, to all who have begun; after that it is
 * gone. */
Test(store_files, deleted_while_sent)
{
    enum { LARGE = 12 << 20 };
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r[2];
    int fd[2];
    struct content *c = content_ref(push(1, LARGE));
    show(b, c);
    for (int i = 0; i < 2; i++) {
        fd[i] = bed_connect(b);
        bed_get_blob(b, fd[i], c, "");
    }
    bed_reply_some(b, fd[0], 1000, &r[0]);
    bed_reply_close(&r[0]);
    (void)close(fd[0]); /* another one still sends it */
    bed_reply_some(b, fd[1], 1000, &r[1]);
    size_t begun = r[1].body_len;
    bed_reply_close(&r[1]);
    cr_assert_eq(store_delete_blob(s, "disk", c->digest, &e), 1);
    store_folder_blob(folder, c->digest, path);
    cr_assert_eq(access(path, F_OK), -1);
    size_t got = begun;
    while (got < LARGE) {
        char piece[65536];
        ssize_t n = recv(fd[1], piece, sizeof(piece), MSG_DONTWAIT);
        cr_assert(n > 0 || (n < 0 && errno == EAGAIN), "it ends after %zu bytes", got);
        got += n > 0 ? (size_t)n : 0;
        cr_assert(n < 0 || piece[n - 1] == 'b');
        bed_turn(b);
    }
    cr_assert_eq(got, LARGE);
    cr_assert_eq(get(b, fd[1], c, ""), 500);
    content_unref(c);
    (void)close(fd[1]);
    bed_close(b);
}

/* Opens FILE and alters it the way HOW says. */
static void alter(const char *file, int how)
{
    struct stat st;
    char other[FIXTURE_PATH + 8];
    cr_assert_eq(stat(file, &st), 0);
    switch (how) {
    case 0:   /* a byte of it */
    case 1: { /* a copy in its place, of the same age */
        (void)snprintf(other, sizeof(other), "%s.new", file);
        FILE *f = fopen(how == 0 ? file : other, how == 0 ? "r+e" : "we");
        cr_assert_not_null(f);
        cr_assert_neq(fputs(how == 0 ? "#" : text_of(7, SIZE), f), EOF);
        cr_assert_eq(fclose(f), 0);
        const struct timespec times[2] = {
            st.st_mtim, {st.st_mtim.tv_sec + (how == 0 ? 1 : 0), st.st_mtim.tv_nsec}};
        cr_assert_eq(utimensat(AT_FDCWD, how == 0 ? file : other, times, 0), 0);
        cr_assert(how == 0 || rename(other, file) == 0);
        break;
    }
    case 2: /* its end */
        cr_assert_eq(truncate(file, 10), 0);
        break;
    default:
        cr_assert_eq(unlink(file), 0);
        break;
    }
}

/* A file that is no longer the one that was verified is not served: 500 and a note, once; the
 * connection goes on, and other blobs are served. */
Test(store_files, changed_since)
{
    for (int how = 0; how < 4; how++) {
        struct bed *b = bed_open(NULL, NULL);
        int fd = bed_connect(b);
        struct content *good = push(1, SIZE);
        struct content *bad = push(7, SIZE);
        show(b, good);
        show(b, bad);
        cr_assert_eq(get(b, fd, bad, text_of(7, SIZE)), 200);
        store_folder_blob(folder, bad->digest, path);
        alter(path, how);
        cr_assert_str_eq(store_notes, "");
        cr_assert_eq(get(b, fd, bad, ""), 500, "alteration %d", how);
        const char *told = strstr(store_notes, bad->digest + 7);
        cr_assert_not_null(told, "%s", store_notes);
        cr_assert_not_null(strstr(told, folder));
        cr_assert_eq(get(b, fd, bad, ""), 500);
        cr_assert_null(strstr(told + 1, bad->digest + 7), "it is told twice");
        cr_assert_eq(get(b, fd, good, text_of(1, SIZE)), 200);
        (void)close(fd);
        bed_close(b);
        teardown();
        setup();
    }
}

/* A push brings it again, whatever has become of the file; until then a HEAD says no better than a
 * GET. */
Test(store_files, pushed_again)
{
    for (int how = 0; how < 4; how++) {
        struct bed *b = bed_open(NULL, NULL);
        struct bed_reply r;
        char head[256];
        int fd = bed_connect(b);
        struct content *c = push(7, SIZE);
        show(b, c);
        store_folder_blob(folder, c->digest, path);
        alter(path, how);
        (void)snprintf(head, sizeof(head), "HEAD /v2/ci/agent/blobs/%s HTTP/1.1\r\nHost: x\r\n\r\n",
                       c->digest);
        bed_send(b, fd, head);
        bed_reply(b, fd, true, &r);
        cr_assert_eq(r.status, 500, "alteration %d: HEAD says %u", how, r.status);
        bed_reply_close(&r);
        cr_assert_eq(push(7, SIZE), c);
        cr_assert_eq(get(b, fd, c, text_of(7, SIZE)), 200, "alteration %d", how);
        (void)close(fd);
        bed_close(b);
        teardown();
        setup();
    }
}

/* With no descriptor left an answer is 500, and an upload cannot begin and says why; with one again
 * both work. */
Test(store_files, no_descriptor)
{
    struct bed *b = bed_open(NULL, NULL);
    struct rlimit limit;
    int fd = connected(b);
    struct content *c = push(1, SIZE);
    show(b, c);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    leave_descriptors(0);
    cr_assert_eq(get(b, fd, c, ""), 500);
    cr_assert_null(store_upload_begin(s, "a", NULL, &e));
    cr_assert_eq(e.code, ERR_IO);
    cr_assert_not_null(strstr(e.text, folder));
    cr_assert_not_null(strstr(e.text, strerror(EMFILE)));
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(get(b, fd, c, text_of(1, SIZE)), 200);
    cr_assert_not_null(store_upload_begin(s, "a", NULL, &e));
    (void)close(fd);
    bed_close(b);
}

/* Two pushes of one blob into two repositories, in whatever order their work and their ends come,
 * also where an altered file lies in their place: both are served. */
Test(store_files, pushed_twice_at_once)
{
    static const char *const names[] = {"x", "y"};
    char digest[DIGEST_TEXT];
    store_digest(text_of(1, SIZE), digest);
    for (unsigned order = 0; order < 8; order++) {
        struct store_job *j[2];
        if ((order & 4) != 0) {
            (void)push(1, SIZE);
            store_folder_blob(folder, digest, path);
            alter(path, 0);
            store_free(s);
            s = store_folder_open(folder);
            cr_assert_null(store_blob(s, "disk", digest));
        }
        for (int i = 0; i < 2; i++) {
            struct upload *u = store_upload_begin(s, names[i], NULL, &e);
            cr_assert(upload_hold(u));
            cr_assert_eq(upload_add(u, text_of(1, SIZE), SIZE, &e), 0);
            j[i] = store_job_blob(s, u, digest, &e);
        }
        store_job_work(j[order & 1]);
        store_job_work(j[1 - (order & 1)]);
        cr_assert_eq(store_job_finish(j[order >> 1 & 1], &e), 0, "%s", e.text);
        cr_assert_eq(store_job_finish(j[1 - (order >> 1 & 1)], &e), 0, "%s", e.text);
        for (int i = 0; i < 2; i++) {
            cr_assert(store_is(store_blob(s, names[i], digest), text_of(1, SIZE)));
        }
        cr_assert_eq(store_folder_files(folder, "uploads"), 0);
        for (int i = 0; i < 2; i++) {
            cr_assert_eq(store_delete_blob(s, names[i], digest, &e), 1);
        }
    }
}
