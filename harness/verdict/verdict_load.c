/* Reads a journal back: what the writer wrote, complete, and nothing that it could not have
 * written. Keys of later versions of the program are passed over; missing ones are complaints. */
#include <limits.h>
#include <string.h>

#include "harness/base/doc.h"
#include "harness/verdict/verdict.h"
#include "harness/verdict/verdict_fields.h"

/* One journal under way. */
struct load {
    struct verdict *v;
    struct err *e;
};

static int member(struct load *l, struct doc_at at, const char *key, struct doc_at *out)
{
    if (doc_member(at, key, out)) {
        return 0;
    }
    return doc_complain(l->e, at, "\"%s\" is missing; this is no journal of pulldrill", key);
}

static int need_object(struct load *l, struct doc_at at, const char *what)
{
    return json_is_object(at.value) ? 0 : doc_complain(l->e, at, "%s must be an object", what);
}

static int need_array(struct load *l, struct doc_at at, const char *key)
{
    return json_is_array(at.value) ? 0 : doc_complain(l->e, at, "\"%s\" must be an array", key);
}

/* Room for COUNT structs, at least one; NULL, with the complaint made, where there is none. */
static void *room(struct load *l, size_t count, size_t size)
{
    void *items = arena_alloc(&l->v->arena, count + 1, size);
    if (items == NULL) {
        err_set(l->e, ERR_NOMEM, "journal: no memory");
    }
    return items;
}

/* ---- plain members ------------------------------------------------------------------------- */

static int read_text(struct load *l, struct doc_at at, const char *key, const char **out)
{
    if (json_is_null(at.value)) {
        *out = NULL;
        return 0;
    }
    if (!json_is_string(at.value)) {
        return doc_complain(l->e, at, "\"%s\" must be a string or null", key);
    }
    *out = arena_strdup(&l->v->arena, json_string_value(at.value));
    return *out != NULL ? 0 : err_set(l->e, ERR_NOMEM, "journal: no memory");
}

static int read_count(struct load *l, struct doc_at at, const char *key, uint64_t *out)
{
    if (!json_is_integer(at.value) || json_integer_value(at.value) < 0) {
        return doc_complain(l->e, at, "\"%s\" must be a whole number, 0 or more", key);
    }
    *out = (uint64_t)json_integer_value(at.value);
    return 0;
}

static int read_int(struct load *l, struct doc_at at, const char *key, int *out)
{
    json_int_t n = json_integer_value(at.value);
    if (!json_is_integer(at.value) || n < INT_MIN || n > INT_MAX) {
        return doc_complain(l->e, at, "\"%s\" must be a whole number", key);
    }
    *out = (int)n;
    return 0;
}

static int read_flag(struct load *l, struct doc_at at, const char *key, bool *out)
{
    if (!json_is_boolean(at.value)) {
        return doc_complain(l->e, at, "\"%s\" must be true or false", key);
    }
    *out = json_is_true(at.value);
    return 0;
}

static int read_share(struct load *l, struct doc_at at, const char *key, double *out)
{
    if (!json_is_number(at.value)) {
        return doc_complain(l->e, at, "\"%s\" must be a number", key);
    }
    *out = json_number_value(at.value);
    return 0;
}

static int read_kind(struct load *l, struct doc_at at, const char *key, enum verdict_kind *out)
{
    if (!json_is_string(at.value) || !verdict_parse(json_string_value(at.value), out)) {
        return doc_complain(l->e, at,
                            "\"%s\" must be one of skipped, pass, inconclusive, fail, error", key);
    }
    return 0;
}

static int read_fields(struct load *l, struct doc_at at, const struct verdict_fields *fields,
                       void *base);

static int read_object(struct load *l, struct doc_at at, const char *key,
                       const struct verdict_fields *fields, void *out)
{
    if (!json_is_object(at.value)) {
        return doc_complain(l->e, at, "\"%s\" must be an object", key);
    }
    return read_fields(l, at, fields, out);
}

