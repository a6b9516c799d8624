/* The command line: one table for the parser and for --help. */
#include "scenarios/subjects/lib/pull_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/digest.h"
#include "harness/base/clock.h"
#include "harness/base/units.h"

enum option_id {
    OPT_POLICY = 256,
    OPT_PRIMARY,
    OPT_FAILOVER,
    OPT_DIGEST,
    OPT_OUT,
    OPT_RESULT,
    OPT_ATTEMPTS,
    OPT_CONNECT_TIMEOUT,
    OPT_HEAD_TIMEOUT,
    OPT_LOW_SPEED_TIME,
    OPT_LOW_SPEED_LIMIT,
    OPT_DEADLINE,
    OPT_BACKOFF_BASE,
    OPT_BACKOFF_MAX,
    OPT_SCHEME,
    OPT_PLATFORM,
    OPT_BAKED_IN,
    OPT_INTERFACE,
    OPT_INTERFACE_LABEL,
    OPT_SEED,
    OPT_HELP,
};

static const struct {
    const char *name;
    enum option_id id;
    const char *value; /* NULL: takes none */
    const char *meaning;
} table[] = {
    {"policy", OPT_POLICY, "P", "naive, retry or failover (the default)"},
    {"primary", OPT_PRIMARY, "HOST:PORT", "default: $PULLDRILL_REGISTRY_PRIMARY"},
    {"failover", OPT_FAILOVER, "HOST:PORT",
     "may be repeated; default: $PULLDRILL_REGISTRY_FAILOVER"},
    {"digest", OPT_DIGEST, "D",
     "what the tag must stand for; a registry with another is passed over"},
    {"out", OPT_OUT, "DIR", "the OCI image layout; default: $PULLDRILL_START_DIR/layout, ./layout"},
    {"result", OPT_RESULT, "FILE", "default: $PULLDRILL_RESULT, else none is written"},
    {"attempts", OPT_ATTEMPTS, "N",
     "at one object on one registry; default: 2, under retry 10, under naive always 1"},
    {"connect-timeout", OPT_CONNECT_TIMEOUT, "TIME", "default: 1s"},
    {"head-timeout", OPT_HEAD_TIMEOUT, "TIME", "to the first byte of an answer; default: 1s"},
    {"low-speed-time", OPT_LOW_SPEED_TIME, "TIME", "a body is stalled when in this time; 1s"},
    {"low-speed-limit", OPT_LOW_SPEED_LIMIT, "SIZE", "fewer bytes than this arrive; 1KiB"},
    {"deadline", OPT_DEADLINE, "TIME", "for the whole start; default: 15s"},
    {"backoff-base", OPT_BACKOFF_BASE, "TIME", "longest wait before the second try; 50ms"},
    {"backoff-max", OPT_BACKOFF_MAX, "TIME", "longest wait before any try; default: 2s"},
    {"scheme", OPT_SCHEME, "S", "http (the default) or https"},
    {"platform", OPT_PLATFORM, "OS/ARCH", "what is taken of an index; default: this machine's"},
    {"baked-in", OPT_BAKED_IN, "DIR", "an OCI image layout to use when no registry gave the image"},
    {"interface", OPT_INTERFACE, "VALUE", "the baked-in image is refused where its label differs"},
    {"interface-label", OPT_INTERFACE_LABEL, "NAME",
     "that label; default: org.pulldrill.interface"},
    {"seed", OPT_SEED, "N", "makes the jitter repeatable"},
    {"help", OPT_HELP, NULL, "this text"},
};
#define TABLE_COUNT (sizeof(table) / sizeof(table[0]))

void pull_options_help(FILE *to)
{
    fputs(
        "usage: build-start [options] REPOSITORY:TAG\n"
        "Pulls an image from the primary registry, or from a failover when the primary fails.\n"
        "The interface of a pulled image is not looked at: its tag is what the registry says now.\n"
        "Exit: 0 the whole image is there, 1 it is not, 2 the command line is wrong.\n\n",
        to);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        fprintf(to, "  --%-16s %-10s %s\n", table[i].name,
                table[i].value != NULL ? table[i].value : "", table[i].meaning);
}

