/* Results of earlier invocations read back for `compare`.
 *
 * Happy path: results.json has a row a scenario; its folder holds the journal (`run`), or a folder
 * a cell, with journals or with folders of rounds (`prove`). Failure modes: a row without any
 * journal stands for itself, so that a drill that was lost is compared as what it came to; a
 * journal that cannot be read is an error, for what it says is not known. */
#include "harness/commands/compare_load.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/doc.h"
#include "harness/commands/results.h"

#define MAX_BYTES ((size_t)64 << 20)
#define PATH_MAX_BYTES 4096
#define MAX_ENTRIES 4096

/* ---- items --------------------------------------------------------------------------------- */

static int make_room(struct compare_result *r, struct err *e)
{
    if (r->count < r->cap) {
        return 0;
    }
    if (r->count == COMPARE_MAX_ITEMS) {
        return err_set(e, ERR_LIMIT, "more than %d journals", COMPARE_MAX_ITEMS);
    }
    size_t cap = r->cap > 0 ? r->cap * 2 : 16;
    struct verdict **verdicts = realloc(r->verdicts, cap * sizeof(struct verdict *));
    if (verdicts != NULL) {
        r->verdicts = verdicts;
    }
    struct compare_item *items = realloc(r->items, cap * sizeof *items);
    if (items != NULL) {
        r->items = items;
    }
    if (verdicts == NULL || items == NULL) {
        return err_set(e, ERR_NOMEM, "compare: no memory");
    }
    r->cap = cap;
    return 0;
}

/* Takes V, also where it fails. */
static int add(struct compare_result *r, struct verdict *v, const char *variant,
               enum compare_role role, unsigned round, struct err *e)
{
    char folder[1024];
    if (make_room(r, e) != 0) {
        verdict_free(v);
        return -1;
    }
    scenario_folder(v->scenario != NULL ? v->scenario : "", folder, sizeof folder);
    r->verdicts[r->count] = v;
    r->items[r->count++] = (struct compare_item){.scenario = arena_strdup(&r->arena, folder),
                                                 .variant = arena_strdup(&r->arena, variant),
                                                 .role = role,
                                                 .round = round,
                                                 .verdict = v};
    return r->arena.failed ? err_set(e, ERR_NOMEM, "compare: no memory") : 0;
}

static bool exists(const char *dir, const char *file, char path[PATH_MAX_BYTES])
{
    struct stat st;
    int n = snprintf(path, PATH_MAX_BYTES, "%s/%s", dir, file);
    return n > 0 && n < PATH_MAX_BYTES && stat(path, &st) == 0;
}

/* ---- rows of results.json ------------------------------------------------------------------ */

/* What a row says of its scenario. */
struct row {
    const char *scenario, *folder, *why;
    enum verdict_kind verdict;
};

static int row_text(struct doc_at at, const char *key, const char **out, struct err *e)
{
    struct doc_at value;
    if (!doc_member(at, key, &value)) {
        return doc_complain(e, at, "\"%s\" is missing; this is no results.json of pulldrill", key);
    }
    if (!json_is_string(value.value) && !json_is_null(value.value)) {
        return doc_complain(e, value, "\"%s\" must be a string or null", key);
    }
    *out = json_string_value(value.value);
    return 0;
}

/* A folder beside results.json, and nowhere else. */
static bool is_beside(const char *folder)
{
    return folder != NULL && folder[0] != '\0' && strchr(folder, '/') == NULL &&
           strcmp(folder, ".") != 0 && strcmp(folder, "..") != 0;
}

static int read_row(struct doc_at at, struct row *row, struct err *e)
{
    const char *verdict = NULL;
    if (!json_is_object(at.value)) {
        return doc_complain(e, at, "a scenario must be an object");
    }
    if (row_text(at, "scenario", &row->scenario, e) != 0 ||
        row_text(at, "folder", &row->folder, e) != 0 || row_text(at, "why", &row->why, e) != 0 ||
        row_text(at, "verdict", &verdict, e) != 0) {
        return -1;
    }
    if (!is_beside(row->folder)) {
        return doc_complain(e, at, "\"folder\" must name a folder beside this file");
    }
    if (verdict == NULL || !verdict_parse(verdict, &row->verdict)) {
        return doc_complain(e, at,
                            "\"verdict\" must be one of skipped, pass, inconclusive, fail, error");
    }
    return 0;
}

static int add_row(struct compare_result *r, const struct row *row, enum compare_role role,
                   struct err *e)
{
    struct verdict *v = verdict_new(e);
    if (v == NULL) {
        return -1;
    }
    v->scenario = arena_strdup(&v->arena, row->scenario != NULL ? row->scenario : row->folder);
    v->why = row->why != NULL ? arena_strdup(&v->arena, row->why) : NULL;
    v->verdict = row->verdict;
    if (v->arena.failed) {
        verdict_free(v);
        return err_set(e, ERR_NOMEM, "compare: no memory");
    }
    return add(r, v, "", role, 1, e);
}

/* ---- journals ------------------------------------------------------------------------------ */

static int add_journal(struct compare_result *r, const char *path, const char *variant,
                       enum compare_role role, unsigned round, struct err *e)
{
    struct verdict *v = verdict_load(path, e);
    return v == NULL ? -1 : add(r, v, variant, role, round, e);
}

