/* The keys of subjects and phases; the first lines of scenario_keys.c say who reads these tables.
 */
#include "harness/scenario_internal.h"
#include "harness/until.h"

#define LEN(table) (sizeof(table) / sizeof((table)[0]))
#define KEYS(table) .keys = (table), .key_count = LEN(table)
#define LATER(table) .later = (table), .later_count = LEN(table)

static const struct key_value name_value = {.form = KEY_NAME};

/* ---- subjects and their variants ---- */

static const char *const caches[] = {"cold", "warm", NULL};
static const char *const leaves[] = {"forbidden", "allowed", NULL};
/* In the order of enum scenario_reach. */
static const char *const reaches[] = {"names", "proxy", "listen", "ports", NULL};
static const char *const attributes[] = {"lane", NULL};
static const char *const modes[] = {"command", NULL};
static const struct key_value env_value = {.form = KEY_TEXT};
static const struct key_value digest_value = {.form = KEY_TEXT, .pattern = "^sha256:[0-9a-f]{64}$"};

static const char *const roots[] = {"host", "overlay", NULL};
static const char *const sockets[] = {"mask", "keep", NULL};
static const struct key machine_keys[] = {
    {.name = "root",
     .value = {.form = KEY_CHOICE, .words = roots, .expanded = true},
     .fallback = "\"host\"",
     .meaning = "overlay: whatever is written outside of `${lane.dir}`, it is gone with the start "
                "(warm, or with a setup: with the lane), and this machine is as before; needs "
                "root, else the scenario is skipped",
     .example = "\"overlay\""},
    {.name = "sockets",
     .value = {.form = KEY_CHOICE, .words = sockets},
     .fallback = "\"mask\"",
     .meaning = "keep: the container engines of this machine stay within reach (Docker, "
                "containerd, Podman, CRI-O, BuildKit); they do not see the registries",
     .example = "\"keep\""},
};
const struct key_level scenario_level_machine = {
    .what = "\"machine\"",
    .name = "machine",
    .meaning = "what a subject with names sees of this machine",
    KEYS(machine_keys)};

#define EXAMPLE_COMMAND "[\"./pull\", \"${registry.primary}\", \"${image.agent}\"]"
#define EXAMPLE_DIGEST "\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""
#define WORDS                                                                                      \
    {                                                                                              \
        .form = KEY_WORDS, .min = 1, .max = SCENARIO_MAX_WORDS                                     \
    }
/* A variant has every key of its subject but `variants`, which is the last one. */
static const struct key_value variant_value = {
    .form = KEY_LEVEL, .level = &scenario_level_variant, .shown = "variants"};
