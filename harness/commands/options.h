/* The options the verbs share, read once: one table for parser and help. */
#ifndef PULLDRILL_COMMANDS_OPTIONS_H
#define PULLDRILL_COMMANDS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/base/err.h"
#include "harness/scenario.h"
#include "harness/verdict/verdict.h"

#define OPTIONS_MAX_VARS 64
#define OPTIONS_MAX_TAGS 16

/* Which options a verb takes. */
enum option_set {
    OPT_JOBS = 1,
    OPT_TAG = 2,
    OPT_VAR = 4,
    OPT_SEED = 8,
    OPT_OUT = 16,
    OPT_FORMAT = 32,
    OPT_SUBJECT = 64,
    OPT_VARIANT = 128,
    OPT_INCONCLUSIVE = 256,
    OPT_NO_SKIP = 512,
    OPT_STREAM = 1024, /* --format of what runs: text, or a stream of events */
    OPT_TIMEOUT = 2048,
    OPT_IMAGE = 4096,
    OPT_QUIET = 8192,
    OPT_TIMES = 16384,
    OPT_REPORT = 32768, /* --format of a saved result: any of report_formats */
    OPT_LISTEN = 65536,
    OPT_ADVERTISE = 131072,
    OPT_PRIMARY = 262144,
    OPT_FAILOVER = 524288,
    OPT_AUTH = 1048576,
    OPT_SERVE = 2097152, /* all that `serve` alone takes */
};

#define OPTIONS_MAX_IMAGES SCENARIO_MAX_IMAGES
/* What `serve` alone takes. NULL, 0 and false: not given. */
struct options_serve {
    const char *registries[SCENARIO_MAX_REGISTRIES];
    size_t registry_count;
    const char *images[OPTIONS_MAX_IMAGES];
    size_t image_count;
    const char *store;
    bool read_only;
    bool no_sparse;
    bool tls;
    const char *files;
    const char *phase;
    const char *ready_file;
    const char *record;
};

struct options {
    unsigned jobs;
    unsigned times;
    const char *tags[OPTIONS_MAX_TAGS];
    size_t tag_count;
    const char *vars[OPTIONS_MAX_VARS];
    size_t var_count;
    bool has_seed;
    uint64_t seed;
    const char *out;
    const char *format;
    const char *subject;
    const char *variant;
    enum verdict_kind inconclusive; /* VERDICT_INCONCLUSIVE unless turned */
    bool no_skip;
    bool quiet;
    const char *timeout;
    const char *image;
    const char *primary; /* the name it plays; NULL: registries are host:port */
    const char *failover;
    const char *auth;
    char listen[48]; /* a numeric address; empty: none */
    uint16_t listen_port;
    const char *advertise;
    struct options_serve serve;
    char **operands;
    size_t operand_count;
    char **command; /* after `--` */
    size_t command_count;
    char subjects_dir[4096];
    bool help;
};

/* Reads ARGV (argv[0] is the verb) against what the verb takes. -1: E says which word is wrong. */
int options_read(struct options *o, int argc, char **argv, struct err *e);
/* The same for a verb that takes options alone: any other word is complained of. */
int options_read_alone(struct options *o, int argc, char **argv, struct err *e);
/* The help lines of the options in TAKES. */
void options_help(unsigned takes);
/* What a scenario needs of them. */
struct scenario_options options_scenario(const struct options *o);
/* The command that repeats this run of FILE, without its seed; words quoted for a shell. Free it.
 */
char *options_replay(const struct options *o, const char *verb, const char *file);
/* What follows the seed in it: " -- COMMAND…", empty where there is none. Free it. */
char *options_replay_tail(const struct options *o);
/* How this program was called (argv[0]); set once by main. */
void options_set_program(const char *name);
/* The seed of a drill of S: that of --seed, else its own, else one of the clock. */
uint64_t options_seed(const struct options *o, const struct scenario *s);
/* For verbs that have no other --format. -1: E says so. */
int options_text_or_json(const struct options *o, struct err *e);
/* Whether what goes to F is coloured: a terminal, and no NO_COLOR. */
bool options_colour(FILE *f);
/* Says E on stderr and returns the exit status that fits its code. */
enum exit_status options_complain(const struct err *e);

#endif
