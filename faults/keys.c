/* The keys of a fault, its `match` and its `when`, which every kind shares; a kind's own parameters
 * are in the catalogue. Parser, schema and reference read these tables. */
#include "faults/catalogue.h"
#include "harness/base/clock.h"
#include "harness/history/op.h"

#define LEN(table) (sizeof(table) / sizeof((table)[0]))
#define KEYS(table) .keys = (table), .key_count = LEN(table)

#define GLOB(what)                                                                                 \
    {                                                                                              \
        .form = KEY_TEXT, .min = 1, .shown = "glob over " what                                     \
    }

static const char *op_word(size_t i)
{
    return i < OP_REQUEST_COUNT ? op_name((enum op)i) : NULL;
}

static const char *kind_word(size_t i)
{
    return i < FAULT_KINDS ? fault_catalogue[i].name : NULL;
}

/* ---- match ---- */

#define OP_GLOB "[*?\\[]"
static const struct key_value op_forms[] = {
    {.form = KEY_CHOICE, .word_at = op_word, .expanded = true},
    {.form = KEY_TEXT, .pattern = OP_GLOB}};
static const struct key_value op_value = {
    .form = KEY_ONE_OF, .of = op_forms, .of_count = LEN(op_forms)};
static const struct key_value op_or_ops[] = {
    {.form = KEY_CHOICE, .word_at = op_word, .expanded = true},
    {.form = KEY_TEXT, .pattern = OP_GLOB},
    {.form = KEY_LIST, .min = 1, .of = &op_value}};

static const struct key header_keys[] = {
    {.name = "name",
     .value = {.form = KEY_TEXT,
               .pattern = "^[-!#$%&'*+.^_`|~0-9A-Za-z]+$",
               .shown = "name of a header"},
     .required = true,
     .meaning = "the header of the request",
     .example = "\"User-Agent\""},
    {.name = "value",
     .value = GLOB("its value"),
     .fallback = "\"*\"",
     .meaning = "what it holds; without it: that it was sent",
     .example = "\"containerd/*\""},
};
const struct key_level fault_level_header = {.what = "\"header\"",
                                             .name = "header",
                                             .meaning = "a request header and what it holds",
                                             KEYS(header_keys)};

static const struct key match_keys[] = {
    {.name = "op",
     .value = {.form = KEY_ONE_OF,
               .of = op_or_ops,
               .of_count = LEN(op_or_ops),
               .shown = "an operation, a glob over them, or an array of both"},
     .fallback = "all that the kind can act on",
     .meaning = "which operations",
     .example = "\"manifest-*\""},
    {.name = "ref",
     .value = GLOB("references"),
     .fallback = "any",
     .meaning = "repository:tag or repository@digest as asked, or the tag, the digest or the "
                "repository alone",
     .example = "\"ci/agent:*\""},
    {.name = "digest",
     .value = GLOB("digests"),
     .fallback = "any",
     .meaning = "the digest asked for, or that the tag stands for",
     .example = "\"sha256:0a*\""},
    {.name = "path",
     .value = GLOB("paths"),
     .fallback = "any",
     .meaning = "the path of the request, without its query",
     .example = "\"/v2/ci/*\""},
    {.name = "header",
     .value = {.form = KEY_LEVEL, .level = &fault_level_header},
     .fallback = "any",
     .meaning = "a request header and a glob over its value",
     .example = "{\"name\": \"User-Agent\", \"value\": \"*\"}"},
    {.name = "lane",
     .value = {.form = KEY_COUNT, .min = 1},
     .fallback = "any",
     .meaning = "the number of a lane, from 1",
     .example = "1"},
};
const struct key_level fault_level_match = {.what = "\"match\"",
                                            .name = "match",
                                            .meaning = "which requests a fault meets; all must fit",
                                            KEYS(match_keys)};

/* ---- when ---- */

/* Counting to none would make a fault that never acts (`limit`) or a division by it (`every`), so
 * only `skip` may be 0. */
static const char *const per_words[] = {"start", "connection", "client", "drill", NULL};
static const struct key count_keys[] = {
    {.name = "count",
     .value = {.form = KEY_COUNT},
     .required = true,
     .meaning = "the number itself",
     .example = "3"},
    {.name = "per",
     .value = {.form = KEY_CHOICE, .words = per_words, .expanded = true},
     .fallback = "that of \"when\"",
     .meaning = "what the number is counted by",
     .example = "\"start\""},
};
const struct key_level fault_level_count = {.what = "a count",
                                            .name = "count",
                                            .meaning = "a number, and what it is counted by",
                                            KEYS(count_keys)};

#define COUNT_SHOWN "count, or `{\"count\": …, \"per\": …}`"
static const struct key_value count_from_0[] = {{.form = KEY_COUNT},
                                                {.form = KEY_LEVEL, .level = &fault_level_count}};
