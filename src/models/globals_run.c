/* What a template asks of the run: the environment, flags, the time, messages. */
#include <stdlib.h>
#include "base/log.h"
#include "models/internal.h"

/* As a unit test overrides it; absent. */
static struct value own_env_var(struct call *c)
{
	const struct node *unit = context_of(c)->unit;
	struct value *found = unit && unit->unit->env_vars.kind == VALUE_DICT
				      ? dict_find(unit->unit->env_vars.dict, c->arg[0])
				      : NULL;

	return found ? value_copy(render_arena(c->render), *found) : (struct value){0};
}

static bool call_env_var(struct call *c)
{
	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	c->result = own_env_var(c);
	if (value_given(c->result))
		return true;
	const char *name = value_strdup(render_arena(c->render), c->arg[0]), *value = getenv(name);
	if (!strncmp(name, "DBT_ENV_SECRET", 14))
		return render_fail(c->render,
			"env_var('%s'): what is secret belongs into tailrace.yaml, not into models",
			name);
	bool given = value_given(c->arg[1]) && c->arg[1].kind != VALUE_NONE;
	if (!value && !given)
		return render_fail(c->render,
			"the environment variable %s is not set; set it, or give env_var() a "
			"default",
			name);
	c->result = value ? render_text(c->render, value, strlen(value)) : c->arg[1];
	return true;
}

static bool call_is_incremental(struct call *c)
{
	const struct context *context = context_of(c);

	c->result = value_bool(!context->reading && context->node &&
			       context->options->incremental &&
			       context->node->materialization == MATERIALIZED_INCREMENTAL);
	return true;
}

static bool call_execute(struct call *c)
{
	c->result = value_bool(!context_of(c)->reading);
	return true;
}

static bool call_flags(struct call *c)
{
	struct arena *a = render_arena(c->render);

	c->result = value_dict(dict_new(a));
	dict_put_text(a, c->result.dict, "FULL_REFRESH",
		value_bool(context_of(c)->options->full_refresh));
	dict_put_text(a, c->result.dict, "STORE_FAILURES", value_bool(false));
	dict_put_text(a, c->result.dict, "WHICH",
		value_text(context_of(c)->options->command ? context_of(c)->options->command
							   : "compile"));
	return true;
}

static bool call_dbt_version(struct call *c)
{
	c->result = value_text("1.10.0");
	return true;
}

static bool call_invocation_id(struct call *c)
{
	c->result = value_text(context_of(c)->project->invocation);
	return true;
}

static bool call_run_started_at(struct call *c)
{
	c->result = time_value(
		render_arena(c->render), context_of(c)->project->started_us, TIME_ZONED);
	return true;
}

/* --- modules --- */

static bool get_of_modules(
	struct render *r, struct object *self, const char *name, struct value *out)
{
	if (!strcmp(name, "datetime")) {
		*out = datetime_module(render_arena(r), ((struct context_object *)self)->context);
		return true;
	}
	if (!strcmp(name, "pytz")) {
		*out = pytz_module(render_arena(r));
		return true;
	}
	render_fail(r,
		"modules.%s is Python's, which is not here; run_started_at.strftime('%%Y-%%m-%%d') "
		"gives the time of "
		"the run",
		name);
	*out = (struct value){0};
	return true;
}

static bool call_modules(struct call *c)
{
	static const struct object_ops ops = {.type = "modules", .get = get_of_modules};

	c->result = context_object(c, &ops);
	return true;
}

/* --- messages --- */

static bool message_of(struct call *c, const char **out)
{
	struct buf text;

	buf_init(&text, (size_t)1 << 20);
	bool ok = render_str(c->render, c->arg[0], &text);
	const char *from = buf_text(&text) + strspn(buf_text(&text), " \t\n");
	size_t len = strlen(from);
	while (len && strchr(" \t\n", from[len - 1]))
		len--;
	*out = ok ? arena_strndup(render_arena(c->render), from, len) : "";
	buf_release(&text);
	return ok;
}

/* Nothing while the project is only read. */
static bool say(struct call *c, enum log_level level)
{
	const struct context *context = context_of(c);
	const char *message;

	c->result = value_text("");
	if (context->reading)
		return true;
	if (!message_of(c, &message))
		return false;
	log_write(level, message, LOG_FIELDS(F("file", context->node ? context->node->path : "")));
	return true;
}

static bool call_log(struct call *c)
{
	return say(c, value_truth(c->arg[1]) ? LOG_INFO : LOG_DEBUG);
}

static bool call_print(struct call *c)
{
	return say(c, LOG_INFO);
}

static bool call_warn(struct call *c)
{
	return say(c, LOG_WARN);
}

static bool call_raise(struct call *c)
{
	const char *message;
	return message_of(c, &message) && render_fail(c->render, "%s", message);
}

static bool call_exceptions(struct call *c)
{
	static const struct function functions[] = {
		{"raise_compiler_error", "msg node=", call_raise},
		{"raise_database_error", "msg node=", call_raise},
		{"raise_not_implemented", "msg", call_raise},
		{"raise_dependency_error", "msg", call_raise},
		{"warn", "msg node=", call_warn},
	};
	struct arena *a = render_arena(c->render);

	c->result = value_dict(dict_new(a));
	for (size_t i = 0; i < COUNT_OF(functions); i++)
		dict_put_text(a, c->result.dict, functions[i].name,
			function_value(a, &functions[i], c->data));
	return true;
}

static bool call_return(struct call *c)
{
	return render_return(c->render, c->arg[0]);
}

static const struct global table[] = {
	{{"env_var", "name default=", call_env_var}},
	{{"is_incremental", "", call_is_incremental}},
	{{"execute", "", call_execute}, .is_value = true},
	{{"flags", "", call_flags}, .is_value = true},
	{{"dbt_version", "", call_dbt_version}, .is_value = true},
	{{"invocation_id", "", call_invocation_id}, .is_value = true},
	{{"run_started_at", "", call_run_started_at}, .is_value = true},
	{{"modules", "", call_modules}, .is_value = true},
	{{"log", "msg info=", call_log}},
	{{"print", "msg", call_print}},
	{{"exceptions", "", call_exceptions}, .is_value = true},
	{{"return", "data=", call_return}},
};
const struct globals globals_of_run = {table, COUNT_OF(table)};
