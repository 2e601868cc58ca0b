/* From argv to a command: finding it, reading its flags, checking what it was given. See cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "base/failpoint.h"
#include "base/log.h"
#include "core/units.h"

#define DEFAULT_CONFIG "tailrace.yaml"

#define COMMAND(name) extern const struct command name##_command;
#include "cli/commands.def"
#undef COMMAND

const struct command *const commands[] = {
#define COMMAND(name) &name##_command,
#include "cli/commands.def"
#undef COMMAND
	NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

int unknown_command(const char *name)
{
	const char *names[COUNT_OF(commands)] = {0};
	size_t n = 0;
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			names[n++] = commands[i]->name;
	const char *near = nearest_name(name, names);
	if (near)
		return wrong_use("unknown command '%s'; did you mean '%s'?", name, near);
	return wrong_use("unknown command '%s'; `tailrace help` lists them", name);
}

/* --- flags --- */

static int unknown_flag(const struct command *command, const char *typed)
{
	const char *names[MOST_FLAGS + 3] = {"config", "help"};
	size_t n = 2;
	for (const struct flag *f = command->flags; f && f->name; f++)
		names[n++] = f->name;
	const char *near = strncmp(typed, "--", 2) == 0 ? nearest_name(typed + 2, names) : NULL;
	if (near)
		return wrong_use("%s takes no %s; did you mean --%s?", command->name, typed, near);
	return wrong_use(
		"%s takes no %s; see `tailrace help %s`", command->name, typed, command->name);
}

/* "--name" or "--name=value": *value points behind the '='. */
static bool is_flag(const char *typed, const char *name, const char **value)
{
	size_t len = strlen(name);
	*value = NULL;
	if (strncmp(typed, "--", 2) != 0 || strncmp(typed + 2, name, len) != 0)
		return false;
	if (typed[2 + len] == '=')
		*value = typed + 2 + len + 1;
	return *value || typed[2 + len] == '\0';
}

/* "-x" or "-xvalue" */
static bool is_letter(const char *typed, char letter, const char **value)
{
	if (typed[0] != '-' || typed[1] != letter)
		return false;
	*value = typed[2] ? typed + 2 : NULL;
	return true;
}

static bool is_config(const char *typed, const char **value)
{
	return is_flag(typed, "config", value) || is_letter(typed, 'c', value);
}

static bool is_help(const char *typed)
{
	return strcmp(typed, "--help") == 0 || strcmp(typed, "-h") == 0;
}

/* --name, --name=VALUE, and of one that has a letter -x VALUE, -xVALUE. */
static bool is_this(const char *typed, const struct flag *f, const char **value)
{
	return is_flag(typed, f->name, value) ||
	       (f->argument && is_letter(typed, f->argument, value));
}

/* Arguments are gathered where argv had them, or what stood before them. */
static int take_flag(struct call *call, char ***next, char **end)
{
	char *typed = *(*next)++;
	const char *value, **place = NULL;
	bool wants_value = true;

	if (is_config(typed, &value))
		place = &call->config_path;
	for (const struct flag *f = call->command->flags; !place && f && f->name; f++)
		if (is_this(typed, f, &value)) {
			place = f->argument ? (const char **)&call->args[call->n_args++]
					    : &call->flags[f - call->command->flags];
			wants_value = f->value;
		}
	if (!place)
		return unknown_flag(call->command, typed);
	if (!wants_value && value)
		return wrong_use("%.*s takes no value", (int)strcspn(typed, "="), typed);
	if (wants_value && !value && *next == end)
		return wrong_use("%s needs a value", typed);
	*place = !wants_value ? "" : value ? value : *(*next)++;
	return DONE;
}

static int check_count(const struct call *call)
{
	const struct command *c = call->command;
	if (call->n_args < c->min_args)
		return wrong_use("an argument is missing; usage: tailrace %s %s", c->name, c->args);
	if (c->max_args >= 0 && call->n_args > c->max_args)
		return wrong_use("unexpected argument '%s'; usage: tailrace %s%s%s",
			call->args[c->max_args], c->name, *c->args ? " " : "", c->args);
	return DONE;
}

/* Flags may stand anywhere; behind "--" nothing is a flag, and neither is a lone "-". */
static int read_and_run(struct call *call, char **next, char **end)
{
	bool flags_end = false;
	call->args = next;
	while (next < end) {
		if (!flags_end && strcmp(*next, "--") == 0) {
			flags_end = true;
			next++;
		} else if (!flags_end && is_help(*next)) {
			show_command(call->command, stdout);
			return DONE;
		} else if (!flags_end && (*next)[0] == '-' && (*next)[1]) {
			int code = take_flag(call, &next, end);
			if (code != DONE)
				return code;
		} else {
			call->args[call->n_args++] = *next++;
		}
	}
	int code = check_count(call);
	return code == DONE ? call->command->run(call) : code;
}

static int dispatch(int argc, char **argv)
{
	struct call call = {.config_path = DEFAULT_CONFIG};
	char **next = argv + 1, **end = argv + argc;
	const char *value;

	while (next < end && is_config(*next, &value)) {
		if (!value && ++next == end)
			return wrong_use("-c needs a file");
		call.config_path = value ? value : *next;
		next++;
	}
	if (next == end) {
		show_overview(stderr);
		return WRONG_USE;
	}
	if (is_help(*next)) {
		show_overview(stdout);
		return DONE;
	}
	if (strcmp(*next, "--version") == 0) {
		puts("tailrace " TAILRACE_VERSION);
		return DONE;
	}
	call.command = command_find(*next);
	if (!call.command)
		return (*next)[0] == '-'
			       ? wrong_use("unknown option '%s'; see `tailrace help`", *next)
			       : unknown_command(*next);
	return read_and_run(&call, next + 1, end);
}

int cli_main(int argc, char **argv)
{
	failpoints_init();
	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_WARN, LOG_LOGFMT); /* `run` asks its configuration */
	int code = dispatch(argc, argv);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	/* A reader that has seen enough, as head does, needs no word. */
	if (errno != EPIPE)
		wrong_use("standard output: %s", strerror(errno));
	return code == DONE ? FAILED : code;
}

/* --- values --- */

static const char *name_of(const struct call *call, int index)
{
	return call->command->flags[index].name;
}

bool flag_count(const struct call *call, int index, int64_t most, int64_t *out)
{
	const char *text = call->flags[index];
	char *end;
	if (!text)
		return true;
	long long n = strtoll(text, &end, 10);
	if (!*text || *end || n < 0 || n > most) {
		wrong_use("--%s takes a number from 0 to %lld, not '%s'", name_of(call, index),
			(long long)most, text);
		return false;
	}
	*out = n;
	return true;
}

bool flag_duration(const struct call *call, int index, int64_t *out_ms)
{
	const char *text = call->flags[index];
	if (!text)
		return true;
	CLEANUP(free_string) char *seconds = xasprintf("%ss", text);
	if (duration_parse(seconds, out_ms) || duration_parse(text, out_ms))
		return true;
	wrong_use("--%s takes seconds or a duration as 90s, 5min or 1h, not '%s'",
		name_of(call, index), text);
	return false;
}
