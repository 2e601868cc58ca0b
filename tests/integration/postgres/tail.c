/* See tail.h. */
#include "tail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include "base/clock.h"

#define PATIENCE_MS 60000

static void must(bool ok, const struct error *err)
{
	if (!ok)
		fail_msg("%s: %s", error_kind_name(err->kind), err->text);
}

void tail_prepare(struct tail *t, const char *url)
{
	*t = (struct tail){0};
	buf_init(&t->lines, BUF_MAX);
	mirror_open(&t->m, url);
}

void tail_option(struct tail *t, const char *name, const char *value)
{
	struct error err = {0};
	must(option_set(t->m.source->ops->options, t->m.source, name, value, &t->m.arena, &err),
		&err);
}

void tail_start(struct tail *t, const struct resume *from)
{
	struct error err = {0};
	mirror_discover(&t->m, "");
	must(t->m.source->ops->start(t->m.source, from, &t->resume, &err), &err);
}

void tail_refused(struct tail *t, const struct resume *from, enum error_kind kind, const char *part)
{
	struct error err = {0};
	mirror_discover(&t->m, "");
	assert_false(t->m.source->ops->start(t->m.source, from, &t->resume, &err));
	if (err.kind != kind || !strstr(err.text, part))
		fail_msg("%s: %s", error_kind_name(err.kind), err.text);
}

void tail_open(struct tail *t, const char *url, const struct resume *from)
{
	tail_prepare(t, url);
	tail_start(t, from);
}

void tail_close(struct tail *t)
{
	mirror_close(&t->m);
	buf_release(&t->lines);
}

static void print_rows(struct tail *t, const struct batch *batch)
{
	struct buf rows;
	buf_init(&rows, BUF_MAX);
	batch_print(batch, &rows);
	char *text = xstrdup(buf_text(&rows)), *rest = text, *line;
	while ((line = strsep(&rest, "\n")) && *line)
		buf_printf(&t->lines, "%s %s\n", batch->table->name, line);
	free(text);
	buf_release(&rows);
}

static void print_item(struct tail *t, const struct bundle_item *item)
{
	char version[VERSION_TEXT];
	const char *name = item->table->name;
	switch (item->kind) {
	case BUNDLE_ROWS: print_rows(t, &item->batch); break;
	case BUNDLE_TRUNCATE:
		version_print(item->meta.version, version);
		buf_printf(&t->lines, "%s truncate %s\n", name, version);
		break;
	case BUNDLE_TABLE:
		buf_printf(&t->lines, "%s table (", name);
		for (size_t i = 0; i < item->table->n_columns; i++)
			buf_printf(&t->lines, "%s%s", i ? "," : "", item->table->columns[i].name);
		buf_printf(&t->lines, ") %s\n", item->table->problem ? item->table->problem : "");
		break;
	case BUNDLE_RECOPY: buf_printf(&t->lines, "%s recopy %s\n", name, item->reason); break;
	case BUNDLE_BROKEN: buf_printf(&t->lines, "%s broken %s\n", name, item->reason); break;
	case BUNDLE_DROPPED: buf_printf(&t->lines, "%s dropped\n", name); break;
	case BUNDLE_RETRIED: break;
	}
}

static void take(struct tail *t, struct bundle *bundle)
{
	vec_each (&bundle->items, item)
		print_item(t, item);
	t->transactions += bundle->transactions;
	t->changes += bundle->changes;
	t->bundles += !bundle_empty(bundle);
	if (!bundle->ended)
		return;
	assert_true(bundle->end.order >= t->resume.position.order);
	t->resume.position = bundle->end;
	if (!t->keep_unconfirmed)
		t->m.source->ops->confirm(t->m.source, &bundle->end);
}

enum source_status tail_read(struct tail *t, int wait_ms, struct error *err)
{
	struct bundle *bundle = bundle_new();
	enum source_status status = t->m.source->ops->read(t->m.source, bundle, wait_ms, err);
	if (status != SOURCE_FAILED)
		take(t, bundle);
	bundle_free(bundle);
	return status;
}

