/* The catalogues as text and as JSON. */
#include "harness/commands/vocabulary.h"

#include <stdio.h>

#include "faults/catalogue.h"
#include "harness/base/buf.h"
#include "harness/check.h"
#include "harness/columns.h"
#include "harness/history/op.h"

static const char *fault_type_name(enum fault_type type)
{
    static const char *const names[] = {
        [TYPE_IMAGE] = "image",       [TYPE_CHOICE] = "choice", [TYPE_INTEGER] = "integer",
        [TYPE_DURATION] = "duration", [TYPE_SIZE] = "size",     [TYPE_TEXT] = "text",
        [TYPE_HEADERS] = "headers",
    };
    return names[type];
}

static const char *check_type_name(enum check_param_type type)
{
    static const char *const names[] = {
        [CHECK_REGISTRY] = "registry", [CHECK_COUNT] = "integer", [CHECK_SHARE] = "share",
        [CHECK_DURATION] = "duration", [CHECK_CHOICE] = "choice", [CHECK_OP] = "operation",
        [CHECK_GLOBS] = "globs",
    };
    return names[type];
}

static const struct {
    unsigned bit;
    const char *name;
} scopes[] = {{SCOPE_SUBJECT, "subject"}, {SCOPE_IMAGE, "image"}, {SCOPE_DURING, "during"}};

#define LEN(table) (sizeof(table) / sizeof((table)[0]))

/* ---- text: NAME, what it means, its parameters, at 80 columns ------------------------------- */

#define WIDTH 80
#define MEANING_COLUMN 4
#define PARAM_COLUMN 21
#define MAX_TEXT (4u << 10)

static void put_choices(struct buf *out, const char *const *choices)
{
    for (size_t i = 0; choices != NULL && choices[i] != NULL; i++) {
        buf_printf(out, "%s%s", i == 0 ? " (" : ", ", choices[i]);
    }
    buf_str(out, choices != NULL ? ")" : "");
}

/* Prints HEAD, and TEXT behind it from COLUMN on. */
static void print_wrapped(const char *head, const char *text, size_t column)
{
    struct buf out;
    buf_init(&out, 2 * MAX_TEXT);
    buf_str(&out, head);
    columns_wrap(&out, text, column, WIDTH);
    fputs(out.data != NULL ? out.data : "", stdout);
    buf_close(&out);
}

/* A row of a parameter: NAME and what TEXT holds, which is closed. */
static void print_param(const char *name, struct buf *text)
{
    char head[64];
    snprintf(head, sizeof head, "      %-*s", PARAM_COLUMN - 6, name);
    print_wrapped(head, text->data != NULL ? text->data : "", PARAM_COLUMN);
    buf_close(text);
}

static void fault_param_text(const struct fault_param_info *p)
{
    struct buf text;
    buf_init(&text, MAX_TEXT);
    buf_printf(&text, "%s%s", fault_type_name(p->type), p->required ? ", required" : "");
    put_choices(&text, p->choices);
    buf_printf(&text, "%s%s: %s", p->fallback != NULL ? ", default " : "",
               p->fallback != NULL ? p->fallback : "", p->meaning);
    print_param(p->name, &text);
}

static void fault_text(const struct fault_kind_info *kind)
{
    bool counted = kind->counter != COUNTER_NONE;
    printf("%s  [stage %s, evidence %s%s%s%s]\n", kind->name, fault_stage_name(kind->stage),
           fault_evidence_name(kind->evidence), counted ? " or counter" : "",
           kind->place != PLACE_HOST ? ", on " : "",
           kind->place != PLACE_HOST ? fault_place_name(kind->place) : "");
    print_wrapped("    ", kind->meaning, MEANING_COLUMN);
    for (size_t i = 0; i < kind->param_count; i++) {
        fault_param_text(&kind->params[i]);
    }
}

void vocabulary_faults_text(void)
{
    for (size_t i = 0; i < FAULT_KINDS; i++) {
        fault_text(&fault_catalogue[i]);
    }
}

