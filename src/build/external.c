/*
 * External models: what the model gives as a file, whole or one a partition; object.c has those in object storage. The
 * engine's answer goes to a file beside it as it comes, which then takes its name: who reads the old one keeps it, and
 * nobody reads half of one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/failpoint.h"
#include "build/making.h"

static bool read_format(
	const struct making *m, const char *path, enum export_format *out, struct error *err)
{
	static const struct {
		const char *name, *suffix;
		enum export_format format;
	} formats[] = {{"parquet", ".parquet", EXPORT_PARQUET}, {"csv", ".csv", EXPORT_CSV},
		{"jsonl", ".jsonl", EXPORT_JSON_LINES}};
	const char *text = config_text(m, "format");
	size_t len = strlen(path);

	for (size_t i = 0; i < COUNT_OF(formats); i++) {
		size_t n = strlen(formats[i].suffix);
		bool is = text ? !strcmp(text, formats[i].name)
			       : len > n && !strcmp(path + len - n, formats[i].suffix);
		*out = formats[i].format;
		if (is)
			return true;
	}
	return config_wrong(m, text ? "format" : "location", err,
		"a file is written as parquet, csv or jsonl: set 'format', or let 'location' end "
		"so");
}

/* `location`, with the partition in it. */
static bool is_object(const char *location)
{
	return !strncmp(location, S3_SCHEME, strlen(S3_SCHEME));
}

static bool read_location(const struct making *m, const char **out, struct error *err)
{
	static const char mark[] = "{partition}";
	const struct work *w = m->w;
	const char *location = config_text(m, "location");
	const char *at = location ? strstr(location, mark) : NULL;

	if (!location || (strstr(location, "://") && !is_object(location)))
		return config_wrong(m, "location", err,
			"an external model needs a 'location', the path of its file: "
			"'exports/sales.parquet', or 's3://BUCKET/sales.parquet'");
	if (*w->partition && !at)
		return config_wrong(m, "location", err,
			"'location' must hold {partition}: the model has a file for each "
			"partition");
	if (strchr(w->partition, '/'))
		return config_wrong(
			m, "partitions", err, "a key with a / in it is no part of a file's name");
	*out = !at ? location
		   : arena_printf(w->arena, "%.*s%s%s", (int)(at - location), location,
			     *w->partition ? w->partition : "all", at + strlen(mark));
	return true;
}

/* The folders above. */
static bool make_folders(struct arena *a, const char *path, struct error *err)
{
	char *copy = arena_strdup(a, path);

	for (char *slash = copy; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (mkdir(copy, 0777) != 0 && errno != EEXIST)
			return error_set(err, ERROR_CONFIG, "%s: %s", copy, strerror(errno));
		*slash = '/';
	}
	return true;
}

static bool file_error(const char *path, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "%s: %s", path, strerror(errno));
}

static bool export_to(struct making *m, int fd, enum export_format format, struct error *err)
{
	struct statement_stats stats = {0};
	struct statement statement;
	struct work *w = m->w;

	if (!work_begin(w, w->select, &statement, err))
		return false;
	statement.settings = making_settings(m);
	bool ok = w->engine->ops->export(w->engine, &statement, format, fd, &stats, err);
	w->rows = stats.result_rows;
	return work_end(w, w->select, &stats, ok, err);
}

static bool write_file(
	struct making *m, const char *path, enum export_format format, struct error *err)
{
	const char *slash = strrchr(path, '/');
	const char *folder = arena_strndup(m->w->arena, path, (size_t)(slash - path) + 1);
	const char *beside = arena_printf(
		m->w->arena, "%s.%s" STAGING_MARK "next", folder, slash + 1);
	struct stat st = {0};

	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return file_error(beside, err);
	bool ok = export_to(m, fd, format, err) &&
		  ((fsync(fd) == 0 && fstat(fd, &st) == 0) || file_error(beside, err));
	close(fd);
	failpoint("build.filled");
	ok = ok && (rename(beside, path) == 0 || file_error(path, err));
	if (!ok) {
		unlink(beside);
		return false;
	}
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		ok = fsync(dir) == 0 || file_error(folder, err);
		close(dir);
	}
	making_message(m, "%s, %lld bytes", path, (long long)st.st_size);
	return ok;
}

static bool make_file(
	struct making *m, const char *location, enum export_format format, struct error *err)
{
	const char *path = *location == '/'
				   ? location
				   : arena_printf(m->w->arena, "%s/%s", m->w->folder, location);

	return making_compile(m, false, err) && make_folders(m->w->arena, path, err) &&
	       write_file(m, path, format, err);
}

bool make_external(struct making *m, struct error *err)
{
	enum export_format format;
	const char *location = NULL;

	return read_location(m, &location, err) && read_format(m, location, &format, err) &&
	       (is_object(location) ? make_object : make_file)(m, location, format, err) &&
	       swap_end(m, (struct relation_name){0}, RELATION_ABSENT, err);
}
