/* The table of stages, and the small things they share. */
#include <string.h>

#include "tests/torture/torture.h"

const struct stage stages[] = {
    {"parse", stage_parse, false},        {"plan", stage_plan, false},
    {"store", stage_store, false},        {"disk", stage_disk, false},
    {"cache", stage_cache, false},        {"wire", stage_wire, false},
    {"judge", stage_judge, false},        {"reports", stage_reports, false},
    {"planted-leak", stage_leak, true},   {"planted-swallow", stage_swallow, true},
    {"planted-crash", stage_crash, true},
};
const size_t stage_count = sizeof stages / sizeof stages[0];

void result_add(struct result *o, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        o->digest = (o->digest ^ bytes[i]) * UINT64_C(1099511628211);
    }
}

void result_text(struct result *o, const char *text)
{
    result_add(o, text != NULL ? text : "-", text != NULL ? strlen(text) + 1 : 2);
}
