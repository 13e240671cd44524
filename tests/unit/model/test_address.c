/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/rng.h"
#include "model/address.h"

#include <stdio.h>

static struct address parsed(const char *text, bool any_host)
{
    struct address address;
    if (address_parse(slice_of(text), any_host, &address) != ADDRESS_OK)
        fail_msg("\"%s\" was not read", text);
    return address;
}

static void expect_result(struct slice text, bool any_host, enum address_parsed expected)
{
    struct address address, before;
    memset(&address, 0x5a, sizeof address);
    before                     = address;
    enum address_parsed result = address_parse(text, any_host, &address);
    if (result != expected)
        fail_msg("\"%.*s\" gave %d, not %d", SLICE_ARG(text), (int)result, (int)expected);
    if (expected != ADDRESS_OK && expected != ADDRESS_IS_NAME)
        assert_memory_equal(&address, &before, sizeof address);
}

static void addresses_read_and_print_the_same(void **state)
{
    (void)state;
    static const struct {
        const char         *text;
        enum address_family family;
    } cases[] = {
        {"127.0.0.1:9001", ADDRESS_IPV4},
        {"0.0.0.0:1", ADDRESS_IPV4},
        {"255.255.255.255:65535", ADDRESS_IPV4},
        {"[::]:80", ADDRESS_IPV6},
        {"[::1]:8080", ADDRESS_IPV6},
        {"[2001:db8::dead:beef]:443", ADDRESS_IPV6},
        {"[::ffff:10.0.0.1]:80", ADDRESS_IPV6},
        {"[1111:2222:3333:4444:5555:6666:7777:8888]:65535", ADDRESS_IPV6},
        {"unix:/run/limeload.sock", ADDRESS_UNIX},
        {"unix:relative:with:colons", ADDRESS_UNIX},
    };
    for (size_t i = 0; i < LL_COUNT(cases); i++)
        for (int any_host = 0; any_host <= 1; any_host++) {
            char           text[ADDRESS_TEXT_MAX];
            struct address address = parsed(cases[i].text, any_host == 1);
            assert_int_equal(address.family, cases[i].family);
            assert_string_equal(address_format(&address, text), cases[i].text);
            assert_true(address_equal(&address, &address));
        }
}

static void the_parts_are_where_they_belong(void **state)
{
    (void)state;
    struct address v4 = parsed("10.1.2.3:258", false);
    assert_int_equal(v4.endpoint.family, ADDRESS_IPV4);
    assert_int_equal(v4.endpoint.port, 258);
    assert_memory_equal(v4.endpoint.ip, ((uint8_t[4]){10, 1, 2, 3}), 4);
    struct address v6 = parsed("[fe80::1]:1", false);
    assert_int_equal(v6.endpoint.ip[0], 0xfe);
    assert_int_equal(v6.endpoint.ip[15], 1);
    assert_string_equal(parsed("unix:/a", false).path, "/a");
}

static void no_host_and_a_star_mean_every_address_where_allowed(void **state)
{
    (void)state;
    static const char *const texts[] = {":8000", "*:8000"};
    for (size_t i = 0; i < LL_COUNT(texts); i++) {
        char           text[ADDRESS_TEXT_MAX];
        struct address address = parsed(texts[i], true);
        assert_string_equal(address_format(&address, text), "[::]:8000");
        expect_result(slice_of(texts[i]), false, ADDRESS_BAD_HOST);
    }
}

static void port_zero_is_for_listening_only(void **state)
{
    (void)state;
    assert_int_equal(parsed("127.0.0.1:0", true).endpoint.port, 0);
    assert_int_equal(parsed(":0", true).endpoint.port, 0);
    expect_result(SLICE("127.0.0.1:0"), false, ADDRESS_BAD_PORT);
}

