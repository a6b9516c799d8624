/* pulldrill: finds the verb and runs it. Under another name it is the keeper of one command,
 * makes the namespaces of a lane, or cleans up after a killed drill. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/doc.h"
#include "harness/base/log.h"
#include "harness/columns.h"
#include "harness/commands/command.h"
#include "harness/commands/options.h"
#include "harness/keeper.h"
#include "harness/lane_space.h"
#include "harness/scratch_broom.h"
#include "harness/subject.h"
#include "harness/verdict/verdict.h"

#define USAGE_WIDTH 80
#define USAGE_BYTES (16u << 10)
#define VERB_COLUMN 13 /* where the meanings of verbs begin */
#define EXIT_COLUMN 7
#define DESCRIPTORS_MIN 32 /* of open files: below, not one start can be made */

static void put_verbs(struct buf *out)
{
    for (size_t i = 0; i < command_count; i++) {
        buf_printf(out, "  %-*s", VERB_COLUMN - 2, command_table[i].name);
        columns_wrap(out, command_table[i].meaning, VERB_COLUMN, USAGE_WIDTH);
    }
}

static void put_exits(struct buf *out)
{
    for (size_t i = 0; i < exit_table_len; i++) {
        buf_printf(out, "  %-*d", EXIT_COLUMN - 2, (int)exit_table[i].status);
        columns_wrap(out, exit_table[i].meaning, EXIT_COLUMN, USAGE_WIDTH);
    }
}

static void usage(FILE *out)
{
    struct buf b;
    buf_init(&b, USAGE_BYTES);
    buf_str(&b, "pulldrill: drills that show whether machines come up and builds start while an\n"
                "image registry misbehaves.\n\nusage: pulldrill VERB [ARGUMENTS]\n\n");
    put_verbs(&b);
    buf_str(&b, "\nexit status:\n");
    put_exits(&b);
    buf_str(&b, "\npulldrill VERB --help tells the options of a verb.\n");
    fputs(b.data != NULL ? b.data : "", out);
    buf_close(&b);
}

static int help(const struct command *c)
{
    struct buf b;
    buf_init(&b, USAGE_BYTES);
    buf_printf(&b, "usage: pulldrill %s%s%s\n\n", c->name, c->arguments[0] != '\0' ? " " : "",
               c->arguments);
    columns_wrap(&b, c->meaning, 0, USAGE_WIDTH);
    puts(b.data != NULL ? b.data : "");
    buf_close(&b);
    options_help(c->options);
    if (c->run == command_compare) {
        command_compare_help();
    }
    return EXIT_PASS;
}

/* --help anywhere before `--`, so that the command under drill keeps its own. */
static int wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return 1;
        }
    }
    return 0;
}

static const struct command *find_verb(const char *name)
{
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(name, command_table[i].name) == 0) {
            return &command_table[i];
        }
    }
    return NULL;
}

static int complain_of_verb(const char *word)
{
    const char *near = doc_nearest(word, command_table, command_count, sizeof command_table[0]);
    if (word[0] == '-') {
        log_line("%s: options stand behind a verb; pulldrill --help lists the verbs", word);
    } else if (near == NULL && access(word, F_OK) == 0) {
        log_line("%s is no verb; to drill it: pulldrill run %s", word, word);
    } else {
        log_line("%s is no verb%s%s; pulldrill --help lists them", word,
                 near != NULL ? "; did you mean " : "", near != NULL ? near : "");
    }
    return EXIT_USAGE;
}

static int run_verb(int argc, char **argv)
{
    const struct command *c = find_verb(argv[0]);
    if (c == NULL) {
        return complain_of_verb(argv[0]);
    }
    return wants_help(argc, argv) ? help(c) : c->run(argc, argv);
}

/* `help`, and `help VERB`. */
static int run_help(int argc, char **argv)
{
    if (argc == 1) {
        usage(stdout);
        return EXIT_PASS;
    }
    const struct command *c = find_verb(argv[1]);
    return c != NULL ? help(c) : complain_of_verb(argv[1]);
}

/* A lane has a socket per registry, a start a handful of pipes: the soft limit is too low. False:
 * so is the hard one, and the loop itself would abort. */
static bool raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return true;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < DESCRIPTORS_MIN) {
        log_line("%llu open files are allowed, and at least %d are needed: raise the limit "
                 "(ulimit -n)",
                 (unsigned long long)limit.rlim_cur, DESCRIPTORS_MIN);
        return false;
    }
    return true;
}

/* Where a standard descriptor is closed, the next file opened would take its place and be written
 * to as if it were the terminal. Its place is held by one that refuses the wrong way. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
            _exit(EXIT_ERROR);
        }
    }
}

/* Beside the program in the build tree, else where `make install` puts it. */
static void find_keeper(void)
{
    char self[2048];
    char path[sizeof self + 64];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL) {
        return;
    }
    *slash = '\0';
    snprintf(path, sizeof path, "%s/" KEEPER_ARGV0, self);
    if (subject_set_keeper(path) == 0) {
        return;
    }
    snprintf(path, sizeof path, "%s/../lib/pulldrill/" KEEPER_ARGV0, self);
    (void)subject_set_keeper(path); /* without one the program does */
}

static int finish(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_line("cannot write to stdout");
        return EXIT_ERROR;
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], KEEPER_ARGV0) == 0) {
        return keeper_main(argv + 1);
    }
    if (argc > 0 && strcmp(argv[0], SPACE_ARGV0) == 0) {
        return space_main(argv + 1);
    }
    if (argc > 0 && strcmp(argv[0], BROOM_ARGV0) == 0) {
        return broom_main(argv + 1);
    }
    hold_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    if (!raise_descriptor_limit()) {
        return EXIT_ERROR;
    }
    subject_set_program("/proc/self/exe");
    find_keeper();
    options_set_program(argv[0]);
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        return finish(run_help(argc - 1, argv + 1));
    }
    if (strcmp(argv[1], "--version") == 0) {
        argv[1] = "version";
    }
    return finish(run_verb(argc - 1, argv + 1));
}
