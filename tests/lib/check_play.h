/* A check's history written as words: "phase:steady good*10 phase:outage fallen failed". */
#ifndef PULLDRILL_TESTS_CHECK_PLAY_H
#define PULLDRILL_TESTS_CHECK_PLAY_H

#include "tests/lib/check_run.h"

/* Plays WORDS, parted by blanks; tests/golden/checks/README.md says which there are. A word that is
 * none stops the test. */
void check_play(struct check_run *r, const char *words);

#endif
