/* Messages of the domain name system: bytes of a query to a question, and an answer to bytes. Pure.
 */
#ifndef PULLDRILL_SERVICES_DNS_MESSAGE_H
#define PULLDRILL_SERVICES_DNS_MESSAGE_H

#include <arpa/nameser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest answer: a question, one address, and the note that we know EDNS. */
#define DNS_MAX_ANSWER 512

/* What was asked. */
struct dns_question {
    uint16_t id;
    uint16_t flags; /* of the query's head */
    uint16_t type;  /* ns_t_a, ns_t_aaaa, … */
    uint16_t class;
    bool edns;                      /* the query had an OPT record */
    char name[NS_MAXDNAME];         /* as asked, without the final dot; "." for the root */
    uint8_t wire[NS_MAXCDNAME + 1]; /* the same as bytes, in the case it was asked in */
    size_t wire_len;
};

/* What a query comes to before anybody looks at its name. */
enum dns_reading {
    DNS_ASKED,   /* OUT holds the question */
    DNS_BROKEN,  /* a query, but not a whole one: answered by FORMERR; OUT holds id and flags */
    DNS_FOREIGN, /* a query of another kind: answered by NOTIMP; the same */
    DNS_NOTHING, /* no query at all: dropped */
};
enum dns_reading dns_question_read(const uint8_t *bytes, size_t len, struct dns_question *out);

/* "A", "AAAA", …, "TYPE65" where it has no name. TEXT has room for 16 bytes. */
#define DNS_TYPE_TEXT 16
void dns_type_text(uint16_t type, char text[DNS_TYPE_TEXT]);

/* The answer to Q with response code RCODE (ns_r_noerror, …), and ADDRESS where Q asks for one that
 * it has (dotted IPv4; NULL: no data). Its time to live is 0: nobody keeps it. Returns its length;
 * OUT has room for DNS_MAX_ANSWER. */
size_t dns_answer_write(const struct dns_question *q, unsigned rcode, const char *address,
                        uint8_t out[DNS_MAX_ANSWER]);

#endif
