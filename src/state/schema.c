/*
 * The tables of state.db. Each step below brings the database one version on; `user_version` counts
 * the steps that were taken. A step that was released is never changed: add one behind it.
 */
#include "state/store.h"

/* Places are 16 bytes, big-endian, so that they compare as bytes. */
static const char *const steps[] = {
	"CREATE TABLE streams (\n"
	"	name TEXT PRIMARY KEY,\n"
	"	epoch INTEGER NOT NULL DEFAULT 0,\n" /* 0: it has not begun yet */
	"	identity TEXT NOT NULL DEFAULT '',\n"
	"	place BLOB NOT NULL DEFAULT x'00000000000000000000000000000000',\n"
	"	token TEXT NOT NULL DEFAULT '',\n"
	"	commit_time_us INTEGER NOT NULL DEFAULT 0,\n"
	"	status TEXT NOT NULL DEFAULT 'starting',\n"
	"	error TEXT NOT NULL DEFAULT '',\n"
	"	changes INTEGER NOT NULL DEFAULT 0,\n"
	"	updated_us INTEGER NOT NULL\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE tables (\n"
	"	stream TEXT NOT NULL,\n"
	"	source_id INTEGER NOT NULL,\n"
	"	schema TEXT NOT NULL,\n"
	"	name TEXT NOT NULL,\n"
	"	target TEXT NOT NULL,\n"
	"	definition TEXT NOT NULL,\n"
	"	status TEXT NOT NULL,\n"
	"	generation INTEGER NOT NULL,\n"
	"	building INTEGER NOT NULL,\n"
	"	copied_rows INTEGER NOT NULL DEFAULT 0,\n"
	"	changes INTEGER NOT NULL DEFAULT 0,\n"
	"	set_aside INTEGER NOT NULL DEFAULT 0,\n"
	"	chunks INTEGER NOT NULL DEFAULT 0,\n"
	"	chunks_done INTEGER NOT NULL DEFAULT 0,\n"
	"	error TEXT NOT NULL,\n"
	"	updated_us INTEGER NOT NULL,\n"
	"	PRIMARY KEY (stream, source_id)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE chunks (\n"
	"	stream TEXT NOT NULL,\n"
	"	source_id INTEGER NOT NULL,\n"
	"	generation INTEGER NOT NULL,\n"
	"	number INTEGER NOT NULL,\n"
	"	spec TEXT NOT NULL,\n"
	"	done INTEGER NOT NULL DEFAULT 0,\n"
	"	copied_rows INTEGER NOT NULL DEFAULT 0,\n"
	"	PRIMARY KEY (stream, source_id, generation, number)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE requests (\n"
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	"	kind TEXT NOT NULL,\n"
	"	stream TEXT NOT NULL,\n"
	"	name TEXT NOT NULL,\n"
	"	made_us INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE TABLE facts (\n"
	"	name TEXT PRIMARY KEY,\n"
	"	value TEXT NOT NULL\n"
	") STRICT, WITHOUT ROWID;\n",

	"ALTER TABLE streams ADD COLUMN marked_us INTEGER NOT NULL DEFAULT 0",

	"CREATE TABLE runs (\n"
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	"	kind TEXT NOT NULL,\n"
	"	selector TEXT NOT NULL,\n"
	"	reason TEXT NOT NULL,\n"
	"	vars TEXT NOT NULL,\n"
	"	full_refresh INTEGER NOT NULL,\n"
	"	jobs INTEGER NOT NULL,\n"
	"	status TEXT NOT NULL,\n"
	"	cancel INTEGER NOT NULL DEFAULT 0,\n"
	"	error TEXT NOT NULL DEFAULT '',\n"
	"	created_us INTEGER NOT NULL,\n"
	"	started_us INTEGER NOT NULL DEFAULT 0,\n"
	"	ended_us INTEGER NOT NULL DEFAULT 0\n"
	") STRICT;\n"
	"CREATE TABLE steps (\n"
	"	run INTEGER NOT NULL,\n"
	"	number INTEGER NOT NULL,\n"
	"	asset TEXT NOT NULL,\n"
	"	part TEXT NOT NULL,\n"
	"	from_us INTEGER NOT NULL,\n"
	"	to_us INTEGER NOT NULL,\n"
	"	why TEXT NOT NULL,\n"
	"	quiet INTEGER NOT NULL,\n"
	"	status TEXT NOT NULL DEFAULT 'queued',\n"
	"	attempts INTEGER NOT NULL DEFAULT 0,\n"
	"	message TEXT NOT NULL DEFAULT '',\n"
	"	error TEXT NOT NULL DEFAULT '',\n"
	"	n_rows INTEGER NOT NULL DEFAULT 0,\n"
	"	started_us INTEGER NOT NULL DEFAULT 0,\n"
	"	ended_us INTEGER NOT NULL DEFAULT 0,\n"
	"	PRIMARY KEY (run, number)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE attempts (\n"
	"	run INTEGER NOT NULL,\n"
	"	step INTEGER NOT NULL,\n"
	"	number INTEGER NOT NULL,\n"
	"	status TEXT NOT NULL,\n"
	"	query_ids TEXT NOT NULL,\n"
	"	sql TEXT NOT NULL,\n"
	"	log TEXT NOT NULL,\n"
	"	error TEXT NOT NULL,\n"
	"	read_rows INTEGER NOT NULL,\n"
	"	read_bytes INTEGER NOT NULL,\n"
	"	written_rows INTEGER NOT NULL,\n"
	"	written_bytes INTEGER NOT NULL,\n"
	"	peak_bytes INTEGER NOT NULL,\n"
	"	started_us INTEGER NOT NULL,\n"
	"	ended_us INTEGER NOT NULL,\n"
	"	PRIMARY KEY (run, step, number)\n"
	") STRICT;\n"
	"CREATE TABLE reasons (\n"
	"	number INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	"	asset TEXT NOT NULL,\n"
	"	text TEXT NOT NULL,\n"
	"	at_us INTEGER NOT NULL,\n"
	"	times INTEGER NOT NULL DEFAULT 1\n"
	") STRICT;\n"
	"CREATE INDEX reasons_asset ON reasons (asset, number);\n",

	"CREATE TABLE mark_seq (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL)"
	" STRICT;\n"
	"INSERT INTO mark_seq VALUES (1, 0);\n"
	"CREATE TABLE marks (\n"
	"	asset TEXT NOT NULL,\n"
	"	part TEXT NOT NULL,\n"
	"	from_us INTEGER NOT NULL,\n"
	"	to_us INTEGER NOT NULL,\n"
	"	seq INTEGER NOT NULL,\n"
	"	PRIMARY KEY (asset, part, from_us)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE INDEX marks_seq ON marks (asset, seq);\n"
	"CREATE TABLE built (\n"
	"	asset TEXT NOT NULL,\n"
	"	part TEXT NOT NULL,\n"
	"	from_us INTEGER NOT NULL,\n"
	"	to_us INTEGER NOT NULL,\n"
	"	seq INTEGER NOT NULL,\n"
	"	fingerprint INTEGER NOT NULL,\n"
	"	checks INTEGER NOT NULL,\n" /* enum checks */
	"	as_of_us INTEGER NOT NULL,\n"
	"	position TEXT NOT NULL,\n"
	"	built_us INTEGER NOT NULL,\n"
	"	run INTEGER NOT NULL,\n"
	"	PRIMARY KEY (asset, part, from_us)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE definitions (\n"
	"	asset TEXT NOT NULL,\n"
	"	fingerprint INTEGER NOT NULL,\n"
	"	relation TEXT NOT NULL,\n"
	"	sql TEXT NOT NULL,\n"
	"	config TEXT NOT NULL,\n"
	"	put_us INTEGER NOT NULL,\n"
	"	PRIMARY KEY (asset, fingerprint)\n"
	") STRICT;\n"
	"CREATE TABLE swaps (\n"
	"	asset TEXT NOT NULL,\n"
	"	part TEXT NOT NULL,\n"
	"	from_us INTEGER NOT NULL,\n"
	"	to_us INTEGER NOT NULL,\n"
	"	seq INTEGER NOT NULL,\n"
	"	fingerprint INTEGER NOT NULL,\n"
	"	checks INTEGER NOT NULL,\n"
	"	as_of_us INTEGER NOT NULL,\n"
	"	position TEXT NOT NULL,\n"
	"	built_us INTEGER NOT NULL,\n"
	"	run INTEGER NOT NULL,\n"
	"	database TEXT NOT NULL,\n"
	"	target TEXT NOT NULL,\n"
	"	staging TEXT NOT NULL,\n"
	"	staging_id TEXT NOT NULL,\n"
	"	engine_partition TEXT NOT NULL,\n"
	"	PRIMARY KEY (asset, part, from_us, to_us)\n"
	") STRICT, WITHOUT ROWID;\n",

	"CREATE TABLE marks_ahead (\n"
	"	stream TEXT NOT NULL,\n"
	"	asset TEXT NOT NULL,\n"
	"	from_us INTEGER NOT NULL,\n"
	"	to_us INTEGER NOT NULL,\n"
	"	PRIMARY KEY (stream, asset, from_us, to_us)\n"
	") STRICT, WITHOUT ROWID",

	"CREATE TABLE lineage (\n"
	"	asset TEXT NOT NULL,\n"
	"	number INTEGER NOT NULL,\n"
	"	name TEXT NOT NULL,\n"
	"	type TEXT NOT NULL,\n"
	"	gap TEXT,\n"
	"	PRIMARY KEY (asset, number)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE lineage_inputs (\n"
	"	asset TEXT NOT NULL,\n"
	"	number INTEGER NOT NULL,\n"
	"	place INTEGER NOT NULL,\n"
	"	relation TEXT NOT NULL,\n"
	"	name TEXT NOT NULL,\n"
	"	how INTEGER NOT NULL,\n" /* enum lineage_how */
	"	PRIMARY KEY (asset, number, place)\n"
	") STRICT, WITHOUT ROWID;\n",

	"CREATE INDEX steps_asset ON steps (asset, run)",
};

