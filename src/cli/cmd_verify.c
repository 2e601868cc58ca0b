/* `tailrace verify`: compares the tables of source and target, and ends by the verdict. */
#include "cli/cli.h"
#include "cli/stop.h"
#include "cli/verdict.h"

#define MOST_SHOWN 1000000

enum { FLAG_JSON, FLAG_SHOW, FLAG_SAMPLE };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document"},
	{"show", "N", "name so many differences of each table (default 20)"},
	{"sample", "PERCENT",
		"compare only about so much of each large table, in ranges of keys taken at "
		"random"},
	{0},
};

/* "5", "0.1" or "5%", as a part of 1. */
static bool read_sample(const char *text, double *sample)
{
	char *end;
	double percent = strtod(text, &end);

	end += *end == '%';
	*sample = percent / 100;
	if (end != text && !*end && percent > 0 && percent <= 100)
		return true;
	wrong_use("--sample takes a part in percent, above 0 and at most 100, not '%s'", text);
	return false;
}

static int verify(const struct call *call)
{
	struct ends ends;
	struct error err = {0};
	int64_t show = 0;
	struct verdict_call asked = {.tables = (const char *const *)call->args,
		.n_tables = (size_t)call->n_args,
		.json = call->flags[FLAG_JSON]};
	if (!flag_count(call, FLAG_SHOW, MOST_SHOWN, &show) ||
		(call->flags[FLAG_SAMPLE] && !read_sample(call->flags[FLAG_SAMPLE], &asked.sample)))
		return WRONG_USE;
	asked.show = (size_t)show;
	if (!ends_open(&ends, call->config_path, &err))
		return failed(&err);
	stop_on_signals();
	int code = ends_warehouse(&ends, &err) ? show_verdict(&ends, &asked) : failed(&err);
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
		"that are missing, extra or different. Ends with 0 only when all is equal.\n"
		"Of a history the latest version of each key is compared.\n",
	.flags = flags,
	.run = verify,
};
