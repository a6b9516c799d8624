/* Credentials: making them, finding them in requests, asking for them. */
#include "fake-registry/auth.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake-registry/auth_internal.h"

/* What an Authorization of scheme Basic may hold: more is nobody's. */
#define BASIC_MAX 1024
/* Two scopes of a challenge. */
#define SCOPE_MAX (2 * OCI_MAX_NAME + 64)
/* The body of a 401 that names three of them, each letter escaped. */
#define DETAIL_MAX (3 * (6 * OCI_MAX_NAME + 64) + 128)
#define REQUIRED "authentication required"

/* ---- making -------------------------------------------------------------------------------- */

/* COUNT random letters and digits, and a NUL. Bytes past a multiple of their number are drawn
 * again, so that each is as likely as another. */
static bool draw(char *out, size_t count)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const size_t n = sizeof(letters) - 1;
    size_t at = 0;
    while (at < count) {
        unsigned char bytes[64];
        if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
            return false;
        }
        for (size_t i = 0; i < sizeof(bytes) && at < count; i++) {
            if (bytes[i] < 256 / n * n) {
                out[at++] = letters[bytes[i] % n];
            }
        }
    }
    out[count] = '\0';
    return true;
}

int auth_mark(char mark[AUTH_MARK + 1], struct err *e)
{
    if (!draw(mark, AUTH_MARK)) {
        return err_set(e, ERR_IO, "no random bytes for credentials");
    }
    return 0;
}

/* Within base64 three bytes become four characters, so a mark reads in three ways, by how many
 * bytes stand before it; at either end a character may mix with what is beside it. Letters and
 * digits never become the two characters in which the kinds of base64 differ. */
static const size_t mark_skip[] = {0, 2, 1};

bool auth_secret(const char *mark, size_t i, char text[AUTH_SECRET])
{
    if (i == 0) {
        (void)snprintf(text, AUTH_SECRET, "%s", mark);
        return true;
    }
    if (i > 3) {
        return false;
    }
    size_t len = (AUTH_MARK - mark_skip[i - 1]) / 3 * 3;
    (void)EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)mark + mark_skip[i - 1],
                          (int)len);
    return true;
}

struct auth *auth_new(const struct auth_config *config, struct err *e)
{
    struct auth *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for credentials");
        return NULL;
    }
    (void)snprintf(a->registry, sizeof(a->registry), "%s", config->registry);
    (void)snprintf(a->user, sizeof(a->user), "pulldrill-%.80s", config->registry);
    (void)snprintf(a->mark, sizeof(a->mark), "%s", config->mark);
    memcpy(a->password, a->mark, AUTH_MARK);
    if (!draw(a->password + AUTH_MARK, AUTH_PASSWORD - AUTH_MARK) ||
        RAND_bytes(a->key, sizeof(a->key)) != 1) {
        (void)err_set(e, ERR_IO, "no random bytes for credentials");
        free(a);
        return NULL;
    }
    a->is = *config;
    a->is.registry = a->registry;
    a->is.mark = a->mark;
    return a;
}

void auth_free(struct auth *a)
{
    free(a);
}

const char *auth_user(const struct auth *a)
{
    return a->user;
}

const char *auth_password(const struct auth *a)
{
    return a->password;
}

enum auth_mode auth_mode(const struct auth *a)
{
    return a->is.mode;
}

/* ---- finding ------------------------------------------------------------------------------- */

/* What stands behind SCHEME and blanks; NULL where HEADER (may be NULL) is of another scheme. */
static const char *behind_scheme(const char *header, const char *scheme)
{
    size_t len = strlen(scheme);
    if (header == NULL || strncasecmp(header, scheme, len) != 0 || header[len] != ' ') {
        return NULL;
    }
    return header + len + strspn(header + len, " ");
}

/* The text behind "Basic ", decoded; false where HEADER is not that. */
static bool decode_basic(const char *header, char out[BASIC_MAX])
{
    const char *code = behind_scheme(header, "Basic");
    size_t len = code != NULL ? strcspn(code, " \t") : 0;
    if (len == 0 || len % 4 != 0 || len / 4 * 3 >= BASIC_MAX) {
        return false;
    }
    int n = EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)code, (int)len);
    if (n < 0) {
        return false;
    }
    n -= code[len - 1] == '=' ? 1 : 0;
    n -= code[len - 2] == '=' ? 1 : 0;
    out[n] = '\0';
    return true;
}

bool auth_basic_fits(const struct auth *a, const char *header)
{
    char text[BASIC_MAX];
    size_t user = strlen(a->user);
    return decode_basic(header, text) && strncmp(text, a->user, user) == 0 && text[user] == ':' &&
           strcmp(text + user + 1, a->password) == 0;
}

