/* explain: a scenario's page, from its title to its warnings.
 *
 * What each check expects is not worded here: a history without a single event is judged, and the
 * checks' own words are taken from that verdict. So this page can never say something else than
 * the report will. */
#include "harness/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/content_name.h"
#include "harness/base/clock.h"
#include "harness/base/units.h"
#include "harness/explain_internal.h"
#include "harness/judge.h"
#include "reports/escape.h"

/* ---- what there is ------------------------------------------------------------------------- */

static void tell_source(struct explain *x)
{
    struct doc_at source, at, key_at;
    const char *key;
    if (!doc_member(doc_root(&x->scenario->doc), "source", &source)) {
        return;
    }
    struct doc_iter it = doc_iterate(source);
    while (doc_next(&it, &key, &key_at, &at)) {
        if (json_is_string(at.value)) {
            explain_row(x, key, "%s", json_string_value(at.value));
        }
    }
}

static void tell_tags(struct explain *x)
{
    struct buf tags;
    buf_init(&tags, EXPLAIN_MAX_TEXT);
    for (size_t i = 0; i < x->scenario->tag_count; i++) {
        buf_printf(&tags, "%s%s", i > 0 ? ", " : "", x->scenario->tags[i]);
    }
    if (tags.data) {
        explain_row(x, "tags", "%s", tags.data);
    }
    buf_close(&tags);
}

static void tell_title(struct explain *x)
{
    struct doc_at source;
    explain_text(x, 0, "%s", x->scenario->title);
    explain_text(x, 0, "%s", x->scenario->path);
    if (x->scenario->description) {
        buf_char(x->out, '\n');
        explain_text(x, 2, "%s", x->scenario->description);
    }
    if (x->scenario->tag_count > 0 || doc_member(doc_root(&x->scenario->doc), "source", &source)) {
        buf_char(x->out, '\n');
    }
    tell_source(x);
    tell_tags(x);
}

static void tell_registries(struct explain *x)
{
    static const char *const roles[] = {
        [ROLE_PRIMARY] = "the primary: to be asked first",
        [ROLE_FAILOVER] = "a failover: to be asked when the primary fails",
        [ROLE_CACHE] = "a cache",
        [ROLE_OTHER] = "neither primary nor failover",
    };
    explain_heading(x, "Registries");
    for (size_t i = 0; i < x->scenario->registry_count; i++) {
        explain_row(x, x->scenario->registries[i].name, "%s",
                    roles[x->scenario->registries[i].role]);
        explain_registry(x, &x->scenario->registries[i]);
    }
}

void explain_places(const struct scenario *s, unsigned on, struct buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < s->registry_count; i++) {
        count += (on >> i) & 1u;
    }
    for (size_t i = 0, n = 0; i < s->registry_count; i++) {
        if ((on >> i) & 1u) {
            explain_list(out, n++, count, s->registries[i].name);
        }
    }
}

/* " each for linux/amd64 and linux/arm64", where the image is an index. */
static void platforms_text(const struct scenario_image *image, struct buf *out)
{
    if (image->platform_count > 0) {
        buf_str(out, " each for ");
    }
    for (size_t i = 0; i < image->platform_count; i++) {
        explain_list(out, i, image->platform_count, image->platforms[i]);
    }
}

/* What the image is made of, or where it comes from. */
static void content_text(const struct scenario_image *image, struct buf *out)
{
    uint64_t bytes = 0;
    char text[EXPLAIN_MAX_TEXT];
    if (image->from) {
        content_name_text(image->from, text, sizeof text);
        buf_printf(out, "as in %s", text);
        return;
    }
    for (size_t k = 0; k < image->layer_count; k++) {
        bytes += image->layers[k].size;
    }
    units_size_text(bytes, text);
    buf_printf(out, "%zu layer%s (%s)", image->layer_count, image->layer_count == 1 ? "" : "s",
               text);
    platforms_text(image, out);
}