static const struct key subject_keys[] = {
    {.name = "command",
     .value = WORDS,
     .required = true,
     .meaning = "what one start runs: the program and its arguments; no shell is between",
     .example = EXAMPLE_COMMAND},
    {.name = "setup",
     .value = WORDS,
     .fallback = "none",
     .meaning = "runs once per lane, before the first phase; what it leaves running lives until "
                "the lane's teardown has ended",
     .example = "[\"./start-daemon\", \"${lane.dir}\"]"},
    {.name = "prepare",
     .value = WORDS,
     .fallback = "none",
     .meaning = "runs before each start, on its lane",
     .example = "[\"rm\", \"-rf\", \"${lane.dir}/cache\"]"},
    {.name = "teardown",
     .value = WORDS,
     .fallback = "none",
     .meaning = "runs once per lane, at the end",
     .example = "[\"./stop-daemon\", \"${lane.dir}\"]"},
    {.name = "env",
     .value = {.form = KEY_MAP,
               .max = SCENARIO_MAX_WORDS,
               .of = &env_value,
               .pattern = "^(?!PULLDRILL_)[A-Za-z_][A-Za-z0-9_]{0,255}$",
               .shown = "object of up to 256 texts"},
     .fallback = "none",
     .meaning = "added to the environment; names that begin with PULLDRILL_ are the harness's own",
     .example = "{\"LANG\": \"C\"}"},
    {.name = "timeout",
     .value = {.form = KEY_DURATION, .min = 1, .expanded = true},
     .fallback = "\"60s\"",
     .meaning = "how long a start may take before it is hung and killed; also setup, prepare and "
                "teardown each",
     .example = "\"20s\""},
    {.name = "concurrency",
     .value = {.form = KEY_COUNT, .min = 1, .max = SCENARIO_MAX_CONCURRENCY},
     .fallback = "1",
     .meaning = "how many starts run side by side, each on a lane of its own",
     .example = "4"},
    {.name = "every",
     .value = {.form = KEY_DURATION, .min = 1, .expanded = true, .shown = "duration from 1 ms"},
     .excludes = "concurrency",
     .fallback = "a start begins when a lane is idle",
     .meaning = "open loop: a start is due this often, whether or not earlier ones have ended; "
                "lanes are made as they are needed",
     .example = "\"200ms\""},
    {.name = "max-in-flight",
     .value = {.form = KEY_COUNT, .min = 1, .max = SCENARIO_MAX_CONCURRENCY},
     .needs = "every",
     .fallback = "1024",
     .meaning = "with \"every\" only: the most starts at a time; reaching it is inconclusive",
     .example = "64"},
    {.name = "cache",
     .value = {.form = KEY_CHOICE, .words = caches},
     .fallback = "\"cold\"",
     .meaning = "warm: what an earlier start of the lane received counts for the next one",
     .example = "\"warm\""},
    {.name = "leaves",
     .value = {.form = KEY_CHOICE, .words = leaves},
     .fallback = "\"forbidden\"",
     .meaning = "whether a start may leave processes running",
     .example = "\"allowed\""},
    {.name = "preloaded",
     .value = {.form = KEY_LIST,
               .max = SCENARIO_MAX_PRELOADED,
               .of = &digest_value,
               .shown = "array of digests"},
     .fallback = "none",
     .meaning = "objects that need not arrive: the machine has them already",
     .example = "[" EXAMPLE_DIGEST "]"},
    {.name = "baked-in",
     .value = {.form = KEY_FLAG},
     .fallback = "false",
     .meaning = "the image is on the machine already: exit 0 is enough, and no control start runs",
     .example = "true"},
    {.name = "reach",
     .value = {.form = KEY_CHOICE, .words = reaches},
     .fallback = "\"ports\"",
     .meaning = "how the subject finds the registries: by their own names, by their own names "
                "through a proxy, at a port of this machine's address (--listen), or at a port of "
                "a loopback address",
     .example = "\"names\""},
    {.name = "machine",
     .value = {.form = KEY_LEVEL, .level = &scenario_level_machine},
     .needs = "reach",
     .fallback = "its files, and no container engines",
     .meaning = "with \"reach\": \"names\" only: what the subject sees of this machine",
     .example = "{\"root\": \"overlay\"}"},
    {.name = "attribute",
     .value = {.form = KEY_CHOICE, .words = attributes},
     .fallback = "\"lane\"",
     .meaning = "how a request finds its start: it belongs to the one that runs on its lane",
     .example = "\"lane\""},
    {.name = "mode",
     .value = {.form = KEY_CHOICE, .words = modes},
     .fallback = "\"command\"",
     .meaning = "what a start is: one run of the command",
     .example = "\"command\""},
    {.name = "variants",
     .value = {.form = KEY_MAP, .max = SCENARIO_MAX_VARIANTS, .of = &variant_value},
     .fallback = "none",
     .meaning = "other forms of the subject, chosen by --variant; bad twins for the proof",
     .example = "{\"retry-only\": {\"command\": [\"./pull\", \"--retry\"]}}"},
};
static const char *const subject_later[] = {"ready"};
const struct key_level scenario_level_subject = {
    .what = "a subject",
    .name = "subject",
    .meaning = "a command under drill: a provisioning script, a build starter, a client",
    KEYS(subject_keys),
    LATER(subject_later)};
