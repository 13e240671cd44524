/* SPDX-License-Identifier: Apache-2.0 */
#include "config/schema.h"

#include "support/config_world.h"

/* What every row promises, whatever it is. */
static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_row_count; i++) {
        const struct schema_row *row = &schema_rows[i];
        assert_true(row->section < SCHEMA_SECTIONS);
        assert_true(row->help != NULL && row->help[strlen(row->help) - 1] == '.');
        assert_non_null(row->example);
        assert_true(row->min <= row->max);
        assert_true(row->field < schema_section_size(row->section));
        assert_ptr_equal(schema_find(row->section, slice_of(row->key)), row);
        assert_int_equal(row->type == SCHEMA_WORD && row->words == NULL, 0);
        assert_int_equal(row->fallback != NULL && row->fallback_help != NULL, 0);
        /* No key is both a value and the beginning of others. */
        assert_false(schema_is_group(row->section, slice_of(row->key)));
        assert_null(schema_find_later(row->section, slice_of(row->key)));
    }
}

static void test_later(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_later_count; i++) {
        const struct schema_later *later = &schema_laters[i];
        assert_ptr_equal(schema_find_later(later->section, slice_of(later->key)), later);
        assert_null(schema_find(later->section, slice_of(later->key)));
        assert_false(schema_is_group(later->section, slice_of(later->key)));
    }
}

/* Writes a key with dots as maps in maps, if it belongs into this section. */
static bool write_key(FILE *out, enum schema_section section, const struct schema_row *row,
                      const char *value)
{
    const char *key   = row->key;
    unsigned    depth = 0;
    if (row->section != section)
        return false;
    for (const char *dot; (dot = strchr(key, '.')) != NULL; key = dot + 1, depth++)
        fprintf(out, "%.*s: {", (int)(dot - key), key);
    fprintf(out, "%s: %s", key, value);
    while (depth-- > 0)
        fputc('}', out);
    fputs(", ", out);
    return true;
}

/* Keys that a section cannot do without, but for the one that is being tried. */
static void write_rest(FILE *out, enum schema_section section, const struct schema_row *row)
{
    for (size_t i = 0; i < schema_row_count; i++) {
        const struct schema_row *other = &schema_rows[i];
        if (other->section == section && other != row && other->fallback == NULL &&
            other->fallback_help == NULL && other->of == SCHEMA_ROOT)
            (void)write_key(out, section, other, other->example);
    }
}

static bool row_is(const struct schema_row *row, enum schema_section section, const char *key)
{
    return row->section == section && strcmp(row->key, key) == 0;
}

/* A value of one key, the rest being as short as it can be. */
static void check_accepted(const struct schema_row *row, const char *value)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out  = open_memstream(&text, &size);
    fputs("{", out);
    (void)write_key(out, SCHEMA_ROOT, row, value);
    if (!row_is(row, SCHEMA_ROOT, "listeners")) {
        fputs("listeners: [{", out);
        (void)write_key(out, SCHEMA_LISTENER, row, value);
        write_rest(out, SCHEMA_LISTENER, row);
        fputs("}], ", out);
    }
    if (!row_is(row, SCHEMA_ROOT, "pools")) {
        fputs("pools: {NAME: {", out);
        (void)write_key(out, SCHEMA_POOL, row, value);
        if (!row_is(row, SCHEMA_POOL, "servers")) {
            fputs("servers: [{", out);
            (void)write_key(out, SCHEMA_SERVER, row, value);
            if (row_is(row, SCHEMA_POOL, "zone")) /* a pool's zone has a server in it */
                fprintf(out, "zone: %s, ", value);
            write_rest(out, SCHEMA_SERVER, row);
            fputs("}], ", out);
        }
        fputs("}}", out);
    }
    fputs("}\n", out);
    (void)fclose(out);
    world_says(NULL, text, "");
    free(text);
}

/* What remedies and the reference tell people to write is accepted. */
static void test_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_row_count; i++)
        check_accepted(&schema_rows[i], schema_rows[i].example);
}

static void test_defaults(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_row_count; i++) {
        const struct schema_row *row = &schema_rows[i];
        if (row->fallback != NULL)
            check_accepted(row, row->fallback);
        for (const struct schema_word *word = row->words; word != NULL && word->word != NULL;
             word++)
            if (!word->later)
                check_accepted(row, word->word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
