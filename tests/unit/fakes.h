/*
 * A source and a sink of one table, in memory: a batch of rows each, in any order. Tests put rows in, look
 * at what was asked, and let calls fail or the rows change in between.
 */
#ifndef TESTS_FAKES_H
#define TESTS_FAKES_H

#include "rows_of.h"
#include "base/map.h"
#include "core/sink.h"
#include "core/source.h"
#include "pipeline/rows.h"

struct fake {
	struct batch rows;
	const char *asides
		[8]; /* keys (JSON) of rows that cannot be represented; NULL behind the last */
	bool (*is_aside)(const char *key); /* ... and of more of them; or NULL */
	_Atomic int scans, fetches;        /* calls made */
	size_t keys_asked;                 /* by the last fetch */
	int failures;                      /* so many calls fail with ERROR_RETRY first */
	void (*before)(struct fake *);     /* each call; or NULL */
	const char *missed_key;            /* JSON; a row of it was set aside, at this version */
	version_t missed;
};

/* fake_log: of the sink as well, where the history of a table is kept beside its rows. */
static struct fake fake_source, fake_sink, fake_log;

static inline void fakes_init(struct table *table)
{
	fake_source = fake_sink = fake_log = (struct fake){0};
	batch_init(&fake_source.rows, table);
	batch_init(&fake_sink.rows, table);
	batch_init(&fake_log.rows, table);
}

static inline void fakes_release(void)
{
	batch_release(&fake_log.rows);
	batch_release(&fake_source.rows);
	batch_release(&fake_sink.rows);
}

/* The key as JSON, in memory that lasts until the next call. */
static inline const char *fake_key(const struct batch *batch, size_t row)
{
	static _Thread_local char text[400];
	struct buf key;

	buf_init(&key, BUF_MAX);
	batch_print_key(batch, row, &key);
	snprintf(text, sizeof text, "%s", buf_text(&key));
	buf_release(&key);
	return text;
}

static inline void fake_remove(struct fake *fake, const char *key)
{
	struct buf fates;

	buf_init(&fates, BUF_MAX);
	for (size_t row = 0; row < fake->rows.rows; row++)
		buf_u8(&fates, strcmp(fake_key(&fake->rows, row), key) ? ROW_KEEP : ROW_DROP);
	if (fates.len)
		batch_settle(&fake->rows, fates.data);
	buf_release(&fates);
}

static inline bool fake_is_aside(const struct fake *fake, const char *key)
{
	bool aside = fake->is_aside && fake->is_aside(key);

	for (size_t i = 0; fake->asides[i]; i++)
		aside = aside || !strcmp(fake->asides[i], key);
	return aside;
}

static inline void fake_append(struct fake *fake, size_t row, struct batch *out)
{
	const char *key = fake_key(&fake->rows, row);

	if (fake_is_aside(fake, key)) {
		batch_set_aside(out, &(struct set_aside){.meta = batch_meta(&fake->rows)[row],
					     .key = key,
					     .row = "{}",
					     .column = "note",
					     .reason = "out of range"});
		return;
	}
	for (size_t c = 0; c < out->table->n_columns; c++) {
		int from = table_column_by_attribute(
			fake->rows.table, out->table->columns[c].attribute);
		column_copy_row(&out->columns[c], &fake->rows.columns[from], row);
	}
	batch_commit_row(out, &batch_meta(&fake->rows)[row]);
}

static inline bool fake_call(struct fake *fake, struct error *err)
{
	if (fake->failures) {
		fake->failures--;
		return error_set(err, ERROR_RETRY, "the connection was closed");
	}
	if (fake->before)
		fake->before(fake);
	return true;
}

static inline bool fake_fetch(
	struct fake *fake, const struct batch *keys, struct batch *out, struct error *err)
{
	struct map asked = {0};

	if (!fake_call(fake, err))
		return false;
	fake->fetches++;
	fake->keys_asked = keys->rows;
	for (size_t row = 0; row < keys->rows; row++)
		map_put(&asked, fake_key(keys, row), strlen(fake_key(keys, row)), fake);
	for (size_t row = 0; row < fake->rows.rows; row++) {
		const char *key = fake_key(&fake->rows, row);
		if (map_get(&asked, key, strlen(key)))
			fake_append(fake, row, out);
	}
	map_release(&asked);
	return true;
}

/* By key, or, of a table without one, by version. */
static inline int fake_compare(
	const struct batch *a, size_t row_a, const struct batch *b, size_t row_b)
{
	version_t left = batch_meta(a)[row_a].version, right = batch_meta(b)[row_b].version;

	if (a->table->n_key)
		return batch_key_compare(a, row_a, b, row_b);
	return (left > right) - (left < right);
}

static inline int fake_order(const void *a, const void *b, void *rows)
{
	return fake_compare(rows, *(const size_t *)a, rows, *(const size_t *)b);
}

