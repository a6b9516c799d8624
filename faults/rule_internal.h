/* The readers that a rule is put together from; private to faults/rule*.c. */
#ifndef PULLDRILL_FAULTS_RULE_INTERNAL_H
#define PULLDRILL_FAULTS_RULE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/rule.h"

/* One rule being read. */
struct rule_reading {
    struct fault_rule *rule;
    fault_expand *expand; /* NULL: strings are taken as they stand */
    void *data;
    struct arena *arena;
    struct err *e;
};

/* Whether NAME is one of the user's own keys, which are allowed everywhere and ignored. */
bool rule_own_key(const char *name);

/* `"KEY" is …; write FORM` at AT. Returns -1. */
int rule_complain_form(struct rule_reading *r, struct doc_at at, const char *key, const char *form);
/* The same for a string of which TEXT, variables replaced, is what is wrong. */
int rule_complain_text(struct rule_reading *r, struct doc_at at, const char *key, const char *text,
                       const char *form);
/* `unknown … "WORD" WHERE; did you mean …?`, or all of COUNT names (STRIDE as in doc_nearest)
 * where none is near. WHAT is "key", "kind" and so on. Returns -1. */
int rule_complain_unknown(struct rule_reading *r, struct doc_at at, const char *what,
                          const char *where, const char *word, const void *names, size_t count,
                          size_t stride);

/* A string that is not empty, expanded, in the arena. FORM says what would be right. */
int rule_read_text(struct rule_reading *r, struct doc_at at, const char *key, const char *form,
                   const char **out);
/* An integer within the bounds of VALUE, a KEY_COUNT. */
int rule_read_count(struct rule_reading *r, struct doc_at at, const char *key,
                    const struct key_value *value, uint64_t *out);
/* MIN and MAX in nanoseconds; FORM says so in words. */
int rule_read_duration(struct rule_reading *r, struct doc_at at, const char *key, uint64_t min,
                       uint64_t max, const char *form, uint64_t *out);
/* The index of the string AT among CHOICES (NULL-terminated). */
int rule_read_choice(struct rule_reading *r, struct doc_at at, const char *key,
                     const char *const *choices, uint64_t *out);
int rule_read_param(struct rule_reading *r, struct doc_at at, const struct fault_param_info *info,
                    struct fault_value *out);

/* `match` and `when`, into the rule; -1 having complained. */
int rule_read_match(struct rule_reading *r, struct doc_at at);
int rule_read_when(struct rule_reading *r, struct doc_at at);

/* Whether NAME can be a header's name (RFC 9110 section 5.6.2). */
bool rule_is_token(const char *name);

#endif