static void check_param_text(const struct check_param *p)
{
    struct buf text;
    buf_init(&text, MAX_TEXT);
    buf_printf(&text, "%s%s", check_type_name(p->type), p->required ? ", required" : "");
    put_choices(&text, p->choices);
    buf_printf(&text, ": %s", p->meaning);
    print_param(p->name, &text);
}

void vocabulary_checks_text(void)
{
    for (size_t i = 0; i < check_catalogue_count; i++) {
        const struct check_info *c = check_catalogue[i];
        printf("%s%s\n", c->name, c->always ? "  [always on]" : "");
        print_wrapped("    ", c->meaning, MEANING_COLUMN);
        for (size_t k = 0; k < c->param_count; k++) {
            check_param_text(&c->params[k]);
        }
    }
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *choices_json(const char *const *choices)
{
    json_t *array = json_array();
    for (size_t i = 0; choices != NULL && choices[i] != NULL; i++) {
        json_array_append_new(array, json_string(choices[i]));
    }
    return array;
}

static json_t *fault_params(const struct fault_kind_info *kind)
{
    json_t *array = json_array();
    for (size_t i = 0; i < kind->param_count; i++) {
        const struct fault_param_info *p = &kind->params[i];
        char form[256];
        fault_param_form(p, form, sizeof form);
        json_array_append_new(array,
                              json_pack("{s:s, s:s, s:s, s:b, s:o, s:s?, s:s}", "name", p->name,
                                        "type", fault_type_name(p->type), "form", form, "required",
                                        p->required ? 1 : 0, "choices", choices_json(p->choices),
                                        "default", p->fallback, "meaning", p->meaning));
    }
    return array;
}

static json_t *fault_json(const struct fault_kind_info *kind)
{
    json_t *match = json_array();
    json_t *ops = json_array();
    for (size_t i = 0; i < fault_level_match.key_count; i++) {
        const struct key *key = &fault_level_match.keys[i];
        if ((kind->match_keys & fault_key_bit(&fault_level_match, key)) != 0) {
            json_array_append_new(match, json_string(key->name));
        }
    }
    for (int op = 0; op < OP_COUNT; op++) {
        if ((kind->ops & OP_BIT(op)) != 0) {
            json_array_append_new(ops, json_string(op_name((enum op)op)));
        }
    }
    const char *existing = key_word(&key_find(&fault_level, "existing")->value, kind->existing);
    return json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s, s:o, s:o, s:o, s:s}", "kind", kind->name,
                     "on", fault_place_name(kind->place), "stage", fault_stage_name(kind->stage),
                     "evidence", fault_evidence_name(kind->evidence), "counter",
                     fault_counter_name(kind->counter), "existing", existing, "match", match, "ops",
                     ops, "parameters", fault_params(kind), "meaning", kind->meaning);
}

json_t *vocabulary_faults_json(void)
{
    json_t *array = json_array();
    for (size_t i = 0; i < FAULT_KINDS; i++) {
        json_array_append_new(array, fault_json(&fault_catalogue[i]));
    }
    return array;
}

static json_t *check_json(const struct check_info *c)
{
    json_t *params = json_array();
    json_t *scope = json_array();
    for (size_t i = 0; i < c->param_count; i++) {
        const struct check_param *p = &c->params[i];
        json_array_append_new(params, json_pack("{s:s, s:s, s:b, s:o, s:s}", "name", p->name,
                                                "type", check_type_name(p->type), "required",
                                                p->required ? 1 : 0, "choices",
                                                choices_json(p->choices), "meaning", p->meaning));
    }
    for (size_t i = 0; i < LEN(scopes); i++) {
        if ((c->scope & scopes[i].bit) != 0) {
            json_array_append_new(scope, json_string(scopes[i].name));
        }
    }
    return json_pack("{s:s, s:b, s:o, s:o, s:s}", "check", c->name, "always", c->always ? 1 : 0,
                     "narrowed-by", scope, "parameters", params, "meaning", c->meaning);
}

json_t *vocabulary_checks_json(void)
{
    json_t *array = json_array();
    for (size_t i = 0; i < check_catalogue_count; i++) {
        json_array_append_new(array, check_json(check_catalogue[i]));
    }
    return array;
}
