/* The faults: what each does, whom it will meet, what shows that it did. */
#include <math.h>

#include "harness/base/units.h"
#include "harness/explain_internal.h"
#include "harness/history/op.h"

static const char *const evidence_words[] = {
    [EVIDENCE_WIRE] = "each request it meets is an event of its own, fired or not, and the answer "
                      "that it touched carries its name",
    [EVIDENCE_COUNTER] = "a counter of the kernel in each lane",
    [EVIDENCE_ARMED] = "nothing on the wire: a start counts that began while it was on, if starts "
                       "ask this registry first as long as all is well",
};

static const char *const existing_words[] = {
    [EXISTING_KEEP] = "open connections are left alone when it begins",
    [EXISTING_CLOSE] = "open connections are closed by FIN when it begins",
    [EXISTING_RESET] = "open connections are reset by RST when it begins",
};

/* More than this many operations are told by those that lack. */
#define MANY_OPS 10

static void list_ops(uint32_t ops, struct buf *out)
{
    for (size_t i = 0, n = 0; i < OP_COUNT; i++) {
        if (ops & OP_BIT(i)) {
            buf_printf(out, "%s%s", n++ > 0 ? ", " : "", op_name((enum op)i));
        }
    }
}

static size_t count_ops(uint32_t ops)
{
    size_t count = 0;
    for (size_t i = 0; i < OP_COUNT; i++) {
        count += ops & OP_BIT(i) ? 1 : 0;
    }
    return count;
}

/* The operations of RULE: "manifest-head, manifest-get", "all", "all but blob-head". */
static void ops_text(const struct fault_rule *rule, struct buf *out)
{
    uint32_t all = OP_REQUESTS;
    uint32_t ops = fault_rule_ops(rule);
    if (ops == all) {
        buf_str(out, "all");
    } else if (count_ops(ops) > MANY_OPS) {
        buf_str(out, "all but ");
        list_ops(all & ~ops, out);
    } else {
        list_ops(ops, out);
    }
}

static void phases_text(const struct scenario *s, size_t fault, struct buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < s->phase_count; i++) {
        count += explain_phase_has(s, i, fault) ? 1 : 0;
    }
    for (size_t i = 0, n = 0; i < s->phase_count; i++) {
        if (explain_phase_has(s, i, fault)) {
            explain_list(out, n++, count, s->phases[i].name);
        }
    }
}

static void starts_text(const struct scenario *s, size_t fault, struct buf *out)
{
    uint64_t starts = explain_fault_starts(s, fault);
    if (starts == EXPLAIN_UNKNOWN) {
        buf_str(out, "as many starts as begin in ");
    } else {
        buf_printf(out, "the %llu start%s of ", (unsigned long long)starts, starts == 1 ? "" : "s");
    }
    phases_text(s, fault, out);
}

static void tell_meets(struct explain *x, size_t fault)
{
    const struct fault_rule *rule = &x->scenario->faults[fault];
    struct buf ops, starts;
    buf_init(&ops, EXPLAIN_MAX_TEXT);
    buf_init(&starts, EXPLAIN_MAX_TEXT);
    ops_text(rule, &ops);
    starts_text(x->scenario, fault, &starts);
    const char *who = starts.data ? starts.data : "";
    if (rule->kind->place == PLACE_NAMES) {
        explain_row(x, "  meets", "lookups of the names of %s%s%s, by %s", rule->on,
                    rule->match.ref ? " that fit " : "", rule->match.ref ? rule->match.ref : "",
                    who);
    } else if (rule->kind->place == PLACE_SUBJECT) {
        explain_row(x, "  meets", "the machine of %s, in %s", rule->on, who);
    } else if (rule->kind->stage == STAGE_TLS) {
        explain_row(x, "  meets", "TLS handshakes at %s, by %s", rule->on, who);
    } else if (rule->kind->ops == 0) {
        explain_row(x, "  meets", "connections to %s, by %s", rule->on, who);
    } else {
        explain_row(
            x, "  meets", "requests for %s%s%s%s%s at %s (%s), by %s",
            rule->image ? rule->image->repository : "anything", fault_rule_tag(rule) ? ":" : "",
            fault_rule_tag(rule) ? fault_rule_tag(rule) : "", rule->match.ref ? " that fits " : "",
            rule->match.ref ? rule->match.ref : "", rule->on, ops.data ? ops.data : "", who);
    }
    buf_close(&ops);
    buf_close(&starts);
}

static void tell_fired(struct explain *x, const struct fault_rule *rule)
{
    explain_row(
        x, "  must",
        "fire at least %llu time%s, or the drill is inconclusive: it is not meant for every start",
        (unsigned long long)rule->min_fired, rule->min_fired == 1 ? "" : "s");
}

static void tell_must(struct explain *x, size_t fault)
{
    const struct fault_rule *rule = &x->scenario->faults[fault];
    double share = fault_rule_exposure(rule);
    uint64_t starts = explain_fault_starts(x->scenario, fault);
    char text[32];
    units_share_text(share, text);
    if (!fault_rule_is_partial(rule) || rule->has_exposure) {
        if (starts == EXPLAIN_UNKNOWN) {
            explain_row(x, "  must", "meet at least %s of them, or the drill is inconclusive",
                        text);
        } else {
            explain_row(x, "  must",
                        "meet at least %.0f of them (%s), or the drill is inconclusive",
                        ceil(share * (double)starts - 1e-6), text);
        }
    }
    if (fault_rule_is_partial(rule) || rule->has_min_fired) {
        tell_fired(x, rule);
    }
}

/* The last phase of each stretch that FAULT is on for. */
static void heals_text(const struct scenario *s, size_t fault, struct buf *out)
{
    size_t count = 0;
    for (size_t n = 0, pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < s->phase_count; i++) {
            bool last = explain_phase_has(s, i, fault) &&
                        (i + 1 == s->phase_count || !explain_phase_has(s, i + 1, fault));
            if (last && pass == 1) {
                explain_list(out, n++, count, s->phases[i].name);
            }
            count += last && pass == 0 ? 1 : 0;
        }
    }
}

static void tell_fault(struct explain *x, size_t fault)
{
    const struct fault_rule *rule = &x->scenario->faults[fault];
    char text[512];
    struct buf heals;
    buf_init(&heals, EXPLAIN_MAX_TEXT);
    heals_text(x->scenario, fault, &heals);
    fault_rule_text(rule, text, sizeof text);
    explain_row(x, rule->name, "%s", text);
    explain_row(x, "  does", "%s", rule->kind->meaning);
    tell_meets(x, fault);
    tell_must(x, fault);
    explain_row(x, "  shows by", "%s", evidence_words[rule->evidence]);
    bool hangs = rule->kind->kind == FAULT_BLACK_HOLE && rule->existing == EXISTING_KEEP;
    explain_row(x, "  begins and heals", "%s; it heals at the end of %s",
                hangs ? "open connections hang from its beginning to its heal"
                      : existing_words[rule->existing],
                heals.data ? heals.data : "");
    buf_close(&heals);
}

void explain_faults(struct explain *x)
{
    explain_heading(x, "Faults");
    for (size_t i = 0; i < x->scenario->fault_count; i++) {
        tell_fault(x, i);
    }
    if (x->scenario->fault_count == 0) {
        explain_text(x, 2, "none: this is the healthy case");
    }
}
