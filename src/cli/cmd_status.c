/*
 * `tailrace status`: the document of the process that runs, asked over HTTP, or, where none answers, the one that
 * the state store gives. Both are the same JSON; people get it as tables.
 */
#include <jansson.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "cli/cli.h"
#include "cli/ends.h"
#include "clients/http.h"
#include "pipeline/status.h"

#define LARGEST_DOCUMENT ((size_t)256 << 20)
#define ANSWER_MS        5000

enum { FLAG_JSON };
static const struct flag flags[] = {
	{"json", NULL, "print the JSON document"},
	{0},
};

/* --- the document --- */

struct collector {
	struct http_taker taker;
	struct buf *out;
};

static bool collect(struct http_taker *taker, const uint8_t *bytes, size_t len, struct error *err)
{
	struct buf *out = ((struct collector *)taker)->out;
	if (len > buf_room(out))
		return error_set(err, ERROR_DATA, "the answer is too large");
	buf_append(out, bytes, len);
	return true;
}

static bool ask(const char *address, struct buf *out, struct error *err)
{
	const struct http_options options = {
		.connect_timeout_ms = ANSWER_MS, .stall_timeout_ms = ANSWER_MS};
	struct collector collector = {{collect}, out};
	int status = 0;
	CLEANUP(free_string) char *url = xasprintf("http://%s/api/v1/status", address);
	const struct http_request request = {
		.url = url, .taker = &collector.taker, .status = &status};
	struct http *http = http_new(&options);
	bool ok = http_perform(http, &request, err);
	if (ok && status != 200)
		ok = error_set(err, ERROR_BROKEN, "%s answers with status %d", url, status);
	http_free(http);
	return ok;
}

static bool from_state(struct ends *ends, struct buf *out, struct error *err)
{
	struct snapshot snapshot;
	if (!state_snapshot(&ends->config, ends->state, &snapshot, err))
		return false;
	snapshot_json(&snapshot, out);
	snapshot_release(&snapshot);
	return true;
}

/* *address is "" where the process does not listen or none runs. */
static bool get_document(
	struct ends *ends, int *pid, char address[128], struct buf *out, struct error *err)
{
	*pid = state_runner(ends->state);
	*address = '\0';
	if (*pid && state_fact_get(ends->state, "http_address", address, 128)) {
		struct error unreachable = {0};
		if (ask(address, out, &unreachable))
			return true;
		fprintf(stderr, "tailrace: %s; this is what is recorded\n", unreachable.text);
		buf_clear(out);
	}
	return from_state(ends, out, err);
}

/* --- for people --- */

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));
	return value ? value : "";
}

