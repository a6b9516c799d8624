/* The catalogue: what each kind of fault is, takes and touches, in tables alone. */
#include "faults/catalogue.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/units.h"
#include "harness/history/op.h"

/* JSON integers end here in jansson, so a size given either way has one maximum. */
#define MAX_SIZE ((uint64_t)INT64_MAX)
/* A drill is minutes long: a longer delay is a stall, and has a kind of its own. */
#define MAX_DELAY (UINT64_C(86400) * CLOCK_NS_PER_S)
/* Altered bytes are copied for each answer, so their number is bounded. */
#define MAX_CORRUPT (UINT64_C(1) << 20)

#define ALL_OPS OP_REQUESTS
#define ALL_MATCH (MATCH_OP | MATCH_REF | MATCH_DIGEST | MATCH_PATH | MATCH_HEADER | MATCH_LANE)
#define ALL_WHEN                                                                                   \
    (WHEN_SKIP | WHEN_EVERY | WHEN_LIMIT | WHEN_PROBABILITY | WHEN_AFTER | WHEN_FOR | WHEN_RAMP |  \
     WHEN_PER)
/* What an image's deletion can be seen by. */
#define IMAGE_OPS                                                                                  \
    (OP_BIT(OP_MANIFEST_HEAD) | OP_BIT(OP_MANIFEST_GET) | OP_BIT(OP_BLOB_HEAD) |                   \
     OP_BIT(OP_BLOB_GET) | OP_BIT(OP_TAGS) | OP_BIT(OP_REFERRERS))
/* What is answered with a body where all is well. */
#define BODY_OPS                                                                                   \
    (OP_BIT(OP_PING) | OP_BIT(OP_TOKEN) | OP_BIT(OP_MANIFEST_GET) | OP_BIT(OP_BLOB_GET) |          \
     OP_BIT(OP_TAGS) | OP_BIT(OP_REFERRERS) | OP_BIT(OP_CATALOG))

static const char *const blobs_choices[] = {"keep", "gone", NULL};
static const char *const body_choices[] = {"oci", "html", "empty", NULL};
/* In the order of enum tls_flaw. */
static const char *const flaw_choices[] = {"expired",           "not-yet-valid", "wrong-name",
                                           "unknown-authority", "self-signed",   NULL};
static const char *const flap_choices[] = {"servfail", "nxdomain", "timeout", NULL};

static const struct fault_param_info delete_image_params[] = {
    {.name = "image",
     .param = PARAM_IMAGE,
     .type = TYPE_IMAGE,
     .required = true,
     .meaning = "the image that is gone: its tag and its manifest by digest",
     .example = "\"agent\""},
    {.name = "blobs",
     .param = PARAM_BLOBS,
     .type = TYPE_CHOICE,
     .choices = blobs_choices,
     .fallback = "keep",
     .meaning = "whether its config and layers stay or are gone too",
     .example = "\"gone\""},
};

static const struct fault_param_info stale_tag_params[] = {
    {.name = "image",
     .param = PARAM_IMAGE,
     .type = TYPE_IMAGE,
     .required = true,
     .meaning = "the image that the tag stands for while the fault is on; it lies on the registry",
     .example = "\"agent\""},
    {.name = "tag",
     .param = PARAM_TAG,
     .type = TYPE_TEXT,
     .fallback = "that of the image's ref",
     .meaning = "the tag, in the image's repository",
     .example = "\"stable\""},
};

static const struct fault_param_info status_params[] = {
    {.name = "code",
     .param = PARAM_CODE,
     .type = TYPE_INTEGER,
     .required = true,
     .min = 200,
     .max = 599,
     .meaning = "the status that takes the answer's place",
     .example = "503"},
    {.name = "body",
     .param = PARAM_BODY,
     .type = TYPE_CHOICE,
     .choices = body_choices,
     .fallback = "oci",
     .meaning = "an OCI error object, a proxy's HTML page, or nothing",
     .example = "\"html\""},
    {.name = "retry-after",
     .param = PARAM_RETRY_AFTER,
     .type = TYPE_TEXT,
     .meaning = "the value of a Retry-After header",
     .example = "1"},
    {.name = "headers",
     .param = PARAM_HEADERS,
     .type = TYPE_HEADERS,
     .meaning = "more headers of the answer",
     .example = "{\"X-Reason\": \"drill\"}"},
};

