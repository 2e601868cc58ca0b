/*
 * Messages that were set aside are read once more, from the bytes that were kept of them: the topic may not have
 * them any more, and nobody has to read all that lies behind them. Their rows have the versions that they have
 * always had, so what came later for a key stays.
 *
 * What an update left unchanged is the exception: the row before it may be one that came behind it in this order,
 * or that gave way to the marker of what was set aside. So such an update stays set aside.
 */
#include "sources/kafka/kafka.h"

void kafka_source_retry(struct source *source, struct messages_aside *messages)
{
	struct kafka_source *k = kafka_of(source);

	if (k->registry)
		registry_ask_anew(k->registry);
	pthread_mutex_lock(&k->topics_lock);
	vec_push(&k->retries, messages);
	pthread_mutex_unlock(&k->topics_lock);
}

static const char *first_lacking(const struct batch *batch)
{
	for (size_t c = 0; c < batch->table->n_columns; c++)
		if (column_is_unchanged(&batch->columns[c], batch->rows - 1))
			return batch->table->columns[c].name;
	return NULL;
}

bool lacks_values(struct kafka_source *k, const struct topic *topic,
	const struct kafka_record *record, struct batch *batch)
{
	const char *column = first_lacking(batch);

	if (!column)
		return false;
	batch_set_row_aside(batch, batch->rows - 1, column,
		"the update left this large value unchanged, so its message does not carry it, and "
		"what it was by then is not known any more");
	keep_message(k, topic, record, batch);
	batch_take_back_row(batch);
	return true;
}

static bool retry_one(struct kafka_source *k, struct topic *topic,
	const struct message_aside *message, struct bundle *bundle, struct error *err)
{
	const struct kafka_record record = {.topic = topic->name,
		.partition = message->partition,
		.offset = message->offset,
		.timestamp_ms = message->time_us / 1000,
		.key = message->key,
		.key_len = message->key_len,
		.has_key = message->has_key,
		.value = message->value,
		.value_len = message->value_len,
		.has_value = message->has_value};

	k->retrying = true;
	bool ok = take_message(k, topic, &record, bundle, err);
	k->retrying = false;
	return ok;
}

/* Rows of the stream have values filled in from others of their batch: not from these. */
static bool retry_page(struct kafka_source *k, struct topic *topic, struct messages_aside *page,
	struct bundle *bundle, struct error *err)
{
	size_t first = bundle->items.len;

	bundle_cut(bundle, topic->form->table);
	for (size_t i = 0; i < page->list.len; i++) {
		if (!retry_one(k, topic, &page->list.items[i], bundle, err))
			return false;
	}
	for (size_t i = first; i < bundle->items.len; i++)
		bundle->items.items[i].batch.retried = true;
	bundle_add(bundle, BUNDLE_RETRIED, topic->form->table);
	return true;
}

static struct messages_aside *next_page(struct kafka_source *k)
{
	pthread_mutex_lock(&k->topics_lock);
	struct messages_aside *page = k->retries.len ? k->retries.items[--k->retries.len] : NULL;
	pthread_mutex_unlock(&k->topics_lock);
	return page;
}

bool retry_messages(struct kafka_source *k, struct bundle *bundle, struct error *err)
{
	bool ok = true;

	for (struct messages_aside *page; ok && (page = next_page(k));) {
		struct topic *topic = topic_of_table(k, page->table);
		ok = !topic || !topic->form || retry_page(k, topic, page, bundle, err);
	}
	return ok;
}
