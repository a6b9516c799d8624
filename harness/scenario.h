/* A scenario as the file says it, checked whole, with a place for every complaint. Pure. */
#ifndef PULLDRILL_SCENARIO_H
#define PULLDRILL_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/rule.h"
#include "harness/base/arena.h"
#include "harness/base/doc.h"
#include "harness/base/err.h"
#include "harness/history/event.h"

/* Stated maxima of a file. */
#define SCENARIO_MAX_REGISTRIES 16
#define SCENARIO_MAX_NAMES 32 /* of a registry; over all of them NAMES_MAX */
#define SCENARIO_MAX_IMAGES 64
#define SCENARIO_MAX_SUBJECTS 32
#define SCENARIO_MAX_FAULTS 256
#define SCENARIO_MAX_PHASES 64
#define SCENARIO_MAX_EXPECTS 256
#define SCENARIO_MAX_STARTS 100000
#define SCENARIO_MAX_CONCURRENCY 1024
#define SCENARIO_MAX_LAYERS 64
#define SCENARIO_MAX_FILES 256 /* of a layer */
#define SCENARIO_MAX_LABELS 64 /* of an image */
#define SCENARIO_MAX_PLATFORMS 16
#define SCENARIO_MAX_WORDS 256 /* of a command, of `env` */
#define SCENARIO_MAX_VARIANTS 64
#define SCENARIO_MAX_VARIABLES 64 /* of `configuration` */
#define SCENARIO_MAX_TAGS 32
#define SCENARIO_MAX_PRELOADED 256
#define SCENARIO_MAX_TWINS 64
#define SCENARIO_MAX_BECAUSE 32
#define SCENARIO_MAX_NAME 64
#define SCENARIO_MAX_LAYER_BYTES (UINT64_C(4) << 30)
#define SCENARIO_MAX_FILE_BYTES (UINT64_C(256) << 20)
#define SCENARIO_MAX_REF 384       /* repository:tag */
#define SCENARIO_MAX_ACTIONS 64    /* of a phase */
#define SCENARIO_MAX_UNTIL 1000000 /* events that `until` counts */
#define SCENARIO_MAX_SEED (UINT64_C(1) << 53)

/* What a registry is to the subject; the name is the word in the file. */
enum registry_role { ROLE_PRIMARY, ROLE_FAILOVER, ROLE_CACHE, ROLE_OTHER };
const char *registry_role_name(enum registry_role role);

/* A host of a registry apart from its own listener: the realm of its tokens, or what its blob GETs
 * are redirected to. NAME is the host name that it plays; NULL: known by its port alone. */
struct scenario_host {
    bool own;
    const char *name;
};
enum registry_auth { REGISTRY_AUTH_NONE, REGISTRY_AUTH_BASIC, REGISTRY_AUTH_TOKEN };
enum registry_client {
    CLIENT_CERTIFICATE_NONE,
    CLIENT_CERTIFICATE_ASKED,
    CLIENT_CERTIFICATE_NEEDED
};
struct scenario_registry {
    const char *name;
    struct doc_at at;
    enum registry_role role;
    const char **names; /* host names it plays, in lower case; the first is its endpoint */
    size_t name_count;
    bool tls;                    /* speaks TLS; the default where it has names */
    enum registry_client client; /* certificates of clients */
    enum registry_auth auth;     /* what it asks of those who pull */
    bool anonymous;              /* pulls need no credential (a token still, with token) */
    uint64_t token_ttl_ns;       /* how long a token is good for */
    struct scenario_host token, blobs;
    const char *upstream; /* URL of the registry whose images it holds; NULL */
    bool on_disk;         /* what is pushed is kept on disk */
    bool sparse;          /* takes manifests that name what is not there */
    bool read_only;       /* takes nothing */
};

/* Words of a command or NAME=value pairs, with run-time variables still in them. */
struct scenario_words {
    const char **word;
    struct doc_at *at;
    size_t count;
};

