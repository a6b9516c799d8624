/* `schema` and `keys`: what a scenario may hold, for editors and for people. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "harness/commands/command.h"
#include "harness/commands/options.h"
#include "harness/scenario_schema.h"

/* Prints VALUE and frees it; NULL is a lack of memory. A stdout that takes nothing is main's to
 * tell of. */
static int print(json_t *value)
{
    bool printed = value && json_dumpf(value, stdout, JSON_INDENT(2)) == 0;
    json_decref(value);
    if (printed || ferror(stdout)) {
        putchar('\n');
        return EXIT_PASS;
    }
    struct err e = {0};
    err_set(&e, ERR_NOMEM, "no memory");
    return (int)options_complain(&e);
}

int command_schema(int argc, char **argv)
{
    struct options o;
    struct err e = {0};
    if (options_read_alone(&o, argc, argv, &e) != 0) {
        return (int)options_complain(&e);
    }
    return print(scenario_schema());
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void print_key(const json_t *key)
{
    const char *fallback = text_of(key, "default");
    bool required = json_is_true(json_object_get(key, "required"));
    printf("    %s: %s\n        %s; %s%s\n", text_of(key, "key"), text_of(key, "meaning"),
           text_of(key, "form"),
           required      ? "required"
           : fallback[0] ? "where absent: "
                         : "optional",
           required ? "" : fallback);
}

/* The levels on stdout; takes LEVELS. */
static int print_levels(json_t *levels)
{
    size_t i, k;
    json_t *level, *key;
    if (!levels) {
        return print(NULL);
    }
    json_array_foreach(levels, i, level)
    {
        printf("%s%s: %s\n", i == 0 ? "" : "\n", text_of(level, "level"),
               text_of(level, "meaning"));
        json_array_foreach(json_object_get(level, "keys"), k, key)
        {
            print_key(key);
        }
    }
    json_decref(levels);
    return EXIT_PASS;
}

int command_keys(int argc, char **argv)
{
    struct options o;
    struct err e = {0};
    if (options_read_alone(&o, argc, argv, &e) != 0 || options_text_or_json(&o, &e) != 0) {
        return (int)options_complain(&e);
    }
    return strcmp(o.format, "json") == 0 ? print(scenario_reference())
                                         : print_levels(scenario_reference());
}
