/* A whole start: every object of one image, over all registries. */
#ifndef PULLDRILL_SUBJECT_PULL_IMAGE_H
#define PULLDRILL_SUBJECT_PULL_IMAGE_H

#include "harness/base/err.h"
#include "scenarios/subjects/lib/pull_options.h"

/* Pulls the image into its layout and writes the result; says every attempt on stderr. On failure
 * E names the object and what each registry answered, and there is no result. */
int pull_image(const struct pull_options *o, struct err *e);

#endif
