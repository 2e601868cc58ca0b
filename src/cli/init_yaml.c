/*
 * The configuration that `tailrace init` writes. Tables are listed as comments with what speaks for and against
 * them; names come from the database and may hold anything, so texts are quoted, and comments stay on one line.
 */
#include <ctype.h>
#include <string.h>
#include "base/text.h"
#include "cli/cli.h"
#include "cli/init.h"

#define MOST_LISTED 200

/* A text as YAML reads it back, and without a $ that would be expanded. */
static void print_text(const char *text, struct buf *out)
{
	buf_u8(out, '"');
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < ' ' || *c == 127) {
			buf_printf(out, "\\x%02x", *c);
			continue;
		}
		if (*c == '"' || *c == '\\')
			buf_u8(out, '\\');
		if (*c == '$')
			buf_u8(out, '$');
		buf_u8(out, *c);
	}
	buf_u8(out, '"');
}

/* Plain where that is safe. */
static void print_word(const char *text, const char *also, struct buf *out)
{
	bool plain = isalpha((unsigned char)*text) && strcmp(text, "null") != 0;
	for (const char *c = text; *c; c++)
		plain = plain && (isalnum((unsigned char)*c) || strchr(also, *c));
	if (plain)
		buf_puts(out, text);
	else
		print_text(text, out);
}

static void print_comment(const char *text, struct buf *out)
{
	for (; *text; text++)
		buf_u8(out, (unsigned char)*text < ' ' || *text == 127 ? '?' : (uint8_t)*text);
}

/* --- connections --- */

static void print_source(const struct plan *p, struct buf *out)
{
	buf_printf(out, "  %s:\n    kind: %s\n", p->stream, p->kind);
	if (p->secret_file) {
		buf_puts(out, "    url_file: ");
		print_text(p->secret_file, out);
		buf_puts(out,
			" # the URL with its password; keep that file out of version control\n");
	} else {
		buf_puts(out, "    url: ");
		print_text(p->url, out);
		buf_u8(out, '\n');
	}
}

static void print_target(const struct plan *p, struct buf *out)
{
	buf_puts(out, "  warehouse:\n    kind: clickhouse\n");
	if (strcmp(p->target_url, "embedded") == 0) {
		buf_puts(out, "    url: embedded # a ClickHouse of its own; or "
			      "http(s)://user@host:8123\n");
	} else {
		buf_puts(out, "    url: ");
		print_text(p->target_url, out);
		buf_u8(out, '\n');
	}
	if (p->target_user) {
		buf_puts(out, "    user: ");
		print_text(p->target_user, out);
		buf_u8(out, '\n');
	}
	if (p->target_secret_file) {
		buf_puts(out, "    password_file: ");
		print_text(p->target_secret_file, out);
		buf_u8(out, '\n');
	}
	buf_printf(out, "    database: %s\n", p->stream);
}

/* --- tables --- */

static void print_key(const struct table *t, struct buf *out)
{
	if (!t->n_key) {
		buf_puts(out, "no key: kept as history, which is NAME_log");
		return;
	}
	buf_puts(out, "key ");
	for (size_t i = 0; i < t->n_key; i++) {
		buf_puts(out, i ? ", " : "");
		print_comment(t->columns[t->key[i]].name, out);
	}
}

static void print_table(const struct table *t, struct buf *out)
{
	char rows[AMOUNT], size[AMOUNT];
	buf_puts(out, "      #   ");
	CLEANUP(free_string) char *name = xasprintf("%s.%s", t->schema, t->name);
	print_comment(name, out);
	buf_printf(out, "%*s about %s row%s, %s, ",
		(int)(text_width(name) < 32 ? 32 - text_width(name) : 0), "",
		print_count(t->rows_estimate, rows), plural(t->rows_estimate),
		print_size(t->bytes_estimate, size));
	print_key(t, out);
	buf_u8(out, '\n');
	if (t->problem) {
		buf_puts(out, "      #     problem: ");
		print_comment(t->problem, out);
		buf_u8(out, '\n');
	}
}

static bool same_schema(const struct table *a, const struct table *b)
{
	return strcmp(a->schema, b->schema) == 0;
}

/* One pattern a schema, its tables below it; `tables` is sorted by schema, then size. */
static void print_tables(const struct tables *tables, struct buf *out)
{
	size_t listed = 0;
	for (size_t i = 0; i < tables->len; i++) {
		const struct table *t = tables->items[i];
		if (!i || !same_schema(t, tables->items[i - 1])) {
			buf_puts(out, "      - ");
			CLEANUP(free_string) char *pattern = xasprintf("%s.*", t->schema);
			print_word(pattern, "_.*", out);
			buf_u8(out, '\n');
			listed = 0;
		}
		if (listed++ < MOST_LISTED)
			print_table(t, out);
		else if (listed == MOST_LISTED + 1)
			buf_puts(out, "      #   ...\n");
	}
	if (!tables->len)
		buf_puts(out, "      - public.* # there is no table yet\n");
}

/* What a column may hold that should not leave the database as it is, by its name; NULL: nothing. */
static const char *rule_for(const char *name)
{
	static const char *const rules[][2] = {{"password", "drop"}, {"passwd", "drop"},
		{"secret", "drop"}, {"token", "drop"}, {"email", "hash"}, {"phone", "mask"},
		{"iban", "mask"}};
	for (size_t i = 0; i < COUNT_OF(rules); i++)
		if (strcasestr(name, rules[i][0]))
			return rules[i][1];
	return NULL;
}

static void print_rules(const struct table *t, bool *any, struct buf *out)
{
	bool first = true;
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *rule = t->columns[i].key ? NULL : rule_for(t->columns[i].name);
		if (!rule)
			continue;
		if (!*any)
			buf_puts(out, "      # Columns whose names sound like secrets or "
				      "persons. A rule (drop, hash, hmac, mask, null) keeps\n"
				      "      # their values from leaving the database:\n");
		*any = true;
		if (first) {
			CLEANUP(free_string) char *name = xasprintf("%s.%s", t->schema, t->name);
			buf_puts(out, "      # - ");
			print_word(name, "_.", out);
			buf_puts(out, ":\n      #     columns: {");
		}
		buf_puts(out, first ? "" : ", ");
		print_word(t->columns[i].name, "_", out);
		buf_printf(out, ": %s", rule);
		first = false;
	}
	if (!first)
		buf_puts(out, "}\n");
}

void plan_print(const struct plan *p, struct buf *out)
{
	bool any = false;
	buf_puts(out, "# Written by `tailrace init`. Next: `tailrace check`, then `tailrace "
		      "run`.\n"
		      "# `tailrace reference` prints everything that may stand here. ${NAME} "
		      "and ${NAME:-default} come\n"
		      "# from the environment.\n"
		      "connections:\n");
	print_source(p, out);
	print_target(p, out);
	buf_printf(out,
		"streams:\n"
		"  %s:\n"
		"    from: %s\n"
		"    to: warehouse\n"
		"    # Patterns over schema.table; \"!pattern\" excludes; the last that matches\n"
		"    # decides. Tables made later join by themselves. A pattern with options:\n"
		"    #   - public.orders: {keep: both} # latest (default) | history | both\n"
		"    tables:\n",
		p->stream, p->stream);
	print_tables(&p->tables, out);
	for (size_t i = 0; i < p->tables.len; i++)
		print_rules(p->tables.items[i], &any, out);
	buf_puts(out, "server:\n"
		      "  listen: 127.0.0.1:8080 # /healthz, /readyz, /metrics, /api/v1/status; "
		      "off: none\n");
}
