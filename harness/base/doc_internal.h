/* What the parts of doc share: places in a text, and the table of its values' places. */
#ifndef PULLDRILL_BASE_DOC_INTERNAL_H
#define PULLDRILL_BASE_DOC_INTERNAL_H

#include "harness/base/doc.h"

/* One value (or key): bytes START to END of the text, a string's quotes included. NEXT is the first
 * token behind everything inside this one; the tokens stand in document order, a key before its
 * value. */
struct doc_token {
    int start;
    int end;
    int next;
};

/* Counts the place of byte AT of TEXT: lines and code points, both from 1. */
void doc_count_place(const char *text, size_t at, unsigned *line, unsigned *column);
/* Complains about byte AT of the text: "NAME:line:column: message". Returns -1. */
int doc_complain_at(struct err *e, const struct doc *d, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Refuses what must not reach a parser: BOM, bad UTF-8, NUL, nothing at all, too deep. */
int doc_check_text(const struct doc *d, struct err *e);
/* Fills D->root; its complaint stands at the start of the token that is wrong. */
int doc_parse_values(struct doc *d, struct err *e);
/* Fills D->tokens and D->count for a text that doc_parse_values took. */
int doc_parse_places(struct doc *d, struct err *e);

#endif
