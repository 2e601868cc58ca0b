/* Taking URLs apart and putting text into them; see http.h. */
#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>
#include "base/mem.h"
#include "clients/http.h"

/* A malloc'd copy, NULL when the URL has no such part. */
static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL;

	if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
		return NULL;
	char *copy = xstrdup(text);
	curl_free(text);
	return copy;
}

static bool is_loopback_number(const char *host)
{
	return !strncmp(host, "127.", 4) && !host[strspn(host, "0123456789.")];
}

bool http_is_loopback(const char *text)
{
	CURLU *url = curl_url();
	bool is = false;

	if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) {
		char *host = url_part(url, CURLUPART_HOST, 0);
		is = host && (!strcasecmp(host, "localhost") || is_loopback_number(host) ||
				     !strcmp(host, "[::1]"));
		free(host);
	}
	curl_url_cleanup(url);
	return is;
}

bool http_split_url(const char *text, char **bare, char **user, char **password, struct error *err)
{
	CURLU *url = curl_url();
	CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, text, 0) : CURLUE_OUT_OF_MEMORY;

	*bare = *user = *password = NULL;
	if (code == CURLUE_OK) {
		*user = url_part(url, CURLUPART_USER, CURLU_URLDECODE);
		*password = url_part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
		curl_url_set(url, CURLUPART_USER, NULL, 0);
		curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
		*bare = url_part(url, CURLUPART_URL, 0);
	}
	curl_url_cleanup(url);
	/* The text may hold a password: it is not shown. */
	return *bare || error_set(err, ERROR_CONFIG,
				"the URL cannot be read (%s); it should look like http://host:8123",
				curl_url_strerror(code));
}

char *http_unescape(const char *text, size_t len)
{
	char *plain = len ? curl_easy_unescape(NULL, text, (int)len, NULL) : NULL;
	char *copy = xstrdup(plain ? plain : "");

	curl_free(plain);
	return copy;
}

void http_escape(const char *text, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			strchr("-_.~", c)) {
			buf_u8(out, c);
		} else if (c == ' ') {
			buf_u8(out, '+');
		} else {
			buf_u8(out, '%');
			buf_u8(out, (uint8_t)digits[c >> 4]);
			buf_u8(out, (uint8_t)digits[c & 15]);
		}
	}
}
