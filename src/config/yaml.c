/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml.h"

#include "base/assert.h"
#include "base/map.h"
#include "config/expand.h"

#include <libfyaml.h>
#include <string.h>

struct yaml_open {
    struct node *node;
    struct node *key; /* of a map, where its value is still to come */
};

struct yaml {
    struct loading    *loading;
    const char        *file;
    struct map         anchors; /* nodes by name */
    struct yaml_open   stack[YAML_DEPTH_MAX];
    unsigned           depth;
    struct node       *root;
    struct error_place last; /* of the latest token: for what has no place of its own */
    bool               failed;
};

static void yaml_fail(struct yaml *yaml, struct error_place place, const char *remedy,
                      const char *what)
{
    errors_add(yaml->loading->errors, ERROR_FATAL, place, remedy, "%s", what);
    yaml->failed = true;
}

static void yaml_set_last(struct yaml *yaml, const struct fy_mark *mark)
{
    if (mark != NULL)
        yaml->last = (struct error_place){
            .file = yaml->file, .line = mark->line + 1, .column = mark->column + 1};
}

static struct slice yaml_token_text(struct fy_token *token)
{
    size_t      size = 0;
    const char *data = token != NULL ? fy_token_get_text(token, &size) : NULL;
    return (struct slice){.data = data, .size = data != NULL ? size : 0};
}

static void yaml_fail_size(struct yaml *yaml, const char *remedy, const char *how)
{
    if (!yaml->failed)
        errors_add(yaml->loading->errors, ERROR_FATAL, yaml->last, remedy,
                   "this is too large: it has more than %u values%s", LOADING_NODES_MAX, how);
    yaml->failed = true;
}

static struct node *yaml_new(struct yaml *yaml, enum node_kind kind)
{
    if (++yaml->loading->node_count > LOADING_NODES_MAX)
        yaml_fail_size(yaml, "one limeload is not meant for so many; split it up", "");
    struct node *node = arena_alloc(yaml->loading->scratch, 1, sizeof *node);
    node->kind        = kind;
    node->place       = yaml->last;
    node->weight      = 1;
    return node;
}

/* Counts what an item adds, with aliases followed. */
static void yaml_weigh(struct yaml *yaml, uint32_t *weight, const struct node *node)
{
    if (node->weight > LOADING_NODES_MAX - *weight)
        yaml_fail_size(yaml, "use fewer aliases, such as *NAME", " when its aliases are followed");
    else
        *weight += node->weight;
}

/* True where the next value is a key of the innermost map. */
static bool yaml_at_key(const struct yaml *yaml)
{
    const struct yaml_open *open = &yaml->stack[yaml->depth - 1];
    return yaml->depth > 0 && open->node->kind == NODE_MAP && open->key == NULL;
}

/* Puts a value where it belongs: into the innermost list or map, or as the root. */
static void yaml_attach(struct yaml *yaml, struct node *node)
{
    if (yaml->depth == 0) {
        if (yaml->root != NULL)
            yaml_fail(yaml, node->place,
                      "remove it and what follows, or put it into a file of its own",
                      "a second document begins here");
        yaml->root = node;
        return;
    }
    struct yaml_open *open = &yaml->stack[yaml->depth - 1];
    if (yaml_at_key(yaml)) {
        if (node->kind != NODE_TEXT)
            yaml_fail(yaml, node->place, "write KEY: VALUE", "a key must be a plain word");
        open->key = node;
    } else {
        struct node_item *item = arena_alloc(yaml->loading->scratch, 1, sizeof *item);
        item->key              = open->key;
        item->value            = node;
        node_append(open->node, item);
        open->key = NULL;
    }
    if (!node->open)
        yaml_weigh(yaml, &open->node->weight, node);
}

static void yaml_anchor(struct yaml *yaml, struct fy_token *anchor, struct node *node)
{
    if (anchor == NULL)
        return;
    struct slice text = yaml_token_text(anchor);
    struct slice name = {.data = arena_string(yaml->loading->scratch, text), .size = text.size};
    (void)map_remove(&yaml->anchors, name); /* the latest of that name counts */
    if (!map_add(&yaml->anchors, name, node))
        LL_NEVER("the name was just removed");
}

