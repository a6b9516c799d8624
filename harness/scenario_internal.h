/* What the files of the scenario parser share: the reader, typed values, complaints. */
#ifndef PULLDRILL_SCENARIO_INTERNAL_H
#define PULLDRILL_SCENARIO_INTERNAL_H

#include "harness/base/key.h"
#include "harness/scenario.h"

/* One variable of `configuration`. VALUE is known once STATE is VARIABLE_DONE. */
enum variable_state { VARIABLE_RAW, VARIABLE_BUSY, VARIABLE_DONE };
struct scenario_variable {
    const char *name; /* first: doc_nearest walks the table */
    struct doc_at at;
    enum variable_state state;
    const char *value; /* as written; expanded once done */
};

/* A parse under way. Once ERR holds a complaint everything returns as fast as it can. */
struct scenario_reader {
    struct scenario *s;
    const struct scenario_options *options;
    struct err *err; /* never NULL */
    struct scenario_variable *variables;
    size_t variable_count;
    /* Bit N: where each image lies once what was read of the phases has been done. */
    unsigned lies[SCENARIO_MAX_IMAGES];
    int target; /* the subject that the options' command or variant is for; -1: none */
};

/* What repository:tag can look like; scenario_ref checks it in full, once variables are in. */
#define SCENARIO_REF_PART "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
#define SCENARIO_REF_PATTERN                                                                       \
    "^" SCENARIO_REF_PART "(/" SCENARIO_REF_PART ")*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$"

/* What a host name can look like. */
#define SCENARIO_HOST_PATTERN                                                                      \
    "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$"

/* The keys of each level of the file, in scenario_keys.c and scenario_keys_drill.c. Those of a
 * fault are in faults/catalogue.h. */
extern const struct key_level scenario_level_top;
extern const struct key_level scenario_level_variable;
extern const struct key_level scenario_level_baseline;
extern const struct key_level scenario_level_registry;
extern const struct key_level scenario_level_tls;
extern const struct key_level scenario_level_auth;
extern const struct key_level scenario_level_hosts;
extern const struct key_level scenario_level_image;
extern const struct key_level scenario_level_layer;
extern const struct key_level scenario_level_machine;
extern const struct key_level scenario_level_subject;
extern const struct key_level scenario_level_variant;
extern const struct key_level scenario_level_phase;
extern const struct key_level scenario_level_action;
extern const struct key_level scenario_level_until;
extern const struct key_level scenario_level_expect;
extern const struct key_level scenario_level_proof;
extern const struct key_level scenario_level_twin;

/* scenario_places.c: what `on` of RULE names; and what will show that it acts. */
int scenario_fault_on(struct scenario_reader *r, struct fault_rule *rule);

/* ---- scenario_read.c: typed values; each returns -1 having complained at AT's place ---- */

/* AT is an object with keys of LEVEL, `x-…` aside. */
int scenario_keys(struct scenario_reader *r, struct doc_at at, const struct key_level *level);
/* AT is an object or an array of MIN..MAX members; EXAMPLE shows a right one. */
int scenario_is_object(struct scenario_reader *r, struct doc_at at, const char *what, size_t min,
                       size_t max, const char *example);
int scenario_is_array(struct scenario_reader *r, struct doc_at at, const char *what, size_t min,
                      size_t max, const char *example);
/* By the tables: bounds, words and example are those of the row KEY of LEVEL.
 * The member KEY of AT, which must be there. */
int scenario_need_key(struct scenario_reader *r, struct doc_at at, const char *what,
                      const struct key_level *level, const char *key, struct doc_at *out);
/* An array (KEY_LIST, KEY_WORDS) or an object (KEY_MAP). WHAT may be NULL where the key in quotes
 * says it. */
int scenario_is_key(struct scenario_reader *r, struct doc_at at, const char *what,
                    const struct key_level *level, const char *key);
/* An integer within the row's bounds. */
int scenario_count_key(struct scenario_reader *r, struct doc_at at, const struct key_level *level,
                       const char *key, uint64_t *out);
/* One of the row's words; *OUT is its index. */
int scenario_choice_key(struct scenario_reader *r, struct doc_at at, const struct key_level *level,
                        const char *key, size_t *out);
/* A string as it stands. */
int scenario_string(struct scenario_reader *r, struct doc_at at, const char *what,
                    const char **out);
int scenario_integer(struct scenario_reader *r, struct doc_at at, const char *what, uint64_t min,
                     uint64_t max, uint64_t *out);
/* A duration above zero. */
int scenario_duration(struct scenario_reader *r, struct doc_at at, const char *what,
                      uint64_t *out_ns);
/* NAME fits [a-z0-9][a-z0-9-]{0,63}; the complaint is at AT. */
int scenario_name(struct scenario_reader *r, struct doc_at at, const char *what, const char *name);
/* A string that is such a name. */
int scenario_name_value(struct scenario_reader *r, struct doc_at at, const char *what,
                        const char **out);
