/* The command line of build-start. */
#ifndef PULLDRILL_SUBJECT_PULL_OPTIONS_H
#define PULLDRILL_SUBJECT_PULL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/base/err.h"
#include "scenarios/subjects/lib/pull_backoff.h"
#include "scenarios/subjects/lib/pull_order.h"
#include "scenarios/subjects/lib/pull_platform.h"
#include "scenarios/subjects/lib/pull_reference.h"

struct pull_limits {
    uint64_t connect_ns;   /* until the connection stands */
    uint64_t head_ns;      /* from then until the first byte of the answer */
    uint64_t low_speed_ns; /* in each stretch of this length ... */
    uint64_t low_speed;    /* ... so many bytes must arrive */
};

/* Every pointer is borrowed from the command line or the environment. */
struct pull_options {
    enum pull_policy policy;
    const char *registries[PULL_MAX_REGISTRIES]; /* HOST:PORT; the primary first */
    size_t registry_count;
    struct pull_reference image;
    const char *digest; /* what the tag must stand for; NULL: whatever the registry says */
    const char *scheme; /* "http" or "https" */
    struct image_platform platform;
    const char *baked_in;        /* an image layout for when all registries fail; NULL: none */
    const char *interface;       /* what the baked-in image must speak; NULL: whatever it does */
    const char *interface_label; /* the label of its config that says it */
    const char *out;
    const char *result; /* NULL: no result file */
    unsigned attempts;  /* 0: the policy's own */
    struct pull_limits limits;
    struct pull_backoff backoff;
    uint64_t deadline_ns; /* for the whole start */
    uint64_t seed;
    bool seeded;
    bool help;
};

/* Reads ARGV (argv[0] is the program) over the defaults. -1: E says which word is wrong. */
int pull_options_parse(int argc, char **argv, struct pull_options *o, struct err *e);
void pull_options_help(FILE *to);
/* "primary", "failover", "failover-2", ... */
void pull_registry_name(size_t registry, char name[24]);

#endif
