/*
 * The default of a column, as a schema has it: Debezium reads the expression as far as it is a literal, and takes a
 * zero for what a function computes.
 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include "base/text.h"
#include "formats/connect/json.h"
#include "formats/debezium/decode.h"
#include "formats/debezium/field.h"

/* Types whose defaults count, and what a computed one is. */
static const struct {
	const char *source, *computed;
} kinds[] = {
	{"bit", "00"},
	{"bit varying", "0"},
	{"boolean", "false"},
	{"character", ""},
	{"character varying", ""},
	{"text", ""},
	{"numeric", "0.0"},
	{"real", "0.0"},
	{"double precision", "0.0"},
	{"smallint", "0"},
	{"integer", "0"},
	{"bigint", "0"},
	{"json", "{}"},
	{"jsonb", "{}"},
	{"xml", ""},
	{"uuid", "00000000-0000-0000-0000-000000000000"},
	{"date", "1970-01-01"},
	{"time without time zone", "00:00"},
	{"interval", "PT0S"},
	{"timestamp without time zone", "1970-01-01"},
	{"timestamp with time zone", "1970-01-01"},
};

/* NULL: defaults of the type do not count. Of an enum only literals do. */
static const char *computed_of(const struct table_column *c, const struct source_type *source)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (!source->array && source_type_is(source, kinds[i].source))
			return kinds[i].computed;
	return c->type.kind == TYPE_SYMBOL ? "" : NULL;
}

/* "now()", "nextval('s'::regclass)", "CURRENT_DATE" */
static bool is_computed(const char *sql)
{
	static const char *const words[] = {
		"current_timestamp", "current_time", "current_date", "localtime", "localtimestamp"};
	const char *at = sql + (*sql == '(');
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (!strcasecmp(sql, words[i]))
			return true;
	while (isalnum((unsigned char)at[n]) || at[n] == '_' || at[n] == '.')
		n++;
	return n && at[n] == '(' && strchr(at + n, ')');
}

/* What stands in the first quotes; without any, all. */
static char *literal_of(struct arena *arena, const char *sql)
{
	const char *quote = strchr(sql, '\'');
	char *text = arena_strdup(arena, quote ? quote + 1 : sql), *to = text;

	if (!quote)
		return strncmp(sql, "NULL::", 6) ? text : NULL;
	for (const char *from = text; *from && (*from != '\'' || from[1] == '\''); from++) {
		from += *from == '\'';
		*to++ = *from;
	}
	*to = '\0';
	return text;
}

/* The literal as the column has it, and from there as any value. */
static const char *print(struct arena *arena, const struct field *f, const char *literal)
{
	struct connect_json_writer writer;
	struct type type = *f->type;
	struct column value;
	struct buf text, json;
	const char *printed = NULL;

	type.nullable = false;
	column_init(&value, &type);
	buf_init(&text, BUF_MAX);
	buf_init(&json, BUF_MAX);
	if (type.kind == TYPE_BOOL)
		buf_puts(&text, literal);
	else
		text_print_json(literal, strlen(literal), &text);
	connect_json_writer_init(&writer, &json);
	if (decode_json(&type, text.data, text.len, &value, NULL) &&
		f->write(f, &value, 0, &writer.base, NULL))
		printed = arena_strdup(arena, buf_text(&json));
	column_release(&value);
	buf_release(&text);
	buf_release(&json);
	return printed;
}

const char *field_default(struct arena *arena, const struct table_column *c, const struct field *f)
{
	struct source_type source;
	bool scalar = f->schema->kind <= CONNECT_BYTES && f->write != write_carried;

	if (!c->default_sql || c->base_type || c->rule.kind != RULE_NONE || !scalar)
		return NULL;
	source_type_parse(c->source_type, &source);
	const char *computed = computed_of(c, &source);
	if (!computed || (is_computed(c->default_sql) && !*computed && c->type.kind == TYPE_SYMBOL))
		return NULL;
	const char *literal = is_computed(c->default_sql) ? computed
							  : literal_of(arena, c->default_sql);
	return literal ? print(arena, f, literal) : NULL;
}
