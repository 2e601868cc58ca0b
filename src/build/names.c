/*
 * What the columns of a model are called. Where several tables of a join have a column of a name, an engine may call
 * `customers.id` by both words; everywhere else it is `id`, and that is what tests and other models say.
 */
#include <string.h>
#include "models/tokens.h"
#include "build/making.h"

static bool is_text(struct token t, const char *s, size_t len)
{
	return t.len == len && !memcmp(t.s, s, len);
}

static bool begins_table(struct token t)
{
	return token_is(t, "from") || token_is(t, "join");
}

/* Is the i-th token the name of a table: `from q`, `join t q`, `(...) as q`? */
static bool names_table(const struct tokens *sql, size_t i)
{
	struct token before = sql->items[i - 1];

	if (begins_table(before) || token_is(before, "as") || token_is(before, ")"))
		return true;
	return *before.s == '`' || *before.s == '"' || (i > 1 && begins_table(sql->items[i - 2]));
}

/* Does the query have a table of that name, and `table.column`? */
static bool says(const struct tokens *sql, const char *table, size_t len, const char *column)
{
	bool named = false, used = false;

	for (size_t i = 1; i < sql->len; i++) {
		if (!is_text(sql->items[i], table, len))
			continue;
		named |= names_table(sql, i);
		used |= i + 2 < sql->len && token_is(sql->items[i + 1], ".") &&
			token_is(sql->items[i + 2], column);
	}
	return named && used;
}

static const char *last_part(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot ? dot + 1 : name;
}

/* customer_id, for `customers.customer_id` where no other column would be called so; else its own name. */
static const char *plain_name(
	const struct tokens *sql, const struct engine_columns *columns, const char *name)
{
	const char *column = last_part(name);
	size_t n = 0;

	for (size_t i = 0; i < columns->len; i++)
		n += !strcmp(last_part(columns->items[i].name), column);
	bool plain = column != name && n == 1 &&
		     says(sql, name, (size_t)(column - 1 - name), column);
	return plain ? column : name;
}

/* A query of its own goes around it, whose columns have the plain names, unless they have them. */
static void rename_columns(
	struct making *m, const struct tokens *sql, const struct engine_columns *columns)
{
	struct engine_column *plain = arena_alloc(m->w->arena, (columns->len + 1) * sizeof *plain);
	bool any = false;
	struct buf out;

	buf_init(&out, BUF_MAX);
	for (size_t i = 0; i < columns->len; i++) {
		const char *name = columns->items[i].name;
		plain[i] = columns->items[i];
		plain[i].name = plain_name(sql, columns, name);
		buf_puts(&out, i ? ", " : "SELECT ");
		m->d->name(&out, name);
		if (plain[i].name == name)
			continue;
		any = true;
		buf_puts(&out, " AS ");
		m->d->name(&out, plain[i].name);
	}
	buf_printf(&out, "\nFROM (\n%s\n)", m->w->select);
	if (any) {
		m->w->select = m->described = arena_strdup(m->w->arena, buf_text(&out));
		m->gives.items = plain;
	}
	buf_release(&out);
}

static bool has_join(const struct tokens *sql)
{
	for (size_t i = 0; i < sql->len; i++)
		if (token_is(sql->items[i], "join"))
			return true;
	return false;
}

bool making_names(struct making *m, struct error *err)
{
	struct engine_columns columns;
	struct tokens sql = {0};
	struct error why = {0};
	bool ok = true;

	tokens_of(m->w->select, &sql);
	if (has_join(&sql)) {
		/* A wrong query is told with its line by the statement that it is for. */
		ok = making_describe(m, m->w->select, &columns, &why);
		if (ok)
			rename_columns(m, &sql, &columns);
		else if (why.kind == ERROR_RETRY)
			*err = why;
		else
			ok = true;
	}
	vec_release(&sql);
	return ok;
}
