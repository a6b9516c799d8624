/* --listen and --advertise: what they may say, and where each lane then listens. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "harness/commands/listen.h"
#include "harness/reach.h"
#include "tests/lib/scenario_text.h"

/* Addresses with ports and without are read; the port is 0 where none is given. */
Test(listen, reads_addresses)
{
    static const struct {
        const char *text;
        const char *address;
        uint16_t port;
    } rows[] = {{"10.0.0.5", "10.0.0.5", 0},
                {"10.0.0.5:8000", "10.0.0.5", 8000},
                {"fd00::1", "fd00::1", 0},
                {"[fd00::1]", "fd00::1", 0},
                {"[fd00::1]:65535", "fd00::1", 65535},
                {"0.0.0.0:1", "0.0.0.0", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct options o = {.jobs = 1};
        struct err e = {0};
        cr_expect_eq(listen_read(&o, rows[i].text, &e), 0, "%s: %s", rows[i].text, e.text);
        cr_expect_str_eq(o.listen, rows[i].address);
        cr_expect_eq(o.listen_port, rows[i].port, "%s", rows[i].text);
    }
}

/* Names are no addresses to listen on, and every port is a number from 1 to 65535. */
Test(listen, refuses_what_is_no_address)
{
    static const char *const texts[] = {
        "",           "localhost",      "10.0.0",        "10.0.0.5:",
        "10.0.0.5:0", "10.0.0.5:65536", "10.0.0.5:8x",   "10.0.0.5:000080",
        "[::1",       "[::1]8",         "[10.0.0.5]:80", "[]:80",
        "::1:x",      "10.0.0.5:80:80"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct options o = {.jobs = 1};
        struct err e = {0};
        cr_expect_eq(listen_read(&o, texts[i], &e), -1, "%s", texts[i]);
        cr_expect_eq(e.code, ERR_USAGE);
    }
}

/* What subjects are told is a host name or an address; ports are dealt elsewhere. */
Test(listen, reads_names)
{
    static const char *const good[] = {"build-host", "drill.example.org", "10.0.0.5", "fd00::1"};
    static const char *const bad[] = {"", "a b", "host:80", "https://host", "-host", ".", "h/x"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct options o = {.jobs = 1};
        struct err e = {0};
        cr_expect_eq(listen_read_name(&o, good[i], &e), 0, "%s: %s", good[i], e.text);
        cr_expect_str_eq(o.advertise, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct options o = {.jobs = 1};
        struct err e = {0};
        cr_expect_eq(listen_read_name(&o, bad[i], &e), -1, "%s", bad[i]);
    }
}

/* ---- where a lane listens ------------------------------------------------------------------ */

#define REGISTRIES                                                                                 \
    "{'version': 1, 'title': 't', 'registries': {'primary': {'names': ['quay.io'], 'auth': "       \
    "'token', 'hosts': {'token': 'auth.quay.io', 'blobs': 'cdn.quay.io'}}, 'failover': "           \
    "{'names': ['public.ecr.aws', 'ecr.aws']}}, 'subjects': {'s': {'command': ['true'], "          \
    "'reach': '%s'}}, 'phases': [{'name': 'steady', 'starts': 1}]}"

/* A lane of a plan that is nothing but a scenario. */
struct bed {
    struct plan plan;
    struct lane lane;
};

static void open_bed(struct bed *b, const char *reach)
{
    char text[1024];
    struct err e = {0};
    memset(b, 0, sizeof *b);
    (void)snprintf(text, sizeof text, REGISTRIES, reach);
    b->plan.scenario = scenario_quoted(text, NULL, &e);
    cr_assert_not_null(b->plan.scenario, "%s", e.text);
    b->lane.plan = &b->plan;
    b->lane.number = 1;
    (void)snprintf(b->lane.address, sizeof b->lane.address, "127.1.1.1");
}

/* Every host is told once, a registry before its own further ones. */
Test(reach, hosts)
{
    struct bed b;
    struct reach_host hosts[REACH_MAX_HOSTS];
    open_bed(&b, "listen");
    cr_assert_eq(reach_hosts(b.plan.scenario, hosts), 4);
    cr_expect_eq(hosts[0].role, SERVER_REGISTRY);
    cr_expect_eq(hosts[1].role, SERVER_TOKEN);
    cr_expect_str_eq(hosts[1].names[0], "auth.quay.io");
    cr_expect_eq(hosts[2].role, SERVER_BLOBS);
    cr_expect_eq(hosts[3].registry, 1);
    cr_expect_eq(hosts[3].name_count, 2);
    scenario_free(b.plan.scenario);
}

/* Without --listen a lane keeps to its own loopback address, whatever its reach. */
Test(reach, loopback_by_default)
{
    struct bed b;
    struct reach_place place;
    struct err e = {0};
    open_bed(&b, "proxy");
    cr_assert_eq(reach_place(&b.lane, 3, &place, &e), 0);
    cr_expect_str_eq(place.address, "127.1.1.1");
    cr_expect_null(place.advertise);
    cr_expect_eq(place.port, 0);
    scenario_free(b.plan.scenario);
}

/* Only subjects that ask for it, and never the harness's own lane, listen where --listen says. */
Test(reach, listens_for_those_who_ask)
{
    static const char *const reaches[] = {"ports", "proxy", "listen"};
    for (size_t i = 0; i < 3; i++) {
        struct bed b;
        struct reach_place place;
        struct err e = {0};
        open_bed(&b, reaches[i]);
        b.plan.listen = (struct plan_listen){.address = "10.0.0.5", .advertise = "build-host"};
        cr_assert_eq(reach_place(&b.lane, 0, &place, &e), 0);
        cr_expect_str_eq(place.address, i == 0 ? "127.1.1.1" : "10.0.0.5");
        cr_expect_eq(place.advertise != NULL, i > 0);
        b.lane.number = 0;
        b.lane.subject = -1;
        cr_assert_eq(reach_place(&b.lane, 0, &place, &e), 0);
        cr_expect_str_eq(place.address, "127.1.1.1");
        scenario_free(b.plan.scenario);
    }
}

/* Ports are dealt from the one given on, lane by lane: no two listeners share one, and they do not
 * depend on which lane is made first. */
Test(reach, deals_ports)
{
    static const struct {
        const char *reach;
        uint64_t lane;
        size_t index;
        uint16_t port;
    } rows[] = {{"listen", 1, 0, 8000}, {"listen", 1, 3, 8003}, {"listen", 2, 0, 8004},
                {"listen", 3, 1, 8009}, {"proxy", 1, 0, 8000},  {"proxy", 2, 0, 8001}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bed b;
        struct reach_place place;
        struct err e = {0};
        open_bed(&b, rows[i].reach);
        b.plan.listen = (struct plan_listen){.address = "10.0.0.5", .port = 8000};
        b.lane.number = rows[i].lane;
        cr_assert_eq(reach_place(&b.lane, rows[i].index, &place, &e), 0);
        cr_expect_eq(place.port, rows[i].port, "lane %d: %u", (int)rows[i].lane, place.port);
        b.plan.listen.port = 65535;
        b.lane.number = 2;
        cr_expect_eq(reach_place(&b.lane, 0, &place, &e), -1);
        cr_expect_eq(e.code, ERR_USAGE);
        scenario_free(b.plan.scenario);
    }
}

/* What subjects are told is fit for a URL. */
Test(reach, endpoint)
{
    struct reach_place place = {.address = "fd00::1"};
    char text[64];
    reach_endpoint(&place, 8000, text, sizeof text);
    cr_expect_str_eq(text, "[fd00::1]:8000");
    place.advertise = "build-host";
    reach_endpoint(&place, 80, text, sizeof text);
    cr_expect_str_eq(text, "build-host:80");
}
