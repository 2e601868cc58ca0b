/* Batches; see batch.h. */
#include "core/batch.h"

#include <assert.h>
#include "base/text.h"

void batch_init(struct batch *b, struct table *table)
{
	*b = (struct batch){.table = table_ref(table)};
	b->columns = xcalloc(table->n_columns, sizeof *b->columns);
	for (size_t i = 0; i < table->n_columns; i++)
		column_init(&b->columns[i], &table->columns[i].type);
	buf_init(&b->meta, BUF_MAX);
	arena_init(&b->arena);
}

void batch_release(struct batch *b)
{
	for (size_t i = 0; b->table && i < b->table->n_columns; i++)
		column_release(&b->columns[i]);
	free(b->columns);
	buf_release(&b->meta);
	vec_release(&b->aside);
	arena_release(&b->arena);
	table_unref(b->table);
	if (b->before)
		batch_release(b->before);
	free(b->before);
	*b = (struct batch){0};
}

void batch_clear(struct batch *b)
{
	for (size_t i = 0; i < b->table->n_columns; i++)
		column_clear(&b->columns[i]);
	buf_clear(&b->meta);
	b->aside.len = 0;
	arena_reset(&b->arena);
	b->rows = 0;
	if (b->before)
		batch_clear(b->before);
}

size_t batch_bytes(const struct batch *b)
{
	size_t bytes = b->meta.len + b->aside.len * sizeof *b->aside.items + arena_bytes(&b->arena);

	for (size_t i = 0; b->table && i < b->table->n_columns; i++)
		bytes += column_bytes(&b->columns[i]);
	return bytes + (b->before ? batch_bytes(b->before) : 0);
}

void batch_abort_row(struct batch *b)
{
	for (size_t i = 0; i < b->table->n_columns; i++)
		column_truncate(&b->columns[i], b->rows);
}

/* A row that is not known has no operation. */
const struct batch *batch_before(const struct batch *b, size_t row)
{
	bool known = b->before && row < b->before->rows && batch_meta(b->before)[row].op;
	return known ? b->before : NULL;
}

struct batch *batch_before_upto(struct batch *b, size_t row)
{
	const struct row_meta unknown = {0};

	if (!b->before) {
		b->before = xmalloc(sizeof *b->before);
		batch_init(b->before, b->table);
	}
	while (b->before->rows < row) {
		for (size_t i = 0; i < b->table->n_columns; i++)
			column_add_default(&b->before->columns[i]);
		batch_commit_row(b->before, &unknown);
	}
	return b->before;
}

void batch_set_aside(struct batch *b, const struct set_aside *aside)
{
	struct set_aside kept = {
		.meta = aside->meta,
		.key = arena_strdup(&b->arena, aside->key),
		.row = arena_strdup(&b->arena, aside->row),
		.column = arena_strdup(&b->arena, aside->column),
		.reason = arena_strdup(&b->arena, aside->reason),
	};
	vec_push(&b->aside, kept);
}

void batch_take_back_row(struct batch *b)
{
	b->rows--;
	b->meta.len -= sizeof(struct row_meta);
	batch_abort_row(b);
}

/* The columns that tell rows apart: the key's, or all when there is no key. */
static size_t identity_len(const struct table *t)
{
	return t->n_key ? t->n_key : t->n_columns;
}

static size_t identity_column(const struct table *t, size_t i)
{
	return t->n_key ? t->key[i] : i;
}

uint64_t batch_key_hash(const struct batch *b, size_t row)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < identity_len(b->table); i++)
		hash = column_hash(&b->columns[identity_column(b->table, i)], row, hash);
	return hash;
}

bool batch_key_equal(const struct batch *a, size_t row_a, const struct batch *b, size_t row_b)
{
	size_t n = identity_len(a->table);

	assert(n == identity_len(b->table));
	for (size_t i = 0; i < n; i++) {
		const struct column *left = &a->columns[identity_column(a->table, i)];
		const struct column *right = &b->columns[identity_column(b->table, i)];
		if (!column_equal(left, row_a, right, row_b))
			return false;
	}
	return true;
}

