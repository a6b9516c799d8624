/* The catalogue of checks: always-on ones first, in the order in which reports show them. */
#include <string.h>

#include "harness/check.h"
#include "harness/checks/checks.h"

const struct check_info *const check_catalogue[] = {
    &check_exposure,
    &check_baseline,
    &check_evidence,
    &check_control,
    &check_healed,
    &check_nothing_left,
    &check_no_leak,
    &check_starts_succeed,
    &check_start_seconds,
    &check_served_by,
    &check_attempts_per_start,
    &check_falls_back_within,
    &check_no_needless_fallback,
    &check_returns_to,
    &check_same_digest,
    &check_requests,
    &check_no_unmapped_names,
    &check_fresh_after_publish,
    &check_version_share,
};
const size_t check_catalogue_count = sizeof check_catalogue / sizeof check_catalogue[0];

const struct check_info *check_find(const char *name)
{
    for (size_t i = 0; i < check_catalogue_count; i++) {
        if (strcmp(check_catalogue[i]->name, name) == 0) {
            return check_catalogue[i];
        }
    }
    return NULL;
}
