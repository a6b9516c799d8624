/* What a subject on a lane is told: variables in its words, facts in its environment. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/lane_credentials.h"
#include "harness/lane_internal.h"
#include "harness/lane_trust.h"
#include "harness/vars.h"

/* The longest word or NAME=value. */
#define WORD_BYTES (1u << 20)
/* The longest value made here: repository:tag. */
#define VALUE_BYTES 1024

/* ---- names -------------------------------------------------------------------------------- */

enum fact {
    FACT_REGISTRY,
    FACT_REGISTRY_URL,
    FACT_REGISTRY_CA,
    FACT_REGISTRY_AUTH_FILE,
    FACT_IMAGE,
    FACT_IMAGE_DIGEST,
    FACT_START_ID,
    FACT_START_DIR,
    FACT_LANE_DIR,
    FACT_SCENARIO_DIR,
    FACT_SUBJECTS_DIR,
};

struct fact_word {
    const char *name;   /* the whole name, or what stands before a role's or an image's name */
    const char *suffix; /* behind that name; NULL where NAME is the whole */
    enum fact fact;
};
/* Those with a suffix before those without, so that the longest one matches. */
static const struct fact_word fact_words[] = {
    {"registry.", ".url", FACT_REGISTRY_URL},
    {"registry.", ".ca", FACT_REGISTRY_CA},
    {"registry.", ".auth-file", FACT_REGISTRY_AUTH_FILE},
    {"registry.", "", FACT_REGISTRY},
    {"image.", ".digest", FACT_IMAGE_DIGEST},
    {"image.", "", FACT_IMAGE},
    {"start.id", NULL, FACT_START_ID},
    {"start.dir", NULL, FACT_START_DIR},
    {"lane.dir", NULL, FACT_LANE_DIR},
    {"scenario.dir", NULL, FACT_SCENARIO_DIR},
    {"subjects.dir", NULL, FACT_SUBJECTS_DIR},
};

static bool same(const char *text, const char *name, size_t len)
{
    return strlen(text) == len && memcmp(text, name, len) == 0;
}

/* -1 where no registry (or image) has the name of LEN bytes. */
static int find_named(const struct scenario *s, enum fact fact, const char *name, size_t len)
{
    if (fact <= FACT_REGISTRY_AUTH_FILE) {
        for (size_t i = 0; i < s->registry_count; i++) {
            if (same(s->registries[i].name, name, len))
                return (int)i;
        }
        return -1;
    }
    for (size_t i = 0; i < s->image_count; i++) {
        if (same(s->images[i].name, name, len))
            return (int)i;
    }
    return -1;
}

static bool match_word(const struct scenario *s, const struct fact_word *word, const char *name,
                       size_t len, int *index)
{
    size_t before = strlen(word->name);
    size_t behind = word->suffix == NULL ? 0 : strlen(word->suffix);

    if (word->suffix == NULL)
        return same(word->name, name, len);
    if (len < before + behind || memcmp(name, word->name, before) != 0 ||
        memcmp(name + len - behind, word->suffix, behind) != 0)
        return false;
    *index = find_named(s, word->fact, name + before, len - before - behind);
    return *index >= 0;
}

static bool parse_name(const struct scenario *s, const char *name, size_t len, enum fact *fact,
                       int *index)
{
    for (size_t i = 0; i < sizeof fact_words / sizeof *fact_words; i++) {
        if (match_word(s, &fact_words[i], name, len, index)) {
            *fact = fact_words[i].fact;
            return *fact != FACT_SUBJECTS_DIR || s->subjects_dir != NULL;
        }
    }
    return false;
}

bool lane_variable_known(const struct scenario *s, const char *name, size_t len)
{
    enum fact fact = FACT_REGISTRY;
    int index = -1;

    return parse_name(s, name, len, &fact, &index);
}

/* ---- values ------------------------------------------------------------------------------- */

/* A lookup in progress; VALUE holds what has to be put together. */
struct teller {
    const struct lane *lane;
    char value[VALUE_BYTES];
};

static const char *registry_value(struct teller *t, int index, bool url)
{
    snprintf(t->value, sizeof t->value, "%s%s",
             url ? (t->lane->tls[index] ? "https://" : "http://") : "", t->lane->endpoint[index]);
    return t->value;
}

