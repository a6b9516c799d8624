/* What a lookup comes to: who plays the name, which faults meet it, and when the answer goes out.
 *
 * Happy path: a whole question becomes a lookup; the engine decides on names that a registry plays;
 * the answer goes out at once, or waits in a list until it is due or its fault is healed; the event
 * is written when it goes out, or when it is certain that none will.
 *
 * Failure modes: what is no query is dropped without a word, a broken or foreign one is answered by
 * its code, and neither is a lookup. Without memory, or past the maximum of answers held back, a
 * lookup is dropped, and recorded so. An answer that cannot be sent is one that nobody waits for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/rng.h"
#include "harness/services/dns_internal.h"

#define FAULTS_TEXT 1024

/* ---- events -------------------------------------------------------------------------------- */

static const char *registry_of(const struct dns_server *s, const struct name_row *row)
{
    return row != NULL ? s->config.plan->scenario->registries[row->registry].name : NULL;
}

static const char *answer_word(const struct dns_lookup *l)
{
    static const char *const words[] = {
        [DNS_NO_DATA] = "no-data",   [DNS_REFUSED] = "refused", [DNS_NXDOMAIN] = "nxdomain",
        [DNS_SERVFAIL] = "servfail", [DNS_DROPPED] = "dropped",
    };
    return l->answer == DNS_ADDRESS ? l->row->address : words[l->answer];
}

/* The names of those that acted, separated by spaces; NULL where none did. */
static const char *acted_text(const struct dns_lookup *l, char text[FAULTS_TEXT])
{
    size_t len = 0;
    for (size_t i = 0; i < l->acted_count; i++) {
        int n =
            snprintf(text + len, FAULTS_TEXT - len, "%s%s", len > 0 ? " " : "", l->acted[i]->name);
        if (n < 0 || (size_t)n >= FAULTS_TEXT - len) {
            text[len] = '\0'; /* whole names only */
            break;
        }
        len += (size_t)n;
    }
    return len > 0 ? text : NULL;
}

static void tell(struct dns_server *s, const struct dns_lookup *l)
{
    char type[DNS_TYPE_TEXT], faults[FAULTS_TEXT];
    uint64_t now_ns = history_now_ns(s->config.history);
    struct event ev = {.type = EVENT_LOOKUP, .actor = "dns"};
    dns_type_text(l->question.type, type);
    ev.lookup = (struct event_lookup){.registry = registry_of(s, l->row),
                                      .lane = s->config.lane,
                                      .start = s->start,
                                      .name = l->question.name,
                                      .type = type,
                                      .answer = answer_word(l),
                                      .faults = acted_text(l, faults),
                                      .transport = l->asker.tcp ? "tcp" : "udp",
                                      .waited_ns = l->slow != NULL ? now_ns - l->begun_ns : 0};
    (void)history_append(s->config.history, &ev);
}

static void tell_decided(struct dns_server *s, const struct dns_lookup *l,
                         const struct fault_decision *d)
{
    char actions[256] = "", key[NS_MAXDNAME + 96];
    struct event ev = {.type = EVENT_FAULT_DECIDED, .actor = "dns"};
    if (d->fired) {
        fault_action_text(&d->action, actions, sizeof(actions));
    }
    (void)snprintf(key, sizeof(key), "%" PRIu64 " %s %s %" PRIu64, s->start, op_name(OP_LOOKUP),
                   l->question.name, d->nth);
    ev.decided = (struct event_fault_decided){.fault = d->rule->name,
                                              .key = key,
                                              .registry = registry_of(s, l->row),
                                              .start = s->start,
                                              .op = op_name(OP_LOOKUP),
                                              .ref = l->question.name,
                                              .nth = d->nth,
                                              .fired = d->fired,
                                              .actions = d->fired ? actions : NULL,
                                              .lane = s->config.lane};
    (void)history_append(s->config.history, &ev);
}

/* ---- deciding ------------------------------------------------------------------------------ */

