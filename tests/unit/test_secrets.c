/* Secrets put out of sight: in text, in text that comes in pieces, in events. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/capture.h"
#include "harness/history/history.h"

static struct secrets secrets_of(const char *first, const char *second)
{
    struct secrets s = {0};
    struct err e = {0};
    cr_assert_eq(secrets_add(&s, first, &e), 0, "%s", e.text);
    cr_assert(second == NULL || secrets_add(&s, second, &e) == 0);
    return s;
}

static void expect_redacted(const struct secrets *s, const char *text, const char *wanted)
{
    struct buf out;
    buf_init(&out, 4096);
    secrets_redact(s, text, strlen(text), &out);
    buf_char(&out, '\0');
    cr_expect_str_eq(out.data, wanted);
    buf_close(&out);
}

/* A secret goes to the end of its word; what stands around it stays. */
Test(secrets, redacts)
{
    struct secrets s = secrets_of("MARKmark", "OTHERother");
    expect_redacted(&s, "", "");
    expect_redacted(&s, "nothing here", "nothing here");
    expect_redacted(&s, "MARKmark", "***");
    expect_redacted(&s, "a=MARKmark123.x-y_z== b", "a=*** b");
    expect_redacted(&s, "http://me:MARKmark9@host/", "http://me:***@host/");
    expect_redacted(&s, "{\"p\":\"OTHERother1\",\"q\":\"MARKmark2\"}",
                    "{\"p\":\"***\",\"q\":\"***\"}");
    expect_redacted(&s, "MARKmar MARKMARKmark", "MARKmar MARK***");
}

/* One too short to tell from other text is refused. */
Test(secrets, refuses)
{
    struct secrets s = {0};
    struct err e = {0};
    cr_expect_neq(secrets_add(&s, "short", &e), 0);
    cr_expect_neq(
        secrets_add(&s, "0123456789012345678901234567890123456789012345678901234567890123", &e), 0);
    cr_expect_not(secrets_in(&s, "short", 5));
}

/* However the text is cut into pieces, what comes out is the same as of the whole. */
Test(secrets, pieces)
{
    static const char text[] = "x MARKmark12 MARKmarMARKmark== OTHERothe OTHERother\nend MARKm";
    struct secrets s = secrets_of("MARKmark", "OTHERother");
    for (size_t first = 0; first < sizeof text; first++) {
        for (size_t second = first; second < sizeof text; second++) {
            struct secrets_filter f;
            struct buf out;
            buf_init(&out, 4096);
            secrets_filter_init(&f, &s);
            secrets_filter_add(&f, text, first, &out);
            secrets_filter_add(&f, text + first, second - first, &out);
            for (const char *at = text + second; *at != '\0'; at++)
                secrets_filter_add(&f, at, 1, &out);
            secrets_filter_end(&f, &out);
            buf_char(&out, '\0');
            cr_assert_str_eq(out.data, "x *** MARKmar*** OTHERothe ***\nend MARKm");
            buf_close(&out);
            if (second == sizeof text - 1)
                break;
        }
        if (first == sizeof text - 1)
            break;
    }
}

/* Captured output has none, though the command wrote it in two pieces. */
Test(secrets, capture)
{
    struct secrets s = secrets_of("MARKmark", NULL);
    struct capture c;
    size_t len = 0;
    capture_init(&c, 64, 64, &s);
    capture_add(&c, "password: MARKm", 15);
    capture_add(&c, "ark123", 6);
    capture_end(&c);
    char *text = capture_text(&c, &len);
    cr_expect_str_eq(text, "password: ***");
    free(text);
    capture_close(&c);
}

static void see(void *data, const struct event *ev)
{
    (void)snprintf(data, 256, "%s|%s|%s", ev->start_end.tail, ev->start_end.result,
                   ev->start_end.reason);
}

/* Neither an observer nor the file gets one, and the event itself is left as it was. */
Test(secrets, events)
{
    char dir[] = "/tmp/pulldrill-secrets-XXXXXX";
    char path[64];
    char seen[256] = "";
    char line[1024] = "";
    struct err e = {0};
    cr_assert_not_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/history.jsonl", dir);
    struct history *h = history_new(path, &e);
    cr_assert_not_null(h, "%s", e.text);
    cr_assert_eq(history_secret(h, "MARKmark", &e), 0);
    cr_assert_eq(history_observe(h, see, seen, &e), 0);
    struct event ev = {.type = EVENT_START_END, .actor = "subject/x"};
    ev.start_end.tail = "PASSWORD=MARKmark12345\nTOKEN=MARKmark.a.b";
    ev.start_end.result = "{\"version\":\"MARKmark1\"}";
    ev.start_end.reason = "exit 1";
    history_append(h, &ev);
    cr_expect_str_eq(seen, "PASSWORD=***\nTOKEN=***|{\"version\":\"***\"}|exit 1");
    cr_expect_str_eq(ev.start_end.reason, "exit 1");
    cr_expect_not_null(strstr(ev.start_end.tail, "MARKmark12345"));
    cr_assert_eq(history_flush(h, &e), 0);
    history_free(h);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_assert_not_null(fgets(line, sizeof line, file));
    (void)fclose(file);
    cr_expect_null(strstr(line, "MARK"));
    cr_expect_not_null(strstr(line, "\"tail\":\"PASSWORD=***\\nTOKEN=***\""));
    (void)unlink(path);
    (void)rmdir(dir);
}
