/* Dialogues: contents, what was taken from answers, and the ${…} that stand for them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/digest.h"
#include "tests/lib/dialogue.h"

struct dialogue_value *dialogue_value(struct dialogue *d, const char *name)
{
    for (size_t i = 0; i < d->values; i++) {
        if (strcmp(d->value[i].name, name) == 0) {
            return &d->value[i];
        }
    }
    return NULL;
}

struct buf *dialogue_set(struct dialogue *d, const char *name)
{
    struct dialogue_value *v = dialogue_value(d, name);
    if (v == NULL) {
        if (d->values == DIALOGUE_VALUES || strlen(name) >= sizeof(v->name)) {
            dialogue_die(d, "too many values, or too long a name: %s", name);
        }
        v = &d->value[d->values++];
        (void)snprintf(v->name, sizeof(v->name), "%s", name);
        buf_init(&v->data, DIALOGUE_BYTES);
    }
    buf_reset(&v->data);
    return &v->data;
}

void dialogue_digest(const struct dialogue *d, const char *algorithm, const char *data, size_t len,
                     struct buf *out)
{
    char text[DIGEST_TEXT];
    struct digest_stream *s = digest_stream_of(algorithm);
    if (s == NULL) {
        dialogue_die(d, "no algorithm %s", algorithm);
    }
    digest_stream_update(s, data, len);
    if (digest_stream_text(s, text) != 0) {
        dialogue_die(d, "no digest");
    }
    buf_str(out, text);
}

static struct buf *known(struct dialogue *d, const char *name)
{
    struct dialogue_value *v = dialogue_value(d, name);
    if (v == NULL) {
        dialogue_die(d, "no value '%s'", name);
    }
    return &v->data;
}

static void repeat(struct dialogue *d, const char *arguments, struct buf *out)
{
    char *end;
    unsigned long times = strtoul(arguments, &end, 10);
    if (*end != ' ' || end[1] == '\0' || times > 10000000) {
        dialogue_die(d, "repeat takes a number and a text, not '%s'", arguments);
    }
    for (unsigned long i = 0; i < times; i++) {
        buf_str(out, end + 1);
    }
}

/* As in a query: what is not unreserved becomes %XX. */
static void escape(const struct buf *value, struct buf *out)
{
    for (size_t i = 0; i < value->len; i++) {
        char c = value->data[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            strchr("-._~", c) != NULL) {
            buf_char(out, c);
        } else {
            buf_printf(out, "%%%02X", (unsigned char)c);
        }
    }
}

static void function(struct dialogue *d, const char *name, const char *argument, struct buf *out)
{
    if (strcmp(name, "repeat") == 0) {
        repeat(d, argument, out);
        return;
    }
    struct buf *v = known(d, argument);
    if (strcmp(name, "digest") == 0) {
        dialogue_digest(d, d->algorithm, v->data, v->len, out);
    } else if (strcmp(name, "sha256") == 0 || strcmp(name, "sha512") == 0) {
        dialogue_digest(d, name, v->data, v->len, out);
    } else if (strcmp(name, "size") == 0) {
        buf_u64(out, v->len);
    } else if (strcmp(name, "last") == 0 && v->len > 0) {
        buf_u64(out, v->len - 1);
    } else if (strcmp(name, "escaped") == 0) {
        escape(v, out);
    } else {
        dialogue_die(d, "no function '%s'", name);
    }
}

/* ${?}: what joins a query to an URL that may have one. */
static void expand_one(struct dialogue *d, const char *name, struct buf *out)
{
    char word[64];
    const char *space = strchr(name, ' ');
    if (strcmp(name, "?") == 0) {
        buf_char(out, out->len > 0 && strchr(out->data, '?') != NULL ? '&' : '?');
    } else if (strcmp(name, "algorithm") == 0) {
        buf_str(out, d->algorithm);
    } else if (space != NULL && (size_t)(space - name) < sizeof(word)) {
        (void)snprintf(word, sizeof(word), "%.*s", (int)(space - name), name);
        function(d, word, space + 1, out);
    } else {
        struct buf *v = known(d, name);
        buf_append(out, v->data, v->len);
    }
}

void dialogue_expand(struct dialogue *d, const char *text, struct buf *out)
{
    const char *open;
    while ((open = strstr(text, "${")) != NULL) {
        char name[256];
        const char *close = strchr(open, '}');
        if (close == NULL || (size_t)(close - open) > sizeof(name)) {
            dialogue_die(d, "'${' without '}'");
        }
        buf_append(out, text, (size_t)(open - text));
        (void)snprintf(name, sizeof(name), "%.*s", (int)(close - open - 2), open + 2);
        expand_one(d, name, out);
        text = close + 1;
    }
    buf_str(out, text);
    if (out->failed) {
        dialogue_die(d, "too long");
    }
}
