/* The verbs, in the order in which a newcomer meets them; and `version`. */
#include <archive.h>
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "harness/commands/command.h"
#include "harness/commands/options.h"
#include "harness/version.h"

static int version(int argc, char **argv);

const struct command command_table[] = {
    {"try", "[options] -- COMMAND…",
     "one start of your command against two healthy registries; prints every request",
     OPT_PRIMARY | OPT_FAILOVER | OPT_AUTH | OPT_IMAGE | OPT_TIMEOUT | OPT_SEED | OPT_LISTEN |
         OPT_ADVERTISE,
     command_try},
    {"run", "FILE|DIR… [options] [-- COMMAND…]",
     "run drills and judge them; COMMAND takes the subject's place",
     OPT_JOBS | OPT_TAG | OPT_VAR | OPT_SEED | OPT_OUT | OPT_STREAM | OPT_SUBJECT | OPT_VARIANT |
         OPT_LISTEN | OPT_ADVERTISE | OPT_INCONCLUSIVE | OPT_NO_SKIP | OPT_QUIET,
     command_run},
    {"prove", "FILE|DIR… [options] [-- COMMAND…]",
     "show that scenarios tell good from bad: their subject passes, their bad twins fail",
     OPT_JOBS | OPT_TIMES | OPT_TAG | OPT_VAR | OPT_SEED | OPT_OUT | OPT_STREAM | OPT_SUBJECT |
         OPT_LISTEN | OPT_ADVERTISE | OPT_INCONCLUSIVE | OPT_QUIET,
     command_prove},
    {"serve", "[SCENARIO.json] [options]",
     "registries that stand alone: for pushes and pulls of your own, healthy or with the faults of "
     "a phase",
     OPT_SERVE | OPT_VAR | OPT_SEED | OPT_QUIET, command_serve},
    {"validate", "FILE|DIR… [options]", "check scenario files; start nothing",
     OPT_TAG | OPT_VAR | OPT_SUBJECT | OPT_VARIANT, command_validate},
    {"explain", "FILE|DIR… [options]",
     "a scenario in text: its timeline, who meets its faults, what is expected; start nothing",
     OPT_TAG | OPT_VAR | OPT_SUBJECT | OPT_VARIANT, command_explain},
    {"list", "FILE|DIR… [options]", "list scenarios with titles and tags",
     OPT_TAG | OPT_VAR | OPT_FORMAT, command_list},
    {"faults", "[--format json]", "the catalogue of faults with their parameters", OPT_FORMAT,
     command_faults},
    {"checks", "[--format json]", "the catalogue of checks with their parameters", OPT_FORMAT,
     command_checks},
    {"keys", "[--format json]", "the keys of a scenario file, level by level", OPT_FORMAT,
     command_keys},
    {"schema", "", "the JSON Schema of a scenario file, for editors", 0, command_schema},
    {"judge", "HISTORY [options]", "judge a saved history.jsonl again; exits as the drill would",
     OPT_REPORT | OPT_INCONCLUSIVE, command_judge},
    {"report", "JOURNAL [options]", "write a saved journal.json in another form", OPT_REPORT,
     command_report},
    {"compare", "OLD NEW [options]",
     "hold two results against each other; exits 1 where NEW is worse", OPT_FORMAT,
     command_compare},
    {"version", "", "the version, and those of the libraries", 0, version},
};
const size_t command_count = sizeof command_table / sizeof command_table[0];

unsigned command_options(const char *name)
{
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(command_table[i].name, name) == 0) {
            return command_table[i].options;
        }
    }
    return 0;
}

static int version(int argc, char **argv)
{
    struct options o;
    struct err e = {0};
    if (options_read_alone(&o, argc, argv, &e) != 0) {
        return (int)options_complain(&e);
    }
    printf("pulldrill %s\n", PULLDRILL_VERSION);
    printf("libuv %s, %s, jansson %s, %s, %s\n", uv_version_string(), curl_version(),
           jansson_version_str(), OpenSSL_version(OPENSSL_VERSION), archive_version_string());
    return 0;
}
