/* Messages of pgoutput, recorded in binary and in text mode; cut anywhere, and spoilt. */
#include <inttypes.h>
#include "pg_golden.h"
#include "base/clock.h"
#include "base/vec.h"
#include "formats/pgoutput/pgoutput.h"

static const struct table_options set_aside = {.unrepresentable = UNREPRESENTABLE_SET_ASIDE};

struct relation {
	struct golden_table golden;
	struct pg_rows rows;
	int16_t map[64];
	uint32_t id;
};

struct replay {
	struct pg_catalog catalog;
	VEC(struct relation *) relations; /* the later of one id counts */
	struct row_meta meta;
	struct buf dump;
};

static void replay_init(struct replay *r)
{
	*r = (struct replay){0};
	golden_catalog(&r->catalog);
	buf_init(&r->dump, BUF_MAX);
}

static void replay_release(struct replay *r)
{
	vec_each (&r->relations, it) {
		pg_rows_release(&(*it)->rows);
		table_unref((*it)->golden.table);
		free(*it);
	}
	vec_release(&r->relations);
	pg_catalog_release(&r->catalog);
	buf_release(&r->dump);
}

struct lookup {
	const char *name;
	struct pg_column *column;
};

/* What the message does not say. */
static void look_up(void *with, const char *name, const struct pg_column *column, bool key)
{
	struct lookup *l = with;

	(void)key;
	if (strcmp(name, l->name) != 0)
		return;
	l->column->dims = column->dims;
	l->column->not_null = column->not_null;
}

static void add_relation(struct replay *r, const struct pgoutput_relation *message)
{
	struct relation *relation = xcalloc(1, sizeof *relation);
	struct pgoutput_relation rest = *message;
	struct pgoutput_column c;
	struct error err = {0};

	buf_printf(&r->dump, "relation %s.%s identity %c:", message->schema, message->name,
		message->identity);
	relation->id = message->id;
	golden_table_init(&relation->golden, message->name, &set_aside);
	for (int16_t i = 0; pgoutput_next_column(&rest, &c); i++) {
		struct pg_column column = {.type = c.type, .typmod = c.typmod};
		golden_each_column(message->name, look_up, &(struct lookup){c.name, &column});
		bool key = c.key && message->identity != 'f';
		column.not_null = column.not_null || key;
		golden_column(&relation->golden, &r->catalog, c.name, &column, key);
		relation->map[i] = i;
		buf_printf(&r->dump, " %s%s", c.name, c.key ? "*" : "");
	}
	buf_puts(&r->dump, "\n");
	if (!pg_rows_init(&relation->rows, relation->golden.table, &r->catalog,
		    relation->golden.columns, &err))
		fail_msg("%s", err.text);
	vec_push(&r->relations, relation);
}

static struct relation *find_relation(const struct replay *r, uint32_t id)
{
	for (size_t i = r->relations.len; i-- > 0;)
		if (r->relations.items[i]->id == id)
			return r->relations.items[i];
	fail_msg("no relation %u", id);
	return NULL;
}

static bool append_tuple(const struct pgoutput_tuple *tuple, const struct pgoutput_map *map,
	struct pg_rows *rows, struct pg_cell *cells, struct batch *batch,
	const struct row_meta *meta, struct error *err)
{
	return pgoutput_cells(tuple, map, cells, rows->table->n_columns, err) &&
	       pg_rows_append(rows, batch, cells, meta, err);
}

static void add_row(
	struct replay *r, struct relation *relation, const struct pgoutput_tuple *tuple, char op)
{
	struct table *table = relation->golden.table;
	struct pgoutput_map map = {relation->map, (uint16_t)table->n_columns};
	struct batch batch;
	struct error err = {0};

	r->meta.op = op;
	batch_init(&batch, table);
	if (!append_tuple(
		    tuple, &map, &relation->rows, relation->golden.cells, &batch, &r->meta, &err))
		fail_msg("%s: %s", table->name, err.text);
	buf_printf(&r->dump, "%s ", table->name);
	size_t from = r->dump.len;
	batch_print(&batch, &r->dump);
	/* Long values are for the machine. */
	if (r->dump.len - from > 3000) {
		r->dump.len = from + 200;
		buf_puts(&r->dump, "...\n");
	}
	batch_release(&batch);
}

/* The old row in full where it came so: a table of full identity has no key here. */
static void add_change(struct replay *r, const struct pgoutput *m)
{
	struct relation *relation = find_relation(r, m->change.relation);

	if (m->change.old_kind && m->kind == PGOUTPUT_UPDATE)
		add_row(r, relation, &m->change.old, OP_KEY_CHANGED);
	if (m->kind == PGOUTPUT_DELETE)
		add_row(r, relation, &m->change.old, OP_DELETE);
	else
		add_row(r, relation, &m->change.new,
			m->kind == PGOUTPUT_INSERT ? OP_INSERT : OP_UPDATE);
}

