/* `tailrace verify`: compares the tables of source and target, and ends by the verdict. */
#include <unistd.h>
#include "cli/cli.h"
#include "cli/ends.h"
#include "cli/stop.h"
#include "verify/verify.h"

#define MOST_SHOWN 1000000

enum { FLAG_JSON, FLAG_SHOW };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document"},
	{"show", "N", "name so many differences of each table (default 20)"},
	{0},
};

/* One line on the terminal that is written over and over. */
static void show_progress(void *context, const struct verify_progress *p)
{
	char rows[AMOUNT], estimate[AMOUNT];
	(void)context;
	fprintf(stderr, "\r\033[K%s %s: %s, %s of about %s rows", p->stream, p->table, p->doing,
		print_count(p->rows, rows), print_count(p->rows_estimate, estimate));
}

static void print_report(const struct verify_report *report, bool json)
{
	struct buf out;
	buf_init(&out, BUF_MAX);
	if (json)
		verify_json(report, &out);
	else
		verify_print(report, &out);
	fwrite(out.data, 1, out.len, stdout);
	if (out.len && out.data[out.len - 1] != '\n')
		putchar('\n');
	buf_release(&out);
}

static int verify_tables(struct ends *ends, const struct call *call, int64_t show)
{
	struct verify_report report = {0};
	struct error err = {0};
	bool terminal = isatty(STDERR_FILENO);
	const struct verify_options options = {
		.tables = (const char *const *)call->args,
		.n_tables = (size_t)call->n_args,
		.warehouse_url = *ends->warehouse_url ? ends->warehouse_url : NULL,
		.show = (size_t)show,
		.progress = terminal ? show_progress : NULL,
		.stop = &stop_asked,
	};
	bool ok = verify_run(&ends->config, ends->state, &options, &report, &err);
	if (terminal)
		fputs("\r\033[K", stderr);
	int code = FAILED;
	if (!ok)
		code = failed(&err);
	else if (report.verdict == VERDICT_EQUAL)
		code = DONE;
	if (ok)
		print_report(&report, call->flags[FLAG_JSON]);
	verify_release(&report);
	return code;
}

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
	int code = ends_warehouse(&ends, &err) ? verify_tables(&ends, call, show) : failed(&err);
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
