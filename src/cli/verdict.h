/* Comparing source and target, and telling the result: `verify`, and the end of a demo. */
#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include "cli/ends.h"

struct verdict_call {
	const char *const *tables; /* none: all */
	size_t n_tables, show;
	double sample; /* see verify.h */
	bool json;
};

/* Prints the report on standard output, on a terminal with a line of progress before it. DONE where all is
 * equal. */
int show_verdict(struct ends *, const struct verdict_call *);

#endif
