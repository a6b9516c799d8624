/* What the verdict says of the drill as a whole: scenario, seed, replay, reach, and the notes. */
#include <string.h>

#include "harness/judge_internal.h"
#include "harness/lane.h"
#include "harness/version.h"

#define MAX_NOTES (SCENARIO_MAX_FAULTS + 8)
#define SERVED_REACH "serve: whoever asked was told an address and a port"

static void note(struct judge *j, const char **notes, const char *text)
{
    struct verdict *v = j->verdict;
    if (text && v->note_count < MAX_NOTES) {
        notes[v->note_count++] = text;
    }
}

/* Where starts changed what is drilled, who did so first: it explains what came after. */
static void note_changes(struct judge *j, const char **notes)
{
    const struct scenario *s = j->plan->scenario;
    uint64_t told = 0;
    for (size_t i = 0; i < s->registry_count * s->image_count; i++) {
        size_t registry = i / s->image_count;
        const struct pull_change *change = pulls_change(j->pulls, registry, i % s->image_count);
        if (change && change->event != told && j->verdict->note_count + 4 < MAX_NOTES) {
            char text[PULLS_CHANGE_TEXT];
            pulls_change_text(j->pulls, registry, i % s->image_count, text);
            note(j, notes,
                 arena_printf(&j->verdict->arena, "%s [event %llu]", text,
                              (unsigned long long)change->event));
            told = change->event;
        }
    }
}

static void fill_notes(struct judge *j)
{
    struct arena *a = &j->verdict->arena;
    const struct scenario *s = j->plan->scenario;
    const char **notes = arena_alloc(a, MAX_NOTES, sizeof *notes);
    unsigned long long stray = pulls_stray(j->pulls);
    unsigned long long late = pulls_late(j->pulls);
    if (!notes) {
        return;
    }
    if (j->plan->served) {
        note(j, notes,
             "the registries were served, and no start was made: what needs starts is not judged");
    }
    if (stray > 0 && !j->plan->served) {
        note(j, notes,
             arena_printf(a, "%llu connections and requests belonged to no start", stray));
    }
    if (late > 0) {
        note(j, notes,
             arena_printf(a,
                          "%llu connections and requests came to light after their start had "
                          "ended; they count to no start",
                          late));
    }
    for (size_t i = 0; i < s->fault_count; i++) {
        if (s->faults[i].evidence == EVIDENCE_ARMED) {
            note(j, notes,
                 arena_printf(a,
                              "%s leaves no request behind: starts that began while it held "
                              "count as exposed",
                              s->faults[i].name));
        }
    }
    note_changes(j, notes);
    if (j->truncated) {
        note(j, notes, "the last line of the history was cut off and is not judged");
    }
    j->verdict->notes = notes;
}

static const char *noun_of(const char *subject)
{
    if (strncmp(subject, "build", 5) == 0) {
        return "builds";
    }
    return strncmp(subject, "provision", 9) == 0 ? "machines" : "starts";
}

/* One word for the starts of all subjects; "starts" where they differ. */
static const char *subject_noun(const struct scenario *s)
{
    const char *noun = s->subject_count > 0 ? noun_of(s->subjects[0].name) : "starts";
    for (size_t i = 1; i < s->subject_count; i++) {
        if (strcmp(noun_of(s->subjects[i].name), noun) != 0) {
            return "starts";
        }
    }
    return noun;
}

/* " (build-start, canary)": whoever took WAY, where others took another. */
static const char *who_took(struct arena *a, const struct scenario *s, enum scenario_reach way)
{
    const char *names = "";
    size_t count = 0;
    for (size_t i = 0; i < s->subject_count && names; i++) {
        if (s->subjects[i].reach == way) {
            names = arena_printf(a, "%s%s%s", names, count++ > 0 ? ", " : "", s->subjects[i].name);
        }
    }
    return names && count < s->subject_count ? arena_printf(a, " (%s)", names) : "";
}

/* The ways that subjects took, best first, each with what it cannot show. */
static const char *reach_text(struct arena *a, const struct scenario *s)
{
    const char *text = "";
    for (enum scenario_reach way = REACH_NAMES; way <= REACH_PORTS && text; way++) {
        bool taken = false;
        for (size_t i = 0; i < s->subject_count; i++) {
            taken = taken || s->subjects[i].reach == way;
        }
        const struct lane_reach *reach = lane_reach_of(way);
        if (taken) {
            text = arena_printf(a, "%s%s%s%s: %s", text, *text ? "; " : "", reach->name,
                                who_took(a, s, way), reach->cannot_show);
        }
    }
    return text;
}

void judge_facts_finish(struct judge *j)
{
    struct verdict *v = j->verdict;
    const struct scenario *s = j->plan->scenario;
    char folder[1024];
    scenario_folder(s->path ? s->path : "scenario", folder, sizeof folder);
    v->scenario = judge_copy(j, s->path);
    v->title = judge_copy(j, s->title);
    v->folder = judge_copy(j, folder);
    v->version = PULLDRILL_VERSION;
    v->duration_ns = j->last_ns;
    v->seed = j->plan->seed;
    v->replay = judge_copy(j, j->plan->replay);
    v->subject_noun = subject_noun(s);
    v->reach = j->plan->served ? SERVED_REACH : reach_text(&v->arena, s);
    fill_notes(j);
}
