/* Queries of requests: one parameter, or each of many with the same name. */
#include <string.h>

#include "fake-registry/oci_internal.h"

enum oci_value oci_query_next(const char **at, const char *name, char *out, size_t size)
{
    size_t name_len = strlen(name);
    out[0] = '\0';
    while (*at != NULL && **at != '\0') {
        const char *pair = *at;
        size_t len = strcspn(pair, "&");
        *at = pair + len + (pair[len] == '&' ? 1 : 0);
        if (len < name_len || strncmp(pair, name, name_len) != 0 ||
            (len > name_len && pair[name_len] != '=')) {
            continue;
        }
        size_t skip = len == name_len ? name_len : name_len + 1;
        return http_decode(pair + skip, len - skip, true, out, size) ? OCI_GOOD : OCI_BAD;
    }
    return OCI_ABSENT;
}

enum oci_value oci_query(const char *query, const char *name, char *out, size_t size)
{
    return oci_query_next(&query, name, out, size);
}
