/* SPDX-License-Identifier: Apache-2.0 */
#include "balance/load_tree.h"

#include "base/assert.h"
#include "base/rng.h"

#include <stdatomic.h>

/* Children of a node: what fits a cache line. */
#define LOAD_TREE_WIDTH      16u
#define LOAD_TREE_WIDTH_BITS 4u

/* So many words need no more nodes above them than the root. */
#define LOAD_TREE_TOP 64u

/* 65535, 4096, 256, 16. */
#define LOAD_TREE_LEVELS 4u

/* Draws for one that ties with the least, before looking for one. */
#define LOAD_TREE_DRAWS 2u

/* Ways down. Each that fails has corrected a node, and a pick that others keep from succeeding so
 * often falls back to a search. */
#define LOAD_TREE_ATTEMPTS 64u

typedef _Atomic uint32_t load_tree_word;

struct load_tree {
    _Alignas(LL_CACHE_LINE) load_tree_word root;
    const struct pool_view *view;
    load_tree_key_fn       *key;
    bool                   *excluded; /* by index, or NULL: nobody */
    struct arena           *arena;
    uint32_t                levels;                   /* 1: the leaves are the top */
    uint32_t                counts[LOAD_TREE_LEVELS]; /* words of a level */
    load_tree_word         *words[LOAD_TREE_LEVELS];  /* from the leaves up, whole nodes */
};

static uint32_t word_load(const load_tree_word *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* count is a multiple of LOAD_TREE_WIDTH. Four at a time, as they do not wait for each other. */
static uint32_t words_least(const load_tree_word *words, uint32_t count)
{
    uint32_t least[4] = {LOAD_TREE_OUT, LOAD_TREE_OUT, LOAD_TREE_OUT, LOAD_TREE_OUT};
    for (uint32_t i = 0; i < count; i += 4) {
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t key = word_load(&words[i + k]);
            least[k]     = LL_MIN(least[k], key);
        }
    }
    least[0] = LL_MIN(least[0], least[1]);
    least[2] = LL_MIN(least[2], least[3]);
    return LL_MIN(least[0], least[2]);
}

static uint32_t load_tree_leaf(const struct load_tree *tree, uint32_t index)
{
    if (LL_UNLIKELY(tree->excluded != NULL) && tree->excluded[index])
        return LOAD_TREE_OUT;
    return tree->key(tree->view, index);
}

static uint32_t load_tree_whole(uint32_t count)
{
    return (count + LOAD_TREE_WIDTH - 1) / LOAD_TREE_WIDTH * LOAD_TREE_WIDTH;
}

/* Makes a node what those below it say; false where it was, so that nothing above it changes. All
 * sequentially consistent but the looks at the children, which come after that at the node. */
static bool load_tree_settle(load_tree_word *node, const load_tree_word *children, uint32_t count)
{
    bool changed = false;
    for (;;) {
        uint32_t old   = atomic_load(node);
        uint32_t fresh = words_least(children, count);
        if (fresh == old)
            return changed;
        changed = atomic_compare_exchange_strong(node, &old, fresh) || changed;
    }
}

/* Corrects a node and those above it, up to the first that is right. */
static void load_tree_correct(struct load_tree *tree, uint32_t level, uint32_t place)
{
    for (; level < tree->levels; level++, place >>= LOAD_TREE_WIDTH_BITS) {
        const load_tree_word *children = tree->words[level - 1] + (size_t)place * LOAD_TREE_WIDTH;
        if (!load_tree_settle(&tree->words[level][place], children, LOAD_TREE_WIDTH))
            return;
    }
    uint32_t top = tree->levels - 1;
    load_tree_settle(&tree->root, tree->words[top], load_tree_whole(tree->counts[top]));
}

