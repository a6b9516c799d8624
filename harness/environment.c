/* The environment of a command: put, drop, look up. */
#include "harness/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many bytes of "NAME=value" are NAME. */
static size_t name_len(const char *word)
{
    return strcspn(word, "=");
}

/* The place of the variable whose name is that of WORD; COUNT where there is none. */
static size_t find(const struct environment *env, const char *word)
{
    size_t len = name_len(word);
    for (size_t i = 0; i < env->count; i++) {
        if (name_len(env->word[i]) == len && strncmp(env->word[i], word, len) == 0)
            return i;
    }
    return env->count;
}

static int grow(struct environment *env, struct err *e)
{
    if (env->count + 1 < env->cap)
        return 0;
    size_t cap = env->cap == 0 ? 128 : env->cap * 2;
    char **grown = env->count < ENVIRONMENT_MAX ? realloc(env->word, cap * sizeof *grown) : NULL;
    if (grown == NULL)
        return err_set(e, ERR_NOMEM, "no memory for an environment");
    env->word = grown;
    env->cap = cap;
    return 0;
}

int environment_put_take(struct environment *env, char *word, struct err *e)
{
    if (word == NULL)
        return err_set(e, ERR_NOMEM, "no memory for an environment");
    size_t at = find(env, word);
    if (at < env->count) {
        free(env->word[at]);
        env->word[at] = word;
        return 0;
    }
    if (grow(env, e) != 0) {
        free(word);
        return -1;
    }
    env->word[env->count++] = word;
    env->word[env->count] = NULL;
    return 0;
}

int environment_put(struct environment *env, const char *name, const char *value, struct err *e)
{
    char *word = NULL;
    if (asprintf(&word, "%s=%s", name, value) < 0)
        word = NULL;
    return environment_put_take(env, word, e);
}

void environment_drop(struct environment *env, const char *name)
{
    size_t at = find(env, name);
    if (at == env->count)
        return;
    free(env->word[at]);
    env->word[at] = env->word[--env->count];
    env->word[env->count] = NULL;
}

const char *environment_get(const struct environment *env, const char *name)
{
    size_t at = find(env, name);
    return at < env->count ? env->word[at] + strlen(name) + 1 : NULL;
}

void environment_close(struct environment *env)
{
    for (size_t i = 0; i < env->count; i++)
        free(env->word[i]);
    free(env->word);
    *env = (struct environment){0};
}
