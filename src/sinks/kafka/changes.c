/* Tables that came and columns that changed, on the topic that is named as the prefix, where Debezium's connectors
 * that tell of such have them. */
#include "base/clock.h"
#include "sinks/kafka/kafka.h"

static const struct connect_schema text = {.kind = CONNECT_STRING},
				   number = {.kind = CONNECT_INT64},
				   truth = {.kind = CONNECT_BOOLEAN};
static struct connect_field column_fields[] = {
	{"name", &text}, {"typeName", &text}, {"position", &number}, {"optional", &truth}};
static const struct connect_schema column_schema = {.kind = CONNECT_STRUCT,
	.name = "tailrace.schema.Column",
	.fields = column_fields,
	.n_fields = COUNT_OF(column_fields)};
static const struct connect_schema names_schema = {.kind = CONNECT_ARRAY, .element = &text},
				   columns_schema = {
					   .kind = CONNECT_ARRAY, .element = &column_schema};
static struct connect_field key_fields[] = {{"databaseName", &text}};
static struct connect_field value_fields[] = {{"ts_ms", &number}, {"databaseName", &text},
	{"schemaName", &text}, {"tableName", &text}, {"type", &text},
	{"primaryKeyColumnNames", &names_schema}, {"columns", &columns_schema}};
static const struct connect_schema key_schema = {.kind = CONNECT_STRUCT,
	.name = "tailrace.schema.Key",
	.fields = key_fields,
	.n_fields = COUNT_OF(key_fields)};
static const struct connect_schema value_schema = {.kind = CONNECT_STRUCT,
	.name = "tailrace.schema.Change",
	.fields = value_fields,
	.n_fields = COUNT_OF(value_fields)};

static void put_key_names(const struct table *t, struct connect_writer *w)
{
	w->ops->field(w, "primaryKeyColumnNames", strlen("primaryKeyColumnNames"));
	w->ops->array_begin(w, t->n_key);
	for (size_t i = 0; i < t->n_key; i++) {
		const char *name = t->columns[t->key[i]].name;
		w->ops->string(w, name, strlen(name));
	}
	w->ops->array_end(w);
}

static void put_columns(const struct table *t, struct connect_writer *w)
{
	w->ops->field(w, "columns", strlen("columns"));
	w->ops->array_begin(w, t->n_columns);
	for (size_t i = 0; i < t->n_columns; i++) {
		w->ops->struct_begin(w);
		put_text(w, "name", t->columns[i].name);
		put_text(w, "typeName", t->columns[i].source_type);
		put_number(w, "position", (int64_t)i + 1);
		w->ops->field(w, "optional", strlen("optional"));
		w->ops->boolean(w, t->columns[i].type.nullable);
		w->ops->struct_end(w);
	}
	w->ops->array_end(w);
}

bool changes_send(
	struct kafka_sink *s, const struct table *old, const struct table *now, struct error *err)
{
	const char *database = s->sink.from->database;

	if (!s->schema_changes)
		return true;
	if (!s->changes)
		s->changes = channel_open(s, debezium_sanitized(arena_strdup(&s->arena, s->prefix)),
			&key_schema, &value_schema, err);
	if (!s->changes)
		return false;
	struct connect_writer *w = channel_key(s, s->changes);
	w->ops->struct_begin(w);
	put_text(w, "databaseName", database);
	w->ops->struct_end(w);
	w = channel_value(s, s->changes);
	w->ops->struct_begin(w);
	put_number(w, "ts_ms", wall_us() / 1000);
	put_text(w, "databaseName", database);
	put_text(w, "schemaName", now->schema);
	put_text(w, "tableName", now->name);
	put_text(w, "type", old ? "ALTER" : "CREATE");
	put_key_names(now, w);
	put_columns(now, w);
	w->ops->struct_end(w);
	return channel_send(s, s->changes, err);
}