/* Whether a secret of A begins at AT, where its mark was found. */
static bool is_own(const struct auth *a, const char *at)
{
    struct auth_token token;
    size_t len = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
    return strncmp(at, a->password, AUTH_PASSWORD) == 0 || auth_token_read(a, at, len, &token);
}

static bool holds_own(const struct auth *a, const char *text)
{
    const char *at = text != NULL ? strstr(text, a->mark) : NULL;
    while (at != NULL) {
        if (is_own(a, at)) {
            return true;
        }
        at = strstr(at + 1, a->mark);
    }
    return false;
}

/* Whether the base64 at CODE, which stands for A's mark from its byte SKIP on, is of a secret of A.
 * The kinds of base64 are read alike, and so is what stands there without padding. */
static bool codes_own(const struct auth *a, const char *code, size_t skip)
{
    char text[AUTH_MARK + AUTH_MAX_TOKEN];
    size_t len = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_");
    len = len > AUTH_MAX_CODE ? AUTH_MAX_CODE : len;
    len -= len % 4 == 1 ? 1 : 0; /* no whole byte more */
    memcpy(text, a->mark, skip);
    return auth_decode(code, len, text + skip, sizeof(text) - skip) && holds_own(a, text);
}

/* The same within base64: a secret may begin at any of its bytes. */
static bool holds_coded(const struct auth *a, const char *text)
{
    char code[AUTH_SECRET];
    for (size_t i = 1; text != NULL && auth_secret(a->mark, i, code); i++) {
        for (const char *at = strstr(text, code); at != NULL; at = strstr(at + 1, code)) {
            if (codes_own(a, at, mark_skip[i - 1])) {
                return true;
            }
        }
    }
    return false;
}

static bool shows_own(const struct auth *a, const char *text)
{
    return holds_own(a, text) || holds_coded(a, text);
}

enum auth_carried auth_carried(const struct auth *a, const struct http_request *request,
                               const char *form)
{
    bool authorized = false;
    if (shows_own(a, request->target) || shows_own(a, form)) {
        return AUTH_CARRIED_KNOWN;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *h = &request->headers[i];
        if (shows_own(a, h->value)) {
            return AUTH_CARRIED_KNOWN;
        }
        authorized = authorized || strcasecmp(h->name, "Authorization") == 0;
    }
    return authorized ? AUTH_CARRIED_UNKNOWN : AUTH_CARRIED_NONE;
}

/* ---- asking -------------------------------------------------------------------------------- */

/* The action that a token must allow; NULL: any token will do. */
static const char *action_of(const struct oci_route *route)
{
    switch (route->op) {
    case OP_PING:
    case OP_TOKEN:
    case OP_OTHER:
        return NULL;
    case OP_MANIFEST_PUT:
    case OP_UPLOAD_START:
    case OP_UPLOAD_CHUNK:
    case OP_UPLOAD_FINISH:
    case OP_UPLOAD_STATUS:
    case OP_UPLOAD_CANCEL:
        return "push";
    case OP_DELETE:
        return "delete";
    case OP_CATALOG:
        return "*";
    default:
        return "pull";
    }
}

static const char *type_of(const struct oci_route *route)
{
    return route->op == OP_CATALOG ? "registry" : "repository";
}

static const char *name_of(const struct oci_route *route)
{
    return route->op == OP_CATALOG ? "catalog" : route->repository;
}

/* The repository that a mount looks into. */
static bool mount_source(const struct auth_ask *ask, char from[OCI_MAX_NAME])
{
    return ask->route->op == OP_UPLOAD_START &&
           http_query(ask->request->query, "from", from, OCI_MAX_NAME) && from[0] != '\0' &&
           strpbrk(from, "\"\\\r\n ") == NULL;
}

/* `repository:NAME:pull`, and what a mount looks into, as a client has to ask for it. */
static void wanted_scope(const struct auth_ask *ask, char scope[SCOPE_MAX])
{
    char from[OCI_MAX_NAME];
    const char *action = action_of(ask->route);
    size_t len = 0;
    scope[0] = '\0';
    if (action == NULL || name_of(ask->route)[0] == '\0') {
        return;
    }
    if (mount_source(ask, from)) {
        (void)snprintf(scope, SCOPE_MAX, "repository:%s:pull ", from);
        len = strlen(scope);
    }
    (void)snprintf(scope + len, SCOPE_MAX - len, "%s:%s:%s", type_of(ask->route),
                   name_of(ask->route), strcmp(action, "push") == 0 ? "pull,push" : action);
}

