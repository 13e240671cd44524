/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests of the picks of every algorithm in fixed scenarios.
 */
/* clang-format off */
{"bounded_hash", UINT64_C(0x86f524385797ea1a)},
{"cookie_hash", UINT64_C(0x2bdd7004a80201c0)},
{"first", UINT64_C(0xe11007fcb21dfc21)},
{"header_hash", UINT64_C(0x2bdd7004a80201c0)},
{"ip_hash", UINT64_C(0x2bdd7004a80201c0)},
{"least_connections", UINT64_C(0x0b24587fbaa700c1)},
{"least_time", UINT64_C(0x59bf09583c9305b5)},
{"maglev", UINT64_C(0x2bdd7004a80201c0)},
{"p2c", UINT64_C(0xf2a38ef1da6883a3)},
{"peak_ewma", UINT64_C(0x8c1ad4872541b47f)},
{"prequal", UINT64_C(0x061aa8bf422b23ca)},
{"random", UINT64_C(0x5504aa1441ed7ace)},
{"rendezvous", UINT64_C(0x8dce9e708f106b84)},
{"ring_hash", UINT64_C(0x887529135f26f9b4)},
{"round_robin", UINT64_C(0xcf5232cce4438e2f)},
{"sticky_cookie", UINT64_C(0xed72fdc6747bc0e6)},
{"sticky_ip", UINT64_C(0x0fede21198d9ab43)},
{"uri_hash", UINT64_C(0x2bdd7004a80201c0)},
{"weighted_least_connections", UINT64_C(0x7c8a1c4034a522ba)},
{"weighted_random", UINT64_C(0xa362378b44a12dd5)},
{"weighted_round_robin", UINT64_C(0xfbd867c26f1550ca)},
