/*
 * What the tests of materializations share: a project written to a temporary folder, a state store, an engine on a
 * real ClickHouse (clickhouse/fixture.h), and attempts at building a model of it.
 */
#ifndef TESTS_BUILD_PROJECT_H
#define TESTS_BUILD_PROJECT_H

#include "../clickhouse/fixture.h"
#include "build/materialize.h"

struct shop {
	struct fixture *fixture;
	char folder[64];
	struct arena arena;
	struct state *state;
	struct engine *engine;
	struct project *project;
	int64_t run; /* of the next build; counted up by it */
	int64_t seq; /* of what builds are made from */
	bool full_refresh;
	int64_t timeout_ms;  /* of a build; 0: none */
	const char *message; /* of the last build */
	uint64_t rows;
	char *sql, *log; /* of the last attempt */
};

int make_shop(void **state);
int drop_shop(void **state);
#define SHOP_TEST(name) cmocka_unit_test_setup_teardown(name, make_shop, drop_shop)

void load_project(struct shop *s); /* as its files are now */
/* Writes a file of the project, "models/orders.sql"; {db} in it is the test's database. */
void write_file(struct shop *s, const char *path, const char *text);
/* One attempt at a node, or a partition of it (""), with the project as its files are now. */
bool try_build(struct shop *s, const char *node, const char *partition, struct error *err);
void build(struct shop *s, const char *node);
void build_partition(struct shop *s, const char *node, const char *partition);
/* The error of a build that must fail. */
const char *refusal(struct shop *s, const char *node, const char *partition);
/* A process of its own builds, and dies at that failpoint; true when it did. */
bool dies(struct shop *s, const char *node, const char *partition, const char *place);
/* How often the node is recorded as built: its ranges. */
size_t n_built(struct shop *s, const char *id);
/* What those who stand on it compare with. */
int64_t last_mark(struct shop *s, const char *id);
size_t n_swaps(struct shop *s);
/* Tables and views of the test's database, by name, with spaces between. */
const char *tables(struct shop *s);
#define assert_gives(s, sql, expected) assert_string_equal(ask((s)->fixture, sql), expected)

#endif
