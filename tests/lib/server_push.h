/* A client of the server bed that writes: requests with bodies, uploads in steps. */
#ifndef PULLDRILL_TESTS_LIB_SERVER_PUSH_H
#define PULLDRILL_TESTS_LIB_SERVER_PUSH_H

#include "tests/lib/server_bed.h"

#define PUSH_UPLOADS "/v2/ci/agent/blobs/uploads/"
/* An upload that nobody has begun. */
#define PUSH_NOWHERE PUSH_UPLOADS "00000000000000000000000000000000"
#define PUSH_MANIFESTS "/v2/ci/agent/manifests/"
#define PUSH_INDEX                                                                                 \
    "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","              \
    "\"manifests\":[]}"
#define PUSH_INDEX_TYPE "Content-Type: application/vnd.oci.image.index.v1+json\r\n"
#define PUSH_TYPE "application/vnd.oci.image.manifest.v1+json"

/* Sends METHOD PATH with Host, MORE headers ("Name: value\r\n"…) and, where BODY is not NULL, its
 * length. */
void push_send(struct bed *b, int fd, const char *method, const char *path, const char *more,
               const char *body);
/* The same, and its whole answer; the status. R may be NULL. */
unsigned push_ask(struct bed *b, int fd, const char *method, const char *path, const char *more,
                  const char *body, struct bed_reply *r);
/* The value of header NAME in R, into OUT; empty where it has none. */
void push_header(const struct bed_reply *r, const char *name, char *out, size_t size);
/* Begins an upload; PLACE is where it lies. */
void push_begin(struct bed *b, int fd, char place[512]);
/* The same; PATH is where a PUT of TEXT finishes it. */
void push_begin_put(struct bed *b, int fd, const char *text, char path[768]);
/* PLACE with ?digest= of TEXT. */
void push_finish_path(const char *place, const char *text, char path[768]);
/* Uploads TEXT as a blob; the last status. */
unsigned push_blob(struct bed *b, int fd, const char *text);
/* Whether the registry has TEXT as a blob. */
bool push_has_blob(const struct bed *b, const char *text);
/* Turns the loop until it has. */
void push_wait_for_blob(struct bed *b, const char *text);
/* LEN bytes of text that nobody else has; to be freed. */
char *push_text(uint64_t seed, size_t len);

#endif
