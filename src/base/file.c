/* Reading whole files; see file.h. */
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STEP ((size_t)65536)

bool file_read(const char *path, struct buf *out, struct error *err)
{
	size_t limit = buf_room(out), n = 1;
	FILE *file = fopen(path, "re");

	if (!file)
		return error_set(err, ERROR_CONFIG, "%s: %s", path, strerror(errno));
	while (n && buf_room(out)) {
		size_t step = buf_room(out) < STEP ? buf_room(out) : STEP;
		n = fread(buf_extend(out, step), 1, step, file);
		out->len -= step - n;
	}
	bool more = n && fgetc(file) != EOF;
	int failed = ferror(file) ? errno : 0;
	fclose(file);
	if (failed)
		return error_set(err, ERROR_CONFIG, "%s: %s", path, strerror(failed));
	if (more)
		return error_set(
			err, ERROR_CONFIG, "%s: is larger than %zu MiB", path, limit >> 20);
	return true;
}
