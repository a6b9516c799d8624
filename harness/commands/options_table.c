/* The options of all verbs, one table for parser and help. */
#include "harness/commands/options.h"
#include "harness/commands/options_internal.h"

const struct option_info option_table[] = {
    {"jobs", 'j', OPT_JOBS, "N", "run N scenarios side by side, each a process of its own [1]"},
    {"times", 'n', OPT_TIMES, "TIMES",
     "do it all this often [1]; a verdict that differs is a failure"},
    {"tag", 0, OPT_TAG, "TAG", "only scenarios with this tag (repeatable: all of them)"},
    {"var", 0, OPT_VAR, "KEY=VALUE", "set a variable of `configuration` (repeatable)"},
    {"seed", 0, OPT_SEED, "N", "the seed of content and decisions; the scenario's own otherwise"},
    {"out", 0, OPT_OUT, "DIR", "where results go [pulldrill-out]"},
    {"format", 0, OPT_FORMAT, "text|json", "the form of what is printed on stdout [text]"},
    {"format", 0, OPT_STREAM, "text|json",
     "what is printed on stdout [text]; json: each event as it happens, an object a line"},
    {"format", 0, OPT_REPORT, "FORMAT", "the form of what is printed on stdout [text], one of:"},
    {"subject", 0, OPT_SUBJECT, "NAME", "the subject that COMMAND or --variant is for"},
    {"variant", 0, OPT_VARIANT, "NAME", "run this variant of the subject"},
    {"primary", 0, OPT_PRIMARY, "HOST",
     "the name of the primary, such as quay.io: COMMAND asks for it as it ships; needs root or "
     "user namespaces, exits 77 without"},
    {"failover", 0, OPT_FAILOVER, "HOST",
     "that of the failover; with --primary alone there is none"},
    {"auth", 0, OPT_AUTH, "none|basic|token",
     "the credential they ask for, which COMMAND is given [none]; tokens are for anybody"},
    {"image", 0, OPT_IMAGE, "REF", "the image that the registries hold [ci/agent:stable]"},
    {"timeout", 0, OPT_TIMEOUT, "TIME", "how long the command may take [60s]"},
    {"listen", 0, OPT_LISTEN, "ADDR[:PORT]",
     "where subjects with the reach listen or proxy find the registries: this machine's ADDR"},
    {"advertise", 0, OPT_ADVERTISE, "NAME", "what they are told in its place [ADDR]"},
    {"inconclusive", 0, OPT_INCONCLUSIVE, "fail|pass", "exit 1 or 0 where it would be 2"},
    {"no-skip", 0, OPT_NO_SKIP, NULL, "a skipped scenario is inconclusive"},
    {"registry", 0, OPT_SERVE, "NAME",
     "a registry of that name (repeatable) [primary, or those of SCENARIO]"},
    {"image", 0, OPT_SERVE, "[REF=]FROM",
     "what every registry holds from the beginning (repeatable): oci:DIR[:NAME], "
     "oci-archive:FILE[:NAME], docker-archive:FILE[:NAME] or docker://HOST/REPO:TAG, as REF or "
     "under its own name"},
    {"store", 0, OPT_SERVE, "DIR",
     "keep what is pushed, in DIR/NAME for each registry [in memory]"},
    {"read-only", 0, OPT_SERVE, NULL, "refuse pushes and deletes"},
    {"no-sparse", 0, OPT_SERVE, NULL, "refuse manifests that name what is not there"},
    {"listen", 0, OPT_SERVE, "ADDR[:PORT]",
     "where the first listens; each further one takes the next port [127.0.0.1, free ports]"},
    {"advertise", 0, OPT_SERVE, "NAME", "what clients are told in its place [ADDR]"},
    {"tls", 0, OPT_SERVE, NULL,
     "speak TLS, by an authority of its own; the file with its certificate is printed"},
    {"auth", 0, OPT_SERVE, "none|basic|token",
     "the credential they ask for [none]; the file that holds it is printed"},
    {"files", 0, OPT_SERVE, "DIR",
     "where certificates and credentials are written [a folder that goes at the end]"},
    {"phase", 0, OPT_SERVE, "NAME", "serve this phase of SCENARIO: its faults are on all the time"},
    {"ready-file", 0, OPT_SERVE, "FILE",
     "made once everything listens: NAME ADDRESS:PORT a line; gone at the end"},
    {"record", 0, OPT_SERVE, "FILE", "write the history there, for `judge`"},
    {"quiet", 'q', OPT_QUIET, NULL, "no progress on stderr"},
};
const size_t option_table_len = sizeof option_table / sizeof option_table[0];
_Static_assert(sizeof option_table / sizeof option_table[0] <= OPTION_MAX_ROWS, "raise it");
