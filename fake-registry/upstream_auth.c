/* Answering the challenge of an upstream registry.
 *
 * Happy path: one of the Bearer kind names a realm, which gives a token for the repository (with
 * our credential, or to anyone); one of the Basic kind wants the credential with each request.
 *
 * Failure modes: no credential where one is wanted, one that is refused, a realm that would have it
 * sent in plain text although the registry speaks TLS, a realm that gives no token.
 */
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake-registry/upstream_internal.h"

/* ---- the challenge -------------------------------------------------------------------------- */

/* One NAME=VALUE or NAME="VALUE" at AT; the character behind it. */
static const char *read_parameter(const char *at, char *name, size_t name_size, char *value,
                                  size_t value_size)
{
    size_t n = 0;
    size_t v = 0;
    for (; *at != '\0' && *at != '=' && *at != ',' && *at != ' '; at++) {
        if (n + 1 < name_size) {
            name[n++] = *at;
        }
    }
    name[n] = '\0';
    bool quoted = at[0] == '=' && at[1] == '"';
    at += at[0] == '=' ? 1 + quoted : 0;
    for (; *at != '\0' && (quoted ? *at != '"' : *at != ','); at++) {
        at += quoted && at[0] == '\\' && at[1] != '\0';
        if (v + 1 < value_size) {
            value[v++] = *at;
        }
    }
    value[v] = '\0';
    return quoted && *at == '"' ? at + 1 : at;
}

static void read_bearer(const char *at, struct upstream_challenge *out)
{
    char name[32];
    char value[UPSTREAM_MAX_CHALLENGE];
    out->bearer = true;
    while (*at != '\0') {
        if (*at == ',' || *at == ' ' || *at == '\t') {
            at++;
            continue;
        }
        at = read_parameter(at, name, sizeof(name), value, sizeof(value));
        if (strcasecmp(name, "realm") == 0) {
            snprintf(out->realm, sizeof(out->realm), "%s", value);
        } else if (strcasecmp(name, "service") == 0) {
            snprintf(out->service, sizeof(out->service), "%.*s", (int)sizeof(out->service) - 1,
                     value);
        } else if (strcasecmp(name, "scope") == 0) {
            snprintf(out->scope, sizeof(out->scope), "%.*s", (int)sizeof(out->scope) - 1, value);
        }
    }
}

void upstream_challenge_read(const char *value, struct upstream_challenge *out)
{
    if (strncasecmp(value, "Bearer ", 7) == 0) {
        read_bearer(value + 7, out);
    } else if (strncasecmp(value, "Basic", 5) == 0) {
        out->basic = true;
    }
}

/* ---- what it asks --------------------------------------------------------------------------- */

int upstream_complain(const struct upstream *u, const char *what, struct err *e)
{
    bool known = u->credential.user != NULL || u->credential.identity != NULL;
    return err_set(e, ERR_ENVIRONMENT, "the upstream registry %s %s%s", u->name->host, what,
                   known                  ? ""
                   : u->credential.helper ? "; its credential is kept by a helper program, which "
                                            "is not asked: log in to a file (REGISTRY_AUTH_FILE)"
                                          : "; no credential of it is known: log in first "
                                            "(docker, podman and skopeo keep it in a file)");
}

/* Appends "&NAME=VALUE", escaped. */
static void put_field(CURL *curl, struct buf *b, const char *name, const char *value)
{
    char *text = value[0] != '\0' ? curl_easy_escape(curl, value, (int)strlen(value)) : NULL;
    if (text != NULL) {
        buf_printf(b, "%s%s=%s", b->len > 0 ? "&" : "", name, text);
    }
    b->failed = b->failed || (value[0] != '\0' && text == NULL);
    curl_free(text);
}

