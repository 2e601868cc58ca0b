/*
 * Requests on a pool of libcurl's easy handles; see http.h. A handle keeps its connection; a
 * request takes the handle that was used last, or makes one, so there are as many as requests
 * were ever under way at once.
 */
#include "clients/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <strings.h>
#include "base/clock.h"
#include "base/vec.h"
#include "clients/http_coding.h"

#define UPLOAD_BYTES (256L << 10) /* libcurl's buffer of outgoing bytes */
#define IDLE_SECONDS \
	8L /* a kept connection older than that is not trusted: servers close them at 10 */

struct http {
	struct http_options options;
	pthread_mutex_t lock;
	VEC(CURL *) idle;
};

/* One request under way. */
struct transfer {
	const struct http *http;
	const struct http_request *request;
	struct http_body *body; /* the request's, or the coder around it */
	CURL *curl;
	int64_t moved_ms; /* when a byte last went either way */
	bool stalled, cancelled, refused;
	bool headed; /* the head of the answer came to its end */
	struct error *err;
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;

static void global_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct http *http_new(const struct http_options *options)
{
	struct http *h = xcalloc(1, sizeof *h);

	pthread_once(&global_once, global_init);
	h->options = *options;
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	vec_each (&h->idle, curl)
		curl_easy_cleanup(*curl);
	vec_release(&h->idle);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static CURL *take_handle(struct http *h)
{
	CURL *curl = NULL;

	pthread_mutex_lock(&h->lock);
	if (h->idle.len)
		curl = h->idle.items[--h->idle.len];
	pthread_mutex_unlock(&h->lock);
	return curl ? curl : curl_easy_init();
}

static void give_handle(struct http *h, CURL *curl)
{
	curl_easy_reset(curl);
	pthread_mutex_lock(&h->lock);
	vec_push(&h->idle, curl);
	pthread_mutex_unlock(&h->lock);
}

static size_t read_bytes(struct http_body *body, uint8_t *out, size_t room)
{
	struct http_bytes *b = (struct http_bytes *)body;
	size_t n = b->len - b->at < room ? b->len - b->at : room;

	if (n)
		memcpy(out, b->data + b->at, n);
	b->at += n;
	return n;
}

static void rewind_bytes(struct http_body *body)
{
	((struct http_bytes *)body)->at = 0;
}

void http_bytes_init(struct http_bytes *b, const void *data, size_t len)
{
	*b = (struct http_bytes){
		.body = {.read = read_bytes, .rewind = rewind_bytes}, .data = data, .len = len};
}

/* libcurl's callbacks */

static size_t on_read(char *out, size_t size, size_t n, void *data)
{
	struct transfer *t = data;

	size_t got = t->body->read(t->body, (uint8_t *)out, size * n);
	t->moved_ms = mono_ms(); /* a body that lets wait is no fault of the other side */
	return got;
}

static int on_seek(void *data, curl_off_t offset, int origin)
{
	struct transfer *t = data;

	if (offset || origin != SEEK_SET || !t->request->body->rewind)
		return CURL_SEEKFUNC_CANTSEEK;
	t->body->rewind(t->body);
	return CURL_SEEKFUNC_OK;
}

static void note_status(struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (t->request->status)
		*t->request->status = (int)status;
}

static size_t on_write(char *bytes, size_t size, size_t n, void *data)
{
	struct transfer *t = data;

	t->moved_ms = mono_ms();
	note_status(t);
	struct http_taker *taker = t->request->taker;
	if (taker && !taker->take(taker, (const uint8_t *)bytes, size * n, t->err)) {
		t->refused = true;
		return 0;
	}
	return size * n;
}

/* "HTTP/1.1 200 OK\r\n", "Name: value\r\n", and an empty line at the end of the head. */
static size_t on_header(char *line, size_t size, size_t n, void *data)
{
	struct transfer *t = data;
	size_t len = size * n;

	t->moved_ms = mono_ms();
	if (len > 5 && !memcmp(line, "HTTP/", 5))
		t->headed = false; /* one may follow another: 100 Continue */
	else if (line[0] == '\r' || line[0] == '\n')
		t->headed = true;
	for (size_t i = 0; i < t->request->n_wanted; i++) {
		struct http_header *header = &t->request->wanted[i];
		size_t at = strlen(header->name);
		if (len <= at || strncasecmp(line, header->name, at) || line[at] != ':')
			continue;
		while (++at < len && line[at] == ' ')
			;
		size_t end = len;
		while (end > at && (line[end - 1] == '\r' || line[end - 1] == '\n'))
			end--;
		if (end - at < sizeof header->value) {
			memcpy(header->value, line + at, end - at);
			header->value[end - at] = '\0';
		}
	}
	return len;
}

static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct transfer *t = data;
	(void)a, (void)b, (void)c, (void)d;

	t->stalled = !t->request->patient &&
		     mono_ms() - t->moved_ms > t->http->options.stall_timeout_ms;
	t->cancelled = t->request->cancelled && atomic_load(t->request->cancelled);
	return t->stalled || t->cancelled;
}

static bool body_is_known(const struct http_request *request)
{
	return request->coding == HTTP_PLAIN && request->body_bytes >= 0;
}

static struct curl_slist *set_headers(struct transfer *t)
{
	/* Without these libcurl would wait a second for a "100 Continue" that the server need not
	 * send. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (const char *const *header = t->request->headers; header && *header; header++)
		list = curl_slist_append(list, *header);
	if (t->request->body && !body_is_known(t->request))
		list = curl_slist_append(list, "Transfer-Encoding: chunked");
	if (t->request->body && t->request->coding != HTTP_PLAIN) {
		char line[64] = "Content-Encoding: ";
		strcat(line, http_coding_name(t->request->coding));
		list = curl_slist_append(list, line);
	}
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, list);
	return list;
}

static void set_body(struct transfer *t)
{
	CURL *curl = t->curl;
	curl_off_t size = body_is_known(t->request) ? t->request->body_bytes : -1;

	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, size);
	curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BYTES);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(curl, CURLOPT_READDATA, t);
	curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(curl, CURLOPT_SEEKDATA, t);
}

static void set_transfer(struct transfer *t, char *error_text)
{
	const struct http_options *options = &t->http->options;
	CURL *curl = t->curl;

	curl_easy_setopt(curl, CURLOPT_URL, t->request->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	if (t->request->user)
		curl_easy_setopt(curl, CURLOPT_USERNAME, t->request->user);
	if (t->request->password)
		curl_easy_setopt(curl, CURLOPT_PASSWORD, t->request->password);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "tailrace/" TAILRACE_VERSION);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
	curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	if (options->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
	if (options->accept_any_certificate) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	/* A proxy of the environment is for the outside. */
	if (http_is_loopback(t->request->url))
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	if (t->body)
		set_body(t);
}

/* What to look at, where libcurl's words do not tell; `out` holds what names something. */
static const char *mend_of(const struct transfer *t, CURLcode code, char *out, size_t size)
{
	const char *option = t->http->options.ca_option;

	if (code == CURLE_COULDNT_CONNECT)
		return "; is it running there, and is the port right?";
	if (code == CURLE_SSL_CONNECT_ERROR)
		return "; does that port speak HTTPS?";
	if (code == CURLE_GOT_NOTHING)
		return "; does that port speak HTTP?";
	if (code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CACERT_BADFILE)
		return "";
	snprintf(out, size, "; its authority must be known here, or be named by `%s`",
		option ? option : "ca_file");
	return out;
}

static bool fail(const struct transfer *t, CURLcode code, const char *text, struct error *err)
{
	if (t->refused)
		return false;
	if (t->cancelled)
		return error_set(err, ERROR_RETRY, "the request was cancelled");
	if (t->stalled)
		return error_set(err, ERROR_RETRY, "no answer: nothing came or went for %lld s",
			(long long)(t->http->options.stall_timeout_ms / 1000));
	if (code == CURLE_SEND_FAIL_REWIND || code == CURLE_OK)
		return error_set(err, ERROR_RETRY, "the connection was cut before the answer came");
	enum error_kind kind = ERROR_RETRY;
	if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
		code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		kind = ERROR_CONFIG;
	char named[128];
	return error_set(err, kind, "%s%s", *text ? text : curl_easy_strerror(code),
		mend_of(t, code, named, sizeof named));
}

bool http_perform(struct http *h, const struct http_request *request, struct error *err)
{
	char text[CURL_ERROR_SIZE] = "";
	struct http_coder *coder = NULL;
	struct transfer t = {.http = h,
		.request = request,
		.body = request->body,
		.err = err,
		.moved_ms = mono_ms()};

	if (request->body && request->coding != HTTP_PLAIN) {
		coder = http_coder_new(request->body, request->coding);
		t.body = http_coder_body(coder);
	}
	t.curl = take_handle(h);
	if (!t.curl) {
		http_coder_free(coder);
		return error_set(err, ERROR_RETRY, "libcurl gives no handle: out of memory");
	}
	struct curl_slist *headers = set_headers(&t);
	set_transfer(&t, text);
	CURLcode code = curl_easy_perform(t.curl);
	note_status(&t);
	give_handle(h, t.curl);
	curl_slist_free_all(headers);
	http_coder_free(coder);
	/* To libcurl an answer that ends within its head is one of no bytes. */
	return (code == CURLE_OK && t.headed) || fail(&t, code, text, err);
}