static const struct key_value count_from_1[] = {{.form = KEY_COUNT, .min = 1},
                                                {.form = KEY_LEVEL, .level = &fault_level_count}};

/* Far beyond any drill, so that sums of times never overflow. */
#define A_DAY (UINT64_C(86400) * CLOCK_NS_PER_S)
#define WINDOW(least, words)                                                                       \
    {                                                                                              \
        .form = KEY_DURATION, .min = (least), .max = A_DAY, .expanded = true, .shown = (words)     \
    }
static const struct key when_keys[] = {
    {.name = "skip",
     .value = {.form = KEY_ONE_OF, .of = count_from_0, .of_count = 2, .shown = COUNT_SHOWN},
     .fallback = "0",
     .meaning = "let the first n pass",
     .example = "2"},
    {.name = "every",
     .value = {.form = KEY_ONE_OF, .of = count_from_1, .of_count = 2, .shown = COUNT_SHOWN},
     .fallback = "1",
     .meaning = "then act on each n-th only",
     .example = "3"},
    {.name = "limit",
     .value = {.form = KEY_ONE_OF, .of = count_from_1, .of_count = 2, .shown = COUNT_SHOWN},
     .fallback = "no limit",
     .meaning = "act at most n times",
     .example = "{\"count\": 1, \"per\": \"start\"}"},
    {.name = "probability",
     .value = {.form = KEY_NUMBER, .max = 1},
     .fallback = "1",
     .meaning = "act on this part of them, drawn from the seed",
     .example = "0.25"},
    {.name = "after",
     .value = WINDOW(0, "duration, at most a day"),
     .fallback = "\"0s\"",
     .meaning = "from this long after its beginning",
     .example = "\"5s\""},
    {.name = "for",
     .value = WINDOW(1, "duration above 0, at most a day"),
     .fallback = "to the heal",
     .meaning = "for this long from there",
     .example = "\"10s\""},
    {.name = "ramp",
     .value = WINDOW(1, "duration above 0, at most a day"),
     .fallback = "none",
     .meaning = "the probability rises from 0 over this time",
     .example = "\"5s\""},
    {.name = "per",
     .value = {.form = KEY_CHOICE, .words = per_words, .expanded = true},
     .fallback = "\"drill\"",
     .meaning = "what skip, every and limit are counted by, unless they say",
     .example = "\"start\""},
};
const struct key_level fault_level_when = {.what = "\"when\"",
                                           .name = "when",
                                           .meaning =
                                               "on which of the requests that fit the fault acts",
                                           KEYS(when_keys)};

/* ---- a fault ---- */

static const char *const existing_words[] = {"keep", "close", "reset", NULL};
static const struct key fault_keys[] = {
    {.name = "on",
     .value = {.form = KEY_TEXT,
               .pattern = "^[a-z0-9][a-z0-9-]{0,63}(/(token|blobs))?$",
               .shown = "name of a registry or of a host of it; of a subject for some kinds"},
     .required = true,
     .meaning = "the registry it acts on, or its host of tokens (`primary/token`) or of blobs "
                "(`primary/blobs`); the subject, for kinds that act on its machine",
     .example = "\"primary\""},
    {.name = "kind",
     .value =
         {.form = KEY_CHOICE, .word_at = kind_word, .expanded = true, .shown = "a kind of fault"},
     .required = true,
     .meaning = "what it does; its parameters stand beside it",
     .example = "\"status\""},
    {.name = "match",
     .value = {.form = KEY_LEVEL, .level = &fault_level_match},
     .fallback = "every request that the kind can act on",
     .meaning = "which requests it meets",
     .example = "{\"op\": \"manifest-*\"}"},
    {.name = "when",
     .value = {.form = KEY_LEVEL, .level = &fault_level_when},
     .fallback = "always",
     .meaning = "on which of those it acts",
     .example = "{\"limit\": 3}"},
    {.name = "existing",
     .value = {.form = KEY_CHOICE, .words = existing_words, .expanded = true},
     .fallback = "that of the kind",
     .meaning = "open connections when it begins: left alone, closed by FIN, reset by RST",
     .example = "\"reset\""},
    {.name = "min-fired",
     .value = {.form = KEY_COUNT},
     .fallback = "1",
     .meaning = "how often it must act for its phase to count",
     .example = "10"},
    {.name = "exposure",
     .value = {.form = KEY_SHARE, .expanded = true},
     .fallback = "\"80%\"",
     .meaning = "the share of its phase's starts that must meet it",
     .example = "\"50%\""},
};
const struct key_level fault_level = {
    .what = "a fault",
    .name = "fault",
    .meaning = "a rule that breaks a registry: where, what, on which requests, when",
    KEYS(fault_keys)};

unsigned fault_key_bit(const struct key_level *level, const struct key *key)
{
    return 1u << (key - level->keys);
}
