/* OCI image layouts: a folder with oci-layout, index.json and blobs by digest (image-spec
 * image-layout.md).
 *
 * Happy path: the index lists one image, or one with the name asked for; the walk starts there.
 *
 * Failure modes: no layout, none of that name or several images with none named (the complaint
 * lists what there is), and all of content_walk.c. A manifest that an index of the layout lists may
 * be missing: tools copy one platform of many.
 */
#include "fake-registry/layout.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/json_memory.h"

#define MARKER_MAX 4096

static struct content *load(void *data, const struct content_descriptor *want, bool memory,
                            bool *missing, struct err *e)
{
    bool altered = false;
    return disk_load(data, want, memory ? DISK_DOCUMENT : DISK_IN_MEMORY, missing, &altered, e);
}

/* The names that there are, for a complaint. */
static void list_names(const struct content_list *list, struct buf *out)
{
    for (size_t i = 0; i < list->count && out->len < 300; i++) {
        const char *name = list->items[i].name;
        buf_printf(out, "%s\"%.100s\"", i == 0 ? "" : ", ",
                   name != NULL ? name : list->items[i].digest);
    }
}

/* The one called NAME (by its annotation or its digest), or the only one. */
static const struct content_descriptor *choose(const struct content_list *list, const char *name,
                                               struct err *e)
{
    for (size_t i = 0; i < list->count && name[0] != '\0'; i++) {
        const struct content_descriptor *d = &list->items[i];
        if ((d->name != NULL && strcmp(d->name, name) == 0) || strcmp(d->digest, name) == 0) {
            return d;
        }
    }
    if (name[0] == '\0' && list->count == 1) {
        return &list->items[0];
    }
    struct buf names;
    buf_init(&names, 4096);
    list_names(list, &names);
    if (list->count == 0) {
        (void)err_set(e, ERR_INVALID, "holds no image");
    } else if (name[0] != '\0') {
        (void)err_set(e, ERR_INVALID, "holds no image named \"%.100s\"; there is %s", name,
                      names.data != NULL ? names.data : "");
    } else {
        (void)err_set(e, ERR_INVALID, "holds %zu images; name one of %s", list->count,
                      names.data != NULL ? names.data : "");
    }
    buf_close(&names);
    return NULL;
}

static int check_marker(const char *text, struct err *e)
{
    unsigned lost = json_memory_lost();
    json_t *root = json_loads(text, 0, NULL);
    const char *version = json_string_value(json_object_get(root, "imageLayoutVersion"));
    bool good = version != NULL && strncmp(version, "1.", 2) == 0;
    json_decref(root);
    if (json_memory_lost() != lost) {
        return err_set(e, ERR_NOMEM, "no memory to read oci-layout");
    }
    return good ? 0 : err_set(e, ERR_INVALID, "oci-layout does not say a version 1 of the format");
}

static int read_layout(const char *marker, const char *index, const char *name, const char *folder,
                       struct image *out, struct err *e)
{
    struct content_list list;
    struct content_source source = {
        .load = load, .data = (void *)(uintptr_t)folder, .sparse = true};
    if (check_marker(marker, e) != 0) {
        return -1;
    }
    if (content_list_read(index, strlen(index), IMAGE_INDEX_TYPE, CONTENT_MAX_LISTED, &list, e) !=
        0) {
        return err_prefix(e, "index.json");
    }
    const struct content_descriptor *top = choose(&list, name, e);
    int rc = top != NULL ? content_image(&source, top, out, e) : -1;
    content_list_close(&list);
    return rc;
}

int layout_read(const char *where, const char *marker, const char *index, const char *name,
                const char *folder, struct image *out, struct err *e)
{
    *out = (struct image){.top = NULL};
    return read_layout(marker, index, name, folder, out, e) == 0 ? 0 : err_prefix(e, "%s", where);
}

static char *read_part(const char *folder, const char *file, size_t max, struct err *e)
{
    char path[CONTENT_MAX_PATH + 32];
    size_t len = 0;
    bool missing = false;
    struct err local = {0};
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    char *text = disk_read(path, max, &len, &missing, &local);
    if (text == NULL && missing) {
        (void)err_set(e, ERR_INVALID, "%s is no image layout: it has no %s", folder, file);
    } else if (text == NULL) {
        (void)err_set(e, local.code, "%s", local.text);
    }
    return text;
}

int layout_image(const struct content_name *name, struct image *out, struct err *e)
{
    char *marker = read_part(name->path, "oci-layout", MARKER_MAX, e);
    char *index =
        marker != NULL ? read_part(name->path, "index.json", CONTENT_MAX_MANIFEST, e) : NULL;
    *out = (struct image){.top = NULL};
    int rc =
        index != NULL ? layout_read(name->path, marker, index, name->name, name->path, out, e) : -1;
    free(marker);
    free(index);
    return rc;
}
