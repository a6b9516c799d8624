/* Counters of a network namespace: two lines a protocol, names and then values. */
#include "harness/net_counters.h"

#include <stdbool.h>
#include <string.h>

/* The longest line that is looked at; those of /proc/net/netstat have some 3,000 bytes. */
#define LINE_MAX_BYTES 16384

static const struct {
    const char *name;
    const char *protocol; /* as the lines begin */
    const char *field;
} counters_table[NET_COUNTER_COUNT] = {
    [NET_TCP_ATTEMPT_FAILS] = {"tcp-attempt-fails", "Tcp:", "AttemptFails"},
    [NET_TCP_OUT_RSTS] = {"tcp-out-rsts", "Tcp:", "OutRsts"},
    [NET_TCP_RETRANS_SEGS] = {"tcp-retrans-segs", "Tcp:", "RetransSegs"},
    [NET_TCP_LISTEN_DROPS] = {"tcp-listen-drops", "TcpExt:", "ListenDrops"},
    [NET_TCP_LISTEN_OVERFLOWS] = {"tcp-listen-overflows", "TcpExt:", "ListenOverflows"},
    [NET_IP_OUT_NO_ROUTES] = {"ip-out-no-routes", "Ip:", "OutNoRoutes"},
};

const char *net_counter_name(enum net_counter counter)
{
    return counter < NET_COUNTER_COUNT ? counters_table[counter].name : "unknown";
}

/* A word of a line: where it begins and how long it is. */
struct word {
    const char *at;
    size_t len;
};

/* The next word behind *AT and before END; false where there is none. */
static bool next_word(const char **at, const char *end, struct word *out)
{
    while (*at < end && **at == ' ')
        (*at)++;
    out->at = *at;
    while (*at < end && **at != ' ')
        (*at)++;
    out->len = (size_t)(*at - out->at);
    return out->len > 0;
}

static bool is(const struct word *w, const char *text)
{
    return w->len == strlen(text) && memcmp(w->at, text, w->len) == 0;
}

/* Some counters are signed in the kernel (Tcp: MaxConn -1); none of ours is. */
static bool number(const struct word *w, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < w->len; i++) {
        if (w->at[i] < '0' || w->at[i] > '9' || w->len > 19)
            return false;
        *out = *out * 10 + (uint64_t)(w->at[i] - '0');
    }
    return true;
}

static void take(struct net_counters *counters, const struct word *protocol,
                 const struct word *field, uint64_t value)
{
    for (size_t i = 0; i < NET_COUNTER_COUNT; i++) {
        if (is(protocol, counters_table[i].protocol) && is(field, counters_table[i].field))
            counters->value[i] = value;
    }
}

/* NAMES and VALUES are the two lines of one protocol, which both begin with its name. */
static void read_pair(struct net_counters *counters, struct word names, struct word values)
{
    const char *name_at = names.at;
    const char *value_at = values.at;
    struct word protocol, other, field, text;
    uint64_t value = 0;

    if (!next_word(&name_at, names.at + names.len, &protocol) ||
        !next_word(&value_at, values.at + values.len, &other) || other.len != protocol.len ||
        memcmp(other.at, protocol.at, other.len) != 0)
        return;
    while (next_word(&name_at, names.at + names.len, &field) &&
           next_word(&value_at, values.at + values.len, &text)) {
        if (number(&text, &value))
            take(counters, &protocol, &field, value);
    }
}

/* A whole line with its line break before END; false where there is none. */
static bool next_line(const char **at, const char *end, struct word *out)
{
    const char *stop = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

    if (stop == NULL || stop - *at > LINE_MAX_BYTES)
        return false;
    *out = (struct word){*at, (size_t)(stop - *at)};
    *at = stop + 1;
    return true;
}

void net_counters_read(struct net_counters *counters, const char *text, size_t len)
{
    const char *at = text;
    struct word names, values;

    while (next_line(&at, text + len, &names) && next_line(&at, text + len, &values))
        read_pair(counters, names, values);
}
