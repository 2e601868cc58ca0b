/* `tailrace help`, and what is printed for the documentation: the reference page and the man page. */
#include "cli/cli.h"

static int help(const struct call *call)
{
	if (!call->n_args) {
		show_overview(stdout);
		return DONE;
	}
	const struct command *command = command_find(call->args[0]);
	if (!command || command->hidden)
		return unknown_command(call->args[0]);
	show_command(command, stdout);
	return DONE;
}

const struct command help_command = {
	.name = "help",
	.args = "[COMMAND]",
	.max_args = 1,
	.summary = "what a command does and takes",
	.help = "Without a command: the list of all.\n",
	.run = help,
};

static int reference(const struct call *call)
{
	(void)call;
	struct buf out;
	buf_init(&out, BUF_MAX);
	config_reference(&out);
	fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
	return DONE;
}

const struct command reference_command = {
	.name = "reference",
	.args = "",
	.summary = "everything that a configuration may hold, in Markdown",
	.help = "The keys and options of tailrace.yaml with their defaults and ranges.\n",
	.run = reference,
};

static int man(const struct call *call)
{
	(void)call;
	show_man(stdout);
	return DONE;
}

const struct command man_command = {
	.name = "man",
	.args = "",
	.summary = "print the man page, in roff",
	.help = "",
	.hidden = true,
	.run = man,
};