static void tell_canary(struct explain *x, const struct scenario_image *image)
{
    char share[32];
    if (image->canary_of < 0) {
        return;
    }
    units_share_text(image->canary_share, share);
    explain_row(x, "  canary",
                "in %s of the starts of each phase in which it lies anywhere, it is given to the "
                "subject in the place of %s",
                share, x->scenario->images[image->canary_of].name);
}

static void tell_images(struct explain *x)
{
    const struct scenario *s = x->scenario;
    explain_heading(x, "Images");
    for (size_t i = 0; i < s->image_count; i++) {
        const struct scenario_image *image = &s->images[i];
        struct buf places, content;
        buf_init(&places, EXPLAIN_MAX_TEXT);
        buf_init(&content, EXPLAIN_MAX_TEXT);
        explain_places(s, image->on, &places);
        content_text(image, &content);
        explain_row(x, image->name, "%s:%s, %s, on %s", image->repository, image->tag,
                    content.data ? content.data : "", places.data ? places.data : "no registry");
        buf_close(&places);
        buf_close(&content);
        tell_canary(x, image);
    }
}

/* ---- the subjects -------------------------------------------------------------------------- */

static void tell_words(struct explain *x, const char *label, const struct scenario_words *words)
{
    struct buf text;
    const char *folder = x->scenario->subjects_dir ? x->scenario->subjects_dir : "";
    size_t len = strlen(folder);
    buf_init(&text, EXPLAIN_MAX_TEXT);
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->word[i];
        bool ours = len > 0 && strncmp(word, folder, len) == 0 && word[len] == '/';
        buf_printf(&text, "%s%s", i > 0 ? " " : "", ours ? word + len + 1 : word);
    }
    if (words->count > 0) {
        explain_row(x, label, "%s", text.data ? text.data : "");
    }
    buf_close(&text);
}

static void tell_pace(struct explain *x, const struct scenario_subject *subject)
{
    char most[32], every[32];
    const char *cache = subject->cache == CACHE_COLD ? "cold" : "warm";
    units_duration_text(subject->timeout_ns, most);
    units_duration_text(subject->every_ns, every);
    if (subject->every_ns > 0) {
        explain_row(x, subject->name,
                    "a start every %s, at most %llu running, each killed after %s; cache %s", every,
                    (unsigned long long)subject->max_in_flight, most, cache);
    } else if (subject->concurrency > 1) {
        explain_row(x, subject->name, "%llu starts side by side, each killed after %s; cache %s",
                    (unsigned long long)subject->concurrency, most, cache);
    } else {
        explain_row(x, subject->name, "one start after another, each killed after %s; cache %s",
                    most, cache);
    }
}

static void tell_subjects(struct explain *x)
{
    explain_heading(x, "Subjects");
    for (size_t i = 0; i < x->scenario->subject_count; i++) {
        const struct scenario_subject *subject = &x->scenario->subjects[i];
        tell_pace(x, subject);
        explain_reach(x, subject);
        tell_words(x, "  runs", &subject->command);
        tell_words(x, "  on each lane first", &subject->setup);
        tell_words(x, "  before each start", &subject->prepare);
        if (subject->leaves_allowed) {
            explain_row(x, "  may", "leave processes running");
        }
        if (subject->baked_in) {
            explain_row(x, "  may", "work with every registry down: it has no control start");
        }
        if (subject->preloaded_count > 0) {
            explain_row(x, "  may", "do without %zu blob%s: it has them already",
                        subject->preloaded_count, subject->preloaded_count == 1 ? "" : "s");
        }
    }
}

/* ---- the end of the page ------------------------------------------------------------------- */

/* "45s", "4m", "2m 40s": whole seconds are enough for somebody who waits. */
static void wait_text(uint64_t ns, char text[64])
{
    unsigned long long s = (ns + CLOCK_NS_PER_S - 1) / CLOCK_NS_PER_S;
    if (s < 60) {
        snprintf(text, 64, "%llus", s);
    } else if (s % 60 == 0) {
        snprintf(text, 64, "%llum", s / 60);
    } else {
        snprintf(text, 64, "%llum %llus", s / 60, s % 60);
    }
}