struct scenario_file {
    const char *path;   /* in the image, without a leading slash */
    const char *source; /* on disk, expanded; one written relative already has the scenario's
                           folder in front: open it as it stands */
    struct doc_at at;
};
struct scenario_layer {
    uint64_t size; /* compressed; 0 where only files are asked for */
    struct scenario_file *files;
    size_t file_count;
};
struct content_name;
struct scenario_image {
    const char *name;
    struct doc_at at;
    const char *repository; /* of `ref` */
    const char *tag;
    unsigned on; /* bit N: lies on registry N */
    struct scenario_layer *layers;
    size_t layer_count;
    const struct content_name *from; /* content that is not made here; NULL: of LAYERS */
    struct doc_at from_at;
    struct scenario_words labels; /* "NAME=value", of the config */
    const char *const *platforms; /* "linux/arm64": an index of one manifest each; NULL */
    size_t platform_count;
    int canary_of;       /* index of the image whose place it takes in some starts; -1: none */
    double canary_share; /* of the starts of each phase in which it lies somewhere */
};

enum subject_cache { CACHE_COLD, CACHE_WARM };

/* How a subject reaches the fakes, best first; see lane.h. */
enum scenario_reach { REACH_NAMES, REACH_PROXY, REACH_LISTEN, REACH_PORTS };

/* What of the machine a subject with names sees. */
struct scenario_machine {
    bool overlay;      /* a root file system that is thrown away */
    bool keep_sockets; /* the container engines of the host are not masked */
};
struct scenario_subject {
    const char *name;
    struct doc_at at;
    struct scenario_words command;
    struct scenario_words setup, prepare, teardown; /* count 0: none */
    struct scenario_words env;                      /* "NAME=value" */
    uint64_t timeout_ns;                            /* 60 s where absent */
    uint64_t concurrency;                           /* 1 where absent */
    uint64_t every_ns;      /* open loop: a start is due this often; 0: closed loop */
    uint64_t max_in_flight; /* of an open loop: lanes at most; 1024 where absent */
    enum subject_cache cache;
    enum scenario_reach reach; /* REACH_PORTS where absent */
    struct scenario_machine machine;
    bool leaves_allowed;
    const char *const *preloaded; /* digests of blobs that need not arrive */
    size_t preloaded_count;
    bool baked_in;               /* may work with every registry down */
    const char *const *variants; /* all the file has, also where a command took its place */
    size_t variant_count;
};

enum phase_end { END_ENDED, END_BEGUN };

/* What ends a phase: its starts, its time, or something that happened. */
enum phase_ends_by { BY_STARTS, BY_TIME, BY_EVENT };

/* `until`: the COUNT-th event of a type since the phase began that fits all that is given. -1 and
 * OUTCOME_NONE fit any. */
struct scenario_until {
    enum event_type event;
    uint64_t count;      /* 1 where absent */
    uint64_t at_most_ns; /* the phase ends then at the latest, and `evidence` is inconclusive */
    int registry, subject, fault;
    enum outcome outcome; /* of start-end */
};

/* What a phase does to the world at its beginning, before its faults and its first start. */
enum action_kind {
    ACTION_PUBLISH,  /* the image is put onto registries; its tag stands for it from then on */
    ACTION_MOVE_TAG, /* a tag of its repository stands for it from then on */
    ACTION_RUN,      /* a command of the harness's own; the phase's starts wait for its end */
};
/* The word of an action, in the file and in its event. */
const char *action_kind_name(enum action_kind kind);
struct scenario_action {
    enum action_kind kind;
    struct doc_at at;
    size_t image;    /* all but run: an index */
    const char *tag; /* … what stands for it then, in the image's repository */
    unsigned on;     /* … bit N: on registry N */
    struct scenario_words command;
    uint64_t timeout_ns; /* of the command; 60 s where absent */
};
struct scenario_phase {
    const char *name;
    struct doc_at at;
    struct scenario_action *actions;
    size_t action_count;
    uint64_t there; /* bit N: image N lies on some registry once they are done */
    enum phase_ends_by by;
    uint64_t for_ns;                        /* BY_TIME */
    struct scenario_until until;            /* BY_EVENT */
    uint64_t starts[SCENARIO_MAX_SUBJECTS]; /* BY_STARTS: per subject */
    enum phase_end end;
    size_t faults[SCENARIO_MAX_FAULTS]; /* indexes */
    size_t fault_count;
};

