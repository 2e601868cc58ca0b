/*
 * The command line. To add a command: a file cmd_NAME.c that opens with its `struct command`, a line in
 * commands.def, a line in meson.build. Help, the man page and the hints at mistyped names come from the same structs.
 *
 * Results go to standard output, all else to standard error. Exit codes: 0 done, 1 failed (or differences
 * found), 2 wrong use or configuration.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>
#include "config/config.h"

enum { DONE, FAILED, WRONG_USE };

#define MOST_FLAGS 12

struct flag {
	const char *name;  /* "json" for --json */
	const char *value; /* what it takes, "N"; NULL: it takes nothing */
	const char *help;  /* begins in lower case, ends without a dot */
	char argument;     /* 's' for -s, too: its value is one more argument of the command */
};

/* What are arguments here are behind a flag in dbt, which its users' fingers know. */
#define SELECT_FLAG                                                                      \
	{                                                                                \
		"select", "SELECTOR", "as dbt has it: the same as without the flag", 's' \
	}

struct call {
	const struct command *command;
	const char *config_path; /* -c FILE */
	const char *flags
		[MOST_FLAGS]; /* by index in command->flags: the value, "" where it takes none, NULL: not given */
	char **args;
	int n_args;
};

struct command {
	const char *name;
	const char *args;       /* "URL [CLICKHOUSE_URL]" */
	int min_args, max_args; /* max_args -1: any number */
	const char *summary;    /* one line, begins in lower case */
	const char *
		help; /* paragraphs for `tailrace help NAME` and the man page; a line is at most 78 wide */
	const struct flag *flags;        /* ends with {0}; NULL: none but -c and --help */
	bool hidden;                     /* not for people: neither in help nor in the man page */
	int (*run)(const struct call *); /* returns the exit code */
};

/* commands.def, in the order of help; ends with NULL. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);

int cli_main(int argc, char **argv);

/* Says what is wrong, and which command is near; WRONG_USE. */
int unknown_command(const char *name);

/* The value of a flag; *out stays as it is where the flag was not given. False: it was said what is wrong. */
MUST_CHECK bool flag_count(const struct call *, int index, int64_t most, int64_t *out);
MUST_CHECK bool flag_duration(
	const struct call *, int index, int64_t *out_ms); /* a plain number: seconds */

/* --- help.c --- */
void show_overview(FILE *out);
void show_command(const struct command *, FILE *out);
void show_man(FILE *out); /* roff */

/* --- output.c --- */

/* Prints "tailrace: ..." on standard error; the exit code that the error's kind stands for. */
int failed(const struct error *err);
int wrong_use(const char *fmt, ...) PRINTF(1, 2); /* likewise, WRONG_USE */

/* Is standard output a terminal on which the cursor can be moved? */
bool on_terminal(void);

/* Colours of standard output, "" where nobody sees them (no terminal, NO_COLOR, TERM=dumb). */
enum colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW };
const char *colour(enum colour);

/* Texts from outside (names, errors): what a terminal would obey is shown as '?'. */
void put_plain(const char *text, FILE *out);

/* Rows of cells in aligned columns. Cells are copied, as put_plain() shows them. */
struct grid {
	struct arena arena;
	VEC(const char *) cells;
	size_t n_columns;
	const char *right; /* a character a column: 'r' aligns right; NULL: all left */
};
void grid_init(struct grid *g, size_t n_columns, const char *right);
void grid_cell(struct grid *g, const char *fmt, ...) PRINTF(2, 3);
void grid_print(struct grid *g, const char *indent, FILE *out); /* the first row in bold */
void grid_release(struct grid *g);

#define AMOUNT 32
const char *print_count(uint64_t n, char out[AMOUNT]);    /* 1,234,567 */
const char *print_size(uint64_t bytes, char out[AMOUNT]); /* 1.2 GiB */
const char *print_time(double seconds, char out[AMOUNT]); /* 12 ms, 3.4 s, 5 min 6 s, 7 h 8 min */

#endif
