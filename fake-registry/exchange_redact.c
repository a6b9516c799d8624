/* Targets of requests as they may be told: without credentials. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fake-registry/exchange_internal.h"

static bool secret_key(const char *key, size_t len)
{
    static const char *const keys[] = {"password",      "token",         "access_token",
                                       "refresh_token", "client_secret", "code",
                                       "signature",     "sig",           "x-amz-signature"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strlen(keys[i]) == len && strncasecmp(keys[i], key, len) == 0) {
            return true;
        }
    }
    return false;
}

const char *exchange_redact(const char *target, char *out, size_t size)
{
    if (strchr(target, '?') == NULL && strchr(target, '@') == NULL) {
        return target;
    }
    struct buf b;
    buf_init(&b, size);
    const char *authority = strstr(target, "://");
    if (authority != NULL && authority < target + strcspn(target, "?/") + 1) {
        size_t len = strcspn(authority + 3, "/?");
        const char *at = memrchr(authority + 3, '@', len);
        buf_append(&b, target, (size_t)(authority + 3 - target));
        target = at != NULL ? at + 1 : authority + 3;
    }
    size_t path = strcspn(target, "?");
    buf_append(&b, target, path);
    for (const char *p = target + path; *p != '\0';) {
        size_t len = 1 + strcspn(p + 1, "&");
        size_t key = strcspn(p + 1, "=&");
        bool secret = secret_key(p + 1, key);
        buf_append(&b, p, secret ? key + 1 : len);
        buf_str(&b, secret ? "=***" : "");
        p += len;
    }
    (void)snprintf(out, size, "%s", b.data != NULL ? b.data : "");
    buf_close(&b);
    return out;
}
