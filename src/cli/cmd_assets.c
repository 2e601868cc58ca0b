/* `tailrace assets`: what there is, how much of it is built, and up to when it is. */
#include <string.h>
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/outlook.h"
#include "cli/sizes.h"

enum { FLAG_JSON, FLAG_EXCLUDE, FLAG_SELECTOR, FLAG_CHECKS, FLAG_FORGET };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document"},
	{"exclude", "SELECTOR", "what is left out"},
	{"selector", "NAME", "a selector of selectors.yml"},
	{"checks", NULL, "tests of data, too"},
	{"forget", "ASSET", "forget what is known of one that no file makes any more"},
	SELECT_FLAG,
	{0},
};

/* An asset, what its status is, and of those that are built how much. */
struct row {
	const struct asset *asset;
	const struct status *status;
	const struct plan_asset *planned; /* NULL: nothing of it is built */
	struct asset_size size;
};
VEC_TYPE(rows, struct row);

static bool list(const struct call *call, struct outlook *o, struct plan *plan, struct rows *out,
	struct error *err)
{
	const struct plan_options options = {
		.selected = &o->selected, .now_us = wall_us(), .range = SPAN_ALL};
	size_t next = 0;

	if (!plan_make(o->survey, &options, plan, err))
		return false;
	vec_each (&o->selected, it) {
		struct row row = {.asset = *it, .status = survey_status(o->survey, *it, err)};
		if (!row.status)
			return false;
		if (next < plan->assets.len && plan->assets.items[next].asset == *it)
			row.planned = &plan->assets.items[next++];
		if ((*it)->kind != ASSET_CHECK || call->flags[FLAG_CHECKS])
			vec_push(out, row);
	}
	return true;
}

/* Of a warehouse that is up: none is started for it, and one that does not answer is said. */
static void measure(struct outlook *o, struct ends *ends, struct rows *rows)
{
	struct sizes sizes = {.arena = &o->arena};
	struct error err = {0};
	bool ok = outlook_reach(o, ends, false, &err);

	sizes.engine = o->engine;
	vec_each (rows, row)
		ok = ok && size_of(&sizes, row->asset, &row->size, &err);
	if (!ok)
		fprintf(stderr, "tailrace: rows and sizes are not known: %s\n", err.text);
	sizes_release(&sizes);
}

/* --- for people --- */

static const char *how_of(const struct asset *asset, struct arena *arena)
{
	struct value how = {0};

	if (asset->kind == ASSET_MODEL)
		how = dict_get_text(asset->node->config, "materialized");
	return how.kind == VALUE_STRING ? value_strdup(arena, how) : asset_kind_name(asset->kind);
}

static const char *count_text(int64_t n, bool known, char out[AMOUNT])
{
	if (known)
		print_count((uint64_t)n, out);
	return known ? out : "";
}

static void put_freshness(struct grid *g, const struct row *row)
{
	const struct as_of *as_of = &row->status->as_of;
	char time[32], age[AMOUNT];

	if (!as_of->us) {
		grid_cell(g, "%s", "");
		grid_cell(g, "%s",
			as_of->unknown && row->asset->kind != ASSET_CHECK ? "not known" : "");
		return;
	}
	format_utc(as_of->us, time);
	time[19] = '\0';
	grid_cell(g, "%s", time);
	grid_cell(g, "%s%s", print_time((double)(wall_us() - as_of->us) / 1e6, age),
		as_of->unknown ? ", or older" : "");
}

static void put_size(struct grid *g, const struct asset_size *size)
{
	char n[AMOUNT];

	grid_cell(g, "%s", size->known ? print_count(size->rows, n) : "");
	grid_cell(g, "%s", size->known ? print_size(size->bytes, n) : "");
}

static const char *state_of(const struct row *row)
{
	const struct plan_asset *a = row->planned;

	if (!a)
		return "";
	if (a->problem)
		return "cannot be built";
	if (!row->status->built.len)
		return "never built";
	if (a->change > CHANGE_FORMAT)
		return "changed";
	if (a->unchecked)
		return "checks failed";
	return plan_is_current(a) ? "up to date" : "to build";
}

static void print_rows(const struct rows *rows, struct arena *arena)
{
	static const char *const heads[] = {"ASSET", "KIND", "STATE", "BUILT", "MISSING", "DIRTY",
		"ROWS", "SIZE", "AS OF", "AGE"};
	struct grid g;
	char n[AMOUNT];

	grid_init(&g, COUNT_OF(heads), "lllrrrrrll");
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		grid_cell(&g, "%s", heads[i]);
	vec_each (rows, row) {
		const struct plan_asset *a = row->planned;
		bool by = a && is_partitioned(&row->asset->partitioning) && !a->problem;
		grid_cell(&g, "%s", row->asset->name);
		grid_cell(&g, "%s", how_of(row->asset, arena));
		grid_cell(&g, "%s", state_of(row));
		grid_cell(&g, "%s", count_text(by ? a->n_built : 0, by, n));
		grid_cell(&g, "%s", count_text(by ? a->n_missing : 0, by, n));
		grid_cell(&g, "%s", count_text(a ? a->n_dirty : 0, by, n));
		put_size(&g, &row->size);
		put_freshness(&g, row);
	}
	grid_print(&g, "", stdout);
	grid_release(&g);
}

/* --- for programs --- */

static void put_names(struct buf *out, const char *key, const struct assets *assets)
{
	json_put_open(out, key, '[');
	vec_each (assets, it)
		json_put_text(out, NULL, (*it)->id);
	buf_puts(out, "]");
}

