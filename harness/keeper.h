/* The keeper: this program re-executed around one command, so that nothing of it survives. */
#ifndef PULLDRILL_KEEPER_H
#define PULLDRILL_KEEPER_H

#include <stdint.h>

/* argv[0] under which main becomes a keeper. */
#define KEEPER_ARGV0 "pulldrill-keeper"

/* What it does with what the command leaves running: ends it, or holds it until it is asked. */
#define KEEPER_END "end"
#define KEEPER_HOLD "hold"

/* Descriptors a keeper is given. CONTROL: a pipe whose other end the harness holds; a byte 'k' asks
 * to kill everything now; its end of file means that the harness is gone, which kills as well.
 * REPORT: the keeper writes one struct keeper_report when everything is dead. One that holds writes
 * it as soon as the command has ended, with no leftovers, and once more when everything is dead. */
#define KEEPER_CONTROL_FD 3
#define KEEPER_REPORT_FD 4
/* The first of the namespaces that the command is started in, entered in their order; as many
 * follow as the word behind the mode says, at most KEEPER_MAX_SPACES. The keeper itself stays
 * outside, so that no command can take its /proc away. */
#define KEEPER_SPACES_FD 5
#define KEEPER_MAX_SPACES 4

/* How long what a command left behind may take to end by itself before it counts as left over, and
 * how long killing is tried. */
#define KEEPER_LINGER_MS 1000
#define KEEPER_KILL_MS 5000

/* NOT_ENTERED: the namespaces, or the working folder in them; the command was not tried. */
enum keeper_how {
    KEEPER_EXITED = 1,
    KEEPER_SIGNALLED = 2,
    KEEPER_NOT_STARTED = 3,
    KEEPER_NOT_ENTERED = 4
};
struct keeper_report {
    uint32_t magic; /* KEEPER_MAGIC */
    uint32_t how;
    int32_t value;       /* exit code, signal, or errno of what failed */
    uint32_t leftovers;  /* processes alive when the command ended (not those killed on request) */
    uint64_t command_ns; /* CLOCK_MONOTONIC when the command itself ended */
    uint32_t survivors;  /* could not be killed within the keeper's last limit; 0 as a rule */
    uint32_t pad;
};
#define KEEPER_MAGIC 0x7065656bu

/* Runs as the keeper: becomes a session leader and child subreaper, starts the command, waits,
 * kills every descendant however detached, reports, exits. ARGV is KEEPER_END or KEEPER_HOLD, the
 * number of namespaces, then the command (NULL-terminated, PATH is searched). Blocking; it has no
 * event loop. Returns the exit status of the keeper process itself. */
int keeper_main(char *const argv[]);

#endif
