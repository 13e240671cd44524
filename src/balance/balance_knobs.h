/* SPDX-License-Identifier: Apache-2.0
 *
 * One row per tunable: BALANCE_KNOB(name, unit, least, greatest, default, help). Included where a
 * table of them is made; durations are in nanoseconds.
 */
/* clang-format off */
BALANCE_KNOB(choices, BALANCE_COUNT, 0, 16, 0,
             "least_connections: compare so many random servers; 0 compares all")
