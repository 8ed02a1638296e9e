/* What delivering costs without postevent: a plain loop on libcurl's multi interface that posts the same body COUNT
 * times, IN_FLIGHT at once, and checks each reply: its HTTP status, and with jansson its code. Prints the seconds from
 * the first post to the last reply, and the CPU seconds of the process in them.
 *
 *   multi_loop URL COUNT IN_FLIGHT BODY [CA_FILE | -] [WORD...]
 *     curlu    the URL is parsed once (CURLOPT_CURLU), not at every post
 *     status   the HTTP status alone is checked */
#include <curl/curl.h>
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_IN_FLIGHT = 256 };

typedef struct post {
  CURL *easy;
  char reply[4096];
  size_t size;
} post;

typedef struct loop {
  CURLM *multi;
  CURLU *url;
  struct curl_slist *headers;
  post posts[MOST_IN_FLIGHT];
  const char *body;
  int to_begin, to_end;
  int status_alone;
} loop;

static double seconds(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *user) {
  post *p = user;
  if (size * count > sizeof p->reply - p->size) return 0;
  memcpy(p->reply + p->size, bytes, size * count);
  p->size += size * count;
  return size * count;
}

static int open_post(loop *l, post *p, const char *url, const char *ca_file) {
  p->easy = curl_easy_init();
  if (!p->easy) return 0;
  if (l->url)
    curl_easy_setopt(p->easy, CURLOPT_CURLU, l->url);
  else
    curl_easy_setopt(p->easy, CURLOPT_URL, url);
  if (ca_file) curl_easy_setopt(p->easy, CURLOPT_CAINFO, ca_file);
  curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, l->headers);
  curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, p);
  curl_easy_setopt(p->easy, CURLOPT_PRIVATE, p);
  curl_easy_setopt(p->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, 15000L);
  return 1;
}

static int begin(loop *l, post *p) {
  l->to_begin--;
  p->size = 0;
  curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, l->body);
  curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(l->body));
  return curl_multi_add_handle(l->multi, p->easy) == CURLM_OK;
}

static int code_of(const post *p) {
  json_t *document = json_loadb(p->reply, p->size, 0, NULL);
  int code = (int)json_integer_value(json_object_get(json_object_get(document, "status"), "code"));
  json_decref(document);
  return code;
}

/* Whether the post was delivered; begins another one with its handle. */
static int end(loop *l, const CURLMsg *message) {
  CURLcode result = message->data.result;
  CURL *easy = message->easy_handle;
  long status = 0;
  post *p = NULL;

  l->to_end--;
  curl_multi_remove_handle(l->multi, easy); /* which ends *message */
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &p);
  if (result != CURLE_OK || status != 200) return 0;
  if (!l->status_alone && code_of(p) != 1100) return 0;
  return l->to_begin == 0 || begin(l, p);
}

static int deliver(loop *l, int in_flight) {
  for (int i = 0; i < in_flight && l->to_begin > 0; i++)
    if (!begin(l, &l->posts[i])) return 0;
  while (l->to_end > 0) {
    CURLMsg *message;
    int left;
    if (curl_multi_perform(l->multi, &left) != CURLM_OK) return 0;
    while ((message = curl_multi_info_read(l->multi, &left)))
      if (message->msg == CURLMSG_DONE && !end(l, message)) return 0;
    if (l->to_end > 0 && curl_multi_poll(l->multi, NULL, 0, 1000, NULL) != CURLM_OK) return 0;
  }
  return 1;
}

static int has_word(int argc, char **argv, const char *word) {
  for (int i = 6; i < argc; i++)
    if (strcmp(argv[i], word) == 0) return 1;
  return 0;
}

int main(int argc, char **argv) {
  static loop l;
  const char *ca_file = argc > 5 && strcmp(argv[5], "-") != 0 ? argv[5] : NULL;
  int in_flight = argc > 3 ? atoi(argv[3]) : 0;
  double start, cpu;

  if (argc < 5 || in_flight < 1 || in_flight > MOST_IN_FLIGHT) return 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  l.multi = curl_multi_init();
  curl_multi_setopt(l.multi, CURLMOPT_MAXCONNECTS, (long)in_flight);
  l.headers = curl_slist_append(l.headers, "Content-Type: application/json");
  l.headers = curl_slist_append(l.headers, "Expect:");
  l.headers = curl_slist_append(l.headers, "Authorization: Basic dGVzdF9kaXY2OWZmZmRkYg==");
  l.to_begin = l.to_end = atoi(argv[2]);
  l.body = argv[4];
  l.status_alone = has_word(argc, argv, "status");
  if (has_word(argc, argv, "curlu")) {
    l.url = curl_url();
    if (curl_url_set(l.url, CURLUPART_URL, argv[1], 0) != CURLUE_OK) return 2;
  }
  for (int i = 0; i < in_flight; i++)
    if (!open_post(&l, &l.posts[i], argv[1], ca_file)) return 1;
  start = seconds(CLOCK_MONOTONIC);
  cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  if (!deliver(&l, in_flight)) return 1;
  printf("%.6f %.6f\n", seconds(CLOCK_MONOTONIC) - start, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
  for (int i = 0; i < in_flight; i++)
    curl_easy_cleanup(l.posts[i].easy);
  curl_multi_cleanup(l.multi);
  curl_url_cleanup(l.url);
  curl_slist_free_all(l.headers);
  return 0;
}