static void names_are_told_from_addresses_and_keep_the_port(void **state)
{
    (void)state;
    static const char *const names[] = {"localhost:80", "api.internal:80", "b_1:80",
                                        "1.example:80", "a-b.c:80",        "dead.beef:80"};
    for (size_t i = 0; i < LL_COUNT(names); i++) {
        struct address address;
        assert_int_equal(address_parse(slice_of(names[i]), false, &address), ADDRESS_IS_NAME);
        assert_int_equal(address.endpoint.port, 80);
        assert_int_equal(address.family, ADDRESS_NONE);
    }
}

static void every_mistake_is_named(void **state)
{
    (void)state;
    static const struct {
        const char         *text;
        enum address_parsed result;
    } cases[] = {
        {"", ADDRESS_NO_PORT},
        {"127.0.0.1", ADDRESS_NO_PORT},
        {"localhost", ADDRESS_NO_PORT},
        {"[::1]", ADDRESS_NO_PORT},
        {"[2001:db8::1]", ADDRESS_NO_PORT},
        {"127.0.0.1:", ADDRESS_BAD_PORT},
        {"127.0.0.1:65536", ADDRESS_BAD_PORT},
        {"127.0.0.1:http", ADDRESS_BAD_PORT},
        {"127.0.0.1:-1", ADDRESS_BAD_PORT},
        {"127.0.0.1: 80", ADDRESS_BAD_PORT},
        {"127.0.0.1:80 ", ADDRESS_BAD_PORT},
        {"1.2.3:80", ADDRESS_BAD_HOST},
        {"1.2.3.4.5:80", ADDRESS_BAD_HOST},
        {"300.1.1.1:80", ADDRESS_BAD_HOST},
        {"1.2.3.04:80", ADDRESS_BAD_HOST},
        {"9001:80", ADDRESS_BAD_HOST},
        {"::1:80", ADDRESS_BAD_HOST},
        {"[::1:80", ADDRESS_BAD_HOST},
        {"::1]:80", ADDRESS_BAD_HOST},
        {"[]:80", ADDRESS_BAD_HOST},
        {"[127.0.0.1]:80", ADDRESS_BAD_HOST},
        {"[localhost]:80", ADDRESS_BAD_HOST},
        {"[:::1]:80", ADDRESS_BAD_HOST},
        {" 127.0.0.1:80", ADDRESS_BAD_HOST},
        {"http://a:80", ADDRESS_BAD_HOST},
        {"a b:80", ADDRESS_BAD_HOST},
        {"caf\xc3\xa9:80", ADDRESS_BAD_HOST},
        {"unix:", ADDRESS_BAD_HOST},
    };
    for (size_t i = 0; i < LL_COUNT(cases); i++) {
        expect_result(slice_of(cases[i].text), false, cases[i].result);
        expect_result(slice_of(cases[i].text), true, cases[i].result);
    }
}

/* Functions of the system stop at a zero byte, so what follows it would be accepted unseen. */
static void a_zero_byte_is_never_part_of_an_address(void **state)
{
    (void)state;
    expect_result(SLICE("127.0.0.1\0x:80"), true, ADDRESS_BAD_HOST);
    expect_result(SLICE("[::1\0]:80"), true, ADDRESS_BAD_HOST);
    expect_result(SLICE("unix:/tmp/a\0b"), true, ADDRESS_BAD_HOST);
    expect_result(SLICE("localhost\0:80"), true, ADDRESS_BAD_HOST);
}

static void lengths_are_bounded(void **state)
{
    (void)state;
    char   text[600];
    size_t longest = ADDRESS_PATH_MAX - 1;
    snprintf(text, sizeof text, "unix:%0*d", (int)longest, 0);
    struct address address = parsed(text, false);
    assert_int_equal(strlen(address.path), longest);
    char printed[ADDRESS_TEXT_MAX];
    assert_string_equal(address_format(&address, printed), text);
    snprintf(text, sizeof text, "unix:%0*d", (int)longest + 1, 0);
    expect_result(slice_of(text), false, ADDRESS_LONG_PATH);

    memset(text, 'a', sizeof text);
    memcpy(text + 253, ":80", 4);
    expect_result(slice_of(text), false, ADDRESS_IS_NAME);
    memset(text, 'a', sizeof text);
    memcpy(text + 254, ":80", 4);
    expect_result(slice_of(text), false, ADDRESS_BAD_HOST);
    memset(text, '1', sizeof text);
    memcpy(text + 100, ":80", 4);
    expect_result(slice_of(text), false, ADDRESS_BAD_HOST);
}