/* The n-th time, from 1, that the running start asks this. */
static uint64_t count_asked(struct dns_server *s, const struct dns_lookup *l)
{
    uint64_t key = rng_hash(l->question.type, l->row->name, strlen(l->row->name));
    size_t i = 0;
    while (i < s->asked_count && s->asked[i].key != key) {
        i++;
    }
    if (i == s->asked_count && i < DNS_MAX_ASKED) {
        s->asked[i] = (struct dns_asked){.key = key};
        s->asked_count++;
    }
    return ++s->asked[i].count;
}

/* "primary", "primary/token", "primary/blobs": what faults are `on`. */
static void target_of(const struct dns_server *s, const struct name_row *row, char target[128])
{
    const char *behind = row->role == SERVER_TOKEN   ? "/token"
                         : row->role == SERVER_BLOBS ? "/blobs"
                                                     : "";
    (void)snprintf(target, 128, "%s%s", registry_of(s, row), behind);
}

static enum dns_answer flap_answer(const struct fault_rule *rule)
{
    const char *word = fault_param_word(rule, PARAM_ANSWER);
    if (strcmp(word, "nxdomain") == 0) {
        return DNS_NXDOMAIN;
    }
    return strcmp(word, "timeout") == 0 ? DNS_DROPPED : DNS_SERVFAIL;
}

/* Of the faults that take the answer's place the first one does; of those that hold it back, the
 * one that does so the longest. */
static void act(struct dns_lookup *l, const struct fault_action *action, bool *replaced,
                uint64_t *wait_ns)
{
    enum dns_answer answer;
    switch (action->rule->kind->kind) {
    case FAULT_DNS_NXDOMAIN:
        answer = DNS_NXDOMAIN;
        break;
    case FAULT_DNS_TIMEOUT:
        answer = DNS_DROPPED;
        break;
    case FAULT_DNS_FLAP:
        answer = flap_answer(action->rule);
        break;
    case FAULT_DNS_SLOW:
        if (l->slow == NULL || action->delay_ns > *wait_ns) {
            *wait_ns = action->delay_ns;
            l->slow = action->rule;
        }
        l->acted[l->acted_count++] = action->rule;
        return;
    default:
        return;
    }
    if (!*replaced) {
        l->answer = answer;
        l->acted[l->acted_count++] = action->rule;
        *replaced = true;
    }
}

static void decide(struct dns_server *s, struct dns_lookup *l)
{
    struct fault_decision decisions[FAULT_MAX_DECISIONS];
    char target[128];
    bool replaced = false;
    uint64_t wait_ns = 0, nth = count_asked(s, l);
    target_of(s, l->row, target);
    const struct fault_facts facts = {.target = target,
                                      .op = OP_LOOKUP,
                                      .reference = l->row->name,
                                      .lane = s->config.lane,
                                      .start = s->start,
                                      .nth = nth,
                                      .now_ns = l->begun_ns};
    size_t count = fault_decide(s->config.faults, &facts, STAGE_MACHINE, STAGE_MACHINE, decisions);
    for (size_t i = 0; i < count; i++) {
        tell_decided(s, l, &decisions[i]);
        if (decisions[i].fired) {
            act(l, &decisions[i].action, &replaced, &wait_ns);
        }
    }
    l->due_ns = l->begun_ns + wait_ns;
}

/* ---- answering ----------------------------------------------------------------------------- */

static unsigned rcode_of(enum dns_answer answer)
{
    static const unsigned codes[] = {
        [DNS_ADDRESS] = ns_r_noerror,   [DNS_NO_DATA] = ns_r_noerror,
        [DNS_REFUSED] = ns_r_refused,   [DNS_NXDOMAIN] = ns_r_nxdomain,
        [DNS_SERVFAIL] = ns_r_servfail,
    };
    return codes[answer];
}

static bool send_answer(struct dns_server *s, const struct dns_question *q,
                        const struct dns_asker *asker, unsigned rcode, const char *address)
{
    uint8_t bytes[DNS_MAX_ANSWER];
    size_t len = dns_answer_write(q, rcode, address, bytes);
    if (asker->tcp) {
        return dns_stream_send(s, asker->stream, bytes, len);
    }
    return sendto(s->config.udp_fd, bytes, len, MSG_NOSIGNAL, (const struct sockaddr *)&asker->peer,
                  asker->peer_len) == (ssize_t)len;
}

