/*
 * Freshness of sources: how old the newest row of a table may be, which a test of data looks at. As dbt has it, but
 * for being a test like any other.
 */
#include "base/log.h"
#include "models/internal.h"

/* --- what a yml says --- */

static int64_t period_of(struct value v)
{
	static const struct {
		const char *name;
		int64_t minutes;
	} periods[] = {{"minute", 1}, {"hour", 60}, {"day", 1440}};

	for (size_t i = 0; i < COUNT_OF(periods); i++)
		if (value_is_text(v, periods[i].name))
			return periods[i].minutes * 60 * 1000000;
	return 0;
}

static bool is_said(struct value v)
{
	return value_given(v) && v.kind != VALUE_NONE;
}

/* {count: 12, period: hour}; what it does not say is as before. A count without a period would be no limit. */
static bool read_limit(const struct value *freshness, const char *key, struct age_limit *out)
{
	struct value limit = dict_get_text(freshness->dict, key), count, period;

	if (limit.kind == VALUE_NONE)
		*out = (struct age_limit){0};
	if (!is_said(limit))
		return true;
	if (limit.kind != VALUE_DICT)
		return false;
	count = dict_get_text(limit.dict, "count");
	period = dict_get_text(limit.dict, "period");
	if (is_said(count)) {
		if (count.kind != VALUE_INT || count.i <= 0 || count.i >= 1000000)
			return false;
		out->count = count.i;
	}
	if (is_said(period))
		out->period_us = period_of(period);
	return out->period_us || (!is_said(period) && !out->count);
}

bool freshness_take(struct project *p, const struct package *package, struct source_table *table,
	const struct tree *tree, const char *path, struct error *err)
{
	struct value v, filter;

	if (!rendered_tree(p, package, tree, path, &v, err))
		return false;
	if (v.kind == VALUE_NONE) {
		table->warn_after = table->error_after = (struct age_limit){0};
		table->freshness_filter = NULL;
		return true;
	}
	if (v.kind != VALUE_DICT || !read_limit(&v, "warn_after", &table->warn_after) ||
		!read_limit(&v, "error_after", &table->error_after))
		return error_set(err, ERROR_CONFIG,
			"%s:%d: freshness takes warn_after and error_after, each as "
			"{count: 12, period: hour} with minute, hour or day",
			path, tree->line);
	filter = dict_get_text(v.dict, "filter");
	if (filter.kind == VALUE_STRING)
		table->freshness_filter = value_strdup(&p->arena, filter);
	return true;
}

/* --- the test --- */

static const char *template_of(struct arena *a, const struct source_table *table)
{
	const char *source = arena_printf(a, "source('%s', '%s')", table->source, table->name);

	if (!table->loaded_at_query)
		return arena_printf(a,
			"{{ dbt.test_source_freshness(model=get_where_subquery(%s), "
			"**test_arguments) }}",
			source);
	return arena_printf(a,
		"{%% set this = %s %%}{%% set loaded_at_query %%}%s{%% endset %%}"
		"{{ dbt.test_source_freshness(model=this, loaded_at_query=loaded_at_query) }}",
		source, table->loaded_at_query);
}

static void put(struct project *p, struct node *node, const char *key, struct value v)
{
	dict_put_text(&p->arena, node->config, key, v);
}

/* One that only warns is of severity `warn`, and of one that only fails the two limits are one. */
static void put_settings(struct project *p, struct node *node, const struct source_table *table)
{
	int64_t warn = age_limit_us(table->warn_after), error = age_limit_us(table->error_after);
	struct arena *a = &p->arena;
	struct value filter = table->freshness_filter ? value_text(table->freshness_filter)
						      : value_none();

	put(p, node, "severity", value_text(error ? "error" : "warn"));
	put(p, node, "warn_if",
		value_text(arena_printf(a, "> %lld", (long long)(warn ? warn : error) / 1000000)));
	put(p, node, "error_if",
		value_text(arena_printf(a, "> %lld", (long long)(error ? error : warn) / 1000000)));
	put(p, node, "fail_calc", value_text("max(max_loaded_at_time_ago_in_s)"));
	put(p, node, "where", table->loaded_at_query ? value_none() : filter);
	put(p, node, "limit", value_none());
	put(p, node, "store_failures", value_bool(false));
	put(p, node, "store_failures_as", value_none());
}

bool freshness_test_add(struct project *p, const struct package *package,
	const struct source_table *table, const struct yml_place *at, struct error *err)
{
	struct arena *a = &p->arena;
	struct error problem = {0};

	if (!age_limit_us(table->warn_after) && !age_limit_us(table->error_after))
		return true;
	if (!table->loaded_at_field && !table->loaded_at_query) {
		project_warn(p,
			"freshness is not looked at without a loaded_at_field, the column that "
			"says when a row came; add it, or a loaded_at_query",
			F("place", table->place), F("source", table->source),
			F("table", table->name));
		return true;
	}
	struct node *node = node_new(p, NODE_TEST, package,
		arena_printf(a, "source_freshness_%s_%s", table->source, table->name),
		at->path + strlen(package->below));
	node->line = at->line;
	node->arguments = value_dict(dict_new(a));
	if (!table->loaded_at_query)
		dict_put_text(a, node->arguments.dict, "loaded_at_field",
			value_text(table->loaded_at_field));
	node_set_inside(p, node, at->inside);
	node->test_name = "source_freshness";
	node->tested_source = table;
	node->is_freshness = true;
	if (!settings_load(p, node, err))
		return false;
	put_settings(p, node, table);
	const char *shown = arena_printf(a, "%s: freshness", table->place),
		   *text = template_of(a, table);
	node->template = project_template(p, shown, text, strlen(text), &problem);
	if (!node->template)
		node_fail(p, node, &problem);
	return true;
}
