/* Verdicts: their names, exit codes and tallies, and journals read back. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/report.h"
#include "tests/lib/golden.h"

#define MAX_TEXT (1u << 20)
#define GOLDEN "tests/golden/reports/fail-three-of-twenty/journal.json"

static const struct report_style plain = {.colour = false};

/* ---- names, exits, tallies ----------------------------------------------------------------- */

/* Each verdict has its name, which is read back, and its exit code, which the table explains. */
Test(verdict, names_and_exits)
{
    static const struct {
        enum verdict_kind kind;
        const char *name;
        int exit;
    } rows[] = {
        {VERDICT_SKIPPED, "skipped", 77},
        {VERDICT_PASS, "pass", 0},
        {VERDICT_INCONCLUSIVE, "inconclusive", 2},
        {VERDICT_FAIL, "fail", 1},
        {VERDICT_ERROR, "error", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum verdict_kind kind = VERDICT_SKIPPED;
        size_t explained = 0;
        cr_expect_str_eq(verdict_name(rows[i].kind), rows[i].name);
        cr_expect(verdict_parse(rows[i].name, &kind) && kind == rows[i].kind, "%s", rows[i].name);
        cr_expect_eq((int)verdict_exit(rows[i].kind), rows[i].exit, "%s", rows[i].name);
        for (size_t k = 0; k < exit_table_len; k++) {
            explained += (int)exit_table[k].status == rows[i].exit ? 1 : 0;
        }
        cr_expect_eq(explained, 1, "%s", rows[i].name);
    }
}

/* Words that are no verdict are refused and change nothing. */
Test(verdict, unknown_names)
{
    enum verdict_kind kind = VERDICT_FAIL;
    cr_expect_not(verdict_parse("PASS", &kind));
    cr_expect_not(verdict_parse("passed", &kind));
    cr_expect_not(verdict_parse("", &kind));
    cr_expect_eq(kind, VERDICT_FAIL);
}

/* Of many the worst counts: error, fail, inconclusive, pass. */
Test(verdict, order_is_precedence)
{
    cr_expect_lt(VERDICT_SKIPPED, VERDICT_PASS);
    cr_expect_lt(VERDICT_PASS, VERDICT_INCONCLUSIVE);
    cr_expect_lt(VERDICT_INCONCLUSIVE, VERDICT_FAIL);
    cr_expect_lt(VERDICT_FAIL, VERDICT_ERROR);
}

/* A tally puts every check into one of three; a drill lost before its checks counts as one
 * failed. */
Test(verdict, tally)
{
    struct verdict_check checks[] = {
        {.verdict = VERDICT_PASS}, {.verdict = VERDICT_PASS},         {.verdict = VERDICT_FAIL},
        {.verdict = VERDICT_PASS}, {.verdict = VERDICT_INCONCLUSIVE}, {.verdict = VERDICT_ERROR},
    };
    struct verdict v = {.verdict = VERDICT_ERROR, .checks = checks, .check_count = 6};
    struct verdict_tally tally = verdict_tally(&v);
    cr_expect_eq(tally.passed, 3);
    cr_expect_eq(tally.failed, 2);
    cr_expect_eq(tally.inconclusive, 1);
    v.check_count = 0;
    tally = verdict_tally(&v);
    cr_expect_eq(tally.passed + tally.inconclusive, 0);
    cr_expect_eq(tally.failed, 1);
    v.verdict = VERDICT_SKIPPED;
    tally = verdict_tally(&v);
    cr_expect_eq(tally.passed + tally.inconclusive + tally.failed, 0);
}

/* ---- journals read back -------------------------------------------------------------------- */

/* Loads TEXT by way of a file; PATH tells which. */
static struct verdict *load_text(const char *text, char path[64], struct err *e)
{
    snprintf(path, 64, "/tmp/pulldrill-journal-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct verdict *v = verdict_load(path, e);
    unlink(path);
    return v;
}

static char *journal(const struct verdict *v)
{
    struct buf out;
    buf_init(&out, MAX_TEXT);
    report_journal(v, &plain, &out);
    char *text = buf_take(&out);
    cr_assert_not_null(text);
    return text;
}

static void expect_round_trip(const struct verdict *v)
{
    struct err e = {0};
    char path[64];
    char *first = journal(v);
    struct verdict *again = load_text(first, path, &e);
    cr_assert_not_null(again, "%s", e.text);
    char *second = journal(again);
    cr_expect_str_eq(first, second);
    for (size_t i = 0; i < v->fault_count; i++) {
        cr_expect_eq(again->faults[i].exposure, v->faults[i].exposure, "fault %zu", i);
    }
    verdict_free(again);
    free(first);
    free(second);
}

/* Absent texts, shares without a short decimal, the largest numbers, an empty text beside an absent
 * one: a journal read back writes the same journal. */
Test(journal, round_trip)
{
    const uint64_t events[] = {9, 3, 9, UINT64_MAX};
    struct verdict_reason reasons[] = {{"one", events, 4}, {"", NULL, 0}, {NULL, events, 1}};
    struct verdict_check checks[] = {
        {.name = "a",
         .check = "b",
         .always = true,
         .judged = true,
         .verdict = VERDICT_FAIL,
         .expected = "\x01\xff\"\\/\n",
         .reasons = reasons,
         .reason_count = 3},
        {.verdict = VERDICT_INCONCLUSIVE},
    };
    struct verdict_fault faults[] = {{.name = "f", .exposure = 1.0 / 3}, {.exposure = 1}};
    struct verdict_registry registries[] = {{.name = "z"}, {.name = "a", .bytes = UINT64_MAX}};
    struct verdict_phase phases[] = {{.name = "p", .begin_ns = 1, .starts = {1, 2, 3, 4}}};
    struct verdict_bad_start bad[] = {{.subject = "s", .start = 7, .event = 8}};
    const char *notes[] = {"first", "second"};
    struct verdict v = {
        .title = "",
        .verdict = VERDICT_FAIL,
        .signal = 15,
        .seed = UINT64_C(1) << 53,
        .checks = checks,
        .check_count = 2,
        .faults = faults,
        .fault_count = 2,
        .registries = registries,
        .registry_count = 2,
        .phases = phases,
        .phase_count = 1,
        .bad = bad,
        .bad_count = 1,
        .notes = notes,
        .note_count = 2,
    };
    expect_round_trip(&v);
    expect_round_trip(&(struct verdict){0});
}

/* What is read back is what was there, not only what is written again. */
Test(journal, members)
{
    struct err e = {0};
    struct verdict *v = verdict_load(GOLDEN, &e);
    cr_assert_not_null(v, "%s", e.text);
    cr_expect_eq(v->verdict, VERDICT_FAIL);
    cr_expect_str_eq(v->blame, "subject");
    cr_expect_null(v->why);
    cr_expect_eq(v->seed, 42);
    cr_expect_eq(v->starts.worked, 37);
    cr_expect_eq(v->starts.hung, 1);
    cr_assert_eq(v->check_count, 13);
    cr_expect(v->checks[0].always && v->checks[0].judged);
    cr_assert_eq(v->checks[7].reason_count, 3);
    cr_assert_eq(v->checks[7].reasons[1].event_count, 7);
    cr_expect_eq(v->checks[7].reasons[1].events[6], 307);
    cr_assert_eq(v->registry_count, 2);
    cr_expect_str_eq(v->registries[0].name, "primary");
    cr_expect_eq(v->registries[1].served, 17);
    cr_expect_eq(v->phases[1].starts.failed, 2);
    cr_expect_eq(v->phases[1].start_times.count, 17);
    cr_expect_eq(v->phases[1].start_times.p95_ns, 63060955);
    cr_expect_eq(v->phases[1].fall_back.p50_ns, 2456698);
    cr_expect_eq(v->phases[1].attempts[0], 30);
    cr_expect_eq(v->phases[1].attempts[1], 18);
    cr_expect_eq(v->phases[1].failed[0], 20);
    cr_expect_eq(v->lag_p99_ns, 1724512);
    cr_expect_eq(v->faults[0].first_event, 160);
    cr_expect_eq(v->bad[2].event, 398);
    verdict_free(v);
}

/* Journals of the first version lack times, lag, and attempts by phase: they are read, and those
 * are 0. */
Test(journal, first_version)
{
    struct err e = {0};
    char path[64];
    json_t *root = json_load_file(GOLDEN, 0, NULL);
    cr_assert_not_null(root);
    cr_assert_eq(json_object_del(root, "lag-p99-ns"), 0);
    size_t i;
    json_t *phase;
    json_array_foreach(json_object_get(root, "phases"), i, phase)
    {
        cr_assert_eq(json_object_del(phase, "start-seconds"), 0);
        cr_assert_eq(json_object_del(phase, "fall-back"), 0);
        cr_assert_eq(json_object_del(phase, "registries"), 0);
    }
    char *text = json_dumps(root, 0);
    struct verdict *v = load_text(text, path, &e);
    cr_assert_not_null(v, "%s", e.text);
    cr_expect_eq(v->lag_p99_ns, 0);
    cr_assert_eq(v->phase_count, 3);
    cr_expect_eq(v->phases[1].start_times.count + v->phases[1].fall_back.max_ns, 0);
    cr_expect_eq(v->phases[1].attempts[0] + v->phases[1].failed[1], 0);
    cr_expect_eq(v->phases[1].starts.worked, 17);
    verdict_free(v);
    free(text);
    json_decref(root);
}

struct spoiled {
    const char *find; /* in the golden journal, the first time */
    const char *replace;
    const char *complaint; /* behind the file's name */
};

static void expect_refused(const char *golden, const struct spoiled *row)
{
    struct err e = {0};
    char path[64];
    const char *at = strstr(golden, row->find);
    char *text = calloc(1, MAX_TEXT + 256);
    cr_assert(at != NULL && text != NULL, "%s", row->find);
    snprintf(text, MAX_TEXT + 256, "%.*s%s%s", (int)(at - golden), golden, row->replace,
             at + strlen(row->find));
    cr_expect_null(load_text(text, path, &e), "%s was taken", row->replace);
    cr_expect_eq(e.code, ERR_INVALID, "%s: code %d", row->replace, (int)e.code);
    cr_assert_eq(strncmp(e.text, path, strlen(path)), 0, "%s", e.text);
    cr_expect_str_eq(e.text + strlen(path), row->complaint);
    free(text);
}

/* A journal that is none, or is spoiled, is told at its line and column. */
Test(journal, spoiled)
{
    static const struct spoiled rows[] = {
        {"\"version\": 1", "\"version\": 2",
         ":2:14: \"version\" must be 1, the only one this program reads"},
        {"\"version\": 1", "\"version\": \"1\"",
         ":2:14: \"version\" must be 1, the only one this program reads"},
        {"\"version\": 1,", "", ":1:1: \"version\" is missing; this is no journal of pulldrill"},
        {"\"title\"", "\"titel\"", ":1:1: \"title\" is missing; this is no journal of pulldrill"},
        {"\"blame\": \"subject\"", "\"blame\": 3", ":10:12: \"blame\" must be a string or null"},
        {"\"verdict\": \"fail\"", "\"verdict\": \"failed\"",
         ":9:14: \"verdict\" must be one of skipped, pass, inconclusive, fail, error"},
        {"\"seed\": 42", "\"seed\": -1", ":14:11: \"seed\" must be a whole number, 0 or more"},
        {"\"seed\": 42", "\"seed\": 4.5", ":14:11: \"seed\" must be a whole number, 0 or more"},
        {"\"signal\": 0", "\"signal\": 4294967296", ":13:13: \"signal\" must be a whole number"},
        {"\"starts\": {", "\"starts\": [], \"x\": {", ":18:13: \"starts\" must be an object"},
        {"\"worked\": 37,", "", ":18:13: \"worked\" is missing; this is no journal of pulldrill"},
        {"\"always\": true", "\"always\": 1", ":29:17: \"always\" must be true or false"},
        {"\"checks\": [", "\"checks\": 0, \"x\": [", ":25:13: \"checks\" must be an array"},
        {"\"checks\": [", "\"checks\": [7,", ":25:14: a check must be an object"},
        {"\"evidence\": []", "\"evidence\": [\"a\"]",
         ":36:20: a piece of evidence must be an object"},
        {"\"events\": [212, 214]", "\"events\": [212, \"x\"]",
         ":127:27: \"events\" must be a whole number, 0 or more"},
        {"\"exposure\": 1", "\"exposure\": null", ":362:19: \"exposure\" must be a number"},
        {"\"start-seconds\": {", "\"start-seconds\": 5, \"x\": {",
         ":235:24: \"start-seconds\" must be an object"},
        {"\"p95-ns\": ", "\"p95\": ",
         ":235:24: \"p95-ns\" is missing; this is no journal of pulldrill"},
        {"\"lag-p99-ns\": 1724512", "\"lag-p99-ns\": true",
         ":24:17: \"lag-p99-ns\" must be a whole number, 0 or more"},
        {"\"registries\": {", "\"registries\": 1, \"x\": {",
         ":251:21: \"registries\" must be an object"},
        {"\"primary\": {", "\"primary\": 1, \"x\": {", ":252:20: a registry must be an object"},
        {"\"attempts\": ", "\"tries\": ",
         ":252:20: \"attempts\" is missing; this is no journal of pulldrill"},
        {"\"failed\": 0\n        },\n", "\"failed\": -1\n        },\n",
         ":254:21: \"failed\" must be a whole number, 0 or more"},
        {"\"registries\": {\n    \"primary", "\"registries\": {\"a\": [],\n\"primary",
         ":401:23: a registry must be an object"},
        {"\"notes\": [", "\"notes\": [1, ", ":421:13: \"notes\" must be a string or null"},
    };
    char *golden = golden_read(GOLDEN, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_refused(golden, &rows[i]);
    }
    free(golden);
}

/* Keys that a later version may add are passed over. */
Test(journal, later_keys)
{
    struct err e = {0};
    char path[64];
    char *golden = golden_read(GOLDEN, NULL);
    char *text = calloc(1, MAX_TEXT + 256);
    cr_assert_not_null(text);
    snprintf(text, MAX_TEXT + 256, "{\"later\": {\"a\": [1]},%s", golden + 1);
    struct verdict *v = load_text(text, path, &e);
    cr_assert_not_null(v, "%s", e.text);
    char *again = journal(v);
    cr_expect_str_eq(again, golden);
    verdict_free(v);
    free(again);
    free(text);
    free(golden);
}

/* Files that hold no JSON at all, or are no files, are complaints that name them. */
Test(journal, no_journal)
{
    static const char *const texts[] = {"", "{", "[]", "null", "\xff", "{\"version\": 1} {}"};
    struct err e = {0};
    char path[64];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct err one = {0};
        cr_expect_null(load_text(texts[i], path, &one), "%s was taken", texts[i]);
        cr_expect_eq(one.code, ERR_INVALID);
        cr_expect_eq(strncmp(one.text, path, strlen(path)), 0, "%s", one.text);
    }
    cr_expect_null(verdict_load("tests/golden/reports", &e));
    cr_expect_not_null(strstr(e.text, "tests/golden/reports"));
    e = (struct err){0};
    cr_expect_null(verdict_load("tests/golden/reports/none.json", &e));
    cr_expect_not_null(strstr(e.text, "none.json"));
}
