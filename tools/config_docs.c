/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the reference page of the configuration to standard output; `make docs` calls it.
 */
#include "config/docs.h"

int main(void)
{
    config_write_docs(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