static bool version_of(struct state *s, int *version, struct error *err)
{
	sqlite3_stmt *row = store_query(s, "PRAGMA user_version", NO_VALUES, err);
	int step = row ? store_step(s, row, err) : -1;
	if (step != 1)
		return false;
	*version = sqlite3_column_int(row, 0);
	sqlite3_reset(row);
	return true;
}

static bool take_steps(struct state *s, struct error *err)
{
	/* Read anew within the transaction: another process may have done it meanwhile. */
	int version;
	if (!version_of(s, &version, err))
		return false;
	for (; version < (int)COUNT_OF(steps); version++) {
		char set_version[48];
		sqlite3_snprintf(
			sizeof set_version, set_version, "PRAGMA user_version = %d", version + 1);
		if (sqlite3_exec(s->db, steps[version], NULL, NULL, NULL) != SQLITE_OK ||
			sqlite3_exec(s->db, set_version, NULL, NULL, NULL) != SQLITE_OK)
			return store_failed(s, "migrate", err);
	}
	return true;
}

bool store_migrate(struct state *s, struct error *err)
{
	int version;
	if (!version_of(s, &version, err))
		return false;
	if (version == (int)COUNT_OF(steps))
		return true;
	if (version > (int)COUNT_OF(steps) || version < 0)
		return error_set(err, ERROR_BROKEN,
			"%s is of a newer tailrace (version %d; this one knows up to %d); "
			"install that one",
			s->path, version, (int)COUNT_OF(steps));
	return store_begin(s, err) && store_end(s, take_steps(s, err), err);
}
