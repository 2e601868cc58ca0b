/* Comparing source and target, and telling the result: `verify`, and the end of a demo. */
#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include "cli/ends.h"

/* Prints the report on standard output, on a terminal with a line of progress before it. No tables: all. DONE where
 * all is equal. */
int show_verdict(struct ends *, const char *const *tables, size_t n_tables, size_t show, bool json);

#endif
