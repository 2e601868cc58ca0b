/*
 * Many batches of a copy in one INSERT a storage: the server gathers their blocks to a few large parts,
 * sparing it most of the merges that as many inserts would cost. A thread sends what is handed to it, so
 * that the next batch is read while one goes out; the load holds no more than that one.
 */
#include <pthread.h>
#include <stdlib.h>
#include "base/failpoint.h"
#include "base/mem.h"
#include "formats/native/native.h"
#include "sinks/clickhouse/clickhouse.h"
#include "sinks/clickhouse/order.h"

/* One INSERT under way. Under the load's lock: sending, done. */
struct flow {
	struct http_body body;
	struct sink_load *load;
	enum storage_kind kind;
	char *storage;
	uint16_t *key;
	struct layout *layout; /* NULL: the table keeps no such storage */
	const struct stored_column **columns;
	/* the block that goes out */
	struct native_encoder encoder;
	struct order order;
	struct block_body block;
	bool sending;
	pthread_t thread;
	bool started;
	bool done; /* the server has answered, or never will; then, on failure: */
	struct error failure;
};

struct sink_load {
	struct clickhouse_sink *sink;
	struct flow flows[N_STORAGE_KINDS];
	struct batch batch; /* whose rows go out */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ended; /* no more blocks */
	atomic_bool cancelled;
};

/* --- The thread that sends ----------------------------------------------------------------------- */

/* Waits for a block; false when there will be none. */
static bool next_block(struct flow *f)
{
	struct sink_load *l = f->load;

	pthread_mutex_lock(&l->lock);
	while (!f->sending && !l->ended)
		pthread_cond_wait(&l->changed, &l->lock);
	bool sending = f->sending;
	pthread_mutex_unlock(&l->lock);
	return sending;
}

static void block_release(struct flow *f)
{
	native_encoder_release(&f->encoder);
	order_release(&f->order);
}

static void block_sent(struct flow *f)
{
	struct sink_load *l = f->load;

	block_release(f);
	pthread_mutex_lock(&l->lock);
	f->sending = false;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

static size_t read_blocks(struct http_body *body, uint8_t *out, size_t room)
{
	struct flow *f = (struct flow *)body;

	while (next_block(f)) {
		size_t n = f->block.body.read(&f->block.body, out, room);
		if (n)
			return n;
		block_sent(f);
	}
	return 0;
}

static void *flow_run(void *flow)
{
	struct flow *f = flow;
	struct sink_load *l = f->load;
	struct error err = {0};
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	insert_statement(l->sink, f->storage, &sql);
	struct insert insert = {.sql = buf_text(&sql),
		.rows = &f->body,
		.gather = true,
		.cancelled = &l->cancelled};
	if (!insert_run(l->sink, &insert, &err))
		error_add(&err, "%s.%s", l->sink->cdc, f->storage);
	buf_release(&sql);
	pthread_mutex_lock(&l->lock);
	if (err.kind == ERROR_NONE && !l->ended)
		error_set(&err, ERROR_RETRY, "the server answered before it had all rows");
	f->failure = err;
	f->done = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* --- Who copies ---------------------------------------------------------------------------------- */

/* Until every block has gone out. False: an INSERT has failed. */
static bool wait_until_sent(struct sink_load *l, struct error *err)
{
	bool ok = true;

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; ok && i < N_STORAGE_KINDS; i++) {
		struct flow *f = &l->flows[i];
		while (f->sending && !f->done)
			pthread_cond_wait(&l->changed, &l->lock);
		if (f->done) {
			*err = f->failure;
			ok = false;
		}
	}
	pthread_mutex_unlock(&l->lock);
	return ok;
}

static bool start(struct flow *f)
{
	f->started = f->started || pthread_create(&f->thread, NULL, flow_run, f) == 0;
	return f->started;
}

static bool send_block(struct flow *f, struct error *err)
{
	struct sink_load *l = f->load;
	const struct batch *b = &l->batch;

	order_init(&f->order, b, f->key, b->table->n_key, f->kind == STORAGE_ROWS);
	block_encode(&f->encoder, b, f->kind, f->columns, &f->order);
	block_body_init(&f->block, &f->encoder);
	pthread_mutex_lock(&l->lock);
	f->sending = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	return start(f) || error_set(err, ERROR_RETRY, "no thread can be had to send rows");
}

bool clickhouse_load_add(struct sink_load *l, struct batch *batch, struct error *err)
{
	if (!check_places(batch, err) || !wait_until_sent(l, err))
		return false;
	batch_clear(&l->batch);
	if (!batch->rows)
		return true;
	struct batch sent = l->batch;
	l->batch = *batch;
	*batch = sent;
	for (size_t i = 0; i < N_STORAGE_KINDS; i++)
		if (l->flows[i].layout && !send_block(&l->flows[i], err))
			return false;
	return true;
}

/* --- Beginning and end --------------------------------------------------------------------------- */

static bool flow_init(struct flow *f, const struct landing *landing, struct error *err)
{
	struct clickhouse_sink *s = f->load->sink;
	const struct table *t = landing->table;

	if (!table_keeps(t, f->kind))
		return true;
	f->storage = storage_name(s, landing, f->kind);
	f->columns = xcalloc(t->n_columns + 1, sizeof *f->columns);
	f->key = xcalloc(t->n_key + 1, sizeof *f->key);
	selection_sort_key(t, f->key);
	if (layout_map(s, f->storage, t, &f->layout, f->columns, err))
		return true;
	f->layout = NULL;
	return false;
}

static void flow_release(struct flow *f)
{
	struct clickhouse_sink *s = f->load->sink;

	if (f->sending)
		block_release(f);
	if (f->failure.kind == ERROR_TABLE)
		layout_forget(s, f->storage);
	if (f->layout)
		layout_put(s, f->layout);
	free(f->columns);
	free(f->key);
	free(f->storage);
}

static void load_free(struct sink_load *l)
{
	for (size_t i = 0; i < N_STORAGE_KINDS; i++)
		flow_release(&l->flows[i]);
	batch_release(&l->batch);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

struct sink_load *clickhouse_load(
	struct sink *sink, const struct landing *landing, struct error *err)
{
	struct sink_load *l = xcalloc(1, sizeof *l);
	bool ok = true;

	l->sink = clickhouse_sink_of(sink);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	batch_init(&l->batch, landing->table);
	for (enum storage_kind kind = 0; kind < N_STORAGE_KINDS; kind++)
		l->flows[kind] = (struct flow){
			.body = {.read = read_blocks}, .load = l, .kind = kind};
	for (enum storage_kind kind = 0; ok && kind < N_STORAGE_KINDS; kind++)
		ok = flow_init(&l->flows[kind], landing, err);
	if (ok)
		return l;
	load_free(l);
	return NULL;
}

static void load_finish(struct sink_load *l, bool keep)
{
	atomic_store(&l->cancelled, !keep);
	pthread_mutex_lock(&l->lock);
	l->ended = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	for (size_t i = 0; i < N_STORAGE_KINDS; i++)
		if (l->flows[i].started)
			pthread_join(l->flows[i].thread, NULL);
}

bool clickhouse_load_end(struct sink_load *l, bool keep, struct error *err)
{
	bool ok = true;

	load_finish(l, keep);
	for (size_t i = 0; ok && keep && i < N_STORAGE_KINDS; i++) {
		if (l->flows[i].failure.kind == ERROR_NONE)
			continue;
		*err = l->flows[i].failure;
		ok = false;
	}
	load_free(l);
	failpoint("clickhouse.written");
	return ok;
}
