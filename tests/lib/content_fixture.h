/* Image layouts and archives of images on disk, as other tools write them. */
#ifndef PULLDRILL_TESTS_LIB_CONTENT_FIXTURE_H
#define PULLDRILL_TESTS_LIB_CONTENT_FIXTURE_H

#include <stddef.h>

#include "fake-registry/image.h"

#define FIXTURE_PATH 512

/* A new folder; fixture_remove deletes it with all that is in it. */
void fixture_folder(char path[FIXTURE_PATH]);
void fixture_remove(char *path);
/* An image of LAYERS layers: the first of 600 KiB, so that it stays on disk, the others of 4 KiB.
 * PLATFORMS of them in an index; 0: one manifest. */
void fixture_image(const char *name, size_t layers, size_t platforms, struct image *out);

/* Writes a file below FOLDER, with the folders above it. */
void fixture_write(const char *folder, const char *path, const void *data, size_t len);
/* Writes IMAGES as a layout; NAMES (of the same COUNT) may hold NULL. */
void fixture_layout(const char *folder, const struct image *images, const char *const *names,
                    size_t count);
/* The path of the file in FOLDER that holds a blob. */
void fixture_blob(const char *folder, const struct content *c, char path[FIXTURE_PATH]);

/* A member of an archive. TYPE: 'f' a file, 'd' a folder, 'l' a link to DATA, 'c' a device. */
struct fixture_member {
    const char *path;
    char type;
    const void *data;
    size_t len;
};
/* Writes a tar of pax, compressed by gzip where GZIP. */
void fixture_tar(const char *path, bool gzip, const struct fixture_member *members, size_t count);
/* Writes all of a layout into a tar. */
void fixture_layout_tar(const char *path, bool gzip, const struct image *image, const char *name);

#endif
