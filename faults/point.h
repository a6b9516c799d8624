/* A fault's gate, kept by libfiu under a hierarchical name; the only file that talks to libfiu. */
#ifndef PULLDRILL_FAULTS_POINT_H
#define PULLDRILL_FAULTS_POINT_H

#include <stdbool.h>

#include "harness/base/err.h"

/* NAME is "registry/fault". Opening is idempotent. */
int point_arm(const char *name, struct err *e);
void point_disarm(const char *name);
bool point_armed(const char *name);

#endif
