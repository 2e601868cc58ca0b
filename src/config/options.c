/* The options of streams, of the server and of models; those of connections stand with their connectors. */
#include "base/log.h"
#include "config/config.h"

static const char *const gap_choices[] = {[ON_GAP_STOP] = "stop", [ON_GAP_RECOPY] = "recopy", NULL};
static const char *const format_choices[] = {[LOG_LOGFMT] = "logfmt", [LOG_JSON] = "json", NULL};
static const char *const level_choices[] = {[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
	NULL};

#define STREAM(field) offsetof(struct stream_options, field)
const struct option stream_option_table[] = {
	{"copy_connections", OPTION_INT, STREAM(copy_connections), "0", .min = 0, .max = 64,
		.help = "Connections that copy tables at the same time. 0: one more than the "
			"machine has cores, 4 at most."},
	{"flush_interval", OPTION_DURATION, STREAM(flush_interval_ms), "100ms", .min = 1,
		.max = 3600000,
		.help = "Shortest time between two writes. Longer makes fewer and larger "
			"writes, and rows visible later."},
	{"max_batch_rows", OPTION_INT, STREAM(max_batch_rows), "500000", .min = 1, .max = 1000000,
		.help = "Most rows of one write."},
	{"on_gap", OPTION_CHOICE, STREAM(on_gap), "stop", .choices = gap_choices,
		.help = "What to do when the source's log no longer holds what has not been "
			"read yet (a lost slot, another server): stop the stream and say so, or "
			"copy every table anew beside what is there."},
	OPTION_END,
};
#undef STREAM

#define SERVER(field) offsetof(struct server_config, field)
const struct option server_option_table[] = {
	{"listen", OPTION_STRING, SERVER(listen), "127.0.0.1:8080",
		.help = "Address of /healthz, /readyz, /metrics and /api/v1/status as "
			"host:port; port 0 is any free one, `off` is none. Whoever reaches it "
			"can read the status."},
	{"log_level", OPTION_CHOICE, SERVER(log_level), "info", .choices = level_choices,
		.help = "The least important lines that are logged."},
	{"log_format", OPTION_CHOICE, SERVER(log_format), "logfmt", .choices = format_choices,
		.help = "Form of the log lines on standard error."},
	{"memory", OPTION_BYTES, SERVER(memory_bytes), "64MiB", .min = 8 << 20,
		.max = (int64_t)1 << 40,
		.help = "Budget of all rows under way in this process, of all streams together."},
	{"hmac_key", OPTION_SECRET, SERVER(hmac_key),
		.help = "Key of the column rule `hmac`. Another key gives other values: copy "
			"the tables anew then."},
	OPTION_END,
};

#define MODELS(field) offsetof(struct models_config, field)
const struct option models_option_table[] = {
	{"project", OPTION_STRING, MODELS(project), ".",
		.help = "The folder of dbt_project.yml, models, seeds and macros, relative to this "
			"file."},
	{"database", OPTION_STRING, MODELS(database), "analytics",
		.help = "The database that models go into, `target.schema` in templates."},
	{"target", OPTION_STRING, MODELS(target), "prod",
		.help = "`target.name` in templates: what macros tell environments apart by."},
	{"connection", OPTION_STRING, MODELS(connection),
		.help = "The connection whose warehouse builds them. Default: the first one that "
			"can."},
	{"threads", OPTION_INT, MODELS(threads), "2", .min = 1, .max = 64,
		.help = "Models, or partitions of them, that are built at once."},
	{"schedules", OPTION_BOOL, MODELS(schedules), "true",
		.help = "Whether `tailrace run` builds by itself: by schedules, changes, what is "
			"missing, sensors."},
	{"retries", OPTION_INT, MODELS(retries), "1", .max = 100,
		.help = "How often a step is tried again that failed by what may pass: a server "
			"that is away, memory, a timeout."},
	{"timeout", OPTION_DURATION, MODELS(timeout_ms), "0", .max = (int64_t)30 * 86400 * 1000,
		.help = "How long a step may take; 0: as long as it does."},
	{"keep_runs", OPTION_INT, MODELS(keep_runs), "1000", .min = 1, .max = 1000000,
		.help = "Runs that `tailrace runs` remembers."},
	{"keep_runs_for", OPTION_DURATION, MODELS(keep_for_ms), "90d",
		.max = (int64_t)36500 * 86400 * 1000, .help = "And for how long; 0: for ever."},
	{"s3_endpoint", OPTION_STRING, MODELS(s3.endpoint),
		.help = "Where `s3://` is for external models, such as http://minio:9000. Without "
			"it "
			"`AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` of the environment, or AWS."},
	{"s3_region", OPTION_STRING, MODELS(s3.region),
		.help = "The region at AWS. Without it `AWS_REGION` or `AWS_DEFAULT_REGION`."},
	{"s3_access_key_id", OPTION_STRING, MODELS(s3.access_key_id),
		.help = "Without it `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and "
			"`AWS_SESSION_TOKEN`, or what the warehouse has itself."},
	{"s3_secret_access_key", OPTION_SECRET, MODELS(s3.secret_access_key),
		.help = "The key to that id."},
	OPTION_END,
};
