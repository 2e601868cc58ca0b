/* Rows to messages, in the order of the batch; see kafka.h. */
#include "base/clock.h"
#include "sinks/kafka/kafka.h"

#define NEW_KEY "__debezium.newkey"
#define OLD_KEY "__debezium.oldkey"

/* The rows of a batch on their way. */
struct writing {
	struct kafka_sink *sink;
	struct outlet *outlet;
	struct batch *batch;
	struct debezium_event event;
	struct debezium_transaction transaction;
	char transaction_id[TRANSACTION_ID];
	struct buf
		other_key; /* of a change of the key: the key before, or behind, as headers have it */
};

static bool encode_key(struct writing *w, size_t row, struct error *err)
{
	const struct outlet *o = w->outlet;
	union encoder encoder;

	if (!w->batch->table->n_key) {
		buf_clear(&w->sink->key);
		return true;
	}
	bool ok = debezium_write_key(
		o->events, w->batch, row, encoder_begin(&encoder, &o->key, &w->sink->key), err);
	encoder_end(&o->key, &w->sink->key);
	return ok;
}

static bool encode_value(struct writing *w, size_t row, struct error *err)
{
	const struct outlet *o = w->outlet;
	union encoder encoder;
	bool ok = debezium_write_value(o->events, w->batch, row, &w->event,
		encoder_begin(&encoder, &o->value, &w->sink->value), err);

	encoder_end(&o->value, &w->sink->value);
	return ok;
}

static bool send(struct writing *w, const char *header, bool tombstone, struct error *err)
{
	struct kafka_sink *s = w->sink;
	bool keyed = w->batch->table->n_key > 0;
	const struct kafka_message message = {
		.key = keyed ? s->key.data : NULL,
		.key_len = keyed ? s->key.len : 0,
		.value = tombstone ? NULL : s->value.data,
		.value_len = tombstone ? 0 : s->value.len,
		.header = header,
		.header_value = header ? w->other_key.data : NULL,
		.header_len = header ? w->other_key.len : 0,
	};

	return kafka_send(w->outlet->topic, &message, err);
}

static const struct row_meta *meta_of(const struct writing *w, size_t row)
{
	return &batch_meta(w->batch)[row];
}

/* A change of the key is two events: the old key's delete, which names the new one, and the new key's insert. */
static bool follows_key_change(const struct writing *w, size_t row)
{
	return row && meta_of(w, row - 1)->op == OP_KEY_CHANGED &&
	       meta_of(w, row - 1)->version == meta_of(w, row)->version;
}

static bool encode_row(struct writing *w, size_t row, const char **header, struct error *err)
{
	char op = meta_of(w, row)->op;
	bool moved = follows_key_change(w, row);
	bool leaves = op == OP_KEY_CHANGED && row + 1 < w->batch->rows;

	w->event.op = moved ? OP_INSERT : op;
	w->event.before = batch_before(w->batch, row);
	if (w->event.transaction)
		metadata_note(
			w->sink, w->outlet, meta_of(w, row), w->transaction_id, &w->transaction);
	w->event.snapshot = op == OP_COPY ? 't' : 0;
	*header = moved ? OLD_KEY : leaves ? NEW_KEY : NULL;
	return (!*header || debezium_print_key(w->outlet->events, w->batch,
				    moved ? row - 1 : row + 1, &w->other_key, err)) &&
	       encode_key(w, row, err) && encode_value(w, row, err);
}

static bool write_row(struct writing *w, size_t row, struct error *err)
{
	char op = meta_of(w, row)->op;
	const char *header;

	if (!encode_row(w, row, &header, err) || !send(w, header, false, err)) {
		if (err->kind != ERROR_DATA)
			return false;
		if (w->event.transaction)
			metadata_forget(w->sink, w->outlet, meta_of(w, row));
		batch_set_row_aside(w->batch, row, NULL, err->text);
		error_clear(err);
		return true;
	}
	bool buries = (op == OP_DELETE || op == OP_KEY_CHANGED) && w->batch->table->n_key;
	return !buries || !w->sink->tombstones || send(w, header, true, err);
}

bool kafka_sink_write(
	struct sink *sink, const struct landing *landing, struct batch *batch, struct error *err)
{
	struct kafka_sink *s = kafka_sink_of(sink);
	struct writing w = {.sink = s, .batch = batch, .event.ts_us = wall_us()};

	w.outlet = outlet_of(s, landing->table, err);
	if (!w.outlet || !transaction_begin(s, err))
		return false;
	if (w.outlet->outbox)
		return outbox_write(s, w.outlet->outbox, batch, err);
	/* copied rows are of no transaction */
	if (s->transaction_metadata && batch->rows && batch_meta(batch)->op != OP_COPY)
		w.event.transaction = &w.transaction;
	buf_init(&w.other_key, BUF_MAX);
	bool ok = true;
	for (size_t row = 0; ok && row < batch->rows; row++)
		ok = write_row(&w, row, err);
	buf_release(&w.other_key);
	return ok;
}

bool kafka_sink_truncate(struct sink *sink, const struct landing *landing,
	const struct row_meta *meta, struct error *err)
{
	struct kafka_sink *s = kafka_sink_of(sink);
	struct debezium_transaction transaction;
	char id[TRANSACTION_ID];
	struct debezium_event event = {.op = 't', .ts_us = wall_us()};
	struct outlet *o = outlet_of(s, landing->table, err);
	union encoder encoder;

	if (!o)
		return false;
	if (!s->truncate_events || s->modes.envelope == ENVELOPE_FLAT || o->outbox)
		return true;
	if (!transaction_begin(s, err))
		return false;
	if (s->transaction_metadata) {
		metadata_note(s, o, meta, id, &transaction);
		event.transaction = &transaction;
	}
	debezium_write_truncate(
		o->events, meta, &event, encoder_begin(&encoder, &o->value, &s->value));
	encoder_end(&o->value, &s->value);
	const struct kafka_message message = {.value = s->value.data, .value_len = s->value.len};
	return kafka_send(o->topic, &message, err);
}
