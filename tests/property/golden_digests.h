/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests of the picks of every algorithm in fixed scenarios.
 */
/* clang-format off */
{"bounded_hash", UINT64_C(0x134770e59cf7e9b4)},
{"cookie_hash", UINT64_C(0xf25121b05fdda278)},
{"first", UINT64_C(0xd263d919a9b0d86b)},
{"header_hash", UINT64_C(0xf25121b05fdda278)},
{"ip_hash", UINT64_C(0xf25121b05fdda278)},
{"least_connections", UINT64_C(0xae10ac2d71a68ae8)},
{"least_time", UINT64_C(0xf49e27f70a958486)},
{"maglev", UINT64_C(0xf25121b05fdda278)},
{"p2c", UINT64_C(0xa0d5666729ee67f2)},
{"peak_ewma", UINT64_C(0x2164b460ba98abb5)},
{"prequal", UINT64_C(0xce0b341c5f697be3)},
{"random", UINT64_C(0x0cb8877d666deddd)},
{"rendezvous", UINT64_C(0x3a9f8336ee881b3e)},
{"ring_hash", UINT64_C(0xd7975ccbf54778ab)},
{"round_robin", UINT64_C(0x3df7ba1f4daac2e4)},
{"sticky_cookie", UINT64_C(0xffe8cc230339bf31)},
{"sticky_ip", UINT64_C(0xdbec7210724deebd)},
{"uri_hash", UINT64_C(0xf25121b05fdda278)},
{"weighted_least_connections", UINT64_C(0xc7fd0aef1070b478)},
{"weighted_random", UINT64_C(0x117fa49c3e6e7553)},
{"weighted_round_robin", UINT64_C(0x88626a50691f7db1)},
