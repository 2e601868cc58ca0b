/* `tailrace verify`: compares the tables of source and target, and ends by the verdict. */
#include "cli/cli.h"
#include "cli/stop.h"
#include "cli/verdict.h"

#define MOST_SHOWN 1000000

enum { FLAG_JSON, FLAG_SHOW };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document"},
	{"show", "N", "name so many differences of each table (default 20)"},
	{0},
};

static int verify(const struct call *call)
{
	struct ends ends;
	struct error err = {0};
	int64_t show = 0;
	if (!flag_count(call, FLAG_SHOW, MOST_SHOWN, &show))
		return WRONG_USE;
	if (!ends_open(&ends, call->config_path, &err))
		return failed(&err);
	stop_on_signals();
	int code = ends_warehouse(&ends, &err)
			   ? show_verdict(&ends, (const char *const *)call->args,
				     (size_t)call->n_args, (size_t)show, call->flags[FLAG_JSON])
			   : failed(&err);
	ends_close(&ends);
	return code;
}

const struct command verify_command = {
	.name = "verify",
	.args = "[TABLE...]",
	.max_args = -1,
	.summary = "compare source and target, row by row, while both move",
	.help = "TABLE is public.orders, a pattern like sales.*, or a name in the target;\n"
		"without one every table is compared. Rows are read on both sides in key\n"
		"order; what differs is looked at again once the stream has passed that\n"
		"place, so that a change on its way is no difference. Names the keys of rows\n"
		"that are missing, extra or different. Ends with 0 only when all is equal.\n",
	.flags = flags,
	.run = verify,
};
