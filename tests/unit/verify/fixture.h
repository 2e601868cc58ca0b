/*
 * What the tests of the comparison share: a source and a target in memory, a state store that says the
 * table is live, and what a report must hold.
 */
#ifndef TESTS_VERIFY_FIXTURE_H
#define TESTS_VERIFY_FIXTURE_H

#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../fakes.h"
#include "verify/verify.h"

static char dir[64];
static struct table *table;
static struct state *state;
static struct config config;
static struct stream_config stream;
static struct connection_config from, to;
static struct verify_options options;
static struct verify_report report;
static struct table_options table_options;

static inline void put_state(enum table_status status, uint32_t generation)
{
	struct table_state row = {.source_id = table->source_id,
		.status = status,
		.generation = generation,
		.chunks = 8,
		.chunks_done = 3};
	struct error err;
	struct buf json;

	buf_init(&json, BUF_MAX);
	table_to_json(table, &json);
	strcpy(row.schema, "public");
	strcpy(row.name, "orders");
	strcpy(row.target, "orders");
	strcpy(row.error, "no space left");
	row.definition = (char *)buf_text(&json);
	if (!state_table_put(state, "shop", &row, &err))
		fail_msg("%s", err.text);
	buf_release(&json);
}

static inline void set_position(uint64_t order)
{
	struct resume resume = {.identity = "one", .position = {.order = order, .token = "0/1"}};
	struct error err;
	if (!state_stream_begin(state, "shop", 1, &resume, &err))
		fail_msg("%s", err.text);
}

static inline void make_table(const struct column_of *columns)
{
	table_options = (struct table_options){0};
	table = table_of(columns);
	table->options = &table_options;
	fakes_init(table);
	fake_discovered = table;
	fake_head = (struct position){0};
	put_state(TABLE_LIVE, 1);
}

static const struct column_of orders[] = {{"id", "int64", "bigint", .key = true},
	{"status", "nullable(string)", "text"}, {"amount", "decimal(10,2)", "numeric(10,2)"}, {0}};

static inline int set_up(void **unused)
{
	struct error err = {0};

	(void)unused;
	snprintf(dir, sizeof dir, "/tmp/tailrace-verify-XXXXXX");
	if (!mkdtemp(dir) || !(state = state_open(dir, &err)))
		return -1;
	from = (struct connection_config){.name = "pg", .kind = "fake", .source = &fake_source_ops};
	to = (struct connection_config){.name = "ch", .kind = "fake", .sink = &fake_sink_ops};
	stream = (struct stream_config){.name = "shop", .from = &from, .to = &to};
	config = (struct config){.streams = &stream, .n_streams = 1, .server.hmac_key = "secret"};
	options = (struct verify_options){0};
	report = (struct verify_report){0};
	make_table(orders);
	return 0;
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int tear_down(void **unused)
{
	(void)unused;
	verify_release(&report);
	fakes_release();
	table_unref(table);
	state_close(state);
	return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void add(struct fake *side, int id, const char *status, const char *amount)
{
	char text[16];
	snprintf(text, sizeof text, "%d", id);
	add_row(&side->rows, OP_COPY, 1, text, status, amount);
}

static inline void add_both(int from_id, int to_id)
{
	for (int id = from_id; id < to_id; id++) {
		add(&fake_source, id, "new", "100");
		add(&fake_sink, id, "new", "100");
	}
}

static inline struct verify_table *run(enum verdict expected)
{
	struct error err = {0};

	verify_release(&report);
	if (!verify_run(&config, state, &options, &report, &err))
		fail_msg("%s", err.text);
	assert_int_equal(report.tables.len, 1);
	if (report.verdict != expected)
		fail_msg("verdict %d: %s", report.verdict,
			report.tables.items[0].not_verified ? report.tables.items[0].not_verified
							    : "-");
	return &report.tables.items[0];
}

static inline void assert_counts(const struct verify_table *t, uint64_t rows, uint64_t missing,
	uint64_t extra, uint64_t different)
{
	if (t->rows != rows || t->missing != missing || t->extra != extra ||
		t->different != different)
		fail_msg("%d rows, %d missing, %d extra, %d different", (int)t->rows,
			(int)t->missing, (int)t->extra, (int)t->different);
}

static inline void assert_named(
	const struct verify_table *t, enum verify_kind kind, const char *key, const char *column)
{
	vec_each (&t->differences, d) {
		bool same_column = column ? d->columns && !strcmp(d->columns[0], column) &&
						    !d->columns[1]
					  : !d->columns;
		if (d->kind == kind && !strcmp(d->key, key) && same_column)
			return;
	}
	fail_msg("%s is not named", key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
