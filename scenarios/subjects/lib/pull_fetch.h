/* One HTTP GET by libcurl, with time-outs that tell apart what failed. */
#ifndef PULLDRILL_SUBJECT_PULL_FETCH_H
#define PULLDRILL_SUBJECT_PULL_FETCH_H

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/digest.h"
#include "harness/base/err.h"
#include "scenarios/subjects/lib/pull_failure.h"
#include "scenarios/subjects/lib/pull_options.h"

#define PULL_MAX_REDIRECTS 5L
#define PULL_MAX_URL 2048
/* The most of an error answer that is read to find its code. */
#define PULL_MAX_ERROR_BODY 8192

/* The head of the answer at the end of all redirects. */
struct pull_reply {
    long status;
    char digest[DIGEST_TEXT]; /* Docker-Content-Digest; empty where there was none */
    char content_type[128];
    char content_range[96];
    uint64_t body_bytes;
};

struct pull_request {
    const char *url;
    const char *accept; /* NULL: anything */
    uint64_t from;      /* greater than 0: a Range from this byte on is asked for */
    /* Given every piece of a 200's or 206's body. Not 0 ends the transfer; F then says why. */
    int (*body)(void *data, const struct pull_reply *reply, const char *bytes, size_t len,
                struct pull_failure *f);
    void *data;
};

struct pull_client {
    CURLM *multi;
    struct pull_limits limits;
    uint64_t deadline_ns; /* by clock_now_ns */
};

/* DEADLINE_NS is by clock_now_ns. -1: E says why, and there is nothing to close. */
int pull_client_init(struct pull_client *c, const struct pull_limits *limits, uint64_t deadline_ns,
                     struct err *e);
void pull_client_close(struct pull_client *c);
/* 0: a 200 or 206 whose body arrived whole as HTTP knows it. Else -1, and F says what failed.
 * REPLY is set either way, as far as the answer came. */
int pull_fetch(struct pull_client *c, const struct pull_request *request, struct pull_reply *reply,
               struct pull_failure *f);

#endif