/* The row counts where a drill's process was lost after its journal had been written. */
static int add_drill(struct compare_result *r, const char *path, const struct row *row,
                     struct err *e)
{
    struct verdict *v = verdict_load(path, e);
    if (v == NULL) {
        return -1;
    }
    if (v->verdict != row->verdict) {
        v->verdict = row->verdict;
        v->why = row->why != NULL ? arena_strdup(&v->arena, row->why) : NULL;
    }
    return add(r, v, "", COMPARE_DRILL, 1, e);
}

/* Rounds of a cell: folders 1, 2, … up to the first that is not there. */
static int add_rounds(struct compare_result *r, const char *dir, const char *variant,
                      enum compare_role role, struct err *e)
{
    char path[PATH_MAX_BYTES];
    for (unsigned round = 1; round <= COMPARE_MAX_ITEMS; round++) {
        char file[64];
        snprintf(file, sizeof file, "%u/journal.json", round);
        if (!exists(dir, file, path)) {
            return 0;
        }
        if (add_journal(r, path, variant, role, round, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_cell(struct compare_result *r, const char *dir, const char *name, struct err *e)
{
    char cell[PATH_MAX_BYTES];
    char path[PATH_MAX_BYTES];
    bool good = strcmp(name, "good") == 0;
    const char *variant = good ? "" : name;
    enum compare_role role = good ? COMPARE_DRILL : COMPARE_TWIN;
    if (!exists(dir, name, cell)) {
        return 0;
    }
    if (exists(cell, "journal.json", path)) {
        return add_journal(r, path, variant, role, 1, e);
    }
    return add_rounds(r, cell, variant, role, e);
}

/* The folders of a scenario's cells, by name: the order of a folder's entries is chance. */
static int add_cells(struct compare_result *r, const char *dir, struct err *e)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, NULL, alphasort);
    int rc = 0;
    for (int i = 0; i < count; i++) {
        if (rc == 0 && i < MAX_ENTRIES && entries[i]->d_name[0] != '.') {
            rc = add_cell(r, dir, entries[i]->d_name, e);
        }
        free(entries[i]);
    }
    free(entries);
    if (rc == 0 && count > MAX_ENTRIES) {
        return err_set(e, ERR_LIMIT, "%s: more than %d entries", dir, MAX_ENTRIES);
    }
    return rc;
}

static int add_scenario(struct compare_result *r, const char *dir, struct doc_at at, struct err *e)
{
    struct row row = {0};
    char folder[PATH_MAX_BYTES];
    char path[PATH_MAX_BYTES];
    size_t before = r->count;
    if (read_row(at, &row, e) != 0) {
        return -1;
    }
    if (!exists(dir, row.folder, folder)) {
        return add_row(r, &row, COMPARE_DRILL, e);
    }
    if (exists(folder, "journal.json", path)) {
        return add_drill(r, path, &row, e);
    }
    if (add_cells(r, folder, e) != 0) {
        return -1;
    }
    return add_row(r, &row, r->count > before ? COMPARE_PROOF : COMPARE_DRILL, e);
}

/* ---- files and folders --------------------------------------------------------------------- */

static int add_results(struct compare_result *r, const char *dir, const struct doc *doc,
                       struct err *e)
{
    struct doc_at list, at;
    if (!doc_member(doc_root(doc), "scenarios", &list) || !json_is_array(list.value)) {
        return doc_complain(e, doc_root(doc), "\"scenarios\" must be an array");
    }
    struct doc_iter it = doc_iterate(list);
    while (doc_next(&it, NULL, NULL, &at)) {
        if (add_scenario(r, dir, at, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The folder of PATH. */
static void folder_of(const char *path, char dir[PATH_MAX_BYTES])
{
    const char *slash = strrchr(path, '/');
    snprintf(dir, PATH_MAX_BYTES, "%.*s", slash != NULL ? (int)(slash - path) : 1,
             slash != NULL ? path : ".");
    if (dir[0] == '\0') {
        snprintf(dir, PATH_MAX_BYTES, "/");
    }
}

static int load_file(struct compare_result *r, const char *path, struct err *e)
{
    struct doc doc;
    struct doc_at at;
    char dir[PATH_MAX_BYTES];
    if (doc_load(&doc, path, e) != 0) {
        return -1;
    }
    bool results = doc_member(doc_root(&doc), "scenarios", &at);
    folder_of(path, dir);
    int rc = results ? add_results(r, dir, &doc, e) : 0;
    doc_close(&doc);
    r->single = !results;
    return results ? rc : add_journal(r, path, "", COMPARE_DRILL, 1, e);
}

int compare_load(struct compare_result *r, const char *path, struct err *e)
{
    struct stat st;
    char file[PATH_MAX_BYTES];
    arena_init(&r->arena, MAX_BYTES);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return load_file(r, path, e);
    }
    if (!exists(path, "results.json", file) && !exists(path, "journal.json", file)) {
        return err_set(e, ERR_INVALID, "%s: there is no results.json and no journal.json in it",
                       path);
    }
    return load_file(r, file, e);
}

void compare_result_close(struct compare_result *r)
{
    for (size_t i = 0; i < r->count; i++) {
        verdict_free(r->verdicts[i]);
    }
    free(r->verdicts);
    free(r->items);
    arena_close(&r->arena);
}
