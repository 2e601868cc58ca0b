/* The ClickHouse engine: its options, and statements; see clickhouse.h. */
#include "engines/clickhouse/clickhouse.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include "base/clock.h"
#include "base/vec.h"

#define AT(field) offsetof(struct clickhouse_engine, field)

/* Names, defaults and ranges are those of the sink, whose help the reference page shows. */
static const struct option options[] = {
	{"url", OPTION_STRING, AT(url), "embedded"},
	{"user", OPTION_STRING, AT(user)},
	{"password", OPTION_SECRET, AT(password)},
	{"ca_file", OPTION_STRING, AT(ca_file)},
	{"verify_tls", OPTION_BOOL, AT(verify_tls), "true"},
	{"connect_timeout", OPTION_DURATION, AT(connect_timeout_ms), "10s", 100, 600000},
	{"stall_timeout", OPTION_DURATION, AT(stall_timeout_ms), "5min", 1000, 86400000},
	OPTION_END,
};

/* What every statement is sent with, below what a model says of its own. */
static const struct clickhouse_setting always[] = {
	{"async_insert", "0"},
	/* A NULL never becomes a default. */
	{"insert_null_as_default", "0"},
	{"max_partitions_per_insert_block", "0"},
	{"max_table_size_to_drop", "0"},
	{"max_partition_size_to_drop", "0"},
	{"alter_sync", "2"},
	{"mutations_sync", "2"},
	{"lightweight_deletes_sync", "2"},
	{NULL, NULL},
};

static bool read_server(struct clickhouse_engine *e, struct error *err)
{
	static const struct clickhouse_setting known[] = {{"deduplicate_insert", "disable"},
		{"deduplicate_insert_select", "disable"}, {"insert_deduplicate", "0"}};
	struct engine_rows rows;
	struct arena arena;
	size_t n = 0;

	arena_init(&arena);
	bool ok = catalog_query(e,
		"SELECT name FROM system.settings WHERE name LIKE '%deduplicate%'", NULL, &arena,
		&rows, err);
	for (size_t i = 0; ok && i < COUNT_OF(known); i++)
		for (size_t row = 0; row < rows.n_rows; row++)
			if (!strcmp(rows.cells[row], known[i].name))
				e->keep_equal[n++] = known[i];
	arena_release(&arena);
	return ok;
}

static bool clickhouse_open(struct engine *engine, struct error *err)
{
	struct clickhouse_engine *e = clickhouse_engine_of(engine);
	const struct clickhouse_options client = {
		.url = e->url,
		.user = e->user,
		.password = e->password,
		.http = {.connect_timeout_ms = e->connect_timeout_ms,
			.stall_timeout_ms = e->stall_timeout_ms,
			.ca_file = e->ca_file,
			.accept_any_certificate = !e->verify_tls},
	};

	if (!clickhouse_new(&e->client, &client, err))
		return false;
	if (read_server(e, err)) {
		descriptions_init(&e->descriptions);
		return true;
	}
	clickhouse_free(e->client);
	e->client = NULL;
	return false;
}

static void clickhouse_close(struct engine *engine)
{
	struct clickhouse_engine *e = clickhouse_engine_of(engine);

	clickhouse_free(e->client);
	e->client = NULL;
	descriptions_release(&e->descriptions);
}

/* --- statements --- */

static void draw_id(char *out, size_t size)
{
	uint64_t random[2] = {0};

	if (getrandom(random, sizeof random, 0) != sizeof random)
		random[0] = (uint64_t)wall_us();
	snprintf(out, size, "tailrace-%016llx%016llx", (unsigned long long)random[0],
		(unsigned long long)random[1]);
}

/* Ends a statement that nobody listens to any more: what it goes on to write would come on top of what
 * its repetition writes. Best effort: the server may be away. */
static void kill_query(struct clickhouse_engine *e, const char *id)
{
	const struct clickhouse_setting settings[] = {{"param_id", id}, {NULL, NULL}};
	const struct clickhouse_query query = {
		.sql = "KILL QUERY WHERE query_id = {id:String} SYNC FORMAT Null",
		.settings = settings};
	struct error ignored = {0};

	if (!clickhouse_query(e->client, &query, &ignored))
		return;
}

