/* What a lane's commands trust: files in each form that clients read, variables, and contexts. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-registry/tls.h"
#include "harness/lane_internal.h"
#include "harness/lane_trust.h"
#include "tests/lib/golden.h"
#include "tests/lib/lane_fixture.h"

static struct tls_authority *authority;
static struct lane_shared shared;
static const char *names[] = {"quay.io", "mirror.quay.io"};

static void open_all(void)
{
    struct err e = {0};

    lane_fixture_open();
    authority = tls_authority_new(&e);
    cr_assert_not_null(authority, "%s", e.text);
    shared = lane_fixture_shared;
    shared.ca = authority;
    lane_fixture_scenario.registries[0].tls = true;
    lane_fixture_scenario.registries[0].names = names;
    lane_fixture_scenario.registries[0].name_count = 2;
}

static void close_all(void)
{
    tls_authority_free(authority);
    lane_fixture_close();
}

TestSuite(lane_trust, .init = open_all, .fini = close_all, .timeout = 60);

/* The first registry speaks TLS, the second does not. */
static int open_tls(struct lane *lane, struct err *e)
{
    snprintf(lane->endpoint[0], sizeof lane->endpoint[0], "127.1.1.1:5000");
    snprintf(lane->endpoint[1], sizeof lane->endpoint[1], "127.1.1.1:5001");
    lane->tls[0] = lane->plan->scenario->registries[0].tls;
    return lane_trust_make(lane, e);
}

static const struct lane_reach reach = {.name = "none", .open = open_tls};

static struct lane *open_lane(void)
{
    struct err e = {0};
    struct lane *lane = lane_new(&shared, &reach, 1, 0, &e);

    cr_assert_not_null(lane, "%s", e.text);
    return lane;
}

/* The file PATH below the lane's trust; NULL where there is none. Free it. */
static char *text_of(const struct lane *lane, const char *path)
{
    char full[512];

    snprintf(full, sizeof full, "%s/trust/%s", lane->dir, path);
    return access(full, F_OK) == 0 ? golden_read(full, NULL) : NULL;
}

static void holds(const struct lane *lane, const char *path, const char *expected)
{
    char *text = text_of(lane, path);

    cr_assert_not_null(text, "%s", path);
    cr_assert_str_eq(text, expected, "%s", path);
    free(text);
}

/* The authority's certificate lies in each form; the bundle has what the system trusts before it.
 */
Test(lane_trust, writes_every_form)
{
    const char *pem = tls_authority_pem(authority);
    const char *begin = "-----BEGIN CERTIFICATE-----";
    struct lane *lane = open_lane();
    char hashed[64];

    holds(lane, "ca.crt", pem);
    holds(lane, "certs.d/127.1.1.1:5000/ca.crt", pem);
    holds(lane, "certs.d/quay.io/ca.crt", pem);
    holds(lane, "certs.d/mirror.quay.io/ca.crt", pem);
    snprintf(hashed, sizeof hashed, "hashed/%08x.0", tls_authority_hash(authority));
    holds(lane, hashed, pem);
    char *bundle = golden_read(lane_trust_bundle(lane), NULL);
    const char *ours = strstr(bundle, pem);
    cr_assert(ours != NULL && strcmp(ours, pem) == 0);
    cr_assert_eq(ours != bundle, access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0);
    cr_assert_eq(strncmp(bundle, begin, strlen(begin)), 0);
    free(bundle);
    cr_assert_null(text_of(lane, "certs.d/127.1.1.1:5001/ca.crt"));
    cr_assert_null(text_of(lane, "client.key"));
    cr_assert_null(text_of(lane, "certs.d/quay.io/client.key"));
    lane_free(lane);
}

/* Certificates of clients are there where they are asked for, their keys for their owner alone. */
Test(lane_trust, writes_certificates_of_clients)
{
    struct err e = {0};
    struct stat st;
    char path[512];

    lane_fixture_scenario.registries[0].client = CLIENT_CERTIFICATE_ASKED;
    struct lane *lane = open_lane();
    const char *certificate = tls_authority_client_certificate(authority, &e);
    const char *key = tls_authority_client_key(authority, &e);
    holds(lane, "client.crt", certificate);
    holds(lane, "client.key", key);
    holds(lane, "certs.d/quay.io/client.cert", certificate);
    holds(lane, "certs.d/quay.io/client.key", key);
    snprintf(path, sizeof path, "%s/quay.io/client.key", lane_trust_certs_d(lane));
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    lane_free(lane);
}

