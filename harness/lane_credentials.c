/* The credentials of a lane: files for clients, and variables.
 *
 * Happy path: one folder, written once, as owner-only files: clients refuse or warn about others.
 * Failure modes: a file that cannot be written, and no memory. */
#include "harness/lane_credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-registry/auth.h"
#include "harness/base/buf.h"
#include "harness/base/fd.h"
#include "harness/lane_internal.h"

#define CONFIG_BYTES (256u << 10)
#define FOLDER "credentials"

static const struct auth *auth_of(const struct lane *lane, size_t registry)
{
    return lane->shared->auth != NULL && lane->number != 0 ? lane->shared->auth[registry] : NULL;
}

static bool any(const struct lane *lane)
{
    for (size_t i = 0; i < lane->plan->scenario->registry_count; i++) {
        if (auth_of(lane, i) != NULL)
            return true;
    }
    return false;
}

/* ---- files -------------------------------------------------------------------------------- */

static void put_host(struct buf *out, const char *host, const struct auth *auth)
{
    char plain[AUTH_USER + AUTH_PASSWORD + 2];
    unsigned char code[(sizeof plain + 2) / 3 * 4 + 1];
    int len = snprintf(plain, sizeof plain, "%s:%s", auth_user(auth), auth_password(auth));

    EVP_EncodeBlock(code, (const unsigned char *)plain, len);
    if (out->data[out->len - 1] != '{')
        buf_char(out, ',');
    buf_json_string(out, host, strlen(host));
    buf_printf(out, ":{\"auth\":\"%s\"}", (const char *)code);
}

/* Clients know this one registry by other names than the host they ask. */
static bool is_docker_hub(const char *name)
{
    return strcmp(name, "docker.io") == 0 || strcmp(name, "index.docker.io") == 0 ||
           strcmp(name, "registry-1.docker.io") == 0;
}

static void put_registry(struct buf *out, const struct lane *lane, size_t i)
{
    const struct scenario_registry *r = &lane->plan->scenario->registries[i];
    bool hub = false;

    put_host(out, lane->endpoint[i], auth_of(lane, i));
    for (size_t k = 0; k < r->name_count; k++) {
        hub = hub || is_docker_hub(r->names[k]);
        if (strcmp(r->names[k], lane->endpoint[i]) != 0 && strcmp(r->names[k], "docker.io") != 0)
            put_host(out, r->names[k], auth_of(lane, i));
    }
    if (hub && strcmp(lane->endpoint[i], "docker.io") != 0)
        put_host(out, "docker.io", auth_of(lane, i));
    if (hub)
        put_host(out, "https://index.docker.io/v1/", auth_of(lane, i));
}

static int write_file(const char *path, const struct buf *text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = fd < 0 ? -1 : fd_write_all(fd, text->data, text->len);
    int error = errno;

    if (fd >= 0 && close(fd) != 0 && rc == 0) {
        error = errno;
        rc = -1;
    }
    return rc == 0 ? 0 : err_errno(e, error, "cannot write %.500s", path);
}

/* Registry ONE, or all where it is the number of registries. */
static int write_config(const struct lane *lane, size_t one, const char *path, struct err *e)
{
    size_t count = lane->plan->scenario->registry_count;
    struct buf text;
    int rc = 0;

    buf_init(&text, CONFIG_BYTES);
    buf_str(&text, "{\"auths\":{");
    for (size_t i = 0; i < count && !text.failed; i++) {
        if (auth_of(lane, i) != NULL && (one == i || one == count))
            put_registry(&text, lane, i);
    }
    buf_str(&text, "}}\n");
    rc = text.failed ? err_set(e, ERR_NOMEM, "no memory for credentials")
                     : write_file(path, &text, e);
    buf_close(&text);
    return rc;
}

/* "…/credentials/NAME", NULL: no memory. */
static char *path_of(const struct lane *lane, const char *name, const char *suffix, struct err *e)
{
    char *path = NULL;

    if (asprintf(&path, "%s/" FOLDER "%s%s%s", lane->dir, name[0] == '\0' ? "" : "/", name,
                 suffix) < 0) {
        err_set(e, ERR_NOMEM, "no memory for credentials");
        return NULL;
    }
    return path;
}

static int make_folder(const struct lane *lane, const char *name, struct err *e)
{
    char *path = path_of(lane, name, "", e);
    int rc = 0;

    if (path == NULL)
        return -1;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        rc = err_errno(e, errno, "cannot make the folder %.500s", path);
    free(path);
    return rc;
}

static int make_common(const struct lane *lane, const char *name, struct err *e)
{
    char *path = path_of(lane, name, "", e);
    int rc = path == NULL ? -1 : write_config(lane, lane->plan->scenario->registry_count, path, e);

    free(path);
    return rc;
}

int lane_credentials_make(struct lane *lane, struct err *e)
{
    const struct scenario *s = lane->plan->scenario;

    if (!any(lane))
        return 0;
    if (make_folder(lane, "", e) != 0 || make_folder(lane, "docker", e) != 0 ||
        make_common(lane, "docker/config.json", e) != 0 || make_common(lane, "auth.json", e) != 0)
        return -1;
    for (size_t i = 0; i < s->registry_count; i++) {
        if (auth_of(lane, i) == NULL)
            continue;
        free(lane->auth_file[i]);
        lane->auth_file[i] = path_of(lane, s->registries[i].name, ".json", e);
        if (lane->auth_file[i] == NULL || write_config(lane, i, lane->auth_file[i], e) != 0)
            return -1;
    }
    return 0;
}

/* ---- the environment ---------------------------------------------------------------------- */

static int put_path(const struct lane *lane, struct environment *env, const char *variable,
                    const char *name, struct err *e)
{
    char *path = path_of(lane, name, "", e);
    int rc = path == NULL ? -1 : environment_put(env, variable, path, e);

    free(path);
    return rc;
}

int lane_credentials_environment(const struct lane *lane, struct environment *env, struct err *e)
{
    const struct scenario *s = lane->plan->scenario;

    for (size_t i = 0; i < s->registry_count; i++) {
        const struct auth *auth = auth_of(lane, i);

        if (auth != NULL && (lane_put_fact(env, "REGISTRY_", s->registries[i].name, "_USER",
                                           auth_user(auth), e) != 0 ||
                             lane_put_fact(env, "REGISTRY_", s->registries[i].name, "_PASSWORD",
                                           auth_password(auth), e) != 0))
            return -1;
    }
    if (!any(lane))
        return 0;
    return put_path(lane, env, "DOCKER_CONFIG", "docker", e) != 0
               ? -1
               : put_path(lane, env, "REGISTRY_AUTH_FILE", "auth.json", e);
}