void load_tree_update(struct load_tree *tree, uint32_t index)
{
    LL_ASSERT(index < tree->counts[0]);
    load_tree_word *leaf = &tree->words[0][index];
    uint32_t        old  = atomic_load(leaf);
    uint32_t        fresh;
    while ((fresh = load_tree_leaf(tree, index)) != old) {
        if (atomic_compare_exchange_strong(leaf, &old, fresh))
            old = fresh;
    }
    /* Whoever wrote the leaf, a fall is carried up by all who see it. */
    uint32_t        place = index >> LOAD_TREE_WIDTH_BITS;
    load_tree_word *above = tree->levels > 1 ? &tree->words[1][place] : &tree->root;
    if (atomic_load(above) > fresh)
        load_tree_correct(tree, 1, place);
}

void load_tree_update_all(struct load_tree *tree)
{
    for (uint32_t index = 0; index < tree->counts[0]; index++)
        load_tree_update(tree, index);
}

void load_tree_exclude(struct load_tree *tree, uint32_t index)
{
    if (tree->excluded == NULL)
        tree->excluded = arena_alloc(tree->arena, tree->counts[0], sizeof *tree->excluded);
    tree->excluded[index] = true;
    load_tree_update(tree, index);
}

static void *load_tree_lines(struct arena *arena, size_t size)
{
    uintptr_t memory = (uintptr_t)arena_alloc(arena, size + LL_CACHE_LINE, 1);
    return (void *)((memory + LL_CACHE_LINE - 1) / LL_CACHE_LINE * LL_CACHE_LINE);
}

struct load_tree *load_tree_build(const struct pool_view *view, load_tree_key_fn *key,
                                  struct arena *arena)
{
    struct load_tree *tree  = load_tree_lines(arena, sizeof *tree);
    uint32_t          count = view->count;
    tree->view              = view;
    tree->key               = key;
    tree->arena             = arena;
    for (;;) {
        LL_ASSERT(tree->levels < LOAD_TREE_LEVELS);
        uint32_t        level = tree->levels++;
        uint32_t        whole = load_tree_whole(count);
        load_tree_word *words = load_tree_lines(arena, whole * sizeof *words);
        for (uint32_t i = 0; i < whole; i++) {
            uint32_t value = LOAD_TREE_OUT;
            if (i < count)
                value = level == 0
                            ? load_tree_leaf(tree, i)
                            : words_least(tree->words[level - 1] + (size_t)i * LOAD_TREE_WIDTH,
                                          LOAD_TREE_WIDTH);
            atomic_init(&words[i], value);
        }
        tree->words[level]  = words;
        tree->counts[level] = count;
        if (count <= LOAD_TREE_TOP)
            break;
        count = whole / LOAD_TREE_WIDTH;
    }
    uint32_t top = tree->levels - 1;
    atomic_init(&tree->root, words_least(tree->words[top], load_tree_whole(tree->counts[top])));
    return tree;
}

/* Words that are compared at once: a loop that ends at the first match is guessed wrong. */
#define LOAD_TREE_BLOCK 8u

/* Of some words, one that is key, from a random one on; count where there is none. Words are there
 * in whole nodes, those beyond count are out. */
static uint32_t words_find(const load_tree_word *words, uint32_t count, uint32_t key,
                           uint64_t random)
{
    uint32_t blocks = (count + LOAD_TREE_BLOCK - 1) / LOAD_TREE_BLOCK;
    uint32_t block  = (uint32_t)rng_scale(random, blocks);
    for (uint32_t seen = 0; seen < blocks; seen++) {
        const load_tree_word *some  = words + (size_t)block * LOAD_TREE_BLOCK;
        uint32_t              found = 0;
        for (uint32_t i = 0; i < LOAD_TREE_BLOCK; i++)
            found |= (uint32_t)(word_load(&some[i]) == key) << i;
        if (found != 0) {
            uint32_t start = (uint32_t)(random & (LOAD_TREE_BLOCK - 1));
            uint32_t after = found >> start << start;
            return block * LOAD_TREE_BLOCK + (uint32_t)__builtin_ctz(after != 0 ? after : found);
        }
        block = block + 1 == blocks ? 0 : block + 1;
    }
    return count;
}

/* Goes down to a leaf with the least key. A node that promised too little is corrected, and the way
 * down begins again; false where that was so. */
