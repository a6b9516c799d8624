/* The server tells which requests were sent ahead of the answer before them. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "tests/lib/server_bed.h"

#define MANIFEST "/v2/ci/agent/manifests/stable"

static bool pipelined(const struct bed *b, size_t n)
{
    const struct event *ev = bed_find(b, EVENT_REQUEST, n);
    cr_assert_not_null(ev);
    return ev->request.pipelined;
}

/* One answer is read, then the next is asked for: nothing is ahead, however large the answers. */
Test(server_ahead, one_after_the_other)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    for (size_t i = 1; i <= 6; i++) {
        if (i % 3 == 0) {
            bed_get_blob(b, fd, b->big, "");
        } else if (i % 3 == 1) {
            bed_get(b, fd, MANIFEST);
        } else {
            bed_get_blob(b, fd, b->file, "");
        }
        bed_reply(b, fd, false, &r);
        cr_expect_eq(r.status, 200);
        bed_reply_close(&r);
        cr_expect_not(pipelined(b, i), "request %zu", i);
    }
    (void)close(fd);
    bed_close(b);
}

/* Three in one packet: the two behind are ahead; one sent when all is answered is not. */
Test(server_ahead, all_at_once)
{
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    bed_send(b, fd,
             "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\n\r\n"
             "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\n\r\n"
             "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\n\r\n");
    (void)bed_wait(b, EVENT_RESPONSE, 3);
    for (size_t i = 1; i <= 3; i++) {
        cr_expect_eq(pipelined(b, i), i > 1, "request %zu", i);
    }
    bed_get(b, fd, MANIFEST);
    (void)bed_wait(b, EVENT_RESPONSE, 4);
    cr_expect_not(pipelined(b, 4));
    (void)close(fd);
    bed_close(b);
}

/* In packets of their own, all there before the first answer's last byte can leave: the second
 * waits in our kernel, or in our hands, while a large answer is written. */
Test(server_ahead, while_an_answer_is_written)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->big, "");
    bed_reply_some(b, fd, 1, &r);
    bed_reply_close(&r);
    bed_send(b, fd, "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n");
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 1);
    bed_reply_to_end(b, fd, &r);
    cr_assert(r.eof);
    bed_reply_close(&r);
    cr_expect(pipelined(b, 2));
    (void)close(fd);
    bed_close(b);
}
