/* Whether jansson went short of memory: it does not always say so. */
#ifndef PULLDRILL_BASE_JSON_MEMORY_H
#define PULLDRILL_BASE_JSON_MEMORY_H

/* How many allocations jansson has not been given so far. Where one fails it may cut a string it
 * reads, or complain of the text instead: whoever reads or builds values compares the count before
 * with the count after. */
unsigned json_memory_lost(void);

#endif
