/* Deletes a drill's folder where the drill itself cannot any more: a process that waits for its
 * end.
 */
#ifndef PULLDRILL_SCRATCH_BROOM_H
#define PULLDRILL_SCRATCH_BROOM_H

#include <sys/types.h>

#include "harness/base/err.h"

/* argv[0] under which main waits so. */
#define BROOM_ARGV0 "pulldrill-broom"

/* How long it goes on trying: until then what ran in the folder is dead. */
#define BROOM_LIMIT_MS 10000

/* Begins it for PATH; one at a time. PROGRAM is this executable. Returns its process, -1: E. */
pid_t broom_begin(const char *program, const char *path, struct err *e);
/* It is not needed any more: it ends without touching the folder, and has ended on return. Nothing
 * where none was begun. */
void broom_end(void);

/* Main of the process. ARGV is the path. */
int broom_main(char *const argv[]);

#endif