/* Numbers that differ from recording to recording are not shown. */
static void replay_message(struct replay *r, const struct pgoutput *m)
{
	switch (m->kind) {
	case PGOUTPUT_BEGIN:
		assert_true(m->begin.commit_lsn > 0 && m->begin.xid > 0);
		assert_true(m->begin.commit_time_us > INT64_C(1700000000000000));
		r->meta.commit_lsn = m->begin.commit_lsn;
		buf_puts(&r->dump, "begin\n");
		break;
	case PGOUTPUT_COMMIT:
		assert_int_equal(m->commit.commit_lsn, r->meta.commit_lsn);
		assert_true(m->commit.end_lsn > m->commit.commit_lsn);
		buf_puts(&r->dump, "commit\n");
		break;
	case PGOUTPUT_ORIGIN:
		buf_printf(&r->dump, "origin %s %" PRIX64 "\n", m->origin.name, m->origin.lsn);
		break;
	case PGOUTPUT_RELATION: add_relation(r, &m->relation); break;
	case PGOUTPUT_TYPE:
		buf_printf(&r->dump, "type %s.%s\n", m->type.schema, m->type.name);
		break;
	case PGOUTPUT_INSERT:
	case PGOUTPUT_UPDATE:
	case PGOUTPUT_DELETE: add_change(r, m); break;
	case PGOUTPUT_TRUNCATE:
		buf_printf(&r->dump, "truncate%s%s", m->truncate.cascade ? " cascade" : "",
			m->truncate.restart_identity ? " restart identity" : "");
		for (uint32_t i = 0; i < m->truncate.n_relations; i++)
			buf_printf(&r->dump, " %s",
				find_relation(r, pgoutput_truncated(&m->truncate, i))
					->golden.table->name);
		buf_puts(&r->dump, "\n");
		break;
	case PGOUTPUT_MESSAGE:
		buf_printf(&r->dump, "message %s%s: %.*s\n", m->message.prefix,
			m->message.transactional ? " in transaction" : "", (int)m->message.len,
			m->message.content);
		break;
	}
}

/* The next message of a recording. */
static bool next_message(const struct buf *file, size_t *at, const uint8_t **data, size_t *len)
{
	if (*at == file->len)
		return false;
	*len = (size_t)file->data[*at] << 24 | (size_t)file->data[*at + 1] << 16 |
	       (size_t)file->data[*at + 2] << 8 | file->data[*at + 3];
	*data = file->data + *at + 4;
	*at += 4 + *len;
	assert_true(*at <= file->len);
	return true;
}

static void replay_file(struct replay *r, const char *name)
{
	struct buf file;
	struct pgoutput message;
	struct error err = {0};
	const uint8_t *data;
	size_t len, at = 0;

	golden_read(name, &file);
	while (next_message(&file, &at, &data, &len)) {
		if (!pgoutput_parse(data, len, &message, &err))
			fail_msg("%s", err.text);
		replay_message(r, &message);
	}
	buf_release(&file);
}

static void changes_in_binary_come_out_as_expected(void **state)
{
	struct replay r;

	(void)state;
	replay_init(&r);
	replay_file(&r, "binary.pgoutput");
	golden_compare("changes.expected", &r.dump);
	replay_release(&r);
}

static void changes_in_text_are_the_same(void **state)
{
	struct replay r;

	(void)state;
	replay_init(&r);
	replay_file(&r, "text.pgoutput");
	golden_compare("changes.expected", &r.dump);
	replay_release(&r);
}

static void find_everything(struct replay *r, struct batch *streamed)
{
	struct buf file;
	struct pgoutput m;
	struct error err = {0};
	const uint8_t *data;
	size_t len, at = 0;

	golden_read("binary.pgoutput", &file);
	while (next_message(&file, &at, &data, &len)) {
		assert_true(pgoutput_parse(data, len, &m, &err));
		if (m.kind == PGOUTPUT_RELATION) {
			add_relation(r, &m.relation);
			if (!streamed->table)
				batch_init(streamed, r->relations.items[0]->golden.table);
		}
		if (m.kind != PGOUTPUT_INSERT || m.change.relation != r->relations.items[0]->id)
			continue;
		struct relation *relation = r->relations.items[0];
		struct pgoutput_map map = {relation->map, m.change.new.n_columns};
		r->meta.op = OP_INSERT;
		assert_true(append_tuple(&m.change.new, &map, &relation->rows,
			relation->golden.cells, streamed, &r->meta, &err));
	}
	buf_release(&file);
}

