/* Scratch folders: deleting what subjects left in them, and nothing else. */
#ifndef PULLDRILL_SCRATCH_H
#define PULLDRILL_SCRATCH_H

#include "harness/base/err.h"

/* Deletes PATH and all that is in it, as far as it can; E gets the first trouble. Links are not
 * followed; what is mounted there is detached, never emptied. */
int scratch_remove(char *path, struct err *e);

#endif
