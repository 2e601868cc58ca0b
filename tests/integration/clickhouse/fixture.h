/*
 * What the tests of the ClickHouse sink share: a real server (one for the whole program, or that
 * of TAILRACE_TEST_CLICKHOUSE=http://...), a database of its own for each test, tables and rows
 * in few words.
 */
#ifndef TESTS_CLICKHOUSE_FIXTURE_H
#define TESTS_CLICKHOUSE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sink.h"

struct fixture {
	struct arena arena;
	struct sink *sink;
	struct table_options options; /* of the tables made from now on */
	char database[32];
};

/* main() of a test program: runs the group with a server up, also as the server's own process. */
int run_group(int argc, char **argv, const struct CMUnitTest *tests, size_t n);
int make_fixture(void **state);
int drop_fixture(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, drop_fixture)

struct sink *open_sink(struct fixture *f, const char *option, const char *value); /* one more */
void close_sink(struct sink *sink);
const char *server_url(void);

/* The answer of a statement as tab-separated text without the last newline; {db} and {cdc} are
 * the test's databases. The error's text when it fails. Valid until the next call. */
const char *ask(const struct fixture *f, const char *sql);
#define assert_answer(f, sql, expected) assert_string_equal(ask(f, sql), expected)

struct column_spec {
	int attribute;
	const char *name, *type; /* type as type_parse() reads it; a ! behind it: in the key */
	const char *missing;
};
/* public.orders of stream `shop`; the specs end with a NULL name. */
struct table *table_of(struct fixture *f, enum keep keep, const struct column_spec *specs);
#define TABLE(f, keep, ...) table_of(f, keep, (const struct column_spec[]){__VA_ARGS__, {0}})

/* Appends a row: a text a column; NULL is NULL, of a key's tombstone a default elsewhere. */
void add_row(struct batch *b, char op, version_t version, const char *const *values);
#define ROW(b, op, version, ...) add_row(b, op, version, (const char *const[]){__VA_ARGS__})
/* The types that are no containers, as type_parse() reads them. */
#define N_EVERY_TYPE 19
extern const char *const every_type[N_EVERY_TYPE];
void expect_same_row(const struct batch *a, size_t row_a, const struct batch *b, size_t row_b);
void add_random(struct column *c); /* any type; seed it with srandom() */

/* Asserts that it worked. */
void attach(struct fixture *f, const struct landing *landing);
void write_rows(struct fixture *f, const struct landing *landing, struct batch *b);
#define WORKS(call)                               \
	do {                                      \
		struct error err = {0};           \
		if (!(call))                      \
			fail_msg("%s", err.text); \
	} while (0)

/* Runs `step` in processes that die at their first pass of the failpoint, until one has no more
 * to do there; then in this one. The number of deaths: each stands for a kill behind another step
 * of the work. */
int crash_after_each(struct fixture *f, const char *failpoint,
	void (*step)(struct fixture *, void *), void *context);

#endif
