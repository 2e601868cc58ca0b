/* The picture that the state store gives of a process that does not run. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "pipeline/status.h"

static char dir[64];
static struct state *state;
static const struct sink_ops tables, logs = {.log = true};
static struct connection_config warehouse = {.sink = &tables}, topics = {.sink = &logs};
static struct stream_config streams[2] = {
	{.name = "shop", .to = &warehouse}, {.name = "never", .to = &warehouse}};
static const struct config config = {.streams = streams, .n_streams = 2};

static int set_up(void **unused)
{
	struct error err = {0};

	(void)unused;
	snprintf(dir, sizeof dir, "/tmp/tailrace-status-XXXXXX");
	return mkdtemp(dir) && (state = state_open(dir, &err)) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int tear_down(void **unused)
{
	(void)unused;
	state_close(state);
	return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_table(uint64_t id, const char *name, enum table_status status, uint32_t generation,
	uint32_t building, const char *error)
{
	char definition[] =
		"{\"source_id\":\"1\",\"schema\":\"public\",\"name\":\"t\",\"target\":\"t\","
		"\"keep\":\"latest\","
		"\"columns\":[],\"key\":[],\"rows_estimate\":\"1000\",\"bytes_estimate\":\"0\"}";
	struct table_state row = {.source_id = id,
		.schema = "public",
		.status = status,
		.generation = generation,
		.building = building,
		.definition = definition};
	struct error err;

	snprintf(row.name, sizeof row.name, "%s", name);
	snprintf(row.target, sizeof row.target, "%s", name);
	snprintf(row.error, sizeof row.error, "%s", error);
	if (!state_table_put(state, "shop", &row, &err))
		fail_msg("%s", err.text);
}

static void fill_state(void)
{
	struct resume resume = {.identity = "one", .position = {.order = 7, .token = "0/16B3748"}};
	struct chunks chunks = {0};
	struct error err;

	assert_true(state_stream_begin(state, "shop", 3, &resume, &err));
	assert_true(state_stream_advance(state, "shop", &resume.position, 42, &err));
	assert_true(
		state_stream_status(state, "shop", "retrying", "connection \"pg\" refused", &err));
	put_table(1, "copying", TABLE_COPYING, 0, 1, "");
	put_table(2, "live", TABLE_LIVE, 2, 0, "");
	put_table(3, "torn", TABLE_BROKEN, 1, 0, "no space left");
	for (uint32_t i = 0; i < 4; i++)
		vec_push(&chunks, ((struct chunk){.number = i, .spec = "all"}));
	assert_true(state_chunks_plan(state, "shop", 1, 1, &chunks, &err));
	assert_true(state_chunk_done(state, "shop", 1, 1, 2, 250, &err));
	assert_true(state_table_counts(state, "shop", 3, 5, 6, &err));
	vec_release(&chunks);
}

static void a_process_that_does_not_run_is_known_from_its_state(void **unused)
{
	(void)unused;
	struct snapshot snapshot;
	struct error err = {0};

	fill_state();
	assert_true(state_snapshot(&config, state, &snapshot, &err));
	assert_false(snapshot.running);
	assert_int_equal(snapshot.n_streams, 2);
	const struct stream_snapshot *shop = &snapshot.streams[0];
	assert_string_equal(shop->status, "not running");
	assert_string_equal(shop->error, "connection \"pg\" refused");
	assert_string_equal(shop->position, "0/16B3748");
	assert_int_equal(shop->epoch, 3);
	assert_int_equal(shop->changes, 42);
	assert_int_equal(shop->set_aside, 6);
	assert_int_equal(shop->rows_copied, 250);
	assert_true(shop->lag_seconds == -1);
	assert_int_equal(shop->n_tables, 3);
	assert_string_equal(shop->tables[0].name, "public.copying");
	assert_true(shop->tables[0].copy_progress == 0.25);
	assert_int_equal(shop->tables[0].rows_estimate, 1000);
	assert_true(shop->tables[1].copy_progress == 1);
	assert_string_equal(shop->tables[2].status, "broken");
	assert_string_equal(shop->tables[2].error, "no space left");
	assert_string_equal(snapshot.streams[1].name, "never");
	assert_int_equal(snapshot.streams[1].n_tables, 0);
	snapshot_release(&snapshot);
}

static void a_table_kept_as_history_alone_is_shown_as_what_is_read(void **unused)
{
	static const char *const keeps[] = {"latest", "history", "both"};
	static const char *const read_as[] = {"visits", "visits_log", "visits"};
	struct snapshot snapshot;
	struct error err = {0};

	(void)unused;
	fill_state();
	for (int i = 0; i < 3; i++) {
		char definition[256];
		snprintf(definition, sizeof definition,
			"{\"source_id\":\"1\",\"schema\":\"public\",\"name\":\"visits\",\"target\":"
			"\"visits\","
			"\"keep\":\"%s\",\"columns\":[],\"key\":[],\"rows_estimate\":\"0\","
			"\"bytes_estimate\":\"0\"}",
			keeps[i]);
		struct table_state row = {.source_id = 7,
			.schema = "public",
			.name = "visits",
			.target = "visits",
			.status = TABLE_LIVE,
			.definition = definition};
		assert_true(state_table_put(state, "shop", &row, &err));
		assert_true(table_state_is_called(&row, read_as[i]));
		assert_int_equal(table_state_is_called(&row, "visits_log"), i == 1);
		assert_true(state_snapshot(&config, state, &snapshot, &err));
		assert_string_equal(snapshot.streams[0].tables[3].target, read_as[i]);
		snapshot_release(&snapshot);
		streams[0].to = &topics;
		assert_true(state_snapshot(&config, state, &snapshot, &err));
		assert_string_equal(snapshot.streams[0].tables[3].target, "visits");
		snapshot_release(&snapshot);
		streams[0].to = &warehouse;
	}
}

static void a_process_that_runs_without_a_listener_keeps_its_status(void **unused)
{
	(void)unused;
	struct snapshot snapshot;
	struct error err = {0};

	fill_state();
	assert_true(state_lock(state, &err));
	assert_true(state_snapshot(&config, state, &snapshot, &err));
	assert_true(snapshot.running);
	assert_string_equal(snapshot.streams[0].status, "retrying");
	assert_string_equal(snapshot.streams[1].status, "starting");
	snapshot_release(&snapshot);
}

static struct table_snapshot table_with_all = {.name = "public.a\"b",
	.target = "ab",
	.status = "live",
	.generation = 1,
	.building = 2,
	.rows_copied = 3,
	.rows_estimate = 4,
	.chunks = 5,
	.chunks_done = 6,
	.copy_progress = 0.5,
	.copy_eta_s = -1,
	.changes = 7,
	.set_aside = 8,
	.rate = 2.5,
	.lag_ms = 35,
	.error = "line\nbreak"};

static void json_holds_every_field_once(void **unused)
{
	(void)unused;
	struct stream_snapshot stream = {.name = "shop",
		.status = "streaming",
		.error = "",
		.epoch = 255,
		.position = "0/1",
		.lag_bytes = 18446744073709551615u,
		.retained_bytes = 2,
		.lag_seconds = 0.25,
		.rate = 1234.5,
		.changes = 3,
		.transactions = 4,
		.set_aside = 5,
		.rows_copied = 6,
		.bytes_written = 7,
		.batches = 8,
		.progressing = true,
		.tables = &table_with_all,
		.n_tables = 1};
	const struct snapshot snapshot = {.running = true,
		.uptime_s = 1.5,
		.memory_bytes = 9,
		.streams = &stream,
		.n_streams = 1};
	struct buf out;

	buf_init(&out, BUF_MAX);
	snapshot_json(&snapshot, &out);
	assert_string_equal(buf_text(&out),
		"{\"running\":true,\"uptime_s\":1.500,\"memory_bytes\":9,\"streams\":[{\"name\":"
		"\"shop\",\"status\":"
		"\"streaming\",\"error\":\"\",\"epoch\":255,\"position\":\"0/"
		"1\",\"lag_bytes\":18446744073709551615,"
		"\"retained_bytes\":2,\"lag_seconds\":0.250,\"rate\":1234.500,\"changes\":3,"
		"\"transactions\":4,"
		"\"set_aside\":5,\"rows_copied\":6,\"bytes_written\":7,\"batches\":8,"
		"\"progressing\":true,\"partitions\":[],\"tables\":["
		"{\"name\":\"public.a\\\"b\",\"target\":\"ab\",\"status\":\"live\",\"generation\":"
		"1,\"building\":2,"
		"\"rows_copied\":3,\"rows_estimate\":4,\"chunks\":5,\"chunks_done\":6,\"copy_"
		"progress\":0.500,"
		"\"copy_eta_s\":-1,\"changes\":7,\"set_aside\":8,\"rate\":2.500,"
		"\"lag_ms\":35,\"error\":\"line\\nbreak\"}]}]}");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_process_that_does_not_run_is_known_from_its_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_table_kept_as_history_alone_is_shown_as_what_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_process_that_runs_without_a_listener_keeps_its_status, set_up, tear_down),
		cmocka_unit_test(json_holds_every_field_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
