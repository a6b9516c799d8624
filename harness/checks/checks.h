/* Every check of the catalogue, one file each; only check_table.c puts them together. */
#ifndef PULLDRILL_CHECKS_CHECKS_H
#define PULLDRILL_CHECKS_CHECKS_H

#include "harness/check.h"

/* Always on. */
extern const struct check_info check_exposure;
extern const struct check_info check_baseline;
extern const struct check_info check_evidence;
extern const struct check_info check_control;
extern const struct check_info check_healed;
extern const struct check_info check_nothing_left;
extern const struct check_info check_no_leak;

/* Asked for by `expect`. */
extern const struct check_info check_starts_succeed;
extern const struct check_info check_start_seconds;
extern const struct check_info check_served_by;
extern const struct check_info check_attempts_per_start;
extern const struct check_info check_falls_back_within;
extern const struct check_info check_no_needless_fallback;
extern const struct check_info check_returns_to;
extern const struct check_info check_same_digest;
extern const struct check_info check_requests;
extern const struct check_info check_no_unmapped_names;
extern const struct check_info check_fresh_after_publish;
extern const struct check_info check_version_share;

#endif
