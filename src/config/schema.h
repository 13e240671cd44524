/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of knobs: one row per key of the configuration.
 *
 * The parser, its messages and docs/config.md all derive from it: a new knob is a field in config.h
 * and a row in schema.c. Not here:  rules across several knobs (validate).
 */
#ifndef LL_CONFIG_SCHEMA_H
#define LL_CONFIG_SCHEMA_H

#include "base/slice.h"
#include "config/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What keys belong to, and so which struct of config.h the fields of a row are in. */
enum schema_section {
    SCHEMA_ROOT,     /* struct config */
    SCHEMA_LISTENER, /* struct config_listener */
    SCHEMA_POOL,     /* struct config_pool */
    SCHEMA_SERVER,   /* struct config_server */
};
#define SCHEMA_SECTIONS 4u

/* What a value is, and in brackets the type of its field. */
enum schema_type {
    SCHEMA_BOOL,      /* bool */
    SCHEMA_COUNT,     /* uint32_t */
    SCHEMA_DURATION,  /* uint64_t, nanoseconds */
    SCHEMA_SIZE,      /* uint64_t, bytes */
    SCHEMA_PERCENT,   /* uint32_t */
    SCHEMA_NAME,      /* const char *: no spaces, because logs and metrics carry it */
    SCHEMA_TEXT,      /* const char * */
    SCHEMA_WORD,      /* an enum, one of a few words */
    SCHEMA_BALANCE,   /* struct balance_config: an algorithm or a chain of them */
    SCHEMA_ADDRESS,   /* struct address */
    SCHEMA_BINDS,     /* struct address *, of one address or a list */
    SCHEMA_POOL_NAME, /* uint32_t, an index into pools */
    SCHEMA_LIST,      /* of sections: an array of their structs */
    SCHEMA_MAP,       /* of sections by name: an array of their structs */
    SCHEMA_FILES,     /* the include key, which has no field */
};

struct schema_word {
    const char *word;
    uint32_t    value;
    bool        later; /* belongs to a later version */
    const char *help;
};

struct schema_row {
    enum schema_section section;
    const char         *key; /* with dots: "log.access.path" is path in the map access in log */
    enum schema_type    type;
    size_t              field;          /* offset in the section's struct */
    size_t              count_field;    /* of lists and maps: offset of the uint32_t count */
    enum schema_section of;             /* of lists and maps: what their items are */
    const char         *fallback;       /* the default as one would write it; NULL has none */
    const char         *fallback_help;  /* what happens instead where fallback is NULL; NULL there
                                           means that the key is required */
    uint64_t                  min, max; /* of numbers of all kinds */
    const char               *zero;     /* a word that stores 0, such as "auto" */
    const struct schema_word *words;    /* ends with word NULL; where type is TEXT, words that mean
                                           something else than themselves */
    const char *alone;   /* the group that may also be written as this one value; "" is the
                            section itself */
    bool        restart; /* a change takes a restart; all others take effect on reload */
    const char *example; /* a value to show to who left it out or got it wrong */
    const char *help;
};

extern const struct schema_row schema_rows[];
extern const size_t            schema_row_count;

/* Keys that the format has and this version does not: not typing errors, but not to be ignored. */
struct schema_later {
    enum schema_section section;
    const char         *key;
    bool                http;    /* has a meaning in mode http only */
    const char         *warning; /* set where the key is accepted with these words */
};

extern const struct schema_later schema_laters[];
extern const size_t              schema_later_count;

const struct schema_later *schema_find_later(enum schema_section section, struct slice key);

/* By full key; NULL where there is none. */
const struct schema_row *schema_find(enum schema_section section, struct slice key);

/* The row that may stand for a whole group (or, for "", section), or NULL. */
const struct schema_row *schema_find_alone(enum schema_section section, struct slice group);

/* True where keys begin with this and a dot. */
bool schema_is_group(enum schema_section section, struct slice key);

/* A number of that type as one would write it. Returns text. */
const char *schema_format(enum schema_type type, uint64_t number, char text[static VALUE_TEXT_MAX]);

/* The section's bytes of config.h, and its name in messages: "a listener". */
size_t      schema_section_size(enum schema_section section);
const char *schema_section_name(enum schema_section section);

#endif
