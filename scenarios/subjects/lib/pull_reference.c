/* Names are checked before they become part of a URL or a path. */
#include "scenarios/subjects/lib/pull_reference.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define COMPONENT "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"

static bool matches(const char *pattern, const char *text)
{
    regex_t re;
    int result;

    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    result = regexec(&re, text, 0, NULL, 0);
    regfree(&re);
    return result == 0;
}

int pull_reference_parse(const char *text, struct pull_reference *out, struct err *e)
{
    const char *at = strchr(text, '@');
    const char *mark = at != NULL ? at : strrchr(text, ':');
    size_t len;

    if (mark == NULL)
        return err_set(e, ERR_USAGE, "\"%s\" has no tag: REPOSITORY:TAG is needed", text);
    len = (size_t)(mark - text);
    if (len >= sizeof(out->repository) || strlen(mark + 1) >= sizeof(out->reference))
        return err_set(e, ERR_USAGE, "\"%s\" is too long", text);
    memset(out, 0, sizeof(*out));
    memcpy(out->repository, text, len);
    memcpy(out->reference, mark + 1, strlen(mark + 1));
    out->by_digest = at != NULL;
    if (!matches("^" COMPONENT "(/" COMPONENT ")*$", out->repository))
        return err_set(e, ERR_USAGE, "\"%s\" is no repository name", out->repository);
    if (out->by_digest ? !digest_valid(out->reference)
                       : !matches("^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$", out->reference))
        return err_set(e, ERR_USAGE, "\"%s\" is no %s", out->reference,
                       out->by_digest ? "digest" : "tag");
    return 0;
}

bool pull_endpoint_valid(const char *text)
{
    const char *port = strrchr(text, ':');

    if (strlen(text) > 255 || !matches("^([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$", text))
        return false;
    return strtoul(port + 1, NULL, 10) >= 1 && strtoul(port + 1, NULL, 10) <= 65535;
}
