/* Whether a rule meets a request, and what a deleted image hides. Pure. */
#include "faults/match.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* "repository@digest": the longest name and reference that are routed fit with room to spare. */
#define JOINED_MAX 1024

/* Of the starts of a fault's phases, so many must meet it where the rule says nothing. */
#define DEFAULT_EXPOSURE 0.8

#define BLOB_OPS (OP_BIT(OP_BLOB_HEAD) | OP_BIT(OP_BLOB_GET))
#define HEAD_OPS (OP_BIT(OP_MANIFEST_HEAD) | OP_BIT(OP_BLOB_HEAD))

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool special(char c)
{
    return c == '*' || c == '?' || c == '[' || c == '\\';
}

/* How much of PATTERN, up to what is special in it, S begins with. */
static size_t common(const char *pattern, const char *s)
{
    size_t n = 0;

    while (pattern[n] && pattern[n] == s[n] && !special(pattern[n])) {
        n++;
    }
    return n;
}

/* `*` crosses slashes: one star behind "ci/" takes everything under ci. Most patterns of most rules
 * part with what is asked within their plain beginning, and cost no more than that. */
static bool glob(const char *pattern, const char *s)
{
    if (!s) {
        return false;
    }
    size_t n = common(pattern, s);
    if (special(pattern[n])) {
        return strcmp(pattern + n, "*") == 0 || fnmatch(pattern + n, s + n, 0) == 0;
    }
    return pattern[n] == s[n]; /* both have ended */
}

/* PATTERN against "repository:tag" or "repository@digest". */
static bool match_joined(const char *pattern, const struct fault_facts *facts)
{
    char joined[JOINED_MAX];
    size_t n = common(pattern, facts->repository);

    if (facts->repository[n] && !special(pattern[n])) {
        return false;
    }
    int len = snprintf(joined, sizeof(joined), "%s%c%s", facts->repository,
                       strchr(facts->reference, ':') ? '@' : ':', facts->reference);
    return len > 0 && (size_t)len < sizeof(joined) && glob(pattern, joined);
}

static bool match_ref(const char *pattern, const struct fault_facts *facts)
{
    return glob(pattern, facts->reference) || glob(pattern, facts->repository) ||
           (facts->repository && facts->reference && match_joined(pattern, facts));
}

static bool match_header(const struct fault_match *m, const struct fault_facts *facts)
{
    return facts->header &&
           glob(m->header_value, facts->header(facts->header_data, m->header_name));
}

static bool hides_image(const struct fault_rule *rule, const struct fault_facts *facts)
{
    const char *repository = facts->repository;

    switch (facts->op) {
    case OP_BLOB_HEAD:
    case OP_BLOB_GET:
        return fault_hides_blob(rule, repository, facts->reference);
    case OP_TAGS:
        return rule->image && fault_hides_tag(rule, repository, rule->image->tag);
    default:
        /* What the tag stands for now may be another image than the one it was given to. */
        return fault_hides_manifest(rule, repository,
                                    facts->digest ? facts->digest : facts->reference);
    }
}

bool match_shows(const struct fault_rule *rule, const struct fault_facts *facts)
{
    const struct fault_value *param = rule->param;

    switch (rule->kind->kind) {
    case FAULT_DELETE_IMAGE:
        return hides_image(rule, facts);
    case FAULT_STALE_TAG:
        return fault_shows_stale(rule, facts->repository, facts->reference) &&
               !same(facts->digest, rule->image->digest);
    case FAULT_CORRUPT:
        /* An altered error page is still an error page. */
        return facts->status >= 200 && facts->status < 300 && facts->body_bytes > 0 &&
               (!param[PARAM_OFFSET].set || param[PARAM_OFFSET].number < facts->body_bytes);
    case FAULT_TRUNCATE:
        return param[PARAM_AFTER_BYTES].number < facts->body_bytes;
    case FAULT_STALL:
    case FAULT_CLOSE:
    case FAULT_RESET:
        return !param[PARAM_AFTER_BYTES].set || param[PARAM_AFTER_BYTES].number < facts->body_bytes;
    case FAULT_DNS_FLAP:
        return facts->nth <= (param[PARAM_FAILURES].set ? param[PARAM_FAILURES].number : 1);
    default:
        return true;
    }
}

bool match_asked(const struct fault_rule *rule, const struct fault_facts *facts)
{
    const struct fault_match *m = &rule->match;

    return (!m->lane || m->lane == facts->lane) && (!m->ref || match_ref(m->ref, facts)) &&
           (!m->digest || glob(m->digest, facts->digest)) &&
           (!m->path || glob(m->path, facts->path)) && (!m->header_name || match_header(m, facts));
}

uint32_t fault_rule_ops(const struct fault_rule *rule)
{
    uint32_t ops = rule->kind->ops & (rule->match.ops ? rule->match.ops : rule->kind->ops);

    switch (rule->kind->kind) {
    case FAULT_DELETE_IMAGE:
        return rule->param[PARAM_BLOBS].number ? ops : ops & ~BLOB_OPS;
    case FAULT_STALL:
    case FAULT_CLOSE:
    case FAULT_RESET:
        return rule->param[PARAM_AFTER_BYTES].set ? ops & ~HEAD_OPS : ops;
    default:
        return ops;
    }
}

bool fault_rule_is_partial(const struct fault_rule *rule)
{
    const struct fault_when *when = &rule->when;

    return when->limit.set || when->skip.set || when->every.set || when->has_probability ||
           when->after_ns > 0 || when->for_ns > 0;
}

double fault_rule_exposure(const struct fault_rule *rule)
{
    return rule->has_exposure ? rule->exposure : DEFAULT_EXPOSURE;
}

static bool deletes_in(const struct fault_rule *rule, const char *repository)
{
    return rule->kind->kind == FAULT_DELETE_IMAGE && rule->image && repository &&
           strcmp(rule->image->repository, repository) == 0;
}

static bool among(const char *const *digests, size_t count, const char *digest)
{
    for (size_t i = 0; i < count; i++) {
        if (same(digests[i], digest)) {
            return true;
        }
    }
    return false;
}

bool fault_hides_manifest(const struct fault_rule *rule, const char *repository,
                          const char *reference)
{
    if (!deletes_in(rule, repository)) {
        return false;
    }
    const struct fault_image *image = rule->image;
    return same(image->tag, reference) || same(image->digest, reference) ||
           among(image->manifests, image->manifest_count, reference);
}

bool fault_hides_blob(const struct fault_rule *rule, const char *repository, const char *digest)
{
    return deletes_in(rule, repository) && rule->param[PARAM_BLOBS].number &&
           among(rule->image->blobs, rule->image->blob_count, digest);
}

const char *fault_rule_tag(const struct fault_rule *rule)
{
    const struct fault_value *tag = &rule->param[PARAM_TAG];

    if (!rule->image) {
        return NULL;
    }
    return tag->set ? tag->text : rule->image->tag;
}

bool fault_shows_stale(const struct fault_rule *rule, const char *repository, const char *reference)
{
    return rule->kind->kind == FAULT_STALE_TAG && rule->image &&
           same(rule->image->repository, repository) && same(fault_rule_tag(rule), reference);
}

bool fault_hides_tag(const struct fault_rule *rule, const char *repository, const char *tag)
{
    return deletes_in(rule, repository) && same(rule->image->tag, tag);
}
