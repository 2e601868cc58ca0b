/* The copy of tables in chunks, and rows by key and in the order of keys: on a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "mirror.h"

static struct cluster cluster;

static int start(void **state)
{
	(void)state;
	cluster_start(&cluster, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	cluster_stop(&cluster);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	sql(cluster.conn, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA "
			  "public TO public");
	return 0;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static struct chunks plan(struct mirror *m, struct table *t)
{
	struct chunks chunks = {0};
	struct error err = {0};

	if (!m->source->ops->plan(m->source, t, &chunks, &err))
		fail_msg("%s", err.text);
	return chunks;
}

static enum copy_status copy(struct mirror *m, struct table *t, const struct chunks *chunks,
	size_t i, struct copied *copied, struct error *err)
{
	error_clear(err);
	return m->source->ops->copy(m->source, t, &chunks->items[i], &copied->taker, err);
}

static void assert_copied(struct mirror *m, struct table *t, const char *column, const char *values)
{
	struct copied copied;

	copied_init(&copied);
	mirror_copy(m, t, &copied);
	char *found = copied_values(&copied, column);
	assert_string_equal(found, values);
	free(found);
	copied_release(&copied);
}

static void rows_of_every_leaf_are_copied_in_the_columns_of_the_root(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn,
		"CREATE TABLE root(id int, t text, n int, PRIMARY KEY(id)) PARTITION BY RANGE(id);"
		"CREATE TABLE first PARTITION OF root FOR VALUES FROM (0) TO (10);"
		"CREATE TABLE second(junk int, n int, id int PRIMARY KEY, t text); ALTER TABLE "
		"second DROP junk;"
		"ALTER TABLE root ATTACH PARTITION second FOR VALUES FROM (10) TO (20);"
		"CREATE TABLE third PARTITION OF root FOR VALUES FROM (20) TO (30) PARTITION BY "
		"RANGE(id);"
		"CREATE TABLE \"third \"\"half\" PARTITION OF third FOR VALUES FROM (20) TO (30);"
		"INSERT INTO root VALUES (1, 'a', 10), (11, 'b', 20), (21, 'c', 30)");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "root");
	assert_copied(&m, t, "t", "a,b,c");
	assert_copied(&m, t, "n", "10,20,30");
	mirror_close(&m);
}

static void a_child_by_inheritance_is_no_part_of_its_parent(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn, "CREATE TABLE parent(id int PRIMARY KEY); CREATE TABLE child(PRIMARY "
			  "KEY(id)) INHERITS (parent);"
			  "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2)");
	mirror_open(&m, cluster.url);
	assert_copied(&m, mirror_discover(&m, "parent"), "id", "1");
	assert_copied(&m, mirror_discover(&m, "child"), "id", "2");
	mirror_close(&m);
}

/* One row a block, so that 200 MB are soon written. */
static void every_row_is_in_exactly_one_chunk(void **state)
{
	struct mirror m;
	struct copied copied;
	struct error err = {0};
	uint64_t seen = 0;

	(void)state;
	sql(cluster.conn,
		"CREATE TABLE wide(id int PRIMARY KEY, filler text); ALTER TABLE wide ALTER filler "
		"SET STORAGE plain;"
		"INSERT INTO wide SELECT i, repeat('x', 5000) FROM generate_series(1, 25000) i");
	mirror_open(&m, cluster.url);
	m.rules[0].columns = &(struct selection_column){"filler", {.kind = RULE_DROP}};
	m.rules[0].n_columns = 1;
	m.source->batch_rows = 1000;
	struct table *t = mirror_discover(&m, "wide");
	struct chunks chunks = plan(&m, t);
	assert_in_range(chunks.len, 10, 25); /* smaller towards the end */
	sql(cluster.conn, "INSERT INTO wide SELECT i, repeat('x', 5000) FROM "
			  "generate_series(25001, 25100) i");
	copied_init(&copied);
	for (size_t i = chunks.len; i-- > 0;) {
		assert_int_equal(copy(&m, t, &chunks, i, &copied, &err), COPY_DONE);
		assert_true(copied.n_rows > seen);
		seen = copied.n_rows;
	}
	assert_int_equal(copied.n_rows, 25100);
	assert_in_range(copied.n_batches, 25, 75);
	char *ids = copied_values(&copied, "id"), *rest = ids, *id;
	bool *found = xcalloc(25101, sizeof *found);
	while ((id = strsep(&rest, ","))) {
		assert_false(found[atoi(id)]);
		found[atoi(id)] = true;
	}
	free(found);
	free(ids);
	vec_release(&chunks);
	copied_release(&copied);
	mirror_close(&m);
}

