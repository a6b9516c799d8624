/* A machine's place in the drill: addresses, folders, and the facts a subject is told. */
#ifndef PULLDRILL_LANE_H
#define PULLDRILL_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "fake-registry/server.h"
#include "faults/engine.h"
#include "harness/base/err.h"
#include "harness/history/history.h"
#include "harness/plan.h"

struct lane;
struct environment;
struct auth;          /* fake-registry/auth.h */
struct tls_authority; /* fake-registry/tls.h */

/* What all lanes of a drill share. Everything is borrowed and outlives them. */
struct lane_shared {
    const struct plan *plan;
    const char *work; /* folder of the lanes' folders: absolute, there */
    uv_loop_t *loop;
    struct server *server;
    struct history *history;
    struct fault_engine *faults;
    struct tls_authority *ca; /* the drill's own; NULL where nothing speaks TLS */
    struct auth *const *auth; /* by registry, entries may be NULL; NULL where no registry asks */
};

/* How subjects on a lane reach the fakes: one table a way. Any member but NAME, OPEN and
 * CANNOT_SHOW may be NULL. */
struct lane_reach {
    const char *name; /* first: the word in the scenario */
    /* Makes the lane's listeners for every registry of the plan, and fills endpoint and tls. Called
     * once ca_file and auth_file are there. ERR_UNSUPPORTED: this machine, or these rights, do not
     * allow it; the scenario is then skipped with E's text as the reason. */
    int (*open)(struct lane *lane, struct err *e);
    /* Also called a second time, at the lane's own end. */
    void (*close)(struct lane *lane);
    /* A start begins on the lane: start-begin is told, its command not yet there; it has ended, and
     * all its processes with it. -1: it cannot begin. */
    int (*begin)(struct lane *lane, struct err *e);
    void (*end)(struct lane *lane);
    /* RULE was healed, and the engine told: what of the lane's names or machine waits for it goes
     * on. -1: it could not be undone. */
    int (*healed)(struct lane *lane, const struct fault_rule *rule, struct err *e);
    /* Makes of the lane a machine that has had no start yet; before the start's `prepare`, and only
     * for starts. */
    int (*fresh)(struct lane *lane, struct err *e);
    /* Adds to the environment of every command on the lane, before the subject's own `env`. */
    int (*environment)(const struct lane *lane, struct environment *env, struct err *e);
    const char *cannot_show; /* for the report: what a drill of this reach leaves unproven */
};
extern const struct lane_reach lane_reach_names;
extern const struct lane_reach lane_reach_proxy;
extern const struct lane_reach lane_reach_listen;
extern const struct lane_reach lane_reach_ports;
/* The way that the scenario asks for. */
const struct lane_reach *lane_reach_of(enum scenario_reach reach);

/* The most namespaces that a lane's commands enter: user, network, mount, host name. */
#define LANE_MAX_SPACES 4

struct lane {
    const struct lane_shared *shared;
    const struct plan *plan; /* that of SHARED */
    const struct lane_reach *reach;
    uint64_t number; /* from 1; 0 is the harness's own */
    int subject;     /* index in the plan; -1 for the harness's lane */
    char address[48];
    char *dir;                                   /* ${lane.dir}, made and removed by the lane */
    char *scenario_dir;                          /* ${scenario.dir}, absolute */
    int listener[SCENARIO_MAX_REGISTRIES];       /* of the registry itself; -1: none */
    char endpoint[SCENARIO_MAX_REGISTRIES][272]; /* host, or host:port, as the subject is told */
    bool tls[SCENARIO_MAX_REGISTRIES];           /* the endpoint speaks https */
    struct lane_trust *trust;                    /* lane_trust.h; NULL where nothing speaks TLS */
    char *ca_file; /* ${registry.NAME.ca}: PEM; NULL where nothing speaks TLS */
    char *auth_file[SCENARIO_MAX_REGISTRIES]; /* ${registry.NAME.auth-file}; NULL: none */
    int spaces[LANE_MAX_SPACES]; /* namespaces its commands run in, for setns in this order */
    size_t space_count;          /* 0: those of the harness */
    char *start_dir;             /* ${start.dir} of the running start; NULL */
    uint64_t start;              /* running; 0: none */
    uint64_t canaries; /* bit N: the start is given image N where it names the one whose canary it
                          is */
    void *reach_data;
};

/* A lane of SUBJECT, reached by REACH. */
struct lane *lane_new(const struct lane_shared *shared, const struct lane_reach *reach,
                      uint64_t number, int subject, struct err *e);
/* Removes its folder, whatever is in it. */
void lane_free(struct lane *lane);

/* Makes ${start.dir} for START; removes that of the start before. */
int lane_begin(struct lane *lane, uint64_t start, struct err *e);

/* The words of COMMAND with every run-time variable replaced, NULL-terminated, and the environment:
 * the caller's without proxy variables, then the facts (PULLDRILL_…), then the subject's `env`.
 * Free both with lane_free_words. -1: an unknown variable. */
int lane_command(const struct lane *lane, const struct scenario_words *command, char ***argv,
                 struct err *e);
int lane_environment(const struct lane *lane, char ***env, struct err *e);
void lane_free_words(char **words);

/* Whether NAME is a run-time variable of scenario S (for the parser, before any lane exists). */
bool lane_variable_known(const struct scenario *s, const char *name, size_t len);

/* The result.json (PULLDRILL_RESULT) of the running start, compact JSON; NULL where none was
 * written; E says why where it is no JSON object or too large (64 KiB). Free it. */
char *lane_result(const struct lane *lane, struct err *e);
/* Hashes the OCI image layout (or blobs/ folder) that RESULT names against the plan: NULL where
 * none is named, "whole", or "broken: why". Free it. */
char *lane_layout(const struct lane *lane, const char *result, struct err *e);

#endif
