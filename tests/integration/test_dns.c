/* The name server of a lane over real sockets: answers, faults, what it records. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/services/dns.h"
#include "harness/services/dns_message.h"
#include "tests/lib/fault_rules.h"

#define PATIENCE_NS (UINT64_C(20) * CLOCK_NS_PER_S)
#define EVENTS 512

struct kept {
    struct event ev; /* its strings lie in SCRATCH */
    struct buf scratch;
};

/* A name server on a loop of its own, for a plan of two registries. */
struct bed {
    uv_loop_t loop;
    struct history *history;
    struct fault_rules rules;
    struct scenario_registry registries[2];
    struct scenario scenario;
    struct plan plan;
    struct names names;
    struct dns_server *server;
    struct sockaddr_in address;
    struct kept event[EVENTS];
    size_t events;
    bool closed;
};

/* ---- the bed ------------------------------------------------------------------------------- */

static void keep(void *data, const struct event *ev)
{
    struct bed *b = data;
    struct kept *k = &b->event[b->events];
    struct buf line;
    cr_assert_lt(b->events++, EVENTS);
    buf_init(&line, 1 << 20);
    buf_init(&k->scratch, 1 << 20);
    event_encode(ev, &line);
    cr_assert_eq(event_decode(line.data, line.len - 1, &k->ev, &k->scratch, NULL), 0);
    buf_close(&line);
}

static int bound_socket(struct bed *b, int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;
    socklen_t len = sizeof(b->address);
    cr_assert_geq(fd, 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
    if (bind(fd, (struct sockaddr *)&b->address, len) != 0) {
        (void)close(fd);
        return -1;
    }
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&b->address, &len), 0);
    return fd;
}

/* The same port for both: a free one of UDP may be taken for TCP. */
static void bind_both(struct bed *b, int *udp, int *tcp)
{
    do {
        b->address =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        *udp = bound_socket(b, SOCK_DGRAM);
        *tcp = bound_socket(b, SOCK_STREAM);
        if (*tcp < 0) {
            (void)close(*udp);
        }
    } while (*tcp < 0);
}

static void fill_plan(struct bed *b)
{
    static const char *quay[] = {"quay.io", "cdn.quay.io"}, *ecr[] = {"public.ecr.aws"};
    b->registries[0] = (struct scenario_registry){
        .name = "primary", .names = quay, .name_count = 2, .blobs = {true, "blobs.quay.io"}};
    b->registries[1] =
        (struct scenario_registry){.name = "failover", .names = ecr, .name_count = 1};
    b->scenario.registries = b->registries;
    b->scenario.registry_count = 2;
    b->plan.scenario = &b->scenario;
    names_of(&b->plan, &b->names);
}

/* RULES as in fault_rules.h, none armed. */
static struct bed *bed_open(const char *rules)
{
    struct err e = {0};
    struct bed *b = calloc(1, sizeof(*b));
    int udp, tcp;
    cr_assert_not_null(b);
    cr_assert_eq(uv_loop_init(&b->loop), 0);
    b->history = history_new(NULL, &e);
    cr_assert_not_null(b->history);
    cr_assert_eq(history_observe(b->history, keep, b, &e), 0);
    cr_assert_eq(fault_rules_read(&b->rules, rules, &e), 0, "%s", e.text);
    b->rules.engine = fault_engine_new(b->rules.rule, b->rules.count, 42, &e);
    fill_plan(b);
    bind_both(b, &udp, &tcp);
    const struct dns_config config = {.loop = &b->loop,
                                      .history = b->history,
                                      .faults = b->rules.engine,
                                      .plan = &b->plan,
                                      .names = &b->names,
                                      .lane = 3,
                                      .udp_fd = udp,
                                      .tcp_fd = tcp};
    b->server = dns_server_new(&config, &e);
    cr_assert_not_null(b->server, "%s", e.text);
    dns_server_begin(b->server, 7);
    return b;
}

