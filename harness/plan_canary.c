/* Which starts are given a canary. */
#include <math.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/plan.h"

/* Shares are counted in these, so that 29% of 100 starts are 29. */
#define PARTS UINT64_C(1000000)

static uint64_t mix_text(uint64_t h, const char *text)
{
    return rng_hash(h, text, strlen(text));
}

/* Whether the K-th start is one of those: stretch J goes from the first start that makes J/share to
 * the last before (J + 1)/share, and one of its starts is given the canary. */
static bool is_dealt(uint64_t key, double share, uint64_t k)
{
    uint64_t parts = (uint64_t)llround(share * (double)PARTS);
    parts = parts > PARTS ? PARTS : parts;
    if (parts == 0) {
        return false;
    }
    uint64_t stretch = k * parts / PARTS;
    uint64_t first = (stretch * PARTS + parts - 1) / parts;
    uint64_t next = ((stretch + 1) * PARTS + parts - 1) / parts;
    return k - first == rng_hash(key, &stretch, sizeof stretch) % (next - first);
}

uint64_t plan_canaries(const struct plan *p, size_t phase, size_t subject, uint64_t k)
{
    const struct scenario *s = p->scenario;
    uint64_t given = 0;
    for (size_t i = 0; i < s->image_count; i++) {
        const struct scenario_image *image = &s->images[i];
        if (image->canary_of < 0 || (s->phases[phase].there >> i & 1) == 0) {
            continue;
        }
        uint64_t key = mix_text(p->seed, image->name);
        key = mix_text(mix_text(key, s->phases[phase].name), s->subjects[subject].name);
        given |= is_dealt(key, image->canary_share, k) ? UINT64_C(1) << i : 0;
    }
    return given;
}
