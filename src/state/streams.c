/* Positions and status of streams: one row a stream, one UPDATE an advance. */
#include <assert.h>
#include <string.h>
#include "base/clock.h"
#include "state/store.h"

#define PLACE_BYTES 16

static void place_write(unsigned __int128 order, uint8_t out[PLACE_BYTES])
{
	for (int i = PLACE_BYTES - 1; i >= 0; i--, order >>= 8)
		out[i] = (uint8_t)order;
}

static unsigned __int128 place_read(sqlite3_stmt *row, int column)
{
	assert(sqlite3_column_bytes(row, column) == PLACE_BYTES);
	const uint8_t *bytes = sqlite3_column_blob(row, column);
	unsigned __int128 order = 0;
	for (int i = 0; i < PLACE_BYTES; i++)
		order = order << 8 | bytes[i];
	return order;
}

static void stream_read(sqlite3_stmt *row, struct stream_state *out)
{
	struct position *position = &out->resume.position;
	out->epoch = (uint8_t)sqlite3_column_int(row, 0);
	store_text(row, 1, out->resume.identity, sizeof out->resume.identity);
	position->order = place_read(row, 2);
	store_text(row, 3, position->token, sizeof position->token);
	position->commit_time_us = sqlite3_column_int64(row, 4);
	store_text(row, 5, out->status, sizeof out->status);
	store_text(row, 6, out->error, sizeof out->error);
	out->changes = (uint64_t)sqlite3_column_int64(row, 7);
	out->updated_us = sqlite3_column_int64(row, 8);
	out->set_aside = (uint64_t)sqlite3_column_int64(row, 9);
	out->marked_us = sqlite3_column_int64(row, 10);
}

static bool stream_get(struct state *s, const char *stream, struct stream_state *out, bool *found,
	struct error *err)
{
	static const char sql[] =
		"SELECT epoch, identity, place, token, commit_time_us, status, error, changes,"
		" updated_us,"
		" (SELECT coalesce(sum(set_aside), 0) FROM tables WHERE stream = streams.name),"
		" marked_us"
		" FROM streams WHERE name = ?";

	memset(out, 0, sizeof *out);
	*found = false;
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(stream)), err);
	int step = row ? store_step(s, row, err) : -1;
	if (step != 1)
		return step == 0;
	stream_read(row, out);
	sqlite3_reset(row);
	*found = out->epoch > 0;
	return true;
}

bool state_stream_get(struct state *s, const char *stream, struct stream_state *out, bool *found,
	struct error *err)
{
	store_enter(s);
	return store_leave(s, stream_get(s, stream, out, found, err));
}

/* Nothing was changed: why? */
static bool refused(struct state *s, const char *stream, uint8_t epoch, const struct position *to,
	struct error *err)
{
	struct stream_state now;
	bool found;
	if (!stream_get(s, stream, &now, &found, err))
		return false;
	if (!found)
		return error_set(err, ERROR_BROKEN,
			"stream %s has no position to move on: it never began", stream);
	if (epoch && epoch < now.epoch)
		return error_set(err, ERROR_BROKEN,
			"stream %s is in epoch %d and cannot go back to epoch %d", stream,
			now.epoch, epoch);
	return error_set(err, ERROR_BROKEN,
		"stream %s is at position %s and cannot go back to %s; "
		"positions never move back within an epoch",
		stream, now.resume.position.token, to->token);
}

bool state_stream_begin(struct state *s, const char *stream, uint8_t epoch,
	const struct resume *resume, struct error *err)
{
	static const char sql[] =
		"INSERT INTO streams"
		" (name, epoch, identity, place, token, commit_time_us, updated_us)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
		" ON CONFLICT (name) DO UPDATE SET epoch = ?2, identity = ?3, place = ?4,"
		" token = ?5, commit_time_us = ?6, updated_us = ?7,"
		" marked_us = iif(epoch = ?2, marked_us, 0)"
		" WHERE epoch < ?2 OR (epoch = ?2 AND place <= ?4)";
	const struct position *position = &resume->position;
	uint8_t place[PLACE_BYTES];

	assert(epoch > 0);
	place_write(position->order, place);
	store_enter(s);
	bool ok = store_run(s, sql,
		VALUES(V(stream), V(epoch), V(resume->identity), BLOB(place, sizeof place),
			V(position->token), V(position->commit_time_us), V(wall_us())),
		err);
	if (ok && store_changed(s) == 0)
		ok = refused(s, stream, epoch, position, err);
	return store_leave(s, ok);
}

static bool advance(struct state *s, const char *stream, const struct position *position,
	uint64_t changes, struct error *err)
{
	static const char sql[] = "UPDATE streams SET place = ?2, token = ?3, commit_time_us = ?4,"
				  " changes = changes + ?5, updated_us = ?6"
				  " WHERE name = ?1 AND epoch > 0 AND place <= ?2";
	uint8_t place[PLACE_BYTES];

	place_write(position->order, place);
	bool ok = store_run(s, sql,
		VALUES(V(stream), BLOB(place, sizeof place), V(position->token),
			V(position->commit_time_us), V(changes), V(wall_us())),
		err);
	if (ok && store_changed(s) == 0)
		ok = refused(s, stream, 0, position, err);
	return ok;
}

bool state_stream_advance(struct state *s, const char *stream, const struct position *position,
	uint64_t changes, struct error *err)
{
	store_enter(s);
	return store_leave(s, advance(s, stream, position, changes, err));
}

bool state_stream_advance_marking(struct state *s, const char *stream,
	const struct position *position, uint64_t changes, const struct asset_mark *marks, size_t n,
	struct error *err)
{
	store_enter(s);
	if (!store_begin(s, err))
		return store_leave(s, false);
	bool ok = advance(s, stream, position, changes, err) && store_mark(s, marks, n, err) &&
		  store_mark_foreseen(s, stream, err);
	return store_leave(s, store_end(s, ok, err));
}

bool state_stream_mark(struct state *s, const char *stream, int64_t mark_us, struct error *err)
{
	store_enter(s);
	bool ok = store_run(s, "UPDATE streams SET marked_us = ?2 WHERE name = ?1",
		VALUES(V(stream), V(mark_us)), err);
	return store_leave(s, ok);
}

bool state_stream_status(struct state *s, const char *stream, const char *status, const char *error,
	struct error *err)
{
	static const char sql[] =
		"INSERT INTO streams (name, status, error, updated_us) VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT (name) DO UPDATE SET status = ?2, error = ?3, updated_us = ?4";

	store_enter(s);
	bool ok = store_run(
		s, sql, VALUES(V(stream), V(status), V(error ? error : ""), V(wall_us())), err);
	return store_leave(s, ok);
}
