/* SPDX-License-Identifier: Apache-2.0 */
#include "config/read_balance.h"

#include "config/value.h"
#include "support/config_world.h"

static struct config *load(const char *balance)
{
    char text[512];
    (void)snprintf(text, sizeof text, WORLD_POOL("    balance: %s\n"), balance);
    struct config *config = world_load(NULL, text, "");
    assert_non_null(config);
    return config;
}

static void test_names(void **state)
{
    (void)state;
    static const char *const forms[] = {"round_robin", "'round_robin'", "[round_robin]",
                                        "{algorithm: round_robin}", "[{algorithm: round_robin}]"};
    struct balance_config    plain   = balance_config_of("round_robin");
    for (size_t i = 0; i < LL_COUNT(forms); i++) {
        struct config               *config = load(forms[i]);
        const struct balance_config *got    = &config->pools[0].balance;
        assert_int_equal(got->count, 1);
        assert_string_equal(got->steps[0].algorithm, "round_robin");
        assert_int_equal(got->steps[0].key, BALANCE_KEY_NONE);
        assert_memory_equal(&got->steps[0].tunables, &plain.steps[0].tunables,
                            sizeof plain.steps[0].tunables);
        config_free(config);
    }
}

static void test_tunables(void **state)
{
    (void)state;
    struct config *config = load("{algorithm: bounded_hash, balance_factor: 150%, ring_points: 32, "
                                 "key: client_ip, decay: 1m}");
    const struct balance_step_config *step = &config->pools[0].balance.steps[0];
    assert_string_equal(step->algorithm, "bounded_hash");
    assert_int_equal(step->key, BALANCE_KEY_CLIENT_IP);
    assert_int_equal(step->tunables.balance_factor, 150);
    assert_int_equal(step->tunables.ring_points, 32);
    assert_int_equal(step->tunables.decay, 60 * VALUE_S);
    config_free(config);
}

/* What is set for one step is not for the others. */
static void test_chain(void **state)
{
    (void)state;
    struct config *config =
        load("[sticky_ip, {algorithm: least_connections, choices: 4}, random, first]");
    const struct balance_config *got     = &config->pools[0].balance;
    static const char *const     names[] = {"sticky_ip", "least_connections", "random", "first"};
    assert_int_equal(got->count, 4);
    for (uint32_t i = 0; i < got->count; i++) {
        assert_string_equal(got->steps[i].algorithm, names[i]);
        assert_int_equal(got->steps[i].tunables.choices, i == 1 ? 4 : 0);
        assert_int_equal(got->steps[i].tunables.ring_points,
                         balance_tunables_default().ring_points);
    }
    config_free(config);
}

static void says(const char *balance, const char *expected)
{
    char text[512];
    (void)snprintf(text, sizeof text, WORLD_POOL("    balance: %s\n"), balance);
    world_says(NULL, text, expected);
}

static void test_unknown(void **state)
{
    (void)state;
    says("round_robbin", "f.yaml:5:14: balance: \"round_robbin\" is not an algorithm (did you mean "
                         "\"round_robin\"?)\n");
    says("[first, {algorithm: lest_conections}]",
         "f.yaml:5:34: balance.algorithm: \"lest_conections\" is not an algorithm (did you mean "
         "\"least_connections\"?)\n");
    says("{algoritm: first, choises: 3}",
         "f.yaml:5:14: balance: the map names no algorithm (write {algorithm: "
         "least_connections})\n"
         "f.yaml:5:15: unknown key \"algoritm\" in balance of a pool (did you mean "
         "\"algorithm\"?)\n"
         "f.yaml:5:32: unknown key \"choises\" in balance of a pool (did you mean "
         "\"choices\"?)\n");
    says("{algorithm: first, choices: 1, choices: 2}",
         "f.yaml:5:45: \"choices\" is there twice; first in line 5 (remove one of them)\n");

    /* Names come from elsewhere and will be more: only the form of this one is known. */
    struct errors errors;
    errors_init(&errors);
    assert_null(config_load_text("f.yaml", SLICE(WORLD_POOL("    balance: nonsense!\n")), &errors));
    assert_string_equal(errors.first->what, "balance: \"nonsense!\" is not an algorithm");
    assert_memory_equal(errors.first->remedy, "one of ", 7);
    assert_non_null(strstr(errors.first->remedy, "round_robin"));
    errors_fini(&errors);
}

static void test_http(void **state)
{
    (void)state;
    says("[sticky_cookie, uri_hash]",
         "f.yaml:5:15: balance: \"sticky_cookie\" belongs to mode http, which is not supported by "
         "this version (ip_hash and sticky_ip are for mode tcp)\n"
         "f.yaml:5:30: balance: \"uri_hash\" belongs to mode http, which is not supported by this "
         "version (ip_hash and sticky_ip are for mode tcp)\n");
    says("{algorithm: maglev, key: 'header:X-User'}",
         "f.yaml:5:39: balance.key: \"header:X-User\" belongs to mode http, which is not supported "
         "by this version (write key: client_ip)\n");
    says("{algorithm: maglev, key: client}",
         "f.yaml:5:39: balance.key: \"client\" is not a key (write key: client_ip)\n");
}

static void test_values(void **state)
{
    (void)state;
    says("{algorithm: [], choices: 17}",
         "f.yaml:5:26: balance.algorithm: this must be one value, not a list (write algorithm: "
         "round_robin)\n"
         "f.yaml:5:39: balance.choices: \"17\" is out of range (from 0 to 16)\n");
    says("{algorithm: first, balance_factor: 150, decay: 1, choices: , key: {}}",
         "f.yaml:5:49: balance.balance_factor: \"150\" has no unit (write 150%)\n"
         "f.yaml:5:61: balance.decay: \"1\" has no unit (write 1s for seconds; ms, m, h and d are "
         "the others)\n"
         "f.yaml:5:73: balance.choices: there is no value (write choices: 0, or remove the key)\n"
         "f.yaml:5:80: balance.key: this must be one value, not a map (write key: client_ip)\n");
    says("{algorithm: first, balance_factor: 100%}",
         "f.yaml:5:49: balance.balance_factor: \"100%\" is out of range (from 101% to 10000%)\n");
    says("{algorithm: first, balance_factor: 1.5%}",
         "f.yaml:5:49: balance.balance_factor: \"1.5%\" is not a percentage (write whole numbers, "
         "such as 50%)\n");
    says("[]", "f.yaml:5:14: balance: a list of 0 algorithms is too short (write one to four "
               "algorithms)\n");
    says("[first, first, first, first, first]",
         "f.yaml:5:14: balance: a list of 5 algorithms is too long (write one to four "
         "algorithms)\n");
    says("[[first]]", "f.yaml:5:15: balance: this must be one value, not a list (write balance: "
                      "round_robin)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_tunables),
        cmocka_unit_test(test_chain), cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_http),  cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