const struct key_level scenario_level_variant = {
    .what = "a variant",
    .name = "variant",
    .meaning = "the same subject with some keys replaced; env name by name",
    .keys = subject_keys,
    .key_count = LEN(subject_keys) - 1,
    .partial = true,
    LATER(subject_later)};

/* ---- phases ---- */

/* OUTCOME_NONE stands for "not yet" and is no word of the file. */
static const char *outcome_word(size_t i)
{
    return i < OUTCOME_WRONG ? outcome_name((enum outcome)(i + 1)) : NULL;
}

static const struct key until_keys[] = {
    {.name = "event",
     .value = {.form = KEY_CHOICE, .word_at = until_event_word, .shown = "an event of the history"},
     .required = true,
     .meaning = "the event that is waited for",
     .example = "\"fault-decided\""},
    {.name = "count",
     .value = {.form = KEY_COUNT, .min = 1, .max = SCENARIO_MAX_UNTIL},
     .fallback = "1",
     .meaning = "how many of them, counted from the beginning of the phase",
     .example = "3"},
    {.name = "at-most",
     .value = {.form = KEY_DURATION, .min = 1, .expanded = true},
     .required = true,
     .meaning = "the phase ends then at the latest, and the check evidence is inconclusive",
     .example = "\"10s\""},
    {.name = "registry",
     .value = {.form = KEY_NAME, .shown = "name of a registry"},
     .fallback = "any",
     .meaning = "only events of this registry",
     .example = "\"primary\""},
    {.name = "subject",
     .value = {.form = KEY_NAME, .shown = "name of a subject"},
     .fallback = "any",
     .meaning = "only events of this subject's starts",
     .example = "\"build-start\""},
    {.name = "fault",
     .value = {.form = KEY_NAME, .shown = "name of a fault"},
     .fallback = "any",
     .meaning = "only events of this fault",
     .example = "\"agent-deleted\""},
    {.name = "outcome",
     .value = {.form = KEY_CHOICE, .word_at = outcome_word},
     .fallback = "any",
     .meaning = "only ends of starts with this outcome",
     .example = "\"failed\""},
};
const struct key_level scenario_level_until = {.what = "\"until\"",
                                               .name = "until",
                                               .meaning = "an event that ends the phase",
                                               KEYS(until_keys)};

/* In the order of enum action_kind. */
static const char *const actions[] = {"publish", "move-tag", "run", NULL};
static const struct key action_keys[] = {
    {.name = "publish",
     .value = {.form = KEY_NAME, .shown = "name of an image"},
     .fallback = "one of \"publish\", \"move-tag\", \"run\" is what is done",
     .meaning = "puts an image onto registries where it does not lie; its ref stands for it there "
                "from then on, whatever it stood for before",
     .example = "\"agent-v2\""},
    {.name = "move-tag",
     .value = {.form = KEY_NAME, .shown = "name of an image"},
     .needs = "as",
     .fallback = "one of \"publish\", \"move-tag\", \"run\" is what is done",
     .meaning = "makes a tag stand for an image that lies there already",
     .example = "\"agent-v2\""},
    {.name = "as",
     .value = {.form = KEY_TEXT,
               .pattern = SCENARIO_REF_PATTERN,
               .shown = "`repository[:tag]`, in the image's repository"},
     .needs = "move-tag",
     .fallback = "needed with \"move-tag\"",
     .meaning = "the tag that is moved",
     .example = "\"ci/agent:stable\""},
    {.name = "on",
     .value = {.form = KEY_LIST,
               .min = 1,
               .max = SCENARIO_MAX_REGISTRIES,
               .of = &name_value,
               .distinct = true,
               .shown = "array of registries"},
     .excludes = "run",
     .fallback = "publish: where the image does not lie; move-tag: wherever it lies",
     .meaning = "the registries where it is done",
     .example = "[\"primary\"]"},
    {.name = "run",
     .value = {.form = KEY_WORDS, .min = 1, .max = SCENARIO_MAX_WORDS},
     .fallback = "one of \"publish\", \"move-tag\", \"run\" is what is done",
     .meaning = "a command of the harness's own, told what subjects are told; one that does not "
                "exit 0 is an error of the harness",
     .example = "[\"./announce\", \"${image.agent}\"]"},
    {.name = "timeout",
     .value = {.form = KEY_DURATION, .min = 1, .expanded = true},
     .needs = "run",
     .fallback = "\"60s\"",
     .meaning = "how long the command may take",
     .example = "\"10s\""},
};
const char *action_kind_name(enum action_kind kind)
{
    return kind <= ACTION_RUN ? actions[kind] : "unknown";
}
const struct key_level scenario_level_action = {
    .one_of = actions,
    .what = "an action",
    .name = "action",
    .meaning = "something that is done to the world at the beginning of a phase, before its faults "
               "and its first start",
    KEYS(action_keys)};
