/* FIFOs that tell whether a process still lives: it holds the other end. */
#ifndef PULLDRILL_TESTS_LIB_FIFO_H
#define PULLDRILL_TESTS_LIB_FIFO_H

#include <stdbool.h>

/* An end of the FIFO at PATH (O_RDONLY, O_WRONLY), without waiting for the other one. Ends the test
 * where that fails. Close it. */
int fifo_open(const char *path, int flags);
/* Whether no process holds the writing end any more; whatever was written is passed over. */
bool fifo_abandoned(int fd);

#endif
