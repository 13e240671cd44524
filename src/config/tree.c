/* SPDX-License-Identifier: Apache-2.0 */
#include "config/tree.h"

#include "base/assert.h"
#include "base/map.h"
#include "config/expand.h"
#include "config/text.h"

#include <string.h>
#include <yaml.h>

struct tree_open {
    struct node *node;
    struct node *key; /* of a map, where its value is still to come */
};

struct tree {
    struct loading    *loading;
    const char        *file;
    struct map         anchors; /* nodes by name */
    struct tree_open   stack[TREE_DEPTH_MAX];
    unsigned           depth;
    struct node       *root;
    struct error_place last; /* where the event at hand begins */
    bool               failed;
};

static void tree_fail(struct tree *tree, struct error_place place, const char *remedy,
                      const char *what)
{
    errors_add(tree->loading->errors, ERROR_FATAL, place, remedy, "%s", what);
    tree->failed = true;
}

static struct error_place tree_place(const struct tree *tree, yaml_mark_t mark)
{
    return (struct error_place){
        .file = tree->file, .line = (int)mark.line + 1, .column = (int)mark.column + 1};
}

static void tree_fail_size(struct tree *tree, const char *remedy, const char *how)
{
    if (!tree->failed)
        errors_add(tree->loading->errors, ERROR_FATAL, tree->last, remedy,
                   "this is too large: it has more than %u values%s", LOADING_NODES_MAX, how);
    tree->failed = true;
}

static struct node *tree_new(struct tree *tree, enum node_kind kind)
{
    if (++tree->loading->node_count > LOADING_NODES_MAX)
        tree_fail_size(tree, "one limeload is not meant for so many; split it up", "");
    struct node *node = arena_alloc(tree->loading->scratch, 1, sizeof *node);
    node->kind        = kind;
    node->place       = tree->last;
    node->weight      = 1;
    return node;
}

/* Counts what an item adds, with aliases followed. */
static void tree_weigh(struct tree *tree, uint32_t *weight, const struct node *node)
{
    if (node->weight > LOADING_NODES_MAX - *weight)
        tree_fail_size(tree, "use fewer aliases, such as *NAME", " when its aliases are followed");
    else
        *weight += node->weight;
}

/* True where the next value is a key of the innermost map. */
static bool tree_at_key(const struct tree *tree)
{
    const struct tree_open *open = tree->depth > 0 ? &tree->stack[tree->depth - 1] : NULL;
    return open != NULL && open->node->kind == NODE_MAP && open->key == NULL;
}

/* Puts a value where it belongs: into the innermost list or map, or as the root. */
static void tree_attach(struct tree *tree, struct node *node)
{
    if (tree->depth == 0) {
        tree->root = node;
        return;
    }
    struct tree_open *open = &tree->stack[tree->depth - 1];
    if (tree_at_key(tree)) {
        if (node->kind != NODE_TEXT)
            tree_fail(tree, node->place, "write KEY: VALUE", "a key must be a plain word");
        open->key = node;
    } else {
        struct node_item *item = arena_alloc(tree->loading->scratch, 1, sizeof *item);
        item->key              = open->key;
        item->value            = node;
        node_append(open->node, item);
        open->key = NULL;
    }
    if (!node->open)
        tree_weigh(tree, &open->node->weight, node);
}

/* Remembers a value under the name that aliases call it by; the latest of that name counts. */
static void tree_anchor(struct tree *tree, const yaml_char_t *anchor, struct node *node)
{
    if (anchor == NULL)
        return;
    struct slice text = slice_of((const char *)anchor);
    struct slice name = {.data = arena_string(tree->loading->scratch, text), .size = text.size};
    (void)map_remove(&tree->anchors, name);
    if (!map_add(&tree->anchors, name, node))
        LL_NEVER("the name was just removed");
}

static void tree_refuse_tag(struct tree *tree, const yaml_char_t *tag, struct node *node)
{
    if (tag == NULL)
        return;
    errors_add(tree->loading->errors, ERROR_FATAL, node->place,
               "remove it: each key knows what kind of value it takes",
               "tags such as %s are not supported",
               loading_quote(tree->loading, slice_of((const char *)tag)));
    node->broken = true;
}