static bool load_tree_go_down(struct load_tree *tree, uint32_t least, uint64_t random,
                              uint32_t *ret_index)
{
    uint32_t first = 0;
    uint32_t count = tree->counts[tree->levels - 1];
    for (uint32_t level = tree->levels; level-- > 0;) {
        uint32_t place = words_find(tree->words[level] + first, count, least, random);
        if (place == count) {
            load_tree_correct(tree, level + 1, first >> LOAD_TREE_WIDTH_BITS);
            return false;
        }
        *ret_index = first + place;
        first      = *ret_index << LOAD_TREE_WIDTH_BITS;
        count      = LOAD_TREE_WIDTH;
        random     = random << 16 | random >> 48;
    }
    return true;
}

uint32_t load_tree_least(struct load_tree *tree, uint64_t random)
{
    uint32_t index = POOL_NO_INDEX;
    for (uint32_t attempt = 0; attempt < LOAD_TREE_ATTEMPTS; attempt++) {
        uint32_t least = word_load(&tree->root);
        if (least == LOAD_TREE_OUT)
            return POOL_NO_INDEX;
        for (uint32_t draw = 0; draw < LOAD_TREE_DRAWS && attempt == 0; draw++) {
            index = (uint32_t)rng_scale(random, tree->counts[0]);
            if (word_load(&tree->words[0][index]) == least)
                return index;
            random = rng_mix(random + draw);
        }
        if (load_tree_go_down(tree, least, random, &index))
            return index;
    }
    return POOL_NO_INDEX;
}

struct load_tree_search {
    const struct load_tree *tree;
    load_tree_accept_fn    *accept;
    const void             *context;
    uint64_t                random;
    uint32_t                bound; /* only lower keys are of interest */
    uint32_t                found;
};

/* Depth is at most LOAD_TREE_LEVELS. NOLINTNEXTLINE(misc-no-recursion) */
static void load_tree_descend(struct load_tree_search *search, uint32_t level, uint32_t first,
                              uint32_t count)
{
    uint32_t start = (uint32_t)rng_scale(rng_mix(search->random + level), count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = first + (start + i < count ? start + i : start + i - count);
        uint32_t key   = word_load(&search->tree->words[level][place]);
        if (key >= search->bound)
            continue;
        if (level > 0) {
            load_tree_descend(search, level - 1, place * LOAD_TREE_WIDTH, LOAD_TREE_WIDTH);
        } else if (search->accept(search->context, place)) {
            search->bound = key;
            search->found = place;
        }
    }
}

uint32_t load_tree_search(const struct load_tree *tree, uint64_t random,
                          load_tree_accept_fn *accept, const void *context)
{
    uint32_t                top    = tree->levels - 1;
    struct load_tree_search search = {
        .tree    = tree,
        .accept  = accept,
        .context = context,
        .random  = random,
        .bound   = LOAD_TREE_OUT,
        .found   = POOL_NO_INDEX,
    };
    load_tree_descend(&search, top, 0, tree->counts[top]);
    return search.found;
}

/* The way to the first leaf that is not out, like load_tree_go_down. */
static bool load_tree_go_first(struct load_tree *tree, uint32_t *ret_index)
{
    uint32_t first = 0;
    uint32_t count = tree->counts[tree->levels - 1];
    for (uint32_t level = tree->levels; level-- > 0;) {
        uint32_t i = 0;
        while (i < count && word_load(&tree->words[level][first + i]) == LOAD_TREE_OUT)
            i++;
        if (i == count) {
            load_tree_correct(tree, level + 1, first >> LOAD_TREE_WIDTH_BITS);
            return false;
        }
        *ret_index = first + i;
        first      = *ret_index << LOAD_TREE_WIDTH_BITS;
        count      = LOAD_TREE_WIDTH;
    }
    return true;
}

uint32_t load_tree_first(struct load_tree *tree)
{
    uint32_t index = POOL_NO_INDEX;
    for (uint32_t attempt = 0; attempt < LOAD_TREE_ATTEMPTS; attempt++) {
        if (word_load(&tree->root) == LOAD_TREE_OUT)
            return POOL_NO_INDEX;
        if (load_tree_go_first(tree, &index))
            return index;
    }
    return POOL_NO_INDEX;
}
