/* What the files of registries share. Nothing outside includes this. */
#ifndef PULLDRILL_REGISTRIES_INTERNAL_H
#define PULLDRILL_REGISTRIES_INTERNAL_H

#include "harness/registries.h"

/* registries_images.c: builds the images into R, which has its stores, and puts them there. */
int registries_images(struct registries *r, const struct scenario *s, uint64_t seed, struct err *e);
/* registries_content.c: IN->from as an image. */
int registries_content(const struct scenario_image *in, struct image *out, struct err *e);
/* registries_auth.c: credentials for the registries that ask, unknown to the history. */
int registries_auth_open(struct registries *r, const struct scenario *s, struct history *history,
                         struct err *e);

#endif
