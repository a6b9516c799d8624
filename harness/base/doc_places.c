/* The places of values, from jsmn: it runs only over text that jansson has accepted. */
#include <stdlib.h>

#include "harness/base/doc_internal.h"

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

void doc_count_place(const char *text, size_t at, unsigned *line, unsigned *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            ++*column; /* continuation bytes are part of their code point */
        }
    }
}

/* Copies jsmn's tokens from the last to the first, so that NEXT of everything inside is known. */
static void copy_tokens(struct doc_token *to, const jsmntok_t *from, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        int quote = from[i].type == JSMN_STRING;
        int next = i + 1;

        to[i].start = from[i].start - quote;
        to[i].end = from[i].end + quote;
        while (next < count && to[next].start < to[i].end)
            next = to[next].next;
        to[i].next = next;
    }
}

static int parse_into(struct doc *d, jsmntok_t *tokens, int count)
{
    jsmn_parser parser;

    jsmn_init(&parser);
    /* With the newline behind the text: in strict mode jsmn wants something behind a number. */
    if (jsmn_parse(&parser, d->text, d->len + 1, tokens, (unsigned)count) != count)
        return -1;
    copy_tokens(d->tokens, tokens, count);
    d->count = count;
    return 0;
}

int doc_parse_places(struct doc *d, struct err *e)
{
    jsmn_parser parser;
    jsmntok_t *tokens;
    int count, result;

    jsmn_init(&parser);
    count = jsmn_parse(&parser, d->text, d->len + 1, NULL, 0);
    if (count <= 0)
        return err_set(e, ERR_INTERNAL, "%s: jansson and jsmn disagree about this text", d->name);
    tokens = calloc((size_t)count, sizeof(*tokens));
    d->tokens = calloc((size_t)count, sizeof(*d->tokens));
    if (tokens == NULL || d->tokens == NULL) {
        free(tokens);
        return err_set(e, ERR_NOMEM, "%s: no memory for the places of its values", d->name);
    }
    result = parse_into(d, tokens, count);
    free(tokens);
    if (result != 0)
        return err_set(e, ERR_INTERNAL, "%s: jansson and jsmn disagree about this text", d->name);
    return 0;
}
