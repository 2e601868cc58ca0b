/* Copied rows into a log; see splice.h. */
#include "pipeline/splice.h"

#include "pipeline/rows.h"
#include "pipeline/stream.h"

#define ROOM_MS 200

/* --- Keys ------------------------------------------------------------------------------------------ */

static struct key_hash key_hash(const struct batch *batch, size_t row)
{
	struct key_hash hash = {0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f};

	for (size_t i = 0; i < batch->table->n_key; i++) {
		const struct column *column = &batch->columns[batch->table->key[i]];
		hash.a = column_hash(column, row, hash.a);
		hash.b = column_hash(column, row, hash.b);
	}
	return hash;
}

/* Where the key is, or the free slot that it would take. A slot of two zeros is free. */
static struct key_hash *key_slot(const struct key_set *set, struct key_hash hash)
{
	size_t i = hash.a & (set->cap - 1);

	while ((set->slots[i].a || set->slots[i].b) &&
		(set->slots[i].a != hash.a || set->slots[i].b != hash.b))
		i = (i + 1) & (set->cap - 1);
	return &set->slots[i];
}

static void key_set_grow(struct key_set *set)
{
	struct key_set larger = {.cap = set->cap ? set->cap * 2 : 1024, .len = set->len};

	larger.slots = xcalloc(larger.cap, sizeof *larger.slots);
	for (size_t i = 0; i < set->cap; i++)
		if (set->slots[i].a || set->slots[i].b)
			*key_slot(&larger, set->slots[i]) = set->slots[i];
	free(set->slots);
	*set = larger;
}

void key_set_add(struct key_set *set, const struct batch *batch, size_t row)
{
	struct key_hash hash = key_hash(batch, row);

	if (set->len * 2 >= set->cap)
		key_set_grow(set);
	struct key_hash *slot = key_slot(set, hash);
	set->len += !slot->a && !slot->b;
	*slot = hash;
}

bool key_set_has(const struct key_set *set, const struct batch *batch, size_t row)
{
	if (!set->len)
		return false;
	struct key_hash *slot = key_slot(set, key_hash(batch, row));
	return slot->a || slot->b;
}

void key_set_release(struct key_set *set)
{
	free(set->slots);
	*set = (struct key_set){0};
}

/* --- Handing over ---------------------------------------------------------------------------------- */

static bool hand_over(struct stream *s, struct spliced *item, struct error *err)
{
	size_t most = (size_t)s->share_bytes;

	pthread_mutex_lock(&s->lock);
	while (!stream_leaving(s) && s->splice.bytes && s->splice.bytes + item->bytes > most) {
		pthread_mutex_unlock(&s->lock);
		stream_pause(s, ROOM_MS);
		pthread_mutex_lock(&s->lock);
	}
	bool ok = !stream_leaving(s);
	if (ok) {
		vec_push(&s->splice.waiting, *item);
		s->splice.bytes += item->bytes;
	}
	pthread_mutex_unlock(&s->lock);
	return ok || error_set(err, ERROR_RETRY, "the session ends");
}

bool splice_rows(
	struct stream *s, const struct splice_chunk *chunk, struct batch *batch, struct error *err)
{
	struct spliced item = {.chunk = *chunk, .batch = *batch, .bytes = batch_bytes(batch)};

	batch_init(batch, item.batch.table);
	if (hand_over(s, &item, err))
		return true;
	batch_release(&item.batch);
	return false;
}

bool splice_end(
	struct stream *s, const struct splice_chunk *chunk, uint64_t rows, struct error *err)
{
	struct spliced item = {.chunk = *chunk, .ends = true, .rows = rows};

	return hand_over(s, &item, err);
}

/* --- Writing --------------------------------------------------------------------------------------- */

static bool is_current(const struct splice_chunk *chunk)
{
	return mirror_copies(chunk->mirror, chunk->generation, chunk->serial);
}

static void drop_written(const struct key_set *written, struct batch *batch)
{
	struct buf fates;

	if (!written->len)
		return;
	buf_init(&fates, BUF_MAX);
	for (size_t row = 0; row < batch->rows; row++)
		buf_u8(&fates, key_set_has(written, batch, row) ? ROW_DROP : ROW_KEEP);
	if (batch->rows)
		batch_settle(batch, fates.data);
	buf_release(&fates);
}

static bool write_batch(struct stream *s, struct spliced *item, struct error *err)
{
	struct mirror *m = item->chunk.mirror;
	struct batch *batch = &item->batch;

	drop_written(&m->written, batch);
	if (item->chunk.round != m->round)
		drop_written(&m->written_before, batch);
	uint64_t rows = batch->rows;
	if (!writer_land(s, m, batch, err))
		return false;
	m->copied_rows += rows;
	s->copied_rows += rows;
	s->written_bytes += item->bytes;
	m->set_aside += batch->aside.len;
	s->set_aside += batch->aside.len;
	return !batch->aside.len || state_table_counts(s->state, s->settings->name,
					    m->table->source_id, 0, batch->aside.len, err);
}

