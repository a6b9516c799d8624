/* Stores on disk in folders of a test: opened with their notes counted, looked into. */
#ifndef PULLDRILL_TESTS_LIB_STORE_FOLDER_H
#define PULLDRILL_TESTS_LIB_STORE_FOLDER_H

#include "tests/lib/content_fixture.h"
#include "tests/lib/store_fixture.h"

/* Notes of the last store_folder_open, one a line. */
extern char store_notes[8192];

/* Opens it; the test fails where it cannot be. */
struct store *store_folder_open(const char *folder);
/* Does not open it: the code, and a message that names FOLDER. */
int store_folder_refused(const char *folder);
/* The number of regular files below FOLDER/PATH. */
size_t store_folder_files(const char *folder, const char *path);
/* FOLDER/blobs/ALGORITHM/HEX. */
void store_folder_blob(const char *folder, const char *digest, char out[FIXTURE_PATH]);

#endif