/* Zeroed memory of the scenario; complains of lack. COUNT 0 is as 1. */
void *scenario_alloc(struct scenario_reader *r, size_t count, size_t size);
/* The members of an object without `x-…`. */
size_t scenario_count(struct doc_at object);
bool scenario_next(struct doc_iter *it, const char **name, struct doc_at *key,
                   struct doc_at *value);
/* The index of NAME in a table of structs whose first member is the name, or -1 having complained
 * at AT: "unknown WHAT". */
int scenario_lookup(struct scenario_reader *r, struct doc_at at, const char *what, const char *name,
                    const void *names, size_t count, size_t stride);
/* The names of a table as `"a", "b"`, cut where longer. */
void scenario_list(char *text, size_t size, const void *names, size_t count, size_t stride);

/* ---- scenario_config.c: variables ---- */

enum scenario_text_kind {
    TEXT_PLAIN,  /* variables of `configuration` alone */
    TEXT_SOURCE, /* and ${scenario.dir}, ${subjects.dir}, replaced now */
    TEXT_WORD,   /* and run-time variables, checked and left in place */
};
int scenario_configuration(struct scenario_reader *r, struct doc_at root);
/* A string with its variables replaced, in the scenario's memory; NULL having complained. */
const char *scenario_text(struct scenario_reader *r, struct doc_at at, const char *what,
                          enum scenario_text_kind kind);
/* "NAME=" and the text at AT, one more of OUT, which has room for it. */
int scenario_pair(struct scenario_reader *r, const char *name, struct doc_at at, const char *what,
                  enum scenario_text_kind kind, struct scenario_words *out);
/* scenario_text of what stands in no file: a word of the command after `--`. */
const char *scenario_word(struct scenario_reader *r, const char *text);
/* TEXT with each "${" made literal ("$${"), so that expanding it yields TEXT. */
char *scenario_escape(struct arena *a, const char *text);

/* ---- one section of the file each: into r->s; -1 having complained ---- */

int scenario_registries(struct scenario_reader *r, struct doc_at root);
/* `names` of the registry AT. */
int scenario_names(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out);
/* The string AT as a host name that no registry plays yet, those of OUT among them; NULL having
 * complained. */
const char *scenario_host(struct scenario_reader *r, struct doc_at at,
                          const struct scenario_registry *out);
/* `auth` and `hosts` of the registry AT. */
int scenario_hosts(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out);
/* `tls` of the registry at AT, whose names have been read. */
int scenario_tls(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out);
/* `store`, `sparse` and `read-only` of the registry at AT. */
int scenario_store(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out);
/* The index of the registry that the string at AT names; -1 having complained, also where it is one
 * of NAMED (bit N: registry N), which stand in the same list. */
int scenario_registry_name(struct scenario_reader *r, struct doc_at at, unsigned named);
int scenario_images(struct scenario_reader *r, struct doc_at root);
/* Which of the images, the member AT, are canaries of which others, once all have been read. */
int scenario_canaries(struct scenario_reader *r, struct doc_at at);
/* Splits "repository[:tag]" at AT. */
int scenario_ref(struct scenario_reader *r, struct doc_at at, const char *ref,
                 const char **repository, const char **tag);
int scenario_layers(struct scenario_reader *r, struct doc_at at, struct scenario_image *out);
/* Whether the text of a path begins with a folder's variable, which places it. */
bool scenario_names_folder(const char *written);
/* `from`, or the upstream of the registry it lies on, or else its layers. */
int scenario_content(struct scenario_reader *r, struct doc_at at, struct scenario_image *out);
int scenario_upstream(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out);
/* `labels` and `platforms` of the image AT. */
int scenario_labels(struct scenario_reader *r, struct doc_at at, struct scenario_image *out);
int scenario_subjects(struct scenario_reader *r, struct doc_at root);
/* One subject as NAME has it, with VARIANT (may be NULL) laid over it. */
int scenario_subject(struct scenario_reader *r, const char *name, struct doc_at at,
                     const struct doc_at *variant, struct scenario_subject *out);
/* The words of a command WHAT, by the row "command" of a subject. */
int scenario_command(struct scenario_reader *r, struct doc_at at, const char *what,
                     struct scenario_words *out);
int scenario_faults(struct scenario_reader *r, struct doc_at root);
/* Whether each subject's way to the registries carries every fault; once these have been read. */
int scenario_reach(struct scenario_reader *r);
int scenario_phases(struct scenario_reader *r, struct doc_at root);
/* `until` of PHASE, whose faults have been read. */
int scenario_until(struct scenario_reader *r, struct doc_at at, struct scenario_phase *phase);
/* `do` of PHASE, in a member AT, after those of the phases before it. */
int scenario_do(struct scenario_reader *r, struct doc_at at, struct scenario_phase *phase);
int scenario_expects(struct scenario_reader *r, struct doc_at root);
int scenario_proof(struct scenario_reader *r, struct doc_at root);
/* Builds s->resolved, last of all. */
int scenario_resolve(struct scenario_reader *r);

#define SCENARIO_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
