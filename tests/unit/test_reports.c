/* Report formats: every folder of tests/golden/reports holds a journal and what each format makes
 * of it, byte for byte. UPDATE_GOLDEN=1 in the environment writes those files anew. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/utf8.h"
#include "reports/report.h"
#include "tests/lib/golden.h"

#define FOLDER "tests/golden/reports"
#define MAX_CASES 64

static const struct report_style plain = {.colour = false};
static const struct report_style coloured = {.colour = true};

/* ---- cases --------------------------------------------------------------------------------- */

struct cases {
    char name[MAX_CASES][256];
    struct verdict *items[MAX_CASES];
    size_t count;
};

static void case_path(char path[512], const char *name, const char *file)
{
    snprintf(path, 512, FOLDER "/%s/%s", name, file);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Every folder with its journal loaded, by name. */
static void load_cases(struct cases *c)
{
    DIR *dir = opendir(FOLDER);
    c->count = 0;
    cr_assert_not_null(dir, FOLDER " is missing");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            cr_assert_lt(c->count, MAX_CASES);
            snprintf(c->name[c->count++], sizeof c->name[0], "%s", entry->d_name);
        }
    }
    closedir(dir);
    qsort(c->name, c->count, sizeof c->name[0], by_name);
    for (size_t i = 0; i < c->count; i++) {
        struct err e = {0};
        char path[512];
        case_path(path, c->name[i], "journal.json");
        c->items[i] = verdict_load(path, &e);
        cr_assert_not_null(c->items[i], "%s", e.text);
    }
}

static void free_cases(struct cases *c)
{
    for (size_t i = 0; i < c->count; i++) {
        verdict_free(c->items[i]);
    }
}

static struct verdict *find_case(struct cases *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->name[i], name) == 0) {
            return c->items[i];
        }
    }
    cr_assert_fail("no case %s", name);
    return NULL;
}

static struct verdict_list list_of(struct verdict **items, size_t count)
{
    struct verdict_list list = {.items = items, .count = count, .verdict = VERDICT_SKIPPED};
    for (size_t i = 0; i < count; i++) {
        list.verdict = items[i]->verdict > list.verdict ? items[i]->verdict : list.verdict;
    }
    list.exit = verdict_exit(list.verdict);
    return list;
}

static void write_format(const struct report_format *f, struct verdict *v, struct buf *out)
{
    struct verdict_list list = list_of(&v, 1);
    if (f->one != NULL) {
        f->one(v, &plain, out);
    } else if (f->traced != NULL) {
        f->traced(v, NULL, &plain, out);
    } else {
        f->all(&list, &plain, out);
    }
}

/* ---- golden files -------------------------------------------------------------------------- */

/* Of a page only what C writes for people: style, script and the inlined journal are cut off. */
static void keep_body(struct buf *got)
{
    char *body = strstr(got->data, "<body>");
    cr_assert_not_null(body);
    buf_consume(got, (size_t)(body - got->data));
    char *script = strstr(got->data, "<script");
    cr_assert_not_null(script);
    got->len = (size_t)(script - got->data);
    *script = '\0';
}

static void check_format(const struct report_format *f, const char *name, struct verdict *v)
{
    struct buf got;
    char path[512];
    buf_init(&got, GOLDEN_MAX_BYTES);
    case_path(path, name, f->file != NULL ? f->file : "text.txt");
    write_format(f, v, &got);
    cr_assert(!got.failed);
    if (f->traced != NULL) {
        keep_body(&got);
    }
    golden_check(path, &got);
    buf_close(&got);
}

/* Each format of each case is what its file says; for the journal, which was loaded, that is a
 * whole round trip. */
Test(reports, golden)
{
    struct cases c;
    load_cases(&c);
    for (size_t i = 0; i < c.count; i++) {
        for (size_t k = 0; k < report_format_count; k++) {
            check_format(&report_formats[k], c.name[i], c.items[i]);
        }
    }
    cr_expect_geq(c.count, 10, "only %zu cases", c.count);
    free_cases(&c);
}

/* ---- the table ----------------------------------------------------------------------------- */

/* A format is of one scenario or of all, has a name and a file of its own, and is found by it. */
Test(reports, table)
{
    for (size_t i = 0; i < report_format_count; i++) {
        const struct report_format *f = &report_formats[i];
        int writers = (f->one != NULL) + (f->traced != NULL) + (f->all != NULL);
        cr_expect_eq(writers, 1, "%s", f->name);
        cr_expect_eq(report_format_find(f->name), f, "%s", f->name);
        for (size_t k = 0; f->file != NULL && k < i; k++) {
            const char *other = report_formats[k].file;
            cr_expect(other == NULL || strcmp(f->file, other) != 0, "%s", f->file);
        }
    }
    cr_expect_null(report_format_find("pdf"));
}

