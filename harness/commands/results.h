/* Where results lie, and the files that are written there. */
#ifndef PULLDRILL_COMMANDS_RESULTS_H
#define PULLDRILL_COMMANDS_RESULTS_H

#include "harness/base/err.h"
#include "harness/commands/options.h"
#include "harness/commands/select.h"
#include "harness/verdict/trace.h"
#include "harness/verdict/verdict.h"

/* results_prepare.c. Before anything runs: makes OUT, takes away an earlier invocation's files of
 * the whole (whoever kills this one shall not find them) and refuses two scenarios whose folder
 * would be the same. */
int results_begin(const struct selection *s, const char *out, struct err *e);
/* Makes OUT and OUT/FOLDER and takes away what an earlier run left there, or a proof in the folders
 * of its cells and rounds (the files we write, no others). The path of the folder into DIR. */
int results_prepare(const char *out, const char *folder, char *dir, size_t size, struct err *e);
/* The trace of HISTORY, for the formats that take one. NULL where there is no such file, or it
 * cannot be read, which is logged: a report without a picture is better than none. */
struct trace *results_trace(const char *history);
/* Writes every format of one scenario into DIR, in which its history lies. */
int results_write_one(const struct verdict *v, const char *dir, struct err *e);
/* Writes the formats of the whole invocation into OUT. */
int results_write_all(const struct verdict_list *list, const char *out, struct err *e);
/* After the last line was printed: the files in OUT say it all, so a reader of stdout that went
 * away does not change the verdict; it is logged. */
void results_printed(const char *out);
/* Works out the verdict and the exit status of LIST from its items. */
void results_conclude(struct verdict_list *list, const struct options *o);
/* A verdict for a scenario that could not even begin, or whose process was lost. */
struct verdict *results_lost(const char *path, const char *title, const char *why, struct err *e);
/* The verdict that a process of ours, which ended with STATUS (of waitpid), left in OUT/FOLDER; one
 * that says what became of the process where it left none. NULL: no memory. */
struct verdict *results_of_process(const char *out, const char *folder, const char *scenario,
                                   const char *title, int status, struct err *e);

#endif
