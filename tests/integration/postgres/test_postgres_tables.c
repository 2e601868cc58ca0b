/* Tables as the PostgreSQL source finds them, and what check says of them: on a real server. */
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

static const char *key_of(const struct table *t, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < t->n_key; i++)
		snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? "," : "",
			t->columns[t->key[i]].name);
	return out;
}

static void assert_key(struct mirror *m, const char *table, const char *key)
{
	char found[256];
	struct table *t = mirror_discover(m, table);

	assert_non_null(t);
	assert_string_equal(key_of(t, found, sizeof found), key);
	assert_int_equal(t->keep, *key ? KEEP_LATEST : KEEP_HISTORY);
	assert_null(t->problem);
}

static void assert_problem(struct mirror *m, const char *table, const char *part)
{
	struct table *t = mirror_discover(m, table);

	assert_non_null(t);
	assert_non_null(t->problem);
	if (!strstr(t->problem, part))
		fail_msg("\"%s\" is not in: %s", part, t->problem);
}

static void leaves_views_and_what_is_not_selected_are_no_tables(void **state)
{
	static const char *const absent[] = {
		"measures_1", "view", "temporary", "elsewhere", "audit"};
	struct mirror m;

	(void)state;
	sql(cluster.conn,
		"CREATE TABLE measures(id int PRIMARY KEY) PARTITION BY RANGE(id);"
		"CREATE TABLE measures_1 PARTITION OF measures FOR VALUES FROM (0) TO (9);"
		"CREATE VIEW view AS SELECT 1 AS a; CREATE TEMP TABLE temporary(id int);"
		"CREATE SCHEMA IF NOT EXISTS other; CREATE TABLE other.elsewhere(id int);"
		"CREATE TABLE audit(id int); CREATE TABLE parent(id int PRIMARY KEY);"
		"CREATE TABLE child(PRIMARY KEY(id)) INHERITS (parent)");
	mirror_open(&m, cluster.url);
	m.rules[1] = m.rules[0];
	m.rules[1].pattern = "public.audit";
	m.rules[1].exclude = true;
	m.selection.n_rules = 2;
	assert_non_null(mirror_discover(&m, "measures"));
	assert_non_null(mirror_discover(&m, "parent"));
	assert_non_null(mirror_discover(&m, "child"));
	for (size_t i = 0; i < COUNT_OF(absent); i++)
		assert_null(mirror_discover(&m, absent[i]));
	mirror_close(&m);
	sql(cluster.conn, "DROP SCHEMA other CASCADE; DROP TABLE temporary");
}

static void the_key_is_the_replica_identity(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn,
		"CREATE TABLE by_primary_key(a int, b int, c int, PRIMARY KEY(c, a));"
		"CREATE TABLE by_index(id int PRIMARY KEY, a int NOT NULL, b int NOT NULL, c int);"
		"CREATE UNIQUE INDEX i ON by_index(b, a) INCLUDE (c);"
		"ALTER TABLE by_index REPLICA IDENTITY USING INDEX i;"
		"CREATE TABLE full_with_key(a int, b int PRIMARY KEY); ALTER TABLE full_with_key "
		"REPLICA IDENTITY FULL;"
		"CREATE TABLE full_without(a int); ALTER TABLE full_without REPLICA IDENTITY FULL;"
		"CREATE TABLE nothing(a int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY "
		"NOTHING;"
		"CREATE TABLE without(a int);"
		"CREATE TABLE deferred(a int PRIMARY KEY DEFERRABLE);"
		"CREATE TABLE full_deferred(a int PRIMARY KEY DEFERRABLE);"
		"ALTER TABLE full_deferred REPLICA IDENTITY FULL");
	mirror_open(&m, cluster.url);
	assert_key(&m, "by_primary_key", "c,a");
	assert_key(&m, "by_index", "b,a");
	assert_key(&m, "full_with_key", "b");
	assert_key(&m, "full_without", "");
	assert_key(&m, "nothing", "");
	assert_key(&m, "without", "");
	assert_key(&m, "deferred", "");
	assert_key(&m, "full_deferred", "");
	mirror_close(&m);
}

