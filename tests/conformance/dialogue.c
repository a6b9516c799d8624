/* Plays dialogues with a registry (README.md): dialogue [--ca FILE] [--algorithm sha512]
 * [--prefix REPOSITORY] [--header LINE] HOST:PORT FILE…
 * Exit 0: all as it must be; 1: not; 2: no dialogue. */
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/dialogue.h"

int main(int argc, char **argv)
{
    struct dialogue d = {.algorithm = "sha256", .prefix = "conformance", .file = "dialogue"};
    int at = 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        if (strcmp(argv[at], "--ca") == 0) {
            d.ca = argv[at + 1];
        } else if (strcmp(argv[at], "--algorithm") == 0) {
            d.algorithm = argv[at + 1];
        } else if (strcmp(argv[at], "--prefix") == 0) {
            d.prefix = argv[at + 1];
        } else if (strcmp(argv[at], "--header") == 0) {
            d.header = argv[at + 1];
        } else {
            dialogue_die(&d, "no option %s", argv[at]);
        }
    }
    if (argc - at < 2) {
        dialogue_die(&d, "usage: dialogue [OPTIONS] HOST:PORT FILE...");
    }
    d.host = argv[at];
    (void)signal(SIGPIPE, SIG_IGN);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    for (at++; at < argc; at++) {
        dialogue_play(&d, argv[at]);
    }
    curl_global_cleanup();
    (void)printf("%u answers, %u failures\n", d.answers, d.failures);
    return d.failures > 0 ? 1 : 0;
}
