/*
 * The outbox pattern: a service inserts its messages into a table, in the transactions that make them true, and
 * they go to the topics that they name. The columns are those of Debezium's outbox event router: id (a header),
 * aggregatetype (of the topic), aggregateid (the key), payload (the value, as it is). What is done to a
 * row afterwards says nothing.
 */
#include "sinks/kafka/kafka.h"

#include <fnmatch.h>
#include <stdio.h>

struct outbox {
	int id, type, aggregate, payload; /* columns */
};

bool is_outbox(const struct kafka_sink *s, const struct table *t)
{
	if (!s->outbox_table)
		return false;
	CLEANUP(free_string) char *name = xasprintf("%s.%s", t->schema, t->name);
	return fnmatch(s->outbox_table, name, 0) == 0;
}

static bool find(const struct table *t, const char *name, int *out, struct error *err)
{
	*out = table_column_by_name(t, name);
	return *out >= 0 || error_set(err, ERROR_TABLE,
				    "an outbox has the columns id, aggregatetype, aggregateid and "
				    "payload; %s is missing",
				    name);
}

struct outbox *outbox_new(const struct table *t, struct error *err)
{
	struct outbox *o = xcalloc(1, sizeof *o);

	if (find(t, "id", &o->id, err) && find(t, "aggregatetype", &o->type, err) &&
		find(t, "aggregateid", &o->aggregate, err) && find(t, "payload", &o->payload, err))
		return o;
	free(o);
	return NULL;
}

/* A value as its text, without quotes; false: NULL. */
static bool print_plain(const struct batch *b, int column, size_t row, struct buf *out)
{
	const struct column *c = &b->columns[column];
	size_t len;

	buf_clear(out);
	if (column_is_null(c, row))
		return false;
	if (type_is_string(&c->type)) {
		const uint8_t *bytes = column_string(c, row, &len);
		buf_append(out, bytes, len);
		return true;
	}
	column_print(c, row, out);
	/* a UUID, a time: a string of JSON without escapes */
	if (out->len > 1 && out->data[0] == '"') {
		memmove(out->data, out->data + 1, out->len - 2);
		out->len -= 2;
	}
	return true;
}

/* "outbox.event.{aggregatetype}" with the row's own. */
static char *route(const struct kafka_sink *s, struct buf *type)
{
	static const char place[] = "{aggregatetype}";
	const char *at = strstr(s->outbox_topic, place);

	if (!at)
		return debezium_sanitized(xstrdup(s->outbox_topic));
	return debezium_sanitized(xasprintf("%.*s%s%s", (int)(at - s->outbox_topic),
		s->outbox_topic, buf_text(type), at + strlen(place)));
}

static struct kafka_topic *topic_of(struct kafka_sink *s, const char *name, struct error *err)
{
	struct kafka_topic *topic = map_get(&s->routes, name, strlen(name));

	if (topic)
		return topic;
	topic = topic_make(s, name, s->partitions, s->topic_set, err);
	if (topic)
		map_put(&s->routes, name, strlen(name), topic);
	return topic;
}

struct parts {
	struct buf type, id, key, payload;
};

static bool send_row(struct kafka_sink *s, const struct outbox *o, struct batch *batch, size_t row,
	struct parts *p, struct error *err)
{
	if (!print_plain(batch, o->type, row, &p->type) || !p->type.len)
		return error_set(err, ERROR_DATA, "a message of an outbox names no aggregatetype");
	CLEANUP(free_string) char *name = route(s, &p->type);
	struct kafka_topic *topic = topic_of(s, name, err);
	if (!topic)
		return false;
	bool keyed = print_plain(batch, o->aggregate, row, &p->key);
	bool filled = print_plain(batch, o->payload, row, &p->payload);
	print_plain(batch, o->id, row, &p->id);
	const struct kafka_message message = {
		.key = keyed ? buf_text(&p->key) : NULL,
		.key_len = p->key.len,
		.value = filled ? buf_text(&p->payload) : NULL,
		.value_len = p->payload.len,
		.header = "id",
		.header_value = p->id.data,
		.header_len = p->id.len,
	};
	return kafka_send(topic, &message, err);
}

bool outbox_write(
	struct kafka_sink *s, const struct outbox *o, struct batch *batch, struct error *err)
{
	struct parts parts;
	bool ok = true;

	buf_init(&parts.type, BUF_MAX);
	buf_init(&parts.id, BUF_MAX);
	buf_init(&parts.key, BUF_MAX);
	buf_init(&parts.payload, BUF_MAX);
	for (size_t row = 0; ok && row < batch->rows; row++) {
		char op = batch_meta(batch)[row].op;
		if (op != OP_INSERT && op != OP_COPY)
			continue;
		ok = send_row(s, o, batch, row, &parts, err);
		if (!ok && err->kind == ERROR_DATA) {
			batch_set_row_aside(batch, row, NULL, err->text);
			error_clear(err);
			ok = true;
		}
	}
	buf_release(&parts.type);
	buf_release(&parts.id);
	buf_release(&parts.key);
	buf_release(&parts.payload);
	return ok;
}

void outbox_release(struct kafka_sink *s)
{
	const void *name;
	size_t i = 0, len;
	void *topic;

	while (map_next(&s->routes, &i, &name, &len, &topic))
		kafka_topic_close(topic);
	map_release(&s->routes);
}
