/* The verbs that start nothing: `validate`, `list`, `faults`, `checks`, `judge`, `report`. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "faults/catalogue.h"
#include "harness/check.h"
#include "harness/commands/command.h"
#include "harness/commands/options.h"
#include "harness/commands/results.h"
#include "harness/commands/select.h"
#include "harness/commands/vocabulary.h"
#include "harness/judge.h"
#include "reports/report.h"

#define PRINT_MAX_BYTES (256u << 20)

static int read_or_complain(struct options *o, int argc, char **argv, int *status)
{
    struct err e = {0};
    if (options_read(o, argc, argv, &e) != 0) {
        *status = (int)options_complain(&e);
        return -1;
    }
    return 0;
}

int command_validate(int argc, char **argv)
{
    struct options o;
    struct selection s = {0};
    int status;
    if (read_or_complain(&o, argc, argv, &status) != 0) {
        return status;
    }
    status = (int)select_scenarios(&o, &s);
    for (size_t i = 0; i < s.count; i++) {
        if (s.scenario[i] != NULL) {
            printf("%s: valid\n", s.path[i]);
        }
    }
    select_close(&s);
    return status;
}

static void list_text(const struct selection *s)
{
    for (size_t i = 0; i < s->count; i++) {
        printf("%s\n    %s\n", s->path[i], s->scenario[i]->title);
        for (size_t k = 0; k < s->scenario[i]->tag_count; k++) {
            printf("%s%s%s", k == 0 ? "    [" : ", ", s->scenario[i]->tags[k],
                   k + 1 == s->scenario[i]->tag_count ? "]\n" : "");
        }
    }
}

static json_t *list_one(const struct selection *s, size_t index)
{
    const struct scenario *one = s->scenario[index];
    json_t *tags = json_array();
    json_t *subjects = json_array();
    for (size_t k = 0; k < one->tag_count; k++) {
        json_array_append_new(tags, json_string(one->tags[k]));
    }
    for (size_t k = 0; k < one->subject_count; k++) {
        json_array_append_new(subjects, json_string(one->subjects[k].name));
    }
    return json_pack("{s:s, s:s, s:o, s:o}", "file", s->path[index], "title", one->title, "tags",
                     tags, "subjects", subjects);
}

static int print_json(json_t *array)
{
    if (array == NULL || json_dumpf(array, stdout, JSON_INDENT(2)) != 0) {
        json_decref(array);
        struct err e = {0};
        err_set(&e, ERR_NOMEM, "no memory");
        return (int)options_complain(&e);
    }
    putchar('\n');
    json_decref(array);
    return EXIT_PASS;
}

static bool format_known(const struct options *o, int *status)
{
    struct err e = {0};
    if (options_text_or_json(o, &e) == 0) {
        return true;
    }
    *status = (int)options_complain(&e);
    return false;
}

int command_list(int argc, char **argv)
{
    struct options o;
    struct selection s = {0};
    int status;
    if (read_or_complain(&o, argc, argv, &status) != 0 || !format_known(&o, &status)) {
        return status;
    }
    status = (int)select_scenarios(&o, &s);
    if (status == EXIT_PASS && strcmp(o.format, "json") == 0) {
        json_t *array = json_array();
        for (size_t i = 0; i < s.count; i++) {
            json_array_append_new(array, list_one(&s, i));
        }
        status = print_json(array);
    } else if (status == EXIT_PASS) {
        list_text(&s);
    }
    select_close(&s);
    return status;
}

static int vocabulary(int argc, char **argv, void (*text)(void), json_t *(*json)(void))
{
    struct options o;
    struct err e = {0};
    int status;
    if (options_read_alone(&o, argc, argv, &e) != 0) {
        return (int)options_complain(&e);
    }
    if (!format_known(&o, &status)) {
        return status;
    }
    if (strcmp(o.format, "json") == 0) {
        return print_json(json());
    }
    text();
    return EXIT_PASS;
}

int command_faults(int argc, char **argv)
{
    return vocabulary(argc, argv, vocabulary_faults_text, vocabulary_faults_json);
}

int command_checks(int argc, char **argv)
{
    return vocabulary(argc, argv, vocabulary_checks_text, vocabulary_checks_json);
}

static enum exit_status no_such_format(const struct options *o)
{
    char names[128] = "";
    size_t used = 0;
    struct err e = {0};
    for (size_t i = 0; i < report_format_count && used < sizeof names; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                                 report_formats[i].name);
    }
    err_set(&e, ERR_USAGE, "--format %s: one of %s", o->format, names);
    return options_complain(&e);
}

static void write_traced(const struct report_format *format, const struct verdict *v,
                         const char *history, const struct report_style *style, struct buf *out)
{
    struct trace *t = results_trace(history);
    format->traced(v, t, style, out);
    trace_free(t);
}

/* Prints V, which is of HISTORY, in the form that O asks for. */
static int print_verdict(const struct options *o, struct verdict *v, const char *history)
{
    const struct report_format *format = report_format_find(o->format);
    struct verdict_list list = {.items = &v, .count = 1};
    const struct report_style style = {.colour = options_colour(stdout)};
    struct buf b;
    if (format == NULL) {
        return (int)no_such_format(o);
    }
    results_conclude(&list, o);
    buf_init(&b, PRINT_MAX_BYTES);
    if (format->one != NULL) {
        format->one(v, &style, &b);
    } else if (format->traced != NULL) {
        write_traced(format, v, history, &style, &b);
    } else {
        format->all(&list, &style, &b);
    }
    if (strcmp(o->format, "text") == 0) {
        buf_char(&b, '\n');
        report_tally(&list, &b);
    }
    fwrite(b.data != NULL ? b.data : "", 1, b.len, stdout);
    buf_close(&b);
    return (int)list.exit;
}

/* A journal's history is the file of that name beside it. */
static void history_beside(const char *journal, char *path, size_t size)
{
    const char *slash = strrchr(journal, '/');
    int folder = slash != NULL ? (int)(slash - journal) + 1 : 0;
    snprintf(path, size, "%.*shistory.jsonl", folder, journal);
}

static int check_operand(const struct options *o, bool history, struct err *e)
{
    struct stat st;
    if (o->operand_count != 1) {
        return err_set(e, ERR_USAGE, "which %s? name one file", history ? "history" : "journal");
    }
    if (stat(o->operands[0], &st) == 0 && S_ISDIR(st.st_mode)) {
        return err_set(e, ERR_USAGE, "%s is a folder; name the %s of one drill in it",
                       o->operands[0], history ? "history.jsonl" : "journal.json");
    }
    return 0;
}

static int from_file(int argc, char **argv, bool follow,
                     struct verdict *(*load)(const char *path, struct err *e))
{
    char beside[4600];
    struct options o;
    struct err e = {0};
    int status;
    if (read_or_complain(&o, argc, argv, &status) != 0) {
        return status;
    }
    if (check_operand(&o, follow, &e) != 0) {
        return (int)options_complain(&e);
    }
    struct verdict *v = load(o.operands[0], &e);
    if (v == NULL) {
        options_complain(&e);
        return e.code == ERR_NOMEM ? EXIT_ERROR : EXIT_USAGE;
    }
    history_beside(o.operands[0], beside, sizeof beside);
    status = print_verdict(&o, v, follow ? o.operands[0] : beside);
    verdict_free(v);
    return follow || status == EXIT_USAGE ? status : EXIT_PASS;
}

int command_judge(int argc, char **argv)
{
    return from_file(argc, argv, true, judge_file);
}

int command_report(int argc, char **argv)
{
    return from_file(argc, argv, false, verdict_load);
}