static void what_cannot_be_mirrored_says_why_and_what_mends_it(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn,
		"CREATE UNLOGGED TABLE volatile(id int PRIMARY KEY); CREATE TABLE by_array(a int[] "
		"PRIMARY KEY);"
		"CREATE TABLE bare(); CREATE TABLE root(id int PRIMARY KEY) PARTITION BY RANGE(id);"
		"CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (9);"
		"ALTER TABLE leaf REPLICA IDENTITY NOTHING");
	mirror_open(&m, cluster.url);
	assert_problem(&m, "volatile", "ALTER TABLE public.volatile SET LOGGED");
	assert_problem(&m, "by_array", "REPLICA IDENTITY USING INDEX");
	assert_problem(&m, "bare", "no columns");
	assert_problem(&m, "root", "ALTER TABLE public.leaf REPLICA IDENTITY DEFAULT");
	sql(cluster.conn, "ALTER TABLE leaf REPLICA IDENTITY DEFAULT");
	assert_key(&m, "root", "id");
	mirror_close(&m);
}

static void rows_from_before_a_column_was_added_have_its_default(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn, "CREATE TABLE plain(id int PRIMARY KEY); INSERT INTO plain VALUES (1);"
			  "ALTER TABLE plain ADD n int DEFAULT 7, ADD t text DEFAULT 'a \"b\", "
			  "{c}\\', ADD e text,"
			  " ADD a int[] DEFAULT '{1,NULL,3}';"
			  "CREATE TABLE root(id int PRIMARY KEY) PARTITION BY RANGE(id);"
			  "CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (9); INSERT "
			  "INTO root VALUES (1);"
			  "ALTER TABLE root ADD b bool DEFAULT true");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "plain");
	assert_string_equal(t->columns[1].missing, "7");
	assert_string_equal(t->columns[2].missing, "\"a \\\"b\\\", {c}\\\\\"");
	assert_null(t->columns[3].missing);
	assert_string_equal(t->columns[4].missing, "\"[1,null,3]\"");
	t = mirror_discover(&m, "root");
	assert_string_equal(t->columns[1].missing, "true");
	mirror_close(&m);
}

static void assert_words(const struct table *t, const char *name, const char *source_type,
	const char *base_type, const char *labels, const char *default_sql)
{
	const struct table_column *c = &t->columns[table_column_by_name(t, name)];
	const char *got[] = {c->source_type, c->base_type, c->labels, c->default_sql};
	const char *expected[] = {source_type, base_type, labels, default_sql};

	for (size_t i = 0; i < COUNT_OF(got); i++)
		if (!got[i] != !expected[i] || (got[i] && strcmp(got[i], expected[i])))
			fail_msg("%s: got %s, expected %s", name, got[i] ? got[i] : "nothing",
				expected[i] ? expected[i] : "nothing");
}

static void columns_come_with_the_sources_words_for_their_types(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn,
		"CREATE TYPE mood AS ENUM ('sad', 'so so'); CREATE DOMAIN price AS "
		"numeric(10,2); CREATE DOMAIN rebate AS price; CREATE DOMAIN feeling AS mood;"
		"CREATE TABLE words(id serial PRIMARY KEY, p rebate DEFAULT 1, m mood "
		"DEFAULT 'sad', ms mood[], f feeling, at timestamp(3) DEFAULT now(),"
		"twice int GENERATED ALWAYS AS (2) STORED, n int[], ns int[][] NOT NULL)");
	mirror_open(&m, cluster.url);
	struct table *t = mirror_discover(&m, "words");
	assert_non_null(t);
	assert_words(t, "id", "integer", NULL, NULL, "nextval('public.words_id_seq'::regclass)");
	assert_words(t, "p", "public.rebate", "numeric(10,2)", NULL, "1");
	assert_words(t, "m", "public.mood", NULL, "sad,so so", "'sad'::public.mood");
	assert_words(t, "ms", "public.mood[]", NULL, "sad,so so", NULL);
	assert_words(t, "f", "public.feeling", "public.mood", "sad,so so", NULL);
	assert_words(t, "at", "timestamp(3) without time zone", NULL, NULL, "now()");
	const struct table_column *n = &t->columns[table_column_by_name(t, "n")];
	assert_int_equal(n->type.kind, TYPE_STRING);
	assert_int_equal(n->json_of->kind, TYPE_ARRAY);
	assert_int_equal(n->json_of->element->kind, TYPE_INT32);
	assert_null(t->columns[table_column_by_name(t, "ns")].json_of);
	mirror_close(&m);
}

