/* ${…} in strings: the one scanner for configuration variables and for run-time ones. Pure. */
#include "harness/vars.h"

#include <string.h>

/* As much of a name as a complaint shows. */
#define SHOWN 80

static int complain(size_t at, size_t *offset)
{
    if (offset != NULL)
        *offset = at;
    return -1;
}

/* Replaces the variable that begins at TEXT + *AT and moves *AT behind it. */
static int expand_one(const char *text, size_t *at, vars_lookup *lookup, void *data,
                      struct buf *out, struct err *e)
{
    const char *name = text + *at + 2;
    const char *end = strchr(name, '}');
    const char *value = NULL;
    size_t len = 0;
    int shown = 0;

    if (end == NULL)
        return err_set(e, ERR_INVALID,
                       "${ is not closed; write ${NAME}, or $${ for a literal \"${\"");
    len = (size_t)(end - name);
    shown = len < SHOWN ? (int)len : SHOWN;
    value = len == 0 ? NULL : lookup(data, name, len);
    if (value == NULL)
        return err_set(e, ERR_INVALID,
                       "${%.*s} is no known variable; write $${ for a literal \"${\"", shown, name);
    buf_str(out, value);
    *at += len + 3;
    return 0;
}

int vars_expand(const char *text, vars_lookup *lookup, void *data, struct buf *out, size_t *offset,
                struct err *e)
{
    size_t at = 0;

    while (text[at] != '\0') {
        size_t plain = strcspn(text + at, "$");

        buf_append(out, text + at, plain);
        at += plain;
        if (strncmp(text + at, "$${", 3) == 0) {
            buf_str(out, "${");
            at += 3;
        } else if (strncmp(text + at, "${", 2) == 0) {
            if (expand_one(text, &at, lookup, data, out, e) != 0)
                return complain(at, offset);
        } else if (text[at] == '$') {
            buf_char(out, '$');
            at++;
        }
    }
    if (out->starved) {
        err_set(e, ERR_NOMEM, "no memory to replace its variables");
        return complain(0, offset);
    }
    if (out->failed) {
        err_set(e, ERR_LIMIT, "longer than %zu bytes once its variables are replaced", out->max);
        return complain(0, offset);
    }
    return 0;
}
