/* Server, databases, tables and rows for the tests of the ClickHouse sink; see fixture.h. */
#include "fixture.h"

#include <ftw.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/failpoint.h"
#include "base/log.h"
#include "clients/clickhouse.h"
#include "warehouse/warehouse.h"

static struct warehouse *warehouse;
static char warehouse_dir[] = "/tmp/tailrace-sink-XXXXXX";
static const char *url;

const char *server_url(void)
{
	return url;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static int start_server(void **state)
{
	struct error err = {0};
	(void)state;

	url = getenv("TAILRACE_TEST_CLICKHOUSE");
	if (url)
		return 0;
	if (!mkdtemp(warehouse_dir))
		return 1;
	warehouse = warehouse_start(&(struct warehouse_options){.dir = warehouse_dir}, &err);
	if (!warehouse) {
		print_error("%s\n", err.text);
		return 1;
	}
	url = warehouse_url(warehouse);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	warehouse_stop(warehouse);
	if (warehouse)
		nftw(warehouse_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

int run_group(int argc, char **argv, const struct CMUnitTest *tests, size_t n)
{
	if (argc > 1 && !strcmp(argv[1], WAREHOUSE_CHILD))
		return warehouse_child_main(argc, argv);
	log_setup(LOG_ERROR, LOG_LOGFMT);
	setenv("TAILRACE_LIBCHDB", LIBCHDB, 0);
	return _cmocka_run_group_tests("clickhouse", tests, n, start_server, stop_server);
}

struct sink *open_sink(struct fixture *f, const char *option, const char *value)
{
	const struct sink_ops *ops = sink_find("clickhouse");
	struct sink *sink = xcalloc(1, ops->size);
	struct error err = {0};

	sink->ops = ops;
	sink->name = "warehouse";
	assert_true(option_defaults(ops->options, sink, &f->arena, &err));
	assert_true(option_set(ops->options, sink, "url", url, &f->arena, &err));
	assert_true(option_set(ops->options, sink, "database", f->database, &f->arena, &err));
	assert_true(!option || option_set(ops->options, sink, option, value, &f->arena, &err));
	if (!ops->open(sink, &err))
		fail_msg("%s", err.text);
	return sink;
}

void close_sink(struct sink *sink)
{
	sink->ops->close(sink);
	free(sink);
}

int make_fixture(void **state)
{
	static int number;
	struct fixture *f = xcalloc(1, sizeof *f);

	srandom((unsigned)++number);
	snprintf(f->database, sizeof f->database, "t%d_%d", (int)getpid(), number);
	f->sink = open_sink(f, NULL, NULL);
	*state = f;
	return 0;
}

int drop_fixture(void **state)
{
	struct fixture *f = *state;

	ask(f, "DROP DATABASE IF EXISTS {db}");
	ask(f, "DROP DATABASE IF EXISTS {cdc}");
	close_sink(f->sink);
	arena_release(&f->arena);
	free(f);
	return 0;
}

static void put_databases(const struct fixture *f, const char *sql, struct buf *out)
{
	for (; *sql; sql++) {
		if (!strncmp(sql, "{db}", 4)) {
			buf_puts(out, f->database);
			sql += 3;
		} else if (!strncmp(sql, "{cdc}", 5)) {
			buf_printf(out, "%s_cdc", f->database);
			sql += 4;
		} else {
			buf_u8(out, (uint8_t)*sql);
		}
	}
}

const char *ask(const struct fixture *f, const char *sql)
{
	static char text[65536];
	const struct clickhouse_options options = {.url = url};
	struct clickhouse *c = NULL;
	struct error err = {0};
	struct buf statement, answer;

	buf_init(&statement, BUF_MAX);
	buf_init(&answer, sizeof text - 1);
	put_databases(f, sql, &statement);
	assert_true(clickhouse_new(&c, &options, &err));
	struct clickhouse_query q = {.sql = buf_text(&statement), .answer = &answer};
	bool ok = clickhouse_query(c, &q, &err);
	if (ok && answer.len && answer.data[answer.len - 1] == '\n')
		answer.len--;
	snprintf(text, sizeof text, "%.*s", (int)answer.len, (const char *)answer.data);
	if (!ok)
		snprintf(text, sizeof text, "%s", err.text);
	clickhouse_free(c);
	buf_release(&statement);
	buf_release(&answer);
	return text;
}

static void set_column(struct table *t, size_t i, const struct column_spec *spec)
{
	struct table_column *c = &t->columns[i];
	char *type = arena_strdup(&t->arena, spec->type);
	size_t len = strlen(type);
	struct error err = {0};

	c->key = type[len - 1] == '!';
	if (c->key)
		type[len - 1] = '\0';
	if (!type_parse(type, &t->arena, &c->type, &err))
		fail_msg("%s", err.text);
	c->name = spec->name;
	c->attribute = spec->attribute;
	c->source_type = type;
	c->missing = spec->missing;
	if (c->key)
		t->key[t->n_key++] = (uint16_t)i;
}

struct table *table_of(struct fixture *f, enum keep keep, const struct column_spec *specs)
{
	struct table *t = table_new();

	while (specs[t->n_columns].name)
		t->n_columns++;
	t->stream = "shop";
	t->source_id = 16384;
	t->schema = "public";
	t->name = t->target = "orders";
	t->keep = keep;
	t->options = &f->options;
	t->columns = arena_alloc(&t->arena, t->n_columns * sizeof *t->columns);
	t->key = arena_alloc(&t->arena, t->n_columns * sizeof *t->key);
	for (size_t i = 0; i < t->n_columns; i++)
		set_column(t, i, &specs[i]);
	return t;
}

static void add_text(struct column *c, const char *text)
{
	long long n = strtoll(text, NULL, 10);

	if (type_is_string(&c->type)) {
		size_t len = strlen(text);
		memcpy(column_add_string(c, len), text, len);
		return;
	}
	size_t width = type_width(&c->type);
	assert_in_range(width, 1, 8);
	memcpy(column_add_fixed(c, width), &n, width);
}

void add_row(struct batch *b, char op, version_t version, const char *const *values)
{
	struct row_meta meta = {.version = version,
		.op = op,
		.commit_lsn = version_commit(version),
		.commit_time_us = 1700000000000000,
		.xid = 7};

	for (size_t i = 0; i < b->table->n_columns; i++) {
		if (values[i])
			add_text(&b->columns[i], values[i]);
		else
			column_add_default(&b->columns[i]);
	}
	batch_commit_row(b, &meta);
}

const char *const every_type[N_EVERY_TYPE] = {"bool", "int16", "int32", "int64", "uint32", "uint64",
	"float32", "float64", "decimal(9,2)", "decimal(18,4)", "decimal(38,10)", "decimal(76,20)",
	"string", "symbol", "json", "uuid", "date", "timestamp", "timestamptz"};

void expect_same_row(const struct batch *a, size_t row_a, const struct batch *b, size_t row_b)
{
	for (size_t i = 0; i < a->table->n_columns; i++)
		if (!column_equal(&a->columns[i], row_a, &b->columns[i], row_b))
			fail_msg("%s differs", a->table->columns[i].source_type);
}

static void add_random_string(struct column *c)
{
	char text[64];
	int len = snprintf(text, sizeof text, c->type.kind == TYPE_JSON ? "{\"a\":%ld}" : "%ld",
		random() % 100000);

	if (c->type.kind == TYPE_STRING && random() % 4 == 0)
		text[random() % len] = (char)random();
	memcpy(column_add_string(c, (size_t)len), text, (size_t)len);
}

void add_random(struct column *c)
{
	if (c->type.nullable && random() % 4 == 0) {
		column_add_null(c);
	} else if (c->type.kind == TYPE_ARRAY || c->type.kind == TYPE_MAP) {
		for (long n = random() % 4; n > 0; n--)
			for (size_t i = 0; i < column_child_count(c->type.kind); i++)
				add_random(&c->children[i]);
		column_end_row(c);
	} else if (c->type.kind == TYPE_POINT) {
		add_random(&c->children[0]);
		add_random(&c->children[1]);
		column_end_row(c);
	} else if (type_is_string(&c->type)) {
		add_random_string(c);
	} else if (c->type.kind == TYPE_FLOAT32) {
		float value = (float)(random() - RAND_MAX / 2) / 1000;
		memcpy(column_add_fixed(c, sizeof value), &value, sizeof value);
	} else if (c->type.kind == TYPE_FLOAT64) {
		double value = (double)(random() - RAND_MAX / 2) / 1000;
		memcpy(column_add_fixed(c, sizeof value), &value, sizeof value);
	} else if (c->type.kind == TYPE_DATE) {
		int32_t days = (int32_t)(random() % 60000) - 20000;
		memcpy(column_add_fixed(c, sizeof days), &days, sizeof days);
	} else if (c->type.kind == TYPE_TIMESTAMP || c->type.kind == TYPE_TIMESTAMPTZ) {
		int64_t us = (random() - RAND_MAX / 2) * 1000003 + random() % 1000;
		memcpy(column_add_fixed(c, sizeof us), &us, sizeof us);
	} else {
		size_t width = type_width(&c->type);
		uint8_t *p = column_add_fixed(c, width);
		for (size_t i = 0; i < width; i++)
			p[i] = c->type.kind == TYPE_BOOL ? random() % 2 : (uint8_t)random();
	}
}

void attach(struct fixture *f, const struct landing *landing)
{
	WORKS(f->sink->ops->attach(f->sink, landing, &err));
}

void write_rows(struct fixture *f, const struct landing *landing, struct batch *b)
{
	WORKS(f->sink->ops->write(f->sink, landing, b, &err));
}

int crash_after_each(struct fixture *f, const char *failpoint,
	void (*step)(struct fixture *, void *), void *context)
{
	int deaths = 0;

	for (;; deaths++) {
		pid_t child = fork();
		int status;
		assert_true(child >= 0);
		if (!child) {
			char value[128];
			snprintf(value, sizeof value, "%s=kill", failpoint);
			setenv("TAILRACE_FAILPOINT", value, 1);
			failpoints_init();
			/* connections are not shared with the parent */
			f->sink = open_sink(f, NULL, NULL);
			step(f, context);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			break;
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	step(f, context);
	return deaths;
}
