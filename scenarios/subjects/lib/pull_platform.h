/* Platforms: this machine's own, and which manifest of an index fits one best. */
#ifndef PULLDRILL_SUBJECT_PULL_PLATFORM_H
#define PULLDRILL_SUBJECT_PULL_PLATFORM_H

#include "fake-registry/image.h"

/* The longest text of one, with its NUL. */
#define PULL_PLATFORM_TEXT (3 * IMAGE_MAX_WORD)

/* What this program runs on, in the words of images. */
void pull_platform_host(struct image_platform *out);
void pull_platform_text(const struct image_platform *p, char text[PULL_PLATFORM_TEXT]);
/* How well what is made for HAVE runs on WANT: 0 not at all, the same variant best. NULL members of
 * HAVE are not said. */
int pull_platform_fit(const struct image_platform *want, const char *os, const char *architecture,
                      const char *variant);

#endif