void pull_registry_name(size_t registry, char name[24])
{
    if (registry == 0)
        snprintf(name, 24, "primary");
    else if (registry == 1)
        snprintf(name, 24, "failover");
    else
        snprintf(name, 24, "failover-%u", (unsigned)registry);
}

static int read_policy(const char *text, struct pull_options *o, struct err *e)
{
    if (strcmp(text, "naive") == 0)
        o->policy = PULL_NAIVE;
    else if (strcmp(text, "retry") == 0)
        o->policy = PULL_RETRY;
    else if (strcmp(text, "failover") == 0)
        o->policy = PULL_FAILOVER;
    else
        return err_set(e, ERR_USAGE, "--policy %s: naive, retry or failover is needed", text);
    return 0;
}

static int read_endpoint(const char *text, size_t place, struct pull_options *o, struct err *e)
{
    if (place >= PULL_MAX_REGISTRIES)
        return err_set(e, ERR_USAGE, "more than %d registries", PULL_MAX_REGISTRIES);
    if (!pull_endpoint_valid(text))
        return err_set(e, ERR_USAGE, "\"%s\" is no registry: HOST:PORT is needed", text);
    o->registries[place] = text;
    if (place >= o->registry_count)
        o->registry_count = place + 1;
    return 0;
}

static int read_count(const char *text, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || *out < min || *out > max)
        return err_set(e, ERR_USAGE, "\"%s\" is no number from %llu to %llu", text,
                       (unsigned long long)min, (unsigned long long)max);
    return 0;
}

/* Zero would mean "at once" here and "never" to libcurl, so only a back-off may be 0. */
static int read_time(const char *text, uint64_t min_ns, uint64_t *out, struct err *e)
{
    if (units_duration(text, out) != 0 || *out < min_ns || *out > UINT64_C(86400) * CLOCK_NS_PER_S)
        return err_set(e, ERR_USAGE, "\"%s\" is no duration such as 250ms or 5s", text);
    return 0;
}

static int read_digest(const char *text, struct pull_options *o, struct err *e)
{
    if (!digest_valid(text))
        return err_set(e, ERR_USAGE, "--digest %.80s: sha256:… is needed", text);
    o->digest = text;
    return 0;
}

static int read_scheme(const char *text, struct pull_options *o, struct err *e)
{
    if (strcmp(text, "http") != 0 && strcmp(text, "https") != 0)
        return err_set(e, ERR_USAGE, "--scheme %s: http or https is needed", text);
    o->scheme = text;
    return 0;
}

static int read_platform(const char *text, struct pull_options *o, struct err *e)
{
    if (!image_platform_parse(text, &o->platform))
        return err_set(e, ERR_USAGE, "--platform %.80s: OS/ARCH[/VARIANT] is needed", text);
    return 0;
}

static int read_attempts(const char *text, struct pull_options *o, struct err *e)
{
    uint64_t n;

    if (read_count(text, 1, PULL_MAX_ATTEMPTS, &n, e) != 0)
        return -1;
    o->attempts = (unsigned)n;
    return 0;
}