static const struct fault_param_info latency_params[] = {
    {.name = "delay",
     .param = PARAM_DELAY,
     .type = TYPE_DURATION,
     .required = true,
     .min = 1,
     .max = MAX_DELAY,
     .meaning = "the wait before the head",
     .example = "\"5s\""},
    {.name = "jitter",
     .param = PARAM_JITTER,
     .type = TYPE_DURATION,
     .max = MAX_DELAY,
     .fallback = "0s",
     .meaning = "the most that is added to or taken from the delay, evenly drawn",
     .example = "\"1s\""},
};

/* One place to stop or cut, the same for three kinds. */
static const struct fault_param_info cut_params[] = {
    {.name = "after-bytes",
     .param = PARAM_AFTER_BYTES,
     .type = TYPE_SIZE,
     .max = MAX_SIZE,
     .fallback = "before the head",
     .meaning = "how many bytes of the body come first",
     .example = "\"64KiB\""},
};

static const struct fault_param_info truncate_params[] = {
    {.name = "after-bytes",
     .param = PARAM_AFTER_BYTES,
     .type = TYPE_SIZE,
     .required = true,
     .max = MAX_SIZE,
     .meaning = "how many bytes of the promised body come",
     .example = "\"64KiB\""},
};

static const struct fault_param_info corrupt_params[] = {
    {.name = "offset",
     .param = PARAM_OFFSET,
     .type = TYPE_SIZE,
     .max = MAX_SIZE,
     .fallback = "the middle of the body",
     .meaning = "the first altered byte of the body",
     .example = "0"},
    {.name = "bytes",
     .param = PARAM_BYTES,
     .type = TYPE_SIZE,
     .min = 1,
     .max = MAX_CORRUPT,
     .fallback = "1",
     .meaning = "how many bytes have one bit flipped",
     .example = "16"},
};

static const struct fault_param_info dns_slow_params[] = {
    {.name = "delay",
     .param = PARAM_DELAY,
     .type = TYPE_DURATION,
     .required = true,
     .min = 1,
     .max = MAX_DELAY,
     .meaning = "the wait before the answer",
     .example = "\"3s\""},
    {.name = "jitter",
     .param = PARAM_JITTER,
     .type = TYPE_DURATION,
     .max = MAX_DELAY,
     .fallback = "0s",
     .meaning = "the most that is added to or taken from the delay, evenly drawn",
     .example = "\"1s\""},
};

static const struct fault_param_info dns_flap_params[] = {
    {.name = "failures",
     .param = PARAM_FAILURES,
     .type = TYPE_INTEGER,
     .min = 1,
     .max = 1000000,
     .fallback = "1",
     .meaning = "how many lookups of a name, by each start and of each type, fail first",
     .example = "3"},
    {.name = "answer",
     .param = PARAM_ANSWER,
     .type = TYPE_CHOICE,
     .choices = flap_choices,
     .fallback = "servfail",
     .meaning = "how they fail; \"timeout\" is no answer at all",
     .example = "\"timeout\""},
};

static const struct fault_param_info tls_certificate_params[] = {
    {.name = "flaw",
     .param = PARAM_FLAW,
     .type = TYPE_CHOICE,
     .required = true,
     .choices = flaw_choices,
     .meaning = "what is wrong with the certificate; it is right in all else",
     .example = "\"expired\""},
};

static const struct fault_param_info network_late_params[] = {
    {.name = "for",
     .param = PARAM_FOR,
     .type = TYPE_DURATION,
     .required = true,
     .min = 1,
     .max = MAX_DELAY,
     .meaning = "how long each start has no network at first",
     .example = "\"10s\""},
};

