/* Which scenario files an invocation means. */
#include "harness/commands/select.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/log.h"

#define MAX_DEPTH 16

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name);
    size_t k = strlen(suffix);
    return n >= k && strcmp(name + n - k, suffix) == 0;
}

static int add(struct selection *s, const char *path, struct err *e)
{
    if (s->count == SELECT_MAX_FILES) {
        return err_set(e, ERR_LIMIT, "more than %d scenario files", SELECT_MAX_FILES);
    }
    s->path[s->count] = strdup(path);
    if (s->path[s->count] == NULL) {
        return err_set(e, ERR_NOMEM, "no memory");
    }
    s->count++;
    return 0;
}

static int search(struct selection *s, const char *folder, int depth, struct err *e);

static int search_entry(struct selection *s, const char *folder, const char *name, int depth,
                        struct err *e)
{
    char path[4096];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        return err_set(e, ERR_LIMIT, "%s/%s: the path is too long", folder, name);
    }
    if (name[0] == '.' || stat(path, &st) != 0) {
        return 0;
    }
    if (S_ISDIR(st.st_mode)) {
        return search(s, path, depth + 1, e);
    }
    if (S_ISREG(st.st_mode) && ends_in(name, ".json") && !ends_in(name, ".schema.json")) {
        return add(s, path, e);
    }
    return 0;
}

static int search(struct selection *s, const char *folder, int depth, struct err *e)
{
    struct dirent **entries = NULL;
    if (depth > MAX_DEPTH) {
        return err_set(e, ERR_LIMIT, "%s: more than %d folders deep", folder, MAX_DEPTH);
    }
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0) {
        return err_set(e, ERR_USAGE, "%s: %s", folder, strerror(errno));
    }
    int rc = 0;
    for (int i = 0; i < n; i++) {
        if (rc == 0) {
            rc = search_entry(s, folder, entries[i]->d_name, depth, e);
        }
        free(entries[i]);
    }
    free(entries);
    return rc;
}

static int find(const struct options *o, struct selection *s, struct err *e)
{
    for (size_t i = 0; i < o->operand_count; i++) {
        struct stat st;
        if (stat(o->operands[i], &st) != 0) {
            return err_set(e, ERR_USAGE, "%s: %s", o->operands[i], strerror(errno));
        }
        int rc = S_ISDIR(st.st_mode) ? search(s, o->operands[i], 0, e) : add(s, o->operands[i], e);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

static bool has_tags(const struct options *o, const struct scenario *s)
{
    for (size_t i = 0; i < o->tag_count; i++) {
        bool found = false;
        for (size_t k = 0; k < s->tag_count && !found; k++) {
            found = strcmp(o->tags[i], s->tags[k]) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static enum exit_status load(const struct options *o, struct selection *s)
{
    enum exit_status worst = EXIT_PASS;
    struct scenario_options so = options_scenario(o);
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct err e = {0};
        struct scenario *one = scenario_load(s->path[i], &so, &e);
        if (one == NULL) {
            worst = options_complain(&e);
        }
        if (one == NULL || !has_tags(o, one)) {
            scenario_free(one);
            free(s->path[i]);
            continue;
        }
        s->path[kept] = s->path[i];
        s->scenario[kept++] = one;
    }
    s->count = kept;
    return worst;
}

static void tell_nothing(const struct options *o, size_t found)
{
    if (found == 0) {
        log_line("no scenario was selected: there is no *.json file in %s%s", o->operands[0],
                 o->operand_count > 1 ? " and the others" : "");
    } else {
        log_line("no scenario was selected: of %zu found none has the tag %s%s", found, o->tags[0],
                 o->tag_count > 1 ? " and the others" : "");
    }
}

enum exit_status select_scenarios(const struct options *o, struct selection *out)
{
    struct err e = {0};
    memset(out, 0, sizeof *out);
    if (o->operand_count == 0) {
        err_set(&e, ERR_USAGE,
                "which scenario? name a file, or a folder of them; --help tells the rest");
        return options_complain(&e);
    }
    out->path = calloc(SELECT_MAX_FILES, sizeof *out->path);
    out->scenario = calloc(SELECT_MAX_FILES, sizeof *out->scenario);
    if (out->path == NULL || out->scenario == NULL) {
        err_set(&e, ERR_NOMEM, "no memory");
        return options_complain(&e);
    }
    if (find(o, out, &e) != 0) {
        return options_complain(&e);
    }
    size_t found = out->count;
    enum exit_status status = load(o, out);
    if (status == EXIT_PASS && out->count == 0) {
        tell_nothing(o, found);
        return EXIT_NOTHING;
    }
    return status;
}

void select_close(struct selection *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->path[i]);
        if (s->scenario != NULL) {
            scenario_free(s->scenario[i]);
        }
    }
    free(s->path);
    free(s->scenario);
    memset(s, 0, sizeof *s);
}
