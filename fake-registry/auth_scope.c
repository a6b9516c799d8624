/* Scopes of tokens: "repository:ci/agent:pull,push". What is asked for and may not be had is left
 * out, never refused: the client meets it when it uses the token. */
#include <string.h>

#include "fake-registry/auth_internal.h"

struct scope {
    const char *at;
    size_t type; /* bytes before the name, with their colon */
    size_t name; /* bytes of the name */
    size_t len;  /* of all */
};

static bool parse(const char *at, size_t len, struct scope *out)
{
    const char *first = memchr(at, ':', len);
    const char *last = memrchr(at, ':', len);
    if (first == NULL || last == first || last == first + 1) {
        return false;
    }
    *out = (struct scope){
        .at = at, .type = (size_t)(first + 1 - at), .name = (size_t)(last - first - 1), .len = len};
    return true;
}

static const char *actions_of(const struct scope *s, size_t *len)
{
    size_t before = s->type + s->name + 1;
    *len = s->len - before;
    return s->at + before;
}

static bool has_word(const char *list, size_t len, const char *word)
{
    size_t word_len = strlen(word);
    for (size_t at = 0; at < len;) {
        const char *comma = memchr(list + at, ',', len - at);
        size_t n = comma != NULL ? (size_t)(comma - list) - at : len - at;
        if (n == word_len && memcmp(list + at, word, n) == 0) {
            return true;
        }
        at += n + 1;
    }
    return false;
}

/* Left out whole where it does not fit. */
static void add(char *out, const char *head, size_t head_len, const char *actions)
{
    size_t len = strlen(out);
    size_t more = strlen(actions);
    if (len + head_len + more + 2 > AUTH_MAX_SCOPES) {
        return;
    }
    if (len > 0) {
        out[len++] = ' ';
    }
    memcpy(out + len, head, head_len);
    memcpy(out + len + head_len, actions, more + 1);
}

static void grant(const struct scope *s, bool known, char *out)
{
    static const char *const words[] = {"pull", "push", "delete", "*"};
    char granted[32] = "";
    size_t len = 0;
    size_t at = 0;
    const char *asked = actions_of(s, &len);
    bool repository = s->type > strlen("repository") && strncmp(s->at, "repository", 10) == 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!has_word(asked, len, words[i]) || (!known && (i > 0 || !repository))) {
            continue;
        }
        if (at > 0) {
            granted[at++] = ',';
        }
        memcpy(granted + at, words[i], strlen(words[i]) + 1);
        at += strlen(words[i]);
    }
    if (at > 0) {
        add(out, s->at, s->type + s->name + 1, granted);
    }
}

void auth_scopes_grant(const char *text, bool known, char *out)
{
    struct scope s;
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (parse(text, len, &s)) {
            grant(&s, known, out);
        }
        text += len + strspn(text + len, " ");
    }
}

bool auth_scopes_hold(const char *scopes, const char *repository, const char *action)
{
    size_t wanted = strlen(repository);
    struct scope s;
    while (*scopes != '\0') {
        size_t len = strcspn(scopes, " ");
        size_t actions_len = 0;
        if (parse(scopes, len, &s) && s.name == wanted &&
            memcmp(s.at + s.type, repository, wanted) == 0) {
            const char *actions = actions_of(&s, &actions_len);
            if (has_word(actions, actions_len, action) || has_word(actions, actions_len, "*")) {
                return true;
            }
        }
        scopes += len + strspn(scopes + len, " ");
    }
    return false;
}
