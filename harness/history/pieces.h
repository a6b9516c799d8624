/* The field `pieces` of a response: which bytes of its object came in several ranges. */
#ifndef PULLDRILL_HISTORY_PIECES_H
#define PULLDRILL_HISTORY_PIECES_H

#include <stdbool.h>
#include <stdint.h>

/* Takes the next piece, the bytes FROM to LAST, from *AT ("0-9 20-29"). False at the end, where *AT
 * is then "", and where it is none. */
bool pieces_next(const char **at, uint64_t *from, uint64_t *last);
/* Whether TEXT is one piece or several. */
bool pieces_valid(const char *text);

#endif
