/* Platforms. Failure modes: a machine whose architecture has no other name keeps the kernel's. */
#include "scenarios/subjects/lib/pull_platform.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* The kernel's names where images (as Go does) use others. */
static const struct {
    const char *kernel;
    const char *architecture;
    const char *variant;
} names[] = {
    {"x86_64", "amd64", ""},    {"aarch64", "arm64", ""},   {"i386", "386", ""},
    {"i686", "386", ""},        {"armv7l", "arm", "v7"},    {"armv6l", "arm", "v6"},
    {"riscv64", "riscv64", ""}, {"ppc64le", "ppc64le", ""}, {"s390x", "s390x", ""},
};

void pull_platform_host(struct image_platform *out)
{
    struct utsname host;

    *out = (struct image_platform){.os = "linux"};
    if (uname(&host) != 0)
        return;
    snprintf(out->architecture, sizeof(out->architecture), "%.31s", host.machine);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].kernel, host.machine) == 0) {
            snprintf(out->architecture, sizeof(out->architecture), "%s", names[i].architecture);
            snprintf(out->variant, sizeof(out->variant), "%s", names[i].variant);
        }
    }
}

void pull_platform_text(const struct image_platform *p, char text[PULL_PLATFORM_TEXT])
{
    snprintf(text, PULL_PLATFORM_TEXT, "%s/%s%s%s", p->os, p->architecture,
             p->variant[0] != '\0' ? "/" : "", p->variant);
}

int pull_platform_fit(const struct image_platform *want, const char *os, const char *architecture,
                      const char *variant)
{
    if (os == NULL || architecture == NULL || strcmp(os, want->os) != 0 ||
        strcmp(architecture, want->architecture) != 0)
        return 0;
    if (strcmp(variant != NULL ? variant : "", want->variant) == 0)
        return 3;
    if (variant == NULL || variant[0] == '\0')
        return 2;
    return want->variant[0] == '\0' ? 1 : 0;
}