static void nothing_is_read_before_transactions_from_before_the_fence_have_ended(void **state)
{
	struct mirror m;
	struct copied copied;
	struct error err = {0};
	PGconn *other = cluster_connect(&cluster);

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY)");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "t");
	copied_init(&copied);
	sql(other, "BEGIN; INSERT INTO t VALUES (1)");
	struct chunks chunks = plan(&m, t);
	assert_int_equal(copy(&m, t, &chunks, 0, &copied, &err), COPY_WAIT);
	char *pid = xasprintf("pid %d (user postgres", PQbackendPID(other));
	assert_has(err.text, pid);
	free(pid);
	sql(other, "PREPARE TRANSACTION 'slow'");
	assert_int_equal(copy(&m, t, &chunks, 0, &copied, &err), COPY_WAIT);
	assert_has(err.text, "prepared transaction 'slow'");
	assert_int_equal(copied.n_rows, 0);
	sql(other, "COMMIT PREPARED 'slow'");
	sql(other, "BEGIN; INSERT INTO t VALUES (2)"); /* behind the fence: nobody waits for it */
	assert_int_equal(copy(&m, t, &chunks, 0, &copied, &err), COPY_DONE);
	assert_int_equal(copied.n_rows, 1);
	vec_release(&chunks);
	copied_release(&copied);
	mirror_close(&m);
	PQfinish(other);
}

static void a_fence_that_is_set_anew_waits_for_what_was_open_then(void **state)
{
	struct mirror m;
	struct copied copied;
	struct error err = {0};
	PGconn *other = cluster_connect(&cluster);

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY)");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "t");
	copied_init(&copied);
	struct chunks chunks = plan(&m, t);
	sql(other, "BEGIN; INSERT INTO t VALUES (1)");
	assert_int_equal(copy(&m, t, &chunks, 0, &copied, &err), COPY_DONE);
	assert_int_equal(copied.n_rows, 0);
	if (!m.source->ops->renew(m.source, &chunks, &err))
		fail_msg("%s", err.text);
	assert_int_equal(copy(&m, t, &chunks, 0, &copied, &err), COPY_WAIT);
	sql(other, "COMMIT");
	assert_int_equal(copy(&m, t, &chunks, 0, &copied, &err), COPY_DONE);
	assert_int_equal(copied.n_rows, 1);
	vec_release(&chunks);
	copied_release(&copied);
	mirror_close(&m);
	PQfinish(other);
}

static void a_lock_is_waited_for_and_its_holder_named(void **state)
{
	struct mirror m;
	struct copied copied;
	struct error err = {0};
	PGconn *other = cluster_connect(&cluster);

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY); INSERT INTO t VALUES (1)");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "t");
	struct chunks chunks = plan(&m, t);
	copied_init(&copied);
	sql(other, "BEGIN; LOCK TABLE t");
	assert_int_equal(copy(&m, t, &chunks, 0, &copied, &err), COPY_WAIT);
	char *pid = xasprintf("pid %d (user postgres, idle in transaction", PQbackendPID(other));
	assert_has(err.text, pid);
	free(pid);
	sql(other, "ROLLBACK");
	assert_int_equal(copy(&m, t, &chunks, 0, &copied, &err), COPY_DONE);
	vec_release(&chunks);
	copied_release(&copied);
	mirror_close(&m);
	PQfinish(other);
}