/* Ranges of what is built, as first and last key. */
static void put_built(struct buf *out, const struct row *row)
{
	const struct partitioning *by = &row->asset->partitioning;
	char text[SPAN_TEXT_SIZE];

	json_put_open(out, "built_ranges", '[');
	vec_each (&row->status->built, b) {
		const char *name = span_print(by, (struct span){b->from_us, b->to_us}, text);
		json_put_open(out, NULL, '{');
		json_put_text(out, "partitions", *b->partition ? b->partition : name);
		json_put_utc(out, "built", b->built_us);
		json_put_utc(out, "as_of", b->as_of_us);
		json_put_text(out, "position", *b->position ? b->position : NULL);
		json_put_int(out, "run", b->run);
		buf_puts(out, "}");
	}
	buf_puts(out, "]");
}

static void put_row(struct buf *out, const struct row *row, struct arena *arena)
{
	const struct as_of *as_of = &row->status->as_of;

	json_put_open(out, NULL, '{');
	json_put_text(out, "id", row->asset->id);
	json_put_text(out, "name", row->asset->name);
	json_put_text(out, "kind", asset_kind_name(row->asset->kind));
	json_put_text(out, "materialized", row->asset->node ? how_of(row->asset, arena) : NULL);
	json_put_text(out, "database", row->asset->database);
	json_put_text(out, "table", row->asset->table);
	json_put_text(out, "path", row->asset->node ? row->asset->node->path : NULL);
	json_put_text(out, "state", *state_of(row) ? state_of(row) : NULL);
	put_names(out, "parents", &row->asset->parents);
	put_names(out, "children", &row->asset->children);
	if (row->planned) {
		json_put_int(out, "partitions", row->planned->n_all);
		json_put_int(out, "built", row->planned->n_built);
		json_put_int(out, "missing", row->planned->n_missing);
		json_put_int(out, "dirty", row->planned->n_dirty);
		put_built(out, row);
	}
	size_put_json(out, &row->size);
	json_put_utc(out, "as_of", as_of->us);
	json_put_text(
		out, "position", as_of->position && *as_of->position ? as_of->position : NULL);
	json_put_text(out, "as_of_unknown_through", as_of->unknown ? as_of->unknown->id : NULL);
	buf_puts(out, "}");
}

static void print_json(const struct rows *rows, struct arena *arena)
{
	struct buf out;

	buf_init(&out, BUF_MAX);
	buf_puts(&out, "{");
	json_put_open(&out, "assets", '[');
	vec_each (rows, row)
		put_row(&out, row, arena);
	buf_puts(&out, "]}");
	puts(buf_text(&out));
	buf_release(&out);
}

/* --- forgetting --- */

static bool forget(struct outlook *o, struct ends *ends, const char *id, struct error *err)
{
	struct known_assets known;
	const char *relation = NULL;

	if (!state_assets(ends->state, &o->arena, &known, err))
		return false;
	vec_each (&known, it)
		if (!strcmp(it->asset, id))
			relation = it->relation;
	vec_release(&known);
	if (graph_find(o->graph, id))
		return error_set(err, ERROR_CONFIG,
			"%s is of the project: only what no file makes any more is forgotten; "
			"`tailrace build --full-refresh` builds it anew",
			id);
	if (!relation)
		return error_set(err, ERROR_CONFIG,
			"nothing is known of '%s'; `tailrace plan` names what no file makes any "
			"more",
			id);
	if (!state_asset_forget(ends->state, id, err))
		return false;
	printf("%s is forgotten; %s is left in the warehouse\n", id, relation);
	return true;
}

static bool run(const struct call *call, struct ends *ends, struct outlook *o, struct plan *plan,
	struct rows *rows, struct error *err)
{
	const struct choice choice = {
		call->args, call->n_args, call->flags[FLAG_EXCLUDE], call->flags[FLAG_SELECTOR]};

	if (!ends_open(ends, call->config_path, err) || !outlook_open(o, ends, NULL, err))
		return false;
	if (call->flags[FLAG_FORGET])
		return forget(o, ends, call->flags[FLAG_FORGET], err);
	if (!outlook_select(o, ends, &choice, err) || !list(call, o, plan, rows, err))
		return false;
	measure(o, ends, rows);
	if (call->flags[FLAG_JSON])
		print_json(rows, &o->arena);
	else
		print_rows(rows, &o->arena);
	return true;
}

static int show(const struct call *call)
{
	struct ends ends = {0};
	struct outlook o = {0};
	struct plan plan;
	struct rows rows = {0};
	struct error err = {0};

	plan_init(&plan);
	bool ok = run(call, &ends, &o, &plan, &rows, &err);
	vec_release(&rows);
	plan_release(&plan);
	outlook_close(&o);
	ends_close(&ends);
	return ok ? DONE : failed(&err);
}

const struct command assets_command = {
	.name = "assets",
	.args = "[SELECTOR...]",
	.max_args = -1,
	.summary = "list tables, models and seeds: what is built, and up to when",
	.help = "Lists the selected assets, or all: tables of sources, mirrored tables, seeds,\n"
		"models, snapshots, exports and commands. Of each: whether it is up to date, how\n"
		"many of its partitions are built, missing and dirty, and up to which time it\n"
		"holds every change of its sources. Selectors are those of `tailrace plan`.\n",
	.flags = flags,
	.run = show,
};
