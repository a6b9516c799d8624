/* The keys of a scenario, level by level: parser, schema and reference read these tables. The keys
 * of images are in scenario_keys_image.c, those of subjects and phases in scenario_keys_drill.c,
 * those of faults in faults/keys.c. */
#include "harness/check.h"
#include "harness/scenario_internal.h"

#define LEN(table) (sizeof(table) / sizeof((table)[0]))
#define KEYS(table) .keys = (table), .key_count = LEN(table)
#define LATER(table) .later = (table), .later_count = LEN(table)

#define PHASES_EXAMPLE "[{\"name\": \"steady\", \"starts\": 10}]"
#define TWINS_EXAMPLE "[{\"variant\": \"retry-only\", \"because\": [\"starts-succeed\"]}]"

static const struct key_value name_value = {.form = KEY_NAME};

/* ---- variables of `configuration` ---- */

static const char *const variable_types[] = {"env", NULL};
static const struct key_value constants[] = {{.form = KEY_STRING}, {.form = KEY_NUMBER}};
#define CONSTANT                                                                                   \
    {                                                                                              \
        .form = KEY_ONE_OF, .of = constants, .of_count = LEN(constants)                            \
    }
static const struct key variable_keys[] = {
    {.name = "type",
     .value = {.form = KEY_CHOICE, .words = variable_types},
     .required = true,
     .meaning = "where the value comes from: the environment",
     .example = "\"env\""},
    {.name = "key",
     .value = {.form = KEY_STRING},
     .required = true,
     .meaning = "the name in the environment",
     .example = "\"AGENT_IMAGE\""},
    {.name = "default",
     .value = CONSTANT,
     .fallback = "the environment must have it",
     .meaning = "the value where the environment has none",
     .example = "\"ci/agent:stable\""},
};
const struct key_level scenario_level_variable = {
    .what = "a variable of \"configuration\"",
    .name = "variable",
    .meaning = "a value that ${NAME} stands for: constant, or taken from the environment",
    KEYS(variable_keys)};

static const struct key_value variable_forms[] = {
    {.form = KEY_STRING},
    {.form = KEY_NUMBER},
    {.form = KEY_LEVEL, .level = &scenario_level_variable}};
static const struct key_value variable_value = {.form = KEY_ONE_OF,
                                                .of = variable_forms,
                                                .of_count = LEN(variable_forms),
                                                .shown = "variables"};

/* ---- baseline ---- */

static const struct key baseline_keys[] = {
    {.name = "none",
     .value = {.form = KEY_TEXT, .min = 1, .shown = "text"},
     .required = true,
     .meaning = "why the drill has no healthy first phase",
     .example = "\"the reason\""},
};
const struct key_level scenario_level_baseline = {
    .what = "\"baseline\"",
    .name = "baseline",
    .meaning = "says that the drill has no healthy first phase, and why",
    KEYS(baseline_keys)};

/* ---- registries ---- */

static const char *const roles[] = {"primary", "failover", "cache", "other", NULL};
static const char *const auths[] = {"none", "basic", "token", NULL};
static const struct key auth_keys[] = {
    {.name = "type",
     .value = {.form = KEY_CHOICE, .words = auths},
     .required = true,
     .meaning = "what credential it asks for",
     .example = "\"token\""},
    {.name = "anonymous",
     .value = {.form = KEY_FLAG},
     .fallback = "false",
     .meaning = "pulls need no credential; with \"token\" they still need a token, which anybody "
                "gets",
     .example = "true"},
    {.name = "ttl",
     .value = {.form = KEY_DURATION, .min = 1, .expanded = true},
     .fallback = "\"5m\"",
     .meaning = "how long a token is good for",
     .example = "\"60s\""},
};
const struct key_level scenario_level_auth = {
    .what = "\"auth\"",
    .name = "auth",
    .meaning = "what a registry asks of those who pull; the credentials are random, and subjects "
               "are given them in files and variables",
    KEYS(auth_keys)};
static const struct key_value auth_forms[] = {{.form = KEY_CHOICE, .words = auths},
                                              {.form = KEY_LEVEL, .level = &scenario_level_auth}};

static const struct key_value host_forms[] = {
    {.form = KEY_FLAG}, {.form = KEY_TEXT, .pattern = SCENARIO_HOST_PATTERN, .shown = "host name"}};
#define HOST                                                                                       \
    {                                                                                              \
        .form = KEY_ONE_OF, .of = host_forms, .of_count = LEN(host_forms),                         \
        .shown = "`true` or a host name"                                                           \
    }