/* A host that is no endpoint is trusted, too, once it is named. */
Test(lane_trust, takes_more_hosts)
{
    struct err e = {0};
    struct lane *lane = open_lane();

    cr_assert_null(text_of(lane, "certs.d/auth.quay.io/ca.crt"));
    cr_assert_eq(lane_trust_host(lane, 0, "auth.quay.io", &e), 0, "%s", e.text);
    holds(lane, "certs.d/auth.quay.io/ca.crt", tls_authority_pem(authority));
    lane_free(lane);
}

static const char *value_of(char **env, const char *name)
{
    size_t len = strlen(name);

    for (; *env != NULL; env++) {
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    }
    return NULL;
}

/* Variables replace what the caller had, but not what the subject's own env says. */
Test(lane_trust, tells_where_it_lies)
{
    const char *own[] = {"PIP_CERT=mine"};
    struct err e = {0};
    char **env = NULL;

    cr_assert_eq(setenv("CURL_CA_BUNDLE", "/of/the/caller", 1), 0);
    lane_fixture_subject.env = (struct scenario_words){.word = own, .count = 1};
    struct lane *lane = open_lane();
    cr_assert_eq(lane_environment(lane, &env, &e), 0, "%s", e.text);
    cr_assert_str_eq(value_of(env, "SSL_CERT_FILE"), lane_trust_bundle(lane));
    cr_assert_str_eq(value_of(env, "CURL_CA_BUNDLE"), lane_trust_bundle(lane));
    cr_assert_str_eq(value_of(env, "NODE_EXTRA_CA_CERTS"), lane->ca_file);
    cr_assert_str_eq(value_of(env, "PULLDRILL_REGISTRY_PRIMARY_CA"), lane->ca_file);
    cr_assert_str_eq(value_of(env, "PULLDRILL_REGISTRY_PRIMARY_URL"), "https://127.1.1.1:5000");
    cr_assert_str_eq(value_of(env, "PULLDRILL_REGISTRY_FAIL_OVER_URL"), "http://127.1.1.1:5001");
    cr_assert_str_eq(value_of(env, "PIP_CERT"), "mine");
    lane_free_words(env);
    lane_free(lane);
}

/* Where nothing speaks TLS nothing is made, and nothing is told. */
Test(lane_trust, is_silent_without_tls)
{
    struct err e = {0};
    char path[512];
    char **env = NULL;

    (void)unsetenv("SSL_CERT_FILE");
    lane_fixture_subject.env = (struct scenario_words){0};
    cr_assert(lane_trust_wanted(&lane_fixture_scenario));
    lane_fixture_scenario.registries[0].tls = false;
    cr_assert(!lane_trust_wanted(&lane_fixture_scenario));
    struct lane *lane = open_lane();
    snprintf(path, sizeof path, "%s/trust", lane->dir);
    cr_assert_neq(access(path, F_OK), 0);
    cr_assert_null(lane_trust_bundle(lane));
    cr_assert_null(lane_trust_certs_d(lane));
    cr_assert_null(lane->ca_file);
    cr_assert_eq(lane_trust_host(lane, 0, "quay.io", &e), 0);
    cr_assert_eq(lane_environment(lane, &env, &e), 0, "%s", e.text);
    cr_assert_null(value_of(env, "SSL_CERT_FILE"));
    lane_free_words(env);
    lane_free(lane);
}

/* Contexts follow what the registry asks of clients, and are shared by those of one name. */
Test(lane_trust, gives_contexts)
{
    struct err e = {0};
    struct tls_context *one = lane_trust_context(&shared, 0, names, 2, &e);

    cr_assert_not_null(one, "%s", e.text);
    cr_assert_eq(one, lane_trust_context(&shared, 0, names, 2, &e));
    lane_fixture_scenario.registries[0].client = CLIENT_CERTIFICATE_NEEDED;
    cr_assert_neq(one, lane_trust_context(&shared, 0, names, 2, &e));
    cr_assert_null(lane_trust_context(&lane_fixture_shared, 0, names, 2, &e));
    cr_assert_eq(e.code, ERR_INTERNAL);
}
