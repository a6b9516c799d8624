/* What a request asks a proxy for. */
#include <criterion/criterion.h>
#include <string.h>

#include "fake-registry/proxy_request.h"

/* Reads one whole head; the test ends where it is no HTTP. */
static void read_text(const char *text, struct proxy_request *out)
{
    struct http_parser *parser = http_parser_new();
    const char *body = NULL;
    size_t used = 0;
    size_t body_len = 0;
    cr_assert_not_null(parser);
    cr_assert_eq(http_parser_feed(parser, text, strlen(text), &used, &body, &body_len), HTTP_HEAD,
                 "%s", text);
    proxy_request_read(http_parser_request(parser), out);
    http_parser_free(parser);
}

#define LABEL "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz."
#define LONG LABEL LABEL LABEL LABEL
#define REST " HTTP/1.1\r\nHost: somewhere-else:1\r\n"

/* Names are told in small letters, without a final dot; an IPv6 address in its shortest form. */
Test(proxy_request, asks_for)
{
    static const struct {
        const char *text;
        enum proxy_form form;
        const char *name;
        uint16_t port;
    } rows[] = {
        {"CONNECT quay.io:443" REST "\r\n", PROXY_CONNECT, "quay.io", 443},
        {"CONNECT Public.ECR.aws.:443" REST "\r\n", PROXY_CONNECT, "public.ecr.aws", 443},
        {"CONNECT build_host:65535" REST "\r\n", PROXY_CONNECT, "build_host", 65535},
        {"CONNECT 10.0.0.5:5000" REST "\r\n", PROXY_CONNECT, "10.0.0.5", 5000},
        {"CONNECT [2001:DB8:0:0::1]:443" REST "\r\n", PROXY_CONNECT, "2001:db8::1", 443},
        {"CONNECT quay.io:443" REST "Content-Length: 0\r\n\r\n", PROXY_CONNECT, "quay.io", 443},
        {"GET http://quay.io/v2/" REST "\r\n", PROXY_PLAIN, "quay.io", 80},
        {"HEAD http://QUAY.io:8080/v2/?n=1" REST "\r\n", PROXY_PLAIN, "quay.io", 8080},
        {"GET http://quay.io" REST "\r\n", PROXY_PLAIN, "quay.io", 80},
        {"GET http://quay.io?a=b" REST "\r\n", PROXY_PLAIN, "quay.io", 80},
        {"GET HTTP://[::1]/v2/" REST "\r\n", PROXY_PLAIN, "::1", 80},
        {"POST http://quay.io/token" REST "Content-Length: 3\r\n\r\n", PROXY_PLAIN, "quay.io", 80},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct proxy_request p;
        read_text(rows[i].text, &p);
        cr_expect_eq(p.form, rows[i].form, "%s", rows[i].text);
        cr_expect_str_eq(p.name, rows[i].name);
        cr_expect_eq(p.port, rows[i].port, "%s: port %u", rows[i].text, p.port);
    }
}

/* Whatever is neither a CONNECT to one host and port nor a plain absolute form is told apart. */
Test(proxy_request, wrong)
{
    static const char *const texts[] = {
        "CONNECT quay.io:443" REST "Content-Length: 1\r\n\r\n",
        "CONNECT quay.io:443" REST "Transfer-Encoding: chunked\r\n\r\n",
        "CONNECT quay.io" REST "\r\n",
        "CONNECT :443" REST "\r\n",
        "CONNECT .:443" REST "\r\n",
        "CONNECT quay.io:" REST "\r\n",
        "CONNECT quay.io:0" REST "\r\n",
        "CONNECT quay.io:65536" REST "\r\n",
        "CONNECT quay.io:000443" REST "\r\n",
        "CONNECT quay.io:44x" REST "\r\n",
        "CONNECT user@quay.io:443" REST "\r\n",
        "CONNECT [::1:443" REST "\r\n",
        "CONNECT []:443" REST "\r\n",
        "CONNECT [quay.io]:443" REST "\r\n",
        "CONNECT [::1]443" REST "\r\n",
        "CONNECT " LONG LABEL ":443" REST "\r\n",
        "GET /v2/" REST "\r\n",
        "OPTIONS *" REST "\r\n",
        "GET https://quay.io/v2/" REST "\r\n",
        "GET http://user:secret@quay.io/v2/" REST "\r\n",
        "GET http:///v2/" REST "\r\n",
        "GET http://quay.io:x/v2/" REST "\r\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct proxy_request p;
        struct http_parser *parser = http_parser_new();
        const char *body = NULL;
        size_t used = 0;
        size_t body_len = 0;
        enum http_event event =
            http_parser_feed(parser, texts[i], strlen(texts[i]), &used, &body, &body_len);
        cr_expect(event == HTTP_HEAD || event == HTTP_BROKEN);
        if (event == HTTP_HEAD) {
            proxy_request_read(http_parser_request(parser), &p);
            cr_expect_eq(p.form, PROXY_WRONG, "%s", texts[i]);
            cr_expect_not_null(p.why);
        }
        http_parser_free(parser);
    }
}

/* A name of 253 bytes is the longest. */
Test(proxy_request, longest_name)
{
    struct proxy_request p;
    cr_expect(proxy_request_authority(LONG, 252, &p));
    cr_expect_eq(strlen(p.name), 251); /* without its final dot */
    cr_expect(proxy_request_authority(LONG "a", 253, &p));
    cr_expect_eq(strlen(p.name), 253);
    cr_expect_not(proxy_request_authority(LONG "ab", 254, &p));
}
