/* The settings that each kind of statement is sent with, and whether the user may send them; see clickhouse.h. */
#include "sinks/clickhouse/clickhouse.h"

/* Where replicas answer in turn, the one that is asked has what another took. */
const struct clickhouse_setting settings_to_read[] = {{"max_block_size", "8192"},
	{"transform_null_in", "0"}, {"select_sequential_consistency", "1"}, {0}};
const struct clickhouse_setting settings_to_alter[] = {
	{"alter_sync", "2"}, {"mutations_sync", "2"}, {0}};
/* Servers refuse to drop more than 50 GB unless told so. */
const struct clickhouse_setting settings_to_drop[] = {
	{"max_table_size_to_drop", "0"}, {"max_partition_size_to_drop", "0"}, {0}};

/* What is gathered, at most, before it becomes a part: it stays in the server's memory so long. */
#define GATHERED_ROWS  "1048449"
#define GATHERED_BYTES "134217728"

void settings_to_insert(const struct clickhouse_sink *s, bool gather,
	struct clickhouse_setting out[N_SETTINGS_TO_INSERT])
{
	const struct clickhouse_setting settings[N_SETTINGS_TO_INSERT] = {
		{"async_insert", "0"},
		/* Else an insert, a DELETE and the same insert again leave no row. */
		{s->deduplicate_insert ? "deduplicate_insert" : "insert_deduplicate",
			s->deduplicate_insert ? "disable" : "0"},
		{"max_partitions_per_insert_block", "0"},
		/* A NULL must never become a default. */
		{"input_format_null_as_default", "0"},
		/* Nor a column that the storage does not have vanish. */
		{"input_format_skip_unknown_fields", "0"},
		/* A block by itself goes in as it is: one part a partition. */
		{"min_insert_block_size_rows", gather ? GATHERED_ROWS : "0"},
		{"min_insert_block_size_bytes", gather ? GATHERED_BYTES : "0"},
		{"optimize_on_insert", "0"},
		/* Of a cluster: every server has its rows on its disk. */
		{"insert_distributed_sync", "1"},
		{0},
	};
	memcpy(out, settings, sizeof settings);
}

static bool may_send(struct clickhouse_sink *s, const struct clickhouse_setting *settings,
	struct findings *f, struct error *err)
{
	const struct clickhouse_query q = {.sql = "SELECT 1", .settings = settings};
	struct error refused = {0};

	if (clickhouse_query(s->client, &q, &refused))
		return true;
	if (refused.kind != ERROR_CONFIG) {
		*err = refused;
		return false;
	}
	struct finding finding = {.level = FINDING_PROBLEM,
		.what = arena_strdup(&f->arena, refused.text),
		.mend = "take the constraint out of the user's settings profile"};
	vec_push(&f->list, finding);
	return true;
}

bool settings_check(struct clickhouse_sink *s, struct findings *f, struct error *err)
{
	struct clickhouse_setting to_insert[N_SETTINGS_TO_INSERT];
	struct rows rows;

	settings_to_insert(s, true, to_insert);
	if (!rows_query(s, "u", "SELECT toUInt64(getSetting('readonly'))", NULL, &rows, err))
		return false;
	if (rows_number(&rows, 0, 0)) {
		struct finding finding = {.level = FINDING_PROBLEM,
			.what = "the user may only read",
			.mend = "give it a settings profile with readonly = 0"};
		vec_push(&f->list, finding);
	}
	rows_release(&rows);
	return may_send(s, settings_to_read, f, err) && may_send(s, to_insert, f, err) &&
	       may_send(s, settings_to_alter, f, err) && may_send(s, settings_to_drop, f, err);
}
