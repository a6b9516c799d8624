/* The finished result of a drill: judge fills it, reports read it, files hold it. */
#ifndef PULLDRILL_VERDICT_VERDICT_H
#define PULLDRILL_VERDICT_VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"

/* In the order of precedence: of many, the largest counts. SKIPPED is of whole scenarios only,
 * with all their checks. */
enum verdict_kind {
    VERDICT_SKIPPED,
    VERDICT_PASS,
    VERDICT_INCONCLUSIVE,
    VERDICT_FAIL,
    VERDICT_ERROR,
};
const char *verdict_name(enum verdict_kind v);
bool verdict_parse(const char *name, enum verdict_kind *out);

/* Exit codes, the one table: 0 pass … 143. */
enum exit_status {
    EXIT_PASS = 0,
    EXIT_FAIL = 1,
    EXIT_INCONCLUSIVE = 2,
    EXIT_ERROR = 3,
    EXIT_USAGE = 4,
    EXIT_NOTHING = 5,
    EXIT_SKIPPED = 77,
    EXIT_SIGINT = 130,
    EXIT_SIGTERM = 143,
};
struct exit_info {
    enum exit_status status;
    const char *meaning;
};
extern const struct exit_info exit_table[];
extern const size_t exit_table_len;
enum exit_status verdict_exit(enum verdict_kind v);

/* One reason in words, with the numbers of the events it rests on. */
struct verdict_reason {
    const char *text;
    const uint64_t *events;
    size_t event_count;
};

struct verdict_check {
    const char *name;  /* unique in the scenario: the entry's `name`, or made from the check */
    const char *check; /* the word of the catalogue */
    bool always;       /* on whether asked or not */
    bool judged;       /* false: "not judged", the drill was stopped before */
    enum verdict_kind verdict;
    const char *expected;
    const char *actual;
    struct verdict_reason *reasons;
    size_t reason_count;
};

struct verdict_starts {
    uint64_t worked, failed, hung, wrong;
};

/* Starts by where their image came from: the labels of their pulls. */
struct verdict_pulls {
    uint64_t primary, fell_back, failed, mixed;
};

/* How long something took, over COUNT of them: nearest-rank percentiles, all 0 where COUNT is. */
struct verdict_times {
    uint64_t count;
    uint64_t p50_ns, p95_ns, p99_ns, max_ns;
    uint64_t sum_ns;
};

struct verdict_phase {
    const char *name;
    uint64_t begin_ns, end_ns;
    const char *reason; /* what ended it */
    struct verdict_starts starts;
    struct verdict_pulls pulls;
    struct verdict_times start_times; /* of the starts that worked: from begin to end */
    struct verdict_times fall_back;   /* of those that fell back: from the first contact with the
                                         primary to the first useful byte from a failover */
    uint64_t *attempts, *failed;      /* by registry, as many as the verdict has registries */
};

struct verdict_fault {
    const char *name;
    const char *kind;
    const char *on;
    const char *evidence;
    const char *text; /* the rule in one line */
    uint64_t planned; /* starts of the phases it was armed in */
    uint64_t matched; /* requests it matched */
    uint64_t fired;   /* of those, where it acted */
    uint64_t met;     /* starts that met it */
    double exposure;  /* met / planned; 0 where nothing was planned */
    uint64_t first_ns, last_ns;
    uint64_t first_event, last_event;
};

struct verdict_registry {
    const char *name;
    const char *role; /* "primary", "failover", "cache", "other" */
    uint64_t connections, requests, attempts, failed, served, bytes;
};

/* A start that did not work, for the eight lines and the summary. */
struct verdict_bad_start {
    const char *subject;
    const char *phase;
    uint64_t start;
    const char *outcome;
    const char *last; /* what it did last, in words */
    uint64_t event;
    const char *said;   /* the last line of its output; NULL where it said nothing */
    const char *output; /* path of the captured output, relative to the scenario's folder */
};
#define VERDICT_MAX_BAD_STARTS 100

struct verdict {
    struct arena arena;   /* holds everything below */
    const char *scenario; /* the file as given */
    const char *title;
    const char *folder; /* SCENARIO folder name under --out */
    const char *version;
    const char *began; /* RFC 3339 */
    uint64_t duration_ns;
    enum verdict_kind verdict;
    const char *blame;  /* "nobody", "subject", "scenario", "harness", "environment" */
    const char *why;    /* one sentence, for verdict error, inconclusive, skipped */
    const char *reason; /* of drill-end */
    int signal;         /* the drill was interrupted by this signal; 0 otherwise */
    uint64_t seed;
    const char *replay; /* a command */
    const char
        *subject_noun; /* "builds", from the subject's name: "builds would not have started" */
    struct verdict_check *checks;
    size_t check_count;
    struct verdict_phase *phases;
    size_t phase_count;
    struct verdict_fault *faults;
    size_t fault_count;
    struct verdict_registry *registries;
    size_t registry_count;
    struct verdict_bad_start *bad;
    size_t bad_count;
    struct verdict_starts starts;
    uint64_t lag_p99_ns;      /* the largest p99 of the loop's own lag over any second */
    const char *reach;        /* how subjects reached the fakes, and what that cannot show */
    const char *const *notes; /* "counted connections, not requests, while refused" … */
    size_t note_count;
};

/* Empty, with an arena of its own that holds all its text until verdict_free. NULL: no memory. */
struct verdict *verdict_new(struct err *e);
void verdict_free(struct verdict *v);
/* How many checks passed, failed, were inconclusive (an error counts as failed). */
struct verdict_tally {
    size_t passed, failed, inconclusive;
};
struct verdict_tally verdict_tally(const struct verdict *v);

/* Several scenarios of one invocation. */
struct verdict_list {
    struct verdict **items;
    size_t count;
    int signal; /* came before all had begun: what never ran is not in the list; 0: none */
    enum verdict_kind verdict;
    enum exit_status exit;
};

/* Reads a journal (journal.json) back, all that the writers need. NULL: E says file:line. */
struct verdict *verdict_load(const char *path, struct err *e);

#endif