/* ---- text ---------------------------------------------------------------------------------- */

/* Whatever happened, the eight lines are eight, each with something on it and in its place. */
Test(reports, eight_lines)
{
    static const char *const begins[] = {"",   "",         "  ",         "  ",
                                         "  ", "exposure", "controls: ", "replay: "};
    struct cases c;
    load_cases(&c);
    for (size_t i = 0; i < c.count; i++) {
        struct buf out;
        buf_init(&out, GOLDEN_MAX_BYTES);
        report_text(c.items[i], &plain, &out);
        const char *line = out.data;
        for (size_t k = 0; k < 8; k++) {
            size_t len = strcspn(line, "\n");
            cr_expect_gt(len, strlen(begins[k]), "%s: line %zu is empty", c.name[i], k + 1);
            cr_expect_eq(strncmp(line, begins[k], strlen(begins[k])), 0, "%s: line %zu: %.*s",
                         c.name[i], k + 1, (int)len, line);
            line += len + 1;
        }
        cr_expect(*line == '\0' || *line == '\n', "%s: a ninth line: %.40s", c.name[i], line);
        buf_close(&out);
    }
    free_cases(&c);
}

static void drop_colours(struct buf *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->len; i++) {
        if (b->data[i] == '\033') {
            i += strcspn(b->data + i, "m");
        } else {
            b->data[kept++] = b->data[i];
        }
    }
    b->data[kept] = '\0';
    b->len = kept;
}

/* Colours are there when asked for, and change nothing but the colour. */
Test(reports, colours)
{
    struct cases c;
    load_cases(&c);
    for (size_t i = 0; i < c.count; i++) {
        struct buf with, without;
        buf_init(&with, GOLDEN_MAX_BYTES);
        buf_init(&without, GOLDEN_MAX_BYTES);
        report_text(c.items[i], &coloured, &with);
        report_text(c.items[i], &plain, &without);
        cr_expect_null(strchr(without.data, '\033'), "%s", c.name[i]);
        cr_expect_not_null(strchr(with.data, '\033'), "%s", c.name[i]);
        drop_colours(&with);
        cr_expect_str_eq(with.data, without.data, "%s", c.name[i]);
        buf_close(&with);
        buf_close(&without);
    }
    free_cases(&c);
}

/* ---- hostile bytes, little memory ---------------------------------------------------------- */

static void expect_clean(const struct report_format *f, const struct buf *b)
{
    for (size_t i = 0; i < b->len;) {
        size_t n = utf8_sequence(b->data + i, b->len - i);
        cr_assert_gt(n, 0, "%s: byte %zu is no UTF-8", f->name, i);
        cr_assert(strchr("\n\t", b->data[i]) != NULL || (unsigned char)b->data[i] >= 0x20,
                  "%s: byte %zu is 0x%02x", f->name, i, (unsigned)b->data[i]);
        i += n;
    }
}

/* Whatever bytes a title, a reason or a note hold, every format is UTF-8 without raw control
 * characters. */
Test(reports, any_bytes_come_out_clean)
{
    struct cases c;
    load_cases(&c);
    struct verdict *v = find_case(&c, "fail-three-of-twenty");
    char all[256];
    for (size_t i = 0; i < 255; i++) {
        all[i] = (char)(i + 1);
    }
    all[255] = '\0';
    const char *notes[] = {all};
    v->title = v->why = v->replay = v->reach = v->bad[0].last = all;
    v->checks[8].name = v->checks[8].actual = v->checks[8].reasons[0].text = all;
    v->faults[0].text = v->phases[1].name = v->registries[0].name = all;
    v->notes = notes;
    v->note_count = 1;
    for (size_t i = 0; i < report_format_count; i++) {
        struct buf out;
        buf_init(&out, GOLDEN_MAX_BYTES);
        write_format(&report_formats[i], v, &out);
        cr_assert(!out.failed);
        expect_clean(&report_formats[i], &out);
        buf_close(&out);
    }
    free_cases(&c);
}

/* A format that does not fit its buffer says so, wherever it ends. */
Test(reports, too_little_room)
{
    struct cases c;
    load_cases(&c);
    struct verdict *v = find_case(&c, "fail-three-of-twenty");
    for (size_t i = 0; i < report_format_count; i++) {
        struct buf whole;
        buf_init(&whole, GOLDEN_MAX_BYTES);
        write_format(&report_formats[i], v, &whole);
        for (size_t max = 0; max < whole.len; max += 61) {
            struct buf out;
            buf_init(&out, max);
            write_format(&report_formats[i], v, &out);
            cr_expect(out.failed, "%s in %zu bytes", report_formats[i].name, max);
            buf_close(&out);
        }
        buf_close(&whole);
    }
    free_cases(&c);
}
