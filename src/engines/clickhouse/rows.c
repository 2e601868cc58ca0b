/* Small answers, as TabSeparatedWithNamesAndTypes: tabs and newlines are escaped within values, \N is NULL. */
#include "engines/clickhouse/clickhouse.h"

#include "base/vec.h"

#define MAX_ANSWER_BYTES ((size_t)64 << 20)

VEC_TYPE(texts, const char *);

static char unescaped(char c)
{
	switch (c) {
	case 't': return '\t';
	case 'n': return '\n';
	case 'r': return '\r';
	case 'b': return '\b';
	case 'f': return '\f';
	case '0': return '\0';
	default: return c;
	}
}

/* The value at *at, up to a tab or newline, which *at is moved behind. A NUL within ends it. */
static const char *next_cell(const char **at, const char *end, struct arena *arena)
{
	const char *from = *at, *to = from;

	while (to < end && *to != '\t' && *to != '\n')
		to++;
	*at = to + 1;
	if (to - from == 2 && from[0] == '\\' && from[1] == 'N')
		return NULL;
	char *cell = arena_alloc(arena, (size_t)(to - from) + 1), *out = cell;
	for (; from < to; from++) {
		bool escape = *from == '\\' && from + 1 < to;
		from += escape;
		*out++ = escape ? unescaped(*from) : *from;
	}
	return cell;
}

static const char *const *keep(struct texts *list, struct arena *arena)
{
	const char **kept = arena_alloc(arena, (list->len + 1) * sizeof *kept);

	if (list->len)
		memcpy(kept, list->items, list->len * sizeof *kept);
	vec_release(list);
	return kept;
}

static void parse(const struct buf *answer, struct arena *arena, struct engine_rows *out)
{
	const char *at = (const char *)answer->data, *end = at + answer->len;
	struct texts names = {0}, types = {0}, cells = {0};

	*out = (struct engine_rows){0};
	for (bool more = at < end; more;) {
		vec_push(&names, next_cell(&at, end, arena));
		more = at[-1] == '\t';
	}
	out->n_columns = names.len;
	while (types.len < names.len)
		vec_push(&types, next_cell(&at, end, arena));
	while (at < end)
		vec_push(&cells, next_cell(&at, end, arena));
	out->n_rows = names.len ? cells.len / names.len : 0;
	out->names = keep(&names, arena);
	out->types = keep(&types, arena);
	out->cells = keep(&cells, arena);
}

bool clickhouse_rows(struct engine *engine, const struct statement *s, struct arena *arena,
	struct engine_rows *out, struct error *err)
{
	static const struct clickhouse_setting format[] = {
		{"default_format", "TabSeparatedWithNamesAndTypes"}, {NULL, NULL}};
	uint64_t given;
	struct buf answer;

	buf_init(&answer, MAX_ANSWER_BYTES);
	struct clickhouse_query query = {
		.sql = s->sql, .settings = format, .answer = &answer, .answer_rows = &given};
	bool ok = statement_perform(clickhouse_engine_of(engine), s, &query, NULL, err);
	if (ok)
		parse(&answer, arena, out);
	else if (err->kind == ERROR_DATA)
		err->kind = ERROR_TABLE; /* an answer that is too large */
	buf_release(&answer);
	if (ok && out->n_rows < given)
		return error_set(err, ERROR_RETRY,
			"ClickHouse sent %zu of the %llu rows of an answer; is there space left on "
			"its disk?",
			out->n_rows, (unsigned long long)given);
	return ok;
}

bool catalog_query(struct clickhouse_engine *e, const char *sql,
	const struct engine_setting *settings, struct arena *arena, struct engine_rows *out,
	struct error *err)
{
	const struct statement s = {.sql = sql, .settings = settings};
	return clickhouse_rows(&e->engine, &s, arena, out, err);
}
