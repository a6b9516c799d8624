/* Rules and actions in words, for histories, lists and reports. */
#include <stdarg.h>
#include <stdio.h>

#include "faults/engine.h"
#include "harness/base/units.h"

/* A text of fixed size; what does not fit is cut. */
struct text {
    char *at;
    size_t left;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->at, t->left, fmt, ap);
    va_end(ap);
    if (n < 0 || t->left == 0) {
        return;
    }
    if ((size_t)n >= t->left) {
        n = (int)t->left - 1;
    }
    t->at += n;
    t->left -= (size_t)n;
}

static void add_duration(struct text *t, const char *before, uint64_t ns)
{
    char shown[32];

    units_duration_text(ns, shown);
    add(t, "%s%s", before, shown);
}

static void add_bytes(struct text *t, const char *before, uint64_t n)
{
    add(t, "%s%llu byte%s", before, (unsigned long long)n, n == 1 ? "" : "s");
}

static void add_place(struct text *t, bool before_head, uint64_t after_bytes)
{
    if (before_head) {
        add(t, " before the head");
    } else {
        add_bytes(t, " after ", after_bytes);
    }
}

/* What an action and its rule say alike. */
static void add_fixed(struct text *t, const struct fault_rule *rule)
{
    const struct fault_value *param = rule->param;

    add(t, "%s", rule->kind->name);
    if (rule->kind->kind == FAULT_DELETE_IMAGE) {
        add(t, " %s%s", param[PARAM_IMAGE].text ? param[PARAM_IMAGE].text : "?",
            param[PARAM_BLOBS].number ? " with its blobs" : "");
    } else if (rule->kind->kind == FAULT_STALE_TAG) {
        add(t, " %s%s%s", param[PARAM_IMAGE].text ? param[PARAM_IMAGE].text : "?",
            param[PARAM_TAG].set ? " as " : "", param[PARAM_TAG].set ? param[PARAM_TAG].text : "");
    } else if (rule->kind->kind == FAULT_STATUS) {
        add(t, " %llu", (unsigned long long)param[PARAM_CODE].number);
    } else if (rule->kind->kind == FAULT_TLS_CERTIFICATE) {
        add(t, " %s", fault_param_word(rule, PARAM_FLAW));
    } else if (rule->kind->kind == FAULT_DNS_FLAP) {
        add(t, " by %s", fault_param_word(rule, PARAM_ANSWER));
    }
}

void fault_action_text(const struct fault_action *action, char *text, size_t size)
{
    struct text t;

    t.at = text;
    t.left = size;
    add_fixed(&t, action->rule);
    switch (action->rule->kind->kind) {
    case FAULT_LATENCY:
    case FAULT_DNS_SLOW:
    case FAULT_NETWORK_LATE:
        add_duration(&t, " ", action->delay_ns);
        break;
    case FAULT_STALL:
    case FAULT_CLOSE:
    case FAULT_RESET:
    case FAULT_TRUNCATE:
        add_place(&t, action->before_head, action->after_bytes);
        break;
    case FAULT_CORRUPT:
        add_bytes(&t, " ", action->bytes);
        add(&t, " at %llu", (unsigned long long)action->offset);
        break;
    default:
        break;
    }
}

static void add_what(struct text *t, const struct fault_rule *rule)
{
    const struct fault_value *param = rule->param;

    add_fixed(t, rule);
    switch (rule->kind->kind) {
    case FAULT_LATENCY:
    case FAULT_DNS_SLOW:
        add_duration(t, " ", param[PARAM_DELAY].number);
        if (param[PARAM_JITTER].number > 0) {
            add_duration(t, " give or take ", param[PARAM_JITTER].number);
        }
        break;
    case FAULT_STALL:
    case FAULT_CLOSE:
    case FAULT_RESET:
    case FAULT_TRUNCATE:
        add_place(t, !param[PARAM_AFTER_BYTES].set, param[PARAM_AFTER_BYTES].number);
        break;
    case FAULT_DNS_FLAP:
        add(t, ", %llu at first",
            (unsigned long long)(param[PARAM_FAILURES].set ? param[PARAM_FAILURES].number : 1));
        break;
    case FAULT_NETWORK_LATE:
        add_duration(t, " ", param[PARAM_FOR].number);
        break;
    case FAULT_CORRUPT:
        add_bytes(t, " ", param[PARAM_BYTES].set ? param[PARAM_BYTES].number : 1);
        if (param[PARAM_OFFSET].set) {
            add(t, " at %llu", (unsigned long long)param[PARAM_OFFSET].number);
        } else {
            add(t, " in the middle");
        }
        break;
    default:
        break;
    }
}

/* The shortest way to name OPS among those the kind can act on; nothing where it is all of them. */
static void add_ops(struct text *t, const struct fault_rule *rule)
{
    static const char *const globs[] = {"manifest-*", "blob-*", "*-get", "*-head", "upload-*"};
    uint32_t all = rule->kind->ops;
    uint32_t ops = rule->match.ops & all;
    const char *between = ", ";

    if (ops == 0 || ops == all) {
        return;
    }
    for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
        if ((op_set(globs[i]) & all) == ops && (ops & (ops - 1)) != 0) {
            add(t, ", %s", globs[i]);
            return;
        }
    }
    for (size_t i = 0; i < OP_COUNT; i++) {
        if (ops & OP_BIT(i)) {
            add(t, "%s%s", between, op_name((enum op)i));
            between = " ";
        }
    }
}

static void add_match(struct text *t, const struct fault_match *m)
{
    if (m->ref) {
        add(t, ", ref %s", m->ref);
    }
    if (m->digest) {
        add(t, ", digest %s", m->digest);
    }
    if (m->path) {
        add(t, ", path %s", m->path);
    }
    if (m->header_name) {
        add(t, ", header %s: %s", m->header_name, m->header_value);
    }
    if (m->lane) {
        add(t, ", lane %llu", (unsigned long long)m->lane);
    }
}

static void add_count(struct text *t, const char *before, const struct fault_count *c)
{
    static const char *const per[] = {[PER_DRILL] = "",
                                      [PER_START] = " per start",
                                      [PER_CONNECTION] = " per connection",
                                      [PER_CLIENT] = " per client"};

    if (c->set) {
        add(t, "%s%llu%s", before, (unsigned long long)c->n, per[c->per]);
    }
}

static void add_when(struct text *t, const struct fault_when *when)
{
    if (when->after_ns) {
        add_duration(t, ", after ", when->after_ns);
    }
    if (when->for_ns) {
        add_duration(t, ", for ", when->for_ns);
    }
    add_count(t, ", skip ", &when->skip);
    add_count(t, ", one in ", &when->every);
    if (when->has_probability) {
        add(t, ", with probability %g", when->probability);
    }
    if (when->ramp_ns) {
        add_duration(t, " reached over ", when->ramp_ns);
    }
    add_count(t, ", at most ", &when->limit);
}

void fault_rule_text(const struct fault_rule *rule, char *text, size_t size)
{
    struct text t;

    t.at = text;
    t.left = size;
    add_what(&t, rule);
    add(&t, " on %s", rule->on);
    add_ops(&t, rule);
    add_match(&t, &rule->match);
    add_when(&t, &rule->when);
}
