/*
 * What yml files and configurations may hold: the one table of known keys, dbt's and ours. What has the wrong shape is
 * an error; an unknown key is let through, as dbt does, since projects carry keys of other adapters and of their own. One
 * that is nearly a known one is warned of in a yml, and an error among settings, which say what is built.
 */
#include "base/log.h"
#include "base/text.h"
#include "core/option.h"
#include "models/internal.h"

enum shape { SHAPE_ANY, SHAPE_TEXT, SHAPE_MAP, SHAPE_LIST, SHAPE_ITEMS /* a list of maps */ };

struct key {
	const char *name;
	enum shape shape;
	const struct key *inside; /* of the map, or of the maps of the list; NULL: anything */
};

static const struct key columns[] = {{"name", SHAPE_TEXT}, {"description", SHAPE_TEXT},
	{"data_type", SHAPE_TEXT}, {"tests", SHAPE_LIST}, {"data_tests", SHAPE_LIST}, {"meta"},
	{"tags"}, {"quote"}, {"docs"}, {"config", SHAPE_MAP}, {"constraints"}, {"policy_tags"},
	{"granularity"}, {"dimension"}, {"entity"}, {"codec"}, {"ttl"}, {NULL}};
static const struct key nodes[] = {{"name", SHAPE_TEXT}, {"description", SHAPE_TEXT},
	{"columns", SHAPE_ITEMS, columns}, {"config", SHAPE_MAP}, {"tests", SHAPE_LIST},
	{"data_tests", SHAPE_LIST}, {"meta"}, {"tags"}, {"docs"}, {"relation", SHAPE_TEXT},
	{"access"}, {"group"}, {"constraints"}, {"contract"}, {"versions"}, {"latest_version"},
	{"deprecation_date"}, {"time_spine"}, {"freshness"}, {"quote_columns"},
	{"original_file_path"}, {NULL}};
static const struct key tables[] = {{"name", SHAPE_TEXT}, {"description", SHAPE_TEXT},
	{"identifier", SHAPE_TEXT}, {"columns", SHAPE_ITEMS, columns}, {"config", SHAPE_MAP},
	{"tests", SHAPE_LIST}, {"data_tests", SHAPE_LIST}, {"meta"}, {"tags"}, {"docs"},
	{"freshness"}, {"loaded_at_field"}, {"loaded_at_query"}, {"quoting"}, {"external"},
	{"loader"}, {"event_time"}, {"overrides"}, {NULL}};
static const struct key sources[] = {{"name", SHAPE_TEXT}, {"description", SHAPE_TEXT},
	{"schema", SHAPE_TEXT}, {"database"}, {"catalog"}, {"tables", SHAPE_ITEMS, tables},
	{"config", SHAPE_MAP}, {"tests", SHAPE_LIST}, {"data_tests", SHAPE_LIST}, {"meta"},
	{"tags"}, {"docs"}, {"freshness"}, {"loaded_at_field"}, {"loaded_at_query"}, {"loader"},
	{"quoting"}, {"overrides"}, {"event_time"}, {NULL}};
static const struct key givens[] = {
	{"input", SHAPE_TEXT}, {"rows"}, {"format", SHAPE_TEXT}, {"fixture", SHAPE_TEXT}, {NULL}};
static const struct key units[] = {{"name", SHAPE_TEXT}, {"model", SHAPE_TEXT},
	{"description", SHAPE_TEXT}, {"given", SHAPE_ITEMS, givens}, {"expect", SHAPE_MAP},
	{"overrides", SHAPE_MAP}, {"config", SHAPE_MAP}, {"versions", SHAPE_MAP}, {NULL}};
static const struct key files[] = {{"version"}, {"models", SHAPE_ITEMS, nodes},
	{"seeds", SHAPE_ITEMS, nodes}, {"snapshots", SHAPE_ITEMS, nodes},
	{"sources", SHAPE_ITEMS, sources}, {"macros", SHAPE_LIST}, {"exposures", SHAPE_LIST},
	{"metrics", SHAPE_LIST}, {"groups", SHAPE_LIST}, {"unit_tests", SHAPE_ITEMS, units},
	{"data_tests", SHAPE_LIST}, {"tests", SHAPE_LIST}, {"analyses", SHAPE_LIST},
	{"semantic_models", SHAPE_LIST}, {"saved_queries", SHAPE_LIST}, {"functions", SHAPE_LIST},
	{"anchors"}, {NULL}};