static void random_endpoints_survive_printing_and_reading(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 9, 0);
    for (int i = 0; i < 50000; i++) {
        struct address address  = {.family = i % 2 == 0 ? ADDRESS_IPV4 : ADDRESS_IPV6};
        address.endpoint.family = (uint8_t)address.family;
        address.endpoint.port   = (uint16_t)(1 + rng_below(&rng, UINT16_MAX));
        /* Zeros often, because runs of them are written short. */
        for (int j = 0; j < (i % 2 == 0 ? 4 : 16); j++)
            address.endpoint.ip[j] = rng_below(&rng, 3) == 0 ? (uint8_t)rng_next(&rng) : 0;
        char           text[ADDRESS_TEXT_MAX];
        struct address again = parsed(endpoint_format(&address.endpoint, text), false);
        assert_true(address_equal(&address, &again));
        assert_memory_equal(&again.endpoint, &address.endpoint, sizeof again.endpoint);
    }
}

/* Bytes that mean something to the parser, in random order: it must answer, whatever it is. */
static void no_text_is_read_as_something_that_prints_unreadably(void **state)
{
    (void)state;
    static const char bytes[] = "0123459:[].*-_aZfunix:/ %\0\xff";
    struct rng        rng;
    rng_seed(&rng, 10, 0);
    for (int i = 0; i < 200000; i++) {
        char   text[40];
        size_t size = (size_t)rng_below(&rng, sizeof text);
        for (size_t j = 0; j < size; j++)
            text[j] = bytes[rng_below(&rng, sizeof bytes - 1)];
        struct address address, again;
        if (address_parse((struct slice){text, size}, true, &address) != ADDRESS_OK)
            continue;
        char printed[ADDRESS_TEXT_MAX];
        address_format(&address, printed);
        assert_int_equal(address_parse(slice_of(printed), true, &again), ADDRESS_OK);
        assert_true(address_equal(&address, &again));
    }
}

static void addresses_differ_in_every_part(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80", "[::1]:80",
                                        "[::2]:80",     "[::1]:81",     "unix:/a",      "unix:/b"};
    for (size_t i = 0; i < LL_COUNT(texts); i++)
        for (size_t j = 0; j < LL_COUNT(texts); j++) {
            struct address a = parsed(texts[i], false), b = parsed(texts[j], false);
            assert_int_equal(address_equal(&a, &b), i == j);
        }
    struct address here = parsed("[fe80::1]:80", false), there = here;
    there.scope = 2;
    assert_false(address_equal(&here, &there));
}

static void an_unknown_endpoint_says_so(void **state)
{
    (void)state;
    char            text[ADDRESS_TEXT_MAX];
    struct endpoint unknown = {0};
    assert_string_equal(endpoint_format(&unknown, text), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_read_and_print_the_same),
        cmocka_unit_test(the_parts_are_where_they_belong),
        cmocka_unit_test(no_host_and_a_star_mean_every_address_where_allowed),
        cmocka_unit_test(port_zero_is_for_listening_only),
        cmocka_unit_test(names_are_told_from_addresses_and_keep_the_port),
        cmocka_unit_test(every_mistake_is_named),
        cmocka_unit_test(a_zero_byte_is_never_part_of_an_address),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(random_endpoints_survive_printing_and_reading),
        cmocka_unit_test(no_text_is_read_as_something_that_prints_unreadably),
        cmocka_unit_test(addresses_differ_in_every_part),
        cmocka_unit_test(an_unknown_endpoint_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