static int take_token(struct upstream *u, const struct upstream_reply *reply, struct err *e)
{
    json_t *root =
        json_loadb(reply->body.data != NULL ? reply->body.data : "", reply->body.len, 0, NULL);
    const char *token = json_string_value(json_object_get(root, "token"));
    if (token == NULL || token[0] == '\0') {
        token = json_string_value(json_object_get(root, "access_token"));
    }
    int rc = 0;
    if (token == NULL || strlen(token) > UPSTREAM_MAX_SECRET ||
        strcspn(token, "\r\n") != strlen(token)) {
        rc = err_set(e, ERR_ENVIRONMENT, "the upstream registry %s: its realm gave no token",
                     u->name->host);
    } else {
        free(u->bearer);
        u->bearer = strdup(token);
        rc = u->bearer != NULL ? 0 : err_set(e, ERR_NOMEM, "no memory for a token");
    }
    json_decref(root);
    return rc;
}

/* Asks the realm: with the credential by GET, with a refresh token by POST. */
static int ask_realm(struct upstream *u, const char *realm, const struct buf *fields, struct err *e)
{
    struct upstream_reply reply = {.status = 0};
    struct buf url;
    bool post = u->credential.identity != NULL;
    buf_init(&url, 2 * UPSTREAM_MAX_URL);
    buf_str(&url, realm);
    if (!post && fields->len > 0) {
        buf_printf(&url, "%c%s", strchr(realm, '?') != NULL ? '&' : '?', fields->data);
    }
    int rc = url.failed || url.data == NULL
                 ? err_set(e, ERR_LIMIT, "the realm of the upstream registry is too long")
                 : upstream_realm_request(u, url.data, post ? fields->data : NULL, &reply, e);
    buf_close(&url);
    if (rc != 0) {
        return err_prefix(e, "the token realm");
    }
    if (reply.status == 200) {
        rc = take_token(u, &reply, e);
    } else {
        char what[80];
        snprintf(what, sizeof(what), "gives no token: its realm answered %ld", reply.status);
        rc = upstream_complain(u, what, e);
    }
    upstream_reply_close(&reply);
    return rc;
}

static int fetch_token(struct upstream *u, const struct upstream_challenge *challenge,
                       struct err *e)
{
    char scope[sizeof(u->name->repository) + 32];
    struct buf fields;
    bool tls = strncmp(challenge->realm, "https://", 8) == 0;
    if (!tls && (!u->plain || strncmp(challenge->realm, "http://", 7) != 0)) {
        return err_set(e, ERR_ENVIRONMENT,
                       "the upstream registry %s names a token realm without TLS: %.300s",
                       u->name->host, challenge->realm);
    }
    snprintf(scope, sizeof(scope), "repository:%s:pull", u->name->repository);
    buf_init(&fields, 4 * UPSTREAM_MAX_SECRET);
    put_field(u->curl, &fields, "service", challenge->service);
    put_field(u->curl, &fields, "scope", challenge->scope[0] != '\0' ? challenge->scope : scope);
    if (u->credential.identity != NULL) {
        put_field(u->curl, &fields, "grant_type", "refresh_token");
        put_field(u->curl, &fields, "client_id", "pulldrill");
        put_field(u->curl, &fields, "refresh_token", u->credential.identity);
    }
    int rc = fields.failed ? err_set(e, ERR_NOMEM, "no memory for a token")
                           : ask_realm(u, challenge->realm, &fields, e);
    if (fields.data != NULL) {
        OPENSSL_cleanse(fields.data, fields.len);
    }
    buf_close(&fields);
    return rc;
}

int upstream_authorize(struct upstream *u, const struct upstream_challenge *challenge,
                       struct err *e)
{
    if (challenge->bearer) {
        return fetch_token(u, challenge, e);
    }
    if (!challenge->basic || u->credential.user == NULL || u->basic) {
        return upstream_complain(
            u, u->basic ? "refuses the credential of it that is known" : "wants a credential (401)",
            e);
    }
    u->basic = true;
    return 0;
}
