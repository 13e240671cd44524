/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

void rng_seed(struct rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t counter = seed ^ rng_mix(stream + UINT64_C(0x9e3779b97f4a7c15));
    for (int i = 0; i < 4; i++) {
        counter += UINT64_C(0x9e3779b97f4a7c15);
        rng->state[i] = rng_mix(counter);
    }
    /* The all-zero state is the one that xoshiro never leaves. */
    if ((rng->state[0] | rng->state[1] | rng->state[2] | rng->state[3]) == 0)
        rng->state[0] = 1;
}
