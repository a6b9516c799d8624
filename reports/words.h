/* Phrases that several formats share, so that they say the same. */
#ifndef PULLDRILL_REPORTS_WORDS_H
#define PULLDRILL_REPORTS_WORDS_H

#include <stdbool.h>

#include "harness/base/buf.h"
#include "harness/verdict/verdict.h"

/* S, or OTHERWISE where S is NULL or empty. */
const char *words_or(const char *s, const char *otherwise);
/* "PASS", "FAIL", "INCONCLUSIVE", "ERROR", "SKIPPED". */
const char *words_verdict(enum verdict_kind v);
/* "builds", "machines", "starts", and one of them; "starts" for what is no plain word. */
const char *words_noun(const struct verdict *v);
void words_one_noun(struct buf *out, const struct verdict *v);
uint64_t words_total(const struct verdict_starts *starts);
uint64_t words_bad(const struct verdict_starts *starts);
/* "3 of 20 builds would not have started in outage (2 failed, 1 hung)": of the only phase that had
 * such ones, else of the whole drill. */
void words_starts(struct buf *out, const struct verdict *v);
/* "served by primary 20, failover 20", or nothing where no registry served. */
void words_served(struct buf *out, const struct verdict *v);
/* " [events 12, 15 and 9 more]", or nothing. */
void words_events(struct buf *out, const uint64_t *events, size_t count);
/* Whether the verdict of V is worse than that of every check: the drill itself is to be shown. */
bool words_beyond_checks(const struct verdict *v);
/* verdict_tally, and where the drill itself is to be shown, that. */
struct verdict_tally words_tally(const struct verdict *v);
/* The same of all of LIST together. */
struct verdict_tally words_tally_all(const struct verdict_list *list);

#endif
