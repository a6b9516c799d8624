/* Counters of a network namespace, read from what the kernel writes. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/net_counters.h"

static void read_text(struct net_counters *c, const char *text)
{
    net_counters_read(c, text, strlen(text));
}

/* Values stand in the order of the names of their own protocol, whatever stands between. */
Test(net_counters, values_are_found_by_protocol_and_name)
{
    struct net_counters c = {{0}};

    read_text(&c, "Ip: Forwarding OutNoRoutes\nIp: 1 7\n"
                  "Icmp: OutRsts\nIcmp: 99\n"
                  "Tcp: MaxConn AttemptFails RetransSegs OutRsts\nTcp: -1 3 4 5\n");
    read_text(&c, "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 2\n");
    cr_expect_eq(c.value[NET_IP_OUT_NO_ROUTES], 7);
    cr_expect_eq(c.value[NET_TCP_ATTEMPT_FAILS], 3);
    cr_expect_eq(c.value[NET_TCP_RETRANS_SEGS], 4);
    cr_expect_eq(c.value[NET_TCP_OUT_RSTS], 5);
    cr_expect_eq(c.value[NET_TCP_LISTEN_OVERFLOWS], 1);
    cr_expect_eq(c.value[NET_TCP_LISTEN_DROPS], 2);
}

/* What is cut short, or is no pair of lines of one protocol, changes nothing. */
Test(net_counters, broken_text_changes_nothing)
{
    static const char *const broken[] = {"",
                                         "\n",
                                         "Tcp: OutRsts\n",
                                         "Tcp: OutRsts\nTcp: 5",
                                         "Tcp: OutRsts\nIp: 5\n",
                                         "Tcp: OutRsts\nTcp: -5\n",
                                         "Tcp: OutRsts\nTcp: 99999999999999999999999\n",
                                         "Tcp:\nTcp:\n",
                                         "Tcp: OutRsts\nTcp:\n"};

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct net_counters c = {{[NET_TCP_OUT_RSTS] = 42}};

        read_text(&c, broken[i]);
        cr_expect_eq(c.value[NET_TCP_OUT_RSTS], 42, "case %zu", i);
    }
}

/* Each counter has a word for its event, and no two the same. */
Test(net_counters, every_counter_has_a_name)
{
    for (int i = 0; i < NET_COUNTER_COUNT; i++) {
        cr_expect_str_neq(net_counter_name((enum net_counter)i), "unknown");
        for (int k = 0; k < i; k++)
            cr_expect_str_neq(net_counter_name((enum net_counter)i),
                              net_counter_name((enum net_counter)k));
    }
    cr_expect_str_eq(net_counter_name(NET_COUNTER_COUNT), "unknown");
}