/* Remembers `physical`, runs the statement, and says whether copied rows are still good. */
static bool still_good_after(struct mirror *m, const char *table, const char *statement)
{
	char *was = xstrdup(mirror_discover(m, table)->physical);

	sql(cluster.conn, statement);
	bool same = m->source->ops->same_physical(was, mirror_discover(m, table)->physical);
	free(was);
	return same;
}

static void what_changes_rows_without_logging_them_is_seen(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn, "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN feeling AS mood;"
			  "CREATE TYPE felt AS (at date, feelings feeling[]);"
			  "CREATE TABLE diary(id int PRIMARY KEY, felt felt); INSERT INTO diary "
			  "VALUES (1, NULL)");
	mirror_open(&m, cluster.url);
	assert_true(still_good_after(&m, "diary", "INSERT INTO diary VALUES (2, NULL)"));
	assert_true(still_good_after(&m, "diary", "ALTER TABLE diary ADD n int DEFAULT 1"));
	assert_true(still_good_after(&m, "diary", "ALTER TYPE mood ADD VALUE 'happy' BEFORE 'ok'"));
	assert_false(still_good_after(&m, "diary", "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'"));
	assert_false(
		still_good_after(&m, "diary", "ALTER TABLE diary ADD r float DEFAULT random()"));
	assert_false(still_good_after(&m, "diary", "TRUNCATE diary"));
	mirror_close(&m);
}

static void the_leaves_of_a_table_are_watched(void **state)
{
	struct mirror m;

	(void)state;
	sql(cluster.conn,
		"CREATE TABLE root(id int PRIMARY KEY, a int) PARTITION BY RANGE(id);"
		"CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (9);"
		"CREATE TABLE outside(id int PRIMARY KEY, a int); INSERT INTO outside VALUES (10)");
	mirror_open(&m, cluster.url);
	assert_true(still_good_after(&m, "root", "INSERT INTO root VALUES (1, 1)"));
	assert_false(still_good_after(&m, "root", "TRUNCATE leaf"));
	assert_false(still_good_after(&m, "root",
		"ALTER TABLE root ATTACH PARTITION outside FOR VALUES FROM (9) TO (99)"));
	assert_false(still_good_after(&m, "root", "VACUUM FULL outside"));
	assert_false(still_good_after(&m, "root", "ALTER TABLE root DETACH PARTITION outside"));
	mirror_close(&m);
}

/* A finding whose text holds `what`, and whose mend holds `mend` (NULL: any). */
static void assert_finding(const struct findings *f, int level, const char *what, const char *mend)
{
	vec_each (&f->list, finding)
		if ((int)finding->level == level && strstr(finding->what, what) &&
			(!mend || (finding->mend && strstr(finding->mend, mend))))
			return;
	vec_each (&f->list, finding)
		print_message("# %d %s -> %s\n", (int)finding->level, finding->what,
			finding->mend ? finding->mend : "");
	fail_msg("no finding says \"%s\", mended by \"%s\"", what, mend ? mend : "anything");
}

static void check(struct mirror *m, struct findings *f)
{
	struct error err = {0};

	*f = (struct findings){0};
	arena_init(&f->arena);
	if (!m->source->ops->check(m->source, f, &err))
		fail_msg("%s", err.text);
}

static void findings_release(struct findings *f)
{
	vec_release(&f->list);
	arena_release(&f->arena);
}

