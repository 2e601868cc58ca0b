/* An event as JSON; see openlineage.h. */
#include "base/clock.h"
#include "base/json.h"
#include "build/openlineage.h"

#define PRODUCER "urn:tailrace:" TAILRACE_VERSION
#define SPEC     "https://openlineage.io/spec/"

static void open_facet(struct buf *out, const char *key, const char *schema)
{
	CLEANUP(free_string) char *url = xasprintf(SPEC "facets/%s", schema);

	json_put_open(out, key, '{');
	json_put_text(out, "_producer", PRODUCER);
	json_put_text(out, "_schemaURL", url);
}

static void put_name(struct buf *out, const char *space, const char *name)
{
	json_put_text(out, "namespace", space);
	json_put_text(out, "name", name);
}

/* --- run and job --- */

static void put_parent(struct buf *out, const struct lineage_event *e)
{
	open_facet(out, "parent", "1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet");
	json_put_open(out, "run", '{');
	json_put_text(out, "runId", e->parent_id);
	buf_puts(out, "}");
	json_put_open(out, "job", '{');
	put_name(out, e->config->name_space, e->parent);
	buf_puts(out, "}}");
}

/* Also 1970-01-01T00:00:00Z. */
static void put_time(struct buf *out, const char *key, int64_t us)
{
	char time[32];

	format_utc(us, time);
	json_put_text(out, key, time);
}

static void put_run(struct buf *out, const struct lineage_event *e)
{
	json_put_open(out, "run", '{');
	json_put_text(out, "runId", e->run_id);
	json_put_open(out, "facets", '{');
	if (e->parent)
		put_parent(out, e);
	if (e->from_us != e->to_us) {
		open_facet(out, "nominalTime",
			"1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet");
		put_time(out, "nominalStartTime", e->from_us);
		put_time(out, "nominalEndTime", e->to_us);
		buf_puts(out, "}");
	}
	if (e->error) {
		open_facet(out, "errorMessage",
			"1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet");
		json_put_text(out, "message", e->error);
		json_put_text(out, "programmingLanguage", "SQL");
		buf_puts(out, "}");
	}
	buf_puts(out, "}}");
}

static void put_job(struct buf *out, const struct lineage_event *e)
{
	json_put_open(out, "job", '{');
	put_name(out, e->config->name_space, e->job);
	json_put_open(out, "facets", '{');
	open_facet(out, "jobType", "2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet");
	json_put_text(out, "processingType", "BATCH");
	json_put_text(out, "integration", "TAILRACE");
	json_put_text(out, "jobType", e->kind);
	buf_puts(out, "}");
	if (e->sql) {
		open_facet(out, "sql", "1-1-0/SQLJobFacet.json#/$defs/SQLJobFacet");
		json_put_text(out, "query", e->sql);
		buf_puts(out, "}");
	}
	buf_puts(out, "}}");
}

/* --- datasets --- */

static void put_schema(struct buf *out, const struct lineage *columns)
{
	if (!columns->len)
		return;
	open_facet(out, "schema", "1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet");
	json_put_open(out, "fields", '[');
	for (size_t i = 0; i < columns->len; i++) {
		json_put_open(out, NULL, '{');
		json_put_text(out, "name", columns->items[i].name);
		json_put_text(out, "type", columns->items[i].type);
		buf_puts(out, "}");
	}
	buf_puts(out, "]}");
}

static void put_input_field(
	struct buf *out, const struct lineage_event *e, const struct lineage_input *in)
{
	static const char *const subtypes[] = {[LINEAGE_SAME] = "IDENTITY",
		[LINEAGE_TRANSFORMED] = "TRANSFORMATION",
		[LINEAGE_AGGREGATED] = "AGGREGATION",
		[LINEAGE_WINDOW] = "WINDOW"};

	json_put_open(out, NULL, '{');
	put_name(out, e->tables, in->relation);
	json_put_text(out, "field", in->column);
	json_put_open(out, "transformations", '[');
	json_put_open(out, NULL, '{');
	json_put_text(out, "type", in->how == LINEAGE_WINDOW ? "INDIRECT" : "DIRECT");
	json_put_text(out, "subtype", subtypes[in->how]);
	buf_puts(out, "}]}");
}

static void put_column_lineage(struct buf *out, const struct lineage_event *e)
{
	if (!e->columns.len)
		return;
	open_facet(out, "columnLineage",
		"1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet");
	json_put_open(out, "fields", '{');
	for (size_t i = 0; i < e->columns.len; i++) {
		const struct lineage_column *c = &e->columns.items[i];
		if (!c->n_inputs)
			continue;
		json_put_open(out, c->name, '{');
		json_put_open(out, "inputFields", '[');
		for (size_t n = 0; n < c->n_inputs; n++)
			put_input_field(out, e, &c->inputs[n]);
		buf_puts(out, "]}");
	}
	buf_puts(out, "}}");
}

static void put_statistics(struct buf *out, const struct lineage_event *e)
{
	if (!e->wrote)
		return;
	json_put_open(out, "outputFacets", '{');
	open_facet(out, "outputStatistics",
		"1-0-2/OutputStatisticsOutputDatasetFacet.json"
		"#/$defs/OutputStatisticsOutputDatasetFacet");
	json_put_uint(out, "rowCount", e->rows);
	json_put_uint(out, "size", e->bytes);
	buf_puts(out, "}}");
}

static void open_dataset(struct buf *out, const struct lineage_event *e, const struct asset *asset)
{
	CLEANUP(free_string) char *name = xasprintf("%s.%s", asset->database, asset->table);

	json_put_open(out, NULL, '{');
	put_name(out, e->tables, name);
	json_put_open(out, "facets", '{');
}

/* What it stands on; through what is no table to what that stands on. */
static void put_inputs(struct buf *out, const struct lineage_event *e, const struct asset *asset,
	struct state *state, struct map *seen)
{
	vec_each (&asset->parents, it) {
		struct lineage columns = {0};
		struct arena arena;
		if (map_put(seen, it, sizeof(*it), *it))
			continue;
		if (!(*it)->database) {
			put_inputs(out, e, *it, state, seen);
			continue;
		}
		arena_init(&arena);
		open_dataset(out, e, *it);
		if (state_lineage_get(state, (*it)->id, &arena, &columns, NULL))
			put_schema(out, &columns);
		buf_puts(out, "}}");
		arena_release(&arena);
	}
}

static void put_datasets(struct buf *out, const struct lineage_event *e, struct state *state)
{
	struct map seen = {0};

	json_put_open(out, "inputs", '[');
	if (e->asset)
		put_inputs(out, e, e->asset, state, &seen);
	buf_puts(out, "]");
	json_put_open(out, "outputs", '[');
	if (e->asset && e->asset->database) {
		open_dataset(out, e, e->asset);
		put_schema(out, &e->columns);
		put_column_lineage(out, e);
		buf_puts(out, "}");
		put_statistics(out, e);
		buf_puts(out, "}");
	}
	buf_puts(out, "]");
	map_release(&seen);
}

void openlineage_print(const struct lineage_event *e, struct state *state, struct buf *out)
{
	buf_puts(out, "{");
	json_put_utc(out, "eventTime", wall_us());
	json_put_text(out, "eventType", e->type);
	json_put_text(out, "producer", PRODUCER);
	json_put_text(out, "schemaURL", SPEC "2-0-2/OpenLineage.json#/$defs/RunEvent");
	put_run(out, e);
	put_job(out, e);
	put_datasets(out, e, state);
	buf_puts(out, "}");
}
