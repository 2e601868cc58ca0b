/* The ClickHouse engine on a real server: statements, their stats and their end, relations, the dialect. */
#include <pthread.h>
#include <unistd.h>
#include "core/engine.h"
#include "fixture.h"

static struct engine *engine;
static struct arena arena;
static const struct dialect *d;

static int open_engine(void **state)
{
	const struct engine_ops *ops = engine_find("clickhouse");
	struct error err = {0};

	if (make_fixture(state))
		return 1;
	arena_init(&arena);
	engine = xcalloc(1, ops->size);
	engine->ops = ops;
	engine->name = "warehouse";
	d = ops->dialect;
	assert_true(option_defaults(ops->options, engine, &arena, &err));
	assert_true(option_set(ops->options, engine, "url", server_url(), &arena, &err));
	if (!ops->open(engine, &err))
		fail_msg("%s", err.text);
	ask(*state, "CREATE DATABASE {db}");
	return 0;
}

static int close_engine(void **state)
{
	engine->ops->close(engine);
	free(engine);
	arena_release(&arena);
	return drop_fixture(state);
}

static struct relation_name in(void **state, const char *name)
{
	return (struct relation_name){((struct fixture *)*state)->database, name};
}

static void run(const char *sql)
{
	const struct statement s = {.sql = sql};
	WORKS(engine->ops->run(engine, &s, NULL, &err));
}

/* Runs one statement of the dialect: SAY(exchange, a, b). */
#define SAY(what, ...)                       \
	do {                                 \
		struct buf said;             \
		buf_init(&said, BUF_MAX);    \
		d->what(&said, __VA_ARGS__); \
		run(buf_text(&said));        \
		buf_release(&said);          \
	} while (0)

static struct relation_info inspect(struct relation_name name)
{
	struct relation_info info;
	WORKS(engine->ops->inspect(engine, name, &arena, &info, &err));
	return info;
}

static const struct table_spec plain = {
	.order_by = "id", .partition_by = "d", .comment = "{'a': \"b\"}"};
static const char rows_of_two_days[] =
	"SELECT number AS id, toDate('2026-11-20') + number % 2 AS d FROM numbers(10) -- ten";

static struct relation_name table_of_two_days(void **state, const char *name)
{
	struct relation_name t = in(state, name);
	SAY(create_table, t, &plain, NULL, rows_of_two_days);
	SAY(insert, t, NULL, rows_of_two_days);
	return t;
}

static void columns_are_traced_to_the_tables_that_they_come_from(void **state)
{
	struct relation_name t = table_of_two_days(state, "traced");
	CLEANUP(free_string) char *relation = xasprintf("%s.%s", t.database, t.name);
	CLEANUP(free_string)
	char *sql = xasprintf("WITH x AS (SELECT *, id + 1 AS next FROM %s)\n"
			      "SELECT d, max(next) AS last, 1 AS one FROM x GROUP BY d -- end",
		relation);
	struct lineage lineage;

	WORKS(engine->ops->lineage(engine, sql, &arena, &lineage, &err));
	assert_int_equal(lineage.len, 3);
	assert_string_equal(lineage.items[1].name, "last");
	assert_string_equal(lineage.items[1].type, "UInt64");
	assert_int_equal(lineage.items[1].n_inputs, 1);
	assert_string_equal(lineage.items[1].inputs->relation, relation);
	assert_string_equal(lineage.items[1].inputs->column, "id");
	assert_int_equal(lineage.items[1].inputs->how, LINEAGE_AGGREGATED);
	assert_int_equal(lineage.items[0].inputs->how, LINEAGE_SAME);
	assert_null(lineage.items[0].gap);
	assert_int_equal(lineage.items[2].n_inputs, 0);
}

static void a_statement_tells_what_it_read_wrote_and_took(void **state)
{
	struct relation_name t = in(state, "t");
	struct statement_stats stats;
	struct buf sql;

	SAY(create_table, t, &plain, NULL, rows_of_two_days);
	buf_init(&sql, BUF_MAX);
	d->insert(&sql, t, NULL, rows_of_two_days);
	const struct statement s = {.sql = buf_text(&sql)};
	WORKS(engine->ops->run(engine, &s, &stats, &err));
	assert_int_equal(stats.read_rows, 10);
	assert_int_equal(stats.written_rows, 10);
	assert_true(stats.us > 0);
	const struct statement large = {
		.sql = "SELECT count() FROM (SELECT number, toString(number) FROM numbers(1000000) "
		       "GROUP BY ALL)"};
	WORKS(engine->ops->run(engine, &large, &stats, &err));
	assert_true(stats.peak_bytes > 16 << 20);
	buf_release(&sql);
}

