/* What every answer of a registry must be, whatever was asked. */
#ifndef PULLDRILL_TESTS_FUZZ_LIB_ANSWER_H
#define PULLDRILL_TESTS_FUZZ_LIB_ANSWER_H

#include "fake-registry/oci.h"
#include "harness/base/buf.h"

/* Header lines without a line end or control character within, a range inside its content, bodies
 * of JSON that are JSON; a status that fits. */
void answer_check(const struct response *r);
/* Appends R, as one would see it, to OUT; random IDs of uploads as "an ID". */
void answer_tell(const struct response *r, struct buf *out);

/* A store that holds an image as ci/agent:stable, an index as ci/tool:latest, and something that
 * refers to the former. */
struct store *answer_store(void);

#endif
