/* SPDX-License-Identifier: Apache-2.0 */
#include "config/docs.h"

#include "support/config_world.h"

/* Tests run from the top of the tree. */
#define DOCS_PATH "docs/config.md"

static char *docs_written(void)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out  = open_memstream(&text, &size);
    config_write_docs(out);
    (void)fclose(out);
    return text;
}

static char *docs_committed(void)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *in   = fopen(DOCS_PATH, "r");
    if (in == NULL)
        fail_msg("%s is missing: run make docs", DOCS_PATH);
    if (getdelim(&text, &size, '\0', in) < 0)
        fail_msg("%s is empty: run make docs", DOCS_PATH);
    (void)fclose(in);
    return text;
}

static void test_committed(void **state)
{
    (void)state;
    char *written   = docs_written();
    char *committed = docs_committed();
    if (strcmp(written, committed) != 0)
        fail_msg("%s is not what the table of knobs says: run make docs", DOCS_PATH);
    free(written);
    free(committed);
}

/* Every example on the page loads without a word. */
static void test_examples(void **state)
{
    (void)state;
    static const char *files[][2] = {
        {"conf.d/a.yaml", "listeners: [{bind: ':1', pool: database}]\n"}, {NULL, NULL}};
    struct world world = {.files = files};
    char        *text  = docs_written();
    unsigned     count = 0;
    for (char *from = text; (from = strstr(from, "```yaml\n")) != NULL; count++) {
        from += strlen("```yaml\n");
        char *end = strstr(from, "```\n");
        assert_non_null(end);
        *end = '\0';
        world_says(&world, from, "");
        from = end + 1;
    }
    assert_int_equal(count, 2);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_committed),
        cmocka_unit_test(test_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