static void chunks_of_a_rewritten_table_are_stale(void **state)
{
	static const char *const rewrites[] = {"VACUUM FULL root", "TRUNCATE root",
		"ALTER TABLE root ALTER b TYPE bigint", "ALTER TABLE root DETACH PARTITION leaf",
		"DROP TABLE root CASCADE"};
	struct mirror m;
	struct copied copied;
	struct error err = {0};

	(void)state;
	copied_init(&copied);
	for (size_t i = 0; i < COUNT_OF(rewrites); i++) {
		clean(NULL);
		sql(cluster.conn,
			"CREATE TABLE root(id int PRIMARY KEY, b int) PARTITION BY RANGE(id);"
			"CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (9); INSERT "
			"INTO root VALUES (1)");
		mirror_open(&m, cluster.url);
		struct table *t = mirror_discover(&m, "root");
		struct chunks chunks = plan(&m, t);
		sql(cluster.conn, rewrites[i]);
		if (copy(&m, t, &chunks, 0, &copied, &err) != COPY_STALE)
			fail_msg("after %s: %s", rewrites[i], err.text);
		vec_release(&chunks);
		mirror_close(&m);
	}
	assert_int_equal(copied.n_rows, 0);
	copied_release(&copied);
}

static void columns_are_found_by_their_number(void **state)
{
	struct mirror m;
	struct copied copied;
	struct error err = {0};

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY, a text, b text); INSERT INTO t "
			  "VALUES (1, 'a', 'b')");
	mirror_open(&m, cluster.url);
	struct table *t = table_ref(mirror_discover(&m, "t"));
	sql(cluster.conn, "ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO a; ALTER TABLE t "
			  "RENAME x TO b;"
			  "ALTER TABLE t ADD c int; ALTER TABLE t RENAME TO u");
	assert_copied(&m, t, "a", "a");
	assert_copied(&m, t, "b", "b");
	sql(cluster.conn, "ALTER TABLE u DROP a; ALTER TABLE u ADD a text");
	struct chunks chunks = plan(&m, t);
	copied_init(&copied);
	assert_int_equal(copy(&m, t, &chunks, 0, &copied, &err), COPY_WAIT);
	assert_has(err.text, "column b is dropped");
	copied_release(&copied);
	vec_release(&chunks);
	table_unref(t);
	mirror_close(&m);
}

static void rows_without_a_key_are_told_apart_by_their_place(void **state)
{
	struct mirror m;
	char *versions[2];

	(void)state;
	sql(cluster.conn, "CREATE TABLE log(a text) PARTITION BY LIST(a);"
			  "CREATE TABLE log_x PARTITION OF log FOR VALUES IN ('x');"
			  "CREATE TABLE log_y PARTITION OF log FOR VALUES IN ('y');"
			  "INSERT INTO log VALUES ('x'), ('x'), ('y')");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "log");
	for (size_t i = 0; i < COUNT_OF(versions); i++) {
		struct copied copied;
		copied_init(&copied);
		mirror_copy(&m, t, &copied);
		versions[i] = copied_values(&copied, "version");
		copied_release(&copied);
	}
	/* epoch << 120, then leaf << 48, block << 16, line */
	assert_string_equal(versions[0],
		"3987683987354747618711421180841033729,3987683987354747618711421180841033730,"
		"3987683987354747618711702655817744385");
	assert_string_equal(versions[0], versions[1]);
	free(versions[0]);
	free(versions[1]);
	mirror_close(&m);
}

static void only_rows_that_the_filter_takes_are_copied(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY, country text);"
			  "INSERT INTO t VALUES (1, 'de'), (2, 'fr'), (3, NULL), (4, 'de')");
	mirror_open(&m, cluster.url);
	m.rules[0].options.where = "country = 'de' OR id = 2";
	assert_copied(&m, mirror_discover(&m, "t"), "id", "1,2,4");
	mirror_close(&m);
}

static void a_value_that_has_no_place_is_set_aside_with_its_row(void **state)
{
	struct mirror m;
	struct copied copied;

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY, n numeric(10,2));"
			  "INSERT INTO t VALUES (1, 1), (2, 'NaN'), (3, 3)");
	mirror_open(&m, cluster.url);
	copied_init(&copied);
	mirror_copy(&m, mirror_discover(&m, "t"), &copied);
	assert_int_equal(copied.n_rows, 2);
	assert_has(buf_text(&copied.rows), "aside: n: ");
	copied_release(&copied);
	mirror_close(&m);
}

