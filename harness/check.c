/* What every check shares: reading its parameters against its table, and writing its result. */
#include "harness/check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/units.h"
#include "harness/history/op.h"

/* The longest text of a result, and the most events one reason cites. */
#define CHECK_MAX_TEXT (16u << 10)
#define CHECK_MAX_EVENTS 64

/* The keys that are not in a check's own table. */
#define COMMON_KEYS 5

/* ---- reading ------------------------------------------------------------------------------ */

static const char *type_words(enum check_param_type type)
{
    switch (type) {
    case CHECK_REGISTRY:
        return "the name of a registry";
    case CHECK_COUNT:
        return "a whole number from 0";
    case CHECK_SHARE:
        return "a share such as \"100%\", or a whole number of starts";
    case CHECK_DURATION:
        return "a duration such as \"2s\"";
    case CHECK_CHOICE:
        return "one of its words";
    case CHECK_OP:
        return "an operation such as \"manifest-get\", or a glob such as \"blob-*\"";
    case CHECK_GLOBS:
        return "a glob such as \"*.example.com\", or an array of at most 64 of them";
    }
    return "something else";
}

static int complain_type(const struct check_param *param, struct doc_at at, struct err *e)
{
    return doc_complain(e, at, "\"%s\" is not right here; it must be %s", param->name,
                        type_words(param->type));
}

/* Finds AT's string among COUNT names. WHAT is the kind of thing, for the complaint. */
static int find_name(struct doc_at at, const char *what, const void *names, size_t count,
                     size_t stride, struct err *e)
{
    const char *word = json_string_value(at.value);
    if (!word) {
        return doc_complain(e, at, "this must be the %s's name, in quotes", what);
    }
    for (size_t i = 0; i < count; i++) {
        const char *const *name = (const void *)((const char *)names + i * stride);
        if (strcmp(*name, word) == 0) {
            return (int)i;
        }
    }
    const char *near = count > 0 ? doc_nearest(word, names, count, stride) : NULL;
    if (near) {
        return doc_complain(e, at, "there is no %s \"%s\"; did you mean \"%s\"?", what, word, near);
    }
    return doc_complain(e, at, "there is no %s \"%s\"; it must be one of the scenario's", what,
                        word);
}

static int find_registry(struct doc_at at, const struct scenario *s, struct err *e)
{
    return find_name(at, "registry", s->registries, s->registry_count, sizeof s->registries[0], e);
}

static int read_count(const struct check_param *param, struct doc_at at, struct check_value *out,
                      struct err *e)
{
    if (!json_is_integer(at.value) || json_integer_value(at.value) < 0) {
        return complain_type(param, at, e);
    }
    out->number = (uint64_t)json_integer_value(at.value);
    return 0;
}

static int read_share(const struct check_param *param, struct doc_at at, struct check_value *out,
                      struct err *e)
{
    if (!json_is_string(at.value)) {
        return read_count(param, at, out, e);
    }
    if (units_share(json_string_value(at.value), &out->share) != 0) {
        return complain_type(param, at, e);
    }
    out->is_share = true;
    return 0;
}

static size_t count_choices(const char *const *choices)
{
    size_t n = 0;
    while (choices[n]) {
        n++;
    }
    return n;
}

static int read_choice(const struct check_param *param, struct doc_at at, struct check_value *out,
                       struct err *e)
{
    size_t count = count_choices(param->choices);
    const char *word = json_string_value(at.value);
    for (size_t i = 0; word && i < count; i++) {
        if (strcmp(param->choices[i], word) == 0) {
            out->number = i;
            return 0;
        }
    }
    struct buf words;
    buf_init(&words, CHECK_MAX_TEXT);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&words, "%s\"%s\"", i == 0 ? "" : ", ", param->choices[i]);
    }
    doc_complain(e, at, "\"%s\" must be one of %s", param->name, words.data ? words.data : "");
    buf_close(&words);
    return -1;
}

/* The most globs of one parameter. */
#define MAX_GLOBS 64

static bool is_glob(const json_t *value)
{
    return json_is_string(value) && json_string_length(value) > 0;
}

static int read_globs(const struct check_param *param, struct doc_at at, struct check_value *out,
                      struct err *e)
{
    struct doc_iter it = doc_iterate(at);
    struct doc_at element;
    out->globs = at.value;
    if (!json_is_array(at.value)) {
        return is_glob(at.value) ? 0 : complain_type(param, at, e);
    }
    if (doc_size(at) == 0 || doc_size(at) > MAX_GLOBS) {
        return complain_type(param, at, e);
    }
    while (doc_next(&it, NULL, NULL, &element)) {
        if (!is_glob(element.value)) {
            return complain_type(param, element, e);
        }
    }
    return 0;
}

