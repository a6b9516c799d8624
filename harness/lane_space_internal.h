/* What the files of a lane's namespaces share: what is handed from the process that makes them to
 * the harness, and the steps of that process. Private to them. */
#ifndef PULLDRILL_LANE_SPACE_INTERNAL_H
#define PULLDRILL_LANE_SPACE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/lane_space.h"

/* The process's end of the socket to the harness. */
#define SPACE_FD 3
/* The network that it enters where mounts alone are to be made anew. */
#define SPACE_NET_FD 4

/* Each message is a note with descriptors. Those of names come first, SPACE_NAME_FDS each in the
 * order of struct space_name, at most SPACE_BATCH names a message; the last message has the rest in
 * the order of struct space, or mounts and host name alone where these are made anew, or says what
 * went wrong and has none. */
#define SPACE_NAME_FDS 4
#define SPACE_BATCH 32
#define SPACE_REST_FDS 9
#define SPACE_ANEW_FDS 2
#define SPACE_MAX_FDS (SPACE_BATCH * SPACE_NAME_FDS)
enum space_what { SPACE_NAMES = 1, SPACE_REST = 2, SPACE_ANEW = 3, SPACE_FAILED = 4 };
struct space_note {
    uint32_t magic; /* SPACE_MAGIC */
    uint32_t what;
    uint32_t code; /* SPACE_FAILED: of enum err_code */
    char text[700];
};
#define SPACE_MAGIC 0x70737061u

/* The words of the process's command line, before the addresses. */
enum space_word {
    SPACE_WORD_ROOT,    /* "overlay", "host"; "anew": an overlay, in the network that is there */
    SPACE_WORD_SOCKETS, /* "keep", "mask" */
    SPACE_WORD_DIR,
    SPACE_WORD_BUNDLE, /* empty: none; so CERTS_D and CA */
    SPACE_WORD_CERTS_D,
    SPACE_WORD_CA,
    SPACE_WORDS
};

/* What the process works on. The descriptors (O_PATH) are opened in the lane's own root before
 * anything is mounted over files there, so that they lead where the paths led then. */
struct space_job {
    bool overlay;
    bool anew; /* mounts and host name alone */
    bool keep_sockets;
    const char *dir;
    char *const *address; /* of the names */
    size_t address_count;
    bool user; /* in a user namespace of its own */
    uid_t uid;
    gid_t gid;
    int bundle_fd, certs_fd, ca_fd; /* -1: none */
};

/* The kernel's refusal of a step: ERR_UNSUPPORTED where it is one of rights or of what it can do.
 * Returns -1. */
int space_refused(struct err *e, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* lane_space_net.c: what is done in the lane's network, by SOCKET in it. */
int space_loopback_up(int socket, struct err *e);
/* The INDEX-th address there: the name server's is 0, those of the names follow. */
int space_address(int socket, size_t index, const char *address, bool up, struct err *e);
/* A socket of TYPE bound to ADDRESS and PORT; -1: E says why. */
int space_bound(int type, const char *address, uint16_t port, struct err *e);

/* lane_space_mounts.c: makes the names known in a mount namespace that is already ours. */
int space_mounts(const struct space_job *job, struct err *e);

/* lane_space_root.c: moves to a root that is thrown away, in which ${lane.dir} is the true one. */
int space_overlay(const struct space_job *job, struct err *e);

/* lane_space_texts.c, pure: files of a machine with names. New strings, NULL for no memory.
 * NSSWITCH is the machine's own, NULL where it has none: all but how host names are found stays. */
char *space_text_resolv(void);
char *space_text_hosts(const char *hostname);
char *space_text_nsswitch(const char *nsswitch);

#endif
