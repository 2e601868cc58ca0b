/*
 * What a model is made of beyond its own text, where the engine keeps what that was like when it was built: a view the
 * columns of what it reads, also of a `select *`; a view that follows inserts nothing of rows that come by another way,
 * as those of a table that is copied anew.
 */
#include <inttypes.h>
#include <string.h>
#include "assets/definition.h"
#include "assets/internal.h"
#include "assets/survey.h"
#include "base/text.h"
#include "core/table.h"
#include "models/tokens.h"

struct inputs {
	struct survey *survey;
	struct arena *arena;
	bool *seen; /* by index */
	struct buf out;
};

/* --- what it reads --- */

static void add_hash(struct inputs *in, const struct asset *parent, const struct buf *columns)
{
	if (columns->len)
		buf_printf(&in->out, DEFINITION_COLUMNS "(%s.%s) %016" PRIx64 "\n",
			parent->database, parent->table,
			text_hash((const char *)columns->data, columns->len));
}

/* Of one whose definition is not known as of now nothing is told. */
static void print_table(const struct table_state *state, struct buf *columns)
{
	struct error unknown = {0};
	struct table *t = table_from_json(state->definition, "", NULL, &unknown);

	for (size_t i = 0; t && i < t->n_columns; i++) {
		buf_printf(columns, "%s ", t->columns[i].name);
		type_print(&t->columns[i].type, columns);
		buf_puts(columns, "\n");
	}
	table_unref(t);
}

static bool add_mirrored(struct inputs *in, const struct asset *parent, struct error *err)
{
	const struct source_table *source = parent->source;
	const struct table_state *state;
	struct buf columns;

	if (!survey_mirrored(in->survey, source->stream->name, source->table, &state, err))
		return false;
	buf_init(&columns, BUF_MAX);
	if (state)
		print_table(state, &columns);
	add_hash(in, parent, &columns);
	buf_release(&columns);
	return true;
}

static bool add_built(struct inputs *in, const struct asset *parent, struct error *err)
{
	struct lineage of;
	struct buf columns;

	if (!parent->table)
		return true;
	if (!state_lineage_get(survey_state(in->survey), parent->id, in->arena, &of, err))
		return false;
	buf_init(&columns, BUF_MAX);
	for (size_t i = 0; i < of.len; i++)
		buf_printf(&columns, "%s %s\n", of.items[i].name, of.items[i].type);
	add_hash(in, parent, &columns);
	buf_release(&columns);
	return true;
}

static bool add_parents(struct inputs *in, const struct asset *asset, struct error *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < asset->parents.len; i++) {
		const struct asset *parent = asset->parents.items[i];
		if (in->seen[parent->index])
			continue;
		in->seen[parent->index] = true;
		if (parent->passes && !parent->table)
			ok = add_parents(in, parent, err);
		else if (parent->kind == ASSET_MIRROR)
			ok = add_mirrored(in, parent, err);
		else if (parent->node)
			ok = add_built(in, parent, err);
	}
	return ok;
}

/* --- what it follows --- */

static bool is_off(const struct node *node, const char *setting)
{
	struct value v = dict_get_text(node->config, setting);
	return value_given(v) && !value_truth(v);
}

/* Is it made anew from what is there, and follows what is inserted from then on? */
static bool follows_inserts(const struct node *node)
{
	return value_is_text(dict_get_text(node->config, "materialized"), "materialized_view") &&
	       !value_given(dict_get_text(node->config, "refreshable")) &&
	       !is_off(node, "catchup") && !is_off(node, "full_refresh");
}

/* "shop_cdc", `shop_cdc`: the database that storages of the stream are in. */
static bool is_storage_of(const struct stream_source *stream, struct token t)
{
	size_t len = strlen(stream->database);
	size_t quote = t.len && strchr("`\"", t.s[0]) ? 1 : 0;

	return t.len == len + strlen(TABLE_STORAGES) + 2 * quote &&
	       !memcmp(t.s + quote, stream->database, len) &&
	       !memcmp(t.s + quote + len, TABLE_STORAGES, strlen(TABLE_STORAGES));
}

static bool add_copy(
	struct inputs *in, const struct stream_source *stream, struct token name, struct error *err)
{
	size_t quote = name.len > 2 && strchr("`\"", name.s[0]) ? 1 : 0;
	const char *table = arena_strndup(in->arena, name.s + quote, name.len - 2 * quote);
	const struct table_state *state;

	if (!survey_mirrored(in->survey, stream->name, table, &state, err))
		return false;
	if (state)
		buf_printf(&in->out, DEFINITION_COPY "(%s" TABLE_STORAGES ".%s) %u\n",
			stream->database, table, state->generation);
	return true;
}

/* It names the storages themselves, as only they are inserted into. */
static bool add_copies(struct inputs *in, const char *sql, struct error *err)
{
	const struct project *project = graph_project(survey_graph(in->survey));
	struct tokens tokens = {0};
	size_t n;
	const struct stream_source *streams = project_streams(project, &n);
	bool ok = true;

	tokens_of(sql, &tokens);
	for (size_t i = 0; i + 2 < tokens.len; i++)
		for (size_t k = 0; ok && k < n && token_is(tokens.items[i + 1], "."); k++)
			if (is_storage_of(&streams[k], tokens.items[i]))
				ok = add_copy(in, &streams[k], tokens.items[i + 2], err);
	vec_release(&tokens);
	return ok;
}

bool survey_inputs(struct survey *v, const struct asset *asset, struct arena *arena,
	struct definition *d, struct error *err)
{
	struct inputs in = {.survey = v, .arena = arena};
	bool ok = true;

	if (asset->kind != ASSET_MODEL)
		return true;
	buf_init(&in.out, BUF_MAX);
	if (asset_is_view(asset)) {
		in.seen = xcalloc(graph_assets(survey_graph(v))->len + 1, sizeof *in.seen);
		ok = add_parents(&in, asset, err);
		free(in.seen);
	} else if (follows_inserts(asset->node)) {
		ok = add_copies(&in, d->sql, err);
	}
	if (ok && in.out.len)
		definition_add(d, arena, buf_text(&in.out));
	buf_release(&in.out);
	return ok;
}
