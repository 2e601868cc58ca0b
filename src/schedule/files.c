/* The files of a project, as one number: their paths, sizes and times. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/text.h"
#include "schedule/internal.h"

#define DEPTH 24

static const char *const tops[] = {"dbt_project.yml", "models", "seeds", "snapshots", "tests",
	"macros", "analyses", "dbt_packages", NULL};

/* Added up, so that the order in which a folder is listed does not matter. */
static uint64_t sum(const char *path, int depth)
{
	struct stat st;
	struct buf text;
	uint64_t hash;

	if (stat(path, &st) != 0)
		return 0;
	buf_init(&text, BUF_MAX);
	buf_printf(&text, "%s %lld %lld %ld", path, (long long)st.st_size,
		(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	hash = text_hash(buf_text(&text), text.len);
	DIR *folder = S_ISDIR(st.st_mode) && depth < DEPTH ? opendir(path) : NULL;
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		if (entry->d_name[0] == '.')
			continue;
		buf_clear(&text);
		buf_printf(&text, "%s/%s", path, entry->d_name);
		hash += sum(buf_text(&text), depth + 1);
	}
	if (folder)
		closedir(folder);
	buf_release(&text);
	return hash;
}

uint64_t project_files(const char *folder)
{
	uint64_t hash = 1;

	for (size_t i = 0; tops[i]; i++) {
		CLEANUP(free_string) char *path = xasprintf("%s/%s", folder, tops[i]);
		hash += sum(path, 0);
	}
	return hash;
}