static void types_without_a_binary_form_come_as_text(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY, acl aclitem, list aclitem[]);"
			  "INSERT INTO t VALUES (1, 'postgres=r/postgres', "
			  "'{postgres=r/postgres}'), (2, NULL, NULL)");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "t");
	assert_copied(&m, t, "acl", "postgres=r/postgres,null");
	assert_true(t->columns[1].approximate);
	mirror_close(&m);
}

static void a_row_of_20_mb_passes_and_its_connection_is_not_kept(void **state)
{
	struct mirror m;
	struct copied copied;

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY, b bytea);"
			  "INSERT INTO t VALUES (1, decode(repeat('00ff', 10000000), 'hex'))");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "t");
	copied_init(&copied);
	mirror_copy(&m, t, &copied);
	assert_int_equal(copied.n_rows, 1);
	copied_release(&copied);
	char *left = sql_value(cluster.conn,
		"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tailrace'"
		" AND query LIKE 'COMMIT%'");
	assert_string_equal(left, "0");
	free(left);
	mirror_close(&m);
}

static void connections_that_the_server_ended_are_not_used_again(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY); INSERT INTO t VALUES (1)");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "t");
	assert_copied(&m, t, "id", "1");
	/* waits until they are gone */
	sql(cluster.conn, "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE "
			  "application_name = 'tailrace'");
	assert_copied(&m, t, "id", "1");
	mirror_close(&m);
}

/* Scans the whole table in small steps; asserts the order, and that a fetch by these keys finds the same rows. */
static size_t scan_and_fetch(struct mirror *m, struct table *t, size_t step)
{
	struct error err = {0};
	struct batch part, last, fetched;
	size_t n = 0, n_fetched = 0;

	batch_init(&part, t);
	batch_init(&last, t);
	batch_init(&fetched, t);
	for (;;) {
		batch_clear(&part);
		if (!m->source->ops->scan(
			    m->source, t, last.rows ? &last : NULL, step, &part, &err))
			fail_msg("%s", err.text);
		if (!part.rows)
			break;
		assert_in_range(part.rows, 1, step);
		if (last.rows)
			assert_true(batch_key_compare(&last, 0, &part, 0) < 0);
		for (size_t i = 1; i < part.rows; i++)
			assert_true(batch_key_compare(&part, i - 1, &part, i) < 0);
		batch_clear(&last);
		for (size_t c = 0; c < t->n_columns; c++)
			column_copy_row(&last.columns[c], &part.columns[c], part.rows - 1);
		batch_commit_row(&last, batch_meta(&part) + part.rows - 1);
		if (!m->source->ops->fetch(m->source, &part, &fetched, &err))
			fail_msg("%s", err.text);
		n += part.rows;
		n_fetched = fetched.rows;
	}
	assert_int_equal(n, n_fetched);
	batch_release(&part);
	batch_release(&last);
	batch_release(&fetched);
	return n;
}

static void rows_are_scanned_in_the_order_of_their_keys_and_fetched_by_them(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn,
		"CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN even AS int CHECK "
		"(value % 2 = 0);"
		"CREATE TABLE texts(k varchar(20) COLLATE \"und-x-icu\", e mood, c char(6), t "
		"text, PRIMARY KEY(e, k, c, t));"
		"INSERT INTO texts SELECT chr(160 + i % 70) || i, (array['sad','ok','happy'])[1 + "
		"i % 3]::mood,"
		" repeat('z', i % 4), chr(1 + i % 5) || '''\\%' FROM generate_series(1, 300) i;"
		"CREATE TABLE times(d date, ts timestamp, tz timestamptz, ti time, iv interval, "
		"PRIMARY KEY(d, tz, ts, ti, iv));"
		"INSERT INTO times SELECT date '1969-12-01' + i, timestamp '1900-01-01' + i * "
		"interval '1 year 1 us',"
		" timestamptz '1969-12-30' + i % 7 * interval '1.000001 hour', time '00:00' + i * "
		"interval '1 minute',"
		" i * interval '1 minute' FROM generate_series(1, 300) i;"
		"CREATE TABLE others(u uuid, n numeric, nd numeric(8,3), by bytea, f float8, l "
		"pg_lsn, i inet, b bool, e even,"
		" o oid, m money, \"we\"\"ird\" bigint, PRIMARY KEY(u, n, nd, by, f, l, i, b, e, "
		"o, m, \"we\"\"ird\"));"
		"INSERT INTO others SELECT md5((i % 7)::text)::uuid, i % 5 * -1.10, i % 9 / 7.0, "
		"decode(md5(i::text), 'hex'),"
		" i % 11 / 3.0, ('1/' || to_hex(i))::pg_lsn, ('10.0.0.' || i % 250)::inet, i % 2 = "
		"0, i * 2, i,"
		" i::int::money, -i FROM generate_series(1, 300) i;"
		"CREATE TABLE root(id int PRIMARY KEY) PARTITION BY HASH(id);"
		"CREATE TABLE leaf_0 PARTITION OF root FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
		"CREATE TABLE leaf_1 PARTITION OF root FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
		"INSERT INTO root SELECT i FROM generate_series(-100, 199) i");
	mirror_open(&m, cluster.url);
	assert_int_equal(scan_and_fetch(&m, mirror_discover(&m, "texts"), 37), 300);
	assert_int_equal(scan_and_fetch(&m, mirror_discover(&m, "times"), 37), 300);
	assert_int_equal(scan_and_fetch(&m, mirror_discover(&m, "others"), 37), 300);
	assert_int_equal(scan_and_fetch(&m, mirror_discover(&m, "root"), 37), 300);
	mirror_close(&m);
}