static const struct key hosts_keys[] = {
    {.name = "token",
     .value = HOST,
     .fallback = "the registry's own",
     .meaning = "the realm of its tokens has a host of its own; faults call it `NAME/token`",
     .example = "\"auth.docker.io\""},
    {.name = "blobs",
     .value = HOST,
     .fallback = "the registry serves them itself",
     .meaning = "blob GETs are redirected (307) to signed URLs of a host of its own, which asks "
                "for no credential; faults call it `NAME/blobs`",
     .example = "\"cdn01.quay.io\""},
};
const struct key_level scenario_level_hosts = {
    .what = "\"hosts\"",
    .name = "hosts",
    .meaning = "hosts of a registry apart from itself; a name is what such a host is called where "
               "subjects reach registries by their names",
    KEYS(hosts_keys)};

static const struct key_value names_value = {
    .form = KEY_TEXT, .pattern = SCENARIO_HOST_PATTERN, .shown = "host names"};
static const char *const clients[] = {"none", "asked", "needed", NULL};
static const struct key tls_keys[] = {
    {.name = "client",
     .value = {.form = KEY_CHOICE, .words = clients},
     .fallback = "\"none\"",
     .meaning = "certificates of clients: not asked for, asked for and held against the drill's "
                "authority where one is shown, or needed for any connection; each lane has one in "
                "`certs.d` and as `trust/client.crt` and `trust/client.key`",
     .example = "\"needed\""},
};
const struct key_level scenario_level_tls = {
    .what = "\"tls\"", .name = "tls", .meaning = "how a registry speaks TLS", KEYS(tls_keys)};
static const struct key_value tls_forms[] = {{.form = KEY_FLAG},
                                             {.form = KEY_LEVEL, .level = &scenario_level_tls}};

static const char *const stores[] = {"memory", "disk", NULL};
static const struct key registry_keys[] = {
    {.name = "role",
     .value = {.form = KEY_CHOICE, .words = roles},
     .fallback = "the primary is the registry of that name, else the first without a role; every "
                 "other is a failover",
     .meaning = "what the registry is to the subject",
     .example = "\"failover\""},
    {.name = "names",
     .value = {.form = KEY_LIST,
               .min = 1,
               .max = SCENARIO_MAX_NAMES,
               .of = &names_value,
               .distinct = true,
               .shown = "array of 1 to 32 host names"},
     .fallback = "none",
     .meaning = "the host names it plays where subjects reach registries by their names; no two "
                "registries play the same; the first is what `${registry.NAME}` stands for there",
     .example = "[\"quay.io\"]"},
    {.name = "tls",
     .value = {.form = KEY_ONE_OF,
               .of = tls_forms,
               .of_count = LEN(tls_forms),
               .shown = "`true`, `false` or tls"},
     .fallback = "`true` where it has names, else `false`",
     .meaning = "whether it speaks TLS, with certificates of an authority that is the drill's own "
                "and that subjects trust",
     .example = "true"},
    {.name = "auth",
     .value = {.form = KEY_ONE_OF,
               .of = auth_forms,
               .of_count = LEN(auth_forms),
               .shown = "`\"none\"`, `\"basic\"`, `\"token\"` or auth"},
     .fallback = "\"none\"",
     .meaning = "the credential it asks for",
     .example = "\"token\""},
    {.name = "hosts",
     .value = {.form = KEY_LEVEL, .level = &scenario_level_hosts},
     .fallback = "none",
     .meaning = "hosts of its own for tokens and blobs",
     .example = "{\"blobs\": \"cdn01.quay.io\"}"},
    {.name = "upstream",
     .value = {.form = KEY_TEXT,
               .pattern = "^https?://[A-Za-z0-9_.:\\[\\]-]+/?$",
               .shown = "URL of a registry"},
     .fallback = "none",
     .meaning = "images on it that have neither \"from\" nor anything that they are made of come "
                "from that registry, under their ref; it is asked before the drill begins, never "
                "during it",
     .example = "\"https://quay.io\""},
    {.name = "store",
     .value = {.form = KEY_CHOICE, .words = stores},
     .fallback = "\"memory\"",
     .meaning = "where it keeps what is pushed to it: in memory, or on disk, in the drill's own "
                "folder, which goes with the drill",
     .example = "\"disk\""},
    {.name = "sparse",
     .value = {.form = KEY_FLAG},
     .fallback = "true",
     .meaning = "takes manifests that name blobs or manifests which are not there; `false` refuses "
                "them (`MANIFEST_BLOB_UNKNOWN`)",
     .example = "false"},
    {.name = "read-only",
     .value = {.form = KEY_FLAG},
     .fallback = "false",
     .meaning = "refuses whatever would change it (405, `UNSUPPORTED`)",
     .example = "true"},
};
const struct key_level scenario_level_registry = {
    .what = "a registry",
    .name = "registry",
    .meaning = "a fake registry; its name is what the subject's command calls it by",
    KEYS(registry_keys)};
