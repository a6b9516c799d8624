/* Counters that the kernel keeps for a network namespace, out of /proc/net/snmp and netstat. Pure.
 */
#ifndef PULLDRILL_NET_COUNTERS_H
#define PULLDRILL_NET_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

/* What shows that a connection was refused, or went nowhere. The name is the word of a `counter`
 * event. */
enum net_counter {
    NET_TCP_ATTEMPT_FAILS, /* "tcp-attempt-fails": connects that came to nothing: refused, reset */
    NET_TCP_OUT_RSTS,      /* "tcp-out-rsts": resets sent, a refusal among them */
    NET_TCP_RETRANS_SEGS,  /* "tcp-retrans-segs": sent again, a SYN into a black hole among them */
    NET_TCP_LISTEN_DROPS,  /* "tcp-listen-drops": SYNs that a listener did not take */
    NET_TCP_LISTEN_OVERFLOWS, /* "tcp-listen-overflows": of those, its queue was full */
    NET_IP_OUT_NO_ROUTES,     /* "ip-out-no-routes": sent to where no route leads */
    NET_COUNTER_COUNT
};
const char *net_counter_name(enum net_counter counter);

struct net_counters {
    uint64_t value[NET_COUNTER_COUNT];
};
/* Takes over what TEXT (LEN bytes of either file) says; the rest stays as it is. A line cut short,
 * or a counter that is not there, changes nothing. */
void net_counters_read(struct net_counters *counters, const char *text, size_t len);

#endif