static void check_names_what_is_missing_with_the_statement_that_mends_it(void **state)
{
	struct mirror m;
	struct findings f;
	char *url = xasprintf("postgresql://reader@/postgres?host=%s", cluster.folder);

	(void)state;
	sql(cluster.conn,
		"CREATE ROLE reader LOGIN; REVOKE CREATE ON DATABASE postgres FROM public;"
		"CREATE TABLE locked(id int PRIMARY KEY); CREATE TABLE hidden(id int PRIMARY KEY);"
		"GRANT SELECT ON hidden TO reader; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;"
		"CREATE TABLE keyless(a int, b int GENERATED ALWAYS AS (a * 2) STORED, x aclitem);"
		"GRANT SELECT ON keyless TO reader; CREATE TABLE nothing(id int PRIMARY KEY);"
		"ALTER TABLE nothing REPLICA IDENTITY NOTHING; GRANT SELECT ON nothing TO reader");
	mirror_open(&m, url);
	check(&m, &f);
	assert_finding(&f, FINDING_PROBLEM, "may not replicate", "ALTER ROLE reader REPLICATION;");
	assert_finding(&f, FINDING_PROBLEM, "may not read table public.locked",
		"GRANT SELECT ON public.locked TO reader;");
	assert_finding(&f, FINDING_PROBLEM, "row security hides rows of table public.hidden",
		"ALTER ROLE reader BYPASSRLS;");
	assert_finding(&f, FINDING_PROBLEM, "may not create publication tailrace_shop",
		"GRANT CREATE ON DATABASE postgres TO reader;");
	assert_finding(&f, FINDING_PROBLEM, "not the owner of these tables", "GRANT");
	assert_finding(&f, FINDING_NOTE, "\"keyless\" has no primary key", "ADD PRIMARY KEY");
	assert_finding(&f, FINDING_NOTE, "REPLICA IDENTITY NOTHING", "REPLICA IDENTITY DEFAULT");
	assert_finding(&f, FINDING_NOTE, "column x of table", NULL);
	if (PQserverVersion(cluster.conn) < 180000)
		assert_finding(&f, FINDING_NOTE,
			"generated columns are not in the log and are left out: b", NULL);
	findings_release(&f);
	mirror_close(&m);
	sql(cluster.conn, "DROP OWNED BY reader; DROP ROLE reader");
	free(url);
}

static void check_says_what_publications_keep_back_and_refuse(void **state)
{
	struct mirror m;
	struct findings f;

	(void)state;
	if (PQserverVersion(cluster.conn) < 150000)
		skip();
	sql(cluster.conn,
		"CREATE TABLE filtered(id int PRIMARY KEY, v int); CREATE TABLE listed(id int "
		"PRIMARY KEY, v int); CREATE TABLE refused(id int PRIMARY KEY, v int);"
		"CREATE PUBLICATION tailrace_shop FOR TABLE filtered WHERE (id > 5), listed (id),"
		" refused WHERE (v > 5) WITH (publish_via_partition_root = true)");
	mirror_open(&m, cluster.url);
	check(&m, &f);
	assert_finding(&f, FINDING_NOTE, "row filter on table \"public\".\"filtered\" that is not",
		"DROP TABLE \"public\".\"filtered\"");
	assert_finding(&f, FINDING_PROBLEM, "lists columns of table \"public\".\"listed\"",
		"DROP TABLE \"public\".\"listed\"");
	assert_finding(&f, FINDING_PROBLEM,
		"filters table \"public\".\"refused\" by v, which is not in its replica identity",
		"DROP TABLE \"public\".\"refused\"");
	findings_release(&f);
	sql(cluster.conn, "DROP PUBLICATION tailrace_shop; CREATE PUBLICATION tailrace_shop FOR "
			  "ALL TABLES WITH (publish_via_partition_root = true)");
	check(&m, &f);
	assert_finding(&f, FINDING_PROBLEM, "is FOR ALL TABLES", NULL);
	findings_release(&f);
	mirror_close(&m);
	sql(cluster.conn, "DROP PUBLICATION tailrace_shop");
}