static void keys_that_have_no_row_or_come_twice_give_none_or_one(void **state)
{
	struct mirror m;
	struct batch keys, out;
	struct error err = {0};
	int32_t ids[] = {5, 1, 1, 7};

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, "
			  "'a'), (5, 'b')");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "t");
	batch_init(&keys, t);
	batch_init(&out, t);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		struct row_meta meta = {.op = OP_DELETE};
		memcpy(column_add_fixed(&keys.columns[0], sizeof ids[i]), &ids[i], sizeof ids[i]);
		column_add_default(&keys.columns[1]);
		batch_commit_row(&keys, &meta);
	}
	assert_true(m.source->ops->fetch(m.source, &keys, &out, &err));
	assert_int_equal(out.rows, 2);
	assert_int_equal(batch_meta(&out)->op, OP_COPY);
	assert_true(batch_meta(&out)->version == version_copied(3));
	sql(cluster.conn, "DROP TABLE t");
	batch_clear(&out);
	assert_true(m.source->ops->fetch(m.source, &keys, &out, &err));
	assert_int_equal(out.rows, 0);
	batch_release(&keys);
	batch_release(&out);
	mirror_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			rows_of_every_leaf_are_copied_in_the_columns_of_the_root, clean),
		cmocka_unit_test_setup(a_child_by_inheritance_is_no_part_of_its_parent, clean),
		cmocka_unit_test_setup(every_row_is_in_exactly_one_chunk, clean),
		cmocka_unit_test_setup(
			nothing_is_read_before_transactions_from_before_the_fence_have_ended,
			clean),
		cmocka_unit_test_setup(
			a_fence_that_is_set_anew_waits_for_what_was_open_then, clean),
		cmocka_unit_test_setup(a_lock_is_waited_for_and_its_holder_named, clean),
		cmocka_unit_test_setup(chunks_of_a_rewritten_table_are_stale, clean),
		cmocka_unit_test_setup(columns_are_found_by_their_number, clean),
		cmocka_unit_test_setup(rows_without_a_key_are_told_apart_by_their_place, clean),
		cmocka_unit_test_setup(only_rows_that_the_filter_takes_are_copied, clean),
		cmocka_unit_test_setup(a_value_that_has_no_place_is_set_aside_with_its_row, clean),
		cmocka_unit_test_setup(types_without_a_binary_form_come_as_text, clean),
		cmocka_unit_test_setup(a_row_of_20_mb_passes_and_its_connection_is_not_kept, clean),
		cmocka_unit_test_setup(connections_that_the_server_ended_are_not_used_again, clean),
		cmocka_unit_test_setup(
			rows_are_scanned_in_the_order_of_their_keys_and_fetched_by_them, clean),
		cmocka_unit_test_setup(keys_that_have_no_row_or_come_twice_give_none_or_one, clean),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