#define PARAMS(table) .params = (table), .param_count = sizeof(table) / sizeof((table)[0])
/* A fault that meets whole requests, shows on the wire and leaves open connections alone. */
#define ON_REQUESTS                                                                                \
    .evidence = EVIDENCE_WIRE, .existing = EXISTING_KEEP, .match_keys = ALL_MATCH,                 \
    .when_keys = ALL_WHEN

/* A fault that meets lookups of names: what is asked is the name. */
#define ON_LOOKUPS                                                                                 \
    .stage = STAGE_MACHINE, .place = PLACE_NAMES, .evidence = EVIDENCE_WIRE,                       \
    .existing = EXISTING_KEEP, .match_keys = MATCH_REF | MATCH_LANE, .when_keys = ALL_WHEN,        \
    .ops = OP_BIT(OP_LOOKUP)

/* A fault that meets handshakes, once the client has begun its own; open connections are beyond it.
 */
#define ON_HANDSHAKES                                                                              \
    .stage = STAGE_TLS, .evidence = EVIDENCE_WIRE, .existing = EXISTING_KEEP,                      \
    .match_keys = MATCH_LANE, .when_keys = ALL_WHEN, .ops = OP_BIT(OP_HANDSHAKE)

const struct fault_kind_info fault_catalogue[FAULT_KINDS] = {
    /* A machine whose port refuses is gone, and its kernel answers old connections by RST: leaving
     * them open would let keep-alive clients sail through the outage. A refused connection leaves
     * no request, so nothing but the lane can be matched and nothing can be counted; and listeners
     * close and open only as the fault is armed and healed, so its times are those of its phase. */
    [FAULT_REFUSE] = {.name = "refuse",
                      .kind = FAULT_REFUSE,
                      .stage = STAGE_LISTEN,
                      .evidence = EVIDENCE_ARMED,
                      .counter = COUNTER_ATTEMPT_FAILS,
                      .existing = EXISTING_RESET,
                      .match_keys = MATCH_LANE,
                      .meaning = "nothing listens: connections are refused"},
    [FAULT_DELETE_IMAGE] = {.name = "delete-image",
                            .kind = FAULT_DELETE_IMAGE,
                            .stage = STAGE_STORE,
                            ON_REQUESTS,
                            .ops = IMAGE_OPS,
                            PARAMS(delete_image_params),
                            .meaning = "an image is not in the registry, by tag or by digest"},
    [FAULT_STALE_TAG] = {.name = "stale-tag",
                         .kind = FAULT_STALE_TAG,
                         .stage = STAGE_STORE,
                         ON_REQUESTS,
                         .ops = OP_BIT(OP_MANIFEST_HEAD) | OP_BIT(OP_MANIFEST_GET),
                         PARAMS(stale_tag_params),
                         .meaning = "a tag stands for another image than it should: an older one, "
                                    "say, of a registry that did not get the new one"},
    [FAULT_STATUS] = {.name = "status",
                      .kind = FAULT_STATUS,
                      .stage = STAGE_RESPONSE,
                      ON_REQUESTS,
                      .ops = ALL_OPS,
                      PARAMS(status_params),
                      .meaning = "another status takes the answer's place"},
    [FAULT_LATENCY] = {.name = "latency",
                       .kind = FAULT_LATENCY,
                       .stage = STAGE_RESPONSE,
                       ON_REQUESTS,
                       .ops = ALL_OPS,
                       PARAMS(latency_params),
                       .meaning = "the answer comes late"},
    [FAULT_STALL] = {.name = "stall",
                     .kind = FAULT_STALL,
                     .stage = STAGE_BODY,
                     ON_REQUESTS,
                     .ops = ALL_OPS,
                     PARAMS(cut_params),
                     .meaning = "the answer stops, the connection stays open until the heal"},
    [FAULT_CORRUPT] = {.name = "corrupt",
                       .kind = FAULT_CORRUPT,
                       .stage = STAGE_BODY,
                       ON_REQUESTS,
                       .ops = BODY_OPS,
                       PARAMS(corrupt_params),
                       .meaning = "bytes of the body are altered, its length is not"},
    [FAULT_TRUNCATE] = {.name = "truncate",
                        .kind = FAULT_TRUNCATE,
                        .stage = STAGE_BODY,
                        ON_REQUESTS,
                        .ops = BODY_OPS,
                        PARAMS(truncate_params),
                        .meaning = "the whole length is promised, then the body ends early by FIN"},
    [FAULT_CLOSE] = {.name = "close",
                     .kind = FAULT_CLOSE,
                     .stage = STAGE_CLOSE,
                     ON_REQUESTS,
                     .ops = ALL_OPS,
                     PARAMS(cut_params),
                     .meaning = "the connection is closed by FIN"},
    [FAULT_RESET] = {.name = "reset",
                     .kind = FAULT_RESET,
                     .stage = STAGE_CLOSE,
                     ON_REQUESTS,
                     .ops = ALL_OPS,
                     PARAMS(cut_params),
                     .meaning = "the connection is reset by RST"},
    /* What is dropped says nothing to anybody: an open connection hangs like a new one. */
    [FAULT_BLACK_HOLE] = {.name = "black-hole",
                          .kind = FAULT_BLACK_HOLE,
                          .stage = STAGE_LISTEN,
                          .evidence = EVIDENCE_ARMED,
                          .counter = COUNTER_LISTEN_DROPS,
                          .existing = EXISTING_KEEP,
                          .match_keys = MATCH_LANE,
                          .meaning = "connections are neither accepted nor refused, and open ones "
                                     "hang until the heal"},
    [FAULT_DNS_NXDOMAIN] = {.name = "dns-nxdomain",
                            .kind = FAULT_DNS_NXDOMAIN,
                            ON_LOOKUPS,
                            .meaning = "its names do not exist"},
    [FAULT_DNS_TIMEOUT] = {.name = "dns-timeout",
                           .kind = FAULT_DNS_TIMEOUT,
                           ON_LOOKUPS,
                           .meaning = "lookups of its names get no answer"},
    [FAULT_DNS_SLOW] = {.name = "dns-slow",
                        .kind = FAULT_DNS_SLOW,
                        ON_LOOKUPS,
                        PARAMS(dns_slow_params),
                        .meaning = "lookups of its names are answered late"},
    [FAULT_DNS_FLAP] = {.name = "dns-flap",
                        .kind = FAULT_DNS_FLAP,
                        ON_LOOKUPS,
                        PARAMS(dns_flap_params),
                        .meaning = "the first lookups of its names fail, then they are answered"},
    [FAULT_NETWORK_LATE] = {.name = "network-late",
                            .kind = FAULT_NETWORK_LATE,
                            .stage = STAGE_MACHINE,
                            .place = PLACE_SUBJECT,
                            .evidence = EVIDENCE_WIRE,
                            .existing = EXISTING_KEEP,
                            .match_keys = MATCH_LANE,
                            .when_keys = ALL_WHEN,
                            .ops = OP_BIT(OP_START),
                            PARAMS(network_late_params),
                            .meaning = "the machine has no network when a start begins"},
    [FAULT_TLS_CERTIFICATE] = {.name = "tls-certificate",
                               .kind = FAULT_TLS_CERTIFICATE,
                               ON_HANDSHAKES,
                               PARAMS(tls_certificate_params),
                               .meaning = "its certificate is not one to be trusted"},
    [FAULT_TLS_STALL] = {.name = "tls-stall",
                         .kind = FAULT_TLS_STALL,
                         ON_HANDSHAKES,
                         .meaning = "handshakes get no answer, connections stay open until the "
                                    "heal"},
    [FAULT_TLS_RESET] = {.name = "tls-reset",
                         .kind = FAULT_TLS_RESET,
                         ON_HANDSHAKES,
                         .meaning = "handshakes are answered by RST"},
};