static int read_value(const struct check_param *param, struct doc_at at, const struct scenario *s,
                      struct check_value *out, struct err *e)
{
    const char *text = json_string_value(at.value);
    out->set = true;
    out->text = text;
    switch (param->type) {
    case CHECK_REGISTRY: {
        int index = find_registry(at, s, e);
        out->number = index < 0 ? 0 : (uint64_t)index;
        return index < 0 ? -1 : 0;
    }
    case CHECK_COUNT:
        return read_count(param, at, out, e);
    case CHECK_SHARE:
        return read_share(param, at, out, e);
    case CHECK_DURATION:
        if (!text || units_duration(text, &out->number) != 0) {
            return complain_type(param, at, e);
        }
        return 0;
    case CHECK_CHOICE:
        return read_choice(param, at, out, e);
    case CHECK_OP:
        out->number = text ? op_set(text) & OP_REQUESTS : 0;
        return out->number == 0 ? complain_type(param, at, e) : 0;
    case CHECK_GLOBS:
        return read_globs(param, at, out, e);
    }
    return err_set(e, ERR_INTERNAL, "parameter \"%s\" has no type", param->name);
}

/* The keys that narrow any check. 1: KEY was one of them; 0: it was not; -1: it was wrong. */
static int read_scope(struct check *c, const char *key, struct doc_at at, const struct scenario *s,
                      struct err *e)
{
    int *target = NULL;
    if (strcmp(key, "subject") == 0 && (c->info->scope & SCOPE_SUBJECT)) {
        target = &c->subject;
        *target = find_name(at, "subject", s->subjects, s->subject_count, sizeof s->subjects[0], e);
    } else if (strcmp(key, "image") == 0 && (c->info->scope & SCOPE_IMAGE)) {
        target = &c->image;
        *target = find_name(at, "image", s->images, s->image_count, sizeof s->images[0], e);
    } else if (strcmp(key, "during") == 0 && (c->info->scope & SCOPE_DURING)) {
        target = &c->during;
        *target = find_name(at, "phase", s->phases, s->phase_count, sizeof s->phases[0], e);
    }
    if (!target) {
        return 0;
    }
    return *target < 0 ? -1 : 1;
}

/* The keys an entry of INFO may have, for complaints. Returns how many. */
static size_t known_keys(const struct check_info *info,
                         const char *out[CHECK_MAX_PARAMS + COMMON_KEYS])
{
    size_t n = 0;
    out[n++] = "check";
    out[n++] = "name";
    for (size_t i = 0; i < info->param_count && i < CHECK_MAX_PARAMS; i++) {
        out[n++] = info->params[i].name;
    }
    if (info->scope & SCOPE_SUBJECT) {
        out[n++] = "subject";
    }
    if (info->scope & SCOPE_IMAGE) {
        out[n++] = "image";
    }
    if (info->scope & SCOPE_DURING) {
        out[n++] = "during";
    }
    return n;
}

static int complain_key(const struct check_info *info, const char *key, struct doc_at at,
                        struct err *e)
{
    const char *keys[CHECK_MAX_PARAMS + COMMON_KEYS];
    size_t count = known_keys(info, keys);
    const char *near = doc_nearest(key, keys, count, sizeof keys[0]);
    if (near) {
        return doc_complain(e, at, "check \"%s\" takes no \"%s\"; did you mean \"%s\"?", info->name,
                            key, near);
    }
    struct buf words;
    buf_init(&words, CHECK_MAX_TEXT);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&words, "%s%s", i == 0 ? "" : ", ", keys[i]);
    }
    doc_complain(e, at, "check \"%s\" takes no \"%s\"; it takes %s", info->name, key,
                 words.data ? words.data : "nothing");
    buf_close(&words);
    return -1;
}

static int read_member(struct check *c, const char *key, struct doc_at key_at, struct doc_at at,
                       const struct scenario *s, struct err *e)
{
    if (strcmp(key, "check") == 0 || strcmp(key, "name") == 0 || strncmp(key, "x-", 2) == 0) {
        return 0;
    }
    int scoped = read_scope(c, key, at, s, e);
    if (scoped != 0) {
        return scoped < 0 ? -1 : 0;
    }
    for (size_t i = 0; i < c->info->param_count && i < CHECK_MAX_PARAMS; i++) {
        if (strcmp(c->info->params[i].name, key) == 0) {
            return read_value(&c->info->params[i], at, s, &c->value[i], e);
        }
    }
    return complain_key(c->info, key, key_at, e);
}

