/* Scratch folders: deleting what subjects left in them, and nothing else. */
#ifndef PULLDRILL_SCRATCH_H
#define PULLDRILL_SCRATCH_H

#include "harness/base/err.h"

/* The longest TMPDIR that is used, and a drill's folder in it, each with its NUL. */
#define SCRATCH_TMP 200
#define SCRATCH_PATH 256

/* Makes a new folder for lanes below TMPDIR (an absolute path; else /tmp), held by *HOLD, a lock
 * that ends with this process: what a killed drill left is known by having no such hold, and is
 * deleted here. */
int scratch_open(char path[SCRATCH_PATH], int *hold, struct err *e);
/* Removes the folder, empty by now, and lets go of it. */
void scratch_close(const char *path, int hold);

/* Deletes PATH and all that is in it, as far as it can; E gets the first trouble. Links are not
 * followed; what is mounted there is detached, never emptied. */
int scratch_remove(char *path, struct err *e);

#endif
