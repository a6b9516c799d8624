/* The table scenario x twin as text, as JSON, and as verdicts for the other reports. Pure. */
#include <stdlib.h>
#include <string.h>

#include "harness/commands/prove.h"
#include "harness/commands/results.h"
#include "reports/escape.h"
#include "reports/fields_out.h"
#include "reports/json_out.h"
#include "reports/report.h"
#include "reports/words.h"

#define WORDS_MAX (1u << 20)
#define NAME_WIDTH 24

enum verdict_kind prove_cell_verdict(const struct prove *p, const struct prove_cell *cell)
{
    if (cell->done > 0 && cell->finding.verdict == VERDICT_ERROR) {
        return VERDICT_ERROR;
    }
    if (cell->differs) {
        return VERDICT_FAIL;
    }
    if (cell->done < p->options->times &&
        (cell->done == 0 || cell->finding.verdict == VERDICT_PASS)) {
        return VERDICT_INCONCLUSIVE;
    }
    return cell->finding.verdict;
}

/* "caught", "not caught", "passed" …: what the cell is to a reader. */
static const char *outcome(const struct prove *p, const struct prove_cell *cell)
{
    enum verdict_kind v = prove_cell_verdict(p, cell);
    if (v == VERDICT_PASS) {
        return cell->twin != NULL ? "caught" : "passed";
    }
    if (v == VERDICT_FAIL) {
        return cell->differs ? "differs" : cell->twin != NULL ? "not caught" : "failed";
    }
    return verdict_name(v);
}

static void because(const struct scenario_twin *twin, struct buf *out)
{
    for (size_t i = 0; i < twin->because_count; i++) {
        buf_printf(out, "%s%s", i > 0 ? ", " : "", twin->because[i]);
    }
}

static uint64_t ended(const struct prove_cell *cell)
{
    const struct verdict_starts *s = &cell->starts;
    return s->worked + s->failed + s->hung + s->wrong;
}

static void good_words(const struct prove_cell *cell, struct buf *out)
{
    if (cell->twin != NULL) {
        buf_str(out, "because of ");
        because(cell->twin, out);
        buf_str(out, "; ");
    }
    buf_printf(out, "%llu start%s%s", (unsigned long long)ended(cell), ended(cell) == 1 ? "" : "s",
               cell->stopped > 0 ? ", then stopped" : "");
}

static void cell_words(const struct prove *p, const struct prove_cell *cell, struct buf *out)
{
    unsigned times = p->options->times;
    if (cell->empty) {
        buf_str(out, "the scenario has no bad twins: nothing shows that it can fail");
        return;
    }
    if (cell->done < times) {
        buf_printf(out, "interrupted: %zu of %u rounds were drilled%s", cell->done, times,
                   cell->done > 0 ? "; " : "");
    } else if (times > 1) {
        buf_printf(out, "%zu of %u times; ", cell->as_expected, times);
    }
    if (cell->done > 0 && cell->finding.verdict == VERDICT_PASS) {
        if (cell->differs) {
            buf_str(out, "the drills' verdicts differ; ");
        }
        good_words(cell, out);
    } else {
        escape_line(out, cell->finding.why);
    }
}

void prove_line(const struct prove *p, const struct prove_cell *cell, bool colour, struct buf *out)
{
    enum verdict_kind v = prove_cell_verdict(p, cell);
    const char *paint = v == VERDICT_PASS           ? "\033[32m"
                        : v == VERDICT_INCONCLUSIVE ? "\033[33m"
                                                    : "\033[31m";
    const char *word = outcome(p, cell);
    buf_printf(out, "  %-*s %s%-12s%s %6.1f s  ", NAME_WIDTH, cell->name, colour ? paint : "", word,
               colour ? "\033[0m" : "", (double)cell->duration_ns / 1e9);
    cell_words(p, cell, out);
    buf_char(out, '\n');
    if (v != VERDICT_PASS && cell->replay != NULL && cell->replay[0] != '\0') {
        buf_str(out, "      replay: ");
        escape_line(out, cell->replay);
        buf_char(out, '\n');
    }
}