/* One entry of `expect`: a check with its parameters, as JSON; the check reads its own table. */
struct scenario_expect {
    const char *name; /* unique; made from the check where absent: "served-by", "served-by-2" */
    const char *check;
    struct doc_at at;
};

struct scenario_twin {
    const char *variant; /* its bare name, also where the file says "subject/variant" */
    size_t subject;      /* the subject that has it */
    const char **because;
    size_t because_count;
    struct doc_at at;
};

struct scenario {
    struct arena arena;
    struct doc doc;
    const char *path;         /* as given */
    const char *folder;       /* directory of the file: ${scenario.dir} */
    const char *subjects_dir; /* ${subjects.dir}, as the options gave it */
    const char *title;
    const char *description;
    const char **tags;
    size_t tag_count;
    uint64_t seed;
    bool has_seed;
    uint64_t limit_ns;  /* 10 min where absent */
    bool baseline_none; /* "baseline": {"none": "why"} or "none" with a reason */
    const char *baseline_reason;
    struct scenario_registry *registries;
    size_t registry_count;
    size_t primary; /* index of the primary */
    struct scenario_image *images;
    size_t image_count;
    struct scenario_subject *subjects;
    size_t subject_count;
    struct fault_rule *faults;
    size_t fault_count;
    struct scenario_phase *phases;
    size_t phase_count;
    struct scenario_expect *expects;
    size_t expect_count;
    struct scenario_twin *twins;
    size_t twin_count;
    json_t *resolved; /* what scenario_resolved copies */
};

/* What the command line adds to the file. NULL in its place stands for none of it. A variant and a
 * command for the same subject exclude each other. */
struct scenario_options {
    const char *subjects_dir; /* ${subjects.dir}; NULL: "." */
    const char *const *vars;  /* "KEY=VALUE" of --var, applied to `configuration` */
    size_t var_count;
    const char *subject;  /* --subject: the one that COMMAND or VARIANT is for */
    const char *variant;  /* run this variant of it; NULL for the subject as it stands */
    char *const *command; /* after `--`: takes the subject's place, variables and all; NULL: none */
    size_t command_count;
    bool frozen; /* read from a history: the environment is not asked */
};

/* Reads and checks a whole scenario: everything that can be wrong is found here, before anything
 * starts. The checks of `expect` are checked against their tables. NULL: E says file:line:column
 * (or the option that is wrong). */
struct scenario *scenario_load(const char *path, const struct scenario_options *options,
                               struct err *e);
struct scenario *scenario_parse(const char *path, const char *text, size_t len,
                                const struct scenario_options *options, struct err *e);
void scenario_free(struct scenario *s);

/* Whether RULE acts on REGISTRY, or on one of its other hosts or names. */
bool scenario_fault_on_registry(const struct scenario *s, const struct fault_rule *rule,
                                size_t registry);
/* Whether starts of SUBJECT can meet RULE. */
bool scenario_fault_meets(const struct scenario *s, const struct fault_rule *rule, size_t subject);

/* The name of the folder under --out for the results of the scenario at PATH: without its .json and
 * leading "/", "./" and "../", `/` as `-`. Cut at SIZE. */
void scenario_folder(const char *path, char *name, size_t size);

/* How many starts of SUBJECT PHASE can have at most: planned ones, or as many as become due in an
 * open loop until its time or `at-most` is up. False: a closed loop that only time ends. */
bool scenario_most_starts(const struct scenario *s, size_t phase, size_t subject, uint64_t *out);

/* The scenario as resolved: variables of `configuration` as constants, command, variant and seed
 * in place. Parsing this text with `frozen` yields the same scenario. A new jansson object. */
json_t *scenario_resolved(const struct scenario *s, uint64_t seed);

#endif