static const struct key_value action_value = {
    .form = KEY_LEVEL, .level = &scenario_level_action, .shown = "actions"};

static const char *const ends[] = {"ended", "begun", NULL};
static const struct key_value starts_of = {.form = KEY_COUNT, .min = 1, .max = SCENARIO_MAX_STARTS};
static const struct key_value starts_forms[] = {
    {.form = KEY_COUNT, .min = 1, .max = SCENARIO_MAX_STARTS},
    {.form = KEY_MAP, .min = 1, .max = SCENARIO_MAX_SUBJECTS, .of = &starts_of}};
static const struct key phase_keys[] = {
    {.name = "name",
     .value = {.form = KEY_NAME, .pattern = "^(?!control$)[a-z0-9][a-z0-9-]{0,63}$"},
     .required = true,
     .meaning = "what it is called; none twice, and \"control\" is the harness's own",
     .example = "\"outage\""},
    {.name = "starts",
     .value = {.form = KEY_ONE_OF,
               .of = starts_forms,
               .of_count = LEN(starts_forms),
               .shown = "count from 1 to 100000, or object: subject to count"},
     .fallback = "one of \"starts\", \"for\", \"until\" ends a phase",
     .meaning = "ends the phase after so many starts: of each subject, or as the object says",
     .example = "10"},
    {.name = "for",
     .value = {.form = KEY_DURATION, .min = 1, .expanded = true},
     .fallback = "one of \"starts\", \"for\", \"until\" ends a phase",
     .meaning = "ends the phase by time; below the drill's limit",
     .example = "\"10s\""},
    {.name = "until",
     .value = {.form = KEY_LEVEL, .level = &scenario_level_until},
     .fallback = "one of \"starts\", \"for\", \"until\" ends a phase",
     .meaning = "ends the phase by what happened",
     .example = "{\"event\": \"start-end\", \"outcome\": \"failed\", \"at-most\": \"10s\"}"},
    {.name = "do",
     .value = {.form = KEY_LIST, .min = 1, .max = SCENARIO_MAX_ACTIONS, .of = &action_value},
     .fallback = "nothing",
     .meaning = "what is done first, one action after the other",
     .example = "[{\"publish\": \"agent-v2\"}]"},
    {.name = "end",
     .value = {.form = KEY_CHOICE, .words = ends},
     .fallback = "ended with \"starts\", begun with \"for\" and \"until\"",
     .meaning = "ended: the phase waits for its starts; begun: it is over while they still run",
     .example = "\"begun\""},
    {.name = "faults",
     .value = {.form = KEY_LIST,
               .max = SCENARIO_MAX_FAULTS,
               .of = &name_value,
               .distinct = true,
               .shown = "array of faults"},
     .fallback = "none",
     .meaning = "what is broken in it; healed at its end unless the next phase lists it too",
     .example = "[\"agent-deleted\"]"},
};
static const char *const phase_ends[] = {"starts", "for", "until", NULL};
const struct key_level scenario_level_phase = {.one_of = phase_ends,
                                               .what = "a phase",
                                               .name = "phase",
                                               .meaning = "a named stretch of the drill",
                                               KEYS(phase_keys)};
