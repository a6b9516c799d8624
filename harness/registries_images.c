/* Builds the scenario's images and puts them where the scenario says they lie. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/registries_internal.h"

/* The largest file that a layer may hold by name. */
#define FILE_MAX_BYTES (256u << 20)

static uint8_t *read_open(int fd, const struct scenario_file *file, struct image_file *out,
                          struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        doc_complain(e, file->at, "%s is not a regular file", file->source);
        return NULL;
    }
    if ((uint64_t)st.st_size > FILE_MAX_BYTES) {
        doc_complain(e, file->at, "%s is larger than 256 MiB", file->source);
        return NULL;
    }
    uint8_t *data = malloc((size_t)st.st_size + 1);
    if (data == NULL) {
        err_set(e, ERR_NOMEM, "%s: no memory", file->source);
        return NULL;
    }
    if (fd_read_up_to(fd, data, (size_t)st.st_size) != st.st_size) {
        free(data);
        doc_complain(e, file->at, "%s could not be read", file->source);
        return NULL;
    }
    out->data = data;
    out->size = (size_t)st.st_size;
    out->mode = st.st_mode & 0777;
    return data;
}

static int read_file(const struct scenario_file *file, struct image_file *out, struct err *e)
{
    int fd = open(file->source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return doc_complain(e, file->at, "cannot open %s: %s", file->source, strerror(errno));
    }
    out->path = file->path;
    uint8_t *data = read_open(fd, file, out, e);
    close(fd);
    return data == NULL ? -1 : 0;
}

static void files_free(struct image_file *files, size_t count)
{
    for (size_t i = 0; files != NULL && i < count; i++) {
        free((void *)(uintptr_t)files[i].data);
    }
    free(files);
}

static int read_layer(const struct scenario_layer *in, struct image_layer *out, struct err *e)
{
    out->size = in->size;
    out->file_count = in->file_count;
    if (in->file_count == 0) {
        return 0;
    }
    struct image_file *files = calloc(in->file_count, sizeof *files);
    if (files == NULL) {
        return err_set(e, ERR_NOMEM, "image: no memory");
    }
    out->files = files;
    for (size_t i = 0; i < in->file_count; i++) {
        if (read_file(&in->files[i], &files[i], e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int build_one(const struct scenario_image *in, uint64_t seed, struct image *out,
                     struct err *e)
{
    if (in->from != NULL) {
        return registries_content(in, out, e);
    }
    struct image_layer *layers = calloc(in->layer_count, sizeof *layers);
    if (layers == NULL) {
        return err_set(e, ERR_NOMEM, "image %s: no memory", in->name);
    }
    int rc = 0;
    const char *entrypoint = NULL;
    for (size_t i = 0; rc == 0 && i < in->layer_count; i++) {
        rc = read_layer(&in->layers[i], &layers[i], e);
        if (rc == 0 && entrypoint == NULL && layers[i].files != NULL) {
            entrypoint = layers[i].files[0].path;
        }
    }
    struct image_recipe recipe = {.name = in->name,
                                  .seed = seed,
                                  .layers = layers,
                                  .layer_count = in->layer_count,
                                  .entrypoint = entrypoint,
                                  .labels = in->labels.word,
                                  .label_count = in->labels.count,
                                  .platforms = in->platforms,
                                  .platform_count = in->platform_count};
    if (rc == 0) {
        rc = image_build(&recipe, out, e);
    }
    for (size_t i = 0; i < in->layer_count; i++) {
        files_free((struct image_file *)(uintptr_t)layers[i].files, layers[i].file_count);
    }
    free(layers);
    return rc;
}

static int put_one(struct registries *r, const struct scenario *s, size_t index, struct err *e)
{
    const struct scenario_image *image = &s->images[index];
    for (size_t i = 0; i < s->registry_count; i++) {
        if (((image->on >> i) & 1u) != 0 &&
            image_put(&r->images[index], r->stores[i], image->repository, image->tag, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int registries_images(struct registries *r, const struct scenario *s, uint64_t seed, struct err *e)
{
    r->images = calloc(s->image_count + 1, sizeof *r->images);
    if (r->images == NULL) {
        return err_set(e, ERR_NOMEM, "images: no memory");
    }
    r->image_count = s->image_count;
    for (size_t i = 0; i < s->image_count; i++) {
        if (build_one(&s->images[i], seed, &r->images[i], e) != 0 || put_one(r, s, i, e) != 0) {
            return -1;
        }
    }
    return 0;
}
