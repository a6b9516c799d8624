/* A small plan made by hand, and lanes of it that need no sockets, for tests. */
#ifndef PULLDRILL_TESTS_LIB_LANE_FIXTURE_H
#define PULLDRILL_TESTS_LIB_LANE_FIXTURE_H

#include <stdint.h>

#include "fake-registry/digest.h"
#include "harness/lane.h"

/* Registries `primary` and `fail-over`; images `agent` and `side-car`; one subject. The agent's
 * manifest, config and only layer have these digests and contents (an index and another manifest
 * follow, see lane_fixture_index). Tests may alter the scenario and
 * the subject: each runs in a process of its own. */
extern struct plan lane_fixture_plan;
extern const struct lane_shared lane_fixture_shared;
extern struct scenario lane_fixture_scenario;
extern struct scenario_subject lane_fixture_subject;
extern char lane_fixture_digest[5][DIGEST_TEXT];
extern const char *const lane_fixture_content[5];
extern char lane_fixture_work[64];
/* A reach without sockets: ports from 5000. */
extern const struct lane_reach lane_fixture_reach;

/* Before and after each test; the latter fails it where lanes left something behind. */
void lane_fixture_open(void);
void lane_fixture_close(void);
/* Makes the agent an index of two manifests: the one it was, and number 4, of the config alone. */
void lane_fixture_index(void);
/* A lane of the subject; START 0: none is begun. */
struct lane *lane_fixture_lane(uint64_t number, uint64_t start);
/* Writes TEXT to PATH below the start's folder, with the folders on the way. */
void lane_fixture_file(const struct lane *lane, const char *path, const char *text);
/* Writes TEXT as the WHICH-th blob (0: manifest, 1: config, 2: layer, 3: index, 4: the other
 * manifest) into a blobs folder. */
void lane_fixture_blob(const struct lane *lane, const char *blobs_folder, int which,
                       const char *text);
/* The first three as they should be. */
void lane_fixture_blobs(const struct lane *lane, const char *blobs_folder);

#endif
