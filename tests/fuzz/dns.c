/* A query to the name server: read, answered in each way, and the answer read by the C library. */
#include <arpa/nameser.h>
#include <string.h>

#include "harness/services/dns_message.h"
#include "tests/fuzz/lib/fuzz.h"

static void check_answer(const struct dns_question *q, unsigned rcode, const char *address)
{
    uint8_t answer[DNS_MAX_ANSWER];
    ns_msg message;
    size_t len = dns_answer_write(q, rcode, address, answer);
    MUST(len >= NS_HFIXEDSZ && len <= sizeof answer, "an answer of %zu bytes", len);
    MUST(ns_initparse(answer, (int)len, &message) == 0, "no message");
    MUST(ns_msg_id(message) == q->id, "the answer to another question");
    MUST(ns_msg_getflag(message, ns_f_qr) == 1, "an answer that is a question");
    MUST(ns_msg_getflag(message, ns_f_rcode) == (int)rcode, "another code");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct dns_question q;
    char type[DNS_TYPE_TEXT];
    enum dns_reading reading = dns_question_read(data, len, &q);
    if (reading == DNS_NOTHING) {
        return 0;
    }
    if (reading == DNS_ASKED) {
        MUST(memchr(q.name, '\0', sizeof q.name) != NULL && q.name[0] != '\0', "a name of nothing");
        MUST(q.wire_len > 0 && q.wire_len <= sizeof q.wire, "a name of %zu bytes", q.wire_len);
        dns_type_text(q.type, type);
        MUST(memchr(type, '\0', sizeof type) != NULL, "a type without an end");
        check_answer(&q, ns_r_noerror, "198.18.0.7");
        check_answer(&q, ns_r_noerror, NULL);
        check_answer(&q, ns_r_nxdomain, NULL);
    }
    check_answer(&q, ns_r_servfail, NULL);
    check_answer(&q, reading == DNS_FOREIGN ? ns_r_notimpl : ns_r_formerr, NULL);
    return 0;
}
