/* Definitions, their fingerprints and how they differ; see definition.h. */
#include "assets/definition.h"

#include <string.h>
#include "assets/internal.h"
#include "base/file.h"
#include "base/text.h"
#include "models/template/call.h"
#include "models/tokens.h"

#define LARGEST_SEED ((size_t)1 << 30)

const char *change_name(enum change change)
{
	static const char *const names[] = {[CHANGE_NONE] = "none",
		[CHANGE_FORMAT] = "only formatting",
		[CHANGE_ADDS] = "not breaking",
		[CHANGE_BREAKING] = "breaking"};

	return names[change];
}

/* --- configuration --- */

/* What of it says nothing of the rows: who, when, how it is shown, and what there is to build of it. */
static const char *const apart[] = {"access", "at_most_every", "begin", "concurrent_batches",
	"contract", "docs", "enabled", "freshness", "full_refresh", "grants", "group", "lookback",
	"max_age", "meta", "on", "on_schema_change", "owner", "packages", "partition_mapping",
	"partitions", "persist_docs", "query_settings", "retries", "schedule", "severity", "tags",
	"threads", "timeout", "timezone"};

static bool concerns_rows(const char *key)
{
	for (size_t i = 0; i < COUNT_OF(apart); i++)
		if (!strcmp(apart[i], key))
			return false;
	return true;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A line for each setting, by name: "order_by \"id\"". */
static bool print_config(
	const struct node *node, struct arena *arena, const char **out, struct error *err)
{
	VEC(const char *) lines = {0};
	struct buf value, all;
	bool ok = true;
	size_t i = 0;

	buf_init(&value, BUF_MAX);
	buf_init(&all, BUF_MAX);
	for (struct dict_entry *entry; ok && (entry = dict_next(node->config, &i));) {
		const char *key = value_strdup(arena, entry->key);
		if (!concerns_rows(key) || entry->value.kind == VALUE_NONE)
			continue;
		buf_clear(&value);
		ok = json_print(entry->value, &value, err);
		if (ok)
			vec_push(&lines, arena_printf(arena, "%s %s\n", key, buf_text(&value)));
	}
	if (lines.len)
		qsort(lines.items, lines.len, sizeof *lines.items, compare_texts);
	vec_each (&lines, line)
		buf_puts(&all, *line);
	*out = arena_strndup(arena, buf_text(&all), all.len);
	buf_release(&value);
	buf_release(&all);
	vec_release(&lines);
	return ok;
}

/* --- SQL --- */

/* The same partition at any time, wherever the first one starts. */
static struct compile_batch fixed_batch(const struct node *node)
{
	static const int64_t FIXED_US = INT64_C(946684800000000);
	struct compile_batch batch = {.key = "2000"};

	if (node->batch_size == PERIOD_NONE)
		return batch;
	batch.from_us = FIXED_US;
	batch.to_us = period_add(node->batch_size, FIXED_US, 1);
	return batch;
}

/* What its macros ask of the warehouse is not known here: then it is its text as it is written. */
static bool print_compiled(const struct project *p, const struct node *node,
	struct compile_options *options, struct buf *out, struct error *err)
{
	bool asks = false;
	size_t len, before = out->len;

	options->asks = &asks;
	if (project_compile(p, node, options, out, err))
		return true;
	if (!asks || node->problem)
		return false;
	out->len = before;
	const char *source = template_source(node->template, &len);
	buf_append(out, source, len);
	error_clear(err);
	return true;
}

/* As for an empty table, and of an incremental model, behind a semicolon, as for one that is there. */
static bool print_sql(
	const struct project *p, const struct node *node, struct buf *out, struct error *err)
{
	struct compile_batch batch = fixed_batch(node);
	struct compile_options options = {.batch = node_is_partitioned(node) ? &batch : NULL};

	if (!print_compiled(p, node, &options, out, err))
		return false;
	if (node->kind != NODE_MODEL || node->materialization != MATERIALIZED_INCREMENTAL)
		return true;
	size_t len = out->len;
	options.incremental = true;
	buf_puts(out, "\n;\n");
	size_t second = out->len;
	if (!print_compiled(p, node, &options, out, err))
		return false;
	if (out->len - second == len && !memcmp(out->data, out->data + second, len))
		out->len = len;
	return true;
}

static bool print_seed(
	const struct project *p, const struct node *node, struct buf *out, struct error *err)
{
	struct buf file;
	CLEANUP(free_string) char *path = xasprintf("%s/%s", project_folder(p), node->path);

	buf_init(&file, LARGEST_SEED);
	bool ok = file_read(path, &file, err);
	if (ok)
		buf_printf(out, "seed %016llx",
			(unsigned long long)text_hash((const char *)file.data, file.len));
	buf_release(&file);
	return ok;
}

/* --- fingerprint --- */

static uint64_t fingerprint_of(const struct definition *d)
{
	struct tokens tokens = {0};
	struct buf all;

	buf_init(&all, BUF_MAX);
	buf_printf(&all, "%s\n%s\n", d->relation, d->config);
	tokens_of(d->sql, &tokens);
	vec_each (&tokens, t) {
		buf_append(&all, t->s, t->len);
		buf_u8(&all, '\0');
	}
	uint64_t hash = text_hash((const char *)all.data, all.len);
	vec_release(&tokens);
	buf_release(&all);
	return hash;
}

void definition_add(struct definition *d, struct arena *arena, const char *lines)
{
	d->config = arena_printf(arena, "%s%s", d->config, lines);
	d->fingerprint = fingerprint_of(d);
}

bool definition_of(const struct graph *g, const struct asset *asset, struct arena *arena,
	struct definition *out, struct error *err)
{
	const struct node *node = asset->node;
	struct buf sql;

	*out = (struct definition){
		.relation = arena_printf(arena, "%s.%s", node->database, node->alias)};
	buf_init(&sql, BUF_MAX);
	bool ok = node->kind == NODE_SEED ? print_seed(g->project, node, &sql, err)
					  : print_sql(g->project, node, &sql, err);
	ok = ok && print_config(node, arena, &out->config, err);
	if (ok) {
		out->sql = arena_strndup(arena, buf_text(&sql), sql.len);
		out->fingerprint = fingerprint_of(out);
	}
	buf_release(&sql);
	return ok;
}

/* --- differences --- */

static const char *line_end(const char *line)
{
	return line + strcspn(line, "\n") + (*line != '\0');
}

/* The names of the lines of `a` that are not in `b`, added to the list. */
static const char *list_lines(
	struct arena *arena, const char *list, const char *a, const char *b, bool absent_only)
{
	for (const char *end; *a; a = end) {
		end = line_end(a);
		size_t name = strcspn(a, " ") + 1, len = absent_only ? name : (size_t)(end - a);
		bool there = false;
		for (const char *other = b; *other && !there; other = line_end(other))
			there = !strncmp(a, other, len);
		if (!there)
			list = arena_printf(
				arena, "%s%s%.*s", list, *list ? ", " : "", (int)(name - 1), a);
	}
	return list;
}

static const char *differing_settings(
	struct arena *arena, const struct definition *old, const struct definition *now)
{
	const char *list = list_lines(arena, "", now->config, old->config, false);

	return list_lines(arena, list, old->config, now->config, true);
}

static enum change sql_change(const char *old, const char *now)
{
	struct tokens a = {0}, b = {0};
	enum change change = CHANGE_BREAKING;

	tokens_of(old, &a);
	tokens_of(now, &b);
	if (a.len == b.len && tokens_equal(a.items, b.items, a.len))
		change = strcmp(old, now) ? CHANGE_FORMAT : CHANGE_NONE;
	else if (tokens_add_columns(&a, &b))
		change = CHANGE_ADDS;
	vec_release(&a);
	vec_release(&b);
	return change;
}

/* "columns(shop.orders), copy(shop_cdc.items)" */
static bool are_inputs(const char *settings)
{
	static const char *const kinds[] = {DEFINITION_COLUMNS "(", DEFINITION_COPY "("};

	for (const char *next, *at = settings; at; at = next ? next + 2 : NULL) {
		bool input = false;
		for (size_t i = 0; i < COUNT_OF(kinds); i++)
			input |= !strncmp(at, kinds[i], strlen(kinds[i]));
		if (!input)
			return false;
		next = strstr(at, ", ");
	}
	return true;
}

enum change definition_change(const struct definition *old, const struct definition *now,
	struct arena *arena, const char **what)
{
	enum change change = sql_change(old->sql, now->sql);
	const char *settings = differing_settings(arena, old, now);

	if (*settings && !are_inputs(settings))
		change = CHANGE_BREAKING;
	else if (*settings && change < CHANGE_ADDS)
		change = CHANGE_ADDS;
	if (strcmp(old->relation, now->relation) != 0) {
		settings = arena_printf(arena, "its name, which was %s", old->relation);
		change = CHANGE_BREAKING;
	}
	*what = *settings ? settings : "its SQL";
	return change;
}
