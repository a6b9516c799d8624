/* metrics.txt: one drill as OpenMetrics 1.0 text, for a collector or a push gateway. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/utf8.h"
#include "reports/report.h"

/* Rows of one list; no drill has as many phases, faults or registries. */
#define MAX_ROWS 1000
#define NS_A_SECOND UINT64_C(1000000000)

/* ---- text ---------------------------------------------------------------------------------- */

/* A label's value: backslash, quote and line feed as the format wants; other control characters,
 * which it allows and nobody reads, as \x1b; what is no UTF-8 as U+FFFD. */
static void escape(struct buf *out, const char *s)
{
    size_t left = s != NULL ? strlen(s) : 0;
    while (left > 0) {
        size_t n = utf8_sequence(s, left);
        unsigned char c = (unsigned char)*s;
        if (n == 0) {
            buf_str(out, "\xef\xbf\xbd");
            n = 1;
        } else if (c == '\n') {
            buf_str(out, "\\n");
        } else if (c == '\\' || c == '"') {
            buf_char(out, '\\');
            buf_char(out, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\\\x%02x", c);
        } else {
            buf_append(out, s, n);
        }
        s += n;
        left -= n;
    }
}

static void family(struct buf *out, const char *name, const char *type, const char *unit,
                   const char *help)
{
    buf_printf(out, "# TYPE %s %s\n", name, type);
    if (unit != NULL) {
        buf_printf(out, "# UNIT %s %s\n", name, unit);
    }
    buf_printf(out, "# HELP %s %s\n", name, help);
}

/* A sample's labels: the scenario's first, then pairs of name and value up to a NULL. */
struct labels {
    const char *pair[9];
};

static void sample(struct buf *out, const struct verdict *v, const char *name,
                   const struct labels *labels)
{
    buf_printf(out, "%s{scenario=\"", name);
    escape(out, v->scenario);
    buf_char(out, '"');
    for (size_t i = 0; labels != NULL && labels->pair[i] != NULL; i += 2) {
        buf_printf(out, ",%s=\"", labels->pair[i]);
        escape(out, labels->pair[i + 1]);
        buf_char(out, '"');
    }
    buf_str(out, "} ");
}

static void count(struct buf *out, const struct verdict *v, const char *name,
                  const struct labels *labels, uint64_t value)
{
    sample(out, v, name, labels);
    buf_printf(out, "%" PRIu64 "\n", value);
}

static void seconds(struct buf *out, const struct verdict *v, const char *name,
                    const struct labels *labels, uint64_t ns)
{
    sample(out, v, name, labels);
    buf_printf(out, "%" PRIu64 ".%09" PRIu64 "\n", ns / NS_A_SECOND, ns % NS_A_SECOND);
}

static const char *text(const char *s)
{
    return s != NULL ? s : "";
}

/* ---- names --------------------------------------------------------------------------------- */

/* A label value byte by byte, as `escape` has it but for what the format wants of all alike. */
struct letters {
    const char *s;
    char piece[8];
    size_t at, len;
};

static int next_letter(struct letters *l)
{
    unsigned char c = (unsigned char)*l->s;
    if (l->at == l->len && c != '\0') {
        size_t n = utf8_sequence(l->s, strnlen(l->s, sizeof l->piece));
        if (n == 0) {
            snprintf(l->piece, sizeof l->piece, "\xef\xbf\xbd");
        } else if (c != '\n' && (c < 0x20 || c == 0x7f)) {
            snprintf(l->piece, sizeof l->piece, "\\x%02x", c);
        } else {
            snprintf(l->piece, sizeof l->piece, "%.*s", (int)n, l->s);
        }
        l->at = 0;
        l->len = strlen(l->piece);
        l->s += n > 0 ? n : 1;
    }
    return l->at < l->len ? (unsigned char)l->piece[l->at++] : -1;
}

/* Whether two names are the same label value. Needs no memory, for it has no way to say so. */
static bool same_label(const char *a, const char *b)
{
    struct letters one = {.s = a}, other = {.s = b};
    int letter;
    while ((letter = next_letter(&one)) == next_letter(&other)) {
        if (letter < 0) {
            return true;
        }
    }
    return false;
}

/* Whether row INDEX may be told: a name stands for one row only, the first, whatever a journal from
 * elsewhere says. NAMES is the first row's name; rows are STRIDE bytes apart. */
static bool is_first(const void *names, size_t stride, size_t index)
{
    const char *name;
    memcpy(&name, (const char *)names + index * stride, sizeof name);
    for (size_t i = 0; i < index; i++) {
        const char *other;
        memcpy(&other, (const char *)names + i * stride, sizeof other);
        if (same_label(text(name), text(other))) {
            return false;
        }
    }
    return index < MAX_ROWS;
}

static bool tells_phase(const struct verdict *v, size_t i)
{
    return is_first(&v->phases[0].name, sizeof v->phases[0], i);
}

static bool tells_registry(const struct verdict *v, size_t i)
{
    return is_first(&v->registries[0].name, sizeof v->registries[0], i);
}

static size_t rows(size_t n)
{
    return n < MAX_ROWS ? n : MAX_ROWS;
}

/* ---- the drill ----------------------------------------------------------------------------- */

static void drill_out(const struct verdict *v, struct buf *out)
{
    char seed[32];
    (void)snprintf(seed, sizeof seed, "%" PRIu64, v->seed);
    family(out, "pulldrill_drill", "info", NULL, "The drill that was made.");
    count(out, v, "pulldrill_drill_info",
          &(struct labels){{"title", text(v->title), "seed", seed, "began", text(v->began),
                            "version", text(v->version), NULL}},
          1);
    family(out, "pulldrill_verdict", "stateset", NULL, "What the drill came to.");
    for (int k = VERDICT_SKIPPED; k <= VERDICT_ERROR; k++) {
        const char *name = verdict_name((enum verdict_kind)k);
        count(out, v, "pulldrill_verdict", &(struct labels){{"pulldrill_verdict", name, NULL}},
              (int)v->verdict == k ? 1 : 0);
    }
    family(out, "pulldrill_duration_seconds", "gauge", "seconds", "How long the drill took.");
    seconds(out, v, "pulldrill_duration_seconds", NULL, v->duration_ns);
    family(out, "pulldrill_loop_lag_seconds", "gauge", "seconds",
           "The largest p99 of the harness's own lag over any second.");
    seconds(out, v, "pulldrill_loop_lag_seconds", NULL, v->lag_p99_ns);
}

static void checks_out(const struct verdict *v, struct buf *out)
{
    family(out, "pulldrill_checks", "gauge", NULL, "Checks by their verdict.");
    for (int k = VERDICT_PASS; k <= VERDICT_ERROR; k++) {
        uint64_t n = 0;
        for (size_t i = 0; i < v->check_count; i++) {
            n += v->checks[i].judged && (int)v->checks[i].verdict == k ? 1 : 0;
        }
        count(out, v, "pulldrill_checks",
              &(struct labels){{"verdict", verdict_name((enum verdict_kind)k), NULL}}, n);
    }
    uint64_t not_judged = 0;
    for (size_t i = 0; i < v->check_count; i++) {
        not_judged += v->checks[i].judged ? 0 : 1;
    }
    count(out, v, "pulldrill_checks", &(struct labels){{"verdict", "not judged", NULL}},
          not_judged);
}

/* ---- phases -------------------------------------------------------------------------------- */

static void phase_count(const struct verdict *v, struct buf *out, const char *name,
                        const char *phase, const char *label, const char *value, uint64_t n)
{
    count(out, v, name, &(struct labels){{"phase", text(phase), label, value, NULL}}, n);
}

static void starts_out(const struct verdict *v, struct buf *out)
{
    family(out, "pulldrill_starts", "counter", NULL, "Starts that ended, by outcome.");
    for (size_t i = 0; i < rows(v->phase_count); i++) {
        const struct verdict_phase *p = &v->phases[i];
        if (tells_phase(v, i)) {
            const char *name = "pulldrill_starts_total";
            phase_count(v, out, name, p->name, "outcome", "worked", p->starts.worked);
            phase_count(v, out, name, p->name, "outcome", "failed", p->starts.failed);
            phase_count(v, out, name, p->name, "outcome", "hung", p->starts.hung);
            phase_count(v, out, name, p->name, "outcome", "wrong", p->starts.wrong);
        }
    }
    family(out, "pulldrill_pulls", "counter", NULL, "Starts by where their image came from.");
    for (size_t i = 0; i < rows(v->phase_count); i++) {
        const struct verdict_phase *p = &v->phases[i];
        if (tells_phase(v, i)) {
            const char *name = "pulldrill_pulls_total";
            phase_count(v, out, name, p->name, "label", "primary", p->pulls.primary);
            phase_count(v, out, name, p->name, "label", "fell back", p->pulls.fell_back);
            phase_count(v, out, name, p->name, "label", "failed", p->pulls.failed);
            phase_count(v, out, name, p->name, "label", "mixed", p->pulls.mixed);
        }
    }
}

static void attempts_out(const struct verdict *v, bool failed, struct buf *out)
{
    for (size_t i = 0; i < rows(v->phase_count); i++) {
        const struct verdict_phase *p = &v->phases[i];
        const uint64_t *n = failed ? p->failed : p->attempts;
        for (size_t k = 0; tells_phase(v, i) && k < rows(v->registry_count); k++) {
            if (tells_registry(v, k)) {
                phase_count(v, out,
                            failed ? "pulldrill_failed_attempts_total" : "pulldrill_attempts_total",
                            p->name, "registry", text(v->registries[k].name), n != NULL ? n[k] : 0);
            }
        }
    }
}

static void quantile(const struct verdict *v, const char *name, const char *phase, const char *q,
                     uint64_t ns, struct buf *out)
{
    seconds(out, v, name, &(struct labels){{"phase", text(phase), "quantile", q, NULL}}, ns);
}

/* Without a sample there are no quantiles to tell. */
static void times_out(const struct verdict *v, const char *name, const char *phase,
                      const struct verdict_times *t, struct buf *out)
{
    char part[64];
    const struct labels labels = {{"phase", text(phase), NULL}};
    if (t->count > 0) {
        quantile(v, name, phase, "0.5", t->p50_ns, out);
        quantile(v, name, phase, "0.95", t->p95_ns, out);
        quantile(v, name, phase, "0.99", t->p99_ns, out);
        quantile(v, name, phase, "1.0", t->max_ns, out);
    }
    (void)snprintf(part, sizeof part, "%s_count", name);
    count(out, v, part, &labels, t->count);
    (void)snprintf(part, sizeof part, "%s_sum", name);
    seconds(out, v, part, &labels, t->sum_ns);
}

static void phases_out(const struct verdict *v, struct buf *out)
{
    starts_out(v, out);
    family(out, "pulldrill_attempts", "counter", NULL, "Attempts at objects.");
    attempts_out(v, false, out);
    family(out, "pulldrill_failed_attempts", "counter", NULL,
           "Attempts that brought nothing whole.");
    attempts_out(v, true, out);
    family(out, "pulldrill_start_seconds", "summary", "seconds",
           "How long the starts that worked took.");
    for (size_t i = 0; i < rows(v->phase_count); i++) {
        if (tells_phase(v, i)) {
            times_out(v, "pulldrill_start_seconds", v->phases[i].name, &v->phases[i].start_times,
                      out);
        }
    }
    family(out, "pulldrill_fall_back_seconds", "summary", "seconds",
           "From a start's first contact with the primary to the first useful byte from a "
           "failover.");
    for (size_t i = 0; i < rows(v->phase_count); i++) {
        if (tells_phase(v, i)) {
            times_out(v, "pulldrill_fall_back_seconds", v->phases[i].name, &v->phases[i].fall_back,
                      out);
        }
    }
}

/* ---- registries and faults ----------------------------------------------------------------- */

/* A counter of one member of every row of a list. */
struct column {
    const char *family, *name, *unit, *help;
    size_t offset;
};

static void registries_out(const struct verdict *v, struct buf *out)
{
    static const struct column columns[] = {
        {"pulldrill_connections", "pulldrill_connections_total", NULL, "Connections that came.",
         offsetof(struct verdict_registry, connections)},
        {"pulldrill_requests", "pulldrill_requests_total", NULL, "Requests that came.",
         offsetof(struct verdict_registry, requests)},
        {"pulldrill_delivered_bytes", "pulldrill_delivered_bytes_total", "bytes",
         "Bytes that the peer's kernel acknowledged.", offsetof(struct verdict_registry, bytes)},
        {"pulldrill_served_starts", "pulldrill_served_starts_total", NULL,
         "Worked starts that it brought something.", offsetof(struct verdict_registry, served)},
    };
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
        family(out, columns[c].family, "counter", columns[c].unit, columns[c].help);
        for (size_t i = 0; i < rows(v->registry_count); i++) {
            const struct verdict_registry *r = &v->registries[i];
            uint64_t n;
            memcpy(&n, (const char *)r + columns[c].offset, sizeof n);
            if (tells_registry(v, i)) {
                count(out, v, columns[c].name,
                      &(struct labels){{"registry", text(r->name), "role", text(r->role), NULL}},
                      n);
            }
        }
    }
}