const char *fault_stage_name(enum fault_stage stage)
{
    static const char *const names[STAGE_COUNT] = {
        [STAGE_LISTEN] = "listen",     [STAGE_ACCEPT] = "accept", [STAGE_TLS] = "tls",
        [STAGE_REQUEST] = "request",   [STAGE_AUTH] = "auth",     [STAGE_STORE] = "store",
        [STAGE_RESPONSE] = "response", [STAGE_BODY] = "body",     [STAGE_CLOSE] = "close",
        [STAGE_MACHINE] = "machine",
    };
    return (unsigned)stage < STAGE_COUNT ? names[stage] : "unknown";
}

const char *fault_evidence_name(enum fault_evidence evidence)
{
    static const char *const names[] = {
        [EVIDENCE_WIRE] = "wire", [EVIDENCE_COUNTER] = "counter", [EVIDENCE_ARMED] = "armed"};
    return (unsigned)evidence <= EVIDENCE_ARMED ? names[evidence] : "unknown";
}

const char *fault_place_name(enum fault_place place)
{
    static const char *const names[] = {[PLACE_HOST] = "registry",
                                        [PLACE_NAMES] = "names of a registry",
                                        [PLACE_SUBJECT] = "subject"};
    return (unsigned)place <= PLACE_SUBJECT ? names[place] : "unknown";
}

