/* Values as a type of ClickHouse: of a column, of a literal, and rows of these; see struct dialect in core/engine.h. */
#include "base/mem.h"
#include "engines/clickhouse/clickhouse.h"

/* Cast to what it holds first: a text that is no number becomes NULL where it is cast to Nullable at once. */
static void put_literal_as(struct buf *out, const char *literal, const char *of, const char *type)
{
	static const char nullable[] = "Nullable(";
	size_t prefix = sizeof nullable - 1, len = strlen(type);
	const char *end = *of ? ")" : "";
	bool null = !strncmp(type, nullable, prefix);
	int bare_len = (int)(null ? len - prefix - 1 : len);

	CLEANUP(free_string)
	char *bare = xasprintf("%s%.*s%s", of, bare_len, null ? type + prefix : type, end);
	buf_printf(out, "CAST(accurateCast(%s, ", literal);
	clickhouse_quote_text(bare, strlen(bare), out);
	buf_printf(out, ") AS %s%s%s)", of, type, end);
}

void clickhouse_typed(struct buf *out, const char *literal, const char *type)
{
	if (literal) {
		put_literal_as(out, literal, "", type);
		return;
	}
	buf_puts(out, "CAST(defaultValueOfTypeName(");
	clickhouse_quote_text(type, strlen(type), out);
	buf_printf(out, ") AS %s)", type);
}

/* In silence accurateCast() makes NULL of a text that is none, and drops digits of decimals and of times. */
void clickhouse_exact_cast(struct buf *out, const struct engine_column *from, const char *type)
{
	bool digits = strstr(from->type, "Decimal") || strstr(from->type, "DateTime");
	struct buf name, cast, why;

	buf_init(&name, BUF_MAX);
	buf_init(&cast, BUF_MAX);
	buf_init(&why, BUF_MAX);
	clickhouse_quote_name(from->name, &name);
	buf_printf(&cast, "accurateCast(%s, ", buf_text(&name));
	clickhouse_quote_text(type, strlen(type), &cast);
	buf_puts(&cast, ")");
	buf_printf(&why, "column '%s' has a value that is none of %s", from->name, type);
	if (digits)
		buf_printf(out, "if(throwIf(CAST(%s AS %s) IS DISTINCT FROM %s, ", buf_text(&cast),
			from->type, buf_text(&name));
	else
		buf_printf(out, "if(throwIf(isNull(%s) AND isNotNull(%s), ", buf_text(&cast),
			buf_text(&name));
	clickhouse_quote_text(buf_text(&why), why.len, out);
	buf_printf(out, ") = 0, %s, ", buf_text(&cast));
	clickhouse_typed(out, NULL, type);
	buf_puts(out, ")");
	buf_release(&name);
	buf_release(&cast);
	buf_release(&why);
}

const char *clickhouse_wider_type(struct arena *arena, const char *from, const char *to)
{
	static const char *const bare[] = {"Nullable(", "LowCardinality(", "Array(", "Map(",
		"Tuple(", "Variant(", "Dynamic", "JSON"};

	if (strncmp(from, bare[0], strlen(bare[0])) != 0)
		return to;
	for (size_t i = 0; i < COUNT_OF(bare); i++)
		if (!strncmp(to, bare[i], strlen(bare[i])))
			return to;
	return arena_printf(arena, "Nullable(%s)", to);
}

/* NULL: there is none. */
static const char *some_literal(const struct constants *c, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++)
		if (c->literals[i])
			return c->literals[i];
	return NULL;
}

/* A list of texts is not cast to one of lists. */
static bool is_cast_as_one(const struct constants *c)
{
	return c->alike && strncmp(c->type, "Array(", 6) != 0;
}

static bool lacks_literals(const struct constants *c, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++)
		if (!c->literals[i])
			return true;
	return false;
}

/* In the place of a literal that is not there stands another. */
static void put_lists(struct buf *out, const struct constants *c, size_t column, size_t n_rows)
{
	const char *some = some_literal(c, n_rows);
	bool as_one = is_cast_as_one(c);
	struct buf list;

	if (!some)
		return;
	buf_init(&list, BUF_MAX);
	for (size_t i = 0; i < n_rows; i++) {
		buf_puts(&list, i ? ", " : "[");
		if (as_one)
			buf_puts(&list, c->literals[i] ? c->literals[i] : some);
		else
			clickhouse_typed(&list, c->literals[i], c->type);
	}
	buf_puts(&list, "]");
	buf_puts(out, ",\n\t");
	if (as_one)
		put_literal_as(out, buf_text(&list), "Array(", c->type);
	else
		buf_puts(out, buf_text(&list));
	buf_release(&list);
	buf_printf(out, " AS __column_%zu", column);
	if (!as_one || !lacks_literals(c, n_rows))
		return;
	for (size_t i = 0; i < n_rows; i++)
		buf_printf(out, "%s%d", i ? ", " : ",\n\t[", !c->literals[i]);
	buf_printf(out, "] AS __lacks_%zu", column);
}

static void put_constant(struct buf *out, const struct constants *c, size_t column, size_t n_rows)
{
	bool lacks = is_cast_as_one(c) && lacks_literals(c, n_rows);

	if (!some_literal(c, n_rows)) {
		clickhouse_typed(out, NULL, c->type);
		return;
	}
	buf_puts(out, "CAST(");
	if (lacks) {
		buf_printf(out, "if(__lacks_%zu, ", column);
		clickhouse_typed(out, NULL, c->type);
		buf_puts(out, ", ");
	}
	buf_printf(out, "__column_%zu%s AS %s)", column, lacks ? ")" : "", c->type);
}

/* A list a column: ClickHouse takes a millisecond for each function that it finds, and more for a UNION. */
void clickhouse_constants(
	struct buf *out, const struct constants *columns, size_t n_columns, size_t n_rows)
{
	for (size_t i = 0; i < n_columns; i++) {
		buf_puts(out, i ? ",\n\t" : "SELECT\n\t");
		put_constant(out, &columns[i], i, n_rows);
		buf_puts(out, " AS ");
		clickhouse_quote_name(columns[i].name, out);
	}
	buf_printf(out, "\nFROM (SELECT 1)\nARRAY JOIN\n\trange(%zu) AS __row", n_rows);
	for (size_t i = 0; i < n_columns; i++)
		put_lists(out, &columns[i], i, n_rows);
}