static void tree_on_text(struct tree *tree, const yaml_event_t *event)
{
    struct loading *loading = tree->loading;
    struct node    *node    = tree_new(tree, NODE_TEXT);
    struct slice    text    = {.data = (const char *)event->data.scalar.value,
                               .size = event->data.scalar.length};
    unsigned        before  = loading->errors->fatal;
    node->plain             = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    tree_refuse_tag(tree, event->data.scalar.tag, node);
    if (slice_find(text, '\0') < text.size)
        errors_add(loading->errors, ERROR_FATAL, node->place, "remove the \\0",
                   "a text cannot have a zero byte in it");
    if (tree_at_key(tree)) {
        node->text =
            (struct slice){.data = arena_string(loading->scratch, text), .size = text.size};
    } else {
        node->text = expand_variables(loading, node->place, text);
    }
    node->broken = loading->errors->fatal > before;
    tree_anchor(tree, event->data.scalar.anchor, node);
    tree_attach(tree, node);
}

static void tree_on_open(struct tree *tree, enum node_kind kind, const yaml_char_t *anchor,
                         const yaml_char_t *tag)
{
    struct node *node = tree_new(tree, kind);
    node->open        = true;
    tree_refuse_tag(tree, tag, node);
    tree_anchor(tree, anchor, node);
    tree_attach(tree, node);
    if (tree->depth == TREE_DEPTH_MAX)
        tree_fail(tree, tree->last, "no configuration needs so many; a bracket may be missing",
                  "lists and maps are nested too deeply");
    else
        tree->stack[tree->depth++] = (struct tree_open){.node = node};
}

static void tree_on_close(struct tree *tree)
{
    LL_ASSERT(tree->depth > 0);
    struct node *node = tree->stack[--tree->depth].node;
    node->open        = false;
    if (tree->depth > 0)
        tree_weigh(tree, &tree->stack[tree->depth - 1].node->weight, node);
}

static void tree_on_alias(struct tree *tree, const yaml_event_t *event)
{
    struct slice name = slice_of((const char *)event->data.alias.anchor);
    struct node *node = map_get(&tree->anchors, name);
    if (node != NULL && !node->open) {
        tree_attach(tree, node);
        return;
    }
    errors_add(tree->loading->errors, ERROR_FATAL, tree->last,
               node == NULL ? "write &NAME before the value that the alias repeats"
                            : "take it out: a value cannot contain itself",
               node == NULL ? "the alias %s stands for nothing" : "the alias %s is inside itself",
               loading_quote(tree->loading, name));
    tree->failed = true;
}

