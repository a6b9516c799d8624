/* What a registry asks of its clients: credentials, challenges, tokens. Pure but for random bytes:
 * the time is given.
 *
 * Everything secret of a drill begins with the same random characters, its mark, so that secrets
 * are found wherever they turn up: in a request to somebody else, in the output of a subject. */
#ifndef PULLDRILL_FAKE_REGISTRY_AUTH_H
#define PULLDRILL_FAKE_REGISTRY_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/http.h"
#include "fake-registry/oci.h"
#include "harness/base/err.h"

/* Characters of a mark (a multiple of three, see auth_secret) and of a password, which the mark
 * begins; bytes of a user's name with its NUL. */
#define AUTH_MARK 15
#define AUTH_PASSWORD 36
#define AUTH_USER 96
#define AUTH_MAX_TOKEN 4096
#define AUTH_MAX_FORM 8192 /* of a request for a token */

/* A new random mark. */
int auth_mark(char mark[AUTH_MARK + 1], struct err *e);
/* What of MARK is to be found wherever a secret is, as it stands and within base64, whatever stands
 * before it: I from 0; false past the last. The secret goes on behind it, with letters, digits and
 * punctuation of base64 and of tokens. */
#define AUTH_SECRET 32
bool auth_secret(const char *mark, size_t i, char text[AUTH_SECRET]);

enum auth_mode { AUTH_BASIC, AUTH_TOKEN };
struct auth_config {
    const char *registry; /* its name, copied */
    const char *mark;     /* of the drill, copied */
    enum auth_mode mode;
    bool anonymous;  /* pulls need no credential; with AUTH_TOKEN they still need a token */
    uint64_t ttl_ns; /* of a token */
};

/* A registry's user, password and keys, all but the user's name random. */
struct auth;
struct auth *auth_new(const struct auth_config *config, struct err *e);
void auth_free(struct auth *a);
const char *auth_user(const struct auth *a);
const char *auth_password(const struct auth *a);
enum auth_mode auth_mode(const struct auth *a);

/* ---- whose credential a request carries ----------------------------------------------------- */

enum auth_carried { AUTH_CARRIED_NONE, AUTH_CARRIED_UNKNOWN, AUTH_CARRIED_KNOWN };
/* Looks for A's password, and for tokens that A made, current or not, in everything that REQUEST
 * holds, and in FORM, its body (NULL: none). UNKNOWN: it holds an Authorization that is not A's. */
enum auth_carried auth_carried(const struct auth *a, const struct http_request *request,
                               const char *form);

/* ---- answers -------------------------------------------------------------------------------- */

struct auth_ask {
    const struct http_request *request;
    const struct oci_route *route;
    const char *form;  /* the body of a POST for a token; NULL: none */
    const char *realm; /* URL that tokens are asked of */
    const char *service;
    uint64_t now_ns;
    const char *wall; /* the same for people, RFC 3339; for auth_give_token only */
};
/* Whether A lets a request through to the store. 0: OUT is untouched; 1: OUT is the 401; -1: no
 * memory. OUT is initialised. */
int auth_check(const struct auth *a, const struct auth_ask *ask, struct response *out);
/* Whether a request that A lets through may look into another REPOSITORY, too (empty: any). */
bool auth_may_pull(const struct auth *a, const struct auth_ask *ask, const char *repository);
/* The answer of the realm: a token, or why there is none. -1: no memory. OUT is initialised. */
int auth_give_token(const struct auth *a, const struct auth_ask *ask, struct response *out);

#endif
