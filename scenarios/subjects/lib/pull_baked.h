/* The last resort: an image that lies on the machine, as an OCI image layout. */
#ifndef PULLDRILL_SUBJECT_PULL_BAKED_H
#define PULLDRILL_SUBJECT_PULL_BAKED_H

#include "harness/base/err.h"
#include "scenarios/subjects/lib/pull_layout.h"
#include "scenarios/subjects/lib/pull_options.h"

struct pull_baked {
    struct pull_layout layout;
    struct pull_descriptor manifest; /* for the platform */
    char version[64];
};

/* Takes the image in O's layout, once every byte of it is hashed. -1: it is not whole, has not the
 * digest that was asked for, or speaks another interface; E says which. Nothing is to be closed. */
int pull_baked_open(struct pull_baked *b, const struct pull_options *o, struct err *e);

#endif
