/* The drill's authority, in each form that clients read.
 *
 * Happy path: a folder in the lane's own, written once when the lane opens; variables that point at
 * it. What the system trusts stays trusted beside it, so that a subject that asks others, too,
 * fares as it does without us.
 * Failure modes: a file that cannot be written, no memory; a system without a bundle of its own is
 * none: ours then holds our authority alone. */
#include "harness/lane_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-registry/tls.h"
#include "harness/base/buf.h"
#include "harness/base/fd.h"
#include "harness/lane_internal.h"
#include "harness/reach.h"

/* The largest bundle of a system that is taken over. */
#define BUNDLE_BYTES (8u << 20)

struct lane_trust {
    char *dir; /* ${lane.dir}/trust */
    char *bundle;
    char *certs_d;
};

bool lane_trust_wanted(const struct scenario *s)
{
    for (size_t i = 0; i < s->registry_count; i++) {
        if (s->registries[i].tls)
            return true;
    }
    return false;
}

struct tls_context *lane_trust_context(const struct lane_shared *shared, int registry,
                                       const char *const *names, size_t count, struct err *e)
{
    static const enum tls_client clients[] = {[CLIENT_CERTIFICATE_NONE] = TLS_CLIENT_NONE,
                                              [CLIENT_CERTIFICATE_ASKED] = TLS_CLIENT_ASKED,
                                              [CLIENT_CERTIFICATE_NEEDED] = TLS_CLIENT_NEEDED};
    const struct scenario_registry *r = &shared->plan->scenario->registries[registry];
    const struct tls_leaf leaf = {
        .names = names, .name_count = count, .client = clients[r->client]};

    if (shared->ca == NULL) {
        err_set(e, ERR_INTERNAL, "registry %s has no authority to speak TLS with", r->name);
        return NULL;
    }
    return tls_authority_context(shared->ca, &leaf, e);
}

const char *lane_trust_bundle(const struct lane *lane)
{
    return lane->trust != NULL ? lane->trust->bundle : NULL;
}

const char *lane_trust_certs_d(const struct lane *lane)
{
    return lane->trust != NULL ? lane->trust->certs_d : NULL;
}

void lane_trust_free(struct lane *lane)
{
    if (lane->trust == NULL)
        return;
    free(lane->trust->dir);
    free(lane->trust->bundle);
    free(lane->trust->certs_d);
    free(lane->trust);
    lane->trust = NULL;
}

/* ---- files -------------------------------------------------------------------------------- */

/* "FOLDER/NAME"; NULL: no memory. Free it. */
static char *join(const char *folder, const char *name, struct err *e)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        err_set(e, ERR_NOMEM, "no memory for a path");
        return NULL;
    }
    return path;
}

/* Writes TEXT, and MORE behind it, to NAME in FOLDER. */
static int write_file(const char *folder, const char *name, mode_t mode, const struct buf *more,
                      const char *text, struct err *e)
{
    char *path = join(folder, name, e);
    int fd =
        path != NULL ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode) : -1;
    int rc = 0;

    if (path == NULL)
        return -1;
    if (fd < 0 || (more != NULL && fd_write_all(fd, more->data, more->len) != 0) ||
        fd_write_all(fd, text, strlen(text)) != 0)
        rc = err_errno(e, errno, "cannot write %.500s", path);
    if (fd >= 0 && close(fd) != 0 && rc == 0)
        rc = err_errno(e, errno, "cannot write %.500s", path);
    free(path);
    return rc;
}

static int make_folder(const char *path, struct err *e)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return err_errno(e, errno, "cannot make the folder %.500s", path);
    return 0;
}

/* Reads PATH; false where it is not there, or too large. */
static bool read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    if (fd < 0)
        return false;
    do {
        char *room = buf_reserve(out, 65536);

        n = room != NULL ? read(fd, room, 65536) : -1;
        if (n > 0)
            buf_added(out, (size_t)n);
    } while (n > 0);
    (void)close(fd);
    return n == 0 && out->len > 0;
}

/* Where systems have what they trust. */
static const char *const system_places[] = {"/etc/ssl/certs/ca-certificates.crt",
                                            "/etc/pki/tls/certs/ca-bundle.crt",
                                            "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
#define PLACES (sizeof system_places / sizeof *system_places)

/* What the system trusts: a file the user named, else the first of those that systems have. */
static void read_system(struct buf *out)
{
    for (size_t i = 0; i <= PLACES; i++) {
        const char *place = i == 0 ? getenv("SSL_CERT_FILE") : system_places[i - 1];

        buf_reset(out);
        if (place != NULL && read_file(place, out)) {
            if (out->data[out->len - 1] != '\n')
                buf_char(out, '\n');
            return;
        }
    }
    buf_reset(out);
}

static int write_bundle(const struct lane_trust *t, const char *pem, struct err *e)
{
    struct buf system;

    buf_init(&system, BUNDLE_BYTES);
    read_system(&system);
    int rc = write_file(t->dir, "ca-bundle.crt", 0644, system.len > 0 ? &system : NULL, pem, e);
    buf_close(&system);
    return rc;
}

static int write_hashed(const struct lane_trust *t, const struct tls_authority *ca, struct err *e)
{
    char name[16];
    char *folder = join(t->dir, "hashed", e);

    snprintf(name, sizeof name, "%08" PRIx32 ".0", tls_authority_hash(ca));
    int rc = folder == NULL || make_folder(folder, e) != 0
                 ? -1
                 : write_file(folder, name, 0644, NULL, tls_authority_pem(ca), e);
    free(folder);
    return rc;
}

/* Clients refuse a key that others can read. */
static int write_client(const char *folder, const char *certificate, const char *key,
                        struct tls_authority *ca, struct err *e)
{
    const char *shown = tls_authority_client_certificate(ca, e);
    const char *secret = tls_authority_client_key(ca, e);

    return shown == NULL || secret == NULL ||
                   write_file(folder, certificate, 0644, NULL, shown, e) != 0
               ? -1
               : write_file(folder, key, 0600, NULL, secret, e);
}

int lane_trust_host(struct lane *lane, int registry, const char *host, struct err *e)
{
    struct tls_authority *ca = lane->shared->ca;
    bool asks = lane->plan->scenario->registries[registry].client != CLIENT_CERTIFICATE_NONE;

    if (lane->trust == NULL)
        return 0;
    char *folder = join(lane->trust->certs_d, host, e);
    int rc = folder == NULL || make_folder(folder, e) != 0 ||
                     write_file(folder, "ca.crt", 0644, NULL, tls_authority_pem(ca), e) != 0 ||
                     (asks && write_client(folder, "client.cert", "client.key", ca, e) != 0)
                 ? -1
                 : 0;
    free(folder);
    return rc;
}

/* ---- a lane's trust ----------------------------------------------------------------------- */

/* The endpoints that subjects are told, and every name that is played. */
static int trust_hosts(struct lane *lane, struct err *e)
{
    const struct scenario *s = lane->plan->scenario;
    struct reach_host hosts[REACH_MAX_HOSTS];
    size_t count = reach_hosts(s, hosts);

    for (size_t i = 0; i < s->registry_count; i++) {
        if (lane->tls[i] && lane_trust_host(lane, (int)i, lane->endpoint[i], e) != 0)
            return -1;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < hosts[i].name_count && lane->tls[hosts[i].registry]; k++) {
            if (lane_trust_host(lane, hosts[i].registry, hosts[i].names[k], e) != 0)
                return -1;
        }
    }
    return 0;
}

