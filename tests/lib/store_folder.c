/* Stores on disk in folders of a test: opened with their notes counted, looked into. */
#include "tests/lib/store_folder.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

char store_notes[8192];
static size_t files;

static void on_note(void *data, const char *text)
{
    size_t len = strlen(store_notes);
    (void)data;
    (void)snprintf(store_notes + len, sizeof(store_notes) - len, "%s\n", text);
}

struct store *store_folder_open(const char *folder)
{
    struct err e = {0};
    store_notes[0] = '\0';
    struct store *s = store_open(folder, on_note, NULL, &e);
    cr_assert_not_null(s, "%s", e.text);
    return s;
}

int store_folder_refused(const char *folder)
{
    struct err e = {0};
    cr_assert_null(store_open(folder, on_note, NULL, &e));
    cr_assert_not_null(strstr(e.text, folder), "it does not name the folder: %s", e.text);
    cr_assert_null(strchr(e.text, '\n'), "it is more than a line: %s", e.text);
    return (int)e.code;
}

static int count(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)path;
    (void)kind;
    (void)where;
    files += S_ISREG(st->st_mode) ? 1 : 0;
    return 0;
}

size_t store_folder_files(const char *folder, const char *path)
{
    char whole[FIXTURE_PATH + 300];
    (void)snprintf(whole, sizeof(whole), "%s/%s", folder, path);
    files = 0;
    cr_assert_eq(nftw(whole, count, 16, FTW_PHYS), 0);
    return files;
}

void store_folder_blob(const char *folder, const char *digest, char out[FIXTURE_PATH])
{
    int n = snprintf(out, FIXTURE_PATH, "%s/blobs/%.6s/%s", folder, digest, digest + 7);
    cr_assert(n > 0 && n < FIXTURE_PATH);
}
