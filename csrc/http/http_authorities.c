/* Which of the system's authorities a handshake asks. libcurl may have two built-in defaults, a file and a directory
 * (Debian's has); what it reads of a file alone it keeps from one handshake to the next, and with a directory beside
 * it, it reads all of the file again for each, which takes longer than the rest of the handshake. So the file is asked
 * first, and the directory where that does not do. The thread of the handle. */
#include <stdio.h>

#include "base/clock.h"
#include "http/http_handle.h"

static bool can_be_read(const char *path) {
  FILE *file = fopen(path, "rbe");
  if (file) (void)fclose(file);
  return file != NULL;
}

static CURLcode set_directory(const pe_http *http, const char *path) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;
  SET(CURLOPT_CAPATH, path);
  SET(CURLOPT_PROXY_CAPATH, path);
  return result;
}

/* To libcurl a file that it cannot read is the end of it, whatever is in the directory. */
static CURLcode leave_file_out(const pe_http *http) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;
  SET(CURLOPT_CAINFO, NULL);
  SET(CURLOPT_PROXY_CAINFO, NULL);
  return result;
}

CURLcode pe_http_authorities_choose(pe_http *http) {
  const char *file = pe_curl_default(http->easy, PE_CURL_CA_FILE);
  const char *directory = pe_curl_default(http->easy, PE_CURL_CA_PATH);

  if (!file || !directory) return CURLE_OK;
  if (!can_be_read(file)) return leave_file_out(http);
  if (http->meets_tls_proxy) return CURLE_OK; /* inside its connection libcurl does not say that it was for those */
  http->ca_directory = directory;
  return set_directory(http, NULL);
}

bool pe_http_authorities_widen(pe_http *http, CURLcode result) {
  int64_t left = http->deadline - pe_clock_monotonic();

  if (result != CURLE_PEER_FAILED_VERIFICATION || http->requests > 0 || left < PE_MILLISECOND) return false;
  if (!http->ca_directory || http->asks_directory) return false;
  http->asks_directory = true;
  http->detail[0] = '\0';
  if (set_directory(http, http->ca_directory) != CURLE_OK) return false;
  return curl_easy_setopt(http->easy, CURLOPT_TIMEOUT_MS, (long)(left / PE_MILLISECOND)) == CURLE_OK;
}

void pe_http_authorities_settle(pe_http *http) {
  if (!http->asks_directory || !http->tls_failed) return;
  http->asks_directory = set_directory(http, NULL) != CURLE_OK;
}
