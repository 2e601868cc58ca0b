/* The standard process_* metrics, from /proc (proc(5)); see process.h. */
#include "http/process.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct process_stat {
	unsigned long user_ticks, system_ticks, virtual_bytes;
	unsigned long long start_ticks;
	long resident_pages, threads;
};

static bool read_file(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	size_t n = fread(text, 1, size - 1, f);
	text[n] = 0;
	fclose(f);
	return n > 0;
}

/* Fields are counted behind the command's name, which may hold anything, ")" as well. */
static bool read_stat(struct process_stat *out)
{
	char text[1024];
	const char *rest = read_file("/proc/self/stat", text, sizeof text) ? strrchr(text, ')')
									   : NULL;

	return rest && sscanf(rest + 1,
			       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d "
			       "%*d %ld %*d %llu %lu %ld",
			       &out->user_ticks, &out->system_ticks, &out->threads,
			       &out->start_ticks, &out->virtual_bytes, &out->resident_pages) == 6;
}

/* When the machine started, in seconds since 1970. */
static unsigned long long boot_time(void)
{
	unsigned long long seconds = 0;
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen("/proc/stat", "re");

	while (f && !seconds && getline(&line, &size, f) > 0)
		sscanf(line, "btime %llu", &seconds);
	if (f)
		fclose(f);
	free(line);
	return seconds;
}

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n > 3 ? n - 3 : 0; /* ".", "..", and the folder itself */
}

static void print(
	const char *name, const char *type, const char *help, double value, struct buf *out)
{
	buf_printf(out, "# HELP process_%s %s\n# TYPE process_%s %s\n", name, help, name, type);
	buf_printf(out, "process_%s %.*f\n", name, value == floor(value) ? 0 : 2, value);
}

void process_metrics(struct buf *out)
{
	struct process_stat stat;
	struct rlimit limit;
	double tick = (double)sysconf(_SC_CLK_TCK);

	print("open_fds", "gauge", "Open file descriptors.", open_files(), out);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		print("max_fds", "gauge", "Most file descriptors that may be open.",
			(double)limit.rlim_cur, out);
	if (!read_stat(&stat))
		return;
	print("cpu_seconds_total", "counter",
		"Time spent on the processors, in user and system mode.",
		(double)(stat.user_ticks + stat.system_ticks) / tick, out);
	print("resident_memory_bytes", "gauge", "Resident memory.",
		(double)stat.resident_pages * (double)sysconf(_SC_PAGESIZE), out);
	print("virtual_memory_bytes", "gauge", "Virtual memory.", (double)stat.virtual_bytes, out);
	print("threads", "gauge", "Threads.", (double)stat.threads, out);
	print("start_time_seconds", "gauge",
		"When the process started, in seconds since 1970-01-01 UTC.",
		(double)boot_time() + (double)stat.start_ticks / tick, out);
}