static void add_access(struct buf *b, const char *type, const char *name, const char *action)
{
    buf_str(b, "{\"Type\":\"");
    buf_str(b, type);
    buf_str(b, "\",\"Class\":\"\",\"Name\":");
    buf_json_string(b, name, strlen(name));
    buf_str(b, ",\"Action\":\"");
    buf_str(b, action);
    buf_str(b, "\"}");
}

/* The 401, with what would have to be allowed as Docker's registry tells it: where an error has no
 * detail, clients of containers/image (skopeo, podman) keep its message to themselves. */
static int unauthorized(const struct auth_ask *ask, struct response *out)
{
    char from[OCI_MAX_NAME];
    struct buf b;
    const char *action = action_of(ask->route);
    const char *name = name_of(ask->route);
    if (response_error(out, 401, NULL, REQUIRED) != 0) {
        return -1;
    }
    if (action == NULL || name[0] == '\0') {
        return 1;
    }
    buf_init(&b, DETAIL_MAX);
    buf_str(&b,
            "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"" REQUIRED "\",\"detail\":[");
    if (strcmp(action, "push") == 0) {
        add_access(&b, "repository", name, "pull");
        buf_char(&b, ',');
    }
    add_access(&b, type_of(ask->route), name, action);
    if (mount_source(ask, from)) {
        buf_char(&b, ',');
        add_access(&b, "repository", from, "pull");
    }
    buf_str(&b, "]}]}\n");
    return response_take_buf(out, &b) == 0 ? 1 : -1;
}

static int challenge(const struct auth_ask *ask, const char *error, struct response *out)
{
    char scope[SCOPE_MAX];
    int rc = unauthorized(ask, out);
    wanted_scope(ask, scope);
    response_header(out, "WWW-Authenticate", "Bearer realm=\"%s\",service=\"%s\"%s%s%s%s%s%s",
                    ask->realm, ask->service, scope[0] != '\0' ? ",scope=\"" : "", scope,
                    scope[0] != '\0' ? "\"" : "", error != NULL ? ",error=\"" : "",
                    error != NULL ? error : "", error != NULL ? "\"" : "");
    return rc;
}

/* The token that is shown; false: NULL in *SHOWN where there is none, else it is no good. */
static bool read_shown(const struct auth *a, const struct auth_ask *ask, const char **shown,
                       struct auth_token *token)
{
    *shown = behind_scheme(http_request_header(ask->request, "Authorization"), "Bearer");
    return *shown != NULL && auth_token_read(a, *shown, strlen(*shown), token) &&
           token->kind == AUTH_TOKEN_ACCESS && token->ends_ns > ask->now_ns;
}

/* Who writes to a repository reads it, too, and what it mounts from, as Docker's registry has it.
 */
static bool token_allows(const struct auth_token *token, const struct auth_ask *ask)
{
    char from[OCI_MAX_NAME];
    const char *name = name_of(ask->route);
    const char *action = action_of(ask->route);
    if (action == NULL) {
        return true;
    }
    if (strcmp(action, "push") == 0 && !auth_scopes_hold(token->scopes, name, "pull")) {
        return false;
    }
    return auth_scopes_hold(token->scopes, name, action) &&
           (!mount_source(ask, from) || auth_scopes_hold(token->scopes, from, "pull"));
}

static int check_token(const struct auth *a, const struct auth_ask *ask, struct response *out)
{
    struct auth_token token;
    const char *shown = NULL;
    if (!read_shown(a, ask, &shown, &token)) {
        return challenge(ask, shown != NULL ? "invalid_token" : NULL, out);
    }
    if (!token_allows(&token, ask)) {
        return challenge(ask, "insufficient_scope", out);
    }
    return 0;
}

bool auth_may_pull(const struct auth *a, const struct auth_ask *ask, const char *repository)
{
    struct auth_token token;
    const char *shown = NULL;
    return a->is.mode == AUTH_BASIC || (read_shown(a, ask, &shown, &token) &&
                                        auth_scopes_hold(token.scopes, repository, "pull"));
}

static int check_basic(const struct auth *a, const struct auth_ask *ask, struct response *out)
{
    const char *shown = http_request_header(ask->request, "Authorization");
    const char *action = action_of(ask->route);
    bool pulls = action == NULL || strcmp(action, "pull") == 0;
    if (auth_basic_fits(a, shown) || (shown == NULL && a->is.anonymous && pulls)) {
        return 0;
    }
    int rc = unauthorized(ask, out);
    response_header(out, "WWW-Authenticate", "Basic realm=\"%s\"", ask->service);
    return rc;
}

int auth_check(const struct auth *a, const struct auth_ask *ask, struct response *out)
{
    return a->is.mode == AUTH_BASIC ? check_basic(a, ask, out) : check_token(a, ask, out);
}
