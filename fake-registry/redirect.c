/* Signed URLs: made, read back, checked. */
#include "fake-registry/redirect.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"

#define FOLDER "/blobs/"
#define HASH 32
#define HASH_HEX (2 * HASH)

/* Signs "PATH?expires=N". */
static bool sign(const unsigned char key[REDIRECT_KEY], const char *text, char hex[HASH_HEX + 1])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (HMAC(EVP_sha256(), key, REDIRECT_KEY, (const unsigned char *)text, strlen(text), hash,
             &size) == NULL) {
        return false;
    }
    for (size_t i = 0; i < HASH; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
    return true;
}

bool redirect_target(const unsigned char key[REDIRECT_KEY], const struct oci_route *route,
                     uint64_t now_ns, char target[REDIRECT_MAX])
{
    char hex[HASH_HEX + 1];
    uint64_t expires = now_ns / CLOCK_NS_PER_S + REDIRECT_TTL_S;
    int len = snprintf(target, REDIRECT_MAX, FOLDER "%s/%s?expires=%" PRIu64, route->repository,
                       route->reference, expires);
    if (len < 0 || len + HASH_HEX + 16 > REDIRECT_MAX || !sign(key, target, hex)) {
        return false;
    }
    (void)snprintf(target + len, REDIRECT_MAX - (size_t)len, "&signature=%s", hex);
    return true;
}

void redirect_route(const struct http_request *request, struct oci_route *out)
{
    const char *path = request->path;
    const char *slash = strrchr(path, '/');
    bool head = strcmp(request->method, "HEAD") == 0;
    memset(out, 0, sizeof(*out));
    out->op = OP_OTHER;
    out->allow = "";
    if (strncmp(path, FOLDER, strlen(FOLDER)) != 0 || slash <= path + strlen(FOLDER) ||
        (!head && strcmp(request->method, "GET") != 0)) {
        return;
    }
    size_t name = (size_t)(slash - path) - strlen(FOLDER);
    if (name >= sizeof(out->repository) || strlen(slash + 1) >= sizeof(out->reference)) {
        return;
    }
    out->op = head ? OP_BLOB_HEAD : OP_BLOB_GET;
    memcpy(out->repository, path + strlen(FOLDER), name);
    memcpy(out->reference, slash + 1, strlen(slash + 1) + 1);
}

enum redirect_state redirect_check(const unsigned char key[REDIRECT_KEY],
                                   const struct http_request *request, uint64_t now_ns)
{
    char expires[24];
    char shown[HASH_HEX + 8];
    char hex[HASH_HEX + 1];
    char text[REDIRECT_MAX];
    if (!http_query(request->query, "expires", expires, sizeof(expires)) ||
        !http_query(request->query, "signature", shown, sizeof(shown)) ||
        strlen(shown) != HASH_HEX) {
        return REDIRECT_BAD;
    }
    int len = snprintf(text, sizeof(text), "%s?expires=%s", request->path, expires);
    if (len < 0 || (size_t)len >= sizeof(text) || !sign(key, text, hex) ||
        CRYPTO_memcmp(hex, shown, HASH_HEX) != 0) {
        return REDIRECT_BAD;
    }
    return strtoull(expires, NULL, 10) <= now_ns / CLOCK_NS_PER_S ? REDIRECT_EXPIRED
                                                                  : REDIRECT_GOOD;
}

int redirect_refuse(enum redirect_state state, struct response *out)
{
    const char *code = state == REDIRECT_EXPIRED ? "AccessDenied" : "SignatureDoesNotMatch";
    const char *message =
        state == REDIRECT_EXPIRED
            ? "Request has expired"
            : "The request signature we calculated does not match the signature you provided.";
    char *text = NULL;
    int len = asprintf(&text,
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<Error><Code>%s</Code><Message>%s</Message></Error>\n",
                       code, message);
    if (len < 0) {
        return -1;
    }
    response_take_small(out, text, (size_t)len);
    out->status = 403;
    response_header_text(out, "Content-Type", "application/xml");
    return 0;
}
