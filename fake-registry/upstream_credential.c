/* Who we are at an upstream registry: the files that docker, podman and skopeo keep.
 *
 * Happy path: the first of the files that has an entry for the host, or for a namespace of it that
 * holds the repository, gives user and password, or a refresh token.
 *
 * Failure modes: a file that cannot be read or is no such file ends the drill, as guessing would be
 * worse; one that is missing is passed over. What a helper program keeps is not asked for. No
 * complaint holds a secret.
 */
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/upstream_internal.h"

#define FILE_MAX ((size_t)1 << 20)
#define FILES 4

static void forget(char *secret)
{
    if (secret != NULL) {
        OPENSSL_cleanse(secret, strlen(secret));
        free(secret);
    }
}

void upstream_credential_close(struct upstream_credential *c)
{
    free(c->user);
    forget(c->password);
    forget(c->identity);
    *c = (struct upstream_credential){.user = NULL};
}

/* "user:password" in base64. */
static int decode(const char *text, struct upstream_credential *out, struct err *e)
{
    size_t len = strlen(text);
    char *plain = len <= UPSTREAM_MAX_SECRET ? calloc(1, len + 4) : NULL;
    int n = plain != NULL
                ? EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)text, (int)len)
                : -1;
    char *colon = n > 0 ? strchr(plain, ':') : NULL;
    if (colon == NULL) {
        free(plain);
        return err_set(e, ERR_INVALID, "an \"auth\" that is no user and password in base64");
    }
    *colon = '\0';
    out->user = strdup(plain);
    out->password = strdup(colon + 1);
    OPENSSL_cleanse(plain, len + 4);
    free(plain);
    return out->user != NULL && out->password != NULL
               ? 0
               : err_set(e, ERR_NOMEM, "no memory for a credential");
}

static int take_entry(const json_t *entry, struct upstream_credential *out, struct err *e)
{
    const char *auth = json_string_value(json_object_get(entry, "auth"));
    const char *identity = json_string_value(json_object_get(entry, "identitytoken"));
    if (identity != NULL && identity[0] != '\0') {
        out->identity = strdup(identity);
        if (out->identity == NULL) {
            return err_set(e, ERR_NOMEM, "no memory for a credential");
        }
    }
    return auth != NULL && auth[0] != '\0' ? decode(auth, out, e) : 0;
}

/* Whether KEY, a host name or what Docker once wrote ("https://HOST/v1/"), is of HOST. */
static bool is_of(const char *key, const char *host)
{
    const char *scheme = strstr(key, "://");
    const char *at = scheme != NULL ? scheme + 3 : key;
    size_t len = scheme != NULL ? strcspn(at, "/") : strlen(at);
    if (strcmp(host, "docker.io") == 0 && len == 15 && strncmp(at, "index.docker.io", len) == 0) {
        return true;
    }
    return len == strlen(host) && strncmp(at, host, len) == 0;
}

static const json_t *find_entry(json_t *auths, const struct content_name *name)
{
    char key[CONTENT_MAX_HOST + sizeof(name->repository) + 1];
    const char *other;
    json_t *entry;
    snprintf(key, sizeof(key), "%s/%s", name->host, name->repository);
    for (char *slash = strrchr(key, '/'); slash != NULL; slash = strrchr(key, '/')) {
        const json_t *found = json_object_get(auths, key);
        if (found != NULL) {
            return found;
        }
        *slash = '\0';
    }
    json_object_foreach(auths, other, entry)
    {
        if (is_of(other, name->host)) {
            return entry;
        }
    }
    return NULL;
}

/* 1: found; 0: nothing for this host. */
static int read_file(struct upstream *u, json_t *root, struct err *e)
{
    struct upstream_credential *c = &u->credential;
    const char *host = u->name->host;
    const json_t *entry = find_entry(json_object_get(root, "auths"), u->name);
    if (entry != NULL && take_entry(entry, c, e) != 0) {
        return -1;
    }
    c->helper = json_object_get(root, "credsStore") != NULL ||
                json_object_get(json_object_get(root, "credHelpers"), host) != NULL;
    return c->user != NULL || c->identity != NULL;
}

static int try_file(struct upstream *u, const char *path, struct err *e)
{
    size_t len = 0;
    bool missing = false;
    struct err local = {0};
    char *text = disk_read(path, FILE_MAX, &len, &missing, &local);
    if (text == NULL) {
        return missing ? 0 : err_set(e, ERR_ENVIRONMENT, "credentials: %s", local.text);
    }
    json_t *root = json_loadb(text, len, 0, NULL);
    OPENSSL_cleanse(text, len);
    free(text);
    int rc =
        json_is_object(root) ? read_file(u, root, e) : err_set(e, ERR_INVALID, "no JSON object");
    json_decref(root);
    if (rc < 0 && e->code == ERR_INVALID) {
        e->code = ERR_ENVIRONMENT; /* not the scenario's */
    }
    return rc < 0 ? err_prefix(e, "credentials: %s", path) : rc;
}

/* The files in the order in which podman and skopeo look; REGISTRY_AUTH_FILE is the only one. */
static size_t list_files(char path[FILES][DISK_MAX_PATH])
{
    const char *only = getenv("REGISTRY_AUTH_FILE");
    const char *run = getenv("XDG_RUNTIME_DIR");
    const char *docker = getenv("DOCKER_CONFIG");
    const char *home = getenv("HOME");
    size_t n = 0;
    if (only != NULL && only[0] != '\0') {
        snprintf(path[n++], DISK_MAX_PATH, "%s", only);
        return n;
    }
    if (run != NULL && run[0] == '/') {
        snprintf(path[n++], DISK_MAX_PATH, "%s/containers/auth.json", run);
    } else {
        snprintf(path[n++], DISK_MAX_PATH, "/run/containers/%u/auth.json", (unsigned)getuid());
    }
    if (docker != NULL && docker[0] == '/') {
        snprintf(path[n++], DISK_MAX_PATH, "%s/config.json", docker);
    } else if (home != NULL && home[0] == '/') {
        snprintf(path[n++], DISK_MAX_PATH, "%s/.docker/config.json", home);
    }
    return n;
}

int upstream_credential_find(struct upstream *u, struct err *e)
{
    char path[FILES][DISK_MAX_PATH];
    size_t count = list_files(path);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = try_file(u, path[i], e);
    }
    return rc < 0 ? -1 : 0;
}
