/* One request and its answer, as the files of the server share it. Private to them. */
#ifndef PULLDRILL_FAKE_REGISTRY_EXCHANGE_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_EXCHANGE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/http.h"
#include "fake-registry/oci.h"
#include "fake-registry/server_internal.h"
#include "fake-registry/wire.h"

/* What faults made of one request, or will make. */
struct passage {
    bool any;         /* a fault is armed here: else nothing is asked */
    bool through;     /* its credentials are known to be good */
    bool met;         /* STAGE_RESPONSE was decided */
    size_t of_answer; /* where the decisions of STAGE_RESPONSE begin */
    uint64_t nth;
    struct fault_facts facts;
    struct fault_decision decision[FAULT_MAX_DECISIONS];
    size_t count;
};

struct exchange_write;

/* One request and its answer, until the delivery is settled. */
struct exchange {
    struct exchange *next_spare;
    uint64_t ordinal;
    uint64_t start;
    bool late;
    struct oci_route route;
    uint64_t begun_ns; /* when the head was complete */
    uint64_t first_byte_ns;
    uint64_t end_ns;
    uint64_t request_body;        /* bytes of it that came */
    uint64_t past;                /* of those, read past */
    struct exchange_write *write; /* it changes the store, or did not come to it; else NULL */
    char stored[DIGEST_TEXT];     /* what it has brought into the registry; empty: nothing */
    char *form;                   /* the body that may be a form; NULL: none yet */
    size_t form_len;
    bool untold; /* the request event waits for the body: it may hold a credential */
    struct wire_plan plan;
    bool planned;
    bool complete; /* every segment was carried out */
    size_t at;     /* the segment under way */
    uint64_t done; /* bytes of it handed to the kernel */
    uint64_t written;
    uint64_t rate;
    const struct fault_rule *acted[FAULT_MAX_DECISIONS + 1];
    size_t acted_count;
    const struct fault_rule *answer[FAULT_MAX_DECISIONS]; /* act once the head is begun */
    size_t answer_count;
    uint64_t altered_from; /* what really went out altered; within the object, or the parts */
    uint64_t altered_to;
};

/* exchange.c */
/* A request's head is complete (REQUEST), or broken beyond telling (NULL). -1: no memory. */
int exchange_begin(struct connection *c, const struct http_request *request);
/* Decides faults and plans the answer, after which the connection stays where KEEP_ALIVE. 1: it is
 * planned later, connection_stored then goes on; -1: it cannot be answered. */
int exchange_answer(struct connection *c, const struct http_request *request, bool keep_alive);
/* The answer R through the faults that meet one, planned. -1: no memory. */
int exchange_plan(struct connection *c, struct passage *p, struct response *r, bool keep_alive);
/* Decides STAGE_RESPONSE where it was not yet, for an answer of R's status; the `status` that takes
 * its place, or NULL. */
const struct fault_action *exchange_meet(struct connection *c, struct passage *p,
                                         const struct response *r);
/* What is asked, of the moment. */
void exchange_facts(const struct connection *c, const struct http_request *request,
                    struct passage *p);
/* Plans an error of our own, after which the connection closes. */
int exchange_refuse(struct connection *c, unsigned status, const char *why);
void exchange_acted(struct exchange *x, const struct fault_rule *rule);
/* Emits the response and gives the exchange back. */
void exchange_end(struct connection *c, const char *end, uint64_t unacknowledged);

/* exchange_events.c: what the history is told */
/* REQUEST, which asks for DIGEST (NULL: for nothing that has one); REQUEST NULL: it is no HTTP. */
void exchange_tell_request(struct connection *c, const struct http_request *request,
                           const char *digest);
/* That D was decided, by FACTS. */
void exchange_tell_decided(const struct connection *c, const struct fault_facts *facts,
                           const struct fault_decision *d);
/* The response, of whose bytes so many are UNACKNOWLEDGED; END is how one ends that is not whole.
 */
void exchange_tell_response(const struct connection *c, const char *end, uint64_t unacknowledged);

/* exchange_write.c */
/* The head of REQUEST is complete: a write that its credentials let through begins. -1: no memory.
 */
int exchange_write_begin(struct connection *c, const struct http_request *request);
/* Whether the body of the request is kept; else it is read past. */
bool exchange_write_takes(const struct exchange *x);
/* A piece of a body that is kept. */
void exchange_write_body(struct exchange *x, const char *data, size_t len);
/* Carries the write of C's exchange out and plans its answer; as exchange_answer. */
int exchange_write_answer(struct connection *c, const struct http_request *request,
                          struct passage *p, bool keep_alive);
/* What W took in is read: by a thread of the pool. */
void exchange_write_read(struct exchange_write *w);
/* That is done: goes on as exchange_write_answer. */
int exchange_write_go_on(struct connection *c);
/* JOB is done: finishes it and plans the answer. -1: it cannot be. */
int exchange_write_stored(struct connection *c, struct store_job *job);
/* The same of a connection that has ended meanwhile; JOB NULL: nothing was asked of the store. */
void exchange_write_alone(struct exchange_write *w, struct store_job *job);
/* The request is over: what was not carried out is forgotten, a job under way goes on alone. */
void exchange_write_end(struct exchange *x);

/* exchange_redact.c */
/* TARGET without user information and without the values of secret query parameters. Redacting
 * only shortens or keeps: "***" stands for a value of any length, so OUT has room for growth. */
const char *exchange_redact(const char *target, char *out, size_t size);

/* exchange_auth.c */
/* The listener of ROLE for L's registry on L's lane; NULL: it has none. */
const struct listener *exchange_host(const struct listener *l, enum server_role role);
/* What REQUEST is about, by what L answers as. */
void exchange_route(const struct listener *l, const struct http_request *request,
                    struct oci_route *out);
/* Whether its body has to be read before it is known whose credential it carries. */
bool exchange_has_form(const struct connection *c, const struct http_request *request);
/* A piece of a body that is not kept: of the form, where it may be one. */
void exchange_body(struct exchange *x, const char *data, size_t len);
/* "none", "own", "other:NAME" (in TEXT) or "unknown". */
const char *exchange_credential(const struct connection *c, const struct http_request *request,
                                char *text, size_t size);
/* Whether a blob of REPOSITORY may be had by REQUEST, which writes to another one. */
bool exchange_may_mount(const struct connection *c, const struct http_request *request,
                        const char *repository);
/* 0: the request is let through; 1: OUT, which is initialised, refuses it; -1: no memory. */
int exchange_authorize(const struct connection *c, const struct http_request *request,
                       struct response *out);
/* The realm's answer. -1: no memory. */
int exchange_token(const struct connection *c, const struct http_request *request,
                   struct response *out);

/* exchange_redirect.c; -1: no memory */
/* Makes a redirect of R, a blob's answer, where the registry's blobs lie on a host of their own. */
int exchange_redirect(const struct connection *c, struct response *r);
/* The answer of that host. */
int exchange_blob(const struct connection *c, const struct http_request *request,
                  const struct fault_decision *decisions, size_t count, struct response *out);
/* The answer of port 80 of a host that speaks TLS. */
int exchange_to_https(const struct connection *c, const struct http_request *request,
                      struct response *out);

#endif
