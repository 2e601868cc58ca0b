/* Reading files of tzdata, and asking them; see zone.h. */
#include "core/zone.h"

#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "core/zone_rule.h"

#define FILE_MAX ((size_t)1 << 20)
#define DAY_S    86400

struct zone {
	size_t n;
	int64_t *instants; /* ascending: from here on */
	int32_t *offsets;  /* ... this holds */
	int32_t before;    /* what held before the first */
	bool ruled;        /* behind the last, `rule` holds */
	struct zone_rule rule;
};

/* --- reading --- */

#define HEADER 44

/* The numbers of a header, in the order of the file. */
enum { N_UT, N_STANDARD, N_LEAP, N_TIMES, N_TYPES, N_CHARS, N_COUNTS };

static bool read_header(const struct buf *file, size_t at, uint32_t counts[N_COUNTS])
{
	if (file->len < at + HEADER || memcmp(file->data + at, "TZif", 4) != 0)
		return false;
	for (size_t i = 0; i < N_COUNTS; i++) {
		memcpy(&counts[i], file->data + at + 20 + 4 * i, 4);
		counts[i] = be32toh(counts[i]);
		if (counts[i] > FILE_MAX)
			return false;
	}
	return counts[N_TYPES] > 0;
}

static size_t block_bytes(const uint32_t counts[N_COUNTS], size_t time_bytes)
{
	return counts[N_TIMES] * (time_bytes + 1) + counts[N_TYPES] * (size_t)6 + counts[N_CHARS] +
	       counts[N_LEAP] * (time_bytes + 4) + counts[N_STANDARD] + counts[N_UT];
}

static int32_t offset_of_type(const uint8_t *types, size_t type)
{
	uint32_t offset;

	memcpy(&offset, types + 6 * type, 4);
	return (int32_t)be32toh(offset);
}

static bool read_transitions(struct zone *z, const uint8_t *block, const uint32_t counts[N_COUNTS])
{
	size_t n = counts[N_TIMES];
	const uint8_t *of = block + n * 8, *types = of + n;

	z->instants = xcalloc(n + 1, sizeof *z->instants);
	z->offsets = xcalloc(n + 1, sizeof *z->offsets);
	z->before = offset_of_type(types, 0);
	for (size_t i = 0; i < n; i++) {
		uint64_t instant;
		memcpy(&instant, block + i * 8, 8);
		z->instants[i] = (int64_t)be64toh(instant);
		if (of[i] >= counts[N_TYPES] || (i && z->instants[i] <= z->instants[i - 1]))
			return false;
		z->offsets[i] = offset_of_type(types, of[i]);
	}
	z->n = n;
	return true;
}

static bool read_rule(struct zone *z, const struct buf *file, size_t at)
{
	char text[128];
	size_t len = 0;

	if (at >= file->len || file->data[at++] != '\n')
		return false;
	for (; at < file->len && file->data[at] != '\n' && len + 1 < sizeof text; at++)
		text[len++] = (char)file->data[at];
	text[len] = '\0';
	z->ruled = len > 0;
	return !len || zone_rule_parse(text, &z->rule);
}

/* A file holds the zone twice, the second time with times of 64 bits. */
static bool parse(struct zone *z, const struct buf *file)
{
	uint32_t counts[N_COUNTS];

	if (!read_header(file, 0, counts) || file->data[4] < '2')
		return false;
	size_t at = HEADER + block_bytes(counts, 4);
	if (!read_header(file, at, counts))
		return false;
	size_t end = at + HEADER + block_bytes(counts, 8);
	return end <= file->len && read_transitions(z, file->data + at + HEADER, counts) &&
	       read_rule(z, file, end);
}

/* Only names as tzdata has them: nothing that leads out of its folder. */
static bool is_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("/_+-", *p))
			return false;
	return *name && *name != '/' && strlen(name) < 64;
}

static bool load(struct zone *z, const char *name, struct error *err)
{
	const char *folder = getenv("TZDIR");
	struct error missing = {0};
	struct buf file;
	char path[512];

	if (strcmp(name, "UTC") == 0)
		return true;
	if (!is_name(name))
		return error_set(err, ERROR_CONFIG,
			"'%s' is no time zone; write one as tzdata has it, 'Europe/Berlin', or "
			"'UTC'",
			name);
	snprintf(path, sizeof path, "%s/%s", folder && *folder ? folder : "/usr/share/zoneinfo",
		name);
	buf_init(&file, FILE_MAX);
	bool there = file_read(path, &file, &missing), ok = there && parse(z, &file);
	buf_release(&file);
	if (!there)
		return error_set(err, ERROR_CONFIG,
			"there is no time zone '%s' (%s); write one as tzdata has it, "
			"'Europe/Berlin', or 'UTC'; without the package tzdata there is only UTC",
			name, missing.text);
	return ok ||
	       error_set(err, ERROR_CONFIG,
		       "time zone '%s': %s is no file of tzdata in version 2 or later", name, path);
}

struct zone *zone_load(const char *name, struct error *err)
{
	struct zone *z = xcalloc(1, sizeof *z);

	if (load(z, name, err))
		return z;
	zone_free(z);
	return NULL;
}

void zone_free(struct zone *z)
{
	if (!z)
		return;
	free(z->instants);
	free(z->offsets);
	free(z);
}

/* --- asking --- */

int32_t zone_offset(const struct zone *z, int64_t instant)
{
	size_t low = 0, high = z->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (z->instants[middle] <= instant)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == z->n && z->ruled)
		return zone_rule_offset(&z->rule, instant);
	return low ? z->offsets[low - 1] : z->before;
}

/* The first instant behind `from` where the offset is another; it lies before `upto`. */
static int64_t change_between(const struct zone *z, int64_t from, int64_t upto)
{
	int32_t offset = zone_offset(z, from);

	while (upto - from > 1) {
		int64_t middle = from + (upto - from) / 2;
		if (zone_offset(z, middle) == offset)
			from = middle;
		else
			upto = middle;
	}
	return upto;
}

int64_t zone_instant(const struct zone *z, int64_t wall)
{
	int32_t then = zone_offset(z, wall - DAY_S), later = zone_offset(z, wall + DAY_S);

	if (zone_offset(z, wall - then) == then)
		return wall - then;
	if (zone_offset(z, wall - later) == later)
		return wall - later;
	return change_between(z, wall - DAY_S, wall + DAY_S);
}