static inline bool fake_scan(
	struct fake *fake, const struct scan_range *range, struct batch *out, struct error *err)
{
	if (!fake_call(fake, err))
		return false;
	size_t *order = xcalloc(fake->rows.rows + 1, sizeof *order), taken = 0;
	for (size_t row = 0; row < fake->rows.rows; row++)
		order[row] = row;
	qsort_r(order, fake->rows.rows, sizeof *order, fake_order, &fake->rows);
	for (size_t i = 0; i < fake->rows.rows && taken < range->limit; i++) {
		if (range->after && fake_compare(&fake->rows, order[i], range->after, 0) <= 0)
			continue;
		if (range->upto && fake_compare(&fake->rows, order[i], range->upto, 0) > 0)
			break;
		fake_append(fake, order[i], out);
		taken++;
	}
	free(order);
	fake->scans++; /* last: who waits for it may change the rows */
	return true;
}

/* --- As a source and a sink --- */

static struct position fake_head;
static struct table *fake_discovered;

static bool fake_source_open(struct source *s, struct error *err)
{
	(void)s, (void)err;
	return true;
}
static void fake_source_close(struct source *s)
{
	(void)s;
}
static bool fake_source_discover(struct source *s, struct tables *out, struct error *err)
{
	(void)s, (void)err;
	vec_push(out, table_ref(fake_discovered));
	return true;
}
static bool fake_source_fetch(
	struct source *s, const struct batch *keys, struct batch *out, struct error *err)
{
	(void)s;
	return fake_fetch(&fake_source, keys, out, err);
}
static bool fake_source_scan(struct source *s, struct table *table, const struct batch *after,
	size_t limit, struct batch *out, struct error *err)
{
	(void)s, (void)table;
	return fake_scan(
		&fake_source, &(struct scan_range){.after = after, .limit = limit}, out, err);
}
/* Every so many rows, in their order: what a test finds does not hang on chance. */
static bool fake_source_sample(struct source *s, struct table *table, double fraction, size_t most,
	struct batch *out, struct error *err)
{
	size_t step = fraction < 1 ? (size_t)(1 / fraction) : 1;

	(void)s, (void)table;
	if (!fake_call(&fake_source, err))
		return false;
	for (size_t row = 0; row < fake_source.rows.rows && out->rows < most; row += step)
		fake_append(&fake_source, row, out);
	return true;
}
static bool fake_source_plan(
	struct source *s, const struct table *table, struct chunks *out, struct error *err)
{
	(void)s, (void)table, (void)err;
	for (uint32_t i = 0; i < 3; i++)
		vec_push(out, (struct chunk){.number = i});
	return true;
}
static enum copy_status fake_source_copy(struct source *s, struct table *table,
	const struct chunk *chunk, struct batch_taker *taker, struct error *err)
{
	struct batch batch;
	bool ok = true;

	(void)s;
	batch_init(&batch, table);
	for (size_t row = 0; row < fake_source.rows.rows; row++) {
		if (row % 3 == chunk->number)
			fake_append(&fake_source, row, &batch);
	}
	fake_source.scans++;
	ok = taker->take(taker, &batch, err);
	batch_release(&batch);
	/* a connection that is lost may be lost behind rows */
	return ok && fake_call(&fake_source, err) ? COPY_DONE : COPY_FAILED;
}
static bool fake_source_lag(struct source *s, struct source_lag *out, struct error *err)
{
	(void)s, (void)err;
	*out = (struct source_lag){.head = fake_head};
	return true;
}

static bool fake_sink_open(struct sink *s, struct error *err)
{
	(void)s, (void)err;
	return true;
}
static void fake_sink_close(struct sink *s)
{
	(void)s;
}
static inline struct fake *fake_storage(const struct landing *landing)
{
	bool both = fake_discovered && fake_discovered->keep == KEEP_BOTH;
	return both && landing->table->keep == KEEP_HISTORY ? &fake_log : &fake_sink;
}
static bool fake_sink_fetch(struct sink *s, const struct landing *landing, const struct batch *keys,
	struct batch *out, struct error *err)
{
	(void)s;
	return fake_fetch(fake_storage(landing), keys, out, err);
}
static bool fake_sink_missed(struct sink *s, const struct landing *landing,
	const struct batch *keys, version_t *missed, struct error *err)
{
	(void)s, (void)landing, (void)err;
	for (size_t row = 0; row < keys->rows; row++) {
		const char *key = fake_sink.missed_key;
		missed[row] = key && !strcmp(fake_key(keys, row), key) ? fake_sink.missed : 0;
	}
	return true;
}
static bool fake_sink_scan(struct sink *s, const struct landing *landing,
	const struct scan_range *range, struct batch *out, struct error *err)
{
	(void)s;
	return fake_scan(fake_storage(landing), range, out, err);
}

static const struct option fake_options[] = {OPTION_END};

static const struct source_ops fake_source_ops = {.kind = "fake",
	.size = sizeof(struct source),
	.options = fake_options,
	.open = fake_source_open,
	.discover = fake_source_discover,
	.fetch = fake_source_fetch,
	.scan = fake_source_scan,
	.sample = fake_source_sample,
	.plan = fake_source_plan,
	.copy = fake_source_copy,
	.lag = fake_source_lag,
	.close = fake_source_close};

static const struct sink_ops fake_sink_ops = {.kind = "fake",
	.size = sizeof(struct sink),
	.options = fake_options,
	.open = fake_sink_open,
	.fetch = fake_sink_fetch,
	.missed = fake_sink_missed,
	.scan = fake_sink_scan,
	.close = fake_sink_close};

#endif
