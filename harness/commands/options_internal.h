/* What the files of the options share. Nothing outside includes this. */
#ifndef PULLDRILL_COMMANDS_OPTIONS_INTERNAL_H
#define PULLDRILL_COMMANDS_OPTIONS_INTERNAL_H

#include "harness/commands/options.h"

struct option_info {
    const char *name; /* first: doc_nearest walks the table */
    char letter;      /* also taken as -X; 0 for none */
    unsigned bit;
    const char *argument; /* NULL: a flag */
    const char *meaning;
};
extern const struct option_info option_table[];
extern const size_t option_table_len;
/* At most so many rows. */
#define OPTION_MAX_ROWS 64

/* serve_options.c: the option NAME of `serve`, with its VALUE (NULL: a flag). */
int serve_option(struct options *o, const char *name, const char *value, struct err *e);

#endif
