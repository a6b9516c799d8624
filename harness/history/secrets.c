/* Secrets found in text, and put out of sight. */
#include "harness/history/secrets.h"

#include <string.h>

/* A secret and what goes on behind it. */
struct found {
    size_t at;
    size_t len;  /* of the registered text */
    size_t word; /* of the whole word from AT on */
};

int secrets_add(struct secrets *s, const char *text, struct err *e)
{
    size_t len = strlen(text);

    if (len < SECRETS_MIN_BYTES || len > SECRETS_MAX_BYTES)
        return err_set(e, ERR_LIMIT, "a secret has from %d to %d bytes", SECRETS_MIN_BYTES,
                       SECRETS_MAX_BYTES);
    if (s->count == SECRETS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d secrets", SECRETS_MAX);
    memcpy(s->text[s->count], text, len + 1);
    s->len[s->count++] = len;
    return 0;
}

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~+/=", c) != NULL);
}

/* The first one in TEXT. */
static bool find(const struct secrets *s, const char *text, size_t len, struct found *out)
{
    const char *first = NULL;

    for (size_t i = 0; i < s->count && len > 0; i++) {
        size_t within = first == NULL ? len : (size_t)(first - text) + s->len[i] - 1;
        const char *at = memmem(text, within < len ? within : len, s->text[i], s->len[i]);

        if (at != NULL && (first == NULL || at < first)) {
            first = at;
            out->len = s->len[i];
        }
    }
    if (first == NULL)
        return false;
    out->at = (size_t)(first - text);
    out->word = out->len;
    while (out->at + out->word < len && in_word(first[out->word]))
        out->word++;
    return true;
}

bool secrets_in(const struct secrets *s, const char *text, size_t len)
{
    struct found f;

    return find(s, text, len, &f);
}

void secrets_redact(const struct secrets *s, const char *text, size_t len, struct buf *out)
{
    struct found f;

    while (find(s, text, len, &f)) {
        buf_append(out, text, f.at);
        buf_str(out, SECRETS_SHOWN);
        text += f.at + f.word;
        len -= f.at + f.word;
    }
    if (len > 0)
        buf_append(out, text, len);
}

/* ---- in pieces ---------------------------------------------------------------------------- */

void secrets_filter_init(struct secrets_filter *f, const struct secrets *s)
{
    f->secrets = s;
    f->held_len = 0;
}

/* How many bytes at the end of TEXT a secret may begin with. */
static size_t beginning(const struct secrets *s, const char *text, size_t len)
{
    size_t most = 0;

    for (size_t i = 0; i < s->count; i++) {
        for (size_t n = s->len[i] - 1; n > most; n--) {
            if (n <= len && memcmp(text + len - n, s->text[i], n) == 0)
                most = n;
        }
    }
    return most;
}

static void hold(struct secrets_filter *f, const char *text, size_t len)
{
    memmove(f->held, text, len);
    f->held_len = len;
}

/* A word that goes on in the next piece is held as the text that it begins with. */
static void tell(struct secrets_filter *f, const char *text, size_t len, struct buf *out)
{
    struct found found;
    size_t keep = 0;

    while (find(f->secrets, text, len, &found)) {
        buf_append(out, text, found.at);
        if (found.at + found.word == len) {
            hold(f, text + found.at, found.len);
            return;
        }
        buf_str(out, SECRETS_SHOWN);
        text += found.at + found.word;
        len -= found.at + found.word;
    }
    keep = beginning(f->secrets, text, len);
    if (len > keep)
        buf_append(out, text, len - keep);
    hold(f, text + len - keep, keep);
}

/* A secret that begins in what is held ends within the joint, or its word goes on. */
static size_t tell_joint(struct secrets_filter *f, const char *text, size_t len, struct buf *out)
{
    char joint[SECRETS_MAX_BYTES * 3];
    size_t held = f->held_len;
    size_t first = len < sizeof joint - held ? len : sizeof joint - held;

    memcpy(joint, f->held, held);
    memcpy(joint + held, text, first);
    tell(f, joint, held + first, out);
    return first;
}

void secrets_filter_add(struct secrets_filter *f, const char *text, size_t len, struct buf *out)
{
    while (len > 0 && f->held_len > 0) {
        size_t used = tell_joint(f, text, len, out);

        text += used;
        len -= used;
    }
    if (len > 0)
        tell(f, text, len, out);
}

void secrets_filter_end(struct secrets_filter *f, struct buf *out)
{
    secrets_redact(f->secrets, f->held, f->held_len, out);
    f->held_len = 0;
}
