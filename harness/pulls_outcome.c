/* What a start came to: its image, its outcome, and what it did last, in words. */
#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/pulls_internal.h"

/* ---- the image ----------------------------------------------------------------------------- */

static bool preloaded(const struct pulls *p, const struct pulls_lane *lane, const char *digest)
{
    const struct scenario_subject *s = &p->plan->scenario->subjects[lane->running->pub.subject];
    for (size_t i = 0; i < s->preloaded_count; i++) {
        if (strcmp(s->preloaded[i], digest) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether LANE has the object; where it has not, how much of it came. */
static bool has(const struct pulls *p, const struct pulls_lane *lane, const char *digest,
                uint64_t *covered, uint64_t *size)
{
    const struct pulls_known *known = pulls_known_find(p, digest);
    *covered = 0;
    *size = known ? known->size : 0;
    if (!known) {
        return false;
    }
    if (pulls_arrived(lane, known) || preloaded(p, lane, digest)) {
        return true;
    }
    *covered = pulls_covered(lane, known);
    return false;
}

static bool has_image(const struct pulls *p, const struct pulls_lane *lane, size_t index)
{
    const struct plan_image *image = &p->plan->images[index];
    uint64_t covered, size;
    if (!has(p, lane, image->digest, &covered, &size)) {
        return false;
    }
    for (size_t i = 0; i < image->blob_count; i++) {
        if (!has(p, lane, image->blobs[i].digest, &covered, &size)) {
            return false;
        }
    }
    return true;
}

/* Of the images whose digest it was told, the last told one that is whole, else the last told. */
struct pulls_found pulls_image_of(const struct pulls *p, const struct pulls_lane *lane)
{
    struct pulls_found found = {.image = -1};
    uint64_t event = 0;
    for (size_t i = 0; i < p->plan->scenario->image_count; i++) {
        const struct pulls_told *told = &lane->told[i];
        if (told->event == 0) {
            continue;
        }
        bool whole = has_image(p, lane, i);
        found.all |= whole ? UINT64_C(1) << i : 0;
        if ((whole && !found.whole) || (whole == found.whole && told->event > event)) {
            found.image = (int)i;
            found.whole = whole;
            event = told->event;
        }
    }
    return found;
}

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

static void tell_missing(char *reason, size_t size, const char *what, const char *digest,
                         uint64_t covered, uint64_t whole)
{
    char name[PULLS_REFERENCE];
    char got[32], of[32];
    short_reference(digest, name, sizeof name);
    snprintf(reason, size, "exit 0, but %s never arrived whole: %s (delivered %s of %s bytes)",
             what, name, grouped(covered, got), grouped(whole, of));
}

/* Why the image INDEX, told but not whole, is not there. */
static void tell_incomplete(const struct pulls *p, const struct pulls_lane *lane, size_t index,
                            char *reason, size_t size)
{
    const struct plan_image *image = &p->plan->images[index];
    uint64_t covered, whole;
    if (!has(p, lane, image->digest, &covered, &whole)) {
        tell_missing(reason, size, "the manifest", image->digest, covered, whole);
        return;
    }
    size_t missing = 0;
    size_t first = 0;
    for (size_t i = image->blob_count; i > 0; i--) {
        if (!has(p, lane, image->blobs[i - 1].digest, &covered, &whole)) {
            missing++;
            first = i - 1;
        }
    }
    char what[64];
    snprintf(what, sizeof what, "%zu of %zu blobs", missing, image->blob_count);
    has(p, lane, image->blobs[first].digest, &covered, &whole);
    tell_missing(reason, size, what, image->blobs[first].digest, covered, whole);
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
    if (end->ended_ns != 0 && lane->running->asked_ns > end->ended_ns) {
        snprintf(reason, size, "exit 0, but it went on asking after its command had ended");
        return OUTCOME_WRONG;
    }
    struct pulls_found found = pulls_image_of(p, lane);
    if (found.whole || p->plan->scenario->subjects[lane->running->pub.subject].baked_in) {
        return OUTCOME_WORKED;
    }
    if (found.image < 0) {
        snprintf(reason, size, "exit 0, but no registry told it a digest of the scenario's images");
    } else {
        tell_incomplete(p, lane, (size_t)found.image, reason, size);
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
    if (last->registry < 0) {
        return "made no request";
    }
    const char *registry = p->plan->scenario->registries[last->registry].name;
    if (last->op == OP_COUNT) {
        return arena_printf(&p->arena, "connected to %s, asked nothing", registry);
    }
    char asked[PULLS_REFERENCE + 32];
    char answer[128];
    tell_asked(last, asked, sizeof asked);
    tell_answer(last, answer, sizeof answer);
    bool fault = last->faults[0] != '\0';
    return arena_printf(&p->arena, "asked %s for %s, %s%s%s%s", registry, asked, answer,
                        fault ? " (fault " : "", last->faults, fault ? ")" : "");
}
