/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference page of the configuration, written from the table of knobs.
 */
#ifndef LL_CONFIG_DOCS_H
#define LL_CONFIG_DOCS_H

#include <stdio.h>

/* In Markdown: what docs/config.md holds. */
void config_write_docs(FILE *out);

#endif
