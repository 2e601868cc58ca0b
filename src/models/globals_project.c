/* ref, source, this, config, var and what else a template asks of its project. */
#include "models/internal.h"

#define MOST_NESTED_VARS 20

static const char *text_of(struct call *c, size_t i)
{
	return value_strdup(render_arena(c->render), c->arg[i]);
}

static const char *name_of(const struct context *context)
{
	return context->node ? context->node->path : "the text";
}

/* --- ref, source, this --- */

static bool known_parent(const struct node *node, const struct node *parent)
{
	vec_each (&node->parents, it)
		if (*it == parent)
			return true;
	return false;
}

/* The rows of the batch alone, where it is compiled for one and the parent says when a row happened.
 * A test looks so at what it tests, and at all of the others. */
static struct relation_filter filter_of(const struct context *c, bool tested,
	const char *event_time, struct partition_mapping mapping)
{
	const struct compile_batch *batch = c->options->batch;
	struct relation_filter filter = {.event_time = event_time};

	bool test = c->node->kind == NODE_TEST,
	     all = mapping.kind != MAPPING_SAME && mapping.kind != MAPPING_WINDOW;
	if (!batch || !event_time || batch->from_us >= batch->to_us || (test ? !tested : all))
		return (struct relation_filter){0};
	filter.from_us = period_add(c->node->batch_size, batch->from_us, -mapping.window);
	filter.to_us = batch->to_us;
	return filter;
}

static struct value relation_of(struct context *context, struct arena *a, const struct node *node)
{
	static const char *const types[] = {[MATERIALIZED_VIEW] = "view",
		[MATERIALIZED_TABLE] = "table",
		[MATERIALIZED_INCREMENTAL] = "table",
		[MATERIALIZED_OTHER] = "table"};

	if (node->kind == NODE_MODEL && node->materialization == MATERIALIZED_EPHEMERAL)
		return cte_value(a, dialect_of(context->project),
			arena_printf(a, CTE_PREFIX "%s", node->name));
	struct relation_filter filter = filter_of(context, node == context->node->tested,
		node->event_time, node_mapping(context->node, node));
	return relation_value(a, dialect_of(context->project),
		(struct relation_name){node->database, node->alias}, types[node->materialization],
		&filter);
}

/* A test of a yml is where the yml has it: its template is made of that. */
static struct render_place ref_place(struct call *c, struct arena *arena)
{
	const struct node *node = context_of(c)->node;

	if (value_given(node->arguments))
		return node_here(node, arena);
	return render_here(c->render, arena);
}

static bool call_ref(struct call *c)
{
	struct context *context = context_of(c);
	bool packaged = value_given(c->arg[1]);
	const char *name, *package = NULL;

	if (!call_wants(c, 0, VALUE_STRING) || !call_wants(c, 1, VALUE_STRING))
		return false;
	if (value_given(c->arg[2]) || value_given(c->arg[3]))
		return render_fail(c->render, "versions of models are not known here");
	if (packaged)
		package = text_of(c, 0);
	name = text_of(c, packaged);
	if (context->reading) {
		struct arena *kept = context->reading->arena;
		struct ref_name ref = {arena_strdup(kept, package), arena_strdup(kept, name),
			.at = ref_place(c, kept)};
		vec_push(&context->reading->refs, ref);
		c->result = relation_value(render_arena(c->render), dialect_of(context->project),
			(struct relation_name){context->project->options.database, name}, "view",
			NULL);
		return true;
	}
	const struct node *node = project_ref(context->project, package, name);
	if (!context->node)
		return render_fail(c->render, "ref() stands outside of a model");
	if (!node || !known_parent(context->node, node))
		return render_fail(c->render,
			"ref('%s') is reached only while it executes, so that its order was not "
			"known; name it "
			"outside of the condition: -- depends_on: {{ ref('%s') }}",
			name, name);
	if (context->unit)
		return unit_input(c, node, NULL);
	c->result = relation_of(context, render_arena(c->render), node);
	return true;
}

static void note_source(struct reading *reading, const struct source_table *table)
{
	vec_each (&reading->sources, it)
		if (!strcmp((*it)->source, table->source) && !strcmp((*it)->name, table->name))
			return;
	struct source_table *kept = arena_alloc(reading->arena, sizeof *kept);
	*kept = *table;
	vec_push(&reading->sources, kept);
}

static bool is_tested(const struct node *node, const struct source_table *table)
{
	const struct source_table *tested = node->tested_source;
	return tested && !strcmp(tested->source, table->source) &&
	       !strcmp(tested->name, table->name);
}

