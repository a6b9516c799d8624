/* Documents of JSON, changed as trees. */
#include "tests/fuzz/lib/tree.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#define MAX_NODES 4096
#define MAX_DEPTH 64

/* A value and the place where it stands. */
struct node {
    json_t *parent;
    const char *key; /* in an object */
    size_t index;    /* in an array */
    json_t *value;
};
struct tree {
    json_t *root;
    struct node node[MAX_NODES];
    size_t count;
};

static void note(struct tree *t, struct node node, unsigned depth)
{
    const char *key;
    json_t *value;
    size_t index;
    if (t->count == MAX_NODES || depth == MAX_DEPTH) {
        return;
    }
    if (node.parent != NULL) {
        t->node[t->count++] = node;
    }
    json_object_foreach(node.value, key, value)
    {
        note(t, (struct node){.parent = node.value, .key = key, .value = value}, depth + 1);
    }
    json_array_foreach(node.value, index, value)
    {
        note(t, (struct node){.parent = node.value, .index = index, .value = value}, depth + 1);
    }
}

static bool tree_read(struct tree *t, const uint8_t *data, size_t size)
{
    t->count = 0;
    t->root = json_loadb((const char *)data, size, 0, NULL);
    if (t->root != NULL) {
        note(t, (struct node){.value = t->root}, 0);
    }
    return t->root != NULL && t->count > 0;
}

/* Takes NEW over. */
static void put(const struct node *at, json_t *new)
{
    if (at->key != NULL) {
        json_object_set_new(at->parent, at->key, new);
    } else {
        json_array_set_new(at->parent, at->index, new);
    }
}

static json_t *word(struct fuzz_dice *dice)
{
    static const char *const words[] = {"0",
                                        "1",
                                        "-1",
                                        "9007199254740992",
                                        "9223372036854775807",
                                        "1e308",
                                        "true",
                                        "null",
                                        "{}",
                                        "[]",
                                        "\"\"",
                                        "\"1ms\"",
                                        "\"100%\"",
                                        "\"*\"",
                                        "\"${lane.dir}\"",
                                        "\"4GiB\"",
                                        "\"..\"",
                                        "\"a/b:c\"",
                                        "\"\\u2028\\u0001\"",
                                        "0.5",
                                        "64",
                                        "\"10000h\"",
                                        "100000",
                                        "\"primary\"",
                                        "4294967296"};
    return json_loads(words[fuzz_roll(dice, sizeof words / sizeof words[0])], JSON_DECODE_ANY,
                      NULL);
}

/* One change. The nodes of T no longer stand for it afterwards. */
static void change(struct tree *t, struct fuzz_dice *dice)
{
    const struct node *at = &t->node[fuzz_roll(dice, t->count)];
    const struct node *from = &t->node[fuzz_roll(dice, t->count)];
    json_t *copy = json_deep_copy(from->value);
    switch (fuzz_roll(dice, 6)) {
    case 0:
        put(at, copy);
        return;
    case 1:
        put(at, word(dice));
        break;
    case 2:
        if (at->key != NULL) {
            json_object_del(at->parent, at->key);
        } else {
            json_array_remove(at->parent, at->index);
        }
        break;
    case 3:
        if (json_is_object(at->value) && from->key != NULL) {
            json_object_set(at->value, from->key, copy);
        } else if (json_is_array(at->value)) {
            json_array_append(at->value, copy);
        }
        break;
    case 4:
        if (from->key != NULL && at->key != NULL) {
            json_object_set(at->parent, from->key, at->value);
        } else if (at->key == NULL) {
            json_array_insert(at->parent, at->index, at->value);
        }
        break;
    default:
        if (json_is_string(at->value) && json_is_string(from->value)) {
            put(at,
                json_sprintf("%s%s", json_string_value(at->value), json_string_value(from->value)));
        }
        break;
    }
    json_decref(copy);
}

/* Sets aside T. What does not fit leaves OUT as it is, and SIZE its length. */
static size_t tree_write(struct tree *t, uint8_t *out, size_t size, size_t max)
{
    size_t need = json_dumpb(t->root, NULL, 0, 0);
    if (need > 0 && need <= max) {
        size = json_dumpb(t->root, (char *)out, max, 0);
    }
    json_decref(t->root);
    return size;
}

size_t tree_mutate(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
    static struct tree t;
    struct fuzz_dice dice = {.state = seed};
    size_t rounds = 1 + fuzz_roll(&dice, 4);
    if (fuzz_roll(&dice, 8) == 0) {
        return LLVMFuzzerMutate(data, size, max);
    }
    for (size_t i = 0; i < rounds; i++) {
        if (!tree_read(&t, data, size)) {
            json_decref(t.root);
            return LLVMFuzzerMutate(data, size, max);
        }
        change(&t, &dice);
        size = tree_write(&t, data, size, max);
    }
    return size;
}

size_t tree_cross(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                  uint8_t *out, size_t max, unsigned int seed)
{
    static struct tree to, from;
    struct fuzz_dice dice = {.state = seed};
    bool good = tree_read(&to, one, one_size);
    good = tree_read(&from, other, other_size) && good;
    const struct node *new = good ? &from.node[fuzz_roll(&dice, from.count)] : NULL;
    for (size_t i = 0; good && i < to.count; i++) {
        const struct node *at = &to.node[i];
        if (at->key != NULL && new->key != NULL && strcmp(at->key, new->key) == 0) {
            put(at, json_deep_copy(new->value));
            break;
        }
    }
    json_decref(from.root);
    if (good) {
        return tree_write(&to, out, 0, max);
    }
    json_decref(to.root);
    return 0;
}
