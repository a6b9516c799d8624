/* Our own failure points: one at each allocation, file operation and spawn, asked through libfiu.
 */
#ifndef PULLDRILL_TESTS_TORTURE_POINTS_H
#define PULLDRILL_TESTS_TORTURE_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The names under which libfiu is asked. */
enum point {
    POINT_MALLOC,
    POINT_CALLOC,
    POINT_REALLOC,
    POINT_STRDUP,
    POINT_ASPRINTF,
    POINT_CRYPTO,
    POINT_OPEN,
    POINT_READ,
    POINT_WRITE,
    POINT_FSYNC,
    POINT_RENAME,
    POINT_TRUNCATE,
    POINT_MKDIR,
    POINT_DIRECTORY,
    POINT_STREAM,
    POINT_PATH,
    POINT_LOCK,
    POINT_SENDFILE,
    POINT_FORK,
    POINT_SPAWN,
    POINT_EXEC,
    POINT_THREAD,
    POINT_PIPE,
    POINT_SOCKET,
    POINT_ACCEPT,
    POINT_LOOP,
    POINT_COUNT
};
const char *point_name(enum point p);

/* Which process of an invocation counts: each has a count of its own, so that the n-th of one is
 * the same point however the others run. */
enum role {
    ROLE_STAGE,   /* a stage in the process of the tester itself */
    ROLE_RUN,     /* the invocation */
    ROLE_DRILL,   /* what it forks for each drill */
    ROLE_KEEPER,  /* a keeper, up to its command */
    ROLE_COMMAND, /* what the keeper forks, up to the exec */
    ROLE_BROOM,   /* who cleans up after a killed drill */
    ROLE_COUNT
};
const char *role_name(enum role r);

#define POINTS_MAX_TRACE (1u << 17) /* points of a role whose place is kept */
#define POINTS_STACK 16

/* What is to fail and what did, shared by every process of one run. */
struct points_record {
    /* told */
    uint32_t role;
    uint64_t at; /* from 1; 0: none */
    bool onward; /* and every one after it */
    bool tracing;
    /* answered */
    bool fired;
    uint32_t point;
    uintptr_t stack[POINTS_STACK];
    uint64_t counted[ROLE_COUNT];
    uint64_t path[ROLE_COUNT][POINTS_MAX_TRACE]; /* a hash of who called whom */
};

/* Past the points, for the tester itself. */
pid_t __real_fork(void);
void __real__exit(int status) __attribute__((noreturn));

/* The points' variable: the file of the record. Not PULLDRILL_…, which no start is given from the
 * harness's own environment, nor is its keeper. */
#define POINTS_VARIABLE "TORTURE_RECORD"

/* A new record in memory that children share, kept in the file PATH where it is not NULL. NULL:
 * it could not be made. */
struct points_record *points_record_new(const char *path);
void points_record_free(struct points_record *r);
/* Forgets what was answered; a trace stays. */
void points_rearm(struct points_record *r, enum role role, uint64_t at, bool onward);
/* From now on the points of this process count and fail as R says; NULL: they do nothing. */
void points_use(struct points_record *r, enum role role);
/* For a program that is started under the variable: takes its record by its name ARGV0. */
void points_begin(const char *argv0);
/* The process has forked, and this is the child. */
void points_forked(void);
/* Whether this very call is to fail. */
bool points_fail(enum point p);
/* What happened at the point that fired, for people: its name and who called it. */
void points_place(const struct points_record *r, char *text, size_t size);

#endif