static void read_on(struct tail *t, int64_t began_ms)
{
	struct error err = {0};
	must(tail_read(t, 50, &err) != SOURCE_FAILED, &err);
	if (mono_ms() - began_ms > PATIENCE_MS)
		fail_msg("a minute has passed; lines so far:\n%s", buf_text(&t->lines));
}

void tail_catch_up(struct tail *t, PGconn *conn)
{
	/* A record behind everything, so that the log's end is the end of a record. */
	char *end = sql_value(conn, "SELECT pg_logical_emit_message(true, 'test', '') - '0/0'");
	uint64_t lsn = strtoull(end, NULL, 10);
	free(end);
	for (int64_t began_ms = mono_ms(); t->resume.position.order < lsn;)
		read_on(t, began_ms);
}

static const char *find_line(struct tail *t, const char *beginning)
{
	const char *text = buf_text(&t->lines);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		if (!strncmp(line, beginning, strlen(beginning)))
			return line;
	return NULL;
}

char *tail_await(struct tail *t, const char *beginning)
{
	const char *line;
	int64_t began_ms = mono_ms();
	while (!(line = find_line(t, beginning)))
		read_on(t, began_ms);
	return xstrndup(line, (size_t)(strchr(line, '\n') - line));
}

void tail_forget(struct tail *t)
{
	buf_clear(&t->lines);
}

bool tail_has(struct tail *t, const char *part)
{
	return strstr(buf_text(&t->lines), part) != NULL;
}

static void print_columns(const json_t *row, const char *columns, struct buf *out)
{
	char *names = xstrdup(columns), *rest = names, *name;
	while ((name = strsep(&rest, ","))) {
		const json_t *value = json_object_get(row, name);
		char *text = json_is_string(value) ? xstrdup(json_string_value(value))
						   : json_dumps(value, JSON_ENCODE_ANY);
		buf_printf(out, " %s", text ? text : "-");
		free(text);
	}
	free(names);
}

char *tail_rows(struct tail *t, const char *table, const char *columns)
{
	struct buf out;
	size_t len = strlen(table);
	buf_init(&out, BUF_MAX);
	buf_puts(&out, "");
	char *text = xstrdup(buf_text(&t->lines)), *rest = text, *line;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (strncmp(line, table, len) != 0 || strncmp(line + len, " {", 2) != 0)
			continue;
		json_t *row = json_loads(line + len + 1, 0, NULL);
		assert_non_null(row);
		buf_printf(&out, "%s%s", out.len ? "|" : "",
			json_string_value(json_object_get(row, "op")));
		print_columns(row, columns, &out);
		json_decref(row);
	}
	free(text);
	tail_forget(t);
	char *rows = xstrdup(buf_text(&out));
	buf_release(&out);
	return rows;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *tail_sorted(struct tail *t)
{
	VEC(char *) lines = {0};
	struct buf out;
	char *text = xstrdup(buf_text(&t->lines)), *rest = text, *line;
	while ((line = strsep(&rest, "\n")) && *line)
		vec_push(&lines, line);
	if (lines.len)
		qsort(lines.items, lines.len, sizeof *lines.items, compare_lines);
	buf_init(&out, BUF_MAX);
	buf_puts(&out, "");
	vec_each (&lines, l)
		buf_printf(&out, "%s\n", *l);
	vec_release(&lines);
	free(text);
	char *sorted = xstrdup(buf_text(&out));
	buf_release(&out);
	return sorted;
}

void tail_assert_rows(struct tail *t, const char *table, const char *columns, const char *expected)
{
	char *rows = tail_rows(t, table, columns);
	assert_string_equal(rows, expected);
	free(rows);
}

struct resume tail_stand_still(struct tail *t, const struct cluster *cluster)
{
	tail_open(t, cluster->url, NULL);
	tail_catch_up(t, cluster->conn);
	struct resume at = t->resume;
	tail_close(t);
	cluster_wait_for_slots(cluster);
	return at;
}
