/* TLS without sockets: two ends that talk through memory. */
#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/tls_peer.h"

static struct tls_authority *authority;

static void open_authority(void)
{
    struct err e = {0};
    authority = tls_authority_new(&e);
    cr_assert_not_null(authority, "%s", e.text);
}

static void close_authority(void)
{
    tls_authority_free(authority);
}

TestSuite(tls, .init = open_authority, .fini = close_authority);

static const char *const names[] = {"quay.io", "127.3.1.1", "::1"};

static struct tls_context *context_of(struct tls_leaf leaf)
{
    struct err e = {0};
    if (leaf.names == NULL) {
        leaf.names = names;
        leaf.name_count = sizeof(names) / sizeof(names[0]);
    }
    struct tls_context *context = tls_authority_context(authority, &leaf, &e);
    cr_assert_not_null(context, "%s", e.text);
    return context;
}

/* A server and a client, once they have shaken hands or failed to. */
struct pair {
    struct tls_session *server;
    struct tls_peer *client;
    enum tls_event event;
    size_t got;
};

static struct pair meet_in(struct tls_context *context, struct tls_peer_options options)
{
    struct pair p = {.got = 0};
    options.ca = options.ca != NULL ? options.ca : tls_authority_pem(authority);
    options.host = options.host != NULL ? options.host : "quay.io";
    p.server = tls_session_new(context);
    cr_assert_not_null(p.server);
    p.client = tls_peer_new(&options);
    p.event = tls_peer_talk(p.client, p.server, &p.got);
    return p;
}

static struct pair meet(struct tls_leaf leaf, struct tls_peer_options options)
{
    return meet_in(context_of(leaf), options);
}

static void part(struct pair *p)
{
    tls_session_free(p->server);
    tls_peer_free(p->client);
}

#define MEET(...) meet((struct tls_leaf){0}, (struct tls_peer_options){__VA_ARGS__})

/* Both versions shake hands, trust by name and by address, and carry bytes both ways. */
Test(tls, carries_bytes_both_ways)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t v = 0; v < 2; v++) {
        for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
            char back[64];
            struct pair p = MEET(.version = versions[v], .host = names[n]);
            cr_assert(tls_session_open(p.server), "%s", names[n]);
            cr_assert_eq(SSL_version(p.client->ssl), versions[v]);
            tls_peer_write(p.client, "question", 8);
            cr_assert_eq(tls_peer_talk(p.client, p.server, &p.got), TLS_MORE);
            cr_assert_eq(p.got, 8);
            cr_assert_eq(tls_session_write(p.server, "answer", 6), 0);
            size_t len = 0;
            const char *out = tls_session_output(p.server, &len);
            tls_peer_feed(p.client, out, len);
            tls_session_sent(p.server, len);
            cr_assert_eq(tls_peer_read(p.client, back, sizeof(back)), 6);
            cr_assert_arr_eq(back, "answer", 6);
            cr_assert_null(tls_session_error(p.server));
            part(&p);
        }
    }
}

/* Names it does not have are not proven. */
Test(tls, is_only_whom_it_names)
{
    struct pair p = MEET(.host = "example.org");
    cr_assert_eq(p.client->verify, X509_V_ERR_HOSTNAME_MISMATCH);
    cr_assert_eq(p.event, TLS_FAILED);
    cr_assert_str_eq(tls_session_error(p.server), "peer alert: bad certificate");
    part(&p);
    p = MEET(.host = "127.3.1.2");
    cr_assert_eq(p.client->verify, X509_V_ERR_IP_ADDRESS_MISMATCH);
    part(&p);
}

/* A client that does not trust the authority says so, and we say that it did. */
Test(tls, tells_who_does_not_trust_it)
{
    struct err e = {0};
    struct tls_authority *other = tls_authority_new(&e);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct pair p = MEET(.ca = tls_authority_pem(other), .version = version);
        cr_assert(!tls_session_open(p.server));
        cr_assert(tls_session_refused(p.server));
        cr_assert_str_eq(tls_session_error(p.server), "peer alert: unknown ca");
        part(&p);
    }
    tls_authority_free(other);
}

/* Flaws that faults ask for are there: no longer good, not yet good, of another name, signed by
 * nobody known. */
Test(tls, shows_flaws)
{
    static const long expected[] = {
        [TLS_FLAW_EXPIRED] = X509_V_ERR_CERT_HAS_EXPIRED,
        [TLS_FLAW_NOT_YET_VALID] = X509_V_ERR_CERT_NOT_YET_VALID,
        [TLS_FLAW_WRONG_NAME] = X509_V_ERR_HOSTNAME_MISMATCH,
        [TLS_FLAW_UNKNOWN_AUTHORITY] = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        [TLS_FLAW_SELF_SIGNED] = X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
    };
    for (int i = TLS_FLAW_EXPIRED; i <= TLS_FLAW_SELF_SIGNED; i++) {
        struct err e = {0};
        struct tls_context *flawed =
            tls_context_flawed(context_of((struct tls_leaf){0}), (enum tls_flaw)i, &e);
        cr_assert_not_null(flawed, "%s", e.text);
        struct pair p = meet_in(flawed, (struct tls_peer_options){0});
        cr_assert_eq(p.client->verify, expected[i], "flaw %d: %ld", i, p.client->verify);
        cr_assert(tls_session_refused(p.server));
        part(&p);
    }
}