static void on_closed(void *data)
{
    struct bed *b = data;
    b->closed = true;
}

static void bed_close(struct bed *b)
{
    dns_server_close(b->server, on_closed, b);
    cr_assert_eq(uv_run(&b->loop, UV_RUN_DEFAULT), 0);
    cr_assert(b->closed);
    cr_assert_eq(uv_loop_close(&b->loop), 0);
    fault_rules_close(&b->rules);
    history_free(b->history);
    for (size_t i = 0; i < b->events; i++) {
        buf_close(&b->event[i].scratch);
    }
    free(b);
}

static void arm(struct bed *b, size_t rule)
{
    cr_assert_eq(
        fault_engine_arm(b->rules.engine, &b->rules.rule[rule], history_now_ns(b->history), NULL),
        0);
}

static void heal(struct bed *b, size_t rule)
{
    fault_engine_heal(b->rules.engine, &b->rules.rule[rule]);
    dns_server_healed(b->server, &b->rules.rule[rule]);
}

/* The N-th event of TYPE, from 1; NULL. */
static const struct event *find(const struct bed *b, enum event_type type, size_t n)
{
    for (size_t i = 0; i < b->events; i++) {
        if (b->event[i].ev.type == type && --n == 0) {
            return &b->event[i].ev;
        }
    }
    return NULL;
}

/* The N-th lookup, waited for. */
static const struct event_lookup *lookup(struct bed *b, size_t n)
{
    uint64_t give_up = clock_now_ns() + PATIENCE_NS;
    while (find(b, EVENT_LOOKUP, n) == NULL) {
        (void)uv_run(&b->loop, UV_RUN_NOWAIT);
        cr_assert_lt(clock_now_ns(), give_up, "no lookup %zu", n);
    }
    return &find(b, EVENT_LOOKUP, n)->lookup;
}

/* ---- clients ------------------------------------------------------------------------------- */

static size_t make_query(const char *name, int type, uint8_t bytes[512])
{
    uint8_t *at = bytes + NS_HFIXEDSZ;
    memcpy(bytes, "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", NS_HFIXEDSZ);
    int len = ns_name_pton(name, at, 256) >= 0 ? 0 : -1;
    cr_assert_eq(len, 0);
    while (*at != 0) {
        at += *at + 1;
    }
    ns_put16((unsigned)type, at + 1);
    ns_put16(ns_c_in, at + 3);
    return (size_t)(at + 5 - bytes);
}

static int client(const struct bed *b, int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&b->address, sizeof(b->address)), 0);
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void ask(int fd, const char *name, int type)
{
    uint8_t bytes[512];
    size_t len = make_query(name, type, bytes);
    cr_assert_eq(send(fd, bytes, len, 0), (ssize_t)len);
}

/* The next WANT bytes, or one datagram. */
static size_t receive(struct bed *b, int fd, uint8_t *bytes, size_t want, bool stream)
{
    uint64_t give_up = clock_now_ns() + PATIENCE_NS;
    size_t len = 0;
    while (len < want) {
        (void)uv_run(&b->loop, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, bytes + len, want - len, 0);
        if (n > 0) {
            len += (size_t)n;
            if (!stream) {
                break;
            }
        }
        cr_assert(n > 0 || (n < 0 && errno == EAGAIN));
        cr_assert_lt(clock_now_ns(), give_up, "no answer");
    }
    return len;
}

struct reply {
    int rcode;
    char address[INET_ADDRSTRLEN]; /* "" where there is none */
};

static struct reply read_reply(const uint8_t *bytes, size_t len)
{
    struct reply r = {0};
    ns_msg message;
    ns_rr record;
    cr_assert_eq(ns_initparse(bytes, (int)len, &message), 0);
    cr_assert_eq(ns_msg_id(message), 0x1234);
    r.rcode = ns_msg_getflag(message, ns_f_rcode);
    if (ns_msg_count(message, ns_s_an) > 0) {
        cr_assert_eq(ns_parserr(&message, ns_s_an, 0, &record), 0);
        cr_assert_not_null(inet_ntop(AF_INET, ns_rr_rdata(record), r.address, sizeof(r.address)));
    }
    return r;
}

