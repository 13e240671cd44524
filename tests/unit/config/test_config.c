/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "support/unit.h"

static void test_default(void **state)
{
    (void)state;
    struct errors errors;
    errors_init(&errors);
    struct config *config = config_load_default(&errors);
    assert_non_null(config);
    assert_int_equal(errors.fatal + errors.warnings, 0);
    assert_string_equal(config->source, "built-in default");

    char text[ADDRESS_TEXT_MAX];
    assert_int_equal(config->listener_count, 1);
    const struct config_listener *listener = &config->listeners[0];
    assert_string_equal(listener->name, "[::]:8000");
    assert_int_equal(listener->mode, CONFIG_MODE_TCP);
    assert_int_equal(listener->bind_count, 1);
    assert_string_equal(address_format(&listener->binds[0], text), "[::]:8000");
    assert_int_equal(listener->pool, 0);

    assert_int_equal(config->pool_count, 1);
    const struct config_pool *pool = &config->pools[0];
    assert_string_equal(pool->name, "default");
    assert_string_equal(pool->balance, "round_robin");
    assert_int_equal(pool->server_count, 3);
    assert_string_equal(pool->servers[0].id, "127.0.0.1:9001");
    assert_string_equal(pool->servers[1].id, "127.0.0.1:9002");
    assert_string_equal(address_format(&pool->servers[2].address, text), "127.0.0.1:9003");
    assert_int_equal(pool->servers[2].weight, 1);
    config_free(config);
    errors_fini(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