static int read_option(enum option_id id, const char *text, struct pull_options *o, struct err *e)
{
    switch (id) {
    case OPT_POLICY:
        return read_policy(text, o, e);
    case OPT_PRIMARY:
        return read_endpoint(text, 0, o, e);
    case OPT_FAILOVER:
        return read_endpoint(text, o->registry_count > 0 ? o->registry_count : 1, o, e);
    case OPT_DIGEST:
        return read_digest(text, o, e);
    case OPT_OUT:
        o->out = text;
        return 0;
    case OPT_RESULT:
        o->result = text;
        return 0;
    case OPT_ATTEMPTS:
        return read_attempts(text, o, e);
    case OPT_CONNECT_TIMEOUT:
        return read_time(text, CLOCK_NS_PER_MS, &o->limits.connect_ns, e);
    case OPT_HEAD_TIMEOUT:
        return read_time(text, CLOCK_NS_PER_MS, &o->limits.head_ns, e);
    case OPT_LOW_SPEED_TIME:
        return read_time(text, CLOCK_NS_PER_MS, &o->limits.low_speed_ns, e);
    case OPT_LOW_SPEED_LIMIT:
        if (units_size(text, &o->limits.low_speed) != 0)
            return err_set(e, ERR_USAGE, "\"%s\" is no size such as 1KiB", text);
        return 0;
    case OPT_DEADLINE:
        return read_time(text, CLOCK_NS_PER_MS, &o->deadline_ns, e);
    case OPT_BACKOFF_BASE:
        return read_time(text, 0, &o->backoff.base_ns, e);
    case OPT_BACKOFF_MAX:
        return read_time(text, 0, &o->backoff.max_ns, e);
    case OPT_SCHEME:
        return read_scheme(text, o, e);
    case OPT_PLATFORM:
        return read_platform(text, o, e);
    case OPT_BAKED_IN:
        o->baked_in = text;
        return 0;
    case OPT_INTERFACE:
        o->interface = text;
        return 0;
    case OPT_INTERFACE_LABEL:
        o->interface_label = text;
        return 0;
    case OPT_SEED:
        o->seeded = true;
        return read_count(text, 0, UINT64_MAX, &o->seed, e);
    case OPT_HELP:
        break;
    }
    o->help = true;
    return 0;
}

static void set_defaults(struct pull_options *o)
{
    memset(o, 0, sizeof(*o));
    o->policy = PULL_FAILOVER;
    o->scheme = "http";
    o->result = getenv("PULLDRILL_RESULT");
    o->interface_label = "org.pulldrill.interface";
    pull_platform_host(&o->platform);
    o->limits.connect_ns = CLOCK_NS_PER_S;
    o->limits.head_ns = CLOCK_NS_PER_S;
    o->limits.low_speed_ns = CLOCK_NS_PER_S;
    o->limits.low_speed = 1024;
    o->deadline_ns = 15 * CLOCK_NS_PER_S;
    o->backoff.base_ns = 50 * CLOCK_NS_PER_MS;
    o->backoff.max_ns = 2 * CLOCK_NS_PER_S;
}

/* What the command line left open and the drill's environment says. */
static int fill_from_environment(struct pull_options *o, struct err *e)
{
    const char *primary = getenv("PULLDRILL_REGISTRY_PRIMARY");
    const char *failover = getenv("PULLDRILL_REGISTRY_FAILOVER");

    if (o->registries[0] == NULL && primary != NULL && read_endpoint(primary, 0, o, e) != 0)
        return -1;
    if (o->registries[0] == NULL)
        return err_set(e, ERR_USAGE, "--primary HOST:PORT is needed");
    if (o->registry_count == 1 && failover != NULL)
        return read_endpoint(failover, 1, o, e);
    return 0;
}

static int read_all(int argc, char **argv, struct pull_options *o, struct err *e)
{
    struct option longs[TABLE_COUNT + 1];
    int id;

    memset(longs, 0, sizeof(longs));
    for (size_t i = 0; i < TABLE_COUNT; i++)
        longs[i] =
            (struct option){table[i].name, table[i].value != NULL ? required_argument : no_argument,
                            NULL, (int)table[i].id};
    optind = 0;
    opterr = 0;
    while ((id = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (id == '?')
            return err_set(e, ERR_USAGE, "%s: unknown, ambiguous or without its value",
                           argv[optind - 1]);
        if (read_option((enum option_id)id, optarg, o, e) != 0)
            return -1;
    }
    return 0;
}

int pull_options_parse(int argc, char **argv, struct pull_options *o, struct err *e)
{
    set_defaults(o);
    if (read_all(argc, argv, o, e) != 0)
        return -1;
    if (o->help)
        return 0;
    if (optind + 1 != argc)
        return err_set(e, ERR_USAGE, "one REPOSITORY:TAG is needed");
    if (fill_from_environment(o, e) != 0)
        return -1;
    return pull_reference_parse(argv[optind], &o->image, e);
}
