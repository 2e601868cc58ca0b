/* What the configuration says of a snapshot; see snapshot.h. The settings are dbt's. */
#include "build/snapshot.h"

#include "base/clock.h"
#include "models/template/value.h"

static bool read_strategy(struct snapshot *s, struct error *err)
{
	static const char *const names[] = {[SNAPSHOT_TIMESTAMP] = "timestamp",
		[SNAPSHOT_CHECK] = "check",
		[SNAPSHOT_HISTORY] = "history"};
	const char *text = config_text(s->m, "strategy");

	for (size_t i = 0; text && i < COUNT_OF(names); i++)
		if (!strcmp(text, names[i])) {
			s->strategy = (enum snapshot_strategy)i;
			return true;
		}
	return config_wrong(s->m, "strategy", err,
		"a snapshot needs a 'strategy': timestamp, check or history");
}

static bool read_deletes(struct snapshot *s, struct error *err)
{
	static const char *const names[] = {[DELETES_IGNORE] = "ignore",
		[DELETES_INVALIDATE] = "invalidate",
		[DELETES_NEW_RECORD] = "new_record"};
	const char *text = config_text(s->m, "hard_deletes");
	struct value older = config_value(s->m, "invalidate_hard_deletes");

	if (!text && value_given(older) && value_truth(older))
		text = "invalidate";
	if (!text)
		return true;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(text, names[i])) {
			s->deletes = (enum hard_deletes)i;
			return true;
		}
	return config_wrong(
		s->m, "hard_deletes", err, "'%s' is none of ignore, invalidate, new_record", text);
}

static bool read_columns(struct snapshot *s, struct error *err)
{
	s->keys = config_texts(s->m, "unique_key");
	s->updated_at = config_text(s->m, "updated_at");
	s->checked = config_texts(s->m, "check_cols");
	if (!s->keys.n)
		return config_wrong(s->m, "unique_key", err, "a snapshot needs a 'unique_key'");
	if (s->strategy == SNAPSHOT_TIMESTAMP && !s->updated_at)
		return config_wrong(s->m, "updated_at", err,
			"strategy timestamp needs 'updated_at', the column that says when a row "
			"changed");
	if (s->strategy == SNAPSHOT_CHECK && !s->checked.n)
		return config_wrong(s->m, "check_cols", err,
			"strategy check needs 'check_cols', a list of columns or 'all'");
	if (s->checked.n == 1 && !strcmp(s->checked.items[0], "all"))
		s->checked.n = 0;
	return true;
}

/* Ours, or as `snapshot_meta_column_names` calls them. */
static const char *name_of(const struct snapshot *s, const char *key, const char *usual)
{
	struct value v = value_member(config_value(s->m, "snapshot_meta_column_names"), key);

	return v.kind == VALUE_STRING ? value_strdup(s->m->w->arena, v) : usual;
}

bool snapshot_config(struct making *m, struct snapshot *out, struct error *err)
{
	struct buf now;

	*out = (struct snapshot){.m = m};
	if (!read_strategy(out, err) || !read_deletes(out, err) || !read_columns(out, err))
		return false;
	out->current_to = config_text(m, "dbt_valid_to_current");
	if (!out->current_to)
		out->current_to = "NULL";
	buf_init(&now, BUF_MAX);
	m->d->time(&now, wall_us());
	out->now = arena_strdup(m->w->arena, buf_text(&now));
	buf_release(&now);
	out->names = (struct snapshot_names){
		.from = name_of(out, "dbt_valid_from", "valid_from"),
		.to = name_of(out, "dbt_valid_to", "valid_to"),
		.current = name_of(out, "is_current", "is_current"),
		.deleted = out->deletes == DELETES_NEW_RECORD
				   ? name_of(out, "dbt_is_deleted", "is_deleted")
				   : NULL,
	};
	return true;
}
