/* Tokens of SQL; see tokens.h. */
#include "models/tokens.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Names that are keywords wherever they stand without quotes. */
static const char *const keywords[] = {"all", "and", "any", "array", "as", "asc", "between", "by",
	"case", "cross", "desc", "distinct", "else", "end", "except", "exists", "final", "from",
	"full", "global", "group", "having", "ilike", "in", "inner", "intersect", "interval",
	"into", "is", "join", "left", "like", "limit", "not", "null", "offset", "on", "or", "order",
	"outer", "over", "partition", "prewhere", "qualify", "right", "sample", "select",
	"settings", "then", "union", "using", "when", "where", "with"};

static const char *keyword_of(const char *s, size_t len)
{
	for (size_t i = 0; i < COUNT_OF(keywords); i++)
		if (strlen(keywords[i]) == len && !strncasecmp(keywords[i], s, len))
			return keywords[i];
	return NULL;
}

const char *sql_skip_space(const char *s)
{
	for (;;) {
		s += strspn(s, " \t\r\n\f\v");
		if ((s[0] == '-' && s[1] == '-') || (s[0] == '#' && (s[1] == ' ' || s[1] == '!'))) {
			s += strcspn(s, "\n");
		} else if (s[0] == '/' && s[1] == '*') {
			const char *end = strstr(s + 2, "*/");
			s = end ? end + 2 : s + strlen(s);
		} else {
			return s;
		}
	}
}

void sql_trim_end(struct buf *sql)
{
	while (sql->len && (isspace(sql->data[sql->len - 1]) || sql->data[sql->len - 1] == ';'))
		sql->len--;
}

/* Behind the quoted text at s: a quote in it is written twice or behind a backslash. */
static const char *skip_quoted(const char *s)
{
	char quote = *s++;

	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == quote && s[1] == quote)
			s++;
		else if (*s == quote)
			return s + 1;
	}
	return s;
}

/* $tag$ ... $tag$; where it is none, the dollar alone. */
static const char *skip_heredoc(const char *s)
{
	size_t len = 1;

	while (isalnum((unsigned char)s[len]) || s[len] == '_')
		len++;
	if (s[len] != '$')
		return s + 1;
	len++;
	for (const char *end = s + len; (end = strchr(end, '$')); end++)
		if (!strncmp(end, s, len))
			return end + len;
	return s + strlen(s);
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static const char *skip_word(const char *s)
{
	bool number = isdigit((unsigned char)*s);

	while (in_word(*s) || (number && *s == '.') ||
		(number && (*s == '-' || *s == '+') && (s[-1] == 'e' || s[-1] == 'E')))
		s++;
	return s;
}

static const char *skip_token(const char *s)
{
	static const char *const two[] = {"<=", ">=", "<>", "!=", "==", "||", "::", "->", "=>"};

	if (*s == '\'' || *s == '"' || *s == '`')
		return skip_quoted(s);
	if (*s == '$')
		return skip_heredoc(s);
	if (in_word(*s))
		return skip_word(s);
	for (size_t i = 0; i < COUNT_OF(two); i++)
		if (s[0] == two[i][0] && s[1] == two[i][1])
			return s + 2;
	return s + 1;
}

void tokens_of(const char *sql, struct tokens *out)
{
	for (const char *s = sql_skip_space(sql); *s; s = sql_skip_space(s)) {
		const char *end = skip_token(s), *word = keyword_of(s, (size_t)(end - s));
		struct token t = {word ? word : s, (size_t)(end - s)};
		vec_push(out, t);
		s = end;
	}
	while (out->len && token_is(out->items[out->len - 1], ";"))
		out->len--;
}

bool token_is(struct token t, const char *text)
{
	return t.len == strlen(text) && !memcmp(t.s, text, t.len);
}

bool tokens_equal(const struct token *a, const struct token *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].len != b[i].len || memcmp(a[i].s, b[i].s, a[i].len) != 0)
			return false;
	return true;
}

/* --- columns --- */

/* The outermost query: its columns are tokens [first, end), each up to a comma. */
struct query {
	const struct token *t;
	size_t first, end;
	VEC(size_t) columns; /* where each starts */
	bool whole;          /* rows do not depend on the list of columns, and it is the only one */
};