static void exposure_out(const struct verdict *v, struct buf *out)
{
    family(out, "pulldrill_fault_exposure_ratio", "gauge", "ratio",
           "The share of a fault's starts that met it.");
    for (size_t i = 0; i < rows(v->fault_count); i++) {
        const struct verdict_fault *f = &v->faults[i];
        if (is_first(&v->faults[0].name, sizeof v->faults[0], i)) {
            sample(out, v, "pulldrill_fault_exposure_ratio",
                   &(struct labels){{"fault", text(f->name), NULL}});
            buf_printf(out, "%.9g\n", isfinite(f->exposure) ? f->exposure : 0);
        }
    }
}

static void faults_out(const struct verdict *v, struct buf *out)
{
    static const struct column columns[] = {
        {"pulldrill_fault_planned_starts", "pulldrill_fault_planned_starts_total", NULL,
         "Starts of the phases it was armed in.", offsetof(struct verdict_fault, planned)},
        {"pulldrill_fault_met_starts", "pulldrill_fault_met_starts_total", NULL,
         "Of those, that met it.", offsetof(struct verdict_fault, met)},
        {"pulldrill_fault_matched_requests", "pulldrill_fault_matched_requests_total", NULL,
         "Requests it matched.", offsetof(struct verdict_fault, matched)},
        {"pulldrill_fault_fired", "pulldrill_fault_fired_total", NULL, "Of those, where it acted.",
         offsetof(struct verdict_fault, fired)},
    };
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
        family(out, columns[c].family, "counter", columns[c].unit, columns[c].help);
        for (size_t i = 0; i < rows(v->fault_count); i++) {
            const struct verdict_fault *f = &v->faults[i];
            uint64_t n;
            memcpy(&n, (const char *)f + columns[c].offset, sizeof n);
            if (is_first(&v->faults[0].name, sizeof v->faults[0], i)) {
                count(out, v, columns[c].name,
                      &(struct labels){
                          {"fault", text(f->name), "kind", text(f->kind), "on", text(f->on), NULL}},
                      n);
            }
        }
    }
    exposure_out(v, out);
}

void report_metrics(const struct verdict *v, const struct report_style *style, struct buf *out)
{
    (void)style;
    drill_out(v, out);
    checks_out(v, out);
    phases_out(v, out);
    registries_out(v, out);
    faults_out(v, out);
    buf_str(out, "# EOF\n");
}