static uint64_t number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static double real(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static enum colour status_colour(const char *status)
{
	if (strcmp(status, "live") == 0 || strcmp(status, "streaming") == 0)
		return GREEN;
	if (strcmp(status, "broken") == 0 || strcmp(status, "stopped") == 0)
		return RED;
	return strcmp(status, "not running") == 0 ? PLAIN : YELLOW;
}

static void print_error(const char *table, const char *error)
{
	printf("  %s", colour(RED));
	put_plain(table, stdout);
	fputs(*table ? ": " : "", stdout);
	put_plain(error, stdout);
	puts(colour(PLAIN));
}

static void print_stream_line(const json_t *s)
{
	char lag[AMOUNT], bytes[AMOUNT], rate[AMOUNT], changes[AMOUNT];
	const char *status = text(s, "status");
	printf("%sstream %s%s  %s%s%s", colour(BOLD), text(s, "name"), colour(PLAIN),
		colour(status_colour(status)), status, colour(PLAIN));
	size_t partitions = json_array_size(json_object_get(s, "partitions"));
	if (partitions)
		printf("  %zu partition%s", partitions, plural(partitions));
	else if (*text(s, "position"))
		printf("  at %s", text(s, "position"));
	if (real(s, "lag_seconds") >= 0)
		printf("  lag %s (%s)", print_time(real(s, "lag_seconds"), lag),
			print_size(number(s, "lag_bytes"), bytes));
	printf("  %s changes", print_count(number(s, "changes"), changes));
	if (real(s, "rate") > 0)
		printf("  %s/s", print_count((uint64_t)(real(s, "rate") + 0.5), rate));
	putchar('\n');
	if (*text(s, "error"))
		print_error("", text(s, "error"));
}

static void add_row(struct grid *g, const json_t *t)
{
	char amount[AMOUNT];
	grid_cell(g, "%s", text(t, "name"));
	grid_cell(g, "%s", text(t, "target"));
	grid_cell(g, "%s", text(t, "status"));
	grid_cell(g, "%s", print_count(number(t, "rows_copied"), amount));
	if (json_integer_value(json_object_get(t, "copy_eta_s")) >= 0)
		grid_cell(g, "%.0f%%, %s left", real(t, "copy_progress") * 100,
			print_time((double)number(t, "copy_eta_s"), amount));
	else
		grid_cell(g, "%.0f%%", real(t, "copy_progress") * 100);
	grid_cell(g, "%s", print_count(number(t, "changes"), amount));
	grid_cell(g, "%.1f", real(t, "rate"));
	bool known = json_integer_value(json_object_get(t, "lag_ms")) >= 0;
	grid_cell(g, "%s", known ? print_time(real(t, "lag_ms") / 1000, amount) : "");
	grid_cell(g, "%s", print_count(number(t, "set_aside"), amount));
}

static void print_stream(const json_t *s)
{
	static const char *const heads[] = {"TABLE", "TARGET", "STATUS", "ROWS COPIED", "COPY",
		"CHANGES", "PER SECOND", "LAG", "SET ASIDE"};
	struct grid grid;
	const json_t *tables = json_object_get(s, "tables");

	print_stream_line(s);
	if (!json_array_size(tables))
		return;
	grid_init(&grid, COUNT_OF(heads), "lllrrrrrr");
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		grid_cell(&grid, "%s", heads[i]);
	for (size_t i = 0; i < json_array_size(tables); i++)
		add_row(&grid, json_array_get(tables, i));
	grid_print(&grid, "  ", stdout);
	grid_release(&grid);
	for (size_t i = 0; i < json_array_size(tables); i++) {
		const json_t *t = json_array_get(tables, i);
		if (*text(t, "error"))
			print_error(text(t, "name"), text(t, "error"));
	}
}

static void print_models(const json_t *m)
{
	uint64_t total = number(m, "total"), up_to_date = number(m, "up_to_date");

	if (!total)
		return;
	printf("\nmodels  %llu up to date", (unsigned long long)up_to_date);
	if (total > up_to_date)
		printf(", %llu to build", (unsigned long long)(total - up_to_date));
	if (number(m, "failed"))
		printf(", %s%llu failed%s", colour(RED), (unsigned long long)number(m, "failed"),
			colour(PLAIN));
	printf("; runs: %llu running, %llu queued\n", (unsigned long long)number(m, "runs_running"),
		(unsigned long long)number(m, "runs_queued"));
}

static int print_document(const struct buf *document, int pid, const char *address)
{
	json_error_t why;
	char uptime[AMOUNT], memory[AMOUNT];
	json_t *root = json_loadb((const char *)document->data, document->len, 0, &why);
	if (!root) {
		fprintf(stderr, "tailrace: the status is no JSON: %s\n", why.text);
		return FAILED;
	}
	if (pid && real(root, "uptime_s") > 0)
		printf("runs as process %d for %s with %s of memory%s%s\n\n", pid,
			print_time(real(root, "uptime_s"), uptime),
			print_size(number(root, "memory_bytes"), memory),
			*address ? ", http://" : "", address);
	else if (pid)
		printf("runs as process %d; its listener is off, so this is what is recorded\n\n",
			pid);
	else
		puts("not running; `tailrace run` starts it\n");

	const json_t *streams = json_object_get(root, "streams");
	for (size_t i = 0; i < json_array_size(streams); i++) {
		if (i)
			putchar('\n');
		print_stream(json_array_get(streams, i));
	}
	print_models(json_object_get(root, "models"));
	json_decref(root);
	return DONE;
}

static int status(const struct call *call)
{
	struct ends ends;
	struct buf document;
	struct error err = {0};
	char address[128];
	int pid, code = DONE;

	if (!ends_open(&ends, call->config_path, &err))
		return failed(&err);
	buf_init(&document, LARGEST_DOCUMENT);
	if (!get_document(&ends, &pid, address, &document, &err))
		code = failed(&err);
	else if (call->flags[FLAG_JSON])
		puts(buf_text(&document));
	else
		code = print_document(&document, pid, address);
	buf_release(&document);
	ends_close(&ends);
	return code;
}

const struct command status_command = {
	.name = "status",
	.args = "",
	.summary = "what every stream and table is doing",
	.help = "Asks the process that runs on this configuration, or, when none does, prints\n"
		"what is recorded: positions, rows copied, changes, rows set aside, last\n"
		"errors. With --json it is the document of GET /api/v1/status.\n",
	.flags = flags,
	.run = status,
};