static struct reply reply(struct bed *b, int fd)
{
    uint8_t bytes[512];
    return read_reply(bytes, receive(b, fd, bytes, sizeof(bytes), false));
}

static struct reply look_up(struct bed *b, const char *name, int type)
{
    int fd = client(b, SOCK_DGRAM);
    ask(fd, name, type);
    struct reply r = reply(b, fd);
    (void)close(fd);
    return r;
}

static void nothing_comes(struct bed *b, int fd)
{
    uint8_t bytes[512];
    for (int i = 0; i < 30; i++) {
        (void)uv_run(&b->loop, UV_RUN_NOWAIT);
        (void)poll(NULL, 0, 1);
    }
    cr_assert_eq(recv(fd, bytes, sizeof(bytes), 0), -1);
}

/* ---- answers ------------------------------------------------------------------------------- */

/* Each name that a registry plays has its address, whatever the case; of other types it has none.
 */
Test(dns, answers_names_that_are_played)
{
    struct bed *b = bed_open("{}");
    struct reply r = look_up(b, "QUAY.io", ns_t_a);
    cr_expect_eq(r.rcode, ns_r_noerror);
    cr_expect_str_eq(r.address, names_find(&b->names, "quay.io")->address);
    const struct event_lookup *l = lookup(b, 1);
    cr_expect_str_eq(l->registry, "primary");
    cr_expect_str_eq(l->name, "QUAY.io");
    cr_expect_str_eq(l->type, "A");
    cr_expect_str_eq(l->answer, r.address);
    cr_expect_str_eq(l->transport, "udp");
    cr_expect_eq(l->lane, 3);
    cr_expect_eq(l->start, 7);
    r = look_up(b, "public.ecr.aws", ns_t_aaaa);
    cr_expect_eq(r.rcode, ns_r_noerror);
    cr_expect_str_eq(r.address, "");
    cr_expect_str_eq(lookup(b, 2)->answer, "no-data");
    cr_expect_str_eq(lookup(b, 2)->registry, "failover");
    bed_close(b);
}

/* Every other name is refused and recorded, addresses' names among them. */
Test(dns, refuses_all_others)
{
    struct bed *b = bed_open("{}");
    cr_expect_eq(look_up(b, "example.com", ns_t_a).rcode, ns_r_refused);
    cr_expect_eq(look_up(b, "www.quay.io", ns_t_a).rcode, ns_r_refused);
    cr_expect_eq(look_up(b, "1.1.18.198.in-addr.arpa", ns_t_ptr).rcode, ns_r_refused);
    cr_expect_str_eq(lookup(b, 1)->answer, "refused");
    cr_expect_null(lookup(b, 2)->registry);
    cr_expect_str_eq(lookup(b, 3)->type, "PTR");
    bed_close(b);
}

/* By TCP several queries on one connection are answered, also where their bytes come one by one. */
Test(dns, answers_by_tcp)
{
    struct bed *b = bed_open("{}");
    uint8_t query[514], bytes[514];
    int fd = client(b, SOCK_STREAM);
    size_t len = make_query("quay.io", ns_t_a, query + 2);
    ns_put16((unsigned)len, query);
    for (size_t i = 0; i < len + 2; i++) {
        cr_assert_eq(send(fd, query + i, 1, 0), 1);
        (void)uv_run(&b->loop, UV_RUN_NOWAIT);
    }
    cr_assert_eq(send(fd, query, len + 2, 0), (ssize_t)len + 2);
    for (int i = 1; i <= 2; i++) {
        (void)receive(b, fd, bytes, 2, true);
        size_t n = receive(b, fd, bytes, ns_get16(bytes), true);
        cr_expect_str_eq(read_reply(bytes, n).address, "198.18.1.1");
        cr_expect_str_eq(lookup(b, (size_t)i)->transport, "tcp");
    }
    (void)close(fd);
    bed_close(b);
}