static void copy_and_stream_give_identical_columns(void **state)
{
	struct replay r;
	struct batch streamed = {0}, copied;
	struct pgcopy copy;
	struct buf file;
	struct error err = {0};
	bool ended = false;

	(void)state;
	replay_init(&r);
	find_everything(&r, &streamed);
	struct relation *relation = r.relations.items[0];
	golden_read("rows.copy", &file);
	pgcopy_init(&copy);
	batch_init(&copied, relation->golden.table);
	assert_true(golden_copied(&copy, file.data, file.len, &relation->rows,
		relation->golden.cells, &copied, &r.meta, &ended, &err));
	assert_true(ended && copied.rows > 0);
	assert_int_equal(copied.rows, streamed.rows);
	assert_int_equal(copied.aside.len, streamed.aside.len);
	for (size_t i = 0; i < copied.rows; i++) {
		size_t j = 0;
		while (j < streamed.rows && !batch_key_equal(&copied, i, &streamed, j))
			j++;
		assert_true(j < streamed.rows);
		for (size_t c = 0; c < copied.table->n_columns; c++)
			assert_true(column_equal(&copied.columns[c], i, &streamed.columns[c], j));
	}
	batch_release(&copied);
	batch_release(&streamed);
	pgcopy_release(&copy);
	buf_release(&file);
	replay_release(&r);
}

static void a_message_cut_or_prolonged_anywhere_is_refused(void **state)
{
	struct buf file;
	struct pgoutput m;
	struct error err;
	const uint8_t *data;
	size_t len, at = 0;

	(void)state;
	golden_read("binary.pgoutput", &file);
	while (next_message(&file, &at, &data, &len)) {
		for (size_t cut = len > 200 ? len - 200 : 0; cut < len; cut++) {
			uint8_t *copy = xmalloc(cut + !cut);
			memcpy(copy, data, cut);
			assert_false(pgoutput_parse(copy, cut, &m, &err));
			assert_int_equal(err.kind, ERROR_BROKEN);
			free(copy);
		}
		uint8_t *longer = xcalloc(1, len + 1);
		memcpy(longer, data, len);
		assert_false(pgoutput_parse(longer, len + 1, &m, &err));
		assert_non_null(strstr(err.text, "should end at byte"));
		free(longer);
	}
	buf_release(&file);
}

static void refused(const char *bytes, size_t len, const char *words)
{
	struct pgoutput m;
	struct error err = {0};

	assert_false(pgoutput_parse((const uint8_t *)bytes, len, &m, &err));
	assert_int_equal(err.kind, ERROR_BROKEN);
	if (!strstr(err.text, words))
		fail_msg("got %s, expected %s", err.text, words);
}

static void messages_of_other_protocols_are_refused(void **state)
{
	(void)state;
	refused("", 0, "empty");
	refused("S\0\0\0\1\1", 6, "type 0x53");
	refused("\0", 1, "type 0x00");
	refused("I\0\0\0\1K\0\0", 8, "does not parse at byte 6");
	refused("D\0\0\0\1N\0\0", 8, "does not parse at byte 6");
	refused("I\0\0\0\1N\0\1x", 9, "does not parse at byte 9");
	refused("I\0\0\0\1N\0\1t\xff\xff\xff\xff", 13, "does not parse at byte 13");
	refused("T\xff\xff\xff\xff\0\0\0\0\1", 10, "does not parse");
}

static void a_row_of_another_width_than_its_relation_is_refused(void **state)
{
	struct pgoutput m;
	struct error err = {0};
	struct pg_cell cells[2];
	const int16_t columns[] = {1, -1, 0};

	(void)state;
	assert_true(pgoutput_parse((const uint8_t *)"I\0\0\0\1N\0\3t\0\0\0\1aun", 16, &m, &err));
	assert_false(
		pgoutput_cells(&m.change.new, &(struct pgoutput_map){columns, 2}, cells, 2, &err));
	assert_int_equal(err.kind, ERROR_BROKEN);
	assert_true(
		pgoutput_cells(&m.change.new, &(struct pgoutput_map){columns, 3}, cells, 2, &err));
	assert_int_equal(cells[0].kind, PG_CELL_NULL);
	assert_int_equal(cells[1].kind, PG_CELL_TEXT);
	assert_memory_equal(cells[1].data, "a", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_in_binary_come_out_as_expected),
		cmocka_unit_test(changes_in_text_are_the_same),
		cmocka_unit_test(copy_and_stream_give_identical_columns),
		cmocka_unit_test(a_message_cut_or_prolonged_anywhere_is_refused),
		cmocka_unit_test(messages_of_other_protocols_are_refused),
		cmocka_unit_test(a_row_of_another_width_than_its_relation_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