static bool call_source(struct call *c)
{
	struct context *context = context_of(c);
	struct source_table table;
	struct error err = {0};

	if (!call_wants(c, 0, VALUE_STRING) || !call_wants(c, 1, VALUE_STRING))
		return false;
	struct arena *arena = context->reading ? context->reading->arena : render_arena(c->render);
	const char *source = value_strdup(arena, c->arg[0]), *name = value_strdup(arena, c->arg[1]);
	if (!project_source(context->project, arena, source, name, &table, &err))
		return render_fail(c->render, "%s", err.text);
	if (context->reading)
		note_source(context->reading, &table);
	if (context->unit)
		return unit_input(c, NULL, &table);
	struct relation_filter filter = {0};
	if (!context->reading && context->node)
		filter = filter_of(context, is_tested(context->node, &table), table.event_time,
			node_source_mapping(context->node, &table));
	c->result = relation_value(render_arena(c->render), dialect_of(context->project),
		(struct relation_name){table.database, table.table}, "table", &filter);
	return true;
}

static bool call_this(struct call *c)
{
	const struct context *context = context_of(c);
	const struct node *node = context->node;

	if (!node)
		return render_fail(c->render, "`this` stands outside of a model");
	if (context->unit)
		return unit_input(c, node, NULL);
	const struct relation_name name = {
		node->database ? node->database : context->project->options.database,
		node->alias ? node->alias : node->name};
	c->result = relation_value(
		render_arena(c->render), dialect_of(context->project), name, "table", NULL);
	return true;
}

/* --- config --- */

static bool put_config(struct call *c, struct value key, struct value v)
{
	struct reading *reading = context_of(c)->reading;
	struct value text, kept = value_copy(reading->arena, v);

	if (!value_given(kept)) {
		struct buf b;
		buf_init(&b, BUF_MAX);
		bool ok = render_str(c->render, v, &b);
		text = render_text(c->render, b.data, b.len);
		buf_release(&b);
		if (!ok)
			return false;
		kept = value_copy(reading->arena, text);
	}
	setting_put(reading->arena, &reading->settings, value_copy(reading->arena, key), kept,
		value_text(arena_strdup(reading->arena, render_line(c->render))));
	return true;
}

static bool call_config(struct call *c)
{
	size_t i = 0;

	c->data = self_context(c);
	c->result = value_text("");
	if (!context_of(c)->reading)
		return true;
	if (!call_wants(c, 0, VALUE_DICT))
		return false;
	for (struct dict_entry *entry;
		value_given(c->arg[0]) && (entry = dict_next(c->arg[0].dict, &i));)
		if (!put_config(c, entry->key, entry->value))
			return false;
	for (i = 0; i < c->more.n_named; i++)
		if (!put_config(c, value_text(c->more.named[i].name), c->more.named[i].value))
			return false;
	return true;
}

static struct value find_config(const struct context *context, struct value name)
{
	struct value *found = NULL;

	if (context->reading)
		found = dict_find(context->reading->settings.values, name);
	if (!found && context->node)
		found = dict_find(context->node->config, name);
	return found ? *found : (struct value){0};
}

static bool call_config_get(struct call *c)
{
	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	struct value found = find_config(self_context(c), c->arg[0]);
	c->result = value_given(found) && found.kind != VALUE_NONE
			    ? value_copy(render_arena(c->render), found)
		    : value_given(c->arg[1]) ? c->arg[1]
					     : value_none();
	return true;
}

static bool call_config_require(struct call *c)
{
	if (!call_config_get(c))
		return false;
	if (c->result.kind != VALUE_NONE)
		return true;
	return render_fail(c->render, "%s does not set the configuration '%.*s'",
		name_of(self_context(c)), (int)c->arg[0].len, c->arg[0].s);
}

static bool call_false(struct call *c)
{
	c->result = value_bool(false);
	return true;
}

static const struct function config_methods[] = {
	{"get", "name default= validator=", call_config_get},
	{"require", "name default= validator=", call_config_require},
	{"persist_relation_docs", "", call_false},
	{"persist_column_docs", "", call_false},
};

static bool get_of_config(
	struct render *r, struct object *self, const char *name, struct value *out)
{
	struct methods methods = {config_methods, COUNT_OF(config_methods)};

	if (method_get(r, self, methods, name, out))
		return true;
	*out = find_config(((struct context_object *)self)->context, value_text(name));
	if (value_given(*out))
		*out = value_copy(render_arena(r), *out);
	return value_given(*out);
}

static bool call_config_object(struct call *c)
{
	static const struct function call = {"config", "config= **", call_config};
	static const struct object_ops ops = {
		.type = "config", .get = get_of_config, .call = &call};

	c->result = context_object(c, &ops);
	return true;
}

/* --- var, env_var, target --- */

static bool var_failed(struct call *c, const char *why)
{
	return render_fail(c->render, "var('%.*s'): %s", (int)c->arg[0].len, c->arg[0].s, why);
}

