/* The files of examples/shop, written where the demo's user reads and changes them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "demo/project.h"

/* dbt_project.yml, by which a project is known, comes first and is written last. */
static const struct {
	const char *path, *text;
} project_files[] = {
#include "demo/project_files.h"
};

#define BEGIN "begin: \"" /* and a day, in dbt_project.yml */

static bool write_failed(const char *path, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "cannot write %s: %s", path, strerror(errno));
}

static bool make_folders(char *path, struct error *err)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		bool ok = mkdir(path, 0755) == 0 || errno == EEXIST;
		if (!ok)
			return write_failed(path, err);
		*slash = '/';
	}
	return true;
}

static bool write_text(const char *path, const char *text, struct error *err)
{
	FILE *file = fopen(path, "we");
	bool ok = file && fputs(text, file) >= 0;

	ok = file && fclose(file) == 0 && ok;
	return ok || write_failed(path, err);
}

/* The text with another day behind its first BEGIN. */
static void with_begin(const char *text, int64_t begin_us, struct buf *out)
{
	const char *day = strstr(text, BEGIN);
	time_t seconds = (time_t)(begin_us / 1000000);
	char begin[16];
	struct tm tm;

	if (!day) {
		buf_puts(out, text);
		return;
	}
	day += strlen(BEGIN);
	strftime(begin, sizeof begin, "%F", gmtime_r(&seconds, &tm));
	buf_append(out, text, (size_t)(day - text));
	buf_puts(out, begin);
	buf_puts(out, day + strcspn(day, "\""));
}

static bool write_file(const char *folder, size_t i, int64_t begin_us, struct error *err)
{
	struct buf path, text;

	buf_init(&path, BUF_MAX);
	buf_init(&text, BUF_MAX);
	buf_printf(&path, "%s/%s", folder, project_files[i].path);
	buf_text(&path);
	with_begin(project_files[i].text, begin_us, &text);
	bool ok = make_folders((char *)path.data, err) &&
		  write_text(buf_text(&path), buf_text(&text), err);
	buf_release(&path);
	buf_release(&text);
	return ok;
}

bool demo_project_write(const char *folder, int64_t begin_us, struct error *err)
{
	char known[4096];

	snprintf(known, sizeof known, "%s/%s", folder, project_files[0].path);
	if (access(known, F_OK) == 0)
		return true;
	for (size_t i = COUNT_OF(project_files); i-- > 0;) {
		if (!write_file(folder, i, begin_us, err))
			return false;
	}
	return true;
}
