/* A table from the schemas of a message, or from what the configuration says of it; see kafka.h. */
#include <ctype.h>
#include <string.h>
#include "core/selection.h"
#include "sources/kafka/kafka.h"

#define PROBLEM(t, ...)                                                        \
	do {                                                                   \
		if (!(t)->problem)                                             \
			(t)->problem = arena_printf(&(t)->arena, __VA_ARGS__); \
	} while (0)

/* The next word of a list, up to a comma outside of parentheses; *at goes behind it. NULL: the end. */
static char *next_item(struct arena *arena, const char **at)
{
	int depth = 0;
	const char *from = *at + strspn(*at, ", \t\n"), *to = from;

	for (; *to && (depth || *to != ','); to++)
		depth += (*to == '(') - (*to == ')');
	*at = to;
	while (to > from && isspace((unsigned char)to[-1]))
		to--;
	return to > from ? arena_strndup(arena, from, (size_t)(to - from)) : NULL;
}

/* "price decimal(10,2)" */
static bool take_field(struct table *t, char *item, struct error *err)
{
	struct table_column *c = &t->columns[t->n_columns];
	char *type = item + strcspn(item, " \t\n");

	if (!*type)
		return error_set(err, ERROR_TABLE,
			"fields: \"%s\" lacks its type, as in \"%s nullable(string)\"", item, item);
	*type++ = '\0';
	type += strspn(type, " \t\n");
	if (!type_parse(type, &t->arena, &c->type, err))
		return error_add(err, "fields: column %s", item);
	c->name = item;
	c->source_type = arena_strdup(&t->arena, type);
	c->attribute = debezium_attribute(t, item);
	t->n_columns++;
	return true;
}

static bool take_fields(struct table *t, const char *fields, struct error *err)
{
	size_t most = 1;

	for (const char *c = fields; *c; c++)
		most += *c == ',';
	t->columns = arena_alloc(&t->arena, most * sizeof *t->columns);
	for (char *item; (item = next_item(&t->arena, &fields));)
		if (!take_field(t, item, err))
			return false;
	return true;
}

/* Rows are told apart by these, whatever the messages' keys are. */
static void take_key(struct table *t, const char *key)
{
	for (size_t i = 0; i < t->n_columns; i++)
		t->columns[i].key = false;
	t->n_key = 0;
	t->key = arena_alloc(&t->arena, (t->n_columns + 1) * sizeof *t->key);
	for (char *name; (name = next_item(&t->arena, &key));) {
		int i = table_column_by_name(t, name);
		if (i < 0) {
			PROBLEM(t, "key: there is no column %s", name);
			return;
		}
		if (t->columns[i].key)
			continue;
		t->columns[i].key = true;
		t->columns[i].type.nullable = false;
		t->key[t->n_key++] = (uint16_t)i;
	}
}

static bool take_columns(struct table *t, const struct table_options *options,
	const struct form *form, struct error *err)
{
	if (options->fields)
		return take_fields(t, options->fields, err);
	if (form->shape)
		return debezium_shape_columns(form->shape, t, err);
	return error_set(err, ERROR_TABLE,
		"the messages of the topic carry no schema; give its columns as fields: \"id "
		"int64, name nullable(string)\", and where they have no key, key: id");
}

static struct table *define_table(
	struct kafka_source *k, const struct topic *topic, const struct form *form)
{
	const struct selection_rule *rule = selection_match(
		k->source.selection, topic->carries.schema, topic->carries.name);
	struct table *t = table_new();
	struct error err = {0};

	t->source_id = topic->id;
	t->schema = arena_strdup(&t->arena, topic->carries.schema);
	t->name = arena_strdup(&t->arena, topic->carries.name);
	t->options = &rule->options;
	if (!take_columns(t, &rule->options, form, &err))
		PROBLEM(t, "%s", err.text);
	else if (rule->options.key)
		take_key(t, rule->options.key);
	selection_apply(k->source.selection, rule, t);
	return t;
}

struct table *tell_table(struct kafka_source *k, struct topic *topic)
{
	struct form *form = topic->form;

	topic->told = true;
	if (form->value) {
		table_unref(form->table);
		form->table = define_table(k, topic, form);
		form->table->told = topic->newest_place;
	}
	return form->table;
}

struct form *topic_form(struct kafka_source *k, struct topic *topic, struct error *err)
{
	struct form *form = message_form(&k->message, &topic->forms);

	if (form)
		return form;
	struct form made = {.key = k->message.key.schema, .value = k->message.value.schema};
	made.envelope = message_is_envelope(&k->message);
	if (made.value) {
		made.shape = debezium_shape_new(made.key, made.value, &k->modes, err);
		if (!made.shape)
			return NULL;
	}
	made.table = define_table(k, topic, &made);
	if (!made.value && !made.table->problem)
		made.shape = debezium_shape_known(made.table, &k->modes);
	form = xmalloc(sizeof *form);
	*form = made;
	vec_push(&topic->forms, form);
	return form;
}

/* What counts where an event does not say where it comes from. */
struct row_meta record_meta(const struct kafka_source *k, const struct kafka_record *record)
{
	return (struct row_meta){
		.version = version_make(
			k->source.epoch, (uint64_t)record->offset + 1, (uint64_t)record->partition),
		.commit_lsn = (uint64_t)record->offset + 1,
		.commit_time_us = record->timestamp_ms * 1000,
	};
}

version_t event_place(const struct debezium_source *seen, const struct kafka_record *record)
{
	uint64_t place = seen->place ? seen->place : (uint64_t)record->timestamp_ms;

	return (version_t)place << 64 | (uint64_t)record->offset;
}

version_t message_place(
	struct kafka_source *k, const struct form *form, const struct kafka_record *record)
{
	struct row_meta meta = record_meta(k, record);
	struct debezium_source seen = {0};
	struct error ignored = {0};
	struct batch scratch;

	if (!form->shape)
		return event_place(&seen, record);
	batch_init(&scratch, form->table);
	bool read = debezium_read(form->shape, k->message.key.reader, k->message.value.reader,
		&meta, &seen, &scratch, &ignored);
	batch_release(&scratch);
	if (k->message.key.reader)
		k->message.key.reader->ops->restart(k->message.key.reader);
	k->message.value.reader->ops->restart(k->message.value.reader);
	return read ? event_place(&seen, record) : 0;
}