/* The image that the running start is given for INDEX: itself, or its canary. */
static const struct plan_image *image_given(const struct lane *lane, int index)
{
    const struct scenario *s = lane->plan->scenario;

    for (size_t i = 0; i < s->image_count; i++) {
        if ((lane->canaries >> i & 1) != 0 && s->images[i].canary_of == index)
            return &lane->plan->images[i];
    }
    return &lane->plan->images[index];
}

static const char *image_value(struct teller *t, int index)
{
    const struct plan_image *image = image_given(t->lane, index);
    int n = snprintf(t->value, sizeof t->value, "%s:%s", image->repository, image->tag);

    return n < (int)sizeof t->value ? t->value : NULL;
}

/* Outside of a start (in `setup` and `teardown`) the number is 0. */
static const char *start_id_value(struct teller *t)
{
    snprintf(t->value, sizeof t->value, "%" PRIu64, t->lane->start);
    return t->value;
}

static const char *fact_value(struct teller *t, enum fact fact, int index)
{
    switch (fact) {
    case FACT_REGISTRY:
    case FACT_REGISTRY_URL:
        return registry_value(t, index, fact == FACT_REGISTRY_URL);
    /* An empty path where there is none: a command may name it whatever the scenario says. */
    case FACT_REGISTRY_CA:
        return t->lane->ca_file != NULL ? t->lane->ca_file : "";
    case FACT_REGISTRY_AUTH_FILE:
        return t->lane->auth_file[index] != NULL ? t->lane->auth_file[index] : "";
    case FACT_IMAGE:
        return image_value(t, index);
    case FACT_IMAGE_DIGEST:
        return image_given(t->lane, index)->digest;
    case FACT_START_ID:
        return start_id_value(t);
    case FACT_START_DIR:
        return t->lane->start_dir;
    case FACT_LANE_DIR:
        return t->lane->dir;
    case FACT_SCENARIO_DIR:
        return t->lane->scenario_dir;
    case FACT_SUBJECTS_DIR:
        return t->lane->plan->scenario->subjects_dir;
    }
    return NULL;
}

static const char *tell(void *data, const char *name, size_t len)
{
    struct teller *t = data;
    enum fact fact = FACT_REGISTRY;
    int index = -1;

    if (!parse_name(t->lane->plan->scenario, name, len, &fact, &index))
        return NULL;
    return fact_value(t, fact, index);
}

/* A new string; NULL: E says why. */
static char *expand(const struct lane *lane, const char *text, struct err *e)
{
    struct teller teller = {.lane = lane};
    struct buf out;
    char *word = NULL;

    buf_init(&out, WORD_BYTES);
    if (vars_expand(text, tell, &teller, &out, NULL, e) == 0) {
        word = buf_take(&out);
        if (word == NULL)
            err_set(e, ERR_NOMEM, "no memory for a command");
    }
    buf_close(&out);
    return word;
}

/* ---- commands ----------------------------------------------------------------------------- */

void lane_free_words(char **words)
{
    if (words == NULL)
        return;
    for (size_t i = 0; words[i] != NULL; i++)
        free(words[i]);
    free(words);
}

int lane_command(const struct lane *lane, const struct scenario_words *command, char ***argv,
                 struct err *e)
{
    char **words = calloc(command->count + 1, sizeof *words);

    if (words == NULL)
        return err_set(e, ERR_NOMEM, "no memory for a command");
    for (size_t i = 0; i < command->count; i++) {
        words[i] = expand(lane, command->word[i], e);
        if (words[i] == NULL) {
            lane_free_words(words);
            return err_prefix(e, "word %zu of a command", i + 1);
        }
    }
    *argv = words;
    return 0;
}

/* ---- the environment ---------------------------------------------------------------------- */

/* How many bytes of "NAME=value" are NAME. */
static size_t name_len(const char *word)
{
    return strcspn(word, "=");
}

/* Proxies would take a subject past its lane; an outer drill's facts are not this one's. */
static bool is_inherited(const char *word)
{
    static const char *const proxies[] = {"http_proxy",  "https_proxy", "ftp_proxy",
                                          "socks_proxy", "all_proxy",   "no_proxy"};

    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) {
        if (name_len(word) == strlen(proxies[i]) &&
            strncasecmp(word, proxies[i], name_len(word)) == 0)
            return false;
    }
    return strncmp(word, "PULLDRILL_", strlen("PULLDRILL_")) != 0;
}

