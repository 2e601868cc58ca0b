/* Comparing source and target, and telling the result; see verdict.h. */
#include "cli/verdict.h"

#include <unistd.h>
#include "cli/cli.h"
#include "cli/stop.h"
#include "verify/verify.h"

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

int show_verdict(struct ends *ends, const struct verdict_call *call)
{
	struct verify_report report = {0};
	struct error err = {0};
	bool terminal = isatty(STDERR_FILENO);
	const struct verify_options options = {
		.tables = call->tables,
		.n_tables = call->n_tables,
		.warehouse_url = *ends->warehouse_url ? ends->warehouse_url : NULL,
		.show = call->show,
		.sample = call->sample,
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
		print_report(&report, call->json);
	verify_release(&report);
	return code;
}
