/* Reading a document and walking it.
 *
 * Happy path: the text is checked for what no parser should see, jansson reads the values (and
 * refuses duplicate keys), jsmn reads the places, and both are walked side by side: jansson keeps
 * an object's members in document order, which is the order of the tokens. Failure modes: any
 * complaint is one error with a place, and leaves nothing allocated. */
#include "harness/base/doc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/doc_internal.h"
#include "harness/base/fd.h"

static int complain_text(struct err *e, const struct doc *d, size_t at, const char *text)
{
    unsigned line, column;

    doc_count_place(d->text, at, &line, &column);
    return err_set(e, ERR_INVALID, "%s:%u:%u: %s", d->name, line, column, text);
}

int doc_complain_at(struct err *e, const struct doc *d, size_t at, const char *fmt, ...)
{
    char text[sizeof(e->text)];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return complain_text(e, d, at, text);
}

/* One newline more than the text: see doc_parse_places. */
static char *copy_text(const char *text, size_t len)
{
    char *copy = malloc(len + 2);

    if (copy == NULL)
        return NULL;
    if (len > 0)
        memcpy(copy, text, len);
    memcpy(copy + len, "\n", 2);
    return copy;
}

int doc_init(struct doc *d, const char *name, const char *text, size_t len, struct err *e)
{
    *d = (struct doc){.len = len};
    if (len > DOC_MAX_BYTES)
        return err_set(e, ERR_INVALID, "%s: %zu bytes are too many; at most %u are read", name, len,
                       DOC_MAX_BYTES);
    d->name = strdup(name);
    d->text = copy_text(text, len);
    if (d->name == NULL || d->text == NULL)
        err_set(e, ERR_NOMEM, "%s: no memory to read it", name);
    else if (doc_check_text(d, e) == 0 && doc_parse_values(d, e) == 0 &&
             doc_parse_places(d, e) == 0)
        return 0;
    doc_close(d);
    return -1;
}

/* Only a regular file: a FIFO could block for ever. -1 where it is none. */
static int open_regular(const char *path, struct err *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return err_input(e, errno, "%s: cannot be opened", path);
    if (fstat(fd, &st) != 0)
        err_errno(e, errno, "%s: cannot be examined", path);
    else if (S_ISDIR(st.st_mode))
        err_set(e, ERR_INVALID, "%s: is a folder; a JSON file is needed here", path);
    else if (!S_ISREG(st.st_mode))
        err_set(e, ERR_INVALID, "%s: is not a regular file; a JSON file is needed here", path);
    else if (st.st_size > (off_t)DOC_MAX_BYTES)
        err_set(e, ERR_INVALID, "%s: is larger than %u bytes, the most that is read", path,
                DOC_MAX_BYTES);
    else
        return fd;
    close(fd);
    return -1;
}

int doc_load(struct doc *d, const char *path, struct err *e)
{
    int fd = open_regular(path, e), result = -1;
    char *text = NULL;
    ssize_t len;

    *d = (struct doc){0};
    if (fd < 0)
        return -1;
    text = malloc(DOC_MAX_BYTES + 1);
    if (text == NULL)
        err_set(e, ERR_NOMEM, "%s: no memory to read it", path);
    else if ((len = fd_read_up_to(fd, text, DOC_MAX_BYTES + 1)) < 0)
        err_errno(e, errno, "%s: cannot be read", path);
    else
        result = doc_init(d, path, text, (size_t)len, e); /* which refuses the byte too many */
    free(text);
    close(fd);
    return result;
}

void doc_close(struct doc *d)
{
    json_decref(d->root);
    free(d->tokens);
    free(d->text);
    free(d->name);
    *d = (struct doc){0};
}

struct doc_at doc_root(const struct doc *d)
{
    return (struct doc_at){.doc = d, .value = d->root, .token = 0};
}

size_t doc_size(struct doc_at at)
{
    return json_is_object(at.value) ? json_object_size(at.value) : json_array_size(at.value);
}

struct doc_iter doc_iterate(struct doc_at at)
{
    struct doc_iter it = {.container = at, .next_token = at.token + 1};

    /* jansson takes no const here, but changes nothing. */
    if (json_is_object(at.value))
        it.object_iter = json_object_iter((json_t *)(uintptr_t)at.value);
    return it;
}

static bool next_member(struct doc_iter *it, const char **name, struct doc_at *key,
                        struct doc_at *value)
{
    const struct doc *d = it->container.doc;
    int key_token = it->next_token;

    if (it->object_iter == NULL)
        return false;
    if (name != NULL)
        *name = json_object_iter_key(it->object_iter);
    if (key != NULL)
        *key = (struct doc_at){.doc = d, .token = key_token};
    if (value != NULL)
        *value = (struct doc_at){
            .doc = d, .value = json_object_iter_value(it->object_iter), .token = key_token + 1};
    it->next_token = d->tokens[key_token + 1].next;
    it->index++;
    it->object_iter =
        json_object_iter_next((json_t *)(uintptr_t)it->container.value, it->object_iter);
    return true;
}

bool doc_next(struct doc_iter *it, const char **name, struct doc_at *key, struct doc_at *value)
{
    const struct doc *d = it->container.doc;

    if (json_is_object(it->container.value))
        return next_member(it, name, key, value);
    if (it->index >= json_array_size(it->container.value))
        return false;
    if (value != NULL)
        *value = (struct doc_at){.doc = d,
                                 .value = json_array_get(it->container.value, it->index),
                                 .token = it->next_token};
    it->next_token = d->tokens[it->next_token].next;
    it->index++;
    return true;
}

bool doc_member(struct doc_at at, const char *key, struct doc_at *out)
{
    struct doc_iter it = doc_iterate(at);
    struct doc_at value;
    const char *name = "";

    if (!json_is_object(at.value))
        return false;
    while (doc_next(&it, &name, NULL, &value))
        if (strcmp(name, key) == 0) {
            *out = value;
            return true;
        }
    return false;
}

int doc_complain(struct err *e, struct doc_at at, const char *fmt, ...)
{
    char text[sizeof(e->text)];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return complain_text(e, at.doc, (size_t)at.doc->tokens[at.token].start, text);
}
