/* A main for a fuzz target without libFuzzer: takes the files that are named, and those in folders
 * that are named, each once, in the order of their names. `make check` runs the seeds by it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/lib/fuzz.h"

#define MAX_BYTES (16u << 20)

static void take_file(const char *path, FILE *f)
{
    uint8_t *data = malloc(MAX_BYTES);
    MUST(data != NULL, "no memory for %s", path);
    size_t len = fread(data, 1, MAX_BYTES, f);
    MUST(!ferror(f), "%s cannot be read", path);
    /* At its very size, so that the sanitizers see a step beyond it. */
    uint8_t *exact = malloc(len > 0 ? len : 1);
    MUST(exact != NULL, "no memory for %s", path);
    memcpy(exact, data, len);
    free(data);
    printf("%s\n", path);
    fflush(stdout);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t take(const char *path, unsigned depth)
{
    struct dirent **entries = NULL;
    size_t taken = 0;
    int count = depth > 0 ? scandir(path, &entries, visible, alphasort) : -1;
    if (count < 0) {
        FILE *f = fopen(path, "rbe");
        MUST(f != NULL, "%s: %s", path, strerror(errno));
        take_file(path, f);
        fclose(f);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char below[4096];
        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        taken += take(below, depth - 1);
        free(entries[i]);
    }
    free(entries);
    return taken;
}

int main(int argc, char **argv)
{
    size_t taken = 0;
    for (int i = 1; i < argc; i++) {
        taken += take(argv[i], 3);
    }
    printf("%zu inputs\n", taken);
    return taken > 0 ? 0 : 1;
}