/* A broken query is answered so, and is no lookup. */
Test(dns, answers_what_is_broken)
{
    struct bed *b = bed_open("{}");
    int fd = client(b, SOCK_DGRAM);
    cr_assert_eq(send(fd, "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05hi", 15, 0), 15);
    cr_expect_eq(reply(b, fd).rcode, ns_r_formerr);
    cr_expect_eq(b->events, 0);
    (void)close(fd);
    bed_close(b);
}

/* ---- faults -------------------------------------------------------------------------------- */

/* dns-nxdomain takes the place of every answer for its registry's names, until it is healed; the
 * decision is recorded like one on a request, without a request. */
Test(dns, nxdomain)
{
    struct bed *b = bed_open("{'gone': {'on': 'primary', 'kind': 'dns-nxdomain'}}");
    arm(b, 0);
    cr_expect_eq(look_up(b, "cdn.quay.io", ns_t_a).rcode, ns_r_nxdomain);
    cr_expect_eq(look_up(b, "public.ecr.aws", ns_t_a).rcode, ns_r_noerror);
    const struct event_fault_decided *d = &find(b, EVENT_FAULT_DECIDED, 1)->decided;
    cr_expect_str_eq(d->fault, "gone");
    cr_expect_str_eq(d->op, "lookup");
    cr_expect_str_eq(d->ref, "cdn.quay.io");
    cr_expect_str_eq(d->key, "7 lookup cdn.quay.io 1");
    cr_expect_eq(d->start, 7);
    cr_expect_eq(d->request, 0);
    cr_expect(d->fired);
    cr_expect_str_eq(lookup(b, 1)->answer, "nxdomain");
    cr_expect_str_eq(lookup(b, 1)->faults, "gone");
    cr_expect_null(lookup(b, 2)->faults);
    heal(b, 0);
    cr_expect_eq(look_up(b, "cdn.quay.io", ns_t_a).rcode, ns_r_noerror);
    bed_close(b);
}

/* A fault on another host of a registry meets that host's name alone; so does `match.ref`. */
Test(dns, meets_the_names_that_are_meant)
{
    struct bed *b = bed_open("{'blobs': {'on': 'primary/blobs', 'kind': 'dns-nxdomain'},"
                             " 'cdn': {'on': 'primary', 'kind': 'dns-nxdomain',"
                             "         'match': {'ref': 'cdn.*'}}}");
    arm(b, 0);
    cr_expect_eq(look_up(b, "blobs.quay.io", ns_t_a).rcode, ns_r_nxdomain);
    cr_expect_eq(look_up(b, "cdn.quay.io", ns_t_a).rcode, ns_r_noerror);
    heal(b, 0);
    arm(b, 1);
    cr_expect_eq(look_up(b, "cdn.quay.io", ns_t_a).rcode, ns_r_nxdomain);
    cr_expect_eq(look_up(b, "quay.io", ns_t_a).rcode, ns_r_noerror);
    bed_close(b);
}

/* dns-timeout answers nothing, and says so at once. */
Test(dns, timeout)
{
    struct bed *b = bed_open("{'mute': {'on': 'primary', 'kind': 'dns-timeout'}}");
    int fd = client(b, SOCK_DGRAM);
    arm(b, 0);
    ask(fd, "quay.io", ns_t_a);
    cr_expect_str_eq(lookup(b, 1)->answer, "dropped");
    nothing_comes(b, fd);
    (void)close(fd);
    bed_close(b);
}

