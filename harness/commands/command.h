/* The verbs of the command line: one file a verb, one table. */
#ifndef PULLDRILL_COMMANDS_COMMAND_H
#define PULLDRILL_COMMANDS_COMMAND_H

#include <stddef.h>

struct command {
    const char *name;                  /* first: doc_nearest walks the table */
    const char *arguments;             /* "FILE|DIR… [options] [-- COMMAND…]" */
    const char *meaning;               /* one line */
    unsigned options;                  /* what it takes, of enum option_set: the lines of --help */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit status */
};
extern const struct command command_table[];
extern const size_t command_count;
/* What the verb NAME takes, of enum option_set; 0 for no verb. */
unsigned command_options(const char *name);

/* Each reads its own arguments (argv[0] is the verb) and returns the exit status. */
int command_try(int argc, char **argv);
int command_run(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_prove(int argc, char **argv);
int command_validate(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_list(int argc, char **argv);
int command_faults(int argc, char **argv);
int command_checks(int argc, char **argv);
int command_keys(int argc, char **argv);
int command_schema(int argc, char **argv);
int command_judge(int argc, char **argv);
int command_report(int argc, char **argv);
int command_compare(int argc, char **argv);

/* What --help of `compare` says beside its options: what counts as a regression. */
void command_compare_help(void);

#endif