static int read_field(struct load *l, struct doc_at at, const struct verdict_field *f, void *out)
{
    switch (f->type) {
    case FIELD_TEXT:
        return read_text(l, at, f->key, out);
    case FIELD_COUNT:
    case FIELD_LATER_COUNT:
        return read_count(l, at, f->key, out);
    case FIELD_INT:
        return read_int(l, at, f->key, out);
    case FIELD_FLAG:
        return read_flag(l, at, f->key, out);
    case FIELD_SHARE:
        return read_share(l, at, f->key, out);
    case FIELD_KIND:
        return read_kind(l, at, f->key, out);
    case FIELD_STARTS:
        return read_object(l, at, f->key, &verdict_fields_starts, out);
    case FIELD_PULLS:
        return read_object(l, at, f->key, &verdict_fields_pulls, out);
    case FIELD_TIMES:
        return read_object(l, at, f->key, &verdict_fields_times, out);
    }
    return err_set(l->e, ERR_INTERNAL, "journal: a field of no type");
}

static bool is_later(const struct verdict_field *f)
{
    return f->type == FIELD_LATER_COUNT || f->type == FIELD_TIMES;
}

/* At most two levels deep: structs hold starts, and starts hold numbers. */
static int read_fields(struct load *l, struct doc_at at, const struct verdict_fields *fields,
                       void *base)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct verdict_field *f = &fields->field[i];
        struct doc_at value;
        if (is_later(f) && !doc_member(at, f->key, &value)) {
            continue;
        }
        if (member(l, at, f->key, &value) != 0 ||
            read_field(l, value, f, (char *)base + f->offset) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- evidence ------------------------------------------------------------------------------ */

static int read_events(struct load *l, struct doc_at at, struct verdict_reason *out)
{
    struct doc_iter it = doc_iterate(at);
    struct doc_at value;
    uint64_t *events = room(l, doc_size(at), sizeof *events);
    if (events == NULL) {
        return -1;
    }
    out->events = events;
    while (doc_next(&it, NULL, NULL, &value)) {
        if (read_count(l, value, "events", &events[out->event_count]) != 0) {
            return -1;
        }
        out->event_count++;
    }
    return 0;
}

static int read_reason(struct load *l, struct doc_at at, struct verdict_reason *out)
{
    struct doc_at value;
    if (need_object(l, at, "a piece of evidence") != 0 || member(l, at, "text", &value) != 0 ||
        read_text(l, value, "text", &out->text) != 0 || member(l, at, "events", &value) != 0 ||
        need_array(l, value, "events") != 0) {
        return -1;
    }
    return read_events(l, value, out);
}

/* `reasons` and `events` say the same in two plain lists, for other programs. */
static int read_evidence(struct load *l, struct doc_at at, struct verdict_check *c)
{
    struct doc_at list, value;
    if (member(l, at, "evidence", &list) != 0 || need_array(l, list, "evidence") != 0) {
        return -1;
    }
    struct doc_iter it = doc_iterate(list);
    c->reasons = room(l, doc_size(list), sizeof c->reasons[0]);
    if (c->reasons == NULL) {
        return -1;
    }
    while (doc_next(&it, NULL, NULL, &value)) {
        if (read_reason(l, value, &c->reasons[c->reason_count]) != 0) {
            return -1;
        }
        c->reason_count++;
    }
    return 0;
}

/* ---- lists --------------------------------------------------------------------------------- */

static int read_item(struct load *l, struct doc_at at, const struct verdict_array *array, void *out)
{
    if (need_object(l, at, array->single) != 0 || read_fields(l, at, &array->fields, out) != 0) {
        return -1;
    }
    return array == verdict_array_checks ? read_evidence(l, at, out) : 0;
}

static int read_array(struct load *l, struct doc_at root, const struct verdict_array *array)
{
    struct doc_at list, value;
    if (member(l, root, array->key, &list) != 0 || need_array(l, list, array->key) != 0) {
        return -1;
    }
    struct doc_iter it = doc_iterate(list);
    char *items = room(l, doc_size(list), array->size);
    size_t count = 0;
    if (items == NULL) {
        return -1;
    }
    while (doc_next(&it, NULL, NULL, &value)) {
        if (read_item(l, value, array, items + count * array->size) != 0) {
            return -1;
        }
        count++;
    }
    memcpy((char *)l->v + array->items, &items, sizeof items);
    memcpy((char *)l->v + array->count, &count, sizeof count);
    return 0;
}

static int read_registries(struct load *l, struct doc_at root)
{
    struct doc_at map, value;
    const char *name = "";
    if (member(l, root, "registries", &map) != 0 || need_object(l, map, "\"registries\"") != 0) {
        return -1;
    }
    struct doc_iter it = doc_iterate(map);
    l->v->registries = room(l, doc_size(map), sizeof l->v->registries[0]);
    if (l->v->registries == NULL) {
        return -1;
    }
    while (doc_next(&it, &name, NULL, &value)) {
        struct verdict_registry *r = &l->v->registries[l->v->registry_count];
        r->name = arena_strdup(&l->v->arena, name);
        if (r->name == NULL) {
            return err_set(l->e, ERR_NOMEM, "journal: no memory");
        }
        if (need_object(l, value, "a registry") != 0 ||
            read_fields(l, value, &verdict_fields_registry, r) != 0) {
            return -1;
        }
        l->v->registry_count++;
    }
    return 0;
}

static int read_tried(struct load *l, struct doc_at at, const char *key, uint64_t *out)
{
    struct doc_at value;
    return member(l, at, key, &value) != 0 ? -1 : read_count(l, value, key, out);
}

/* The attempts of one phase at each registry of the journal; 0 where the phase says nothing. */
static int read_phase_registries(struct load *l, struct doc_at at, struct verdict_phase *phase)
{
    struct doc_at map, one;
    phase->attempts = room(l, l->v->registry_count, sizeof phase->attempts[0]);
    phase->failed = room(l, l->v->registry_count, sizeof phase->failed[0]);
    if (phase->attempts == NULL || phase->failed == NULL) {
        return -1;
    }
    if (!doc_member(at, "registries", &map)) {
        return 0;
    }
    if (need_object(l, map, "\"registries\"") != 0) {
        return -1;
    }
    for (size_t i = 0; i < l->v->registry_count; i++) {
        if (!doc_member(map, l->v->registries[i].name, &one)) {
            continue;
        }
        if (need_object(l, one, "a registry") != 0 ||
            read_tried(l, one, "attempts", &phase->attempts[i]) != 0 ||
            read_tried(l, one, "failed", &phase->failed[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

/* After the phases themselves, and after the registries, whose names it needs. */
static int read_attempts(struct load *l, struct doc_at root)
{
    struct doc_at list, value;
    size_t i = 0;
    if (member(l, root, verdict_array_phases->key, &list) != 0) {
        return -1;
    }
    struct doc_iter it = doc_iterate(list);
    while (doc_next(&it, NULL, NULL, &value)) {
        if (read_phase_registries(l, value, &l->v->phases[i++]) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_notes(struct load *l, struct doc_at root)
{
    struct doc_at list, value;
    if (member(l, root, "notes", &list) != 0 || need_array(l, list, "notes") != 0) {
        return -1;
    }
    struct doc_iter it = doc_iterate(list);
    const char **notes = room(l, doc_size(list), sizeof *notes);
    if (notes == NULL) {
        return -1;
    }
    l->v->notes = notes;
    while (doc_next(&it, NULL, NULL, &value)) {
        if (read_text(l, value, "notes", &notes[l->v->note_count]) != 0) {
            return -1;
        }
        l->v->note_count++;
    }
    return 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int read_version(struct load *l, struct doc_at root)
{
    struct doc_at at;
    if (need_object(l, root, "a journal") != 0 || member(l, root, "version", &at) != 0) {
        return -1;
    }
    if (!json_is_integer(at.value) || json_integer_value(at.value) != VERDICT_FORMAT_VERSION) {
        return doc_complain(l->e, at, "\"version\" must be %d, the only one this program reads",
                            VERDICT_FORMAT_VERSION);
    }
    return 0;
}

static int read_journal(struct load *l, struct doc_at root)
{
    if (read_version(l, root) != 0 || read_fields(l, root, &verdict_fields_head, l->v) != 0) {
        return -1;
    }
    for (size_t i = 0; i < verdict_array_count; i++) {
        if (read_array(l, root, &verdict_arrays[i]) != 0) {
            return -1;
        }
    }
    if (read_registries(l, root) != 0 || read_attempts(l, root) != 0) {
        return -1;
    }
    return read_notes(l, root);
}

struct verdict *verdict_load(const char *path, struct err *e)
{
    struct doc doc;
    struct load l = {.e = e};
    if (doc_load(&doc, path, e) != 0) {
        return NULL;
    }
    l.v = verdict_new(e);
    if (l.v != NULL && read_journal(&l, doc_root(&doc)) != 0) {
        verdict_free(l.v);
        l.v = NULL;
    }
    doc_close(&doc);
    return l.v;
}