void prove_text(const struct prove *p, bool colour, struct buf *out)
{
    for (size_t i = 0; i < p->cell_count; i++) {
        const struct prove_cell *cell = &p->cells[i];
        if (i == 0 || cell->scenario != p->cells[i - 1].scenario) {
            buf_str(out, i > 0 ? "\n" : "");
            escape_line(out, p->selection->path[cell->scenario]);
            buf_str(out, ": ");
            escape_line(out, p->selection->scenario[cell->scenario]->title);
            buf_char(out, '\n');
        }
        prove_line(p, cell, colour, out);
    }
    buf_char(out, '\n');
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void cell_json(const struct prove *p, const struct prove_cell *cell, struct json_out *j)
{
    struct buf words;
    buf_init(&words, WORDS_MAX);
    cell_words(p, cell, &words);
    json_out_open(j, NULL, '{');
    json_out_text(j, "name", cell->name);
    json_out_text(j, "role", cell->twin != NULL || cell->empty ? "twin" : "good");
    json_out_open(j, "because", '[');
    for (size_t i = 0; cell->twin != NULL && i < cell->twin->because_count; i++) {
        json_out_text(j, NULL, cell->twin->because[i]);
    }
    json_out_close(j, ']');
    json_out_text(j, "verdict", verdict_name(prove_cell_verdict(p, cell)));
    json_out_text(j, "outcome", outcome(p, cell));
    json_out_text(j, "why", words.data);
    json_out_count(j, "rounds", cell->done);
    json_out_count(j, "as-expected", cell->as_expected);
    json_out_flag(j, "differs", cell->differs);
    json_out_count(j, "stopped", cell->stopped);
    json_out_count(j, "starts", ended(cell));
    json_out_count(j, "duration-ns", cell->duration_ns);
    json_out_text(j, "folder", cell->empty ? NULL : cell->folder);
    json_out_text(j, "replay", cell->replay);
    json_out_close(j, '}');
    buf_close(&words);
}

static void scenario_json(const struct prove *p, const struct verdict *v, size_t scenario,
                          struct json_out *j)
{
    json_out_open(j, NULL, '{');
    json_out_text(j, "scenario", v->scenario);
    json_out_text(j, "title", v->title);
    json_out_text(j, "verdict", verdict_name(v->verdict));
    json_out_count(j, "seed", v->seed);
    json_out_open(j, "cells", '[');
    for (size_t i = 0; i < p->cell_count; i++) {
        if (p->cells[i].scenario == scenario) {
            cell_json(p, &p->cells[i], j);
        }
    }
    json_out_close(j, ']');
    json_out_close(j, '}');
}

void prove_json(const struct prove *p, const struct verdict_list *list, struct buf *out)
{
    struct json_out j = {.out = out, .flat = true};
    json_out_open(&j, NULL, '{');
    json_out_int(&j, "version", 1);
    json_out_text(&j, "verdict", verdict_name(list->verdict));
    json_out_int(&j, "exit", list->exit);
    json_out_count(&j, "times", p->options->times);
    fields_out_tally(&j, "tally", words_tally_all(list));
    json_out_open(&j, "scenarios", '[');
    for (size_t i = 0; i < list->count; i++) {
        scenario_json(p, list->items[i], i, &j);
    }
    json_out_close(&j, ']');
    json_out_close(&j, '}');
}

/* ---- verdicts ------------------------------------------------------------------------------ */

static void fill_check(const struct prove *p, const struct prove_cell *cell, struct arena *a,
                       struct verdict_check *out)
{
    struct buf text;
    buf_init(&text, WORDS_MAX);
    buf_str(&text, cell->twin != NULL ? "it fails, because of " : "it passes");
    if (cell->twin != NULL) {
        because(cell->twin, &text);
    }
    out->expected =
        cell->empty ? "at least one bad twin" : arena_strdup(a, text.data != NULL ? text.data : "");
    buf_reset(&text);
    cell_words(p, cell, &text);
    out->actual = arena_printf(a, "%s: %s", outcome(p, cell), text.data != NULL ? text.data : "");
    buf_close(&text);
    out->name = cell->name;
    out->check = cell->twin != NULL || cell->empty ? "twin" : "good";
    out->judged = cell->done > 0;
    out->verdict = prove_cell_verdict(p, cell);
}

/* The worst cell so far decides, and says why; the first one does where none is worse than skipped.
 */
static void conclude(struct verdict *v, const struct verdict_check *c)
{
    if (c->verdict > v->verdict || v->check_count == 0) {
        v->verdict = c->verdict;
        v->why = c->verdict == VERDICT_PASS ? NULL
                                            : arena_printf(&v->arena, "%s: %s", c->name, c->actual);
        v->blame = c->verdict <= VERDICT_PASS      ? "nobody"
                   : c->verdict == VERDICT_ERROR   ? "harness"
                   : strcmp(c->check, "good") == 0 ? "subject"
                                                   : "scenario";
    }
}

/* A proof of which a part was skipped has shown nothing, and is no skip either. */
static void conclude_skips(struct verdict *v)
{
    for (size_t i = 0; v->checks != NULL && i < v->check_count; i++) {
        if (v->checks[i].verdict == VERDICT_SKIPPED && v->verdict == VERDICT_PASS) {
            v->verdict = VERDICT_INCONCLUSIVE;
            v->blame = "environment";
            v->why = arena_printf(&v->arena, "%s: %s", v->checks[i].name, v->checks[i].actual);
        }
    }
}

struct verdict *prove_verdict(const struct prove *p, size_t scenario, int signum, struct err *e)
{
    const char *path = p->selection->path[scenario];
    struct verdict *v = results_lost(path, p->selection->scenario[scenario]->title, "", e);
    if (v == NULL) {
        return NULL;
    }
    v->verdict = VERDICT_SKIPPED;
    v->reason = signum != 0 ? "interrupted" : "completed";
    v->signal = signum;
    v->seed = p->seeds[scenario];
    v->checks = arena_alloc(&v->arena, p->cell_count, sizeof *v->checks);
    char *replay = options_replay(p->options, "prove", path);
    char *tail = options_replay_tail(p->options);
    v->replay = arena_printf(&v->arena, "%s --seed %llu%s", replay != NULL ? replay : "",
                             (unsigned long long)v->seed, tail != NULL ? tail : "");
    free(replay);
    free(tail);
    for (size_t i = 0; v->checks != NULL && i < p->cell_count; i++) {
        const struct prove_cell *cell = &p->cells[i];
        if (cell->scenario == scenario) {
            fill_check(p, cell, &v->arena, &v->checks[v->check_count]);
            conclude(v, &v->checks[v->check_count]);
            v->check_count++;
            v->duration_ns += cell->duration_ns;
            prove_add_starts(&v->starts, &cell->starts);
        }
    }
    conclude_skips(v);
    if (signum != 0 && v->verdict == VERDICT_INCONCLUSIVE) {
        v->blame = "environment"; /* as of a drill that was interrupted */
    }
    if (v->arena.failed) {
        verdict_free(v);
        err_set(e, ERR_NOMEM, "no memory");
        return NULL;
    }
    return v;
}