/* A text of dbt_project.yml is a template itself. */
static bool rendered_var(struct call *c, struct context *context, struct value v)
{
	static const char circle[] = "variables speak of each other in a circle";
	struct arena *a = render_arena(c->render);
	const char *text = v.kind == VALUE_STRING ? value_strdup(a, v) : "";
	struct error err = {0};

	c->result = value_copy(a, v);
	if (!strstr(text, "{{") && !strstr(text, "{%"))
		return true;
	if (context->nested_vars == MOST_NESTED_VARS)
		return var_failed(c, circle);
	struct template *t = template_parse("dbt_project.yml (vars)", text, strlen(text), &err);
	context->nested_vars++;
	bool ok = t && template_value(t, &context->host, NULL, a, &c->result, &err);
	context->nested_vars--;
	template_free(t);
	return ok || var_failed(c, strstr(err.text, circle) ? circle : err.text);
}

static struct value *find_var(const struct context *context, struct value name)
{
	struct value own = context->unit ? context->unit->unit->vars : (struct value){0};
	struct value *found = own.kind == VALUE_DICT ? dict_find(own.dict, name) : NULL;

	return found ? found : dict_find(context->package->vars, name);
}

static bool call_var(struct call *c)
{
	struct context *context = self_context(c);

	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	struct value *found = find_var(context, c->arg[0]);
	if (!found && !value_given(c->arg[1]))
		return render_fail(c->render,
			"there is no variable '%.*s'; set it in dbt_project.yml (vars:), by "
			"--vars, or give "
			"var() a default",
			(int)c->arg[0].len, c->arg[0].s);
	if (found)
		return rendered_var(c, context, *found);
	c->result = c->arg[1];
	return true;
}

static bool call_has_var(struct call *c)
{
	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	c->result = value_bool(find_var(self_context(c), c->arg[0]));
	return true;
}

static bool get_of_var(struct render *r, struct object *self, const char *name, struct value *out)
{
	static const struct function methods[] = {{"has_var", "name", call_has_var}};
	return method_get(r, self, (struct methods){methods, COUNT_OF(methods)}, name, out);
}

static bool call_var_object(struct call *c)
{
	static const struct function call = {"var", "name default=", call_var};
	static const struct object_ops ops = {.type = "var", .get = get_of_var, .call = &call};

	c->result = context_object(c, &ops);
	return true;
}

static bool call_target(struct call *c)
{
	const struct project_options *options = &context_of(c)->project->options;
	struct arena *a = render_arena(c->render);

	c->result = value_dict(dict_new(a));
	dict_put_text(a, c->result.dict, "name", value_text(options->target));
	dict_put_text(a, c->result.dict, "target_name", value_text(options->target));
	dict_put_text(a, c->result.dict, "profile_name", value_text("tailrace"));
	dict_put_text(a, c->result.dict, "schema", value_text(options->database));
	dict_put_text(a, c->result.dict, "type", value_text(options->engine->kind));
	dict_put_text(a, c->result.dict, "threads", value_int(1));
	return true;
}

static bool call_schema(struct call *c)
{
	const struct context *context = context_of(c);
	bool own = context->node && context->node->database;

	c->result = value_text(own ? context->node->database : context->project->options.database);
	return true;
}

static bool call_project_name(struct call *c)
{
	c->result = value_text(root_of(context_of(c)->project)->name);
	return true;
}

/* --- model --- */

static bool call_model(struct call *c)
{
	struct context *context = context_of(c);
	struct arena *a = render_arena(c->render);

	if (!context->node)
		return render_fail(c->render, "`model` stands outside of a model");
	c->result = graph_node(a, context->project, context->node);
	dict_put_text(a, c->result.dict, "batch", batch_value(context, a));
	value_freeze(c->result);
	return true;
}

/* A project that defines ref() itself calls the one of here by builtins.ref(). */
static bool call_builtins(struct call *c)
{
	struct arena *a = render_arena(c->render);

	c->result = value_dict(dict_new(a));
	for (size_t i = 0; i < globals_of_project.n; i++) {
		const struct global *global = &globals_of_project.items[i];
		if (!strcmp(global->function.name, "ref") ||
			!strcmp(global->function.name, "source"))
			dict_put_text(a, c->result.dict, global->function.name,
				function_value(a, &global->function, c->data));
	}
	return true;
}

static const struct global table[] = {
	{{"ref", "name other= version= v=", call_ref}},
	{{"source", "source table", call_source}},
	{{"this", "", call_this}, .is_value = true},
	{{"config", "", call_config_object}, .is_value = true},
	{{"var", "", call_var_object}, .is_value = true},
	{{"target", "", call_target}, .is_value = true},
	{{"schema", "", call_schema}, .is_value = true},
	{{"project_name", "", call_project_name}, .is_value = true},
	{{"model", "", call_model}, .is_value = true},
	{{"graph", "", call_graph}, .is_value = true},
	{{"partition", "", call_partition}, .is_value = true},
	{{"builtins", "", call_builtins}, .is_value = true},
	{{"adapter", "", call_adapter}, .is_value = true},
	{{"api", "", call_api}, .is_value = true},
};
const struct globals globals_of_project = {table, COUNT_OF(table)};
