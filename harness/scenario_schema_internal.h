/* What the files of the schema's generator share; private to harness/scenario_schema*.c. */
#ifndef PULLDRILL_SCENARIO_SCHEMA_INTERNAL_H
#define PULLDRILL_SCENARIO_SCHEMA_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/base/key.h"

/* A schema being made. FAILED stays set once memory ran out. */
struct schema_maker {
    json_t *definitions; /* one a level, by its name */
    bool failed;
};

/* OBJECT takes VALUE, which may be NULL where memory ran out. */
void schema_set(struct schema_maker *m, json_t *object, const char *key, json_t *value);
void schema_append(struct schema_maker *m, json_t *array, json_t *value);
/* {KEY: VALUE}. */
json_t *schema_with(struct schema_maker *m, const char *key, json_t *value);

/* What a value of the form may be. */
json_t *schema_value(struct schema_maker *m, const struct key_value *value);
/* The same with the key's description, default and example. */
json_t *schema_key(struct schema_maker *m, const struct key *key);
/* "Meaning." for a description. */
json_t *schema_sentence(struct schema_maker *m, const char *meaning);
/* {"$ref": …} to the definition of LEVEL, which is made where it is not there yet. */
json_t *schema_level(struct schema_maker *m, const struct key_level *level);

/* What the words of `kind` and `check` allow beside them, added to the definitions of a fault and
 * of an expectation. */
void schema_fault_kinds(struct schema_maker *m, json_t *fault);
void schema_checks(struct schema_maker *m, json_t *expectation);
/* What each event allows `until` to narrow by. */
void schema_until_events(struct schema_maker *m, json_t *until);

#endif
