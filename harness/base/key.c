/* Looking up rows and words of the tables of keys, and saying a form in words. */
#include "harness/base/key.h"

#include <inttypes.h>
#include <string.h>

const struct key *key_find(const struct key_level *level, const char *name)
{
    for (size_t i = 0; i < level->key_count; i++) {
        if (strcmp(level->keys[i].name, name) == 0)
            return &level->keys[i];
    }
    return NULL;
}

const char *key_word(const struct key_value *value, size_t i)
{
    if (value->word_at)
        return value->word_at(i);
    return value->words ? value->words[i] : NULL;
}

static void choice_text(const struct key_value *value, struct buf *out)
{
    const char *word;
    for (size_t i = 0; (word = key_word(value, i)); i++) {
        const char *before = i == 0 ? "" : key_word(value, i + 1) ? ", " : " or ";
        buf_printf(out, "%s`%s`", before, word);
    }
}

static void count_text(const struct key_value *value, const char *what, struct buf *out)
{
    if (value->min == value->max && value->max > 0)
        buf_printf(out, "`%" PRIu64 "`", value->min);
    else if (value->max > 0)
        buf_printf(out, "%s from %" PRIu64 " to %" PRIu64, what, value->min, value->max);
    else
        buf_printf(out, "%s from %" PRIu64, what, value->min);
}

/* "up to 64", "1 to 64", "1 or more". */
static void range_text(const struct key_value *value, struct buf *out)
{
    if (value->max == 0)
        buf_printf(out, "%" PRIu64 " or more", value->min);
    else if (value->min == 0)
        buf_printf(out, "up to %" PRIu64, value->max);
    else
        buf_printf(out, "%" PRIu64 " to %" PRIu64, value->min, value->max);
}

static const char *plural(const struct key_value *value)
{
    if (value->shown)
        return value->shown;
    switch (value->form) {
    case KEY_NAME:
        return "names";
    case KEY_STRING:
    case KEY_TEXT:
        return "texts";
    case KEY_LEVEL:
        return "objects";
    default:
        return "values";
    }
}

static void alternatives_text(const struct key_value *value, struct buf *out)
{
    for (size_t i = 0; i < value->of_count; i++) {
        buf_printf(out, "%s", i == 0 ? "" : i + 1 < value->of_count ? ", " : " or ");
        key_form_text(&value->of[i], out);
    }
}

/* The forms that hold others. */
static void composed_text(const struct key_value *value, struct buf *out)
{
    if (value->form == KEY_ONE_OF) {
        alternatives_text(value, out);
        return;
    }
    buf_printf(out, value->form == KEY_MAP ? "object of " : "array of ");
    range_text(value, out);
    if (value->form == KEY_MAP)
        buf_printf(out, " %s by name", plural(value->of));
    else
        buf_printf(out, " %s", value->form == KEY_WORDS ? "texts" : plural(value->of));
}

void key_form_text(const struct key_value *value, struct buf *out)
{
    static const char *const words[] = {
        [KEY_STRING] = "text", [KEY_TEXT] = "text",         [KEY_NAME] = "name",
        [KEY_SIZE] = "size",   [KEY_SHARE] = "share",       [KEY_FLAG] = "`true` or `false`",
        [KEY_FREE] = "object", [KEY_DURATION] = "duration", [KEY_LEVEL] = "object",
    };
    if (value->shown) {
        buf_printf(out, "%s", value->shown);
    } else if (value->form == KEY_CHOICE) {
        choice_text(value, out);
    } else if (value->form == KEY_COUNT) {
        count_text(value, "count", out);
    } else if (value->form == KEY_NUMBER) {
        value->max > 0 ? count_text(value, "number", out) : buf_printf(out, "number");
    } else if (value->form == KEY_WORDS || value->form >= KEY_LIST) {
        composed_text(value, out);
    } else {
        bool above = value->min > 0 && (value->form == KEY_DURATION || value->form == KEY_SIZE);
        buf_printf(out, "%s%s", words[value->form], above ? " above 0" : "");
    }
}