/* dns-slow holds the answer back, for its delay or until it is healed. */
Test(dns, slow)
{
    struct bed *b = bed_open("{'slow': {'on': 'primary', 'kind': 'dns-slow', 'delay': '1h'},"
                             " 'soon': {'on': 'failover', 'kind': 'dns-slow', 'delay': '20ms'}}");
    int fd = client(b, SOCK_DGRAM);
    arm(b, 0);
    arm(b, 1);
    ask(fd, "quay.io", ns_t_a);
    nothing_comes(b, fd);
    cr_expect_null(find(b, EVENT_LOOKUP, 1));
    cr_expect_eq(look_up(b, "public.ecr.aws", ns_t_a).rcode, ns_r_noerror);
    cr_expect_geq(lookup(b, 1)->waited_ns, 20 * CLOCK_NS_PER_MS);
    heal(b, 0);
    cr_expect_str_eq(reply(b, fd).address, "198.18.1.1");
    cr_expect_str_eq(lookup(b, 2)->faults, "slow");
    cr_expect_gt(lookup(b, 2)->waited_ns, 0);
    (void)close(fd);
    bed_close(b);
}

/* dns-flap fails the first lookups of each name and type by each start, and answers the next. */
Test(dns, flap)
{
    struct bed *b =
        bed_open("{'flap': {'on': 'primary', 'kind': 'dns-flap', 'failures': 2},"
                 " 'once': {'on': 'failover', 'kind': 'dns-flap', 'answer': 'nxdomain'}}");
    arm(b, 0);
    arm(b, 1);
    cr_expect_eq(look_up(b, "quay.io", ns_t_a).rcode, ns_r_servfail);
    cr_expect_eq(look_up(b, "quay.io", ns_t_aaaa).rcode, ns_r_servfail);
    cr_expect_eq(look_up(b, "quay.io", ns_t_a).rcode, ns_r_servfail);
    cr_expect_eq(look_up(b, "QUAY.io", ns_t_a).rcode, ns_r_noerror);
    cr_expect_eq(look_up(b, "public.ecr.aws", ns_t_a).rcode, ns_r_nxdomain);
    cr_expect_eq(look_up(b, "public.ecr.aws", ns_t_a).rcode, ns_r_noerror);
    dns_server_end(b->server);
    dns_server_begin(b->server, 8);
    cr_expect_eq(look_up(b, "quay.io", ns_t_a).rcode, ns_r_servfail);
    bed_close(b);
}

/* ---- the end of a start -------------------------------------------------------------------- */

/* What is queued when a start ends is its own; what is held back then is dropped; what comes
 * afterwards belongs to no start. */
Test(dns, end_of_a_start)
{
    struct bed *b = bed_open("{'slow': {'on': 'primary', 'kind': 'dns-slow', 'delay': '1h'}}");
    uint8_t query[514];
    int held = client(b, SOCK_DGRAM), queued = client(b, SOCK_DGRAM);
    int stream = client(b, SOCK_STREAM);
    arm(b, 0);
    ask(held, "quay.io", ns_t_a);
    nothing_comes(b, held);
    ask(queued, "example.com", ns_t_a);
    size_t len = make_query("public.ecr.aws", ns_t_a, query + 2);
    ns_put16((unsigned)len, query);
    cr_assert_eq(send(stream, query, len + 2, 0), (ssize_t)len + 2);
    dns_server_end(b->server);
    cr_expect_str_eq(lookup(b, 1)->name, "example.com");
    cr_expect_eq(lookup(b, 1)->start, 7);
    cr_expect_str_eq(lookup(b, 2)->transport, "tcp");
    cr_expect_str_eq(lookup(b, 3)->answer, "dropped");
    cr_expect_str_eq(lookup(b, 3)->faults, "slow");
    cr_expect_eq(look_up(b, "example.com", ns_t_a).rcode, ns_r_refused);
    cr_expect_eq(lookup(b, 4)->start, 0);
    (void)close(held);
    (void)close(queued);
    (void)close(stream);
    bed_close(b);
}
