/* Messages to bundles; see kafka.h. */
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "sources/kafka/kafka.h"

#define BATCH     1000
#define LIST_MS   5000  /* topics are looked at so often */
#define COMMIT_MS 1000  /* and whether a commit was refused */
#define SILENT_MS 60000 /* brokers that do not answer for so long end the session */

/* --- A table that changes -------------------------------------------------------------------------- */

/*
 * Another form than the table was made of. Partitions are read side by side, so messages of an older schema
 * come behind those of a newer one: they are read into the table as it is. A later one changes the table, but
 * for one that says nothing of it, which is poison among others.
 */
static void settle_form(struct kafka_source *k, struct topic *topic, struct form *form,
	const struct kafka_record *record, struct bundle *bundle)
{
	version_t place = message_place(k, form, record);

	if (place <= topic->newest_place || form_is_worse(form, topic->form))
		return;
	bool same = table_same_definition(topic->form->table, form->table);
	topic->form = form;
	topic->newest_place = place;
	if (!same)
		bundle_add(bundle, BUNDLE_TABLE, tell_table(k, topic));
}

/* --- A message ------------------------------------------------------------------------------------- */

static struct topic *topic_of(struct kafka_source *k, const struct kafka_record *record)
{
	if (record->topic != k->last_name) {
		k->last_name = record->topic;
		k->last_topic = topic_find(k, record->topic);
		k->last_part = NULL;
	}
	if (!k->last_part || k->last_part->partition != record->partition)
		k->last_part = offsets_part(&k->offsets, record->topic, record->partition);
	return k->last_topic;
}

/* Copied rows of a table without a key are told apart by their place in the topic. */
static void place_copied_row(struct batch *batch, const struct kafka_record *record)
{
	struct row_meta *meta = &batch_meta(batch)[batch->rows - 1];

	if (!batch->table->n_key && meta->op == OP_COPY)
		meta->version = version_copied(version_epoch(meta->version)) |
				(uint64_t)(record->partition + 1) << 48 | (uint64_t)record->offset;
}

static void note_event(struct kafka_source *k, struct topic *topic,
	const struct debezium_source *seen, const struct row_meta *meta,
	const struct kafka_record *record)
{
	version_t place = event_place(seen, record);

	/* a message without a value has no schema either */
	if (k->message.value.reader && place > topic->newest_place)
		topic->newest_place = place;
	if (meta->commit_time_us)
		k->commit_time_us = meta->commit_time_us;
	if (!seen->unknown || topic->warned || topic->form->value)
		return;
	topic->warned = true;
	log_warn("messages have fields that the table has no column for; they are left out",
		F("stream", k->source.name), F("topic", topic->name));
}

static bool read_event(struct kafka_source *k, struct topic *topic, const struct form *form,
	const struct kafka_record *record, struct bundle *bundle, struct error *err)
{
	struct row_meta meta = record_meta(k, record);
	struct debezium_source seen = {0};
	struct table *table = topic->form->table;
	struct batch *batch = bundle_batch(bundle, table);
	size_t rows = batch->rows, aside = batch->aside.len;

	if (!debezium_read(form->shape, k->message.key.reader, k->message.value.reader, &meta,
		    &seen, batch, err))
		return false;
	if (batch->aside.len > aside)
		keep_message(k, topic, record, batch);
	else if (batch->rows > rows && !(k->retrying && lacks_values(k, topic, record, batch)))
		place_copied_row(batch, record);
	if (seen.op == 't')
		bundle_add(bundle, BUNDLE_TRUNCATE, table)->meta = meta;
	note_event(k, topic, &seen, &meta, record);
	return true;
}

/* A message without a value follows a delete where rows come as events; it is the delete where they do not. */
static bool read_message(struct kafka_source *k, struct topic *topic,
	const struct kafka_record *record, struct bundle *bundle, struct error *err)
{
	struct form *form = topic->form;

	if (!message_open(&k->message, record, err))
		return false;
	if (!k->message.value.reader)
		return form->envelope || read_event(k, topic, form, record, bundle, err);
	form = topic_form(k, topic, err);
	if (!form)
		return false;
	if (form != topic->form)
		settle_form(k, topic, form, record, bundle);
	if (!form->shape)
		return error_set(err, ERROR_DATA, "%s", form->table->problem);
	return read_event(k, topic, form, record, bundle, err);
}

