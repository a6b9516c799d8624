/* Which rules of a target a question is met by, kept for when the same is asked again. Pure. */
#ifndef PULLDRILL_FAULTS_MEMO_H
#define PULLDRILL_FAULTS_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/engine.h"

/* Headers that the rules of one target may look at, and rules that one question may meet: past
 * either nothing is kept, and every rule is asked. */
#define MEMO_HEADERS 4
#define MEMO_RULES 64

/* What was found out: indices of rules, ascending. */
struct memo_answer {
    uint16_t rule[MEMO_RULES];
    size_t count;
};

struct memo;
/* NULL: no memory. */
struct memo *memo_new(void);
void memo_free(struct memo *m);
/* The rules have changed: forgets everything. */
void memo_clear(struct memo *m);
/* From now on the value of header NAME (borrowed) is part of the question. False: it is one too
 * many. */
bool memo_header(struct memo *m, const char *name);
/* The answer to the question that FACTS ask: what they say beside status, length and time. NULL
 * where it is too long a one to be kept. *KNOWN: it was asked before; else ANSWER is to be filled.
 */
struct memo_answer *memo_ask(struct memo *m, const struct fault_facts *facts, bool *known);
/* The answer that is being filled does not fit: forgets the question. */
void memo_forget(struct memo_answer *answer);

#endif