static const struct key_value registry_value = {
    .form = KEY_LEVEL, .level = &scenario_level_registry, .shown = "registries"};

/* ---- images: their keys are in scenario_keys_image.c ---- */

static const struct key_value image_value = {
    .form = KEY_LEVEL, .level = &scenario_level_image, .shown = "images"};

/* ---- expectations and proof ---- */

static const char *asked_check(size_t i)
{
    for (size_t k = 0; k < check_catalogue_count; k++) {
        if (!check_catalogue[k]->always && i-- == 0)
            return check_catalogue[k]->name;
    }
    return NULL;
}

/* The check's own parameters stand beside these, which are not for every check: its scope says. */
static const struct key expect_keys[] = {
    {.name = "check",
     .value = {.form = KEY_CHOICE,
               .word_at = asked_check,
               .shown = "a check that is not always on"},
     .required = true,
     .meaning = "what is asked; it says which other keys the entry takes",
     .example = "\"starts-succeed\""},
    {.name = "name",
     .value = {.form = KEY_NAME},
     .fallback = "the check's, with a number from the second on",
     .meaning = "a name of its own, no second time; not that of another check",
     .example = "\"builds-fall-back\""},
    {.name = "subject",
     .value = {.form = KEY_NAME, .shown = "name of a subject"},
     .fallback = "all subjects",
     .meaning = "looks at the starts of this subject only",
     .example = "\"build-start\""},
    {.name = "image",
     .value = {.form = KEY_NAME, .shown = "name of an image"},
     .fallback = "all images",
     .meaning = "looks at this image only",
     .example = "\"agent\""},
    {.name = "during",
     .value = {.form = KEY_NAME, .shown = "name of a phase"},
     .fallback = "the whole drill",
     .meaning = "looks at the starts that began in this phase only",
     .example = "\"outage\""},
};
const struct key_level scenario_level_expect = {.what = "a member of \"expect\"",
                                                .name = "expectation",
                                                .meaning = "a check, with its parameters beside it",
                                                KEYS(expect_keys)};
static const struct key_value expect_value = {
    .form = KEY_LEVEL, .level = &scenario_level_expect, .shown = "checks"};

static const struct key twin_keys[] = {
    {.name = "variant",
     .value = {.form = KEY_STRING,
               .pattern = "^([a-z0-9][a-z0-9-]{0,63}/)?[a-z0-9][a-z0-9-]{0,63}$",
               .shown = "name of a variant, or `subject/variant`"},
     .required = true,
     .meaning = "the variant that must fail; none twice",
     .example = "\"retry-only\""},
    {.name = "because",
     .value = {.form = KEY_LIST,
               .min = 1,
               .max = SCENARIO_MAX_BECAUSE,
               .of = &name_value,
               .shown = "array of 1 to 32 reasons"},
     .required = true,
     .meaning =
         "what it must fail, each of them: a check of \"expect\", the name of an entry, or a "
         "check that is always on",
     .example = "[\"starts-succeed\"]"},
};
const struct key_level scenario_level_twin = {
    .what = "a member of \"must-fail\"",
    .name = "twin",
    .meaning = "a variant with a mistake that the drill must notice",
    KEYS(twin_keys)};
static const struct key_value twin_value = {
    .form = KEY_LEVEL, .level = &scenario_level_twin, .shown = "bad twins"};

static const struct key proof_keys[] = {
    {.name = "must-fail",
     .value = {.form = KEY_LIST, .min = 1, .max = SCENARIO_MAX_TWINS, .of = &twin_value},
     .required = true,
     .meaning = "the bad twins",
     .example = TWINS_EXAMPLE},
};
const struct key_level scenario_level_proof = {.what = "\"proof\"",
                                               .name = "proof",
                                               .meaning =
                                                   "shows that the scenario tells good from bad",
                                               KEYS(proof_keys)};

/* ---- the whole file ---- */

static const struct key_value subject_value = {
    .form = KEY_LEVEL, .level = &scenario_level_subject, .shown = "subjects"};
static const struct key_value fault_value = {
    .form = KEY_LEVEL, .level = &fault_level, .shown = "faults"};
static const struct key_value phase_value = {
    .form = KEY_LEVEL, .level = &scenario_level_phase, .shown = "phases"};

