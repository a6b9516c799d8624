/* The catalogues as text and as JSON, from the tables the parser uses. */
#ifndef PULLDRILL_COMMANDS_VOCABULARY_H
#define PULLDRILL_COMMANDS_VOCABULARY_H

#include <jansson.h>

/* On stdout. */
void vocabulary_faults_text(void);
void vocabulary_checks_text(void);
/* New arrays of objects with `kind` or `check`; NULL where memory ran out. */
json_t *vocabulary_faults_json(void);
json_t *vocabulary_checks_json(void);

#endif
