/* Phrases that several formats share. */
#include "reports/words.h"

#include <inttypes.h>
#include <string.h>

#include "reports/escape.h"

#define SHOWN_EVENTS 5

const char *words_or(const char *s, const char *otherwise)
{
    return s != NULL && s[0] != '\0' ? s : otherwise;
}

const char *words_verdict(enum verdict_kind v)
{
    switch (v) {
    case VERDICT_SKIPPED:
        return "SKIPPED";
    case VERDICT_PASS:
        return "PASS";
    case VERDICT_INCONCLUSIVE:
        return "INCONCLUSIVE";
    case VERDICT_FAIL:
        return "FAIL";
    case VERDICT_ERROR:
        break;
    }
    return "ERROR";
}

const char *words_noun(const struct verdict *v)
{
    const char *noun = words_or(v->subject_noun, "starts");
    return noun[strspn(noun, "abcdefghijklmnopqrstuvwxyz-")] == '\0' ? noun : "starts";
}

void words_one_noun(struct buf *out, const struct verdict *v)
{
    const char *noun = words_noun(v);
    size_t len = strlen(noun);
    buf_append(out, noun, len > 1 && noun[len - 1] == 's' ? len - 1 : len);
}

uint64_t words_bad(const struct verdict_starts *starts)
{
    return starts->failed + starts->hung + starts->wrong;
}

uint64_t words_total(const struct verdict_starts *starts)
{
    return starts->worked + words_bad(starts);
}

static void outcomes(struct buf *out, const struct verdict_starts *starts)
{
    const struct {
        uint64_t count;
        const char *name;
    } rows[] = {{starts->failed, "failed"}, {starts->hung, "hung"}, {starts->wrong, "wrong"}};
    const char *between = "";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].count > 0) {
            buf_printf(out, "%s%" PRIu64 " %s", between, rows[i].count, rows[i].name);
            between = ", ";
        }
    }
}

/* The phase in which all the starts lie that did not work; NULL where there is no such one. */
static const struct verdict_phase *only_bad_phase(const struct verdict *v)
{
    for (size_t i = 0; i < v->phase_count; i++) {
        uint64_t bad = words_bad(&v->phases[i].starts);
        if (bad > 0) {
            return bad == words_bad(&v->starts) ? &v->phases[i] : NULL;
        }
    }
    return NULL;
}

static void bad_starts(struct buf *out, const struct verdict *v)
{
    const struct verdict_phase *phase = only_bad_phase(v);
    uint64_t total = words_total(phase != NULL ? &phase->starts : &v->starts);
    buf_printf(out, "%" PRIu64 " of %" PRIu64 " %s would not have started", words_bad(&v->starts),
               total, words_noun(v));
    if (phase != NULL) {
        buf_str(out, " in ");
        escape_line(out, phase->name);
    }
    buf_str(out, " (");
    outcomes(out, &v->starts);
    buf_char(out, ')');
}

/* Without starts, as of registries that were served, requests are all there is to tell. */
static void requests_came(struct buf *out, const struct verdict *v)
{
    uint64_t requests = 0;
    for (size_t i = 0; i < v->registry_count; i++) {
        requests += v->registries[i].requests;
    }
    if (requests > 0) {
        buf_printf(out, ", %" PRIu64 " request%s came", requests, requests == 1 ? "" : "s");
    }
}

void words_starts(struct buf *out, const struct verdict *v)
{
    uint64_t total = words_total(&v->starts);
    if (total == 0) {
        bool cut = v->reason != NULL && strcmp(v->reason, "interrupted") == 0;
        buf_printf(out, cut ? "no %s had ended" : "no %s were tried", words_noun(v));
        requests_came(out, v);
    } else if (words_bad(&v->starts) == 0) {
        buf_printf(out, "%" PRIu64 " of %" PRIu64 " %s started", total, total, words_noun(v));
    } else {
        bad_starts(out, v);
    }
}

void words_served(struct buf *out, const struct verdict *v)
{
    const char *between = "served by ";
    for (size_t i = 0; i < v->registry_count; i++) {
        if (v->registries[i].served > 0) {
            buf_str(out, between);
            escape_line(out, v->registries[i].name);
            buf_printf(out, " %" PRIu64, v->registries[i].served);
            between = ", ";
        }
    }
}

void words_events(struct buf *out, const uint64_t *events, size_t count)
{
    if (count == 0) {
        return;
    }
    buf_str(out, count == 1 ? " [event " : " [events ");
    for (size_t i = 0; i < count && i < SHOWN_EVENTS; i++) {
        buf_printf(out, "%s%" PRIu64, i > 0 ? ", " : "", events[i]);
    }
    if (count > SHOWN_EVENTS) {
        buf_printf(out, " and %zu more", count - SHOWN_EVENTS);
    }
    buf_char(out, ']');
}

bool words_beyond_checks(const struct verdict *v)
{
    enum verdict_kind worst = v->check_count > 0 ? VERDICT_PASS : VERDICT_SKIPPED;
    for (size_t i = 0; i < v->check_count; i++) {
        worst = v->checks[i].verdict > worst ? v->checks[i].verdict : worst;
    }
    return v->verdict > worst;
}

struct verdict_tally words_tally(const struct verdict *v)
{
    struct verdict_tally tally = verdict_tally(v);
    bool counted = tally.passed + tally.failed + tally.inconclusive > v->check_count;
    if (counted || !words_beyond_checks(v)) {
        return tally;
    }
    tally.passed += v->verdict == VERDICT_PASS ? 1 : 0;
    tally.inconclusive += v->verdict == VERDICT_INCONCLUSIVE ? 1 : 0;
    tally.failed += v->verdict >= VERDICT_FAIL ? 1 : 0;
    return tally;
}

struct verdict_tally words_tally_all(const struct verdict_list *list)
{
    struct verdict_tally sum = {0};
    for (size_t i = 0; i < list->count; i++) {
        struct verdict_tally one = words_tally(list->items[i]);
        sum.passed += one.passed;
        sum.failed += one.failed;
        sum.inconclusive += one.inconclusive;
    }
    return sum;
}