int batch_key_compare(const struct batch *a, size_t row_a, const struct batch *b, size_t row_b)
{
	assert(a->table->n_key && a->table->n_key == b->table->n_key);
	for (size_t i = 0; i < a->table->n_key; i++) {
		const struct column *left = &a->columns[a->table->key[i]];
		const struct column *right = &b->columns[b->table->key[i]];
		int order = column_compare(left, row_a, right, row_b);
		if (order)
			return order;
	}
	return 0;
}

static void print_member(const char *name, struct buf *out)
{
	text_print_json(name, strlen(name), out);
	buf_u8(out, ':');
}

static void print_column(const struct batch *b, size_t column, size_t row, struct buf *out)
{
	print_member(b->table->columns[column].name, out);
	column_print(&b->columns[column], row, out);
}

void batch_print_key(const struct batch *b, size_t row, struct buf *out)
{
	buf_u8(out, '{');
	for (size_t i = 0; i < identity_len(b->table); i++) {
		if (i)
			buf_u8(out, ',');
		print_column(b, identity_column(b->table, i), row, out);
	}
	buf_puts(out, "}");
}

/* Columns that are as before are left out. */
static void print_known(const struct batch *b, size_t row, struct buf *out)
{
	const char *before = "";

	buf_puts(out, "{");
	for (size_t c = 0; c < b->table->n_columns; c++) {
		if (column_is_unchanged(&b->columns[c], row))
			continue;
		buf_puts(out, before);
		before = ",";
		print_member(b->table->columns[c].name, out);
		if (b->table->columns[c].rule.kind != RULE_NONE)
			buf_puts(out, "\"...\"");
		else
			column_print(&b->columns[c], row, out);
	}
	buf_puts(out, "}");
}

void batch_set_row_aside(struct batch *b, size_t row, const char *column, const char *reason)
{
	struct buf key, text;

	buf_init(&key, BUF_MAX);
	buf_init(&text, BUF_MAX);
	batch_print_key(b, row, &key);
	print_known(b, row, &text);
	batch_set_aside(b, &(struct set_aside){.meta = batch_meta(b)[row],
				   .key = buf_text(&key),
				   .row = buf_text(&text),
				   .column = column,
				   .reason = reason});
	buf_release(&key);
	buf_release(&text);
}

static void print_unchanged(const struct batch *b, size_t row, struct buf *out)
{
	const char *before = ",\"unchanged\":[";

	for (size_t i = 0; i < b->table->n_columns; i++) {
		if (!column_is_unchanged(&b->columns[i], row))
			continue;
		buf_puts(out, before);
		text_print_json(b->table->columns[i].name, strlen(b->table->columns[i].name), out);
		before = ",";
	}
	if (!strcmp(before, ","))
		buf_u8(out, ']');
}

static void print_meta(const struct row_meta *meta, struct buf *out)
{
	char version[VERSION_TEXT];

	version_print(meta->version, version);
	buf_printf(out, "{\"op\":\"%c\",\"version\":\"%s\"", meta->op, version);
}

static void print_row(const struct batch *b, size_t row, struct buf *out)
{
	const struct row_meta *meta = &batch_meta(b)[row];
	bool tombstone = meta->op == OP_DELETE || meta->op == OP_KEY_CHANGED;

	print_meta(meta, out);
	print_unchanged(b, row, out);
	for (size_t i = 0; i < b->table->n_columns; i++) {
		bool absent = tombstone && b->table->n_key && !b->table->columns[i].key;
		if (absent || column_is_unchanged(&b->columns[i], row))
			continue;
		buf_u8(out, ',');
		print_column(b, i, row, out);
	}
	buf_puts(out, "}\n");
}

static void print_text(const char *name, const char *text, struct buf *out)
{
	buf_u8(out, ',');
	print_member(name, out);
	if (text)
		text_print_json(text, strlen(text), out);
	else
		buf_puts(out, "null");
}

void batch_print(const struct batch *b, struct buf *out)
{
	for (size_t row = 0; row < b->rows; row++)
		print_row(b, row, out);
	for (size_t i = 0; i < b->aside.len; i++) {
		const struct set_aside *aside = &b->aside.items[i];
		print_meta(&aside->meta, out);
		print_text("column", aside->column, out);
		print_text("reason", aside->reason, out);
		buf_printf(out, ",\"key\":%s,\"row\":%s}\n", aside->key ? aside->key : "null",
			aside->row ? aside->row : "null");
	}
}
