/* What the files of the name server share. Private to them. */
#ifndef PULLDRILL_SERVICES_DNS_INTERNAL_H
#define PULLDRILL_SERVICES_DNS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "harness/services/dns.h"
#include "harness/services/dns_message.h"

/* Stated maxima. */
#define DNS_MAX_QUERY 4096   /* bytes of one, by UDP or TCP */
#define DNS_MAX_WAITING 1024 /* answers held back; what is asked past them is dropped */
#define DNS_MAX_STREAMS 64   /* TCP connections; a further one ends the oldest */
#define DNS_MAX_TURN 256     /* queries taken from one socket in a loop turn */
#define DNS_MAX_DRAIN 65536  /* queries taken from one socket at the end of a start */
#define DNS_MAX_ASKED 1024   /* different questions of one start that are told apart */

struct dns_stream;

/* Where an answer goes. */
struct dns_asker {
    bool tcp;
    uint64_t stream; /* by its number: it may be gone by then */
    struct sockaddr_storage peer;
    socklen_t peer_len;
};

enum dns_answer {
    DNS_ADDRESS,
    DNS_NO_DATA,
    DNS_REFUSED,
    DNS_NXDOMAIN,
    DNS_SERVFAIL,
    DNS_DROPPED, /* there is none */
};

/* One lookup, from its question to its answer. */
struct dns_lookup {
    struct dns_lookup *next; /* among those that wait */
    struct dns_question question;
    struct dns_asker asker;
    const struct name_row *row; /* NULL: nobody plays the name */
    enum dns_answer answer;
    uint64_t begun_ns, due_ns;
    const struct fault_rule *slow; /* that it waits for */
    const struct fault_rule *acted[FAULT_MAX_DECISIONS];
    size_t acted_count;
};

struct dns_asked {
    uint64_t key;
    uint64_t count;
};

struct dns_server {
    struct dns_config config;
    uint64_t start;
    uv_poll_t udp, tcp;
    uv_timer_t timer; /* the next answer that is due */
    size_t handles;   /* open, of all kinds */
    bool ending;      /* the start is over: nothing is held back any more */
    bool closing;
    struct dns_lookup *waiting;
    size_t waiting_count;
    struct dns_stream *streams; /* the newest first */
    size_t stream_count;
    uint64_t stream_ids;
    struct dns_asked asked[DNS_MAX_ASKED + 1]; /* the last counts all that have no room */
    size_t asked_count;
    void (*done)(void *data);
    void *done_data;
};

/* dns.c */
void dns_handle_closed(struct dns_server *s);

/* dns_answer.c: takes a query, decides, answers now or later. */
void dns_take(struct dns_server *s, const uint8_t *bytes, size_t len,
              const struct dns_asker *asker);
/* What is due goes out; the timer is set for what is next. */
void dns_answer_due(struct dns_server *s);
/* Nobody waits any more: what was held back is recorded as dropped; or is not even recorded. */
void dns_drop_waiting(struct dns_server *s);
void dns_forget_waiting(struct dns_server *s);

/* dns_stream.c */
void dns_streams_accept(struct dns_server *s, size_t max);
/* Takes what they hold, then closes all; or only closes them. */
void dns_streams_end(struct dns_server *s);
void dns_streams_close(struct dns_server *s);
/* False where stream NUMBER is gone, or takes no more. */
bool dns_stream_send(struct dns_server *s, uint64_t number, const uint8_t *bytes, size_t len);

#endif
