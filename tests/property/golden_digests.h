/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests of the picks of every algorithm in fixed scenarios.
 */
/* clang-format off */
{"first", UINT64_C(0xd263d919a9b0d86b)},
{"least_connections", UINT64_C(0xae10ac2d71a68ae8)},
{"p2c", UINT64_C(0xa0d5666729ee67f2)},
{"random", UINT64_C(0x0cb8877d666deddd)},
{"round_robin", UINT64_C(0x3df7ba1f4daac2e4)},
{"weighted_least_connections", UINT64_C(0xc7fd0aef1070b478)},
{"weighted_random", UINT64_C(0x117fa49c3e6e7553)},
{"weighted_round_robin", UINT64_C(0x88626a50691f7db1)},
