/* What the files of the upstream share. */
#ifndef PULLDRILL_FAKE_REGISTRY_UPSTREAM_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_UPSTREAM_INTERNAL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "fake-registry/upstream.h"
#include "harness/base/buf.h"

#define UPSTREAM_MAX_URL 4096
#define UPSTREAM_MAX_SECRET 65536
#define UPSTREAM_MAX_CHALLENGE 4096

/* What is known of who we are at the upstream. Never printed. */
struct upstream_credential {
    char *user; /* owned; NULL: none */
    char *password;
    char *identity; /* a refresh token in place of a password; NULL */
    bool helper;    /* kept by a helper program, which is not asked */
};

/* "realm", "service" and "scope" of a WWW-Authenticate of the Bearer kind. */
struct upstream_challenge {
    bool basic, bearer;
    char realm[UPSTREAM_MAX_URL];
    char service[512];
    char scope[1024];
};

struct upstream {
    const struct content_name *name;
    const struct disk_cache *cache;
    CURL *curl;
    bool plain;  /* http */
    bool either; /* http is tried where TLS is not spoken */
    struct upstream_credential credential;
    bool basic;     /* the credential goes with every request */
    char *bearer;   /* owned; a token for this repository; NULL */
    const char *ca; /* of the environment; NULL: the system's */
};

/* An answer. What does not go to a writer is in BODY. */
struct upstream_reply {
    long status;
    char digest[DIGEST_TEXT];
    char media_type[128];
    struct upstream_challenge challenge;
    struct buf body;
};

/* upstream_http.c: one request, redirects followed without credentials. WRITER takes the body of a
 * 200; NULL: BODY does, at most CONTENT_MAX_MANIFEST bytes. No 200 is an answer, too; -1: there was
 * none. REPLY is to be closed where 0 was returned. */
int upstream_request(struct upstream *u, const char *path, bool head, struct disk_writer *writer,
                     struct upstream_reply *reply, struct err *e);
/* The same to the realm of a challenge: with the credential, without the upstream's token. */
int upstream_realm_request(struct upstream *u, const char *url, const char *form,
                           struct upstream_reply *reply, struct err *e);
void upstream_reply_close(struct upstream_reply *reply);

/* upstream_auth.c: the credential of the upstream's host, if a file has one. */
int upstream_credential_find(struct upstream *u, struct err *e);
void upstream_credential_close(struct upstream_credential *c);
/* Reads the value of a WWW-Authenticate header. */
void upstream_challenge_read(const char *value, struct upstream_challenge *out);
/* "the upstream registry HOST WHAT", and where no credential is known, how to come by one. */
int upstream_complain(const struct upstream *u, const char *what, struct err *e);
/* Does what the challenge asks, so that the request can be made once more. */
int upstream_authorize(struct upstream *u, const struct upstream_challenge *challenge,
                       struct err *e);

#endif
