/* HTML, a piece at a time: foreign text never becomes markup. */
#ifndef PULLDRILL_REPORTS_WEB_HTML_H
#define PULLDRILL_REPORTS_WEB_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "harness/verdict/verdict.h"

/* Foreign text, for elements and for attributes in double quotes: on one line, control characters
 * shown as \x1b. */
void html_text(struct buf *out, const char *s);
/* The same for text that holds "[event 12]" or "[events 12, 15 and 9 more]", as words_events writes
 * it: the numbers become links. */
void html_text_with_events(struct buf *out, const char *s);
/* A link that shows event N, or start N. */
void html_event(struct buf *out, uint64_t n);
void html_start(struct buf *out, uint64_t n);

/* Cells of a table: text, numbers, and times (a dash where none was taken). */
void html_cell(struct buf *out, const char *s);
void html_number(struct buf *out, uint64_t n);
void html_time(struct buf *out, uint64_t ns, bool taken);
/* The head of a row. */
void html_row_head(struct buf *out, const char *s);

/* The shape of a verdict, which says without colour what its word says. "not-judged" is one too. */
void html_glyph(struct buf *out, const char *name);
/* The drawings that html_glyph points at; once a page. */
void html_glyphs(struct buf *out);

/* JSON for a script element: S as it stands, but `<` and the line ends of U+2028 and U+2029 as
 * escapes. S is JSON, in which these stand within strings only. */
void html_json(struct buf *out, const char *s, size_t len);

#endif