static void answer(struct dns_server *s, struct dns_lookup *l)
{
    if (l->answer != DNS_DROPPED &&
        !send_answer(s, &l->question, &l->asker, rcode_of(l->answer),
                     l->answer == DNS_ADDRESS ? l->row->address : NULL)) {
        l->answer = DNS_DROPPED;
    }
    tell(s, l);
}

static void on_timer(uv_timer_t *timer)
{
    dns_answer_due(timer->data);
}

void dns_answer_due(struct dns_server *s)
{
    uint64_t now_ns = history_now_ns(s->config.history), next_ns = UINT64_MAX;
    for (struct dns_lookup **at = &s->waiting; *at != NULL;) {
        struct dns_lookup *l = *at;
        if (l->due_ns > now_ns) {
            next_ns = l->due_ns < next_ns ? l->due_ns : next_ns;
            at = &l->next;
            continue;
        }
        *at = l->next;
        s->waiting_count--;
        answer(s, l);
        free(l);
    }
    (void)uv_timer_stop(&s->timer);
    if (s->waiting != NULL && !s->closing) {
        uv_update_time(s->config.loop);
        (void)uv_timer_start(&s->timer, on_timer, (next_ns - now_ns - 1) / CLOCK_NS_PER_MS + 1, 0);
    }
}

void dns_forget_waiting(struct dns_server *s)
{
    for (struct dns_lookup *l = s->waiting; l != NULL; l = s->waiting) {
        s->waiting = l->next;
        free(l);
    }
    s->waiting_count = 0;
    (void)uv_timer_stop(&s->timer);
}

void dns_drop_waiting(struct dns_server *s)
{
    for (struct dns_lookup *l = s->waiting; l != NULL; l = l->next) {
        l->answer = DNS_DROPPED;
        tell(s, l);
    }
    dns_forget_waiting(s);
}

/* Holds L back, behind those that came before it. False: there is no room. */
static bool hold(struct dns_server *s, const struct dns_lookup *l)
{
    struct dns_lookup *kept = s->waiting_count < DNS_MAX_WAITING ? malloc(sizeof(*kept)) : NULL;
    struct dns_lookup **at = &s->waiting;
    if (kept == NULL) {
        return false;
    }
    *kept = *l;
    kept->next = NULL;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = kept;
    s->waiting_count++;
    dns_answer_due(s);
    return true;
}

static void look_up(struct dns_server *s, struct dns_lookup *l)
{
    const struct dns_question *q = &l->question;
    l->row = q->class == ns_c_in ? names_find(s->config.names, q->name) : NULL;
    l->begun_ns = history_now_ns(s->config.history);
    l->answer = l->row == NULL ? DNS_REFUSED : q->type == ns_t_a ? DNS_ADDRESS : DNS_NO_DATA;
    if (l->row != NULL) {
        decide(s, l);
    }
    if (l->answer != DNS_DROPPED && l->slow != NULL) {
        if (!s->ending && hold(s, l)) {
            return;
        }
        l->answer = DNS_DROPPED;
    }
    answer(s, l);
}

void dns_take(struct dns_server *s, const uint8_t *bytes, size_t len, const struct dns_asker *asker)
{
    struct dns_lookup l = {.asker = *asker};
    switch (dns_question_read(bytes, len, &l.question)) {
    case DNS_ASKED:
        look_up(s, &l);
        break;
    case DNS_BROKEN:
        (void)send_answer(s, &l.question, asker, ns_r_formerr, NULL);
        break;
    case DNS_FOREIGN:
        (void)send_answer(s, &l.question, asker, ns_r_notimpl, NULL);
        break;
    case DNS_NOTHING:
        break;
    }
}

void dns_server_healed(struct dns_server *s, const struct fault_rule *rule)
{
    for (struct dns_lookup *l = s->waiting; l != NULL; l = l->next) {
        l->due_ns = l->slow == rule ? 0 : l->due_ns;
    }
    dns_answer_due(s);
}