static void yaml_refuse_tag(struct yaml *yaml, struct fy_token *tag, struct node *node)
{
    if (tag == NULL)
        return;
    errors_add(yaml->loading->errors, ERROR_FATAL, node->place,
               "remove it: each key knows what kind of value it takes",
               "tags such as %s are not supported",
               loading_quote(yaml->loading, yaml_token_text(tag)));
    node->broken = true;
}

static void yaml_on_text(struct yaml *yaml, struct fy_event *event)
{
    enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
    yaml_set_last(yaml, fy_event_start_mark(event));
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
        yaml->last.column--; /* the mark is behind the quote */
    struct node *node = yaml_new(yaml, NODE_TEXT);
    struct slice text = yaml_token_text(event->scalar.value);
    node->plain       = style == FYSS_PLAIN;
    if (yaml->depth > 0 && yaml_at_key(yaml)) {
        node->text =
            (struct slice){.data = arena_string(yaml->loading->scratch, text), .size = text.size};
    } else {
        unsigned before = yaml->loading->errors->fatal;
        node->text      = expand_variables(yaml->loading, node->place, text);
        node->broken    = yaml->loading->errors->fatal > before;
        /* A variable that holds nothing gives an empty text, not a missing value. */
        node->plain = node->plain && (node->text.size > 0 || text.size == 0);
    }
    yaml_refuse_tag(yaml, event->scalar.tag, node);
    yaml_anchor(yaml, event->scalar.anchor, node);
    yaml_attach(yaml, node);
}

static void yaml_on_open(struct yaml *yaml, enum node_kind kind, struct fy_event *event,
                         struct fy_token *anchor, struct fy_token *tag)
{
    yaml_set_last(yaml, fy_event_start_mark(event));
    struct node *node = yaml_new(yaml, kind);
    node->open        = true;
    yaml_refuse_tag(yaml, tag, node);
    yaml_anchor(yaml, anchor, node);
    yaml_attach(yaml, node);
    if (yaml->depth == YAML_DEPTH_MAX)
        yaml_fail(yaml, yaml->last, "no configuration needs so many; a bracket may be missing",
                  "lists and maps are nested too deeply");
    else
        yaml->stack[yaml->depth++] = (struct yaml_open){.node = node};
}

static void yaml_on_close(struct yaml *yaml, struct fy_event *event)
{
    yaml_set_last(yaml, fy_event_start_mark(event));
    LL_ASSERT(yaml->depth > 0);
    struct node *node = yaml->stack[--yaml->depth].node;
    node->open        = false;
    if (yaml->depth > 0)
        yaml_weigh(yaml, &yaml->stack[yaml->depth - 1].node->weight, node);
}

static void yaml_on_alias(struct yaml *yaml, struct fy_event *event)
{
    yaml_set_last(yaml, fy_token_start_mark(event->alias.anchor));
    yaml->last.column--; /* the mark is behind the asterisk */
    struct slice name = yaml_token_text(event->alias.anchor);
    struct node *node = map_get(&yaml->anchors, name);
    if (node != NULL && !node->open) {
        yaml_attach(yaml, node);
        return;
    }
    errors_add(yaml->loading->errors, ERROR_FATAL, yaml->last,
               node == NULL ? "write &NAME before the value that the alias repeats"
                            : "take it out: a value cannot contain itself",
               node == NULL ? "the alias %s stands for nothing" : "the alias %s is inside itself",
               loading_quote(yaml->loading, name));
    yaml->failed = true;
}

static void yaml_on_event(struct yaml *yaml, struct fy_event *event)
{
    switch (event->type) {
    case FYET_SCALAR:
        yaml_on_text(yaml, event);
        break;
    case FYET_SEQUENCE_START:
        yaml_on_open(yaml, NODE_LIST, event, event->sequence_start.anchor,
                     event->sequence_start.tag);
        break;
    case FYET_MAPPING_START:
        yaml_on_open(yaml, NODE_MAP, event, event->mapping_start.anchor, event->mapping_start.tag);
        break;
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        yaml_on_close(yaml, event);
        break;
    case FYET_ALIAS:
        yaml_on_alias(yaml, event);
        break;
    default: /* the ends of streams and documents say nothing */
        break;
    }
}

