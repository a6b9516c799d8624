/* Foreign text made harmless: titles, subjects' words and digests may hold anything. */
#ifndef PULLDRILL_REPORTS_ESCAPE_H
#define PULLDRILL_REPORTS_ESCAPE_H

#include "harness/base/buf.h"

/* Each takes NULL for the empty string; bytes that are not UTF-8 become U+FFFD. */

/* For one line of a terminal: white space becomes a space, control characters (escape sequences,
 * changes of direction) become \x1b, \u202e. */
void escape_line(struct buf *out, const char *s);
/* For the text and the attributes of XML 1.0; characters that it cannot hold are dropped. */
void escape_xml(struct buf *out, const char *s);
/* For one line of Markdown, a table's cell included. */
void escape_markdown(struct buf *out, const char *s);
/* For a fenced block: as it is but for control characters; it may have several lines. */
void escape_block(struct buf *out, const char *s);

#endif
