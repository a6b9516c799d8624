/* What a start came to: its outcome, and what it did last, in words. */
#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/pulls_internal.h"

/* ---- the outcome --------------------------------------------------------------------------- */

/* 65536 becomes "65,536". */
static const char *grouped(uint64_t n, char text[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    size_t out = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            text[out++] = ',';
        }
        text[out++] = digits[i];
    }
    text[out] = '\0';
    return text;
}

/* The algorithm and twelve digits name a digest well enough for a reader. */
static void short_reference(const char *reference, char *text, size_t size)
{
    const char *colon = strchr(reference, ':');
    if (colon && strlen(colon + 1) > 16) {
        snprintf(text, size, "%.*s%.12s…", (int)(colon - reference + 1), reference, colon + 1);
    } else {
        snprintf(text, size, "%s", reference);
    }
}

static void tell_missing(char *reason, size_t size, const char *what, const struct pulls_part *part)
{
    char name[PULLS_REFERENCE];
    char got[32], of[32];
    short_reference(part->digest, name, sizeof name);
    snprintf(reason, size, "exit 0, but %s never arrived whole: %s (delivered %s of %s bytes)",
             what, name, grouped(part->covered, got), grouped(part->size, of));
}

/* Why the manifest M is not there with all its blobs; false: it is. */
static bool tell_manifest(const struct pulls *p, const struct pulls_lane *lane,
                          const struct plan_manifest *m, char *reason, size_t size)
{
    struct pulls_part part, first;
    if (!pulls_has(p, lane, m->digest, &part)) {
        tell_missing(reason, size, "the manifest", &part);
        return true;
    }
    size_t missing = 0;
    for (size_t i = m->blob_count; i > 0; i--) {
        if (!pulls_has(p, lane, m->blobs[i - 1].digest, &part)) {
            missing++;
            first = part;
        }
    }
    if (missing == 0) {
        return false;
    }
    char what[64];
    snprintf(what, sizeof what, "%zu of %zu blobs", missing, m->blob_count);
    tell_missing(reason, size, what, &first);
    return true;
}

/* Why the image that was FOUND, told but not whole, is not there. */
static void tell_incomplete(const struct pulls *p, const struct pulls_lane *lane,
                            const struct pulls_found *found, char *reason, size_t size)
{
    const struct plan_image *image = &p->plan->images[found->image];
    int chosen = found->chosen.manifest;
    struct pulls_part part;
    if (chosen >= 0 && tell_manifest(p, lane, &image->manifests[chosen], reason, size)) {
        return;
    }
    if (!pulls_has(p, lane, image->digest, &part)) {
        tell_missing(reason, size, "the index", &part);
    } else {
        snprintf(reason, size, "exit 0, but it took none of the manifests that the index lists");
    }
}

/* Told nothing of the images: where a start has overwritten or deleted what it asked for, that is
 * why. */
static void tell_untold(const struct pulls *p, const struct pulls_lane *lane, char *reason,
                        size_t size)
{
    const struct scenario *s = p->plan->scenario;
    const struct pull_start *start = &lane->running->pub;
    const char *untold = "exit 0, but no registry told it a digest of the scenario's images";
    char text[PULLS_CHANGE_TEXT];
    snprintf(reason, size, "%s", untold);
    for (size_t i = 0; i < s->registry_count * s->image_count; i++) {
        size_t registry = i / s->image_count;
        size_t image = i % s->image_count;
        const struct pull_change *change = pulls_change(p, registry, image);
        if (change && start->registries[registry].requests > 0 &&
            (start->asked >> image & 1) != 0) {
            pulls_change_text(p, registry, image, text);
            snprintf(reason, size, "%s: %s", untold, text);
            return;
        }
    }
}

/* It asked after its command had ended: said behind why it has no image, where it has none. */
static void tell_late(bool has, char *reason, size_t size)
{
    const char *late = "it went on asking after its command had ended";
    size_t len = size > 0 ? strlen(reason) : 0;
    snprintf(reason + len, size - len, "%s%s", has ? "exit 0, but " : ", and ", late);
}

static enum outcome failed_outcome(const struct pulls *p, const struct pulls_lane *lane,
                                   const struct event_start_end *end, char *reason, size_t size)
{
    if (end->timed_out) {
        char limit[32];
        int subject = lane->running->pub.subject;
        units_duration_text(p->plan->scenario->subjects[subject].timeout_ns, limit);
        snprintf(reason, size, "killed at its timeout of %s", limit);
        return OUTCOME_HUNG;
    }
    if (end->signal != 0) {
        snprintf(reason, size, "ended by signal %lld", (long long)end->signal);
    } else {
        snprintf(reason, size, "exit %lld", (long long)end->exit);
    }
    return OUTCOME_FAILED;
}