const char *fault_counter_name(enum fault_counter counter)
{
    static const char *const names[COUNTER_COUNT] = {
        [COUNTER_ATTEMPT_FAILS] = "tcp-attempt-fails",
        [COUNTER_LISTEN_DROPS] = "tcp-listen-drops",
    };
    return (unsigned)counter < COUNTER_COUNT ? names[counter] : NULL;
}

const struct fault_kind_info *fault_kind_find(const char *name)
{
    for (size_t i = 0; i < FAULT_KINDS; i++) {
        if (strcmp(fault_catalogue[i].name, name) == 0) {
            return &fault_catalogue[i];
        }
    }
    return NULL;
}

/* `"oci", "html" or "empty"`: at most a handful, so a cut text is a broken table. */
void fault_choices_form(const char *const *choices, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; choices[i] && used < size; i++) {
        const char *before = i == 0 ? "" : choices[i + 1] ? ", " : " or ";
        int n = snprintf(text + used, size - used, "%s\"%s\"", before, choices[i]);

        used += n > 0 ? (size_t)n : 0;
    }
}

static void size_form(const struct fault_param_info *info, char *text, size_t size)
{
    char max[32];

    if (info->max == MAX_SIZE) {
        (void)snprintf(text, size, "a number of bytes or a size such as \"64KiB\"");
        return;
    }
    units_size_text(info->max, max);
    (void)snprintf(text, size, "a size from %llu to %s", (unsigned long long)info->min, max);
}

void fault_param_form(const struct fault_param_info *info, char *text, size_t size)
{
    switch (info->type) {
    case TYPE_IMAGE:
        (void)snprintf(text, size, "the name of an image of this scenario");
        break;
    case TYPE_CHOICE:
        fault_choices_form(info->choices, text, size);
        break;
    case TYPE_INTEGER:
        (void)snprintf(text, size, "an integer from %llu to %llu", (unsigned long long)info->min,
                       (unsigned long long)info->max);
        break;
    case TYPE_DURATION:
        (void)snprintf(text, size, "a duration %ssuch as \"250ms\" or \"5s\", at most a day",
                       info->min > 0 ? "above 0 " : "");
        break;
    case TYPE_SIZE:
        size_form(info, text, size);
        break;
    case TYPE_TEXT:
        (void)snprintf(text, size, "a string or an integer");
        break;
    case TYPE_HEADERS:
        (void)snprintf(text, size, "an object of strings such as {\"X-Reason\": \"drill\"}");
        break;
    }
}