/* Of models, seeds, snapshots and tests; those of other adapters that are like one of ours among them. */
static const char *const settings[] = {"access", "alias", "at_most_every", "batch_size", "begin",
	"catchup", "check_cols", "cluster_by", "clustered_by", "column_types", "columns", "command",
	"concurrent_batches", "connection", "connection_overrides", "contract", "database",
	"dbt_valid_to_current", "delimiter", "delete_condition", "description", "dist",
	"distributed", "docs", "enabled", "engine", "env", "error_if", "event_time", "fail_calc",
	"fields", "format", "freshness", "full_refresh", "grant_access_to", "grants", "group",
	"hard_deletes", "incremental_predicates", "incremental_strategy", "indexes",
	"invalidate_hard_deletes", "labels", "layout", "lifetime", "limit", "location",
	"location_root", "lookback", "materialized", "meta", "on", "on_configuration_change",
	"on_error", "on_schema_change", "options", "order_by", "owner", "owners", "packages",
	"partition_by", "partition_column", "partition_mapping", "partitions", "persist_docs",
	"post_hook", "pre_hook", "predicates", "primary_key", "projections", "query_settings",
	"query_tag", "quote_columns", "quoting", "refreshable", "schedule", "schema", "settings",
	"severity", "sharding_key", "snapshot_meta_column_names", "snowflake_warehouse", "sort",
	"sort_type", "source_type", "sql_header", "static_analysis", "store_failures",
	"store_failures_as", "strategy", "tags", "target_database", "target_schema",
	"tblproperties", "timezone", "transient", "ttl", "unique_key", "unlogged", "updated_at",
	"warn_if", "where", NULL};

struct looking {
	const struct project *project;
	const char *path;
	struct error *err;
};

static bool look_inside(const struct looking *l, const struct tree *map, const struct key *keys);

static const char *nearest_key(const struct key *keys, const char *name)
{
	const char *names[32];
	size_t n = 0;

	for (; keys->name; keys++)
		names[n++] = keys->name;
	names[n] = NULL;
	return nearest_name(name, names);
}

static bool wrong_shape(
	const struct looking *l, const char *key, const struct tree *tree, const char *wanted)
{
	return error_set(l->err, ERROR_CONFIG, "%s:%d: '%s' takes %s, not %s", l->path, tree->line,
		key, wanted, tree_kind_name(tree));
}

static bool look_at_items(const struct looking *l, const struct key *key, const struct tree *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct tree *item = list->entries[i].value;
		if (item->kind != TREE_MAP)
			return wrong_shape(l, key->name, item, "a list of maps (- name: ...)");
		if (!look_inside(l, item, key->inside))
			return false;
	}
	return true;
}

static bool look_at(const struct looking *l, const struct key *key, const struct tree *tree)
{
	bool scalar = tree->kind != TREE_MAP && tree->kind != TREE_LIST;

	if (tree->kind == TREE_NULL)
		return true;
	switch (key->shape) {
	case SHAPE_ANY: return true;
	case SHAPE_TEXT: return scalar || wrong_shape(l, key->name, tree, "a text");
	case SHAPE_MAP: return tree->kind == TREE_MAP || wrong_shape(l, key->name, tree, "a map");
	case SHAPE_LIST:
		return tree->kind == TREE_LIST || wrong_shape(l, key->name, tree, "a list");
	case SHAPE_ITEMS:
		if (tree->kind != TREE_LIST)
			return wrong_shape(l, key->name, tree, "a list of maps (- name: ...)");
		return look_at_items(l, key, tree);
	}
	return true;
}

static bool look_inside(const struct looking *l, const struct tree *map, const struct key *keys)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct tree_entry *entry = &map->entries[i];
		const struct key *key = keys;
		while (key->name && strcmp(key->name, entry->key) != 0)
			key++;
		const char *near = key->name ? NULL : nearest_key(keys, entry->key);
		if (near)
			project_warn(l->project,
				"a yml has a key that is not known, and nothing reads it",
				F("file", l->path), F("line", entry->line), F("key", entry->key),
				F("did_you_mean", near));
		if (key->name && !look_at(l, key, entry->value))
			return false;
	}
	return true;
}

bool yml_is_known(
	const struct project *p, const char *path, const struct tree *root, struct error *err)
{
	const struct looking l = {p, path, err};

	return root->kind != TREE_MAP || look_inside(&l, root, files);
}

const char *setting_nearly(const char *name)
{
	return text_is_one_of(name, settings) ? NULL : nearest_name(name, settings);
}
