/* Questions read by the C library's own parser, answers written field by field. */
#include "harness/services/dns_message.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

#define FLAG_RESPONSE 0x8000u
#define FLAG_AUTHORITATIVE 0x0400u
#define FLAG_RECURSION_DESIRED 0x0100u
#define FLAG_RECURSION_AVAILABLE 0x0080u
#define OPCODE_SHIFT 11
#define OPCODE_MASK 0xfu
/* What a client may send us by UDP; said to those that ask with EDNS. */
#define OUR_UDP_SIZE 1232
/* Records behind the question that are looked at; a query has one at most (OPT). */
#define MAX_ADDITIONAL 16
/* A name that begins where the first question does. */
#define POINTER_TO_QUESTION (0xc000u | NS_HFIXEDSZ)

/* ---- reading ------------------------------------------------------------------------------- */

static unsigned opcode_of(uint16_t flags)
{
    return (flags >> OPCODE_SHIFT) & OPCODE_MASK;
}

/* The first question; -1 where it is not whole. */
static int read_question(ns_msg *message, struct dns_question *out)
{
    ns_rr record;
    if (ns_msg_count(*message, ns_s_qd) != 1 || ns_parserr(message, ns_s_qd, 0, &record) != 0 ||
        ns_name_pton(ns_rr_name(record), out->wire, sizeof(out->wire)) < 0) {
        return -1;
    }
    out->type = (uint16_t)ns_rr_type(record);
    out->class = (uint16_t)ns_rr_class(record);
    (void)snprintf(out->name, sizeof(out->name), "%s", ns_rr_name(record));
    for (const uint8_t *label = out->wire; *label != 0; label += *label + 1) {
        out->wire_len += (size_t)*label + 1;
    }
    out->wire_len++; /* the root's empty label */
    return 0;
}

static bool read_edns(ns_msg *message)
{
    int count = ns_msg_count(*message, ns_s_ar);
    for (int i = 0; i < count && i < MAX_ADDITIONAL; i++) {
        ns_rr record;
        if (ns_parserr(message, ns_s_ar, i, &record) != 0) {
            return false;
        }
        if (ns_rr_type(record) == ns_t_opt) {
            return true;
        }
    }
    return false;
}

enum dns_reading dns_question_read(const uint8_t *bytes, size_t len, struct dns_question *out)
{
    ns_msg message;
    memset(out, 0, sizeof(*out));
    if (len < NS_HFIXEDSZ || len > NS_MAXMSG) {
        return DNS_NOTHING;
    }
    out->id = (uint16_t)ns_get16(bytes);
    out->flags = (uint16_t)ns_get16(bytes + NS_INT16SZ);
    if ((out->flags & FLAG_RESPONSE) != 0) {
        return DNS_NOTHING;
    }
    if (opcode_of(out->flags) != ns_o_query) {
        return DNS_FOREIGN;
    }
    if (ns_initparse(bytes, (int)len, &message) != 0 || read_question(&message, out) != 0) {
        out->wire_len = 0;
        return DNS_BROKEN;
    }
    out->edns = read_edns(&message);
    return DNS_ASKED;
}

void dns_type_text(uint16_t type, char text[DNS_TYPE_TEXT])
{
    static const struct {
        uint16_t type;
        const char *name;
    } known[] = {{ns_t_a, "A"},         {ns_t_aaaa, "AAAA"}, {ns_t_ptr, "PTR"}, {ns_t_mx, "MX"},
                 {ns_t_txt, "TXT"},     {ns_t_srv, "SRV"},   {ns_t_ns, "NS"},   {ns_t_soa, "SOA"},
                 {ns_t_cname, "CNAME"}, {ns_t_any, "ANY"},   {64, "SVCB"},      {65, "HTTPS"}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].type == type) {
            (void)snprintf(text, DNS_TYPE_TEXT, "%s", known[i].name);
            return;
        }
    }
    (void)snprintf(text, DNS_TYPE_TEXT, "TYPE%u", type);
}

/* ---- writing ------------------------------------------------------------------------------- */

struct writer {
    uint8_t *at;
};

static void put16(struct writer *w, unsigned value)
{
    ns_put16(value, w->at);
    w->at += NS_INT16SZ;
}

static void put32(struct writer *w, unsigned long value)
{
    ns_put32(value, w->at);
    w->at += NS_INT32SZ;
}

static void put_bytes(struct writer *w, const void *bytes, size_t len)
{
    memcpy(w->at, bytes, len);
    w->at += len;
}

static void put_address(struct writer *w, const struct in_addr *address)
{
    put16(w, POINTER_TO_QUESTION);
    put16(w, ns_t_a);
    put16(w, ns_c_in);
    put32(w, 0); /* time to live */
    put16(w, NS_INADDRSZ);
    put_bytes(w, address, NS_INADDRSZ);
}

static void put_edns(struct writer *w)
{
    static const uint8_t root = 0;
    put_bytes(w, &root, 1);
    put16(w, ns_t_opt);
    put16(w, OUR_UDP_SIZE);
    put32(w, 0); /* version 0, no flags */
    put16(w, 0); /* no options */
}

/* Its largest message: head 12, question 256 + 4, address 16, EDNS 11. */
_Static_assert(NS_HFIXEDSZ + NS_MAXCDNAME + 1 + NS_QFIXEDSZ + 16 + 11 <= DNS_MAX_ANSWER,
               "an answer fits");

size_t dns_answer_write(const struct dns_question *q, unsigned rcode, const char *address,
                        uint8_t out[DNS_MAX_ANSWER])
{
    struct writer w = {.at = out};
    struct in_addr in = {0};
    bool has_address = address != NULL && rcode == ns_r_noerror && q->type == ns_t_a &&
                       q->wire_len > 0 && inet_pton(AF_INET, address, &in) == 1;
    unsigned kept = q->flags & (FLAG_RECURSION_DESIRED | OPCODE_MASK << OPCODE_SHIFT);
    put16(&w, q->id);
    put16(&w, FLAG_RESPONSE | FLAG_AUTHORITATIVE | FLAG_RECURSION_AVAILABLE | kept | rcode);
    put16(&w, q->wire_len > 0 ? 1 : 0);
    put16(&w, has_address ? 1 : 0);
    put16(&w, 0);
    put16(&w, q->edns ? 1 : 0);
    if (q->wire_len > 0) {
        put_bytes(&w, q->wire, q->wire_len);
        put16(&w, q->type);
        put16(&w, q->class);
    }
    if (has_address) {
        put_address(&w, &in);
    }
    if (q->edns) {
        put_edns(&w);
    }
    return (size_t)(w.at - out);
}