static int depth_of(struct token t)
{
	return (token_is(t, "(") || token_is(t, "[")) - (token_is(t, ")") || token_is(t, "]"));
}

/* Words after which what is in the list decides on rows. */
static bool depends_on_columns(const struct tokens *all, size_t i)
{
	struct token t = all->items[i];
	bool grouping = token_is(t, "by") && i + 1 < all->len;

	return token_is(t, "union") || token_is(t, "intersect") || token_is(t, "except") ||
	       token_is(t, "distinct") ||
	       (grouping && (token_is(all->items[i + 1], "all") ||
				    isdigit((unsigned char)all->items[i + 1].s[0])));
}

static struct query query_of(const struct tokens *all)
{
	struct query q = {.t = all->items, .end = all->len};
	int depth = 0;

	for (size_t i = 0; i < all->len; i++) {
		struct token t = all->items[i];
		depth += depth_of(t);
		if (depth)
			continue;
		if (depends_on_columns(all, i))
			q.whole = false;
		if (!q.columns.len && token_is(t, "select")) {
			q.first = i + 1;
			q.whole = true;
			vec_push(&q.columns, i + 1);
		} else if (q.columns.len && q.end == all->len && token_is(t, "from")) {
			q.end = i;
		} else if (q.columns.len && q.end == all->len && token_is(t, ",")) {
			vec_push(&q.columns, i + 1);
		}
	}
	return q;
}

static size_t column_len(const struct query *q, size_t column)
{
	bool last = column + 1 == q->columns.len;
	return (last ? q->end : q->columns.items[column + 1] - 1) - q->columns.items[column];
}

static bool column_equal(const struct query *a, size_t i, const struct query *b, size_t k)
{
	size_t len = column_len(a, i);

	return len == column_len(b, k) &&
	       tokens_equal(a->t + a->columns.items[i], b->t + b->columns.items[k], len);
}

/* Functions that give more than one row. */
static bool makes_rows(const struct query *q, size_t column)
{
	const struct token *t = q->t + q->columns.items[column];

	for (size_t i = 0; i < column_len(q, column); i++)
		if ((t[i].len == 9 && !strncasecmp(t[i].s, "arrayjoin", 9)) ||
			(t[i].len == 6 && !strncasecmp(t[i].s, "unnest", 6)))
			return true;
	return false;
}

/* Every column of the old one is in the new one, in that order. */
static bool columns_added(const struct query *old, const struct query *now)
{
	size_t k = 0;

	for (size_t i = 0; i < now->columns.len; i++) {
		if (k < old->columns.len && column_equal(old, k, now, i))
			k++;
		else if (makes_rows(now, i))
			return false;
	}
	return k == old->columns.len && now->columns.len > old->columns.len;
}

static bool same_around(const struct tokens *old, const struct query *a, const struct tokens *now,
	const struct query *b)
{
	size_t behind = old->len - a->end;

	return a->first == b->first && tokens_equal(a->t, b->t, a->first) &&
	       behind == now->len - b->end && tokens_equal(a->t + a->end, b->t + b->end, behind);
}

static bool adds_columns(const struct tokens *old, const struct tokens *now)
{
	struct query a = query_of(old), b = query_of(now);

	bool added = a.whole && b.whole && same_around(old, &a, now, &b) && columns_added(&a, &b);
	vec_release(&a.columns);
	vec_release(&b.columns);
	return added;
}

/* The tokens from `from` up to the next semicolon; they are not copied. */
static struct tokens part_of(const struct tokens *all, size_t from)
{
	struct tokens part = {.items = all->items + from};

	while (from + part.len < all->len && !token_is(part.items[part.len], ";"))
		part.len++;
	return part;
}

bool tokens_add_columns(const struct tokens *old, const struct tokens *now)
{
	size_t i = 0, k = 0;
	bool added = false;

	while (i < old->len && k < now->len) {
		struct tokens a = part_of(old, i), b = part_of(now, k);
		bool same = a.len == b.len && tokens_equal(a.items, b.items, a.len);
		if (!same && !adds_columns(&a, &b))
			return false;
		added |= !same;
		i += a.len + 1;
		k += b.len + 1;
	}
	return added && i >= old->len && k >= now->len;
}
