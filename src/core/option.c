/*
 * Option tables: finding, reading and checking values; see option.h. Values come as text, the way
 * they stand in the configuration. The reference page is in option_reference.c.
 */
#include "core/option.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/units.h"

#define LONGEST_NAME 64

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

/* Damerau-Levenshtein (optimal string alignment): letters added, left out, wrong, or two swapped;
 * case is free. */
static size_t distance(const char *a, size_t len_a, const char *b, size_t len_b)
{
	size_t rows[3][LONGEST_NAME + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= len_b; j++)
		last[j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		now[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			int ca = tolower((unsigned char)a[i - 1]),
			    cb = tolower((unsigned char)b[j - 1]);
			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
				tolower((unsigned char)a[i - 2]) == cb)
				now[j] = min3(now[j], now[j], before[j - 2] + 1);
		}
		size_t *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[len_b];
}

const char *nearest_name(const char *typed, const char *const *names)
{
	size_t len = strlen(typed), nearest = len <= 3 ? 1 : len <= 9 ? 2 : 3;
	const char *found = NULL;

	if (len > LONGEST_NAME || len < 2)
		return NULL;
	for (; *names; names++) {
		size_t other = strlen(*names);
		size_t longer = len > other ? len - other : other - len;
		if (other > LONGEST_NAME || longer > nearest)
			continue;
		size_t apart = distance(typed, len, *names, other);
		if (apart > nearest || (found && apart == nearest))
			continue;
		nearest = apart;
		found = *names;
	}
	return found;
}

const struct option *option_next(struct option_walk *w)
{
	for (;;) {
		if (w->joined && w->joined->name)
			return w->joined++;
		w->joined = NULL;
		w->base = 0;
		if (!w->next->name)
			return NULL;
		const struct option *row = w->next++;
		if (row->kind != OPTION_TABLE)
			return row;
		w->joined = row->table;
		w->base = row->offset;
	}
}

/* The walk ends at it: w->base counts. */
static const struct option *find(struct option_walk *w, const char *name)
{
	const struct option *o;

	while ((o = option_next(w)) && strcmp(o->name, name) != 0)
		;
	return o;
}

const struct option *option_find(const struct option *table, const char *name)
{
	struct option_walk w = option_walk(table);

	return find(&w, name);
}

static bool unknown_option(const struct option *table, const char *name, struct error *err)
{
	const char *names[256];
	size_t n = 0;
	struct buf list;

	struct option_walk w = option_walk(table);
	for (const struct option *o; (o = option_next(&w)) && n < COUNT_OF(names) - 1;)
		names[n++] = o->name;
	names[n] = NULL;
	const char *near = nearest_name(name, names);
	if (near)
		return error_set(err, ERROR_CONFIG, "unknown option '%.64s'; did you mean '%s'?",
			name, near);
	buf_init(&list, BUF_MAX);
	for (size_t i = 0; i < n; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
	error_set(
		err, ERROR_CONFIG, "unknown option '%.64s'; known are: %s", name, buf_text(&list));
	buf_release(&list);
	return false;
}

/* Names the option and what was wrong with its value. The value is cut short: it may be
 * anything. */
#define REFUSE(err, option, value, fmt, ...)                                             \
	error_set(err, ERROR_CONFIG, "option '%s': '%.64s' " fmt, (option)->name, value, \
		##__VA_ARGS__)

static const char *print_amount(enum option_kind kind, int64_t amount, char out[32])
{
	if (kind == OPTION_BYTES)
		bytes_print(amount, out);
	else if (kind == OPTION_DURATION)
		duration_print(amount, out);
	else
		snprintf(out, 32, "%lld", (long long)amount);
	return out;
}

static bool check_range(
	const struct option *o, const char *value, int64_t amount, struct error *err)
{
	char min[32], max[32];
	bool bounded = o->min || o->max;

	if (!bounded || (amount >= o->min && amount <= o->max))
		return true;
	print_amount(o->kind, o->min, min);
	print_amount(o->kind, o->max, max);
	if (o->max == INT64_MAX)
		return error_set(err, ERROR_CONFIG, "option '%s': %.64s is less than %s", o->name,
			value, min);
	return error_set(err, ERROR_CONFIG, "option '%s': %.64s is not between %s and %s", o->name,
		value, min, max);
}

static bool set_int(const struct option *o, int64_t *out, const char *value, struct error *err)
{
	char *end;

	errno = 0;
	long long amount = strtoll(value, &end, 10);
	if (end == value || *end || isspace((unsigned char)*value))
		return REFUSE(err, o, value, "is not a whole number");
	if (errno == ERANGE)
		return REFUSE(err, o, value, "is too large a number");
	if (!check_range(o, value, amount, err))
		return false;
	*out = amount;
	return true;
}

static bool set_bytes(const struct option *o, int64_t *out, const char *value, struct error *err)
{
	int64_t amount;

	if (!bytes_parse(value, &amount))
		return REFUSE(err, o, value, "is not a size; write it as 64MiB, 500k or 1048576");
	if (!check_range(o, value, amount, err))
		return false;
	*out = amount;
	return true;
}

static bool set_duration(const struct option *o, int64_t *out, const char *value, struct error *err)
{
	int64_t amount;

	if (!duration_parse(value, &amount))
		return REFUSE(err, o, value,
			"is not a duration; write it with its unit, as 100ms, 5s, 10min or 1h");
	if (!check_range(o, value, amount, err))
		return false;
	*out = amount;
	return true;
}

static bool set_bool(const struct option *o, bool *out, const char *value, struct error *err)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (!strcasecmp(value, words[i])) {
			*out = i % 2;
			return true;
		}
	}
	return REFUSE(err, o, value, "is neither true nor false");
}