static void an_error_names_the_line_of_the_statement(void **state)
{
	struct statement_stats stats;
	struct error err = {0};
	(void)state;

	const struct statement s = {.sql = "SELECT 1,\n2,\n3 FROM FROM x"};
	assert_false(engine->ops->run(engine, &s, &stats, &err));
	assert_int_equal(err.kind, ERROR_TABLE);
	assert_int_equal(stats.line, 3);
	const struct statement unknown = {.sql = "SELECT 1 FROM nowhere.nothing"};
	assert_false(engine->ops->run(engine, &unknown, &stats, &err));
	assert_int_equal(stats.line, 0);
	assert_non_null(strstr(err.text, "nowhere"));
}

static void a_statement_ends_after_its_time(void **state)
{
	struct error err = {0};
	(void)state;

	const struct statement s = {.sql = "SELECT count() FROM numbers(1000000000000) WHERE NOT "
					   "ignore(sipHash64(number))",
		.timeout_ms = 300};
	assert_false(engine->ops->run(engine, &s, NULL, &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_non_null(strstr(err.text, "imeout"));
}

static const char endless[] =
	"SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number, 7))";
static atomic_bool cancelled;

static void *run_endless(void *out)
{
	const struct statement s = {.sql = endless, .id = "endless", .cancelled = &cancelled};
	struct error *err = out;
	if (engine->ops->run(engine, &s, NULL, err))
		error_set(err, ERROR_BROKEN, "it ended by itself");
	return NULL;
}

static const char *n_running(void **state)
{
	return ask(*state, "SELECT count() FROM system.processes WHERE query_id = 'endless'");
}

static void a_cancelled_statement_ends_in_the_server_too(void **state)
{
	struct error err = {0};
	pthread_t thread;

	atomic_store(&cancelled, false);
	pthread_create(&thread, NULL, run_endless, &err);
	for (int i = 0; i < 1000 && strcmp(n_running(state), "1") != 0; i++)
		usleep(10000);
	assert_string_equal(n_running(state), "1");
	atomic_store(&cancelled, true);
	pthread_join(thread, NULL);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_string_equal(n_running(state), "0");
}

static void answers_keep_nulls_and_every_byte_apart(void **state)
{
	struct engine_rows rows;
	(void)state;

	const struct statement s = {.sql = "SELECT NULL AS n, '' AS empty, 'a\\tb\\nc\\\\N\\r' AS "
					   "text, '\\\\N' AS no_null "
					   "FROM numbers(2); -- end"};
	WORKS(engine->ops->query(engine, &s, &arena, &rows, &err));
	assert_int_equal(rows.n_columns, 4);
	assert_int_equal(rows.n_rows, 2);
	assert_string_equal(rows.names[3], "no_null");
	assert_null(rows.cells[4]);
	assert_string_equal(rows.cells[5], "");
	assert_string_equal(rows.cells[6], "a\tb\nc\\N\r");
	assert_string_equal(rows.cells[7], "\\N");
	const struct statement none = {.sql = "SELECT 1 AS a, 2 AS b WHERE 0"};
	WORKS(engine->ops->query(engine, &none, &arena, &rows, &err));
	assert_int_equal(rows.n_columns, 2);
	assert_int_equal(rows.n_rows, 0);
}

static void a_table_is_described_as_it_was_said(void **state)
{
	static const struct engine_setting nulls[] = {{"join_use_nulls", "1"}, {NULL, NULL}};
	struct relation_name t = table_of_two_days(state, "we`ird \\ name");
	struct relation_info info = inspect(t);
	struct engine_columns columns;

	assert_int_equal(info.kind, RELATION_TABLE);
	assert_string_equal(info.order_by, "id");
	assert_string_equal(info.partition_by, "d");
	assert_string_equal(info.comment, plain.comment);
	assert_int_equal(info.rows, 10);
	assert_true(info.bytes > 0);
	WORKS(engine->ops->columns(engine, t, &arena, &columns, &err));
	assert_int_equal(columns.len, 2);
	assert_string_equal(columns.items[1].name, "d");
	assert_string_equal(columns.items[1].type, "Date");
	WORKS(engine->ops->describe(engine, "SELECT 1 AS a, NULL::Nullable(String) AS b -- x", NULL,
		&arena, &columns, &err));
	assert_string_equal(columns.items[0].type, "UInt8");
	assert_string_equal(columns.items[1].type, "Nullable(String)");
	WORKS(engine->ops->describe(engine,
		"SELECT b.x FROM (SELECT 1 AS x) a LEFT JOIN (SELECT 1 AS "
		"x) b USING x",
		nulls, &arena, &columns, &err));
	assert_string_equal(columns.items[0].type, "Nullable(UInt8)");
	assert_int_equal(inspect(in(state, "nothing")).kind, RELATION_ABSENT);
}

/* "a UInt8, b String" */
static const char *described(const char *select)
{
	struct engine_columns columns;
	char *out = arena_strdup(&arena, "");

	WORKS(engine->ops->describe(engine, select, NULL, &arena, &columns, &err));
	for (size_t i = 0; i < columns.len; i++)
		out = arena_printf(&arena, "%s%s%s %s", out, i ? ", " : "", columns.items[i].name,
			columns.items[i].type);
	return out;
}

/* What is kept of one description is never taken for that of another. */
static void a_query_is_described_as_it_is_now(void **state)
{
	struct relation_name t = table_of_two_days(state, "t");
	const char *all = arena_printf(&arena, "SELECT * FROM `%s`.t", t.database);
	const char *of_day = "SELECT 1 AS a WHERE toDate('2026-11-2%d') > today()";

	assert_string_equal(described(arena_printf(&arena, of_day, 1)), "a UInt8");
	assert_string_equal(described(arena_printf(&arena, of_day, 2)), "a UInt8");
	assert_string_equal(described("SELECT toDecimal64(1, 2) AS a"), "a Decimal(18, 2)");
	assert_string_equal(described("SELECT toDecimal64(1, 4) AS a"), "a Decimal(18, 4)");
	assert_string_equal(described("SELECT 1 AS a1"), "a1 UInt8");
	assert_string_equal(described("SELECT 1 AS a2"), "a2 UInt8");
	assert_string_equal(described("SELECT 1 AS a UNION ALL SELECT -1"), "a Int16");
	assert_string_equal(described("SELECT 1 AS a UNION ALL SELECT 999"), "a UInt16");
	assert_string_equal(described(all), "id UInt64, d Date");
	run(arena_printf(&arena, "ALTER TABLE `%s`.t ADD COLUMN c String FIRST", t.database));
	assert_string_equal(described(all), "c String, id UInt64, d Date");
	for (int i = 0; i < 40; i++)
		assert_string_equal(
			described(arena_printf(&arena, "SELECT 1 AS %c%d", 'a' + i % 26, i)),
			arena_printf(&arena, "%c%d UInt8", 'a' + i % 26, i));
	assert_string_equal(described(all), "c String, id UInt64, d Date");
}

static void what_is_not_there_has_no_columns(void **state)
{
	const struct relation_name nowhere = {"no database of that name", "t"};
	struct engine_columns columns;

	WORKS(engine->ops->columns(engine, in(state, "nothing"), &arena, &columns, &err));
	assert_int_equal(columns.len, 0);
	WORKS(engine->ops->columns(engine, nowhere, &arena, &columns, &err));
	assert_int_equal(columns.len, 0);
}

#define DAY_US INT64_C(86400000000)

/* The engine's own word, of a table that is partitioned as put_period() says it. */
static void partitions_that_split_by_a_period_are_known(void **state)
{
	static const struct engine_column columns[] = {{.name = "at", .type = "DateTime64(6)"},
		{.name = "d", .type = "Date"}, {.name = "a b", .type = "Date"}};
	static const int64_t day = INT64_C(1795132800000000); /* 2026-11-20 */
	static const char *const months[] = {"toStartOfMonth(at, 'UTC')", "toStartOfMonth(at)"};
	struct relation_name t = in(state, "t");
	struct buf by;

	buf_init(&by, BUF_MAX);
	d->period(&by, &columns[0], PERIOD_DAY);
	run(arena_printf(&arena,
		"CREATE TABLE `%s`.t (at DateTime64(6)) ENGINE = MergeTree PARTITION BY %s ORDER "
		"BY at",
		t.database, buf_text(&by)));
	const char *says = inspect(t).partition_by;
	assert_true(d->splits_by(says, &columns[0], PERIOD_DAY, day, day + DAY_US));
	assert_false(d->splits_by(says, &columns[0], PERIOD_HOUR, day, day + DAY_US / 24));
	assert_false(d->splits_by(says, &columns[1], PERIOD_DAY, day, day + DAY_US));
	/* toDate() gives the first and last day that it has */
	assert_false(d->splits_by(says, &columns[0], PERIOD_DAY, -DAY_US, 0));
	assert_false(d->splits_by(says, &columns[0], PERIOD_DAY, 4 * day, 4 * day + DAY_US));
	assert_true(d->splits_by("toDate(d)", &columns[1], PERIOD_DAY, day, day + DAY_US));
	assert_false(d->splits_by("toDate(d)", &columns[1], PERIOD_HOUR, day, day + DAY_US));
	assert_false(d->splits_by("(toDate(d), d)", &columns[1], PERIOD_DAY, day, day + DAY_US));
	assert_false(d->splits_by("toDate(`a b`)", &columns[2], PERIOD_DAY, day, day + DAY_US));
	assert_false(d->splits_by("", &columns[1], PERIOD_DAY, day, day + DAY_US));
	for (size_t i = 0; i < COUNT_OF(months); i++) {
		assert_int_equal(
			d->splits_by(months[i], &columns[0], PERIOD_MONTH, day, day + DAY_US), !i);
		assert_false(d->splits_by(months[i], &columns[0], PERIOD_DAY, day, day + DAY_US));
	}
	buf_release(&by);
}

static void an_exchange_takes_identities_along(void **state)
{
	struct relation_name a = table_of_two_days(state, "a"), b = in(state, "b");
	const char *id = inspect(a).id;

	SAY(create_view, b, "a view", NULL, "SELECT 1 AS one -- end");
	assert_int_equal(inspect(b).kind, RELATION_VIEW);
	assert_string_equal(inspect(b).comment, "a view");
	SAY(exchange, a, b);
	assert_string_equal(inspect(b).id, id);
	assert_int_equal(inspect(a).kind, RELATION_VIEW);
	SAY(create_view, a, NULL, NULL, "SELECT 2 AS two");
	assert_string_equal(ask(*state, "SELECT * FROM {db}.a"), "2");
	SAY(drop, a, RELATION_VIEW);
	SAY(drop, b, RELATION_TABLE);
	SAY(drop, b, RELATION_TABLE);
	assert_int_equal(inspect(a).kind, RELATION_ABSENT);
}

static void a_clone_changes_alone(void **state)
{
	struct relation_name a = table_of_two_days(state, "a"), b = in(state, "b"),
			     c = in(state, "c");
	const struct engine_column more = {"more", "Nullable(String)", "it's more"};

	SAY(create_clone, b, a);
	SAY(delete_where, b, "id < 4");
	SAY(add_column, b, &more);
	SAY(add_column, b, &more);
	assert_string_equal(
		ask(*state, "SELECT count(), countIf(more IS NULL) FROM {db}.b"), "6\t6");
	assert_string_equal(ask(*state, "SELECT count() FROM {db}.a"), "10");
	SAY(create_like, c, b);
	assert_string_equal(ask(*state, "SELECT count() FROM {db}.c"), "0");
	SAY(drop_column, c, "more");
	assert_string_equal(ask(*state, "SELECT count() FROM system.columns WHERE database = "
					"'{db}' AND table = 'c'"),
		"2");
}

static void partitions_are_replaced_and_dropped(void **state)
{
	struct relation_name a = table_of_two_days(state, "a"), b = in(state, "b");
	struct engine_partitions partitions;

	SAY(create_like, b, a);
	SAY(insert, b, NULL, "SELECT 100, toDate('2026-11-20')");
	WORKS(engine->ops->partitions(engine, a, &arena, &partitions, &err));
	assert_int_equal(partitions.len, 2);
	assert_string_equal(partitions.items[0].value, "2026-11-20");
	assert_int_equal(partitions.items[0].rows, 5);
	SAY(replace_partition, a, b, partitions.items[0].id);
	SAY(replace_partition, a, b, partitions.items[0].id);
	assert_string_equal(ask(*state, "SELECT id FROM {db}.a WHERE d = '2026-11-20'"), "100");
	SAY(drop_partition, a, partitions.items[1].id);
	assert_string_equal(ask(*state, "SELECT count() FROM {db}.a"), "1");
}

static void rows_outside_of_a_range_are_found_by_partition(void **state)
{
	struct relation_name a = table_of_two_days(state, "a");
	const char *const ids[] = {"20261121", "20261122"};
	struct engine_rows rows;
	struct buf sql, condition;

	buf_init(&sql, BUF_MAX);
	buf_init(&condition, BUF_MAX);
	buf_puts(&condition, "d >= ");
	d->time(&condition, 1795132800000000); /* 2026-11-20 */
	buf_puts(&condition, " AND d < ");
	d->time(&condition, 1795219200000000);
	for (size_t n = 0; n <= COUNT_OF(ids); n++) {
		buf_clear(&sql);
		d->partitions_outside(&sql, a, ids, n, buf_text(&condition));
		const struct statement s = {.sql = buf_text(&sql)};
		WORKS(engine->ops->query(engine, &s, &arena, &rows, &err));
		assert_int_equal(rows.n_rows, n ? 2 : 1);
		assert_string_equal(rows.cells[0], "20261120");
		assert_string_equal(rows.cells[1], "0");
	}
	assert_string_equal(rows.cells[2], "20261121");
	assert_string_not_equal(rows.cells[3], "0");
	buf_clear(&sql);
	d->partitions_outside(&sql, a, NULL, 0, buf_text(&condition));
	const struct statement all = {.sql = buf_text(&sql)};
	WORKS(engine->ops->query(engine, &all, &arena, &rows, &err));
	assert_int_equal(rows.n_rows, 2);
	buf_release(&sql);
	buf_release(&condition);
}

struct few_rows {
	struct row_feed feed;
	int left;
	bool fails;
};

static bool next_few(struct row_feed *feed, const char **cells, struct error *err)
{
	struct few_rows *f = (struct few_rows *)feed;

	if (!f->left--)
		return f->fails ? error_set(err, ERROR_CONFIG, "line 7: a quote is not closed")
				: false;
	cells[0] = f->left % 2 ? "a\tb\\N\n'" : NULL;
	cells[1] = "2026-11-20";
	return true;
}

static void rows_are_loaded_as_texts(void **state)
{
	static struct engine_column two[] = {{"text", "Nullable(String)"}, {"d", "Date"}};
	const struct engine_columns columns = {two, 2};
	const struct table_spec spec = {0};
	const struct statement s = {0};
	struct relation_name t = in(state, "t");
	struct few_rows rows = {.feed.next = next_few, .left = 100000};
	struct statement_stats stats;

	SAY(create_table, t, &spec, &columns, NULL);
	WORKS(engine->ops->load(engine, &s, t, &columns, &rows.feed, &stats, &err));
	assert_int_equal(stats.written_rows, 100000);
	assert_string_equal(
		ask(*state, "SELECT count(), countIf(text IS NULL), any(text) FROM {db}.t"),
		"100000\t50000\ta\\tb\\\\N\\n\\'");
	struct error err = {0};
	rows = (struct few_rows){.feed.next = next_few, .left = 3, .fails = true};
	assert_false(engine->ops->load(engine, &s, t, &columns, &rows.feed, &stats, &err));
	assert_string_equal(err.text, "line 7: a quote is not closed");
}

static void an_answer_is_written_to_a_file(void **state)
{
	char path[] = "/tmp/tailrace-export-XXXXXX", text[64] = "";
	int fd = mkstemp(path);
	(void)state;

	const struct statement s = {.sql = "SELECT 1 AS a, 'x,y' AS b"};
	WORKS(engine->ops->export(engine, &s, EXPORT_CSV, fd, NULL, &err));
	assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
	assert_string_equal(text, "\"a\",\"b\"\n1,\"x,y\"\n");
	close(fd);
	unlink(path);
}

#define OF_ENGINE(name) cmocka_unit_test_setup_teardown(name, open_engine, close_engine)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		OF_ENGINE(columns_are_traced_to_the_tables_that_they_come_from),
		OF_ENGINE(a_statement_tells_what_it_read_wrote_and_took),
		OF_ENGINE(an_error_names_the_line_of_the_statement),
		OF_ENGINE(a_statement_ends_after_its_time),
		OF_ENGINE(a_cancelled_statement_ends_in_the_server_too),
		OF_ENGINE(answers_keep_nulls_and_every_byte_apart),
		OF_ENGINE(a_table_is_described_as_it_was_said),
		OF_ENGINE(a_query_is_described_as_it_is_now),
		OF_ENGINE(what_is_not_there_has_no_columns),
		OF_ENGINE(partitions_that_split_by_a_period_are_known),
		OF_ENGINE(an_exchange_takes_identities_along),
		OF_ENGINE(a_clone_changes_alone),
		OF_ENGINE(partitions_are_replaced_and_dropped),
		OF_ENGINE(rows_outside_of_a_range_are_found_by_partition),
		OF_ENGINE(rows_are_loaded_as_texts),
		OF_ENGINE(an_answer_is_written_to_a_file),
	};
	return run_group(argc, argv, tests, COUNT_OF(tests));
}
