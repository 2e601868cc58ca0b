/* See mirror.h. */
#include "mirror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

static void must(bool ok, const struct error *err)
{
	if (!ok)
		fail_msg("%s: %s", error_kind_name(err->kind), err->text);
}

void mirror_open(struct mirror *m, const char *url)
{
	const struct source_ops *ops = source_find("postgres");
	struct error err = {0};

	*m = (struct mirror){.source = xcalloc(1, ops->size)};
	arena_init(&m->arena);
	for (size_t i = 0; i < COUNT_OF(m->rules); i++)
		must(option_defaults(table_option_table, &m->rules[i].options, &m->arena, &err),
			&err);
	m->rules[0].pattern = "public.*";
	m->selection = (struct selection){
		.stream = "shop", .target_database = "shop", .rules = m->rules, .n_rules = 1};
	must(option_defaults(ops->options, m->source, &m->arena, &err), &err);
	must(option_set(ops->options, m->source, "url", url, &m->arena, &err), &err);
	m->source->ops = ops;
	m->source->name = "shop";
	m->source->selection = &m->selection;
	m->source->bundle_bytes = m->source->copy_bytes = 1 << 20;
	m->source->batch_rows = 10000;
	m->source->epoch = 3;
	must(ops->open(m->source, &err), &err);
}

static void forget_tables(struct mirror *m)
{
	vec_each (&m->tables, t)
		table_unref(*t);
	vec_release(&m->tables);
}

void mirror_close(struct mirror *m)
{
	forget_tables(m);
	m->source->ops->close(m->source);
	free(m->source);
	arena_release(&m->arena);
}

struct table *mirror_discover(struct mirror *m, const char *name)
{
	struct error err = {0};

	forget_tables(m);
	must(m->source->ops->discover(m->source, &m->tables, &err), &err);
	vec_each (&m->tables, t)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}

static bool take(struct batch_taker *taker, struct batch *batch, struct error *err)
{
	struct copied *c = (struct copied *)taker;

	(void)err;
	batch_print(batch, &c->rows);
	vec_each (&batch->aside, aside)
		buf_printf(&c->rows, "aside: %s: %s\n", aside->column, aside->reason);
	c->n_rows += batch->rows;
	c->n_batches++;
	batch_clear(batch);
	return true;
}

void copied_init(struct copied *c)
{
	*c = (struct copied){.taker = {take}};
	buf_init(&c->rows, BUF_MAX);
}

void copied_release(struct copied *c)
{
	buf_release(&c->rows);
}

void mirror_copy(struct mirror *m, struct table *table, struct copied *c)
{
	struct chunks chunks = {0};
	struct error err = {0};

	must(m->source->ops->plan(m->source, table, &chunks, &err), &err);
	vec_each (&chunks, chunk)
		must(m->source->ops->copy(m->source, table, chunk, &c->taker, &err) == COPY_DONE,
			&err);
	vec_release(&chunks);
}

char *copied_values(struct copied *c, const char *column)
{
	struct buf values;
	char *lines = xstrdup(buf_text(&c->rows)), *rest = lines, *line;

	buf_init(&values, BUF_MAX);
	while ((line = strsep(&rest, "\n")) && *line) {
		json_t *row = json_loads(line, 0, NULL);
		assert_non_null(row);
		json_t *value = json_object_get(row, column);
		char *text = json_is_string(value) ? xstrdup(json_string_value(value))
						   : json_dumps(value, JSON_ENCODE_ANY);
		buf_printf(&values, "%s%s", values.len ? "," : "", text ? text : "absent");
		free(text);
		json_decref(row);
	}
	free(lines);
	char *joined = xstrdup(buf_text(&values));
	buf_release(&values);
	return joined;
}