/* The same demands share a context, others do not. */
Test(tls, keeps_contexts)
{
    struct tls_context *one = context_of((struct tls_leaf){0});
    cr_assert_eq(one, context_of((struct tls_leaf){0}));
    cr_assert_neq(one, context_of((struct tls_leaf){.client = TLS_CLIENT_ASKED}));
    cr_assert_neq(one, context_of((struct tls_leaf){.names = names, .name_count = 1}));
}

/* A session is taken up again in both versions, also one that ended without close_notify. */
Test(tls, resumes)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct pair p = MEET(.version = version);
        cr_assert(!tls_session_resumed(p.server));
        SSL_SESSION *session = SSL_get1_session(p.client->ssl);
        part(&p);
        p = MEET(.version = version, .session = session);
        cr_assert(tls_session_open(p.server));
        cr_assert(tls_session_resumed(p.server), "version %x", (unsigned)version);
        cr_assert_eq(SSL_session_reused(p.client->ssl), 1);
        SSL_SESSION_free(session);
        part(&p);
    }
}

/* Without tickets, TLS 1.2 finds its session by its id. */
Test(tls, resumes_by_id)
{
    struct tls_context *context = context_of((struct tls_leaf){0});
    SSL_SESSION *session = NULL;
    for (int round = 0; round < 2; round++) {
        struct tls_session *server = tls_session_new(context);
        struct tls_peer *client =
            tls_peer_new(&(struct tls_peer_options){.ca = tls_authority_pem(authority),
                                                    .host = "quay.io",
                                                    .version = TLS1_2_VERSION,
                                                    .session = session});
        (void)SSL_set_options(client->ssl, SSL_OP_NO_TICKET);
        cr_assert_eq(tls_peer_talk(client, server, NULL), TLS_MORE);
        cr_assert_eq(tls_session_resumed(server), round == 1);
        SSL_SESSION_free(session);
        session = SSL_get1_session(client->ssl);
        cr_assert(!SSL_SESSION_has_ticket(session));
        tls_session_free(server);
        tls_peer_free(client);
    }
    SSL_SESSION_free(session);
}

/* http/1.1 is chosen wherever it is offered; h2 alone is refused by the alert for it. */
Test(tls, chooses_http_1_1)
{
    static const char *const offers[] = {"http/1.1", "h2 http/1.1", "http/1.1 h2"};
    const unsigned char *chosen = NULL;
    unsigned len = 0;
    for (size_t i = 0; i < 3; i++) {
        struct pair p = MEET(.alpn = offers[i]);
        SSL_get0_alpn_selected(p.client->ssl, &chosen, &len);
        cr_assert_eq(len, 8, "%s", offers[i]);
        cr_assert_arr_eq(chosen, "http/1.1", 8);
        part(&p);
    }
    struct pair p = MEET(.alpn = "h2");
    cr_assert_eq(p.client->alert, SSL_AD_NO_APPLICATION_PROTOCOL);
    cr_assert_eq(p.event, TLS_FAILED);
    cr_assert(!tls_session_refused(p.server));
    cr_assert_str_eq(tls_session_error(p.server), "handshake failed: no application protocol");
    part(&p);
}

/* Certificates of clients: needed and absent is an alert, asked for and absent is none; one of
 * another authority is refused, ours is taken. */