static bool asks_clients(const struct lane *lane)
{
    const struct scenario *s = lane->plan->scenario;

    for (size_t i = 0; i < s->registry_count; i++) {
        if (lane->tls[i] && s->registries[i].client != CLIENT_CERTIFICATE_NONE)
            return true;
    }
    return false;
}

static bool speaks_tls(const struct lane *lane)
{
    for (size_t i = 0; i < SCENARIO_MAX_REGISTRIES; i++) {
        if (lane->tls[i])
            return true;
    }
    return false;
}

static int name_files(struct lane *lane, struct err *e)
{
    struct lane_trust *t = lane->trust;

    t->dir = join(lane->dir, "trust", e);
    t->bundle = t->dir != NULL ? join(t->dir, "ca-bundle.crt", e) : NULL;
    t->certs_d = t->bundle != NULL ? join(t->dir, "certs.d", e) : NULL;
    lane->ca_file = t->certs_d != NULL ? join(t->dir, "ca.crt", e) : NULL;
    return lane->ca_file != NULL ? 0 : -1;
}

int lane_trust_make(struct lane *lane, struct err *e)
{
    struct tls_authority *ca = lane->shared->ca;

    if (ca == NULL || !speaks_tls(lane))
        return 0;
    lane->trust = calloc(1, sizeof *lane->trust);
    if (lane->trust == NULL)
        return err_set(e, ERR_NOMEM, "no memory for what a lane trusts");
    const struct lane_trust *t = lane->trust;
    if (name_files(lane, e) != 0 || make_folder(t->dir, e) != 0 ||
        make_folder(t->certs_d, e) != 0 ||
        write_file(t->dir, "ca.crt", 0644, NULL, tls_authority_pem(ca), e) != 0 ||
        write_bundle(t, tls_authority_pem(ca), e) != 0 || write_hashed(t, ca, e) != 0)
        return -1;
    if (asks_clients(lane) && write_client(t->dir, "client.crt", "client.key", ca, e) != 0)
        return -1;
    return trust_hosts(lane, e);
}

/* ---- the environment ---------------------------------------------------------------------- */

/* What takes the place of a program's own trust, and so holds the system's, too: OpenSSL and Go,
 * curl, Python's requests, pip, git, the AWS tools, Cargo, Ruby, Perl, Nix, gRPC, gcloud. A folder
 * (SSL_CERT_DIR) is not named beside it: programs that find the file would read the folder as well,
 * and those that find the folder alone would lose the system's. */
static const char *const bundle_variables[] = {
    "SSL_CERT_FILE",      "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE", "PIP_CERT",
    "GIT_SSL_CAINFO",     "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",  "BUNDLE_SSL_CA_CERT",
    "HTTPS_CA_FILE",      "PERL_LWP_SSL_CA_FILE",
    "NIX_SSL_CERT_FILE",  "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS",  "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE"};
/* What a program trusts beside its own. */
static const char *const added_variables[] = {"NODE_EXTRA_CA_CERTS", "DENO_CERT"};

static int put_variables(struct environment *env, const char *bundle, const char *added,
                         struct err *e)
{
    for (size_t i = 0; i < sizeof bundle_variables / sizeof *bundle_variables; i++) {
        if (environment_put(env, bundle_variables[i], bundle, e) != 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof added_variables / sizeof *added_variables; i++) {
        if (environment_put(env, added_variables[i], added, e) != 0)
            return -1;
    }
    return 0;
}

int lane_trust_environment(const struct lane *lane, struct environment *env, struct err *e)
{
    return lane->trust == NULL ? 0 : put_variables(env, lane->trust->bundle, lane->ca_file, e);
}

int lane_trust_environment_covered(const struct lane *lane, struct environment *env, struct err *e)
{
    for (size_t i = 0; lane->trust != NULL && i < PLACES; i++) {
        if (access(system_places[i], R_OK) == 0)
            return put_variables(env, system_places[i], system_places[i], e);
    }
    return lane_trust_environment(lane, env, e); /* a system that has none */
}