/* The writer thread alone breaks a mirror, and only a mirror that is being copied has rows here. */
static bool write_item(struct stream *s, struct spliced *item, struct error *err)
{
	if (item->ends || !is_current(&item->chunk) || write_batch(s, item, err))
		return true;
	if (!error_is_of_table(err))
		return error_add(err, "table %s", item->chunk.mirror->table->target);
	mirror_break(s, item->chunk.mirror, err->text);
	error_clear(err);
	return true;
}

/* What came before the head of the log was asked for is read by the stream once it has come there. */
static bool set_due(struct stream *s, struct error *err)
{
	struct source_lag lag;

	pthread_mutex_lock(&s->lock);
	size_t n = s->splice.waiting.len;
	bool asks = n && !s->splice.waiting.items[n - 1].due;
	pthread_mutex_unlock(&s->lock);
	if (!asks)
		return true;
	if (!s->source->ops->lag(s->source, &lag, err))
		return false;
	pthread_mutex_lock(&s->lock);
	for (size_t i = n; i-- && !s->splice.waiting.items[i].due;)
		s->splice.waiting.items[i].due = lag.head.order ? lag.head.order : 1;
	pthread_mutex_unlock(&s->lock);
	return true;
}

VEC_TYPE(due_items, struct spliced);

static void take_due(struct stream *s, struct due_items *out)
{
	struct splice *splice = &s->splice;
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	while (n < splice->waiting.len && splice->waiting.items[n].due &&
		splice->waiting.items[n].due <= s->resume.position.order)
		vec_push(out, splice->waiting.items[n++]);
	splice->waiting.len -= n;
	if (n)
		memmove(splice->waiting.items, splice->waiting.items + n,
			splice->waiting.len * sizeof *splice->waiting.items);
	pthread_mutex_unlock(&s->lock);
}

static void release_item(struct spliced *item)
{
	if (!item->ends)
		batch_release(&item->batch);
}

/* Only now is there room for more: what is being written takes memory as what waits does. */
static void done_with(struct stream *s, struct spliced *item)
{
	release_item(item);
	pthread_mutex_lock(&s->lock);
	s->splice.bytes -= item->bytes;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* --- Rounds ---------------------------------------------------------------------------------------- */

/* Chunks that somebody reads already stay as they are. */
static void take_renewed(struct mirror *m, const struct chunks *renewed)
{
	for (size_t i = m->next_chunk; i < m->chunks.len; i++)
		m->chunks.items[i].chunk = renewed->items[i];
	vec_each (&m->again, index)
		m->chunks.items[*index].chunk = renewed->items[*index];
}

bool splice_round(struct stream *s, struct mirror *m, struct error *err)
{
	struct chunks chunks = {0};

	pthread_mutex_lock(&s->lock);
	vec_each (&m->chunks, state)
		vec_push(&chunks, state->chunk);
	pthread_mutex_unlock(&s->lock);
	bool ok = s->source->ops->renew(s->source, &chunks, err);
	if (ok) {
		pthread_mutex_lock(&s->lock);
		take_renewed(m, &chunks);
		m->written_before = m->written;
		m->written = (struct key_set){0};
		m->round++;
		pthread_mutex_unlock(&s->lock);
	}
	vec_release(&chunks);
	return ok;
}

/* Does anything come still of chunks that were begun in the round before? */
static bool round_before_goes_on(struct stream *s, const struct mirror *m)
{
	pthread_mutex_lock(&s->lock);
	bool goes_on = m->reading[(m->round + 1) & 1] > 0;
	vec_each (&s->splice.waiting, item)
		goes_on = goes_on || (item->chunk.mirror == m && item->chunk.round != m->round);
	pthread_mutex_unlock(&s->lock);
	return goes_on;
}

static bool see_to_rounds(struct stream *s, struct error *err)
{
	for (size_t i = 0; i < s->mirrors.len; i++) {
		struct mirror *m = s->mirrors.items[i];
		if (m->written_before.len) {
			if (!round_before_goes_on(s, m))
				key_set_release(&m->written_before);
		} else if (m->written.len >= SPLICE_KEYS && m->planned && s->source->ops->renew &&
			   !splice_round(s, m, err)) {
			return error_add(err, "table %s", m->table->target);
		}
	}
	return true;
}

bool splice_write(struct stream *s, bool *any, struct error *err)
{
	struct due_items due = {0};
	bool ok = set_due(s, err);

	if (ok)
		take_due(s, &due);
	*any = due.len > 0;
	vec_each (&due, item) {
		ok = ok && write_item(s, item, err);
		if (ok && item->ends)
			vec_push(&s->splice.ended, *item);
		done_with(s, item);
	}
	s->splice.written = s->splice.written || *any;
	vec_release(&due);
	return ok && see_to_rounds(s, err);
}

bool splice_committed(struct stream *s, struct error *err)
{
	bool ok = true;

	s->splice.written = false;
	for (size_t i = 0; ok && i < s->splice.ended.len; i++) {
		const struct spliced *item = &s->splice.ended.items[i];
		if (is_current(&item->chunk))
			ok = mirror_chunk_done(
				s, item->chunk.mirror, item->chunk.index, item->rows, err);
	}
	s->splice.ended.len = 0;
	return ok;
}

void splice_release(struct splice *splice)
{
	vec_each (&splice->waiting, item)
		release_item(item);
	vec_release(&splice->waiting);
	vec_release(&splice->ended);
	*splice = (struct splice){0};
}
