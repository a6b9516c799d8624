/* What the files of auth share. Private to them. */
#ifndef PULLDRILL_FAKE_REGISTRY_AUTH_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_AUTH_INTERNAL_H

#include "fake-registry/auth.h"

#define AUTH_KEY 32
#define AUTH_MAX_SCOPES 2048 /* bytes of all scopes of a token */

struct auth {
    struct auth_config is; /* its strings are the ones below */
    char registry[AUTH_USER];
    char mark[AUTH_MARK + 1];
    char user[AUTH_USER];
    char password[AUTH_PASSWORD + 1];
    unsigned char key[AUTH_KEY];
};

/* The user that an Authorization of scheme Basic shows; false: HEADER is not that, or not A's. */
bool auth_basic_fits(const struct auth *a, const char *header);

/* LEN characters of base64 of any kind, at most AUTH_MAX_CODE, padded or not, as text. False where
 * malformed, or longer than SIZE with its NUL. */
#define AUTH_MAX_CODE 5464
bool auth_decode(const char *text, size_t len, char *out, size_t size);

/* auth_token.c: what is signed and told to whoever shows it. */
enum auth_token_kind { AUTH_TOKEN_ACCESS = 'a', AUTH_TOKEN_REFRESH = 'r' };
struct auth_token {
    enum auth_token_kind kind;
    uint64_t ends_ns;             /* 0: never */
    char scopes[AUTH_MAX_SCOPES]; /* "repository:ci/agent:pull,push", separated by blanks */
};
/* LEN bytes of TEXT as a token of A, whether it is over or not; false where A never made it. */
bool auth_token_read(const struct auth *a, const char *text, size_t len, struct auth_token *out);

/* auth_scope.c */
/* Adds to OUT (blank-separated, at most AUTH_MAX_SCOPES) what of the scopes in TEXT, separated by
 * blanks, may be had: everything where the asker is KNOWN, else pulls. */
void auth_scopes_grant(const char *text, bool known, char *out);
/* Whether SCOPES hold ACTION on REPOSITORY. */
bool auth_scopes_hold(const char *scopes, const char *repository, const char *action);

#endif