static void tell_time(struct explain *x)
{
    const struct scenario *s = x->scenario;
    uint64_t longest = explain_longest(s);
    char limit[64], most[64];
    wait_text(s->limit_ns, limit);
    wait_text(longest, most);
    explain_heading(x, "How long it may take");
    explain_row(x, "at most", "%s: the limit, at which it is cut short and inconclusive", limit);
    if (longest < s->limit_ns) {
        explain_row(x, "if every start hangs", "%s", most);
    } else if (longest < EXPLAIN_UNKNOWN - CLOCK_NS_PER_S) {
        explain_row(x, "if every start hangs", "%s: the limit strikes before all were killed",
                    most);
    }
}

/* A command stands on a line of its own, so that it can be copied. */
static void tell_command(struct explain *x, const char *command, const char *more)
{
    struct buf safe;
    buf_init(&safe, 6 * EXPLAIN_MAX_TEXT);
    escape_line(&safe, command);
    buf_printf(x->out, "  %s%s\n", safe.data ? safe.data : "", more);
    buf_close(&safe);
}

static void tell_commands(struct explain *x)
{
    const struct scenario *s = x->scenario;
    char seed[64] = "";
    if (s->has_seed) {
        snprintf(seed, sizeof seed, " --seed %llu", (unsigned long long)s->seed);
    }
    explain_heading(x, "Commands");
    tell_command(x, x->options->run, seed);
    tell_command(x, x->options->prove, "");
}

static void tell_all(struct explain *x)
{
    tell_title(x);
    tell_registries(x);
    tell_images(x);
    tell_subjects(x);
    explain_timeline(x);
    explain_faults(x);
    explain_expected(x);
    explain_proof(x);
    tell_time(x);
    tell_commands(x);
    explain_warnings(x);
}

/* ---- making it ----------------------------------------------------------------------------- */

/* A plan with digests that nobody will ask for: they are known only once images are built. */
static struct plan *empty_plan(struct scenario **scenario, struct err *e)
{
    size_t count = (*scenario)->image_count;
    struct plan_built *built = calloc(count + 1, sizeof *built);
    if (!built) {
        err_set(e, ERR_NOMEM, "explain: no memory");
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        built[i].digest = "not built yet";
    }
    struct plan *plan = plan_new(*scenario, built, (*scenario)->seed, NULL, e);
    free(built);
    if (plan) {
        *scenario = NULL;
    }
    return plan;
}

static struct verdict *judge_nothing(const struct plan *plan, struct err *e)
{
    struct judge *judge = judge_new(plan, e);
    struct verdict *v = judge ? judge_finish(judge, e) : NULL;
    judge_free(judge);
    return v;
}

static struct check *read_checks(const struct scenario *s, struct err *e)
{
    struct check *checks = calloc(s->expect_count + 1, sizeof *checks);
    if (!checks) {
        err_set(e, ERR_NOMEM, "explain: no memory");
        return NULL;
    }
    for (size_t i = 0; i < s->expect_count; i++) {
        const struct check_info *info = check_find(s->expects[i].check);
        checks[i].name = s->expects[i].name;
        if (!info || check_read(&checks[i], info, s->expects[i].at, s, e) != 0) {
            free(checks);
            return NULL;
        }
    }
    return checks;
}

int explain_write(struct scenario **scenario, const struct explain_options *options,
                  struct buf *out, struct err *e)
{
    int rc = -1;
    struct plan *plan = empty_plan(scenario, e);
    struct verdict *v = plan ? judge_nothing(plan, e) : NULL;
    struct check *checks = v ? read_checks(plan->scenario, e) : NULL;
    if (checks) {
        struct explain x = {.plan = plan,
                            .scenario = plan->scenario,
                            .verdict = v,
                            .options = options,
                            .checks = checks,
                            .out = out};
        tell_all(&x);
        rc = out->failed ? err_set(e, ERR_NOMEM, "explain: no memory for the text") : 0;
    }
    free(checks);
    if (v) {
        verdict_free(v);
    }
    plan_free(plan);
    return rc;
}
