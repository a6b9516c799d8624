/* Messages of the domain name system, read and written without a socket. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/services/dns_message.h"

/* A query as the C library makes it; returns its length. */
static size_t make_query(const char *name, int type, uint8_t bytes[512])
{
    struct __res_state state = {0};
    cr_assert_eq(res_ninit(&state), 0);
    int len = res_nmkquery(&state, ns_o_query, name, ns_c_in, type, NULL, 0, NULL, bytes, 512);
    res_nclose(&state);
    cr_assert_gt(len, 0);
    return (size_t)len;
}

/* Puts an OPT record behind a query. */
static size_t add_edns(uint8_t bytes[512], size_t len)
{
    static const uint8_t opt[] = {0, 0, ns_t_opt, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};
    memcpy(bytes + len, opt, sizeof(opt));
    bytes[11] = 1; /* additional records */
    return len + sizeof(opt);
}

static struct dns_question question_of(const char *name, int type)
{
    struct dns_question q;
    uint8_t bytes[512];
    size_t len = make_query(name, type, bytes);
    cr_assert_eq(dns_question_read(bytes, len, &q), DNS_ASKED);
    return q;
}

/* A query says name, type and class, and keeps the case in which it was asked. */
Test(dns_message, reads_a_query)
{
    struct dns_question q = question_of("QuAy.io", ns_t_aaaa);
    cr_expect_str_eq(q.name, "QuAy.io");
    cr_expect_eq(q.type, ns_t_aaaa);
    cr_expect_eq(q.class, ns_c_in);
    cr_expect_not(q.edns);
    cr_expect_eq(q.wire_len, 9);
    q = question_of(".", ns_t_ns);
    cr_expect_str_eq(q.name, ".");
    cr_expect_eq(q.wire_len, 1);
}

/* An OPT record is noticed, and answered by one. */
Test(dns_message, tolerates_edns)
{
    struct dns_question q;
    uint8_t bytes[512], answer[DNS_MAX_ANSWER];
    ns_msg message;
    ns_rr record;
    size_t len = add_edns(bytes, make_query("quay.io", ns_t_a, bytes));
    cr_assert_eq(dns_question_read(bytes, len, &q), DNS_ASKED);
    cr_expect(q.edns);
    len = dns_answer_write(&q, ns_r_noerror, "198.18.1.1", answer);
    cr_assert_eq(ns_initparse(answer, (int)len, &message), 0);
    cr_assert_eq(ns_parserr(&message, ns_s_ar, 0, &record), 0);
    cr_expect_eq(ns_rr_type(record), ns_t_opt);
}

/* An address comes with the question as it was asked, authoritative, and to be kept by nobody. */
Test(dns_message, writes_an_address)
{
    struct dns_question q = question_of("QuAy.io", ns_t_a);
    uint8_t answer[DNS_MAX_ANSWER];
    char text[INET_ADDRSTRLEN];
    ns_msg message;
    ns_rr record;
    size_t len = dns_answer_write(&q, ns_r_noerror, "198.18.1.1", answer);
    cr_assert_eq(ns_initparse(answer, (int)len, &message), 0);
    cr_expect_eq(ns_msg_id(message), q.id);
    cr_expect_eq(ns_msg_getflag(message, ns_f_qr), 1);
    cr_expect_eq(ns_msg_getflag(message, ns_f_aa), 1);
    cr_expect_eq(ns_msg_getflag(message, ns_f_rd), 1);
    cr_expect_eq(ns_msg_getflag(message, ns_f_tc), 0);
    cr_expect_eq(ns_msg_getflag(message, ns_f_rcode), ns_r_noerror);
    cr_assert_eq(ns_parserr(&message, ns_s_qd, 0, &record), 0);
    cr_expect_str_eq(ns_rr_name(record), "QuAy.io");
    cr_assert_eq(ns_parserr(&message, ns_s_an, 0, &record), 0);
    cr_expect_str_eq(ns_rr_name(record), "QuAy.io");
    cr_expect_eq(ns_rr_ttl(record), 0);
    cr_assert_eq(ns_rr_rdlen(record), 4);
    cr_expect_str_eq(inet_ntop(AF_INET, ns_rr_rdata(record), text, sizeof(text)), "198.18.1.1");
}

/* An address is no answer to a question of another type, nor beside an error. */
Test(dns_message, writes_no_address_that_was_not_asked_for)
{
    struct dns_question six = question_of("quay.io", ns_t_aaaa);
    struct dns_question four = question_of("quay.io", ns_t_a);
    uint8_t answer[DNS_MAX_ANSWER];
    ns_msg message;
    size_t len = dns_answer_write(&six, ns_r_noerror, "198.18.1.1", answer);
    cr_assert_eq(ns_initparse(answer, (int)len, &message), 0);
    cr_expect_eq(ns_msg_count(message, ns_s_an), 0);
    cr_expect_eq(ns_msg_getflag(message, ns_f_rcode), ns_r_noerror);
    len = dns_answer_write(&four, ns_r_refused, "198.18.1.1", answer);
    cr_assert_eq(ns_initparse(answer, (int)len, &message), 0);
    cr_expect_eq(ns_msg_count(message, ns_s_an), 0);
    cr_expect_eq(ns_msg_getflag(message, ns_f_rcode), ns_r_refused);
}

