/* Files below a folder, and folders in it, sorted; see internal.h. Hidden ones are left out. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "models/internal.h"

#define MOST_NESTING 40

struct walk {
	const char *folder, *suffix;
	struct arena *arena;
	struct paths *out;
	struct error *err;
};

static bool walk_folder(struct walk *w, const char *sub, int nesting);

/* Links are what they lead to; a link to nowhere is nothing. */
static bool is_folder(const char *full, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type == DT_REG || entry->d_type == DT_DIR)
		return entry->d_type == DT_DIR;
	return stat(full, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool walk_entry(struct walk *w, const char *sub, const struct dirent *entry, int nesting)
{
	const char *name = entry->d_name;
	size_t len = strlen(name), suffix = strlen(w->suffix);
	bool wanted = len > suffix && strcmp(name + len - suffix, w->suffix) == 0;

	if (entry->d_type == DT_REG && !wanted)
		return true;
	const char *path = *sub ? arena_printf(w->arena, "%s/%s", sub, name)
				: arena_strdup(w->arena, name);
	CLEANUP(free_string) char *full = xasprintf("%s/%s", w->folder, path);

	if (is_folder(full, entry))
		return walk_folder(w, path, nesting + 1);
	if (wanted && (entry->d_type == DT_REG || access(full, F_OK) == 0))
		vec_push(w->out, path);
	return true;
}

static bool walk_folder(struct walk *w, const char *sub, int nesting)
{
	CLEANUP(free_string) char *full = xasprintf("%s/%s", w->folder, sub);
	DIR *dir = nesting < MOST_NESTING ? opendir(full) : NULL;
	bool ok = true;

	if (!dir && errno == ENOENT && !nesting)
		return true;
	if (!dir)
		return error_set(w->err, ERROR_CONFIG, "%s: %s", full,
			nesting < MOST_NESTING ? strerror(errno) : "folders nested too deep");
	for (struct dirent *entry; ok && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			ok = walk_entry(w, sub, entry, nesting);
	closedir(dir);
	return ok;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool files_below(const char *folder, const char *sub, const char *suffix, struct arena *arena,
	struct paths *out, struct error *err)
{
	struct walk w = {folder, suffix, arena, out, err};
	size_t before = out->len;

	if (!walk_folder(&w, sub, 0))
		return false;
	if (out->len > before)
		qsort(out->items + before, out->len - before, sizeof *out->items, by_name);
	return true;
}

bool folders_in(const char *folder, const char *sub, struct arena *arena, struct paths *out,
	struct error *err)
{
	const char *full = arena_printf(arena, "%s/%s", folder, sub);
	DIR *dir = opendir(full);
	size_t before = out->len;
	struct stat st;

	if (!dir && errno == ENOENT)
		return true;
	if (!dir)
		return error_set(err, ERROR_CONFIG, "%s: %s", full, strerror(errno));
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		const char *path = arena_printf(arena, "%s/%s", sub, entry->d_name);
		if (stat(arena_printf(arena, "%s/%s", folder, path), &st) == 0 &&
			S_ISDIR(st.st_mode))
			vec_push(out, path);
	}
	closedir(dir);
	if (out->len > before)
		qsort(out->items + before, out->len - before, sizeof *out->items, by_name);
	return true;
}