static int read_required(const struct check *c, struct doc_at entry, struct err *e)
{
    for (size_t i = 0; i < c->info->param_count && i < CHECK_MAX_PARAMS; i++) {
        const struct check_param *param = &c->info->params[i];
        if (param->required && !c->value[i].set) {
            return doc_complain(e, entry, "check \"%s\" needs \"%s\": %s", c->info->name,
                                param->name, type_words(param->type));
        }
    }
    return 0;
}

int check_read(struct check *c, const struct check_info *info, struct doc_at entry,
               const struct scenario *s, struct err *e)
{
    c->info = info;
    memset(c->value, 0, sizeof c->value);
    c->subject = c->image = c->during = -1;
    if (!entry.doc) {
        return 0;
    }
    if (!json_is_object(entry.value)) {
        return doc_complain(e, entry, "this must be an object such as {\"check\": \"%s\"}",
                            info->name);
    }
    struct doc_iter it = doc_iterate(entry);
    const char *key;
    struct doc_at key_at, at;
    while (doc_next(&it, &key, &key_at, &at)) {
        if (read_member(c, key, key_at, at, s, e) != 0) {
            return -1;
        }
    }
    if (read_required(c, entry, e) != 0) {
        return -1;
    }
    return info->accept ? info->accept(c, entry, e) : 0;
}

/* ---- results ------------------------------------------------------------------------------ */

static const char *text_of(struct arena *a, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static const char *text_of(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    size_t size = len > 0 ? (size_t)len + 1 : 1;
    char *text = arena_alloc(a, size < CHECK_MAX_TEXT ? size : CHECK_MAX_TEXT, 1);
    if (text) {
        (void)vsnprintf(text, size < CHECK_MAX_TEXT ? size : CHECK_MAX_TEXT, fmt, ap);
    }
    return text;
}

void check_result(struct check *c, enum verdict_kind verdict, const char *actual_fmt, ...)
{
    va_list ap;
    va_start(ap, actual_fmt);
    c->out->actual = text_of(c->arena, actual_fmt, ap);
    va_end(ap);
    c->out->verdict = verdict;
    c->out->judged = true;
}

void check_expected(struct check *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    c->out->expected = text_of(c->arena, fmt, ap);
    va_end(ap);
}

static void reason_set(struct check *c, struct verdict_reason *reason, const uint64_t *events)
{
    size_t count = 0;
    while (events && events[count] != 0 && count < CHECK_MAX_EVENTS) {
        count++;
    }
    uint64_t *copy = arena_alloc(c->arena, count > 0 ? count : 1, sizeof *copy);
    if (copy && count > 0) {
        memcpy(copy, events, count * sizeof *copy);
    }
    reason->events = copy;
    reason->event_count = copy ? count : 0;
}

void check_reason(struct check *c, const uint64_t *events, const char *fmt, ...)
{
    struct verdict_check *out = c->out;
    if (!out->reasons) {
        out->reasons = arena_alloc(c->arena, CHECK_MAX_REASONS, sizeof out->reasons[0]);
        if (!out->reasons) {
            return;
        }
    }
    c->reasons_given++;
    if (c->reasons_given > CHECK_MAX_REASONS) {
        struct verdict_reason *last = &out->reasons[CHECK_MAX_REASONS - 1];
        last->text =
            arena_printf(c->arena, "and %zu more", c->reasons_given - (CHECK_MAX_REASONS - 1));
        last->event_count = 0;
        return;
    }
    struct verdict_reason *reason = &out->reasons[out->reason_count++];
    va_list ap;
    va_start(ap, fmt);
    reason->text = text_of(c->arena, fmt, ap);
    va_end(ap);
    reason_set(c, reason, events);
}

/* Whether START is about IMAGE. One that was told no digest is, unless all it asked for was of
 * other images: a start that never came that far must not fall out of the count. */
static bool covers_image(int image, const struct pull_start *start)
{
    if (image < 0 || start->image == image) {
        return true;
    }
    if (start->image >= 0) {
        return false;
    }
    return start->asked == 0 || ((start->asked >> image) & 1) != 0;
}

bool check_covers(const struct check *c, const struct pull_start *start)
{
    return !start->control && !start->stopped && (c->subject < 0 || c->subject == start->subject) &&
           (c->during < 0 || c->during == start->phase) && covers_image(c->image, start);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t check_percentile(uint64_t *values, size_t n, double p)
{
    if (n == 0) {
        return 0;
    }
    qsort(values, n, sizeof values[0], compare_u64);
    double exact = p * (double)n;
    size_t rank = exact > 0 ? (size_t)exact : 0;
    /* Nearest rank: rounded up, but 0.95 x 20 must not become 20 for a stray last bit. */
    if (exact - (double)rank > 1e-9) {
        rank++;
    }
    rank = rank < 1 ? 1 : rank;
    return values[rank > n ? n - 1 : rank - 1];
}