static void tree_on_event(struct tree *tree, const yaml_event_t *event)
{
    tree->last = tree_place(tree, event->start_mark);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (tree->root != NULL)
            tree_fail(tree, tree->last,
                      "remove it and what follows, or put it into a file of its own",
                      "a second document begins here");
        break;
    case YAML_SCALAR_EVENT:
        tree_on_text(tree, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        tree_on_open(tree, NODE_LIST, event->data.sequence_start.anchor,
                     event->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        tree_on_open(tree, NODE_MAP, event->data.mapping_start.anchor,
                     event->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        tree_on_close(tree);
        break;
    case YAML_ALIAS_EVENT:
        tree_on_alias(tree, event);
        break;
    default: /* the other ends say nothing */
        break;
    }
}

#define TREE_COLUMNS                                                                               \
    "the keys of a map begin in one column, so do the dashes of a list; nothing follows a quoted " \
    "value"

/* What libyaml says of a mistake, and what to say to a person. */
static const struct tree_hint {
    const char *problem; /* a part of the library's message */
    const char *context; /* a part of what it was doing, or "" */
    const char *what;    /* NULL: as the library says it */
    const char *remedy;
    bool        begin; /* where that thing begins says more than where it went wrong */
} tree_hints[] = {
    {"unexpected end of stream", "quoted scalar", "this quote is never closed",
     "add the closing quote", true},
    {"did not find expected ',' or", "flow", NULL,
     "separate values by commas, and quote what has a bracket or a colon in it", false},
    {"did not find expected node content", "flow", NULL,
     "quote values that begin with : or with a bracket, such as \":8000\" and \"[::1]:80\"", false},
    {"mapping values are not allowed", "", "a key is not expected here",
     "check the indentation of this line, and quote values that have a colon and a space in them",
     false},
    {"did not find expected key", "", "this does not belong here", TREE_COLUMNS, false},
    {"did not find expected '-' indicator", "", "this does not belong here", TREE_COLUMNS, false},
    {"could not find expected ':'", "", "a key without a value", "write KEY: VALUE", true},
    {"block sequence entries are not allowed", "", "a list is not expected here",
     "begin it on the line after its key", false},
    {"tab character", "", "a tab is not allowed here", "indent with spaces, not with tabs", false},
    {"cannot start any token", "", "a value cannot begin with this", "put it in quotes", false},
    {"unknown escape character", "", NULL, "write \\\\ for a backslash, or use single quotes",
     false},
    {"invalid Unicode character escape", "", NULL, "write the character itself", false},
    {"<document start>", "", "this does not belong here", "the value before it has ended already",
     false},
};

static const struct tree_hint *tree_find_hint(const yaml_parser_t *parser)
{
    const char *context = parser->context != NULL ? parser->context : "";
    for (size_t i = 0; i < LL_COUNT(tree_hints); i++)
        if (strstr(parser->problem, tree_hints[i].problem) != NULL &&
            strstr(context, tree_hints[i].context) != NULL)
            return &tree_hints[i];
    return NULL;
}

/* What the text shows better than the library knows. begin is where the innermost bracket is, line
 * 0 outside of brackets. */
static const char *tree_remedy(struct tree *tree, struct slice line, struct error_place place,
                               struct error_place begin, const char *remedy)
{
    struct slice rest   = slice_trim(line);
    size_t       indent = rest.size > 0 ? (size_t)(rest.data - line.data) : 0;
    if (slice_find(slice_sub(line, 0, indent), '\t') < indent)
        return "indent with spaces, not with tabs";
    if (begin.line > 0 && line.size > 0 && memmem(line.data, line.size, "${", 2) != NULL)
        return "in { } and [ ] put quotes around \"${NAME}\"";
    if (begin.line > 0 && begin.line < place.line)
        return arena_printf(tree->loading->scratch,
                            "separate values by commas, or close the bracket of line %d",
                            begin.line);
    return remedy;
}

/* The innermost bracket that is open where parsing ended, or line 0. */
static struct error_place tree_bracket(const struct tree *tree, const yaml_parser_t *parser)
{
    if (parser->context == NULL || strstr(parser->context, "flow") == NULL)
        return (struct error_place){.line = 0};
    if (strstr(parser->context, "node") != NULL && tree->depth > 0)
        return tree->stack[tree->depth - 1].node->place;
    return tree_place(tree, parser->context_mark);
}

static void tree_report(struct tree *tree, const yaml_parser_t *parser, struct slice text)
{
    if (parser->error != YAML_SCANNER_ERROR && parser->error != YAML_PARSER_ERROR) {
        tree_fail(tree, tree->last, "",
                  parser->problem != NULL ? parser->problem : "out of memory");
        return;
    }
    const struct tree_hint *hint  = tree_find_hint(parser);
    struct error_place      place = tree_place(tree, parser->problem_mark);
    struct error_place      begin = tree_bracket(tree, parser);
    struct slice            line  = text_line(text, place.line);
    const char *what   = hint != NULL && hint->what != NULL ? hint->what : parser->problem;
    const char *remedy = hint != NULL ? hint->remedy : "check the YAML around this place";
    bool at_end = line.data + line.size == text.data + text.size && slice_trim(line).size == 0;
    if (begin.line > 0 && at_end)
        tree_fail(tree, begin, "add the closing bracket", "this bracket is never closed");
    else if (hint != NULL && hint->begin)
        tree_fail(tree, tree_place(tree, parser->context_mark), remedy, what);
    else
        tree_fail(tree, place, tree_remedy(tree, line, place, begin, remedy), what);
}

static void tree_run(struct tree *tree, yaml_parser_t *parser, struct slice text)
{
    bool done = false;
    while (!done && !tree->failed && !loading_is_hopeless(tree->loading)) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            tree_report(tree, parser, text);
            return;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        tree_on_event(tree, &event);
        yaml_event_delete(&event);
    }
    tree->failed = tree->failed || !done;
}

bool tree_parse(struct loading *loading, const char *file, struct slice text,
                struct node **ret_root)
{
    struct tree   tree = {.loading = loading, .file = file, .last = {.file = file}};
    yaml_parser_t parser;
    if (!text_check(loading, file, text))
        return false;
    if (!yaml_parser_initialize(&parser)) {
        tree_fail(&tree, tree.last, "", "out of memory");
        return false;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.size);
    map_init(&tree.anchors, 0);
    tree_run(&tree, &parser, text);
    map_fini(&tree.anchors);
    yaml_parser_delete(&parser);
    if (!tree.failed && tree.root != NULL)
        tree_weigh(&tree, &loading->weight, tree.root);
    *ret_root = tree.root;
    return !tree.failed;
}