Test(tls, asks_for_certificates_of_clients)
{
    struct err e = {0};
    struct tls_authority *other = tls_authority_new(&e);
    const struct tls_peer_options ours = {.certificate =
                                              tls_authority_client_certificate(authority, &e),
                                          .key = tls_authority_client_key(authority, &e)};
    const struct tls_peer_options theirs = {.certificate =
                                                tls_authority_client_certificate(other, &e),
                                            .key = tls_authority_client_key(other, &e)};
    const struct tls_peer_options none = {0};
    const struct {
        enum tls_client client;
        const struct tls_peer_options *options;
        int alert;
    } cases[] = {
        {TLS_CLIENT_NONE, &theirs, -1},
        {TLS_CLIENT_ASKED, &none, -1},
        {TLS_CLIENT_ASKED, &ours, -1},
        {TLS_CLIENT_ASKED, &theirs, SSL_AD_UNKNOWN_CA},
        {TLS_CLIENT_NEEDED, &none, SSL_AD_CERTIFICATE_REQUIRED},
        {TLS_CLIENT_NEEDED, &ours, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pair p = meet((struct tls_leaf){.client = cases[i].client}, *cases[i].options);
        cr_assert_eq(p.client->alert, cases[i].alert, "case %zu: %d", i, p.client->alert);
        cr_assert_eq(tls_session_open(p.server) && p.event != TLS_FAILED, cases[i].alert < 0);
        if (cases[i].options == &none && cases[i].alert >= 0) {
            cr_assert_str_eq(tls_session_error(p.server),
                             "handshake failed: peer did not return a certificate");
        }
        part(&p);
    }
    tls_authority_free(other);
}

/* A certificate of a client is proven again by what is resumed. */
Test(tls, resumes_with_certificates_of_clients)
{
    struct err e = {0};
    struct tls_peer_options options = {.certificate =
                                           tls_authority_client_certificate(authority, &e),
                                       .key = tls_authority_client_key(authority, &e)};
    struct pair p = meet((struct tls_leaf){.client = TLS_CLIENT_NEEDED}, options);
    options.session = SSL_get1_session(p.client->ssl);
    part(&p);
    p = meet((struct tls_leaf){.client = TLS_CLIENT_NEEDED}, options);
    cr_assert(tls_session_resumed(p.server));
    SSL_SESSION_free(options.session);
    part(&p);
}

/* close_notify is told, both ways; after it no failure is. */
Test(tls, ends_in_order)
{
    struct pair p = MEET(.host = NULL);
    tls_peer_shut(p.client);
    cr_assert_eq(tls_peer_talk(p.client, p.server, NULL), TLS_CLOSED);
    tls_session_shut(p.server);
    (void)tls_peer_talk(p.client, p.server, NULL);
    cr_assert(p.client->notified);
    cr_assert_null(tls_session_error(p.server));
    part(&p);
}

/* Plain HTTP is known for what it is; other bytes are no handshake, and get an alert. */
Test(tls, knows_plain_http)
{
    static const struct {
        const char *bytes;
        bool plain;
    } cases[] = {{"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n", true},
                 {"HEAD /v2/ HTTP/1.1\r\n\r\n", true},
                 {"CONNECT x:443 HTTP/1.1\r\n\r\n", true},
                 {"SSH-2.0-OpenSSH\r\n and more", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char data[64];
        size_t len = 0;
        struct tls_session *s = tls_session_new(context_of((struct tls_leaf){0}));
        cr_assert_eq(tls_session_feed(s, cases[i].bytes, strlen(cases[i].bytes)), 0);
        cr_assert_eq(tls_session_read(s, data, sizeof(data), &len), TLS_FAILED);
        cr_assert_eq(tls_session_plain_http(s), cases[i].plain, "%s", cases[i].bytes);
        cr_assert_not_null(tls_session_error(s));
        cr_assert_eq(tls_session_write(s, "x", 1), -1);
        tls_session_free(s);
    }
}

/* Bytes of a record in part are seen, and come to nothing until the rest is there. */
Test(tls, waits_for_whole_records)
{
    struct pair p = MEET(.host = NULL);
    char cipher[256];
    char data[64];
    size_t len = 0;
    tls_peer_write(p.client, "request", 7);
    size_t n = tls_peer_output(p.client, cipher, sizeof(cipher));
    cr_assert(!tls_session_partial(p.server));
    for (size_t i = 0; i + 1 < n; i++) {
        cr_assert_eq(tls_session_feed(p.server, cipher + i, 1), 0);
        cr_assert_eq(tls_session_read(p.server, data, sizeof(data), &len), TLS_MORE);
        cr_assert(tls_session_partial(p.server), "after %zu bytes", i + 1);
    }
    cr_assert_eq(tls_session_feed(p.server, cipher + n - 1, 1), 0);
    cr_assert_eq(tls_session_read(p.server, data, sizeof(data), &len), TLS_DATA);
    cr_assert_eq(len, 7);
    cr_assert(!tls_session_partial(p.server));
    part(&p);
}

/* Altered ciphertext fails for good, with an alert to the peer. */
Test(tls, fails_on_broken_records)
{
    struct pair p = MEET(.host = NULL);
    char cipher[256];
    char data[64];
    size_t len = 0;
    tls_peer_write(p.client, "request", 7);
    size_t n = tls_peer_output(p.client, cipher, sizeof(cipher));
    cipher[n - 1] = (char)(cipher[n - 1] ^ 1);
    cr_assert_eq(tls_session_feed(p.server, cipher, n), 0);
    cr_assert_eq(tls_session_read(p.server, data, sizeof(data), &len), TLS_FAILED);
    cr_assert_eq(tls_session_read(p.server, data, sizeof(data), &len), TLS_FAILED);
    cr_assert_eq(strncmp(tls_session_error(p.server), "failed: ", 8), 0);
    (void)tls_peer_talk(p.client, p.server, NULL);
    cr_assert_eq(p.client->alert, SSL_AD_BAD_RECORD_MAC);
    part(&p);
}

/* Acknowledged ciphertext counts by whole records; one byte that is missing undoes all of its own.
 */
Test(tls, counts_whole_records)
{
    struct pair p = MEET(.host = NULL);
    size_t end[4] = {0};
    cr_assert_eq(tls_session_unacknowledged(p.server, 0), 0);
    cr_assert_eq(tls_session_unacknowledged(p.server, 100), 0, "the handshake is no plaintext");
    for (size_t i = 1; i <= 3; i++) {
        cr_assert_eq(tls_session_write(p.server, "0123456789", 10), 0);
        (void)tls_session_output(p.server, &end[i]);
    }
    cr_assert_eq(tls_session_unacknowledged(p.server, 0), 30, "nothing was handed over");
    tls_session_sent(p.server, end[3]);
    cr_assert_eq(tls_session_unacknowledged(p.server, end[3]), 30);
    cr_assert_eq(tls_session_unacknowledged(p.server, end[3] - end[1] + 1), 30);
    cr_assert_eq(tls_session_unacknowledged(p.server, end[3] - end[1]), 20);
    cr_assert_eq(tls_session_unacknowledged(p.server, 1), 10);
    cr_assert_eq(tls_session_unacknowledged(p.server, 0), 0);
    cr_assert_eq(tls_session_write(p.server, "0123456789", 10), 0);
    tls_session_drop(p.server);
    cr_assert_eq(tls_session_unacknowledged(p.server, 0), 10, "it was never sent");
    part(&p);
}

/* More records than are told apart are counted together: never too few bytes, in the end all. */
Test(tls, never_counts_too_much_as_delivered)
{
    struct pair p = MEET(.host = NULL);
    size_t len = 0;
    for (size_t i = 0; i < 1000; i++) {
        cr_assert_eq(tls_session_write(p.server, "x", 1), 0);
    }
    (void)tls_session_output(p.server, &len);
    tls_session_sent(p.server, len);
    for (uint64_t queued = len; queued > 0; queued--) {
        uint64_t missing = tls_session_unacknowledged(p.server, queued);
        cr_assert_geq(missing * len, queued * 1000, "%zu bytes are queued", (size_t)queued);
    }
    cr_assert_eq(tls_session_unacknowledged(p.server, 0), 0);
    part(&p);
}

/* Records are told apart wherever in the ledger the oldest of them stands when it grows. */
Test(tls, tells_records_apart_as_the_ledger_grows)
{
    for (size_t gone = 0; gone <= 4; gone++) {
        struct pair p = MEET(.host = NULL);
        size_t record = 0;
        cr_assert_eq(tls_session_write(p.server, "0123456789", 10), 0);
        (void)tls_session_output(p.server, &record);
        for (size_t i = 1; i < 40; i++) {
            if (i == 4) {
                tls_session_sent(p.server, gone * record);
                cr_assert_eq(tls_session_unacknowledged(p.server, 0), 10 * (4 - gone));
            }
            cr_assert_eq(tls_session_write(p.server, "0123456789", 10), 0);
        }
        for (size_t left = 40 - gone; left > 0; left--) {
            cr_assert_eq(tls_session_unacknowledged(p.server, 0), 10 * left);
            tls_session_sent(p.server, record);
        }
        cr_assert_eq(tls_session_unacknowledged(p.server, 0), 0);
        part(&p);
    }
}

/* What has left and what was read is kept no longer: a connection that waits holds no ciphertext.
 */
Test(tls, keeps_no_ciphertext)
{
    struct pair p = MEET(.host = NULL);
    size_t len = 1;
    cr_assert_null(tls_session_output(p.server, &len));
    cr_assert_eq(len, 0);
    cr_assert_eq(tls_session_write(p.server, "answer", 6), 0);
    cr_assert_not_null(tls_session_output(p.server, &len));
    tls_session_sent(p.server, len - 1);
    cr_assert_not_null(tls_session_output(p.server, &len));
    cr_assert_eq(len, 1);
    tls_session_sent(p.server, len);
    cr_assert_null(tls_session_output(p.server, &len));
    part(&p);
}

/* What clients find our certificate by, and that the key is in none of it. */
Test(tls, shows_its_certificate)
{
    const char *text = tls_authority_pem(authority);
    BIO *b = BIO_new_mem_buf(text, -1);
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
    cr_assert_not_null(x);
    cr_assert_eq(X509_check_ca(x), 1);
    cr_assert_eq((uint32_t)X509_subject_name_hash(x), tls_authority_hash(authority));
    cr_assert_null(strstr(text, "PRIVATE"));
    X509_free(x);
    BIO_free(b);
}
