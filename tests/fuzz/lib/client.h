/* A client of a registry without sockets: one request of text, one answer. */
#ifndef PULLDRILL_TESTS_FUZZ_LIB_CLIENT_H
#define PULLDRILL_TESTS_FUZZ_LIB_CLIENT_H

#include "fake-registry/oci.h"

/* A job, where *JOB is one, is done, and OUT is the answer either way. */
void client_finish(struct store *store, const struct http_request *request,
                   const struct oci_route *route, struct oci_write *w, struct response *out);

/* "METHOD TARGET HTTP/1.1", with "Name: value\r\n" HEADERS (may be empty) and LEN bytes of BODY. */
struct client_request {
    const char *method;
    const char *target;
    const char *headers;
    const void *body;
    size_t len;
    size_t cut; /* bytes of the body that come before the connection breaks; SIZE_MAX: all come */
    bool keep;  /* of an upload that breaks off: what came stays */
};
/* Sends R to STORE. OUT is closed by the caller; of a request that broke off it is empty. */
void client_ask(struct store *store, const struct client_request *r, struct response *out);
/* The value of header NAME in R, into OUT; false where there is none. */
bool client_header(const struct response *r, const char *name, char *out, size_t size);

#endif
