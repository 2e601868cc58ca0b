/* Messages that cannot be read; see kafka.h. */
#include <string.h>
#include "base/text.h"
#include "sources/kafka/kafka.h"

/* Column rules keep values out of the target: a message that nobody can take apart may hold them. */
static bool holds_secrets(const struct kafka_source *k, const struct topic *topic)
{
	const struct selection_rule *rule = selection_match(
		k->source.selection, topic->carries.schema, topic->carries.name);

	return rule->n_columns > 0;
}

static void print_side(const char *name, const uint8_t *bytes, size_t len, bool there, bool secret,
	struct buf *out)
{
	buf_printf(out, "\"%s\":", name);
	if (!there)
		buf_puts(out, "null");
	else if (secret)
		buf_puts(out, "\"...\"");
	else
		print_bytes(bytes, len, out);
}

static void print_place(const struct kafka_record *record, struct buf *out)
{
	buf_puts(out, SET_ASIDE_NO_KEY);
	text_print_json(record->topic, strlen(record->topic), out);
	buf_printf(out, ",\"partition\":%d,\"offset\":%lld", record->partition,
		(long long)record->offset);
}

/* An object that is not closed. */
static void print_message(const struct kafka_source *k, const struct topic *topic,
	const struct kafka_record *record, struct buf *out)
{
	bool secret = holds_secrets(k, topic);

	print_place(record, out);
	buf_puts(out, ",");
	print_side("key", record->key, record->key_len, record->has_key, secret, out);
	buf_puts(out, ",");
	print_side("value", record->value, record->value_len, record->has_value, secret, out);
}

/* The key's columns, where the message has a key that can be read; else where the message is. */
static void print_key(struct kafka_source *k, const struct topic *topic,
	const struct kafka_record *record, const char *place, struct buf *out)
{
	struct row_meta meta = record_meta(k, record);
	struct debezium_source seen;
	struct error ignored = {0};
	struct batch scratch;
	struct kafka_record key_alone = *record;

	key_alone.has_value = false;
	key_alone.value = NULL;
	batch_init(&scratch, topic->form->table);
	bool read = topic->form->shape && topic->form->table->n_key &&
		    message_open(&k->message, &key_alone, &ignored) && k->message.key.reader &&
		    debezium_read(topic->form->shape, k->message.key.reader, NULL, &meta, &seen,
			    &scratch, &ignored) &&
		    scratch.rows;
	if (read)
		batch_print_key(&scratch, 0, out);
	else
		buf_puts(out, place);
	batch_release(&scratch);
}

void set_message_aside(struct kafka_source *k, const struct topic *topic,
	const struct kafka_record *record, const char *reason, struct batch *batch)
{
	struct buf key, row, place;

	buf_init(&key, BUF_MAX);
	buf_init(&row, BUF_MAX);
	buf_init(&place, BUF_MAX);
	print_place(record, &place);
	buf_puts(&place, "}");
	print_key(k, topic, record, buf_text(&place), &key);
	print_message(k, topic, record, &row);
	buf_puts(&row, "}");
	batch_set_aside(batch, &(struct set_aside){
				       .meta = record_meta(k, record),
				       .key = buf_text(&key),
				       .row = buf_text(&row),
				       .reason = reason,
			       });
	buf_release(&key);
	buf_release(&row);
	buf_release(&place);
}

void keep_message(struct kafka_source *k, const struct topic *topic,
	const struct kafka_record *record, struct batch *batch)
{
	struct set_aside *aside = &batch->aside.items[batch->aside.len - 1];
	struct buf row;

	buf_init(&row, BUF_MAX);
	print_message(k, topic, record, &row);
	buf_puts(&row, ",\"row\":");
	buf_puts(&row, aside->row);
	buf_puts(&row, "}");
	aside->row = arena_strdup(&batch->arena, buf_text(&row));
	buf_release(&row);
}