static void check_says_what_is_selected_and_no_table(void **state)
{
	struct mirror m;
	struct findings f;

	(void)state;
	sql(cluster.conn,
		"CREATE TABLE t(id int PRIMARY KEY); CREATE VIEW seen AS SELECT * FROM t;"
		"CREATE MATERIALIZED VIEW kept AS SELECT * FROM t; CREATE TEMP TABLE brief(id int);"
		"CREATE TABLE root(id int PRIMARY KEY) PARTITION BY RANGE(id);"
		"CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (9);"
		"CREATE UNLOGGED TABLE scratch(id int PRIMARY KEY)");
	mirror_open(&m, cluster.url);
	m.rules[1].pattern = "public.leaf";
	m.rules[2].pattern = "public.seen";
	m.rules[3].pattern = "public.mispelt";
	m.rules[4].pattern = "public.excluded";
	m.rules[4].exclude = true;
	m.selection.n_rules = 5;
	check(&m, &f);
	assert_finding(&f, FINDING_PROBLEM, "public.leaf (partition) is no table of its own",
		"name public.root");
	assert_finding(&f, FINDING_PROBLEM, "public.seen (view) cannot be mirrored", "take it out");
	assert_finding(
		&f, FINDING_NOTE, "has no rows of them: public.kept (materialized view)", NULL);
	assert_finding(&f, FINDING_NOTE, "public.mispelt matches no table", "spelling");
	assert_finding(&f, FINDING_PROBLEM, "\"scratch\": public.scratch is unlogged", NULL);
	vec_each (&f.list, finding)
		assert_null(strstr(finding->what, "excluded"));
	findings_release(&f);
	mirror_close(&m);
}

static void check_names_transactions_that_keep_the_slot_from_being_made(void **state)
{
	struct mirror m;
	struct findings f;
	PGconn *other = cluster_connect(&cluster);

	(void)state;
	sql(cluster.conn, "CREATE TABLE t(id int PRIMARY KEY)");
	sql(other, "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'left over'");
	mirror_open(&m, cluster.url);
	check(&m, &f);
	assert_finding(&f, FINDING_PROBLEM, "'left over'", "ROLLBACK PREPARED 'left over'");
	findings_release(&f);
	sql(other, "ROLLBACK PREPARED 'left over'");
	check(&m, &f);
	vec_each (&f.list, finding)
		assert_int_not_equal(finding->level, FINDING_PROBLEM);
	findings_release(&f);
	mirror_close(&m);
	PQfinish(other);
}

static void a_password_is_in_no_message(void **state)
{
	static const char *const urls[] = {"postgresql://u:hunter2%zz@127.0.0.1/db",
		"postgresql://u:hunter2@[::1/db", "host=127.0.0.1 password='hunter2",
		"postgresql://u:hunter2@127.0.0.1:1/db?connect_timeout=2"};
	const struct source_ops *ops = source_find("postgres");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct selection selection = {.stream = "shop"};
		struct error err = {0};
		struct arena arena;
		struct source *source = xcalloc(1, ops->size);
		arena_init(&arena);
		assert_true(option_defaults(ops->options, source, &arena, &err));
		assert_true(option_set(ops->options, source, "url", urls[i], &arena, &err));
		source->ops = ops;
		source->name = "shop";
		source->selection = &selection;
		assert_false(ops->open(source, &err));
		assert_null(strstr(err.text, "hunter2"));
		assert_int_equal(err.kind, i < 3 ? ERROR_CONFIG : ERROR_RETRY);
		arena_release(&arena);
		free(source);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(leaves_views_and_what_is_not_selected_are_no_tables, clean),
		cmocka_unit_test_setup(the_key_is_the_replica_identity, clean),
		cmocka_unit_test_setup(what_cannot_be_mirrored_says_why_and_what_mends_it, clean),
		cmocka_unit_test_setup(rows_from_before_a_column_was_added_have_its_default, clean),
		cmocka_unit_test_setup(columns_come_with_the_sources_words_for_their_types, clean),
		cmocka_unit_test_setup(what_changes_rows_without_logging_them_is_seen, clean),
		cmocka_unit_test_setup(the_leaves_of_a_table_are_watched, clean),
		cmocka_unit_test_setup(
			check_names_what_is_missing_with_the_statement_that_mends_it, clean),
		cmocka_unit_test_setup(check_says_what_publications_keep_back_and_refuse, clean),
		cmocka_unit_test_setup(check_says_what_is_selected_and_no_table, clean),
		cmocka_unit_test_setup(
			check_names_transactions_that_keep_the_slot_from_being_made, clean),
		cmocka_unit_test_setup(a_password_is_in_no_message, clean),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
