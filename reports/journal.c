/* journal.json: the whole verdict, to be read back by verdict_load and by other programs. */
#include <stdlib.h>

#include "reports/fields_out.h"
#include "reports/report.h"

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t unique(uint64_t *sorted, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || sorted[kept - 1] != sorted[i]) {
            sorted[kept++] = sorted[i];
        }
    }
    return kept;
}

/* Every event that any reason of C rests on, once, in order. */
static void events_out(struct json_out *j, const struct verdict_check *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->reason_count; i++) {
        count += c->reasons[i].event_count;
    }
    uint64_t *all = calloc(count + 1, sizeof *all);
    if (all == NULL) {
        j->out->failed = true;
        return;
    }
    count = 0;
    for (size_t i = 0; i < c->reason_count; i++) {
        for (size_t k = 0; k < c->reasons[i].event_count; k++) {
            all[count++] = c->reasons[i].events[k];
        }
    }
    qsort(all, count, sizeof *all, by_number);
    json_out_counts(j, "events", all, unique(all, count));
    free(all);
}

static void evidence_out(struct json_out *j, const struct verdict_check *c)
{
    json_out_open(j, "reasons", '[');
    for (size_t i = 0; i < c->reason_count; i++) {
        json_out_text(j, NULL, c->reasons[i].text);
    }
    json_out_close(j, ']');
    events_out(j, c);
    json_out_open(j, "evidence", '[');
    for (size_t i = 0; i < c->reason_count; i++) {
        json_out_open(j, NULL, '{');
        json_out_text(j, "text", c->reasons[i].text);
        json_out_counts(j, "events", c->reasons[i].events, c->reasons[i].event_count);
        json_out_close(j, '}');
    }
    json_out_close(j, ']');
}

static void attempts_out(struct json_out *j, const struct verdict *v, const struct verdict_phase *p)
{
    json_out_open(j, "registries", '{');
    for (size_t i = 0; i < v->registry_count; i++) {
        json_out_open(j, v->registries[i].name != NULL ? v->registries[i].name : "", '{');
        json_out_count(j, "attempts", p->attempts != NULL ? p->attempts[i] : 0);
        json_out_count(j, "failed", p->failed != NULL ? p->failed[i] : 0);
        json_out_close(j, '}');
    }
    json_out_close(j, '}');
}

static void array_out(struct json_out *j, const struct verdict *v, const struct verdict_array *a)
{
    const char *items = *(const char *const *)((const char *)v + a->items);
    size_t count = *(const size_t *)((const char *)v + a->count);
    json_out_open(j, a->key, '[');
    for (size_t i = 0; i < count; i++) {
        const void *item = items + i * a->size;
        json_out_open(j, NULL, '{');
        fields_out(j, &a->fields, item);
        if (a == verdict_array_checks) {
            evidence_out(j, item);
        } else if (a == verdict_array_phases) {
            attempts_out(j, v, item);
        }
        json_out_close(j, '}');
    }
    json_out_close(j, ']');
}

static void registries_out(struct json_out *j, const struct verdict *v)
{
    json_out_open(j, "registries", '{');
    for (size_t i = 0; i < v->registry_count; i++) {
        const struct verdict_registry *r = &v->registries[i];
        json_out_open(j, r->name != NULL ? r->name : "", '{');
        fields_out(j, &verdict_fields_registry, r);
        json_out_close(j, '}');
    }
    json_out_close(j, '}');
}

void report_journal(const struct verdict *v, const struct report_style *style, struct buf *out)
{
    struct json_out j = {.out = out};
    (void)style;
    json_out_open(&j, NULL, '{');
    json_out_int(&j, "version", VERDICT_FORMAT_VERSION);
    fields_out(&j, &verdict_fields_head, v);
    for (size_t i = 0; i < verdict_array_count; i++) {
        array_out(&j, v, &verdict_arrays[i]);
    }
    registries_out(&j, v);
    json_out_open(&j, "notes", '[');
    for (size_t i = 0; i < v->note_count; i++) {
        json_out_text(&j, NULL, v->notes[i]);
    }
    json_out_close(&j, ']');
    json_out_close(&j, '}');
}