static bool set_choice(const struct option *o, int *out, const char *value, struct error *err)
{
	struct buf list;

	for (int i = 0; o->choices[i]; i++) {
		if (!strcmp(o->choices[i], value)) {
			*out = i;
			return true;
		}
	}
	buf_init(&list, BUF_MAX);
	for (size_t i = 0; o->choices[i]; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", o->choices[i]);
	const char *near = nearest_name(value, o->choices);
	if (near)
		REFUSE(err, o, value, "is not one of %s; did you mean '%s'?", buf_text(&list),
			near);
	else
		REFUSE(err, o, value, "is not one of %s", buf_text(&list));
	buf_release(&list);
	return false;
}

static bool set_value(const struct option *o, void *place, const char *value, struct arena *arena,
	struct error *err)
{
	switch (o->kind) {
	case OPTION_STRING:
	case OPTION_SECRET: *(const char **)place = arena_strdup(arena, value); return true;
	case OPTION_INT: return set_int(o, place, value, err);
	case OPTION_BYTES: return set_bytes(o, place, value, err);
	case OPTION_DURATION: return set_duration(o, place, value, err);
	case OPTION_BOOL: return set_bool(o, place, value, err);
	case OPTION_CHOICE: return set_choice(o, place, value, err);
	case OPTION_TABLE: break;
	}
	return false;
}

static void *place_of(const struct option_walk *w, const struct option *o, const void *target)
{
	return (char *)(uintptr_t)target + w->base + o->offset;
}

bool option_defaults(
	const struct option *table, void *target, struct arena *arena, struct error *err)
{
	struct option_walk w = option_walk(table);

	for (const struct option *o; (o = option_next(&w));)
		if (o->fallback && !set_value(o, place_of(&w, o, target), o->fallback, arena, err))
			return error_add(err, "default");
	return true;
}

/* The secret that NAME_file stands for, or NULL. */
static const struct option *find_by_file(struct option_walk *w, const char *name)
{
	static const char suffix[] = "_file";
	size_t len = strlen(name), cut = sizeof suffix - 1;

	if (len <= cut || strcmp(name + len - cut, suffix) != 0)
		return NULL;
	for (const struct option *o; (o = option_next(w));)
		if (o->kind == OPTION_SECRET && strlen(o->name) == len - cut &&
			!strncmp(o->name, name, len - cut))
			return o;
	return NULL;
}

static bool set_from_file(const struct option *o, const char **out, const char *path,
	struct arena *arena, struct error *err)
{
	char *line = NULL;
	size_t cap = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return error_set(err, ERROR_CONFIG, "option '%s_file': cannot read %.512s: %s",
			o->name, path, strerror(errno));
	ssize_t len = getline(&line, &cap, file);
	int failed = ferror(file) ? errno : 0;
	fclose(file);
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		line[--len] = '\0';
	bool fine = len > 0;
	if (fine)
		*out = arena_strndup(arena, line, (size_t)len);
	else if (failed)
		error_set(err, ERROR_CONFIG, "option '%s_file': cannot read %.512s: %s", o->name,
			path, strerror(failed));
	else
		error_set(err, ERROR_CONFIG, "option '%s_file': the first line of %.512s is empty",
			o->name, path);
	free(line);
	return fine;
}

bool option_set(const struct option *table, void *target, const char *name, const char *value,
	struct arena *arena, struct error *err)
{
	struct option_walk w = option_walk(table), by_file = w;
	const struct option *o = find(&w, name);

	if (o)
		return set_value(o, place_of(&w, o, target), value, arena, err);
	o = find_by_file(&by_file, name);
	if (o)
		return set_from_file(o, place_of(&by_file, o, target), value, arena, err);
	return unknown_option(table, name, err);
}

bool option_complete(const struct option *table, const void *target, struct error *err)
{
	struct option_walk w = option_walk(table);

	for (const struct option *o; (o = option_next(&w));) {
		bool text = o->kind == OPTION_STRING || o->kind == OPTION_SECRET;
		if (!o->required || !text)
			continue;
		const char *value = *(const char *const *)place_of(&w, o, target);
		if (!value || !*value)
			return error_set(
				err, ERROR_CONFIG, "option '%s' is missing: %s", o->name, o->help);
	}
	return true;
}
