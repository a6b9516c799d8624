/* What the files of wire share. Nothing outside includes this. */
#ifndef PULLDRILL_FAKE_REGISTRY_WIRE_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_WIRE_INTERNAL_H

#include "fake-registry/wire.h"

/* Answers of STATUS never have a body (RFC 9110 sections 15.3.5 and 15.4.5). */
bool wire_bodiless(unsigned status);
/* Writes PLAN's head: the status line, what every answer has, and the headers of R. */
int wire_head(struct wire_plan *plan, const struct response *r, bool keep_alive, struct err *e);

#endif
