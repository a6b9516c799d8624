/* The catalogue's tables agree with their enums and with themselves. */
#include <criterion/criterion.h>
#include <string.h>

#include "faults/catalogue.h"
#include "harness/history/op.h"

/* A row out of its place would give one kind another's stage and parameters. */
Test(catalogue, rows_stand_in_the_order_of_the_enum)
{
    for (size_t i = 0; i < FAULT_KINDS; i++) {
        const struct fault_kind_info *kind = &fault_catalogue[i];

        cr_expect_eq((size_t)kind->kind, i, "%s", kind->name);
        cr_expect_eq(fault_kind_find(kind->name), kind);
        cr_expect(kind->meaning && *kind->meaning, "%s", kind->name);
        cr_expect((kind->stage == STAGE_LISTEN) == (kind->ops == 0), "%s", kind->name);
    }
    cr_expect_null(fault_kind_find("refus"));
    cr_expect_null(fault_kind_find(""));
}

/* Faults compose in stage order, so a kind at a wrong stage would act too early or too late. */
Test(catalogue, kinds_have_their_stages)
{
    static const struct {
        const char *kind;
        const char *stage;
        const char *evidence;
    } expected[] = {
        {"refuse", "listen", "armed"},  {"delete-image", "store", "wire"},
        {"status", "response", "wire"}, {"latency", "response", "wire"},
        {"stall", "body", "wire"},      {"corrupt", "body", "wire"},
        {"truncate", "body", "wire"},   {"close", "close", "wire"},
        {"reset", "close", "wire"},
    };

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct fault_kind_info *kind = fault_kind_find(expected[i].kind);

        cr_assert(kind, "%s", expected[i].kind);
        cr_expect_str_eq(fault_stage_name(kind->stage), expected[i].stage);
        cr_expect_str_eq(fault_evidence_name(kind->evidence), expected[i].evidence);
    }
}

/* A parameter with an impossible range or without choices could never be written right. */
Test(catalogue, parameters_can_be_written)
{
    char form[160];

    for (size_t i = 0; i < FAULT_KINDS; i++) {
        for (size_t k = 0; k < fault_catalogue[i].param_count; k++) {
            const struct fault_param_info *p = &fault_catalogue[i].params[k];
            bool ranged =
                p->type == TYPE_INTEGER || p->type == TYPE_DURATION || p->type == TYPE_SIZE;

            cr_expect(!ranged || p->max > p->min, "%s", p->name);
            cr_expect((p->type == TYPE_CHOICE) == (p->choices != NULL), "%s", p->name);
            cr_expect(!(p->required && p->fallback), "%s", p->name);
            fault_param_form(p, form, sizeof(form));
            cr_expect(*form && strlen(form) < sizeof(form) - 1, "%s", p->name);
        }
    }
}

/* A fault that alters bodies must not be offered operations that have none. */
Test(catalogue, body_kinds_never_take_a_head)
{
    const uint32_t heads = OP_BIT(OP_MANIFEST_HEAD) | OP_BIT(OP_BLOB_HEAD);

    cr_expect_eq(fault_kind_find("truncate")->ops & heads, 0);
    cr_expect_eq(fault_kind_find("corrupt")->ops & heads, 0);
    cr_expect_eq(fault_kind_find("status")->ops & heads, heads);
}

/* Every stage has a name of its own, and a stage that is none does not crash a report. */
Test(catalogue, stages_have_names)
{
    for (int i = 0; i < STAGE_COUNT; i++) {
        for (int k = 0; k < i; k++) {
            cr_expect_str_neq(fault_stage_name((enum fault_stage)i),
                              fault_stage_name((enum fault_stage)k));
        }
    }
    cr_expect_str_eq(fault_stage_name(STAGE_COUNT), "unknown");
}
