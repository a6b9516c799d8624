/* Names of real content are taken apart, and bad ones refused with what would be right. */
#include <criterion/criterion.h>
#include <string.h>

#include "fake-registry/content_name.h"

static void good(const char *text, struct content_name *out)
{
    struct err e = {0};
    cr_assert_eq(content_name_parse(text, out, &e), 0, "%s: %s", text, e.text);
}

/* A path ends at its first colon; what follows is the image's name there. */
Test(content_name, paths)
{
    struct content_name n;
    good("oci:images/agent", &n);
    cr_expect_eq(n.kind, CONTENT_OCI);
    cr_expect_str_eq(n.path, "images/agent");
    cr_expect_str_eq(n.name, "");
    good("oci-archive:/a/b.tar:stable", &n);
    cr_expect_eq(n.kind, CONTENT_OCI_ARCHIVE);
    cr_expect_str_eq(n.path, "/a/b.tar");
    cr_expect_str_eq(n.name, "stable");
    good("docker-archive:a.tar:ci/agent:stable", &n);
    cr_expect_eq(n.kind, CONTENT_DOCKER_ARCHIVE);
    cr_expect_str_eq(n.name, "ci/agent:stable");
}

/* Host, repository and tag or digest; TLS unless the host is this machine. */
Test(content_name, upstreams)
{
    struct content_name n;
    good("docker://quay.io/codeship/agent:stable", &n);
    cr_expect_eq(n.kind, CONTENT_UPSTREAM);
    cr_expect_eq(n.scheme, SCHEME_HTTPS);
    cr_expect_str_eq(n.host, "quay.io");
    cr_expect_str_eq(n.repository, "codeship/agent");
    cr_expect_str_eq(n.reference, "stable");
    good("docker://127.0.0.1:5000/agent", &n);
    cr_expect_eq(n.scheme, SCHEME_EITHER);
    cr_expect_str_eq(n.host, "127.0.0.1:5000");
    cr_expect_str_eq(n.reference, "latest");
    good("docker://[::1]:5000/agent:1", &n);
    cr_expect_eq(n.scheme, SCHEME_EITHER);
    good("docker://docker.io/debian:12", &n);
    cr_expect_str_eq(n.repository, "library/debian");
    good("docker://quay.io/a@sha256:"
         "0123456789012345678901234567890123456789012345678901234567890123",
         &n);
    cr_expect_eq(strncmp(n.reference, "sha256:", 7), 0);
}

/* Only addresses of this machine may be spoken to without TLS, not names that look like one. */
Test(content_name, names_that_look_like_this_machine)
{
    static const char *const names[] = {
        "docker://127.example.org/agent:1", "docker://localhost.example.org/agent:1",
        "docker://1270.0.0.1/agent:1", "docker://127.0.0.1.example.org/agent:1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct content_name n;
        good(names[i], &n);
        cr_expect_eq(n.scheme, SCHEME_HTTPS, "%s", names[i]);
    }
}

/* What is no name is refused in words that show a right one. */
Test(content_name, refused)
{
    static const struct {
        const char *text;
        const char *why;
    } bad[] = {
        {"images/agent", "begin with"},
        {"dir:images/agent", "begin with"},
        {"oci:", "names no path"},
        {"oci-archive::x", "names no path"},
        {"oci:a:", "ends in a colon"},
        {"docker://quay.io", "names no registry"},
        {"docker:///a:1", "names no registry"},
        {"docker://qu ay.io/a:1", "names no registry"},
        {"docker://user:password@quay.io/a:1", "names no registry"},
        {"docker://quay.io:port/a:1", "names no registry"},
        {"docker://[::1/a:1", "names no registry"},
        {"docker://quay.io/", "names no repository"},
        {"docker://quay.io/A:1", "names no repository"},
        {"docker://quay.io/../a:1", "names no repository"},
        {"docker://quay.io/a:", "bad tag"},
        {"docker://quay.io/a:b c", "bad tag"},
        {"docker://quay.io/a:b/../c", "bad tag"},
        {"docker://quay.io/a@sha256:12", "bad digest"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct content_name n;
        struct err e = {0};
        cr_expect_eq(content_name_parse(bad[i].text, &n, &e), -1, "%s was taken", bad[i].text);
        cr_expect_not_null(strstr(e.text, bad[i].why), "%s: %s", bad[i].text, e.text);
    }
}

/* The URL of an upstream is a scheme and a host, and nothing more. */
Test(content_name, urls)
{
    static const char *const bad[] = {
        "quay.io",    "ftp://quay.io", "https://", "https://quay.io/ci", "https://u:p@quay.io",
        "https://a b"};
    struct content_name n;
    struct err e = {0};
    cr_assert_eq(content_name_upstream("https://quay.io/", &n, &e), 0, "%s", e.text);
    cr_expect_eq(n.scheme, SCHEME_HTTPS);
    cr_expect_str_eq(n.host, "quay.io");
    cr_assert_eq(content_name_upstream("http://registry:5000", &n, &e), 0, "%s", e.text);
    cr_expect_eq(n.scheme, SCHEME_HTTP);
    cr_expect_str_eq(n.host, "registry:5000");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(content_name_upstream(bad[i], &n, &e), -1, "%s was taken", bad[i]);
    }
}
