/* The head of an answer as bytes. No printf and no locale: it is on every request's way. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake-registry/wire_internal.h"

/* What the head has beside the headers of the response: status line, Date, Server, Content-Length,
 * Connection. */
#define HEAD_ADDED 256

struct cursor {
    char *at;
    size_t left;
};

static void put(struct cursor *c, const char *text, size_t len)
{
    size_t n = len < c->left ? len : c->left;
    memcpy(c->at, text, n);
    c->at += n;
    c->left -= n;
}

static void put_text(struct cursor *c, const char *text)
{
    put(c, text, strlen(text));
}

static void put_number(struct cursor *c, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    put(c, digits + at, sizeof(digits) - at);
}

static void put_two(struct cursor *c, int v)
{
    char digits[2] = {(char)('0' + v / 10 % 10), (char)('0' + v % 10)};
    put(c, digits, sizeof(digits));
}

/* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", written by hand because strftime follows the locale,
 * and at most once a second. */
static void put_date(struct cursor *c)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static _Thread_local struct {
        time_t second;
        char text[48];
        size_t len;
    } kept;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (kept.len == 0 || kept.second != now.tv_sec) {
        struct tm tm;
        (void)gmtime_r(&now.tv_sec, &tm);
        struct cursor d = {kept.text, sizeof(kept.text)};
        put_text(&d, "Date: ");
        put(&d, days + 3 * (tm.tm_wday % 7), 3);
        put_text(&d, ", ");
        put_two(&d, tm.tm_mday);
        put_text(&d, " ");
        put(&d, months + 3 * (tm.tm_mon % 12), 3);
        put_text(&d, " ");
        put_number(&d, (uint64_t)tm.tm_year + 1900);
        put_text(&d, " ");
        put_two(&d, tm.tm_hour);
        put_text(&d, ":");
        put_two(&d, tm.tm_min);
        put_text(&d, ":");
        put_two(&d, tm.tm_sec);
        put_text(&d, " GMT\r\n");
        kept.len = sizeof(kept.text) - d.left;
        kept.second = now.tv_sec;
    }
    put(c, kept.text, kept.len);
}

bool wire_bodiless(unsigned status)
{
    return status == 204 || status == 304;
}

int wire_head(struct wire_plan *plan, const struct response *r, bool keep_alive, struct err *e)
{
    char head[RESPONSE_HEAD + HEAD_ADDED];
    struct cursor c = {head, sizeof(head)};
    put_text(&c, "HTTP/1.1 ");
    put_number(&c, r->status);
    put_text(&c, " ");
    put_text(&c, http_reason(r->status));
    put_text(&c, "\r\n");
    put_date(&c);
    put_text(&c, "Server: pulldrill\r\n");
    put(&c, r->head, r->head_len);
    if (!wire_bodiless(r->status)) {
        put_text(&c, "Content-Length: ");
        put_number(&c, r->len);
        put_text(&c, "\r\n");
    }
    put_text(&c, keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
    plan->head_len = sizeof(head) - c.left;
    plan->head = malloc(plan->head_len);
    if (plan->head == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for the head of an answer");
    }
    memcpy(plan->head, head, plan->head_len);
    return 0;
}
