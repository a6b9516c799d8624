/* What clients pushed, counted by digest: content goes with the last repository that names it. */
#include <stdlib.h>
#include <string.h>

#include "fake-registry/store_internal.h"

static struct kept *kept_get(const struct store *s, const char *digest)
{
    bool found = false;
    size_t at = sorted_find(s->kept, s->kept_count, sizeof(*s->kept), digest, &found);
    return found ? &s->kept[at] : NULL;
}

int kept_hold(struct store *s, const char *digest, struct err *e)
{
    bool found = false;
    size_t at = sorted_find(s->kept, s->kept_count, sizeof(*s->kept), digest, &found);
    if (found) {
        s->kept[at].holds++;
        return 0;
    }
    struct kept *all = sorted_room(s->kept, s->kept_count, &s->kept_cap, sizeof(*all));
    if (all != NULL) {
        s->kept = all;
    }
    char *copy = all != NULL ? strdup(digest) : NULL;
    if (copy == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for %s in the store", digest);
    }
    memmove(all + at + 1, all + at, (s->kept_count - at) * sizeof(*all));
    all[at] = (struct kept){.digest = copy, .holds = 1};
    s->kept_count++;
    return 0;
}

/* Where nobody has it any more it goes, and its file with it: an orphan that could not be unlinked
 * is thrown away when the store is opened. */
static void settle(struct store *s, struct kept *k)
{
    if (k->links > 0 || k->holds > 0) {
        return;
    }
    if (s->disk != NULL) {
        char path[DISK_NAME];
        disk_blob_path(path, k->digest);
        (void)disk_unlink(s->disk, path, NULL);
    }
    free(k->digest);
    size_t at = (size_t)(k - s->kept);
    s->kept_count--;
    memmove(k, k + 1, (s->kept_count - at) * sizeof(*k));
}

void kept_release(struct store *s, const char *digest)
{
    struct kept *k = kept_get(s, digest);
    if (k != NULL) {
        k->holds--;
        settle(s, k);
    }
}

void kept_link(struct store *s, struct item *item, const char *digest)
{
    struct kept *k = kept_get(s, digest);
    if (k == NULL || item->kept) {
        return;
    }
    item->kept = true;
    k->size = item->content->size;
    if (k->links++ == 0 && s->disk == NULL) {
        s->memory += k->size;
    }
}

void kept_unlink(struct store *s, const char *digest)
{
    struct kept *k = kept_get(s, digest);
    if (k == NULL) {
        return;
    }
    if (--k->links == 0 && s->disk == NULL) {
        s->memory -= k->size;
    }
    settle(s, k);
}

size_t kept_links(const struct store *s, const char *digest)
{
    const struct kept *k = kept_get(s, digest);
    return k != NULL ? k->links : 0;
}

void kept_close(struct store *s)
{
    for (size_t i = 0; i < s->kept_count; i++) {
        free(s->kept[i].digest);
    }
    free(s->kept);
}