int lane_put_fact(struct environment *env, const char *group, const char *name, const char *suffix,
                  const char *value, struct err *e)
{
    char *word = NULL;
    size_t at = strlen("PULLDRILL_") + strlen(group);

    if (value == NULL)
        return 0;
    if (asprintf(&word, "PULLDRILL_%s%s%s=%s", group, name, suffix, value) < 0)
        word = NULL;
    for (size_t i = 0; word != NULL && i < strlen(name); i++) {
        unsigned char c = (unsigned char)name[i];

        word[at + i] = c == '-' ? '_' : (char)toupper(c);
    }
    return environment_put_take(env, word, e);
}

static int put_inherited(struct environment *env, struct err *e)
{
    for (size_t i = 0; environ != NULL && environ[i] != NULL; i++) {
        if (is_inherited(environ[i]) && environment_put_take(env, strdup(environ[i]), e) != 0)
            return -1;
    }
    return 0;
}

static int put_registries(struct environment *env, struct teller *t, struct err *e)
{
    const struct scenario *s = t->lane->plan->scenario;

    for (size_t i = 0; i < s->registry_count; i++) {
        const char *name = s->registries[i].name;

        if (lane_put_fact(env, "REGISTRY_", name, "", registry_value(t, (int)i, false), e) != 0 ||
            lane_put_fact(env, "REGISTRY_", name, "_URL", registry_value(t, (int)i, true), e) !=
                0 ||
            lane_put_fact(env, "REGISTRY_", name, "_CA", t->lane->ca_file, e) != 0 ||
            lane_put_fact(env, "REGISTRY_", name, "_AUTH_FILE", t->lane->auth_file[i], e) != 0)
            return -1;
    }
    return 0;
}

static int put_images(struct environment *env, struct teller *t, struct err *e)
{
    const struct plan *plan = t->lane->plan;

    for (size_t i = 0; i < plan->scenario->image_count; i++) {
        const char *name = plan->images[i].name;
        const char *digest = image_given(t->lane, (int)i)->digest;

        if (lane_put_fact(env, "IMAGE_", name, "", image_value(t, (int)i), e) != 0 ||
            lane_put_fact(env, "IMAGE_", name, "_DIGEST", digest, e) != 0)
            return -1;
    }
    return 0;
}

static int put_start(struct environment *env, struct teller *t, struct err *e)
{
    char *result = NULL;
    int rc = 0;

    if (lane_put_fact(env, "", "", "LANE_DIR", t->lane->dir, e) != 0)
        return -1;
    if (t->lane->start_dir == NULL)
        return 0;
    if (asprintf(&result, "%s/result.json", t->lane->start_dir) < 0)
        return err_set(e, ERR_NOMEM, "no memory for an environment");
    rc = lane_put_fact(env, "", "", "RESULT", result, e);
    free(result);
    if (rc != 0 || lane_put_fact(env, "", "", "START_ID", start_id_value(t), e) != 0)
        return -1;
    return lane_put_fact(env, "", "", "START_DIR", t->lane->start_dir, e);
}

static int put_own(struct environment *env, const struct lane *lane, struct err *e)
{
    const struct scenario_words *own = NULL;

    if (lane->subject < 0)
        return 0;
    own = &lane->plan->scenario->subjects[lane->subject].env;
    for (size_t i = 0; i < own->count; i++) {
        char *word = expand(lane, own->word[i], e);

        if (word == NULL)
            return err_prefix(e, "env of subject %s",
                              lane->plan->scenario->subjects[lane->subject].name);
        if (environment_put_take(env, word, e) != 0)
            return -1;
    }
    return 0;
}

int lane_environment(const struct lane *lane, char ***env, struct err *e)
{
    struct environment all = {0};
    struct teller teller = {.lane = lane};

    if (put_inherited(&all, e) != 0 || put_registries(&all, &teller, e) != 0 ||
        put_images(&all, &teller, e) != 0 || put_start(&all, &teller, e) != 0 ||
        lane_credentials_environment(lane, &all, e) != 0 ||
        lane_trust_environment(lane, &all, e) != 0 ||
        (lane->reach->environment != NULL && lane->reach->environment(lane, &all, e) != 0) ||
        put_own(&all, lane, e) != 0) {
        environment_close(&all);
        return -1;
    }
    *env = all.word;
    return 0;
}