static const struct key top_keys[] = {
    {.name = "$schema",
     .value = {.form = KEY_STRING},
     .fallback = "none",
     .meaning = "where the schema lies, for editors; not interpreted",
     .example = "\"../scenario.schema.json\""},
    {.name = "version",
     .value = {.form = KEY_COUNT, .min = 1, .max = 1},
     .required = true,
     .meaning = "the version of this format",
     .example = "1"},
    {.name = "title",
     .value = {.form = KEY_TEXT, .min = 1, .pattern = "^[^\\r\\n]+$", .shown = "text, one line"},
     .required = true,
     .meaning = "what is drilled",
     .example = "\"The agent image is deleted from the primary\""},
    {.name = "description",
     .value = {.form = KEY_TEXT},
     .fallback = "none",
     .meaning = "what must hold and why, for readers",
     .example = "\"Builds must keep starting from the failover registry.\""},
    {.name = "tags",
     .value = {.form = KEY_LIST, .max = SCENARIO_MAX_TAGS, .of = &name_value, .distinct = true},
     .fallback = "none",
     .meaning = "words for --tag",
     .example = "[\"incident\"]"},
    {.name = "source",
     .value = {.form = KEY_FREE},
     .fallback = "none",
     .meaning = "where the scenario comes from; not interpreted",
     .example = "{\"incident\": \"…\"}"},
    {.name = "seed",
     .value = {.form = KEY_COUNT, .max = SCENARIO_MAX_SEED},
     .fallback = "from the clock",
     .meaning = "fixes the content of layers and every draw; --seed overrides it",
     .example = "42"},
    {.name = "limit",
     .value = {.form = KEY_DURATION, .min = 1, .expanded = true},
     .fallback = "\"10m\"",
     .meaning = "the longest the whole drill may take",
     .example = "\"5m\""},
    {.name = "baseline",
     .value = {.form = KEY_LEVEL, .level = &scenario_level_baseline},
     .fallback = "the first phase, which has no faults",
     .meaning = "says that the drill has no healthy first phase, and why",
     .example = "{\"none\": \"the reason\"}"},
    {.name = "configuration",
     .value = {.form = KEY_MAP, .max = SCENARIO_MAX_VARIABLES, .of = &variable_value},
     .fallback = "none",
     .meaning = "variables: ${NAME} in the texts of the file stands for their values",
     .example = "{\"ref\": \"ci/agent:stable\"}"},
    {.name = "registries",
     .value = {.form = KEY_MAP, .min = 1, .max = SCENARIO_MAX_REGISTRIES, .of = &registry_value},
     .required = true,
     .meaning = "the fake registries",
     .example = "{\"primary\": {}, \"failover\": {}}"},
    {.name = "images",
     .value = {.form = KEY_MAP, .max = SCENARIO_MAX_IMAGES, .of = &image_value},
     .fallback = "none",
     .meaning = "what the registries hold",
     .example = "{\"agent\": {\"ref\": \"ci/agent:stable\"}}"},
    {.name = "subjects",
     .value = {.form = KEY_MAP, .min = 1, .max = SCENARIO_MAX_SUBJECTS, .of = &subject_value},
     .required = true,
     .meaning = "the commands under drill",
     .example = "{\"build-start\": {\"command\": [\"./pull\", \"${image.agent}\"]}}"},
    {.name = "faults",
     .value = {.form = KEY_MAP, .max = SCENARIO_MAX_FAULTS, .of = &fault_value},
     .fallback = "none",
     .meaning = "what breaks; each is listed by a phase",
     .example = "{\"down\": {\"on\": \"primary\", \"kind\": \"refuse\"}}"},
    {.name = "phases",
     .value = {.form = KEY_LIST, .min = 1, .max = SCENARIO_MAX_PHASES, .of = &phase_value},
     .required = true,
     .meaning = "the stretches of the drill, one after the other",
     .example = PHASES_EXAMPLE},
    {.name = "expect",
     .value = {.form = KEY_LIST, .max = SCENARIO_MAX_EXPECTS, .of = &expect_value},
     .fallback = "none",
     .meaning = "what must hold, beside the checks that are always on",
     .example = "[{\"check\": \"starts-succeed\"}]"},
    {.name = "proof",
     .value = {.form = KEY_LEVEL, .level = &scenario_level_proof},
     .fallback = "none",
     .meaning = "which variants must fail, and why",
     .example = "{\"must-fail\": " TWINS_EXAMPLE "}"},
};
static const char *const top_later[] = {"services"};
const struct key_level scenario_level_top = {
    .what = "the scenario",
    .name = "scenario",
    .meaning = "a drill of pulldrill: registries, images, subjects, faults, phases, expectations",
    KEYS(top_keys),
    LATER(top_later)};