bool take_message(struct kafka_source *k, struct topic *topic, const struct kafka_record *record,
	struct bundle *bundle, struct error *err)
{
	struct error of_message = {0};

	bundle->changes++;
	if (read_message(k, topic, record, bundle, &of_message))
		return true;
	/* of one that was set aside, whatever is wrong with it stops nothing */
	bool poison = of_message.kind == ERROR_DATA ||
		      (k->retrying && of_message.kind != ERROR_RETRY);
	if (!poison) {
		*err = of_message;
		return error_add(err, "topic %s [%d] at offset %lld", record->topic,
			record->partition, (long long)record->offset);
	}
	set_message_aside(
		k, topic, record, of_message.text, bundle_batch(bundle, topic->form->table));
	return true;
}

static bool take_record(struct kafka_source *k, const struct kafka_record *record,
	struct bundle *bundle, struct error *err)
{
	struct topic *topic = topic_of(k, record);
	struct part *part = k->last_part;

	if (!topic || !topic->told || part->paused)
		return true;
	if (record->end) {
		/* behind the marks of transactions, which are no messages */
		part->next = record->offset > part->next ? record->offset : part->next;
		return true;
	}
	k->offsets.messages++;
	k->offsets.bytes += record->key_len + record->value_len;
	if (!take_message(k, topic, record, bundle, err))
		return false;
	part->next = record->offset + 1;
	return true;
}

/* --- Topics that come ------------------------------------------------------------------------------ */

static bool add_topics(struct kafka_source *k, struct bundle *bundle, struct error *err)
{
	bool more = false, any;

	if (!topics_list(k, err) || !sample_topics(k, err))
		return false;
	k->answered_ms = mono_ms();
	vec_each (&k->topics, topic) {
		if (!(*topic)->form || (*topic)->told)
			continue;
		log_info("topic joins", F("stream", k->source.name), F("topic", (*topic)->name));
		bundle_add(bundle, BUNDLE_TABLE, tell_table(k, *topic));
		more = true;
	}
	return !more || topics_subscribe(k, &any, err);
}

/* Brokers that are away for a moment are no reason to end the session: librdkafka looks for them. */
static bool look_for_topics(struct kafka_source *k, struct bundle *bundle, struct error *err)
{
	if (mono_ms() - k->listed_ms < LIST_MS)
		return true;
	bool ok = add_topics(k, bundle, err);
	k->listed_ms = mono_ms();
	if (!ok && err->kind == ERROR_RETRY && k->listed_ms - k->answered_ms < SILENT_MS) {
		error_clear(err);
		return true;
	}
	return ok;
}

/* --- read() ---------------------------------------------------------------------------------------- */

/* Else it would wait for more to come, which may be never. */
static void commit_refused(struct kafka_source *k)
{
	if (mono_ms() - k->committed_ms < COMMIT_MS)
		return;
	k->committed_ms = mono_ms();
	commit_durable(k);
}

static bool is_full(const struct kafka_source *k, const struct bundle *bundle)
{
	if ((int64_t)bundle_bytes(bundle) >= k->source.bundle_bytes)
		return true;
	vec_each (&bundle->items, item) {
		if (item->kind == BUNDLE_ROWS && (int64_t)item->batch.rows >= k->source.batch_rows)
			return true;
	}
	return false;
}

enum source_status kafka_source_read(
	struct source *source, struct bundle *bundle, int wait_ms, struct error *err)
{
	struct kafka_source *k = kafka_of(source);
	struct kafka_record records[BATCH];
	bool full = is_full(k, bundle);
	size_t n = 0;

	/* held up downstream: the group only has to know that we live */
	kafka_hold(k->member, full);
	commit_refused(k);
	bool ok = settle_held(k, bundle, err) &&
		  (full || (look_for_topics(k, bundle, err) && retry_messages(k, bundle, err)));
	ok = ok && kafka_read(k->member, records, full ? 1 : BATCH, &n, full ? 0 : wait_ms, err);
	for (size_t i = 0; ok && i < n; i++)
		ok = take_record(k, &records[i], bundle, err);
	if (!ok) {
		error_add(err, "source %s", source->name);
		return SOURCE_FAILED;
	}
	offsets_end(&k->offsets, bundle, k->commit_time_us);
	return n || full ? SOURCE_MORE : SOURCE_IDLE;
}