VEC_TYPE(settings, struct clickhouse_setting);

static bool has_setting(const struct engine_setting *list, const char *name)
{
	for (; list && list->name; list++)
		if (!strcmp(list->name, name))
			return true;
	return false;
}

static void add_settings(
	struct settings *out, const struct statement *s, const struct clickhouse_setting *more)
{
	for (const struct clickhouse_setting *it = more; it && it->name; it++)
		if (!has_setting(s->settings, it->name))
			vec_push(out, *it);
}

static void collect_settings(const struct clickhouse_engine *e, struct settings *out,
	const struct statement *s, const struct clickhouse_query *query, const char *id,
	const char *seconds)
{
	const struct clickhouse_setting own[] = {{"query_id", id},
		{s->timeout_ms ? "max_execution_time" : NULL, seconds}, {NULL, NULL}};

	add_settings(out, s, always);
	add_settings(out, s, e->keep_equal);
	add_settings(out, s, query->settings);
	for (const struct engine_setting *it = s->settings; it && it->name; it++)
		vec_push(out, ((struct clickhouse_setting){it->name, it->value}));
	for (size_t i = 0; own[i].name; i++)
		vec_push(out, own[i]);
	vec_push(out, ((struct clickhouse_setting){0}));
}

static void fill_stats(
	struct statement_stats *out, const struct clickhouse_summary *summary, int64_t us)
{
	*out = (struct statement_stats){
		.read_rows = summary->read_rows,
		.read_bytes = summary->read_bytes,
		.written_rows = summary->written_rows,
		.written_bytes = summary->written_bytes,
		.result_rows = summary->result_rows,
		.peak_bytes = summary->peak_bytes,
		.us = us,
		.line = summary->error_line,
		.column = summary->error_column,
	};
}

bool statement_perform(struct clickhouse_engine *e, const struct statement *s,
	struct clickhouse_query *query, struct statement_stats *stats, struct error *err)
{
	struct clickhouse_summary summary = {0};
	struct settings settings = {0};
	char drawn[64], seconds[32];
	const char *id = s->id;
	int64_t started_us = mono_us();

	if (!id) {
		draw_id(drawn, sizeof drawn);
		id = drawn;
	}
	snprintf(seconds, sizeof seconds, "%lld.%03lld", (long long)s->timeout_ms / 1000,
		(long long)s->timeout_ms % 1000);
	collect_settings(e, &settings, s, query, id, seconds);
	query->settings = settings.items;
	query->cancelled = s->cancelled;
	query->summary = &summary;
	query->patient = true; /* a mutation is silent until it has ended */
	bool ok = clickhouse_query(e->client, query, err);
	if (!ok && err->kind == ERROR_RETRY)
		kill_query(e, id);
	if (stats)
		fill_stats(stats, &summary, mono_us() - started_us);
	vec_release(&settings);
	return ok;
}

static bool clickhouse_run_statement(struct engine *engine, const struct statement *s,
	struct statement_stats *stats, struct error *err)
{
	struct clickhouse_query query = {.sql = s->sql};
	return statement_perform(clickhouse_engine_of(engine), s, &query, stats, err);
}

const struct engine_ops clickhouse_engine = {
	.kind = "clickhouse",
	.size = sizeof(struct clickhouse_engine),
	.options = options,
	.dialect = &clickhouse_dialect,
	.open = clickhouse_open,
	.close = clickhouse_close,
	.run = clickhouse_run_statement,
	.query = clickhouse_rows,
	.load = clickhouse_load_rows,
	.export = clickhouse_export,
	.inspect = clickhouse_inspect,
	.columns = clickhouse_columns,
	.describe = clickhouse_describe,
	.lineage = clickhouse_lineage,
	.relations = clickhouse_relations,
	.partitions = clickhouse_partitions,
};