/* How many bytes the character at the start takes, or 0 where it is not one that text may hold. */
static size_t yaml_character_size(struct slice text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    if (bytes[0] < 0x80)
        return (bytes[0] >= 0x20 && bytes[0] != 0x7f) || bytes[0] == '\n' || bytes[0] == '\r' ||
               bytes[0] == '\t';
    size_t size = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || size > text.size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    bool overlong  = (bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xf0 && bytes[1] < 0x90);
    bool surrogate = bytes[0] == 0xed && bytes[1] >= 0xa0;
    bool beyond    = bytes[0] == 0xf4 && bytes[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : size;
}

/* libfyaml takes the first byte that it cannot read for the end of the text and says nothing, so
 * that everything after it would be lost. */
static bool yaml_check_text(struct yaml *yaml, struct slice text)
{
    struct error_place place    = {.file = yaml->file, .line = 1, .column = 1};
    size_t             position = slice_starts_with(text, SLICE("\xef\xbb\xbf")) ? 3 : 0;
    while (position < text.size) {
        struct slice rest = slice_sub(text, position, text.size);
        size_t       size = yaml_character_size(rest);
        if (size == 0) {
            errors_add(yaml->loading->errors, ERROR_FATAL, place,
                       "configuration is text in UTF-8; remove the byte or save the file as UTF-8",
                       "the byte 0x%02x does not belong into a text", (unsigned char)rest.data[0]);
            return false;
        }
        place.column++;
        if (rest.data[0] == '\n') {
            place.line++;
            place.column = 1;
        }
        position += size;
    }
    return true;
}

/* What libfyaml calls a mistake, and what a person should look for. */
static const struct yaml_hint {
    const char *part; /* of the library's message */
    const char *remedy;
} yaml_hints[] = {
    {"tab", "indent with spaces, not with tabs"},
    {"without closing quote", "add the closing quote"},
    {"missing comma", "separate the values with commas, and quote what contains a colon"},
    {"invalid value after mapping", "quote values that begin with [ or {, such as \"[::1]:80\""},
    {"multiline", "check the indentation of this line and the next, and the colon after the key"},
    {"indent", "keys of one map begin in the same column"},
    {"expected ':'", "write KEY: VALUE, with a space after the colon"},
    {"escape", "in double quotes write \\\\ for a backslash, or use single quotes"},
    {"cannot start", "quote it"},
};

static const char *yaml_remedy(const char *message)
{
    for (size_t i = 0; i < LL_COUNT(yaml_hints); i++)
        if (strstr(message, yaml_hints[i].part) != NULL)
            return yaml_hints[i].remedy;
    return "check the YAML around this place";
}

/* Counted from 1, without its end; lines that are not there are empty and at the end of the text.
 */
static struct slice yaml_line(struct slice text, int line)
{
    const char *end = text.data + text.size;
    for (; line > 1 && text.size > 0; line--)
        text = slice_sub(text, slice_find(text, '\n') + 1, text.size);
    if (text.size == 0)
        text.data = end;
    return slice_sub(text, 0, slice_find(text, '\n'));
}

static bool yaml_has_tab(struct slice line)
{
    while (line.size > 0 && line.data[0] == ' ')
        line = slice_sub(line, 1, line.size);
    return line.size > 0 && line.data[0] == '\t';
}

/* In { } and [ ] a plain text ends at the brace of a variable. */
static bool yaml_has_variable(struct slice line)
{
    return memmem(line.data, line.size, "${", 2) != NULL;
}

/* True where the text ended inside brackets, which the library may call something else. */
static bool yaml_is_unclosed(const struct yaml *yaml, struct slice text, struct error_place place)
{
    if (yaml->depth == 0)
        return false;
    struct error_place open   = yaml->stack[yaml->depth - 1].node->place;
    struct slice       begins = slice_sub(yaml_line(text, open.line), (size_t)open.column - 1, 1);
    struct slice       end    = yaml_line(text, place.line);
    return (slice_equal(begins, SLICE("[")) || slice_equal(begins, SLICE("{"))) &&
           end.data + end.size == text.data + text.size && slice_trim(end).size == 0;
}

/* Only the first: what follows a syntax error is mostly its echo. */
static void yaml_report(struct yaml *yaml, struct fy_diag *diag, struct slice text)
{
    void                       *previous = NULL;
    const struct fy_diag_error *error    = fy_diag_errors_iterate(diag, &previous);
    while (error != NULL && error->type != FYET_ERROR)
        error = fy_diag_errors_iterate(diag, &previous);
    const char        *what   = error != NULL ? error->msg : "this is not YAML";
    const char        *remedy = yaml_remedy(what);
    struct error_place place  = yaml->last;
    if (error != NULL && error->line > 0)
        place =
            (struct error_place){.file = yaml->file, .line = error->line, .column = error->column};
    if (yaml_is_unclosed(yaml, text, place)) {
        place  = yaml->stack[yaml->depth - 1].node->place; /* where it begins says more */
        what   = "this bracket is never closed";
        remedy = "add the closing bracket";
    } else if (yaml_has_tab(yaml_line(text, place.line)) ||
               yaml_has_tab(yaml_line(text, place.line + 1))) {
        remedy = "indent with spaces, not with tabs";
    } else if (yaml_has_variable(yaml_line(text, place.line))) {
        remedy = "in { } and [ ] put quotes around \"${NAME}\"";
    }
    yaml_fail(yaml, place, remedy, what);
}

static void yaml_run(struct yaml *yaml, struct fy_parser *parser, struct fy_diag *diag,
                     struct slice text)
{
    size_t           end = 0;
    struct fy_event *event;
    while (!yaml->failed && !loading_is_hopeless(yaml->loading) &&
           (event = fy_parser_parse(parser)) != NULL) {
        yaml_on_event(yaml, event);
        if (event->type == FYET_STREAM_END && fy_event_start_mark(event) != NULL)
            end = fy_event_start_mark(event)->input_pos;
        fy_parser_event_free(parser, event);
    }
    yaml->failed = yaml->failed || loading_is_hopeless(yaml->loading);
    if (yaml->failed)
        return;
    if (fy_parser_get_stream_error(parser))
        yaml_report(yaml, diag, text);
    else if (end < text.size) /* the library ends quietly at what it cannot read */
        yaml_fail(yaml, yaml->last, "remove it", "what follows here cannot be read");
}

bool yaml_parse(struct loading *loading, const char *file, struct slice text,
                struct node **ret_root)
{
    struct yaml yaml = {.loading = loading, .file = file, .last = {.file = file}};
    if (!yaml_check_text(&yaml, text))
        return false;
    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp             = NULL;
    struct fy_diag     *diag   = fy_diag_create(&diag_config);
    struct fy_parse_cfg config = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE,
        .diag  = diag,
    };
    struct fy_parser *parser = diag != NULL ? fy_parser_create(&config) : NULL;
    map_init(&yaml.anchors, 0);
    if (parser == NULL || fy_parser_set_string(parser, text.data, text.size) != 0) {
        yaml_fail(&yaml, yaml.last, "", "not enough memory to read it");
    } else {
        fy_diag_set_collect_errors(diag, true);
        yaml_run(&yaml, parser, diag, text);
    }
    map_fini(&yaml.anchors);
    if (parser != NULL)
        fy_parser_destroy(parser);
    if (diag != NULL) {
        fy_diag_reset_error(diag); /* frees what was collected, which destroying does not */
        fy_diag_unref(diag);
    }
    if (!yaml.failed && yaml.root != NULL)
        yaml_weigh(&yaml, &loading->weight, yaml.root);
    *ret_root = yaml.root;
    return !yaml.failed;
}