/* The longest name there can be fits into an answer with all that may be in one. */
Test(dns_message, has_room_for_the_longest_name)
{
    uint8_t bytes[512] = {0, 1, 1, 0, 0, 1}, answer[DNS_MAX_ANSWER];
    size_t len = 12;
    struct dns_question q;
    ns_msg message;
    for (int i = 0; i < 4; i++) { /* 64 + 64 + 64 + 62 + 1 = 255 bytes */
        size_t label = i < 3 ? 63 : 61;
        bytes[len++] = (uint8_t)label;
        memset(bytes + len, '\001', label); /* four characters each, once written as text */
        len += label;
    }
    bytes[len++] = 0;
    memcpy(bytes + len, "\0\001\0\001", 4);
    len = add_edns(bytes, len + 4);
    cr_assert_eq(dns_question_read(bytes, len, &q), DNS_ASKED);
    cr_expect_eq(q.wire_len, 255);
    len = dns_answer_write(&q, ns_r_noerror, "198.18.1.1", answer);
    cr_expect_eq(ns_initparse(answer, (int)len, &message), 0);
    cr_expect_eq(ns_msg_count(message, ns_s_an), 1);
}

/* What is no query is dropped; one of another kind, or cut short, is answered by its code alone. */
Test(dns_message, tells_what_is_wrong)
{
    struct dns_question q;
    uint8_t bytes[512], answer[DNS_MAX_ANSWER];
    size_t len = make_query("quay.io", ns_t_a, bytes);
    cr_expect_eq(dns_question_read(bytes, 0, &q), DNS_NOTHING);
    cr_expect_eq(dns_question_read(bytes, 11, &q), DNS_NOTHING);
    cr_expect_eq(dns_question_read(bytes, len - 1, &q), DNS_BROKEN);
    cr_expect_eq(dns_answer_write(&q, ns_r_formerr, NULL, answer), 12);
    cr_expect_eq(ns_get16(answer), ns_get16(bytes));
    bytes[2] |= 0x10; /* a status request */
    cr_expect_eq(dns_question_read(bytes, len, &q), DNS_FOREIGN);
    bytes[2] = 0x80; /* an answer */
    cr_expect_eq(dns_question_read(bytes, len, &q), DNS_NOTHING);
    bytes[2] = 0;
    bytes[5] = 2; /* two questions */
    cr_expect_eq(dns_question_read(bytes, len, &q), DNS_BROKEN);
}

/* Types have their names, and unknown ones the form that RFC 3597 gives them. */
Test(dns_message, names_types)
{
    char text[DNS_TYPE_TEXT];
    dns_type_text(ns_t_a, text);
    cr_expect_str_eq(text, "A");
    dns_type_text(65, text);
    cr_expect_str_eq(text, "HTTPS");
    dns_type_text(65535, text);
    cr_expect_str_eq(text, "TYPE65535");
}

/* Whatever a query is bent into, reading it ends, and what is answered is a whole message. */
Test(dns_message, survives_anything)
{
    struct rng r;
    rng_init(&r, 7);
    uint8_t whole[512], bytes[600], answer[DNS_MAX_ANSWER];
    size_t asked = 0;
    size_t whole_len = add_edns(whole, make_query("a.long.name.of.quay.io", ns_t_a, whole));
    for (int round = 0; round < 20000; round++) {
        struct dns_question q;
        ns_msg message;
        size_t len = rng_next(&r) % 4 == 0 ? rng_next(&r) % sizeof(bytes) : whole_len;
        memset(bytes, (int)rng_next(&r), sizeof(bytes));
        memcpy(bytes, whole, whole_len);
        for (uint64_t k = rng_next(&r) % 4; k > 0; k--) {
            bytes[rng_next(&r) % whole_len] = (uint8_t)rng_next(&r);
        }
        enum dns_reading reading = dns_question_read(bytes, len, &q);
        if (reading == DNS_NOTHING) {
            continue;
        }
        size_t n = dns_answer_write(&q, reading == DNS_ASKED ? ns_r_noerror : ns_r_formerr,
                                    "198.18.1.1", answer);
        cr_assert_leq(n, sizeof(answer));
        cr_assert_eq(ns_initparse(answer, (int)n, &message), 0, "round %d", round);
        asked += reading == DNS_ASKED ? 1 : 0;
    }
    cr_expect_gt(asked, 1000);
}