/* What the subject claims in its result has no say here: a claim alone never makes a start work,
 * and same-digest holds it against what was told. */
enum outcome pulls_outcome(const struct pulls *p, uint64_t number,
                           const struct event_start_end *end, char *reason, size_t size)
{
    const struct pulls_lane *lane = pulls_map_get(&p->lanes, number);
    if (size > 0) {
        reason[0] = '\0';
    }
    if (!lane || !lane->running) {
        snprintf(reason, size, "no start runs on lane %llu", (unsigned long long)number);
        return OUTCOME_FAILED;
    }
    if (end->timed_out || end->signal != 0 || end->exit != 0) {
        return failed_outcome(p, lane, end, reason, size);
    }
    struct pulls_found found = pulls_image_of(p, lane);
    bool has = found.whole || p->plan->scenario->subjects[lane->running->pub.subject].baked_in;
    bool late = end->ended_ns != 0 && lane->running->asked_ns > end->ended_ns;
    if (has && !late) {
        return OUTCOME_WORKED;
    }
    if (!has && found.image < 0) {
        tell_untold(p, lane, reason, size);
    } else if (!has) {
        tell_incomplete(p, lane, &found, reason, size);
    }
    if (late) {
        tell_late(has, reason, size);
    }
    return OUTCOME_WRONG;
}

/* ---- the last thing it did ----------------------------------------------------------------- */

static void tell_asked(const struct pulls_last *last, char *text, size_t size)
{
    char reference[PULLS_REFERENCE];
    short_reference(last->reference, reference, sizeof reference);
    if (op_is_manifest(last->op) || op_is_blob(last->op)) {
        bool head = last->op == OP_MANIFEST_HEAD || last->op == OP_BLOB_HEAD;
        snprintf(text, size, "%s %s%s", op_is_blob(last->op) ? "blob" : "manifest", reference,
                 head ? " (HEAD)" : "");
    } else if (last->op == OP_PING) {
        snprintf(text, size, "/v2/");
    } else {
        snprintf(text, size, "%s", op_name(last->op));
    }
}

static void tell_answer(const struct pulls_last *last, char *text, size_t size)
{
    char bytes[32], took[32], status[32];
    grouped(last->body_bytes, bytes);
    units_duration_text(last->duration_ns, took);
    snprintf(status, sizeof status, "got %llu", (unsigned long long)last->status);
    switch (last->answer) {
    case ANSWER_NONE:
        snprintf(text, size, "got no answer");
        return;
    case ANSWER_WHOLE:
        snprintf(text, size, "%s%s", status, last->altered ? ", altered" : "");
        return;
    case ANSWER_CUT:
        if (last->status == 0) {
            snprintf(text, size, "the connection was cut before an answer");
        } else {
            snprintf(text, size, "%s, cut after %s bytes", status, bytes);
        }
        return;
    case ANSWER_ABANDONED:
        if (last->status == 0) {
            snprintf(text, size, "gave up after %s without an answer", took);
        } else {
            snprintf(text, size, "%s, gave up after %s at %s bytes", status, took, bytes);
        }
        return;
    case ANSWER_HARNESS:
        snprintf(text, size, "still waiting after %s when the drill ended", took);
        return;
    }
}

const char *pulls_last_words(struct pulls *p, const struct pulls_lane *lane)
{
    const struct pulls_last *last = &lane->last;
    if (last->op == OP_LOOKUP && last->event > 0) {
        return arena_printf(&p->arena, "looked up %s%s%s%s", last->reference,
                            last->faults[0] ? " (fault " : "", last->faults,
                            last->faults[0] ? ")" : "");
    }
    if (last->registry < 0) {
        return "made no request";
    }
    const char *registry = p->plan->scenario->registries[last->registry].name;
    if (last->op == OP_COUNT) {
        return arena_printf(&p->arena, "connected to %s, asked nothing%s%s", registry,
                            last->reference[0] ? "; TLS: " : "", last->reference);
    }
    char asked[PULLS_REFERENCE + 32];
    char answer[128];
    tell_asked(last, asked, sizeof asked);
    tell_answer(last, answer, sizeof answer);
    bool fault = last->faults[0] != '\0';
    return arena_printf(&p->arena, "asked %s for %s, %s%s%s%s", registry, asked, answer,
                        fault ? " (fault " : "", last->faults, fault ? ")" : "");
}
